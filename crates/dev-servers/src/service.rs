use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
};

use crate::{
    Error,
    ports::choose_port,
    supervisor::{Home, SupervisedServer},
};

/// A service of this project, which serves `GET /health` on a port of 127.0.0.1. Dropping the value
/// ends the service.
pub struct Service {
    server: SupervisedServer,
    url: String,
}

impl Service {
    /// Starts a service and waits until `GET /health` succeeds. `command` returns the service's
    /// command for a port. If `port` is 0, a free port is chosen. The service must end on SIGTERM.
    pub fn start(name: &'static str, port: u16, command: impl FnOnce(u16) -> Command) -> Result<Self, Error> {
        let port = choose_port(name, port)?;
        let home = Home::new("bauta-service-")?;
        let server = SupervisedServer::start(home, name, &command(port), "TERM", |_| is_healthy(port))?;
        Ok(Self {
            server,
            url: format!("http://127.0.0.1:{port}"),
        })
    }

    /// Returns the service's URL: `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns an error with the service's output if the service has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.server.check()
    }
}

/// Returns whether the response to `GET /health` has the status 200.
fn is_healthy(port: u16) -> bool {
    let request = || -> std::io::Result<[u8; 12]> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(
            stream,
            "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )?;
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line)?;
        Ok(status_line)
    };
    request().is_ok_and(|status_line| status_line == *b"HTTP/1.1 200")
}
