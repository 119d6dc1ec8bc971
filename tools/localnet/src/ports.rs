//! Chooses the ports of the node.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// The address that the node listens on.
pub const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The two ports of a node.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The port of the JSON-RPC.
    pub rpc: u16,
    /// The port of the websocket.
    pub websocket: u16,
}

impl Ports {
    /// Replaces each 0 by a free port, and checks that the other ports are free. Without
    /// `websocket` the websocket gets the port after `rpc`.
    pub fn choose(rpc: u16, websocket: Option<u16>) -> Result<Self> {
        let websocket = match (websocket, rpc) {
            (Some(port), _) => port,
            (None, 0) => 0,
            (None, port) => port
                .checked_add(1)
                .context("the port after 65535 does not exist; choose the websocket's port with --ws-port")?,
        };
        // Both listeners stay open until both ports are known, so that the ports differ.
        let rpc = listen(rpc, "JSON-RPC", "--port")?;
        let websocket = listen(websocket, "the websocket", "--ws-port")?;
        Ok(Self {
            rpc: rpc.local_addr()?.port(),
            websocket: websocket.local_addr()?.port(),
        })
    }

    /// Returns the URL of the JSON-RPC.
    pub fn rpc_url(self) -> String {
        format!("http://{HOST}:{}", self.rpc)
    }

    /// Returns the URL of the websocket.
    pub fn websocket_url(self) -> String {
        format!("ws://{HOST}:{}", self.websocket)
    }
}

fn listen(port: u16, what: &str, option: &str) -> Result<TcpListener> {
    TcpListener::bind((HOST, port))
        .with_context(|| format!("cannot use port {port} for {what}; choose another with {option}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports = Ports::choose(0, None).unwrap();
        assert_ne!(ports.rpc, ports.websocket);
        assert!(ports.rpc != 0 && ports.websocket != 0);
    }

    #[test]
    fn the_error_for_a_port_in_use_names_the_option_that_changes_it() {
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        for (rpc, websocket, option) in [(port, Some(0), "--port"), (0, Some(port), "--ws-port")] {
            let error = format!("{:#}", Ports::choose(rpc, websocket).unwrap_err());
            assert!(error.contains(&port.to_string()), "{error}");
            assert!(error.contains(option), "{error}");
        }
    }

    #[test]
    fn the_two_ports_must_differ() {
        let free = Ports::choose(0, None).unwrap().rpc;
        assert!(Ports::choose(free, Some(free)).is_err());
    }

    #[test]
    fn the_last_port_requires_a_websocket_port() {
        let error = Ports::choose(u16::MAX, None).unwrap_err().to_string();
        assert!(error.contains("--ws-port"), "{error}");
    }
}
