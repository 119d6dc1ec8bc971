//! One chain for all tests, with funded keypairs.

use std::{path::Path, sync::OnceLock};

use bauta_client::instructions::Initialize;
use bauta_dev_servers::{Chain, ChainSettings};
use bauta_rpc::{Pubsub, Rpc};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// One SOL.
pub const SOL: u64 = 1_000_000_000;

/// Returns the chain, and the upgrade authority of the program. The chain ends with this process.
fn chain() -> &'static (Chain, Keypair) {
    static CHAIN: OnceLock<(Chain, Keypair)> = OnceLock::new();
    CHAIN.get_or_init(|| {
        let authority = Keypair::new();
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../programs/bauta/artifacts/bauta.v3.so");
        let settings = ChainSettings {
            programs: vec![(bauta::ID.to_string(), elf)],
            upgrade_authority: Some(authority.pubkey().to_string()),
            slot_time: Some(50),
            ..ChainSettings::default()
        };
        (Chain::start(&settings).unwrap(), authority)
    })
}

/// Returns the upgrade authority of the program.
pub fn authority() -> &'static Keypair {
    &chain().1
}

/// Returns a client of the chain.
pub fn rpc() -> Rpc {
    Rpc::new(chain().0.rpc_url()).unwrap()
}

/// Returns a client of the chain's websocket.
pub fn pubsub() -> Pubsub {
    Pubsub::new(chain().0.websocket_url()).unwrap()
}

/// Creates a keypair with 10 SOL.
pub async fn funded(rpc: &Rpc) -> Keypair {
    let keypair = Keypair::new();
    rpc.airdrop(&keypair.pubkey(), 10 * SOL).await.unwrap();
    keypair
}

/// Returns an instruction that transfers lamports.
pub fn transfer(from: &Keypair, to: &Address, lamports: u64) -> Instruction {
    solana_system_interface::instruction::transfer(&from.pubkey(), to, lamports)
}

/// Returns the instruction that initialises the program. `by` signs as its upgrade authority.
pub fn initialize(by: &Keypair) -> Instruction {
    Initialize {
        payer: by.pubkey(),
        upgrade_authority: by.pubkey(),
        cluster_tag: [7; 32],
        admin: by.pubkey(),
        development_keys_allowed: true,
    }
    .instruction()
}
