//! Sends a request through a relay of Oblivious HTTP, and prints the status and the body of the
//! response.
//!
//! ```text
//!   bauta-ohttp-client KEYS RELAY METHOD PATH [JSON]
//! ```
//!
//! `KEYS` are the key configurations of the gateway in hexadecimal, and `RELAY` is the host and port
//! of the relay. With the environment variable `API_KEY`, the request has that key. Only the gateway
//! can read it.

use std::{
    env,
    error::Error,
    io::{Cursor, Read, Write},
    net::TcpStream,
};

use bhttp::{Message, Mode};
use ohttp::ClientRequest;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [keys, relay, method, path, rest @ ..] = arguments.as_slice() else {
        return Err("usage: bauta-ohttp-client KEYS RELAY METHOD PATH [JSON]".into());
    };
    let mut message = Message::request(
        method.as_bytes().to_vec(),
        b"https".to_vec(),
        b"gateway.example".to_vec(),
        path.as_bytes().to_vec(),
    );
    if let [body] = rest {
        message.put_header("content-type", "application/json");
        message.write_content(body);
    }
    if let Ok(key) = env::var("API_KEY") {
        message.put_header("authorization", format!("Bearer {key}"));
    }
    let mut request = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut request)?;
    let client = ClientRequest::from_encoded_config_list(&hex::decode(keys)?)?;
    let (request, response) = client.encapsulate(&request)?;
    let answer = response.decapsulate(&post(relay, &request)?)?;
    let answer = Message::read_bhttp(&mut Cursor::new(&answer))?;
    let status = answer.control().status().ok_or("the response has no status")?;
    println!("{}", status.code());
    println!("{}", String::from_utf8_lossy(answer.content()));
    Ok(())
}

/// Posts bytes to a relay. Returns the body of the response, which must be a success.
fn post(relay: &str, request: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut stream = TcpStream::connect(relay)?;
    let length = request.len();
    write!(
        stream,
        "POST / HTTP/1.0\r\nHost: {relay}\r\nContent-Type: message/ohttp-req\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(request)?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let end = response.windows(4).position(|part| part == b"\r\n\r\n");
    let end = end.ok_or("the relay has sent no response")?;
    let head = String::from_utf8_lossy(&response[..end]);
    let is_success = head.split(' ').nth(1) == Some("200");
    is_success
        .then(|| response[end + 4..].to_vec())
        .ok_or_else(|| format!("the relay has answered: {head}").into())
}
