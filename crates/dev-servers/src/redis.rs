use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::Command,
};

use crate::{
    Error, REDIS,
    ports::choose_port,
    random_hex,
    supervisor::{Home, SupervisedServer},
};

/// A private Redis server without persistence. When its memory is full it refuses writes and evicts
/// nothing. Dropping the value ends the server.
pub struct Redis {
    server: SupervisedServer,
    url: String,
    port: u16,
    password: String,
}

/// The address and password of a Redis server that was stopped.
pub struct StoppedRedis {
    port: u16,
    password: String,
}

impl StoppedRedis {
    /// Starts an empty server with the same port and password.
    pub fn start(self) -> Result<Redis, Error> {
        Redis::launch(choose_port(REDIS.name, self.port)?, self.password)
    }
}

impl Redis {
    /// Starts a server on a free port.
    pub fn start() -> Result<Self, Error> {
        Self::start_at(0)
    }

    /// Starts a server on the given port of 127.0.0.1. 0 means a free port.
    pub fn start_at(port: u16) -> Result<Self, Error> {
        Self::launch(choose_port(REDIS.name, port)?, random_hex::<16>()?)
    }

    fn launch(port: u16, password: String) -> Result<Self, Error> {
        let program = REDIS.find()?;
        let home = Home::new("bauta-redis-")?;
        let settings = home.write(
            "redis.conf",
            &format!(
                "bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\n\
                 maxmemory-policy noeviction\n"
            ),
        )?;
        let mut server = Command::new(program);
        server.arg(settings);
        let server =
            SupervisedServer::start(home, REDIS.name, &server, "TERM", |_| is_ready(port, &password))?;
        Ok(Self {
            server,
            url: format!("redis://default:{password}@127.0.0.1:{port}/"),
            port,
            password,
        })
    }

    /// Ends the server and deletes its data. [`StoppedRedis::start`] starts an empty server with
    /// the same address.
    #[must_use]
    pub fn stop(self) -> StoppedRedis {
        StoppedRedis {
            port: self.port,
            password: self.password,
        }
    }

    /// Returns the server's URL: `redis://default:password@127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the server's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }
}

/// Returns whether the server accepts the password and responds to a ping.
fn is_ready(port: u16, password: &str) -> bool {
    let ping = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(stream, "AUTH {password}\r\nPING\r\nQUIT\r\n")?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response)?;
        Ok(response)
    };
    ping().is_ok_and(|response| response.starts_with(b"+OK\r\n+PONG\r\n"))
}
