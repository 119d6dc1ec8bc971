//! The configuration file of Solana's tools: the URL of the node and the path of the keypair.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// The largest configuration file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// The values of the file that this command uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SolanaConfig {
    /// The URL of the node.
    pub json_rpc_url: Option<String>,
    /// The path of the keypair file.
    pub keypair_path: Option<String>,
}

impl SolanaConfig {
    /// Reads the file. Without a path, the file is that of Solana's tools, which need not exist.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let default = || home().map(|home| home.join(".config/solana/cli/config.yml"));
        let Some(file) = path.map(Path::to_owned).or_else(default) else {
            return Ok(Self::default());
        };
        let context = || format!("can't read the configuration file {}", file.display());
        match fs::metadata(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound && path.is_none() => {
                return Ok(Self::default());
            }
            Err(error) => return Err(error).with_context(context),
            Ok(found) => ensure!(
                found.len() <= MAX_BYTES,
                "the configuration file {} has {} bytes: the limit is {MAX_BYTES}",
                file.display(),
                found.len()
            ),
        }
        Ok(Self::parse(&fs::read_to_string(&file).with_context(context)?))
    }

    /// Parses the form that Solana's tools write: one `name: value` on each line. Other lines are
    /// ignored.
    fn parse(text: &str) -> Self {
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(unquoted)
                .filter(|value| !value.is_empty())
        };
        Self {
            json_rpc_url: value("json_rpc_url"),
            keypair_path: value("keypair_path"),
        }
    }
}

/// Returns the home folder of the user.
pub fn home() -> Option<PathBuf> {
    env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_solanas_tools_write_is_read() {
        let text = "---\njson_rpc_url: https://api.devnet.solana.com\nwebsocket_url: ''\n\
                    keypair_path: \"/home/a b/id.json\"\naddress_labels:\n  x: json_rpc_url\ncommitment: confirmed\n";
        let expected = SolanaConfig {
            json_rpc_url: Some("https://api.devnet.solana.com".into()),
            keypair_path: Some("/home/a b/id.json".into()),
        };
        assert_eq!(SolanaConfig::parse(text), expected);
        assert_eq!(SolanaConfig::parse("json_rpc_url: ''\n"), SolanaConfig::default());
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = SolanaConfig::read(Some(Path::new("/nonexistent/config.yml"))).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/config.yml"), "{error:#}");
    }
}
