//! A chain with the program, which can be set back to an earlier state.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use bauta_client::instructions::Initialize;
use bauta_dev_servers::{Chain, ChainSettings};
use bauta_rpc::Rpc;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tempfile::TempDir;

use crate::circuit;

/// The number of lamports in one SOL.
pub const SOL: u64 = 1_000_000_000;
/// Milliseconds between slots. With short slots a drill has many slots, and deep forks, in little
/// time.
const SLOT_TIME: u16 = 50;
/// The tag of this cluster, which its proofs are bound to.
pub const CLUSTER_TAG: [u8; 32] = [7; 32];

/// A chain that is stored in a ledger, so that an older copy of the ledger can be restored.
pub struct DrillChain {
    chain: Option<Chain>,
    settings: ChainSettings,
    folder: TempDir,
    admin: Keypair,
}

impl DrillChain {
    /// Starts a chain, initialises the program and registers the circuit.
    pub async fn start() -> Self {
        let admin = Keypair::new();
        let folder = tempfile::tempdir().unwrap();
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/bauta/artifacts/bauta.v3.so");
        let settings = ChainSettings {
            // The port is fixed, so that a restarted chain has the same URLs.
            port: free_port_pair(),
            programs: vec![(bauta::ID.to_string(), elf)],
            upgrade_authority: Some(admin.pubkey().to_string()),
            slot_time: Some(SLOT_TIME),
            ledger: Some(folder.path().join("ledger.sqlite")),
        };
        let chain = Some(Chain::start(&settings).unwrap());
        let chain = Self {
            chain,
            settings,
            folder,
            admin,
        };
        let rpc = chain.rpc();
        rpc.airdrop(&chain.admin.pubkey(), 10 * SOL).await.unwrap();
        let initialize = Initialize {
            payer: chain.admin.pubkey(),
            upgrade_authority: chain.admin.pubkey(),
            cluster_tag: CLUSTER_TAG,
            admin: chain.admin.pubkey(),
            development_keys_allowed: true,
        };
        let circuit = circuit::registration(chain.admin.pubkey());
        for instruction in [initialize.instruction(), circuit.instruction()] {
            rpc.send_and_confirm(&[instruction], &[&chain.admin])
                .await
                .unwrap();
        }
        chain
    }

    fn chain(&self) -> &Chain {
        self.chain
            .as_ref()
            .expect("the chain is only stopped inside `restart`")
    }

    /// Returns a client of the node.
    pub fn rpc(&self) -> Rpc {
        Rpc::new(self.chain().rpc_url()).unwrap()
    }

    pub fn rpc_url(&self) -> &str {
        self.chain().rpc_url()
    }

    pub fn websocket_url(&self) -> &str {
        self.chain().websocket_url()
    }

    fn ledger_copy(&self) -> PathBuf {
        self.folder.path().join("copy.sqlite")
    }

    /// Saves the present state of the chain. The node is unavailable during this call.
    pub fn save(&mut self) {
        self.restart(|ledger, copy| (ledger, copy));
    }

    /// Restores the saved state, which removes all later transactions. The node is unavailable
    /// during this call.
    pub fn restore(&mut self) {
        self.restart(|ledger, copy| (copy, ledger));
    }

    /// Stops the node, copies the file that `files` returns first to the second, and starts the
    /// node.
    fn restart(&mut self, files: fn(PathBuf, PathBuf) -> (PathBuf, PathBuf)) {
        if let Some(chain) = self.chain.take() {
            chain.stop();
        }
        let (from, to) = files(self.settings.ledger.clone().unwrap(), self.ledger_copy());
        std::fs::copy(from, to).unwrap();
        self.chain = Some(Chain::start(&self.settings).unwrap());
    }
}

/// Returns a free port whose next port is also free.
fn free_port_pair() -> u16 {
    loop {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).is_ok() {
            return port;
        }
    }
}
