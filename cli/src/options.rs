//! The options of all commands.

use std::path::PathBuf;

use crate::cluster::TagChoice;

/// The options of all commands.
#[derive(clap::Args, Clone)]
pub struct Options {
    /// Cluster: "local", "devnet", "testnet", "mainnet" or the URL of a node [default: the URL in
    /// the configuration of Solana's tools, or "local"]
    #[arg(
        long,
        visible_alias = "url",
        global = true,
        env = "SOLANA_RPC_URL",
        hide_env_values = true,
        value_name = "CLUSTER",
        help_heading = "Options of all commands"
    )]
    pub cluster: Option<String>,
    /// Tag of the cluster: "local", "devnet", "testnet", "mainnet" or 64 hexadecimal digits; for
    /// `initialize` also "genesis", the genesis hash of the node [default: the tag of the named
    /// cluster, or "local" for a node on this machine]
    #[arg(
        long,
        global = true,
        env = "BAUTA_CLUSTER_TAG",
        value_name = "TAG",
        help_heading = "Options of all commands"
    )]
    pub cluster_tag: Option<TagChoice>,
    /// Keypair file of the signer, or a key in a key store: vault:KEY:ADDRESS, aws-kms:KEY:ADDRESS or
    /// gcp-kms:KEY:ADDRESS [default: the keypair in the configuration of Solana's tools]
    #[arg(
        long,
        global = true,
        env = "BAUTA_KEYPAIR",
        value_name = "FILE",
        help_heading = "Options of all commands"
    )]
    pub keypair: Option<PathBuf>,
    /// Keypair file of the payer of fees and rent, or a key in a key store [default: the signer]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Options of all commands"
    )]
    pub fee_payer: Option<PathBuf>,
    /// Configuration file of Solana's tools [default: ~/.config/solana/cli/config.yml]
    #[arg(
        long,
        global = true,
        env = "SOLANA_CONFIG_FILE",
        value_name = "FILE",
        help_heading = "Options of all commands"
    )]
    pub config: Option<PathBuf>,
    /// Price of a compute unit in micro-lamports, for priority
    #[arg(
        long,
        global = true,
        value_name = "MICROLAMPORTS",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = "Options of all commands"
    )]
    pub compute_unit_price: u64,
    /// Simulate transactions and print their cost, but send nothing
    #[arg(long, global = true, help_heading = "Options of all commands")]
    pub dry_run: bool,
    /// Don't request a confirmation on mainnet
    #[arg(long, global = true, help_heading = "Options of all commands")]
    pub yes: bool,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Options of all commands")]
    pub json: bool,
    /// Print only this fact, named as in JSON, for scripts
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        conflicts_with = "json",
        help_heading = "Options of all commands"
    )]
    pub only: Option<String>,
}
