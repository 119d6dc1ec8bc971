//! Paths from the leaves that an API serves. The server of the test responds as
//! `docs/api/api-service.openapi.json` says.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use bauta_primitives::{Attributes, Commitment, EntryId, FieldElement, Leaf};

use crate::support::{Home, sealed, text_of};

/// The paths that were requested.
type Requests = Arc<Mutex<Vec<String>>>;

/// Starts a server that answers every request with the bytes. It ends with this process.
fn serve(status: &'static str, body: Vec<u8>) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that closes its connection early is not a failure of the test.
            let _ = respond(client, status, &body, &seen);
        }
    });
    (url, requests)
}

fn respond(mut client: TcpStream, status: &str, body: &[u8], seen: &Requests) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut client);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(path);
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    client.write_all(head.as_bytes())?;
    client.write_all(body)
}

#[test]
fn a_path_from_an_api_needs_all_leaves_of_the_root_and_no_history() {
    let (home, _chain) = Home::initialized();
    let circuit = home.by_authority(&["circuit", "register", "--development"]);
    let circuit = text_of(&circuit["circuit"]);
    let registry = home.by_authority(&["registry", "create", "--kind", "managed"]);
    let registry = text_of(&registry["registry"]);
    let commitment = home.commitment(registry, "7");
    let leaf = Leaf::of(
        Commitment::from_hex(&commitment).unwrap(),
        EntryId::new(FieldElement::from_u64(7)),
        Attributes::of_track(3),
    );
    let first = FieldElement::from_u64(5);
    let append = [
        "registry",
        "append",
        registry,
        "--leaf",
        "5",
        "--leaf",
        &leaf.to_string(),
    ];
    home.by_authority(&append);
    let create = ["scope", "create", "--registry", registry, "--circuit", circuit];
    let scope = home.by_authority(&create);
    let scope = text_of(&scope["scope"]);
    let prove = [
        "prove",
        scope,
        "--identity",
        "identity",
        "--entry",
        "7",
        "--track",
        "3",
    ];
    let prove = sealed(&[&prove[..], &["--recipient", scope]].concat());

    let (url, _) = serve("404 Not Found", b"{\"code\":\"not_found\"}".to_vec());
    let error = home.failure(3, &[&prove[..], &["--api", &url]].concat());
    assert!(text_of(&error["message"]).contains("not_found"), "{error}");
    let (url, _) = serve("200 OK", leaf.to_bytes().to_vec());
    let error = home.failure(3, &[&prove[..], &["--api", &url]].concat());
    assert!(
        text_of(&error["message"]).contains("of a tree whose root is not"),
        "{error}"
    );
    let (url, _) = serve("200 OK", vec![0; 33]);
    let error = home.failure(3, &[&prove[..], &["--api", &url]].concat());
    assert!(text_of(&error["message"]).contains("33 bytes"), "{error}");
    assert!(!home.file("proof.json").exists());

    let (url, _) = serve("200 OK", b"{\"relayers\":[]}".to_vec());
    let error = home.failure(3, &[&prove[..], &["--relay", &url]].concat());
    assert!(
        text_of(&error["message"]).contains("no wallet that can pay"),
        "{error}"
    );

    let leaves = [first.to_bytes(), leaf.to_bytes()].concat();
    let (url, requests) = serve("200 OK", leaves);
    let proved = home.json(&[&prove[..], &["--api", &url]].concat());
    let error = home.failure(1, &["verify", "proof.json", "--relay", &url]);
    assert!(text_of(&error["next"]).contains("bauta prove --relay"), "{error}");
    let named = [&prove[..], &["--relayer", scope, "--out", "named.json"]].concat();
    home.json(&named);
    let relay = |url| home.failure(3, &["verify", "named.json", "--relay", url]);
    assert!(text_of(&relay("http://127.0.0.1:1")["message"]).contains("did not respond"));
    let disabled = b"{\"code\":\"feature_disabled\",\"detail\":\"it is off\"}".to_vec();
    let (disabled, _) = serve("503 Service Unavailable", disabled);
    let error = home.failure(4, &["verify", "named.json", "--relay", &disabled]);
    assert!(text_of(&error["message"]).contains("it is off"), "{error}");
    assert_eq!(home.by_authority(&["verify", "proof.json"])["verified"], true);
    // The request names the registry and the root, and not the member.
    let root = text_of(&proved["root"]);
    let expected = format!("/v1/registries/{registry}/roots/{root}/leaves");
    assert_eq!(*requests.lock().unwrap(), [expected]);
}

#[test]
fn an_authority_reads_the_present_leaves_from_an_api() {
    let (home, _chain) = Home::initialized();
    let registry = home.by_authority(&["registry", "create", "--kind", "managed"]);
    let registry = text_of(&registry["registry"]);
    let member = |commitment: u64, entry, track| {
        Leaf::of(
            Commitment::new(FieldElement::from_u64(commitment)),
            EntryId::new(FieldElement::from_u64(entry)),
            Attributes::of_track(track),
        )
    };
    home.write("members", "5,7,3\n6,8,4\n");
    let append = ["registry", "append", registry, "--file", "members"];
    assert_eq!(home.by_authority(&append)["leaves"], 2);
    let leaves = [member(5, 7, 3).to_bytes(), member(6, 8, 4).to_bytes()].concat();
    let (url, requests) = serve("200 OK", leaves);
    home.write("members", "5,7,3\n6,8,4\n7,9,4\n");
    let appended = home.by_authority(&[&append[..], &["--api", &url, "--dry-run"]].concat());
    assert_eq!(appended["leaves"], 1);
    let replace = ["registry", "replace", registry, "--index", "1", "--remove"];
    home.by_authority(&[&replace[..], &["--api", &url]].concat());
    assert_eq!(requests.lock().unwrap().len(), 2);
    // The API has the leaves of the former root.
    let error = home.failure(
        3,
        &[&append[..], &["--api", &url, "--keypair", "authority.json"]].concat(),
    );
    assert!(
        text_of(&error["message"]).contains("of a tree whose root is not"),
        "{error}"
    );
}

#[test]
fn doctor_checks_the_services_that_it_is_given() {
    let (home, _chain) = Home::initialized();
    let healthy = r#"{"status":"healthy","circuits":"loaded","database":"connected"}"#;
    let unhealthy = r#"{"status":"starting","circuits":"loaded","database":"connected"}"#;
    let without_database = r#"{"status":"healthy","circuits":"unavailable","database":"unavailable"}"#;
    let doctor = |body: &str| {
        let (url, _) = serve("200 OK", body.as_bytes().to_vec());
        home.run(&["doctor", "--keypair", "authority.json", "--api", &url])
    };
    let output = doctor(healthy);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("database connected"),
        "{text}"
    );
    let output = doctor(without_database);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{text}");
    assert!(text.contains("database unavailable"), "{text}");
    for wrong in ["<html>", unhealthy] {
        assert_eq!(doctor(wrong).status.code(), Some(7), "{wrong}");
    }
}
