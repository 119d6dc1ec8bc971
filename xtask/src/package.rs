//! The crates that are published: their metadata, and `cargo package`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace;

/// A published crate.
pub struct Package {
    /// The name.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// What `cargo metadata` says.
    metadata: Value,
}

/// Returns the published crates, sorted by name: all of the workspace whose manifest allows it.
pub fn published() -> Result<Vec<Package>> {
    let mut cargo = workspace::cargo()?;
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--offline",
        "--locked",
    ]);
    let metadata: Value = serde_json::from_str(&workspace::output(&mut cargo)?)?;
    let packages = metadata["packages"]
        .as_array()
        .context("`cargo metadata` lists no packages")?;
    let mut published = Vec::new();
    for package in packages {
        // Null: every registry. An empty list: none.
        if package["publish"].is_null() {
            let manifest = package["manifest_path"]
                .as_str()
                .context("a package has a manifest")?;
            published.push(Package {
                name: package["name"]
                    .as_str()
                    .context("a package has a name")?
                    .to_owned(),
                folder: PathBuf::from(manifest)
                    .parent()
                    .context("a manifest is in a folder")?
                    .to_owned(),
                metadata: package.clone(),
            });
        }
    }
    published.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(published)
}

/// Checks the metadata of the published crates, and packages them without a registry.
pub fn check() -> Result<()> {
    let packages = published()?;
    let mut problems = Vec::new();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    for package in &packages {
        let found = problems_of(package, &names)?;
        problems.extend(
            found
                .into_iter()
                .map(|problem| format!("{}: {problem}", package.name)),
        );
    }
    ensure!(
        problems.is_empty(),
        "crates that can't be published:\n{}",
        problems.join("\n")
    );
    // All at once, because they depend on each other and are in no registry.
    let mut cargo = workspace::cargo()?;
    cargo.args([
        "package",
        "--no-verify",
        "--offline",
        "--locked",
        "--allow-dirty",
        "--quiet",
    ]);
    for name in names {
        cargo.args(["--package", name]);
    }
    workspace::run(&mut cargo)
}

/// Returns what a crate lacks for its publication. `names` are those of all published crates.
fn problems_of(package: &Package, names: &BTreeSet<&str>) -> Result<Vec<String>> {
    let metadata = &package.metadata;
    let mut problems = Vec::new();
    for field in ["description", "license", "readme", "rust_version"] {
        if metadata[field].as_str().is_none_or(str::is_empty) {
            problems.push(format!("the manifest has no {field}"));
        }
    }
    for field in ["keywords", "categories"] {
        if metadata[field].as_array().is_none_or(Vec::is_empty) {
            problems.push(format!("the manifest has no {field}"));
        }
    }
    if !metadata["metadata"]["docs"]["rs"].is_object() {
        problems.push("the manifest has no [package.metadata.docs.rs]".to_owned());
    }
    if let Some(readme) = metadata["readme"].as_str() {
        let path = package.folder.join(readme);
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        if text.lines().count() < 3 {
            problems.push(format!("{readme} has no text"));
        }
    }
    for dependency in metadata["dependencies"].as_array().into_iter().flatten() {
        // Cargo leaves development dependencies without a version out of the package.
        if dependency["path"].is_null() || dependency["kind"] == "dev" {
            continue;
        }
        let name = dependency["name"].as_str().unwrap_or_default();
        if dependency["req"] == "*" {
            problems.push(format!("the dependency {name} has no version"));
        }
        if !names.contains(name) {
            problems.push(format!("the dependency {name} is not published"));
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_published_crates_have_metadata_and_depend_on_published_crates() {
        let packages = published().unwrap();
        let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        assert!(
            names.contains("bauta-sdk") && !names.contains("bauta-api"),
            "{names:?}"
        );
        for package in &packages {
            assert_eq!(problems_of(package, &names).unwrap(), [""; 0], "{}", package.name);
        }
    }

    #[test]
    fn what_a_crate_lacks_is_named() {
        let package = Package {
            name: "a".to_owned(),
            folder: PathBuf::new(),
            metadata: json!({"dependencies": [
                {"name": "b", "path": "/b", "req": "*", "kind": null},
                {"name": "c", "path": "/c", "req": "*", "kind": "dev"},
            ]}),
        };
        let problems = problems_of(&package, &BTreeSet::from(["a"])).unwrap().join("; ");
        for lack in [
            "description",
            "license",
            "readme",
            "keywords",
            "docs.rs",
            "b has no version",
            "b is not published",
        ] {
            assert!(problems.contains(lack), "{lack}: {problems}");
        }
        assert!(!problems.contains("dependency c"), "{problems}");
    }
}
