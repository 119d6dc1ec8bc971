//! Values on the command line, and names of values in accounts.

use std::time::Duration;

use bauta::state::{CollectionKind, RegistryKind, ScopeMode};
use bauta_primitives::FieldElement;
use clap::ValueEnum;
use solana_address::Address;

/// Parses a field element: `0x` and 64 hexadecimal digits, or a decimal number.
pub fn element(text: &str) -> Result<FieldElement, String> {
    if let Ok(number) = text.parse() {
        return Ok(FieldElement::from_u64(number));
    }
    FieldElement::from_hex("the value", text).map_err(|error| format!("{error}, or a decimal number"))
}

/// Parses a duration: a number with the unit s, m, h or d.
pub fn duration(text: &str) -> Result<Duration, String> {
    let rule =
        || format!("{text:?} is not a duration: give a number with a unit, for example 90s, 10m, 2h or 7d");
    let unit = text.chars().last().ok_or_else(rule)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(rule()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| rule())?;
    let total = number
        .checked_mul(seconds)
        .filter(|total| *total <= 10 * 365 * 86_400);
    total
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{text:?} is longer than the limit of 10 years"))
}

/// Adds a duration to a time in Unix seconds.
pub fn later(now: i64, duration: Duration) -> i64 {
    now.saturating_add(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

/// Adds a duration to a time in Unix seconds, and rounds up to a full quarter of an hour as
/// `@bauta/sdk` does, so that a time that becomes public has nothing of the clock of this machine.
pub fn rounded_later(now: i64, duration: Duration) -> i64 {
    const STEP: i64 = 900;
    let end = later(now, duration);
    end.saturating_add((STEP - end.rem_euclid(STEP)) % STEP)
}

/// Returns an address, or `None` if it is zero: the program stores absent addresses as zero.
pub fn present(address: Address) -> Option<Address> {
    (address != Address::default()).then_some(address)
}

/// Returns the text of a zero-padded name.
pub fn padded_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end])
        .escape_default()
        .to_string()
}

/// Returns 32 bytes as text with the prefix 0x.
pub fn hex32(bytes: &[u8; 32]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The kinds of registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RegistryKindName {
    Holders,
    Managed,
    Attested,
}

impl From<RegistryKindName> for RegistryKind {
    fn from(name: RegistryKindName) -> Self {
        match name {
            RegistryKindName::Holders => Self::Holders,
            RegistryKindName::Managed => Self::Managed,
            RegistryKindName::Attested => Self::Attested,
        }
    }
}

/// Returns the name of a registry's kind.
pub fn registry_kind(kind: u8) -> &'static str {
    match kind {
        0 => "holders",
        1 => "managed",
        2 => "attested",
        _ => "unknown",
    }
}

/// The kinds of collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CollectionKindName {
    Asset,
    Group,
    TokenMetadata,
    Core,
    Prints,
}

impl From<CollectionKindName> for CollectionKind {
    fn from(name: CollectionKindName) -> Self {
        match name {
            CollectionKindName::Asset => Self::Asset,
            CollectionKindName::Group => Self::Group,
            CollectionKindName::TokenMetadata => Self::TokenMetadata,
            CollectionKindName::Core => Self::Core,
            CollectionKindName::Prints => Self::Prints,
        }
    }
}

/// Returns the name of a collection's kind.
pub fn collection_kind(kind: u8) -> &'static str {
    match kind {
        0 => "asset",
        1 => "group",
        2 => "token-metadata",
        3 => "core",
        4 => "prints",
        _ => "unknown",
    }
}

/// The modes of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScopeModeName {
    Snapshot,
    Live,
}

impl From<ScopeModeName> for ScopeMode {
    fn from(name: ScopeModeName) -> Self {
        match name {
            ScopeModeName::Snapshot => Self::Snapshot,
            ScopeModeName::Live => Self::Live,
        }
    }
}

/// Returns the name of a scope's mode.
pub fn scope_mode(mode: u8) -> &'static str {
    match mode {
        0 => "snapshot",
        1 => "live",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_element_is_a_number_or_64_digits() {
        assert_eq!(element("7"), Ok(FieldElement::from_u64(7)));
        let digits = format!("0x{:064x}", 7);
        assert_eq!(element(&digits), Ok(FieldElement::from_u64(7)));
        for wrong in ["", "-1", "0x07", "seven", &format!("0x{}", "ff".repeat(32))] {
            assert!(element(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_duration_has_a_unit_and_a_limit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_hours(7 * 24)));
        for wrong in ["", "7", "d", "-1s", "1.5h", "99999d", "7y", "7µ"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_public_time_is_rounded_up_to_a_quarter_of_an_hour() {
        let hour = Duration::from_hours(1);
        assert_eq!(rounded_later(0, hour), 3_600);
        assert_eq!(rounded_later(1, hour), 4_500);
        assert_eq!(rounded_later(900, hour), 4_500);
        assert_eq!(rounded_later(i64::MAX - 1, hour), i64::MAX);
    }

    #[test]
    fn the_names_of_kinds_and_modes_are_those_of_the_program() {
        for name in RegistryKindName::value_variants() {
            let shown = name.to_possible_value().unwrap();
            assert_eq!(shown.get_name(), registry_kind(RegistryKind::from(*name) as u8));
        }
        for name in CollectionKindName::value_variants() {
            let shown = name.to_possible_value().unwrap();
            assert_eq!(
                shown.get_name(),
                collection_kind(CollectionKind::from(*name) as u8)
            );
        }
        for name in ScopeModeName::value_variants() {
            let shown = name.to_possible_value().unwrap();
            assert_eq!(shown.get_name(), scope_mode(ScopeMode::from(*name) as u8));
        }
    }
}
