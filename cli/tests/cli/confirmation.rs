//! The confirmation on mainnet, and nodes that answer falsely. A proxy in front of a local chain
//! changes answers of the node.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
    thread,
};

use crate::support::{BAUTA, Home, text_of};

const MAINNET: &str = r#""5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d""#;

/// What the proxy does with a request whose body contains the method.
#[derive(Clone, Copy)]
enum Fault {
    /// Answers with this result.
    Answers(&'static str, &'static str),
    /// Forwards the request and closes the connection without the answer.
    LosesAnswer(&'static str),
}

/// Starts the proxy of a node that reports the genesis hash of mainnet. Returns its URL.
fn mainnet_in_front_of(node: &str) -> String {
    in_front_of(node, Fault::Answers("getGenesisHash", MAINNET))
}

/// Starts the proxy. Returns its URL. It ends with this process.
fn in_front_of(node: &str, fault: Fault) -> String {
    let node = node.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let node = node.clone();
            // A client that closes its connection early is not a failure of the test.
            thread::spawn(move || forward(client, &node, fault).ok());
        }
    });
    url
}

/// Answers one request and closes the connection.
fn forward(mut client: TcpStream, node: &str, fault: Fault) -> std::io::Result<()> {
    let body = body_of(&mut BufReader::new(&mut client))?;
    let is_about = |method: &str| String::from_utf8_lossy(&body).contains(method);
    let answer = if let Fault::Answers(method, result) = fault
        && is_about(method)
    {
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#).into_bytes()
    } else {
        let mut server = TcpStream::connect(node)?;
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {node}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        server.write_all(head.as_bytes())?;
        server.write_all(&body)?;
        let answer = body_of(&mut BufReader::new(server))?;
        if matches!(fault, Fault::LosesAnswer(method) if is_about(method)) {
            return Ok(());
        }
        answer
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        answer.len()
    );
    client.write_all(head.as_bytes())?;
    client.write_all(&answer)
}

/// Reads the head of a message and returns its body.
fn body_of(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

#[test]
fn a_transaction_on_mainnet_needs_a_confirmation() {
    let (mut home, chain) = Home::initialized();
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let create = ["registry", "create", "--keypair", "authority.json"];

    // The pinned tag of a node on this machine is that of local chains, which has no genesis hash.
    let error = home.failure(6, &create);
    assert_eq!(error["kind"], "declined");
    assert!(text_of(&error["next"]).contains("--yes"), "{error}");
    assert_eq!(home.json(&["registry", "list"])["items"], serde_json::json!([]));
    assert_eq!(home.json(&[&create[..], &["--dry-run"]].concat())["sent"], false);
    assert_eq!(home.json(&[&create[..], &["--yes"]].concat())["sent"], true);
}

/// Runs `bauta` on a pseudo-terminal on which the user types a line. Returns its exit code.
fn on_a_terminal(home: &Home, arguments: &[&str], typed: &str) -> Option<i32> {
    let command = format!("{BAUTA} {}", arguments.join(" "));
    let mut script = home
        .command("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The input stays open until the command ends. Its end would be a second answer.
    let mut input = script.stdin.take().unwrap();
    writeln!(input, "{typed}").unwrap();
    script.wait_with_output().unwrap().status.code()
}

#[test]
fn on_a_terminal_only_the_answer_yes_confirms() {
    let (mut home, chain) = Home::initialized();
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let create = ["registry", "create", "--keypair", "authority.json"];
    assert_eq!(on_a_terminal(&home, &create, "no"), Some(6));
    assert_eq!(home.json(&["registry", "list"])["items"], serde_json::json!([]));
    assert_eq!(on_a_terminal(&home, &create, "yes"), Some(0));
    let listed = home.json(&["registry", "list"]);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_node_of_another_cluster_than_the_named_one_is_refused() {
    let (mut home, chain) = Home::initialized();
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let create = ["registry", "create", "--keypair", "authority.json", "--yes"];
    let error = home.failure(3, &[&create[..], &["--cluster-tag", "devnet"]].concat());
    assert!(
        text_of(&error["message"]).contains("serves another cluster than devnet"),
        "{error}"
    );
}

#[test]
fn a_node_that_reports_a_false_rent_takes_no_lamports() {
    let (mut home, chain) = Home::initialized();
    // 100 SOL.
    let fault = Fault::Answers("getMinimumBalanceForRentExemption", "100000000000");
    home.use_node(&in_front_of(chain.rpc_url(), fault));
    let create = ["registry", "create", "--keypair", "authority.json"];
    let error = home.failure(3, &create);
    assert!(
        text_of(&error["message"]).contains("no cluster takes more"),
        "{error}"
    );
    assert_eq!(home.json(&["registry", "list"])["items"], serde_json::json!([]));
}

#[test]
fn a_transaction_whose_answer_is_lost_is_reported_as_unknown_with_its_signature() {
    let (mut home, chain) = Home::initialized();
    let fault = Fault::LosesAnswer("sendTransaction");
    home.use_node(&in_front_of(chain.rpc_url(), fault));
    let create = ["registry", "create", "--keypair", "authority.json"];
    let error = home.failure(5, &create);
    assert_eq!(error["kind"], "unknown", "{error}");
    assert!(
        text_of(&error["next"]).contains("look the transaction"),
        "{error}"
    );
}
