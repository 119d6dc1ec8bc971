//! Just enough HTTP to ask a server of this machine.

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// `GET` of a path at `http://host:port`: JSON.
pub fn get(server: &str, path: &str) -> Result<Value> {
    let (status, answer) = ask(server, &format!("GET {path}"), "text/plain", "")?;
    ensure!(status == 200, "GET {server}{path}: {status}: {answer}");
    Ok(answer)
}

/// `POST` of JSON: status and JSON.
pub fn post(server: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
    ask(
        server,
        &format!("POST {path}"),
        "application/json",
        &body.to_string(),
    )
}

/// `POST` of one field of a form: JSON.
pub fn post_form(server: &str, path: &str, field: &str, value: &str) -> Result<Value> {
    let mut body = format!("{field}=");
    for byte in value.bytes() {
        write!(body, "%{byte:02X}").context("a text takes all")?;
    }
    let (_, answer) = ask(
        server,
        &format!("POST {path}"),
        "application/x-www-form-urlencoded",
        &body,
    )?;
    Ok(answer)
}

/// In HTTP 1.0, so that an answer ends with its connection.
fn ask(server: &str, request: &str, content_type: &str, body: &str) -> Result<(u16, Value)> {
    let address = server.strip_prefix("http://").context("a server's URL")?;
    let mut stream = TcpStream::connect(address).with_context(|| format!("can't reach {server}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{request} HTTP/1.0\r\nhost: localhost\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let value = serde_json::from_str(body).with_context(|| format!("{request}: {answer}"))?;
    Ok((status.context("no status")?, value))
}
