//! The command line options.

use std::path::PathBuf;

use clap::{Parser, ValueEnum, value_parser};
use solana_address::Address;
use surfpool_types::BlockProductionMode;

/// An offline Solana node on 127.0.0.1. Prints one line when it is ready. SIGINT or SIGTERM stops
/// it.
#[derive(Parser)]
#[command(name = "bauta-localnet", version)]
pub struct Settings {
    /// Port of the JSON-RPC; 0 means a free port
    #[arg(long, value_name = "PORT", default_value_t = 8899)]
    pub port: u16,
    /// Port of the websocket; 0 means a free port [default: the port after --port]
    #[arg(long, value_name = "PORT")]
    pub ws_port: Option<u16>,
    /// Milliseconds between slots
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = value_parser!(u64).range(1..=60_000))]
    pub slot_time: u64,
    /// When a block is produced
    #[arg(long, value_enum, value_name = "MODE", default_value_t = BlockProduction::Clock)]
    pub block_production: BlockProduction,
    /// Store accounts, transactions and the slot in this sqlite file, and continue from it
    /// [default: in memory]
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Deploy this ELF at this address as an upgradeable program; may be repeated
    #[arg(long = "program", value_name = "ADDRESS=ELF", value_parser = ProgramSource::parse)]
    pub programs: Vec<ProgramSource>,
    /// Address that may upgrade these programs [default: none]
    #[arg(long, value_name = "ADDRESS", requires = "programs", value_parser = address)]
    pub upgrade_authority: Option<Address>,
    /// Print the ready line as a JSON object with the fields rpc, websocket, programs
    #[arg(long)]
    pub json: bool,
    /// Also stop when standard input closes, so that the node ends with its parent process
    #[arg(long)]
    pub until_stdin_closes: bool,
}

/// When a block is produced.
#[derive(Clone, Copy, ValueEnum)]
pub enum BlockProduction {
    /// After each slot time
    Clock,
    /// After each transaction
    Transaction,
    /// Only on request, by time travel over RPC
    Manual,
}

impl From<BlockProduction> for BlockProductionMode {
    fn from(mode: BlockProduction) -> Self {
        match mode {
            BlockProduction::Clock => Self::Clock,
            BlockProduction::Transaction => Self::Transaction,
            BlockProduction::Manual => Self::Manual,
        }
    }
}

/// The address of a program and the path of its ELF.
#[derive(Clone, Debug)]
pub struct ProgramSource {
    /// The program's address.
    pub address: Address,
    /// The path of the ELF.
    pub elf: PathBuf,
}

impl ProgramSource {
    fn parse(text: &str) -> Result<Self, String> {
        let (text, elf) = text
            .split_once('=')
            .filter(|(_, elf)| !elf.is_empty())
            .ok_or("expected ADDRESS=ELF")?;
        Ok(Self {
            address: address(text)?,
            elf: elf.into(),
        })
    }
}

fn address(text: &str) -> Result<Address, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an address; expected 32 bytes in base58"))
}
