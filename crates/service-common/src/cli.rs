use std::path::PathBuf;

use confique::Config;

use crate::{ServiceError, config};

/// Command-line arguments of every service. Flatten them into the service's own arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Configuration file (TOML). Environment variables override it.
    #[arg(long, env = "BAUTA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print a configuration file and exit. It lists each key with its meaning, its environment
    /// variable, its default and where it is set.
    #[arg(long)]
    print_config: bool,
}

impl Arguments {
    /// Loads the settings from the environment, the file and the defaults. With `--print-config`,
    /// prints the documented configuration file and returns `None`: the process should then exit.
    ///
    /// # Errors
    /// Names the key and the rule that it breaks. Never repeats a value.
    pub fn settings<C: Config>(&self) -> Result<Option<C>, ServiceError> {
        let file = self.config.as_deref();
        if self.print_config {
            print!("{}", config::documentation::<C>(file)?);
            return Ok(None);
        }
        config::load(file).map(Some)
    }
}
