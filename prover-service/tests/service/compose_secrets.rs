//! The secrets of the compose file, which `deploy/compose/make-secrets.sh` generates.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Generates the secrets in a new folder below `folder`. Returns the new folder.
pub fn make(folder: &Path) -> PathBuf {
    let secrets = folder.join("secrets");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/compose/make-secrets.sh");
    let made = Command::new("sh")
        .arg(script)
        .arg(&secrets)
        .env("SOLANA_RPC_URL", "http://node.invalid:8899")
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}{}",
        String::from_utf8_lossy(&made.stdout),
        String::from_utf8_lossy(&made.stderr)
    );
    secrets
}
