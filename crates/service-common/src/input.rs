//! Errors about input, without HTTP. [`Problem`](crate::Problem) converts them to responses.

use serde::de::DeserializeOwned;

/// A field that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct InvalidField {
    /// The field's path, for example `requests[2].public.root`.
    pub field: String,
    /// The rule, for example `must be from 1 to 10`.
    pub rule: String,
}

impl InvalidField {
    /// The stable error code.
    pub const CODE: &'static str = "invalid_input";

    /// Creates the error for a field and the rule that it breaks.
    #[must_use]
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
        }
    }

    /// Creates the error for a field that is required and missing.
    #[must_use]
    pub fn missing(field: impl Into<String>) -> Self {
        Self::new(field, "is missing")
    }

    /// Prefixes the field with the path of the value that contains it.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        Self {
            field: format!("{outer}.{}", self.field),
            rule: self.rule,
        }
    }

    /// Replaces the prefix `from` of the field by `to`. Other fields stay as they are.
    #[must_use]
    pub fn renamed(self, from: &str, to: &str) -> Self {
        match self.field.strip_prefix(from) {
            Some(rest) => Self {
                field: format!("{to}{rest}"),
                rule: self.rule,
            },
            None => self,
        }
    }
}

/// Why a text can't be read as a JSON value of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text isn't JSON.
    #[error("the body isn't JSON: {0}")]
    Malformed(String),
    /// A field is missing, unknown, or of another type.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
}

impl JsonError {
    /// Returns the stable error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_json",
            Self::Invalid(_) => InvalidField::CODE,
        }
    }
}

/// Reads a JSON value. An error names the field and its rule.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    let malformed = |error: &serde_json::Error| JsonError::Malformed(error.to_string());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        if !inner.is_data() {
            return malformed(inner);
        }
        // The path already says where the error is: the line and column are removed.
        let rule = inner.to_string();
        let rule = rule
            .rsplit_once(" at line ")
            .map_or(rule.as_str(), |(rule, _)| rule);
        InvalidField::new(if path == "." { "body" } else { &path }, rule).into()
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}
