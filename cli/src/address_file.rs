//! Files with the address of a member, in the leaf format 3. The authority gives the file to the
//! member. It is private: who knows its contents recognises the leaf.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context as _, Result, anyhow};
use bauta_primitives::statements::{Address, Component, Handle, InvalidValue, parse_pid};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 4_096;
/// The number of hexadecimal digits of a handle.
const HANDLE_DIGITS: usize = 30;

/// The fields of the file. The names are those of the prover service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    pid: String,
    handle: String,
    schema: u32,
    valid_until: u64,
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.pid.zeroize();
        self.handle.zeroize();
        self.schema.zeroize();
        self.valid_until.zeroize();
    }
}

/// Reads an address.
pub fn read(file: &Path) -> Result<Address> {
    let context = || format!("can't read the address in {}", file.display());
    let mut text = Zeroizing::new(String::with_capacity(4_096));
    File::open(file)
        .and_then(|opened| opened.take(MAX_BYTES).read_to_string(&mut text))
        .with_context(context)?;
    parse(&text).with_context(context)
}

fn parse(text: &str) -> Result<Address> {
    // The error of the parser can have a value of the file, so only its position is shown.
    let fields: Fields = serde_json::from_str(text).map_err(|error| {
        anyhow!(
            "line {}, column {}: expected the fields pid, handle, schema and valid_until",
            error.line(),
            error.column()
        )
    })?;
    let broken = |InvalidValue { field, rule }| anyhow!("{field} {rule}");
    let digits = fields
        .handle
        .strip_prefix("0x")
        .filter(|digits| digits.len() == HANDLE_DIGITS);
    let handle = digits
        .and_then(|digits| u128::from_str_radix(digits, 16).ok())
        .ok_or_else(|| anyhow!("handle: expected 0x and {HANDLE_DIGITS} hexadecimal digits"))?;
    let handle = Handle::new(handle).map_err(broken)?;
    let components = parse_pid(&fields.pid).map_err(broken)?;
    Address::new(components, handle, fields.schema, fields.valid_until).map_err(broken)
}

/// Returns the text of a component. Empty if it is absent.
pub fn text_of(component: Component) -> String {
    let bytes = component.get().to_be_bytes();
    let bytes = bytes.iter().copied().skip_while(|byte| *byte == 0);
    bytes.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"pid": "JP-13-113-01", "handle": "0x0000000000000000000000000000ab", "schema": 3, "valid_until": 9}"#;

    #[test]
    fn the_fields_are_read() {
        let address = parse(GOOD).unwrap();
        assert_eq!(
            (address.depth(), address.schema(), address.valid_until()),
            (4, 3, 9)
        );
        assert_eq!(address.handle().get(), 0xab);
        let texts: Vec<String> = address.components().iter().map(|part| text_of(*part)).collect();
        assert_eq!(texts, ["JP", "13", "113", "01", "", "", "", ""]);
    }

    #[test]
    fn an_error_names_the_field_and_repeats_no_value() {
        for (from, to, expected) in [
            ("JP-13", "jp-13", "components"),
            ("0x00", "00", "handle"),
            ("\"schema\": 3", "\"schema\": \"77777\"", "column"),
            ("\"pid\"", "\"name\"", "column"),
        ] {
            let error = format!("{:#}", parse(&GOOD.replacen(from, to, 1)).err().unwrap());
            assert!(error.contains(expected), "{error}");
            for private in ["77777", "jp-13", "113", "ab\""] {
                assert!(!error.contains(private), "{error}");
            }
        }
    }
}
