use std::path::PathBuf;

use confique::Config;

use crate::{ServiceError, config};

/// Arguments of every service's command line; flattened into its own.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Configuration file (TOML). The environment wins over it.
    #[arg(long, env = "BAUTA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print a configuration file with every key, its meaning, environment variable, default and where it is set now, and end.
    #[arg(long)]
    print_config: bool,
}

impl Arguments {
    /// The settings, of environment, file and defaults. None if they were only to be printed: then they are, and the process has nothing else to
    /// do.
    ///
    /// # Errors
    /// Says which key breaks which rule, and never repeats a value.
    pub fn settings<C: Config>(&self) -> Result<Option<C>, ServiceError> {
        let file = self.config.as_deref();
        if self.print_config {
            print!("{}", config::documentation::<C>(file)?);
            return Ok(None);
        }
        config::load(file).map(Some)
    }
}
