//! The local chain: tools/localnet, which is built first if need be.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bauta_local::{Chain, ChainSettings};

use crate::{localnet, workspace};

/// A node that answers.
pub enum Node {
    /// Started here.
    Ours(Chain),
    /// Somebody else's.
    Elsewhere {
        /// Its JSON-RPC.
        rpc: String,
        /// Its websocket.
        websocket: String,
    },
}

impl Node {
    /// Starts one with the program in it.
    pub fn start(port: u16, ledger: Option<PathBuf>, program: &str, authority: &str) -> Result<Self> {
        localnet::build()?;
        let elf = workspace::root()?.join("programs/bauta/artifacts/bauta.so");
        let chain = Chain::start(&ChainSettings {
            port,
            programs: vec![(program.to_owned(), elf)],
            upgrade_authority: Some(authority.to_owned()),
            ledger,
            ..ChainSettings::default()
        });
        Ok(Self::Ours(chain.context("can't start the local chain")?))
    }

    /// Where JSON-RPC answers.
    pub fn rpc(&self) -> &str {
        match self {
            Self::Ours(chain) => chain.rpc_url(),
            Self::Elsewhere { rpc, .. } => rpc,
        }
    }

    /// Where subscriptions are taken.
    pub fn websocket(&self) -> &str {
        match self {
            Self::Ours(chain) => chain.websocket_url(),
            Self::Elsewhere { websocket, .. } => websocket,
        }
    }

    /// An error if the node has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        if let Self::Ours(chain) = self
            && !chain.runs()?
        {
            bail!("the local node ended");
        }
        Ok(())
    }
}
