//! Which ports the node takes.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// The address that the node answers on.
pub const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The two ports of a node.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// JSON-RPC over HTTP.
    pub rpc: u16,
    /// Subscriptions.
    pub websocket: u16,
}

impl Ports {
    /// Replaces 0 by free ports and makes sure that the others are free.
    pub fn choose(rpc: u16, websocket: Option<u16>) -> Result<Self> {
        let websocket = match (websocket, rpc) {
            (Some(port), _) => port,
            (None, 0) => 0,
            (None, port) => port
                .checked_add(1)
                .context("no port comes after 65535: give --ws-port")?,
        };
        // Both are held until both are known, so that they differ.
        let rpc = listen(rpc, "JSON-RPC", "--port")?;
        let websocket = listen(websocket, "the websocket", "--ws-port")?;
        Ok(Self {
            rpc: rpc.local_addr()?.port(),
            websocket: websocket.local_addr()?.port(),
        })
    }

    /// Where JSON-RPC answers.
    pub fn rpc_url(self) -> String {
        format!("http://{HOST}:{}", self.rpc)
    }

    /// Where subscriptions are taken.
    pub fn websocket_url(self) -> String {
        format!("ws://{HOST}:{}", self.websocket)
    }
}

fn listen(port: u16, what: &str, option: &str) -> Result<TcpListener> {
    TcpListener::bind((HOST, port))
        .with_context(|| format!("can't take port {port} for {what}; choose another with {option}"))
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
    fn a_taken_port_is_named_with_the_option_that_changes_it() {
        let taken = TcpListener::bind((HOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        for (rpc, websocket, option) in [(port, Some(0), "--port"), (0, Some(port), "--ws-port")] {
            let error = format!("{:#}", Ports::choose(rpc, websocket).unwrap_err());
            assert!(error.contains(&port.to_string()), "{error}");
            assert!(error.contains(option), "{error}");
        }
    }

    #[test]
    fn the_two_can_not_be_one() {
        let free = Ports::choose(0, None).unwrap().rpc;
        assert!(Ports::choose(free, Some(free)).is_err());
    }

    #[test]
    fn the_last_port_has_no_next() {
        let error = Ports::choose(u16::MAX, None).unwrap_err().to_string();
        assert!(error.contains("--ws-port"), "{error}");
    }
}
