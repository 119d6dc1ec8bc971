//! Chooses the ports of servers.

use std::{
    fs::File,
    io::{self, Read},
    net::{Ipv4Addr, TcpListener},
    ops::Range,
};

use crate::Error;

/// The ports to choose from. Operating systems do not give them to outgoing connections: Linux
/// starts at 32768 (`ip_local_port_range`), other systems at 49152 (RFC 6335).
const PORTS: Range<u16> = 10_000..32_768;
/// The number of random ports to try before the operating system chooses one.
const ATTEMPTS: usize = 100;

/// Returns `port` if it is free, or a free port if `port` is 0.
///
/// A server opens its port up to a few seconds later. A free port is therefore chosen at random
/// from a range that is not used for outgoing connections. Only another process that chooses the
/// same port in this time can take it.
pub fn choose_port(program: &'static str, port: u16) -> Result<u16, Error> {
    let bind = |port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(listener.local_addr()?.port())
    };
    let chosen = match port {
        0 => (0..ATTEMPTS)
            .find_map(|_| bind(random_port().ok()?).ok())
            .map_or_else(|| bind(0), Ok),
        port => bind(port),
    };
    chosen.map_err(|reason| Error::Port {
        program,
        port,
        reason,
    })
}

/// Returns a random port from [`PORTS`].
fn random_port() -> io::Result<u16> {
    let mut bytes = [0; 2];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(PORTS.start + u16::from_le_bytes(bytes) % (PORTS.end - PORTS.start))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_free_port_is_outside_the_range_of_outgoing_connections() {
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
        for _ in 0..50 {
            let port = choose_port("test", 0).unwrap();
            assert!(PORTS.contains(&port) && port < first, "{port} in {range}");
        }
    }

    #[test]
    fn a_port_in_use_is_refused() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(matches!(choose_port("test", port), Err(Error::Port { .. })));
    }
}
