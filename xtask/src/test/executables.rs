//! The test executables of the workspace, which cargo builds and names.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{progress, workspace};

/// A test executable of a package.
#[derive(Debug, PartialEq, Eq)]
pub struct Executable {
    pub file: PathBuf,
    /// The folder of the package. Tests start there.
    pub package: PathBuf,
    /// The name of the target.
    pub target: String,
}

impl Executable {
    /// Returns the executable that a message of cargo announces, if it has tests.
    fn from_message(message: &Value) -> Option<Self> {
        if message.pointer("/profile/test")? != &Value::Bool(true) {
            return None;
        }
        Some(Self {
            file: message.get("executable")?.as_str()?.into(),
            package: Path::new(message.get("manifest_path")?.as_str()?)
                .parent()?
                .to_owned(),
            target: message.pointer("/target/name")?.as_str()?.to_owned(),
        })
    }

    /// Returns the command that runs the tests as cargo does: in the folder of the package, which a
    /// variable names.
    pub fn command(&self) -> Result<Command> {
        let mut command = workspace::command(&self.file)?;
        command
            .current_dir(&self.package)
            .env("CARGO_MANIFEST_DIR", &self.package);
        Ok(command)
    }
}

/// Builds the tests of the workspace. Returns their executables, the largest first: the large ones
/// hold the servers and have the longest tests.
pub fn build() -> Result<Vec<Executable>> {
    let mut executables = Vec::new();
    let arguments = ["test", "--no-run", "--workspace", "--locked"];
    progress::build(workspace::cargo, &arguments, |message| {
        executables.extend(Executable::from_message(message));
    })?;
    let mut sized = Vec::new();
    for executable in executables {
        let size = fs::metadata(&executable.file)
            .with_context(|| format!("can't read {}", executable.file.display()))?
            .len();
        sized.push((size, executable));
    }
    sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    Ok(sized.into_iter().map(|(_, executable)| executable).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_messages_about_executables_with_tests_are_used() {
        let message = |test: bool, executable: Value| {
            json!({
                "reason": "compiler-artifact",
                "manifest_path": "/checkout/api/Cargo.toml",
                "target": { "name": "api" },
                "profile": { "test": test },
                "executable": executable,
            })
        };
        assert_eq!(Executable::from_message(&message(false, json!("/t/api"))), None);
        assert_eq!(Executable::from_message(&message(true, Value::Null)), None);
        assert_eq!(
            Executable::from_message(&json!({ "reason": "build-finished" })),
            None
        );
        assert_eq!(
            Executable::from_message(&message(true, json!("/t/api-0"))),
            Some(Executable {
                file: "/t/api-0".into(),
                package: "/checkout/api".into(),
                target: "api".into(),
            })
        );
    }
}
