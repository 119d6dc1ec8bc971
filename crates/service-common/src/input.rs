//! Errors about input, without HTTP. [`Problem`](crate::Problem) converts them to responses.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// Largest length of a field or rule in an error, in bytes. Both can repeat a name that the client
/// chose.
const MAX_ERROR_TEXT: usize = 256;
/// Largest number of invalid fields that are reported at once.
const MAX_INVALID_FIELDS: usize = 16;
/// Largest text whose invalid fields are all reported, in bytes. Of a larger text only the first
/// one is reported, because the search for the others needs the values of the whole text in memory.
const MAX_SEARCHED_BYTES: usize = 32 << 10;

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

/// One or more fields that break their rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidFields {
    first: InvalidField,
    others: Vec<InvalidField>,
}

impl InvalidFields {
    /// Returns the error for these fields. Returns `None` for an empty list.
    #[must_use]
    pub fn of(fields: impl IntoIterator<Item = InvalidField>) -> Option<Self> {
        let mut fields = fields.into_iter();
        let first = fields.next()?;
        let others = fields.take(MAX_INVALID_FIELDS - 1).collect();
        Some(Self { first, others })
    }

    /// Adds the fields of another error, up to the limit of fields in one answer.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.others.push(more.first);
        self.others.extend(more.others);
        self.others.truncate(MAX_INVALID_FIELDS - 1);
        self
    }

    /// Returns the first field.
    #[must_use]
    pub const fn first(&self) -> &InvalidField {
        &self.first
    }

    /// Returns all fields.
    pub fn iter(&self) -> impl Iterator<Item = &InvalidField> {
        [&self.first].into_iter().chain(&self.others)
    }

    /// Changes each field.
    #[must_use]
    pub fn map(self, change: impl Fn(InvalidField) -> InvalidField) -> Self {
        Self {
            first: change(self.first),
            others: self.others.into_iter().map(change).collect(),
        }
    }

    fn add(&mut self, field: InvalidField) {
        if self.others.len() + 1 < MAX_INVALID_FIELDS {
            self.others.push(field);
        }
    }
}

impl From<InvalidField> for InvalidFields {
    fn from(first: InvalidField) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }
}

impl IntoIterator for InvalidFields {
    type Item = InvalidField;
    type IntoIter = std::iter::Chain<std::iter::Once<InvalidField>, std::vec::IntoIter<InvalidField>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.others)
    }
}

impl fmt::Display for InvalidFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.others.iter().try_for_each(|field| write!(f, "; {field}"))
    }
}

impl std::error::Error for InvalidFields {}

/// Why a text can't be read as a JSON value of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text isn't JSON.
    #[error("the body isn't JSON: {0}")]
    Malformed(String),
    /// Fields are missing, unknown, or of another type.
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
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

/// Reads a JSON value. An error names the fields and their rules.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    let malformed = |error: &serde_json::Error| JsonError::Malformed(error.to_string());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if error.inner().is_data() {
            find_invalid_fields::<T>(bytes, &error).into()
        } else {
            malformed(error.inner())
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

type PathError = serde_path_to_error::Error<serde_json::Error>;

/// Returns the invalid fields of a text, whose first error is given. The parser stops at the first
/// error, so this removes the invalid field and parses the rest again.
fn find_invalid_fields<T: DeserializeOwned>(bytes: &[u8], first: &PathError) -> InvalidFields {
    let mut fields = InvalidFields::from(invalid_field(first));
    if bytes.len() > MAX_SEARCHED_BYTES {
        return fields;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(bytes) else {
        return fields;
    };
    let (mut path, mut removed) = (first.path().clone(), Vec::new());
    for _ in 0..2 * MAX_INVALID_FIELDS {
        let Some(name) = remove(&mut body, &path) else {
            break;
        };
        removed.push(name);
        let Err(error) = serde_path_to_error::deserialize::<_, T>(&body) else {
            break;
        };
        // A field that was removed above is reported already.
        let is_removed = missing_field(&error).is_some_and(|missing| removed.contains(&missing));
        if !is_removed {
            fields.add(invalid_field(&error));
        }
        path = error.path().clone();
    }
    fields
}

fn invalid_field(error: &PathError) -> InvalidField {
    // The path already says where the error is: the line and column are removed.
    let (path, rule) = (error.path().to_string(), error.inner().to_string());
    let rule = rule
        .rsplit_once(" at line ")
        .map_or(rule.as_str(), |(rule, _)| rule);
    let field = if path == "." { "body" } else { &path };
    InvalidField::new(shorten(field), shorten(rule))
}

/// Removes the field that a path leads to, or the innermost field that contains it. Returns its
/// path. `None` if the path leads to the whole body.
fn remove(body: &mut Value, path: &Path) -> Option<String> {
    let is_known = |segment: &&Segment| matches!(segment, Segment::Map { .. } | Segment::Seq { .. });
    let segments: Vec<&Segment> = path.iter().take_while(is_known).collect();
    let last = segments
        .iter()
        .rposition(|segment| matches!(segment, Segment::Map { .. }))?;
    let mut name = String::new();
    let mut parent = body;
    for segment in &segments[..last] {
        append(&mut name, segment);
        parent = match segment {
            Segment::Map { key } => parent.get_mut(key)?,
            Segment::Seq { index } => parent.get_mut(index)?,
            _ => return None,
        };
    }
    append(&mut name, segments[last]);
    let Segment::Map { key } = segments[last] else {
        return None;
    };
    parent.as_object_mut()?.remove(key)?;
    Some(name)
}

/// Appends a segment to a path, as `Display` of [`Path`] does.
fn append(name: &mut String, segment: &Segment) {
    if !name.is_empty() && matches!(segment, Segment::Map { .. }) {
        name.push('.');
    }
    *name += &segment.to_string();
}

/// Returns the path of the field that an error says is missing.
fn missing_field(error: &PathError) -> Option<String> {
    let message = error.inner().to_string();
    let field = message.strip_prefix("missing field `")?.split('`').next()?;
    let parent = error.path().to_string();
    Some(match parent.as_str() {
        "." => field.to_owned(),
        parent => format!("{parent}.{field}"),
    })
}

/// Returns the text, or its beginning if it is longer than [`MAX_ERROR_TEXT`].
fn shorten(text: &str) -> String {
    if text.len() <= MAX_ERROR_TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_ERROR_TEXT)])
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bauta_wire::{at_most, optional_at_most};
    use serde::{Deserialize, Deserializer};

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

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only parsed")]
    struct Outer {
        number: u8,
        text: Option<String>,
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only parsed")]
    struct Inner {
        a: u8,
        b: u8,
    }

    fn invalid(text: &str) -> Vec<String> {
        match from_json::<Outer>(text.as_bytes()) {
            Err(JsonError::Invalid(fields)) => fields.into_iter().map(|field| field.field).collect(),
            Err(error) => panic!("{error}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn all_invalid_fields_are_reported_at_once() {
        assert_eq!(invalid(r#"{"number": 1}"#), [""; 0]);
        assert_eq!(invalid(r#"{"number": "1"}"#), ["number"]);
        let several = r#"{"more": 1, "number": 300, "text": 5, "inner": {"a": "x", "b": -1, "c": 1}}"#;
        assert_eq!(
            invalid(several),
            ["more", "inner.a", "inner.b", "inner.c", "number", "text"]
        );
        // The missing field of one object doesn't hide the errors of another.
        let missing = r#"{"inner": {"a": 1}, "list": [{"a": 1, "b": 2}, {"a": true, "b": 2}], "number": []}"#;
        assert_eq!(invalid(missing), ["inner", "list[1].a", "number"]);
        assert_eq!(invalid("[]"), ["body"]);
        assert_eq!(invalid("{}"), ["body"]);
    }

    #[test]
    fn the_number_of_reported_fields_is_bounded() {
        let many: Vec<String> = (0..1000).map(|number| format!("\"x{number}\": 1")).collect();
        assert_eq!(
            invalid(&format!("{{{}}}", many.join(", "))).len(),
            MAX_INVALID_FIELDS
        );
        let large = format!(
            "{{\"number\": 300, \"text\": 5, \"x\": \"{}\"}}",
            " ".repeat(MAX_SEARCHED_BYTES)
        );
        assert_eq!(invalid(&large), ["number"]);
    }

    #[test]
    fn an_error_repeats_at_most_the_beginning_of_a_long_name() {
        let error = error(&format!("{{\"list\": \"{}\"}}", "ä".repeat(10_000)));
        assert!(error.len() < 600 && error.ends_with('…'), "{error}");
    }
}
