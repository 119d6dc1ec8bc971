//! Settings from environment, file and defaults.

use std::{fs, path::Path};

use confique::{Config, Layer, toml::FormatOptions};
use serde::de::IntoDeserializer;

use crate::ServiceError;

/// Reads settings: the environment wins over the file, the file over the defaults. Refuses keys of the file that the
/// settings don't have.
pub fn load<C: Config>(file: Option<&Path>) -> Result<C, ServiceError> {
    let refused = |error: confique::Error| ServiceError::Configuration(format!("{error:#}"));
    let environment = C::Layer::from_env().map_err(refused)?;
    let file = match file {
        Some(file) => read(file)?,
        None => C::Layer::empty(),
    };
    C::from_layer(
        environment
            .with_fallback(file)
            .with_fallback(C::Layer::default_values()),
    )
    .map_err(refused)
}

/// A configuration file with every key, its meaning, its environment variable and its default.
#[must_use]
pub fn documentation<C: Config>() -> String {
    confique::toml::template::<C>(FormatOptions::default())
}

fn read<L: Layer>(file: &Path) -> Result<L, ServiceError> {
    let text = fs::read_to_string(file).map_err(|error| ServiceError::ReadFile {
        file: file.to_owned(),
        error,
    })?;
    // The errors' own printing shows the line, which may hold a secret.
    let table: toml::Table = toml::from_str(&text).map_err(|error| ServiceError::Syntax {
        file: file.to_owned(),
        line: error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count()),
        rule: error.message().to_owned(),
    })?;
    serde_path_to_error::deserialize(table.into_deserializer()).map_err(|error| ServiceError::Key {
        file: file.to_owned(),
        key: error.path().to_string(),
        rule: error.inner().message().to_owned(),
    })
}
