use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
};

use crate::{
    Error,
    keeper::{Home, Kept, choose_port},
};

/// One of the project's services, with `GET /health` on a port of 127.0.0.1.
pub struct Service {
    server: Kept,
    url: String,
}

impl Service {
    /// Starts the command that `command` gives for a port, this one or for 0 a free one, and waits until it says that it is
    /// healthy. It ends on SIGTERM.
    pub fn start(name: &'static str, port: u16, command: impl FnOnce(u16) -> Command) -> Result<Self, Error> {
        let port = choose_port(name, port)?;
        let home = Home::new("bauta-service-")?;
        let server = Kept::start(home, name, &command(port), "TERM", |_| is_healthy(port))?;
        Ok(Self {
            server,
            url: format!("http://127.0.0.1:{port}"),
        })
    }

    /// Where it answers: `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An error with what it wrote if it has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.server.check()
    }
}

/// Whether `GET /health` is answered with status 200.
fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<[u8; 12]> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(
            stream,
            "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )?;
        let mut beginning = [0; 12];
        stream.read_exact(&mut beginning)?;
        Ok(beginning)
    };
    ask().is_ok_and(|beginning| beginning == *b"HTTP/1.1 200")
}
