//! The node of the chain: tools/localnet, Agave's test validator, or an external one.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bauta_dev_servers::{Chain, ChainSettings, TestValidator, TestValidatorSettings};

use crate::{localnet, workspace};

/// Selects the node.
pub enum NodeSettings {
    /// tools/localnet.
    Localnet {
        /// The port of JSON-RPC. 0 means a free port.
        port: u16,
        /// The file that stores the chain. Without a file, the chain is in memory.
        ledger: Option<PathBuf>,
    },
    /// Agave's solana-test-validator from PATH.
    TestValidator {
        /// The port of JSON-RPC.
        port: u16,
    },
    /// A node that runs already.
    External {
        /// The URL of JSON-RPC.
        rpc: String,
        /// The URL of the websocket.
        websocket: String,
    },
}

impl NodeSettings {
    /// Selects a node by the URL of its JSON-RPC. By default, the URL of its websocket has the next
    /// port, or no port if the JSON-RPC URL has none.
    pub fn external(rpc: &str, websocket: Option<&str>) -> Result<Self> {
        let websocket = websocket.map_or_else(|| websocket_of(rpc), |url| Ok(url.to_owned()))?;
        Ok(Self::External {
            rpc: rpc.to_owned(),
            websocket,
        })
    }
}

/// Returns the URL of the websocket that belongs to a JSON-RPC URL by Solana's convention.
fn websocket_of(rpc: &str) -> Result<String> {
    let (scheme, rest) = match rpc.split_once("://") {
        Some(("http", rest)) => ("ws", rest),
        Some(("https", rest)) => ("wss", rest),
        _ => bail!("{rpc:?} is not the URL of a node; it must start with http:// or https://"),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let port = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    let authority = match port {
        Some((host, port)) => {
            let next = port.parse::<u16>().ok().and_then(|port| port.checked_add(1));
            let next = next.with_context(|| {
                format!("{rpc:?}: there is no port after {port} for the websocket; set --ws-url")
            })?;
            format!("{host}:{next}")
        }
        None => authority.to_owned(),
    };
    Ok(format!("{scheme}://{authority}{path}"))
}

/// A running node.
pub enum Node {
    /// tools/localnet, started by this process.
    Localnet(Chain),
    /// Agave's solana-test-validator, started by this process.
    TestValidator(TestValidator),
    /// A node that this process did not start.
    External {
        /// The URL of JSON-RPC.
        rpc: String,
        /// The URL of the websocket.
        websocket: String,
    },
}

impl Node {
    /// Starts the node with the program deployed. `program` is the program's address and
    /// `authority` its upgrade authority. An external node is not changed.
    pub fn start(settings: &NodeSettings, program: &str, authority: &str) -> Result<Self> {
        let elf = workspace::root()?.join("programs/bauta/artifacts/bauta.v3.so");
        match settings {
            NodeSettings::External { rpc, websocket } => Ok(Self::External {
                rpc: rpc.clone(),
                websocket: websocket.clone(),
            }),
            NodeSettings::TestValidator { port } => {
                let validator = TestValidator::find().and_then(|file| {
                    TestValidator::start(&TestValidatorSettings {
                        validator: &file,
                        port: *port,
                        program,
                        elf: &elf,
                        upgrade_authority: authority,
                    })
                });
                Ok(Self::TestValidator(validator.context("can't start the chain")?))
            }
            NodeSettings::Localnet { port, ledger } => {
                localnet::build()?;
                let chain = Chain::start(&ChainSettings {
                    port: *port,
                    programs: vec![(program.to_owned(), elf)],
                    upgrade_authority: Some(authority.to_owned()),
                    ledger: ledger.clone(),
                    ..ChainSettings::default()
                });
                Ok(Self::Localnet(chain.context("can't start the chain")?))
            }
        }
    }

    /// Returns the URL of JSON-RPC.
    pub fn rpc(&self) -> &str {
        match self {
            Self::Localnet(chain) => chain.rpc_url(),
            Self::TestValidator(validator) => validator.rpc_url(),
            Self::External { rpc, .. } => rpc,
        }
    }

    /// Returns the URL of the websocket.
    pub fn websocket(&self) -> &str {
        match self {
            Self::Localnet(chain) => chain.websocket_url(),
            Self::TestValidator(validator) => validator.websocket_url(),
            Self::External { websocket, .. } => websocket,
        }
    }

    /// Returns the URL of JSON-RPC for display. The whole URL of an external node may contain a
    /// key.
    pub fn displayed_rpc(&self) -> &str {
        without_secrets(self.rpc())
    }

    /// Returns the URL of the websocket for display.
    pub fn displayed_websocket(&self) -> &str {
        without_secrets(self.websocket())
    }

    /// Returns an error if this process started the node and the node has ended.
    pub fn check(&mut self) -> Result<()> {
        match self {
            Self::Localnet(chain) => chain.check()?,
            Self::TestValidator(validator) => validator.check()?,
            Self::External { .. } => {}
        }
        Ok(())
    }
}

/// Returns a URL without its path and query, or a placeholder if it contains a user.
fn without_secrets(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    if url[host..end].contains('@') {
        "(hidden, because it contains a user)"
    } else {
        &url[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_websocket_has_the_next_port_if_the_url_has_a_port() {
        for (rpc, websocket) in [
            ("http://127.0.0.1:8899", "ws://127.0.0.1:8900"),
            ("http://[::1]:8899/", "ws://[::1]:8900/"),
            ("https://node.example/?key=1", "wss://node.example/?key=1"),
            ("http://[::1]", "ws://[::1]"),
        ] {
            assert_eq!(websocket_of(rpc).unwrap(), websocket);
        }
        for wrong in ["127.0.0.1:8899", "ws://127.0.0.1:8900", "http://127.0.0.1:65535"] {
            assert!(websocket_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_displayed_url_contains_no_key_and_no_password() {
        assert_eq!(
            without_secrets("https://node.example:99/key?api=k"),
            "https://node.example:99"
        );
        assert_eq!(
            without_secrets("https://node.example?api=k"),
            "https://node.example"
        );
        assert_eq!(
            without_secrets("https://user:pass@node.example"),
            "(hidden, because it contains a user)"
        );
    }
}
