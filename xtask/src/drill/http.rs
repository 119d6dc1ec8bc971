//! A minimal HTTP client for servers on this machine.

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Time limit for reading an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends `GET` for a path at a server and returns the JSON answer. Returns an error if
/// the status is not 200.
pub fn get(server: &str, path: &str) -> Result<Value> {
    let (status, answer) = send(server, &format!("GET {path}"), "text/plain", "")?;
    ensure!(status == 200, "GET {path}: {status}: {answer}");
    Ok(answer)
}

/// Sends `POST` with a JSON body and returns the status and the JSON answer.
pub fn post(server: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
    send(
        server,
        &format!("POST {path}"),
        "application/json",
        &body.to_string(),
    )
}

/// Sends `POST` with one form field and returns the JSON answer.
pub fn post_form(server: &str, path: &str, field: &str, value: &str) -> Result<Value> {
    let mut body = format!("{field}=");
    for byte in value.bytes() {
        write!(body, "%{byte:02X}").context("can't encode the form field")?;
    }
    let (_, answer) = send(
        server,
        &format!("POST {path}"),
        "application/x-www-form-urlencoded",
        &body,
    )?;
    Ok(answer)
}

/// Sends a request as HTTP 1.0, so that the end of the connection ends the answer. The server is
/// `http://host:port`, or `http://KEY@host:port` for requests with an API key.
fn send(server: &str, request: &str, content_type: &str, body: &str) -> Result<(u16, Value)> {
    let address = server
        .strip_prefix("http://")
        .context("the server's URL must start with http://")?;
    let (authorization, address) = match address.split_once('@') {
        Some((key, address)) => (format!("authorization: Bearer {key}\r\n"), address),
        None => (String::new(), address),
    };
    let mut stream = TcpStream::connect(address).with_context(|| format!("can't reach {address}"))?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    write!(
        stream,
        "{request} HTTP/1.0\r\nhost: localhost\r\n{authorization}content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let value = serde_json::from_str(body).with_context(|| format!("{request}: {answer}"))?;
    Ok((status.context("the answer has no status")?, value))
}
