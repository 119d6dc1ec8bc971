//! Errors about input, without HTTP. [`Problem`](crate::Problem) converts them to responses.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, SeqAccess, Visitor},
};

/// Largest length of a field or rule in an error, in bytes. Both can repeat a name that the client
/// chose.
const MAX_ERROR_TEXT: usize = 256;

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
        let field = if path == "." { "body" } else { &path };
        InvalidField::new(shorten(field), shorten(rule)).into()
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// Returns the text, or its beginning if it is longer than [`MAX_ERROR_TEXT`].
fn shorten(text: &str) -> String {
    if text.len() <= MAX_ERROR_TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_ERROR_TEXT)])
}

/// Deserialises a list of at most `MAX` elements. It stops at the next element, so a longer list
/// takes no more memory than the limit allows. Use it in
/// `#[serde(deserialize_with = "at_most::<_, _, 64>")]`.
pub fn at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} elements")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while list.len() < MAX {
                match elements.next_element()? {
                    Some(element) => list.push(element),
                    None => return Ok(list),
                }
            }
            // Skipping an element allocates nothing.
            match elements.next_element::<IgnoredAny>()? {
                None => Ok(list),
                Some(_) => Err(A::Error::custom(format_args!("must have at most {MAX} elements"))),
            }
        }
    }

    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

/// As [`at_most`], for a list that may be missing or null. Needs `#[serde(default)]` as well.
pub fn optional_at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(transparent, bound = "T: Deserialize<'de>")]
    struct Bounded<T, const MAX: usize>(#[serde(deserialize_with = "at_most::<_, _, MAX>")] Vec<T>);

    let list = Option::<Bounded<T, MAX>>::deserialize(deserializer)?;
    Ok(list.map(|Bounded(list)| list))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static READ: AtomicUsize = AtomicUsize::new(0);

    struct Counted;

    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            READ.fetch_add(1, Ordering::Relaxed);
            u8::deserialize(deserializer).map(|_| Self)
        }
    }

    #[derive(Deserialize)]
    struct Lists {
        #[serde(deserialize_with = "at_most::<_, _, 3>")]
        list: Vec<Counted>,
        #[serde(default, deserialize_with = "optional_at_most::<_, _, 2>")]
        optional: Option<Vec<u8>>,
    }

    fn error(text: &str) -> String {
        from_json::<Lists>(text.as_bytes()).err().unwrap().to_string()
    }

    #[test]
    fn a_list_that_is_too_long_is_refused_at_its_first_excess_element() {
        let long = format!("{{\"list\": [{}0]}}", "0,".repeat(1000));
        assert_eq!(error(&long), "list: must have at most 3 elements");
        assert_eq!(READ.load(Ordering::Relaxed), 3);
        let lists: Lists = from_json(b"{\"list\": [1, 2, 3], \"optional\": [1, 2]}").unwrap();
        assert_eq!((lists.list.len(), lists.optional), (3, Some(vec![1, 2])));
        let lists: Lists = from_json(b"{\"list\": [], \"optional\": null}").unwrap();
        assert_eq!((lists.list.len(), lists.optional), (0, None));
        let long = error("{\"list\": [], \"optional\": [1, 2, 3]}");
        assert_eq!(long, "optional: must have at most 2 elements");
        let element = error("{\"list\": [0, \"x\"]}");
        assert!(element.starts_with("list[1]: invalid type"), "{element}");
    }

    #[test]
    fn an_error_repeats_at_most_the_beginning_of_a_long_name() {
        let error = error(&format!("{{\"list\": \"{}\"}}", "ä".repeat(10_000)));
        assert!(error.len() < 600 && error.ends_with('…'), "{error}");
    }
}
