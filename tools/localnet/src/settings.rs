//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum, value_parser};
use solana_address::Address;
use surfpool_types::BlockProductionMode;

/// An offline Solana node on 127.0.0.1. Prints one line when it answers; SIGINT or SIGTERM stops it.
#[derive(Parser)]
#[command(name = "bauta-localnet", version)]
pub struct Settings {
    /// Port of JSON-RPC; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8899)]
    pub port: u16,
    /// Port of the websocket; 0 takes a free one [default: the one after --port]
    #[arg(long, value_name = "PORT")]
    pub ws_port: Option<u16>,
    /// Milliseconds from one slot to the next
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = value_parser!(u64).range(1..=60_000))]
    pub slot_time: u64,
    /// What makes a block
    #[arg(long, value_enum, value_name = "MODE", default_value_t = BlockProduction::Clock)]
    pub block_production: BlockProduction,
    /// Keep accounts, transactions and slot in this sqlite file, and go on from there [default: kept in memory]
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Put this ELF in at this address, as an upgradeable program; may be given several times
    #[arg(long = "program", value_name = "ADDRESS=ELF", value_parser = ProgramAt::parse)]
    pub programs: Vec<ProgramAt>,
    /// Who may upgrade these programs [default: nobody]
    #[arg(long, value_name = "ADDRESS", requires = "programs", value_parser = address)]
    pub upgrade_authority: Option<Address>,
    /// Print the line as a JSON object: rpc, websocket, programs
    #[arg(long)]
    pub json: bool,
    /// Stop, too, when standard input ends: a node can't outlive what started it
    #[arg(long)]
    pub until_stdin_closes: bool,
}

/// What makes a block.
#[derive(Clone, Copy, ValueEnum)]
pub enum BlockProduction {
    /// One each slot time
    Clock,
    /// Each transaction its own
    Transaction,
    /// Only time travel, asked for over RPC
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

/// A program's address and where its ELF lies.
#[derive(Clone, Debug)]
pub struct ProgramAt {
    /// The program's address.
    pub address: Address,
    /// The ELF's file.
    pub elf: PathBuf,
}

impl ProgramAt {
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
        .map_err(|_| format!("{text:?} is not an address: 32 bytes in base58"))
}
