//! Computes digests of everything that a program is built from.
//!
//! There is one digest for each path package: its `src`, `build.rs`, and manifest with what it
//! inherits from the workspace. There is one for the locked registry packages with their enabled
//! features, and one for the release profile. Development dependencies and the rest of the lock
//! file are not included, because a change there changes no byte of the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow};
use toml::{Table, Value};

use super::{
    Program,
    record::{combine, sha256, tree},
};
use crate::workspace;

/// The fields of a package that are only for its publication. No source can read them.
const PUBLICATION: [&str; 7] = [
    "categories",
    "exclude",
    "include",
    "keywords",
    "metadata",
    "publish",
    "readme",
];

/// Returns the digest of each part of a program's sources.
pub fn digest(program: &Program) -> Result<BTreeMap<String, String>> {
    let root = workspace::root()?;
    let mut parts = package_digests(closure(program)?, &root)?;
    let manifest = read_toml(&root.join("Cargo.toml"))?;
    parts.insert("profile".into(), sha256(profile(&manifest).as_bytes()));
    Ok(parts)
}

/// Returns the digest of each part of the sources of tools/wasm-prover. The profile is in the
/// manifest of that package.
pub fn wasm_digest() -> Result<BTreeMap<String, String>> {
    let folder = workspace::root()?.join("tools/wasm-prover");
    let mut cargo = workspace::cargo()?;
    cargo.current_dir(&folder).args(["tree", "--locked", "--target"]);
    package_digests(packages(cargo.arg("wasm32-unknown-unknown"))?, &folder)
}

/// Returns the digest of each path package, and one of all registry packages, which the lock file
/// in `locked_in` has.
fn package_digests(packages: BTreeSet<Package>, locked_in: &Path) -> Result<BTreeMap<String, String>> {
    let root = workspace::root()?;
    let manifest = read_toml(&root.join("Cargo.toml"))?;
    let lock = read_toml(&locked_in.join("Cargo.lock"))?;
    let mut parts = BTreeMap::new();
    let mut registry = BTreeSet::new();
    for package in packages {
        if let Some(dir) = &package.dir {
            let name = dir
                .strip_prefix(&root)
                .unwrap_or(dir)
                .to_string_lossy()
                .into_owned();
            parts.insert(name, package_digest(dir, &manifest, &package.features)?);
        } else {
            let (source, checksum) = locked(&lock, &package)?;
            let Package {
                name,
                version,
                features,
                ..
            } = &package;
            registry.insert(format!("{name} {version} {source} {checksum} {features}\n"));
        }
    }
    parts.insert(
        "dependencies".into(),
        sha256(registry.into_iter().collect::<String>().as_bytes()),
    );
    Ok(parts)
}

/// A package of a program's dependency closure.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    /// The folder, if it is a path package.
    dir: Option<PathBuf>,
    /// The enabled features, separated by commas.
    features: String,
}

/// Returns the normal and build dependencies of a program on chain, and the program itself.
fn closure(program: &Program) -> Result<BTreeSet<Package>> {
    let mut cargo = workspace::cargo()?;
    // Cargo accepts a custom target only with unstable features enabled.
    cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["tree", "-Zjson-target-spec", "--locked", "--target"]);
    cargo.arg(workspace::root()?.join("tools/sbf/sbpf-solana.json"));
    packages(cargo.args(["--package", program.package]))
}

/// Returns the packages that `cargo tree` prints.
fn packages(tree: &mut Command) -> Result<BTreeSet<Package>> {
    tree.args(["--edges", "normal,build", "--prefix", "none"]);
    let text = workspace::output(tree.args(["--format", "{p}|{f}"]))?;
    text.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

/// Parses a line of `cargo tree`: `name v1.2.3 (proc-macro) (/folder)|features (*)`.
fn parse(line: &str) -> Result<Package> {
    let broken = || anyhow!("`cargo tree` printed a line that can't be parsed: {line}");
    let line = line.strip_suffix(" (*)").unwrap_or(line);
    let (package, features) = line.rsplit_once('|').ok_or_else(broken)?;
    let mut words = package.splitn(3, ' ');
    let name = words.next().ok_or_else(broken)?;
    let version = words
        .next()
        .and_then(|version| version.strip_prefix('v'))
        .ok_or_else(broken)?;
    let notes = words.next().unwrap_or_default().replace("(proc-macro)", "");
    let dir = notes
        .trim()
        .strip_prefix('(')
        .and_then(|note| note.strip_suffix(')'));
    Ok(Package {
        name: name.into(),
        version: version.into(),
        dir: dir.map(PathBuf::from).filter(|dir| dir.is_absolute()),
        features: features.into(),
    })
}

/// Returns the source and the checksum of a package in the lock file.
fn locked<'a>(lock: &'a Table, package: &Package) -> Result<(&'a str, &'a str)> {
    let text = |entry: &'a Value, key: &str| entry.get(key).and_then(Value::as_str);
    let entries = lock
        .get("package")
        .and_then(Value::as_array)
        .context("Cargo.lock has no packages")?;
    let entry = entries
        .iter()
        .find(|entry| {
            text(entry, "name") == Some(&package.name) && text(entry, "version") == Some(&package.version)
        })
        .with_context(|| format!("Cargo.lock has no {} {}", package.name, package.version))?;
    Ok((
        text(entry, "source").unwrap_or_default(),
        text(entry, "checksum").unwrap_or_default(),
    ))
}

/// Returns the digest of a path package: sources, build script, and manifest with what it inherits.
fn package_digest(dir: &Path, workspace: &Table, features: &str) -> Result<String> {
    let mut parts = BTreeMap::new();
    for (name, digest) in tree(&dir.join("src"))? {
        parts.insert(format!("src/{name}"), digest);
    }
    for (_, digest) in tree(&dir.join("build.rs"))? {
        parts.insert("build.rs".into(), digest);
    }
    let manifest = effective_manifest(read_toml(&dir.join("Cargo.toml"))?, workspace);
    parts.insert("Cargo.toml".into(), sha256(manifest.to_string().as_bytes()));
    parts.insert("features".into(), sha256(features.as_bytes()));
    Ok(combine(&parts))
}

/// Returns a manifest without the sections that cannot change the built bytes, and with the values
/// that it inherits from the workspace.
fn effective_manifest(mut manifest: Table, workspace: &Table) -> Table {
    let shared = workspace
        .get("workspace")
        .and_then(Value::as_table)
        .cloned()
        .unwrap_or_default();
    for section in ["dev-dependencies", "lints", "bench", "test", "example"] {
        manifest.remove(section);
    }
    if let Some(Value::Table(package)) = manifest.get_mut("package") {
        for field in PUBLICATION {
            package.remove(field);
        }
    }
    for section in ["package", "dependencies", "build-dependencies"] {
        if let Some(Value::Table(table)) = manifest.get_mut(section) {
            let from = if section == "package" {
                "package"
            } else {
                "dependencies"
            };
            inherit(table, shared.get(from));
        }
    }
    if let Some(Value::Table(targets)) = manifest.get_mut("target") {
        for target in targets.iter_mut().filter_map(|(_, target)| target.as_table_mut()) {
            target.remove("dev-dependencies");
            if let Some(Value::Table(table)) = target.get_mut("dependencies") {
                inherit(table, shared.get("dependencies"));
            }
        }
    }
    manifest
}

/// Adds the workspace's value to each entry with `workspace = true`.
fn inherit(table: &mut Table, shared: Option<&Value>) {
    for (key, value) in table.iter_mut() {
        if let Value::Table(entry) = value
            && entry.get("workspace") == Some(&Value::Boolean(true))
            && let Some(inherited) = shared.and_then(|shared| shared.get(key))
        {
            entry.insert("workspace".into(), inherited.clone());
        }
    }
}

/// Returns the release profile and the patched packages of the workspace.
fn profile(workspace: &Table) -> String {
    let release = workspace
        .get("profile")
        .and_then(|profile| profile.get("release"));
    let patch = workspace.get("patch");
    [release, patch]
        .into_iter()
        .flatten()
        .map(Value::to_string)
        .collect()
}

fn read_toml(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("{} is not valid TOML", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().expect("TOML")
    }

    fn effective(manifest: &str, workspace: &str) -> String {
        effective_manifest(table(manifest), &table(workspace)).to_string()
    }

    #[test]
    fn lines_of_cargo_tree_are_understood() {
        let package = parse("serde_derive v1.0.1 (proc-macro)|default,std (*)").expect("a line");
        assert_eq!(
            (&*package.name, &*package.version, &*package.features),
            ("serde_derive", "1.0.1", "default,std")
        );
        assert_eq!(package.dir, None);
        let package = parse("bauta v0.1.0 (/home/a b/programs/bauta)|").expect("a line");
        assert_eq!(package.dir, Some(PathBuf::from("/home/a b/programs/bauta")));
        assert!(parse("bauta").is_err());
    }

    #[test]
    fn what_is_only_for_the_publication_changes_no_digest() {
        let plain = "[package]\nname = 'a'\nversion = '1.0.0'";
        let more = format!(
            "{plain}\npublish.workspace = true\nreadme = 'README.md'\nkeywords = ['b']\n[package.metadata.docs.rs]\nall-features = true"
        );
        let shared = "[workspace.package]\npublish = false";
        assert_eq!(effective(plain, shared), effective(&more, shared));
        assert_ne!(
            effective(plain, ""),
            effective("[package]\nname = 'a'\nversion = '1.0.1'", "")
        );
    }

    #[test]
    fn development_dependencies_and_lints_change_no_digest() {
        let plain = "[dependencies]\na = '1'";
        let more = "[dependencies]\na = '1'\n[dev-dependencies]\nb = '2'\n[target.x.dev-dependencies]\nc = '3'\n[lints]\nworkspace = true";
        assert_eq!(
            effective(&format!("{plain}\n[target.x]"), ""),
            effective(more, "")
        );
    }

    #[test]
    fn what_a_manifest_inherits_changes_its_digest_and_nothing_else_of_the_workspace_does() {
        let manifest =
            "[package]\nedition.workspace = true\n[dependencies]\na = { workspace = true, features = ['f'] }";
        let workspace = |edition: &str, a: &str, b: &str| {
            format!(
                "[workspace.package]\nedition = '{edition}'\n[workspace.dependencies]\na = '{a}'\nb = '{b}'"
            )
        };
        let digest = |edition: &str, a: &str, b: &str| effective(manifest, &workspace(edition, a, b));
        let base = digest("2024", "1", "1");
        assert_eq!(base, digest("2024", "1", "2"));
        assert_ne!(base, digest("2024", "2", "1"));
        assert_ne!(base, digest("2021", "1", "1"));
    }
}
