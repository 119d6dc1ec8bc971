//! The API key of an operator.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context as _, Result, ensure};
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// The longest file that is read, in bytes.
const MAX_BYTES: usize = 1_024;

/// An API key.
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Reads the first line of a file.
    pub fn read(file: &Path) -> Result<Self> {
        let context = || format!("can't read the API key in {}", file.display());
        // A string that grows leaves copies of the key.
        let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES));
        let opened = File::open(file).with_context(context)?;
        opened
            .take(MAX_BYTES as u64)
            .read_to_string(&mut text)
            .with_context(context)?;
        let key = text.lines().next().unwrap_or_default().trim();
        ensure!(
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()),
            "the first line of {} is not an API key: give the file with the key that the operator of the API has \
             created",
            file.display()
        );
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// Returns the value of the header `Authorization`.
    pub fn header(&self) -> Result<HeaderValue> {
        let text = Zeroizing::new(format!("Bearer {}", *self.0));
        let mut value = HeaderValue::from_str(&text).context("the API key")?;
        value.set_sensitive(true);
        Ok(value)
    }
}
