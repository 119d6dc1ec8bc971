//! Loads settings from the environment, from files and from defaults.
//!
//! ```text
//!   NAME, or the content of the file NAME_FILE  >  --config FILE (TOML)  >  default
//! ```

use std::{env, fs, path::Path};

use confique::{
    Config, Layer,
    meta::{FieldKind, Meta},
    toml::FormatOptions,
};
use serde::de::IntoDeserializer;

use crate::ServiceError;

/// Loads settings. The environment overrides the file, and the file overrides the defaults. A key
/// of the file that the settings don't have is an error.
pub(crate) fn load<C: Config>(file: Option<&Path>) -> Result<C, ServiceError> {
    let refused = |error: confique::Error| ServiceError::Configuration(format!("{error:#}"));
    let mut settings = C::Layer::from_env().map_err(refused)?;
    for key in keys(&C::META) {
        if let Some(file) = key.file() {
            settings = settings.with_fallback(key.read(&file)?);
        }
    }
    if let Some(file) = file {
        let table = parse(file)?;
        refuse_unknown(file, &C::META, &table, "")?;
        settings = settings.with_fallback(layer(file, table)?);
    }
    C::from_layer(settings.with_fallback(C::Layer::default_values())).map_err(refused)
}

/// Returns a configuration file with every key, its meaning, its environment variable, its default
/// and where it is set. It contains no values, because some are secret.
pub(crate) fn documentation<C: Config>(file: Option<&Path>) -> Result<String, ServiceError> {
    let table = file.map(parse).transpose()?.unwrap_or_default();
    let mut documented = confique::toml::template::<C>(FormatOptions::default());
    for key in keys(&C::META) {
        let Some(source) = key.source(&table) else {
            continue;
        };
        let (tables, name) = key.path.split_at(key.path.len() - 1);
        let section = match tables {
            [] => 0,
            tables => documented
                .find(&format!("\n[{}]\n", tables.join(".")))
                .map_or(0, |start| start + 1),
        };
        let line = documented[section..]
            .match_indices(&format!("{} =", name[0]))
            .map(|(at, _)| section + at)
            // Only at the start of a line, commented out or not; not inside another key's text.
            .find(|at| documented[..*at].ends_with('\n') || documented[..*at].ends_with("\n#"));
        if let Some(at) = line {
            let at = documented[..at].rfind('\n').map_or(0, |end| end + 1);
            documented.insert_str(at, &format!("# Currently set by {source}.\n#\n"));
        }
    }
    Ok(documented)
}

/// A key of the settings.
struct Key {
    /// The names of the enclosing tables, then the key's own name.
    path: Vec<&'static str>,
    variable: &'static str,
}

fn keys(meta: &'static Meta) -> Vec<Key> {
    let mut keys = Vec::new();
    for field in meta.fields {
        match field.kind {
            FieldKind::Nested { meta } => keys.extend(keys_within(field.name, meta)),
            FieldKind::Leaf { env: variable, .. } => keys.extend(variable.map(|variable| Key {
                path: vec![field.name],
                variable,
            })),
        }
    }
    keys
}

fn keys_within(table: &'static str, meta: &'static Meta) -> impl Iterator<Item = Key> {
    keys(meta).into_iter().map(move |mut key| {
        key.path.insert(0, table);
        key
    })
}

impl Key {
    /// Returns the file that `NAME_FILE` points to. Container systems provide secrets as files.
    fn file(&self) -> Option<String> {
        env::var(format!("{}_FILE", self.variable))
            .ok()
            .filter(|file| !file.is_empty())
    }

    fn in_environment(&self) -> bool {
        env::var_os(self.variable).is_some_and(|value| !value.is_empty())
    }

    /// Describes where the key is set. `None` if it has its default.
    fn source(&self, table: &toml::Table) -> Option<String> {
        let variable = self.variable;
        if self.in_environment() {
            return Some(format!("{variable} in the environment"));
        }
        if let Some(file) = self.file() {
            return Some(format!("{variable}_FILE in the environment: {file}"));
        }
        let (name, tables) = self.path.split_last()?;
        let within = tables
            .iter()
            .try_fold(table, |table, name| table.get(*name)?.as_table())?;
        within
            .contains_key(*name)
            .then(|| "the configuration file".to_owned())
    }

    fn read<L: Layer>(&self, file: &str) -> Result<L, ServiceError> {
        let variable = self.variable;
        if self.in_environment() {
            let both = format!("{variable} and {variable}_FILE are both set: set only one of them");
            return Err(ServiceError::Configuration(both));
        }
        let file = Path::new(file);
        let text = read(file)?;
        // Editors end a file with a line break.
        let value = toml::Value::String(text.trim_end_matches(['\r', '\n']).to_owned());
        let (name, tables) = self.path.split_last().expect("a key has a name");
        let innermost = toml::Table::from_iter([((*name).to_owned(), value)]);
        let table = tables.iter().rev().fold(innermost, |table, name| {
            toml::Table::from_iter([((*name).to_owned(), table.into())])
        });
        layer(file, table)
    }
}

fn read(file: &Path) -> Result<String, ServiceError> {
    fs::read_to_string(file).map_err(|error| ServiceError::ReadFile {
        file: file.to_owned(),
        error,
    })
}

fn parse(file: &Path) -> Result<toml::Table, ServiceError> {
    let text = read(file)?;
    // The error's own text shows the line, which may contain a secret.
    toml::from_str(&text).map_err(|error| ServiceError::Syntax {
        file: file.to_owned(),
        line: error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count()),
        rule: error.message().to_owned(),
    })
}

/// Refuses keys that the settings don't have. Otherwise a mistyped key would silently have its
/// default.
fn refuse_unknown(file: &Path, meta: &Meta, table: &toml::Table, within: &str) -> Result<(), ServiceError> {
    for (name, value) in table {
        let key = format!("{within}{name}");
        let Some(field) = meta.fields.iter().find(|field| field.name == name) else {
            let known: Vec<_> = meta.fields.iter().map(|field| field.name).collect();
            return Err(ServiceError::Key {
                file: file.to_owned(),
                key,
                rule: format!("unknown key; the keys are {}", known.join(", ")),
            });
        };
        if let (FieldKind::Nested { meta }, Some(table)) = (field.kind, value.as_table()) {
            refuse_unknown(file, meta, table, &format!("{key}."))?;
        }
    }
    Ok(())
}

fn layer<L: Layer>(file: &Path, table: toml::Table) -> Result<L, ServiceError> {
    serde_path_to_error::deserialize(table.into_deserializer()).map_err(|error| ServiceError::Key {
        file: file.to_owned(),
        key: error.path().to_string(),
        rule: error.inner().message().to_owned(),
    })
}
