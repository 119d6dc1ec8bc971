use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::Command,
};

use crate::{
    Error, REDIS,
    keeper::{Home, Kept, choose_port, random_hex},
};

/// A Redis server of our own, in memory alone. It refuses writes rather than evicting what it holds.
pub struct Redis {
    server: Kept,
    url: String,
    port: u16,
    password: String,
}

/// A server that was ended.
pub struct Stopped {
    port: u16,
    password: String,
}

impl Stopped {
    /// Starts an empty server with the same address and password.
    pub fn start(self) -> Result<Redis, Error> {
        Redis::launch(choose_port(REDIS.name, self.port)?, self.password)
    }
}

impl Redis {
    /// Starts a server.
    pub fn start() -> Result<Self, Error> {
        Self::start_at(0)
    }

    /// Starts a server on a port of 127.0.0.1; 0 takes a free one.
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
        let server = Kept::start(home, REDIS.name, &server, "TERM", |_| answers(port, &password))?;
        Ok(Self {
            server,
            url: format!("redis://default:{password}@127.0.0.1:{port}/"),
            port,
            password,
        })
    }

    /// Ends the server, and with it all that it holds. Its address stays what it was for the one that is [started](Stopped::start) again.
    #[must_use]
    pub fn stop(self) -> Stopped {
        Stopped {
            port: self.port,
            password: self.password,
        }
    }

    /// How to reach it: `redis://default:password@127.0.0.1:port/`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its working folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }
}

/// Whether it takes the password and answers a ping.
fn answers(port: u16, password: &str) -> bool {
    let ping = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(stream, "AUTH {password}\r\nPING\r\nQUIT\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    ping().is_ok_and(|answer| answer.starts_with(b"+OK\r\n+PONG\r\n"))
}
