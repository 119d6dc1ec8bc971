//! Files with the score of a member, in the leaf format 2. The authority gives the file to the
//! member. It is private: its salt hides the score in the leaf.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context as _, Result, anyhow};
use bauta_primitives::{
    FieldElement,
    statements::{Salt, Score},
};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::values::element;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 4_096;

/// The fields of the file. The names are those of the prover service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    score: u32,
    domain: String,
    issued_at: u64,
    expires_at: u64,
    salt: String,
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.score.zeroize();
        self.salt.zeroize();
    }
}

/// Reads a score.
pub fn read(file: &Path) -> Result<Score> {
    let context = || format!("can't read the score in {}", file.display());
    let mut text = Zeroizing::new(String::with_capacity(4_096));
    File::open(file)
        .and_then(|opened| opened.take(MAX_BYTES).read_to_string(&mut text))
        .with_context(context)?;
    parse(&text).with_context(context)
}

fn parse(text: &str) -> Result<Score> {
    // The error of the parser can have a value of the file, so only its position is shown.
    let fields: Fields = serde_json::from_str(text).map_err(|error| {
        anyhow!(
            "line {}, column {}: expected the fields score, domain, issued_at, expires_at and salt",
            error.line(),
            error.column()
        )
    })?;
    let domain = element(&fields.domain).map_err(|error| anyhow!("domain: {error}"))?;
    let salt = FieldElement::from_hex("salt", &fields.salt)
        .map_err(|_| anyhow!("salt: expected 0x and 64 hexadecimal digits of a field element"))?;
    let salt = Salt::from_bytes(&mut salt.to_bytes())?;
    Ok(Score::new(
        fields.score,
        domain,
        fields.issued_at,
        fields.expires_at,
        salt,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_read_and_an_error_shows_no_value() {
        let salt = format!("0x{:064x}", 5);
        let text = |score: &str, salt: &str| {
            format!(r#"{{"score":{score},"domain":"7","issued_at":1,"expires_at":2,"salt":"{salt}"}}"#)
        };
        assert_eq!(parse(&text("750000", &salt)).unwrap().score(), 750_000);
        for (score, salt) in [("\"secret\"", salt.as_str()), ("1", "secret"), ("1", "5")] {
            let error = format!("{:#}", parse(&text(score, salt)).err().unwrap());
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(parse(&text("4294967295", &salt)).is_err());
    }
}
