//! The chain's node: tools/localnet, which is built first if need be, or another.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bauta_dev_servers::{Chain, ChainSettings, TestValidator, TestValidatorSettings};

use crate::{localnet, workspace};

/// Which node is wanted.
pub enum ChainWanted {
    /// tools/localnet on this port, 0 for a free one, its chain kept in a file if one is named.
    Localnet {
        /// The port of JSON-RPC.
        port: u16,
        /// The file.
        ledger: Option<PathBuf>,
    },
    /// Agave's solana-test-validator, from PATH, on this port.
    TestValidator {
        /// The port of JSON-RPC.
        port: u16,
    },
    /// Somebody else's.
    At {
        /// Its JSON-RPC.
        rpc: String,
        /// Its websocket.
        websocket: String,
    },
}

impl ChainWanted {
    /// A node by the URL of its JSON-RPC, and of its websocket if that is not by the rule: the next port where a port is
    /// named, else the same.
    pub fn at(rpc: &str, websocket: Option<&str>) -> Result<Self> {
        let websocket = websocket.map_or_else(|| websocket_of(rpc), |url| Ok(url.to_owned()))?;
        Ok(Self::At {
            rpc: rpc.to_owned(),
            websocket,
        })
    }
}

/// The websocket that goes by Solana's rule with a JSON-RPC.
fn websocket_of(rpc: &str) -> Result<String> {
    let (scheme, rest) = match rpc.split_once("://") {
        Some(("http", rest)) => ("ws", rest),
        Some(("https", rest)) => ("wss", rest),
        _ => bail!("{rpc:?} is not the URL of a node: it has to begin with http:// or https://"),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let port = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    let authority = match port {
        Some((host, port)) => {
            let next = port.parse::<u16>().ok().and_then(|port| port.checked_add(1));
            let next =
                next.with_context(|| format!("{rpc:?}: no websocket follows port {port}; give --ws-url"))?;
            format!("{host}:{next}")
        }
        None => authority.to_owned(),
    };
    Ok(format!("{scheme}://{authority}{path}"))
}

/// A node that answers.
pub enum Node {
    /// tools/localnet.
    Localnet(Chain),
    /// Agave's.
    TestValidator(TestValidator),
    /// Somebody else's.
    Elsewhere {
        /// Its JSON-RPC.
        rpc: String,
        /// Its websocket.
        websocket: String,
    },
}

impl Node {
    /// Starts one with the program in it, if it is to be ours.
    pub fn start(wanted: &ChainWanted, program: &str, authority: &str) -> Result<Self> {
        let elf = workspace::root()?.join("programs/bauta/artifacts/bauta.so");
        match wanted {
            ChainWanted::At { rpc, websocket } => Ok(Self::Elsewhere {
                rpc: rpc.clone(),
                websocket: websocket.clone(),
            }),
            ChainWanted::TestValidator { port } => {
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
            ChainWanted::Localnet { port, ledger } => {
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

    /// Where JSON-RPC answers.
    pub fn rpc(&self) -> &str {
        match self {
            Self::Localnet(chain) => chain.rpc_url(),
            Self::TestValidator(validator) => validator.rpc_url(),
            Self::Elsewhere { rpc, .. } => rpc,
        }
    }

    /// Where subscriptions are taken.
    pub fn websocket(&self) -> &str {
        match self {
            Self::Localnet(chain) => chain.websocket_url(),
            Self::TestValidator(validator) => validator.websocket_url(),
            Self::Elsewhere { websocket, .. } => websocket,
        }
    }

    /// Where JSON-RPC answers, for the screen: somebody's own URL may hold a key.
    pub fn shown_rpc(&self) -> &str {
        shown(self.rpc())
    }

    /// Where subscriptions are taken, for the screen.
    pub fn shown_websocket(&self) -> &str {
        shown(self.websocket())
    }

    /// An error if the node is ours and has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self {
            Self::Localnet(chain) => chain.check()?,
            Self::TestValidator(validator) => validator.check()?,
            Self::Elsewhere { .. } => {}
        }
        Ok(())
    }
}

/// A URL without user, path and query.
fn shown(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    if url[host..end].contains('@') {
        "yours"
    } else {
        &url[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_is_on_the_next_port_if_one_is_named() {
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
    fn a_key_in_a_url_is_not_shown() {
        assert_eq!(
            shown("https://node.example:99/key?api=k"),
            "https://node.example:99"
        );
        assert_eq!(shown("https://node.example?api=k"), "https://node.example");
        assert_eq!(shown("https://user:pass@node.example"), "yours");
    }
}
