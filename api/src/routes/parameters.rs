//! Reads the parameters of requests. An error names the parameter and its rule.

use bauta_primitives::FieldElement;
use bauta_service_common::InvalidField;
use solana_address::Address;

/// Largest length of a text that names a statement or a circuit.
const MAX_NAME_LENGTH: usize = 128;

/// Reads an address in base58.
pub fn address(field: &'static str, text: &str) -> Result<Address, InvalidField> {
    text.parse()
        .map_err(|_| InvalidField::new(field, "must be an address: 32 bytes in base58"))
}

/// Reads 32 bytes in base58.
pub fn node(field: &str, text: &str) -> Result<[u8; 32], InvalidField> {
    let bytes: Result<Address, _> = text.parse();
    bytes
        .map(|bytes| bytes.to_bytes())
        .map_err(|_| InvalidField::new(field, "must be 32 bytes in base58"))
}

/// Reads a field element.
pub fn element(field: &'static str, text: &str) -> Result<FieldElement, InvalidField> {
    FieldElement::from_hex(field, text).map_err(|error| InvalidField::new(field, error.to_string()))
}

/// Reads a SHA-256 hash.
pub fn hash(field: &'static str, text: &str) -> Result<[u8; 32], InvalidField> {
    let mut hash = [0; 32];
    text.strip_prefix("0x")
        .and_then(|digits| hex::decode_to_slice(digits, &mut hash).ok())
        .map(|()| hash)
        .ok_or_else(|| InvalidField::new(field, "must be 0x and 64 hexadecimal digits"))
}

/// Reads bytes of a fixed number.
pub fn bytes(field: &'static str, text: &str, into: &mut [u8]) -> Result<(), InvalidField> {
    let digits = text.strip_prefix("0x");
    let read = digits.and_then(|digits| hex::decode_to_slice(digits, into).ok());
    let rule = || format!("must be 0x and {} hexadecimal digits", 2 * into.len());
    read.ok_or_else(|| InvalidField::new(field, rule()))
}

/// Checks a text that names a statement or a circuit.
pub fn name(field: &'static str, text: &str) -> Result<(), InvalidField> {
    if (1..=MAX_NAME_LENGTH).contains(&text.chars().count()) {
        return Ok(());
    }
    let rule = format!("must have 1 to {MAX_NAME_LENGTH} characters");
    Err(InvalidField::new(field, rule))
}

/// Returns the value of a field, or adds the error to the others.
pub fn kept<T>(value: Result<T, InvalidField>, errors: &mut Vec<InvalidField>) -> Option<T> {
    value.map_err(|error| errors.push(error)).ok()
}

/// Returns the size of a page: `limit`, or the largest one.
pub fn page_size(limit: Option<u16>, largest: u16) -> Result<u16, InvalidField> {
    let limit = limit.unwrap_or(largest);
    if (1..=largest).contains(&limit) {
        return Ok(limit);
    }
    Err(InvalidField::new("limit", format!("must be from 1 to {largest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_breaks_its_rule_is_refused_by_name() {
        assert!(address("owner", "11111111111111111111111111111111").is_ok());
        for text in [
            "",
            "1",
            "0x00",
            "I1111111111111111111111111111111",
            &"1".repeat(1_000),
        ] {
            assert_eq!(address("owner", text).unwrap_err().field, "owner");
        }
        assert_eq!(hash("vk_hash", &format!("0x{}", "0a".repeat(32))), Ok([10; 32]));
        for text in [
            "",
            "0x",
            &"0a".repeat(32),
            &format!("0x{}", "0a".repeat(33)),
            "0x€",
        ] {
            assert_eq!(hash("vk_hash", text).unwrap_err().field, "vk_hash", "{text}");
            assert_eq!(element("root", text).unwrap_err().field, "root", "{text}");
        }
        assert_eq!(page_size(None, 100), Ok(100));
        assert_eq!(page_size(Some(1), 100), Ok(1));
        for limit in [0, 101, u16::MAX] {
            assert_eq!(page_size(Some(limit), 100).unwrap_err().field, "limit");
        }
    }
}
