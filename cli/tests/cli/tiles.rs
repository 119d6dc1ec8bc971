//! Paths from the tiles of an API. The server of the test responds as
//! `docs/api/api-service.openapi.json` says.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use bauta_primitives::{
    Attributes, Commitment, EntryId, FieldElement, Leaf,
    tree::{EMPTY_SUBTREES, node},
};

use crate::support::{Home, sealed, text_of};

/// The paths that were requested.
type Requests = Arc<Mutex<Vec<String>>>;

/// Starts a server with a body for each path, and 404 for others. It ends with this process.
fn serve(bodies: HashMap<String, Vec<u8>>) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that closes its connection early is not a failure of the test.
            let _ = respond(client, &bodies, &seen);
        }
    });
    (url, requests)
}

fn respond(mut client: TcpStream, bodies: &HashMap<String, Vec<u8>>, seen: &Requests) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut client);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let body = bodies.get(&path);
    seen.lock().unwrap().push(path);
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.cloned().unwrap_or_default();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    client.write_all(head.as_bytes())?;
    client.write_all(&body)
}

/// Returns the node above a first child whose other children are empty.
fn above(mut first: FieldElement, levels: std::ops::Range<usize>) -> FieldElement {
    for level in levels {
        let empty = EMPTY_SUBTREES[level];
        first = node([first, empty, empty, empty]);
    }
    first
}

/// Returns the tiles of a tree of depth 10 with two leaves, by their paths.
fn tiles_of(first: FieldElement, second: FieldElement) -> HashMap<String, Vec<u8>> {
    let empty = EMPTY_SUBTREES[0];
    let low = above(node([first, second, empty, empty]), 1..4);
    let middle = above(low, 4..8);
    let root = above(middle, 8..10);
    let tile = |level: u8, entries: &[FieldElement]| {
        let entries = entries.iter().flat_map(|entry| entry.to_bytes());
        [level].into_iter().chain(entries).collect::<Vec<u8>>()
    };
    HashMap::from([
        (format!("/v1/tiles/{root}"), tile(10, &[middle])),
        (format!("/v1/tiles/{middle}"), tile(8, &[low])),
        (format!("/v1/tiles/{low}"), tile(4, &[first, second])),
    ])
}

#[test]
fn a_path_by_tiles_reads_three_tiles_and_no_leaves() {
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
    let append = ["registry", "append", registry, "--leaf", "5", "--leaf"];
    home.by_authority(&[&append[..], &[&leaf.to_string()]].concat());
    let create = ["scope", "create", "--registry", registry, "--circuit", circuit];
    let scope = home.by_authority(&[&create[..], &["--mode", "live"]].concat());
    let scope = text_of(&scope["scope"]);
    let prove = ["prove", scope, "--identity", "identity", "--entry", "7"];
    let prove = sealed(&[&prove[..], &["--track", "3", "--recipient", scope]].concat());

    let tiles = tiles_of(FieldElement::from_u64(5), leaf.element());
    let (url, requests) = serve(tiles.clone());
    let by_tiles = [&prove[..], &["--api", &url, "--tiles"]].concat();
    let error = home.failure(1, &by_tiles);
    assert!(text_of(&error["message"]).contains("--index"), "{error}");
    let error = home.failure(1, &[&by_tiles[..], &["--index", "0"]].concat());
    assert!(text_of(&error["message"]).contains("not in the tree"), "{error}");
    requests.lock().unwrap().clear();
    home.json(&[&by_tiles[..], &["--index", "1"]].concat());
    let seen: Vec<String> = requests.lock().unwrap().clone();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|path| tiles.contains_key(path)), "{seen:?}");
    assert_eq!(home.by_authority(&["verify", "proof.json"])["verified"], true);

    // A changed tile is an error, and no proof is made.
    let mut changed = tiles;
    for body in changed.values_mut() {
        *body.last_mut().unwrap() ^= 1;
    }
    let (url, _) = serve(changed);
    let wrong = ["--api", &url, "--tiles", "--index", "1", "--out", "second.json"];
    let error = home.failure(3, &[&prove[..], &wrong].concat());
    assert!(text_of(&error["message"]).contains("hash"), "{error}");
    assert!(!home.file("second.json").exists());
}
