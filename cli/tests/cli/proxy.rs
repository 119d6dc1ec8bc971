//! A proxy in front of a local chain that changes answers of the node.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// What the proxy does with a request whose body contains the method.
#[derive(Clone)]
pub enum Fault {
    /// Answers with this result.
    Answers(&'static str, String),
    /// Forwards every request and response.
    Nothing,
    /// Does not forward each third request of this kind, and refuses all after this number.
    DropsThenRefuses(&'static str, usize, Arc<AtomicUsize>),
    /// Refuses the second method after it has forwarded the first one.
    RefusesAfter(&'static str, &'static str, Arc<AtomicBool>),
    /// Forwards the request and closes the connection without the answer.
    LosesAnswer(&'static str),
}

/// Starts the proxy. Returns its URL. It ends with this process.
pub fn in_front_of(node: &str, fault: Fault) -> String {
    let node = node.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (node, fault) = (node.clone(), fault.clone());
            // A client that closes its connection early is not a failure of the test.
            thread::spawn(move || forward(client, &node, &fault).ok());
        }
    });
    url
}

/// Answers one request and closes the connection.
fn forward(mut client: TcpStream, node: &str, fault: &Fault) -> std::io::Result<()> {
    let body = body_of(&mut BufReader::new(&mut client))?;
    let is_about = |method: &str| String::from_utf8_lossy(&body).contains(method);
    // The number of this request among those of its kind, from 1 on.
    let number = match fault {
        Fault::DropsThenRefuses(method, _, count) if is_about(method) => {
            count.fetch_add(1, Ordering::SeqCst) + 1
        }
        _ => 0,
    };
    let is_refused = match fault {
        Fault::DropsThenRefuses(_, most, _) => number > *most,
        Fault::RefusesAfter(first, second, has_begun) => {
            has_begun.fetch_or(is_about(first), Ordering::SeqCst);
            is_about(second) && has_begun.load(Ordering::SeqCst)
        }
        _ => false,
    };
    let answer = if is_refused {
        br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"Node is unhealthy"}}"#.to_vec()
    } else if number > 0 && number.is_multiple_of(3) {
        // A signature of zeros: the client derives that of its transaction itself.
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#, "1".repeat(64)).into_bytes()
    } else if let Fault::Answers(method, result) = fault
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
