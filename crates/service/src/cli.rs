use std::path::PathBuf;

/// Arguments of every service's command line; flattened into its own.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Configuration file (TOML). The environment wins over it.
    #[arg(long, env = "BAUTA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print a configuration file with every key, its meaning, environment variable and default, and end.
    #[arg(long)]
    pub print_config: bool,
}
