use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Handle, InvalidValue, chain, check_time, tag};
use crate::{Attributes, Claim, FieldElement, Root};

/// The largest number of components of an address.
pub const MAX_COMPONENTS: usize = 8;
/// The largest length of a component in characters.
const MAX_LENGTH: usize = 15;
/// The position of the flag in the claim's word.
const SHOW: u64 = 1 << 4;
/// The position of the schema in the claim's word.
const SHOWN_SCHEMA: u64 = 1 << 5;

/// A component of an address: 1 to 15 characters of 0-9 and A-Z, read as a big-endian integer of
/// their ASCII bytes. So "01" and "1" are different components. 0 is an absent component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Zeroize)]
pub struct Component(u128);

impl Component {
    /// An absent component.
    pub const ABSENT: Self = Self(0);

    /// Reads a component.
    ///
    /// # Errors
    /// If the length or a character is not allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let is_allowed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        if !(1..=MAX_LENGTH).contains(&text.len()) || !text.bytes().all(is_allowed) {
            return Err(InvalidValue {
                field: "components",
                rule: "must each have 1 to 15 characters of 0-9 and A-Z",
            });
        }
        let number = text
            .bytes()
            .fold(0, |number, byte| number << 8 | u128::from(byte));
        Ok(Self(number))
    }

    /// Returns the integer.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0
    }

    fn element(self) -> FieldElement {
        element(self.0)
    }
}

/// Reads the components of a `pid`, for example `JP-13-113-01`.
///
/// # Errors
/// If there are more than 8 components, or one of them is invalid.
pub fn parse_pid(pid: &str) -> Result<[Component; MAX_COMPONENTS], InvalidValue> {
    let mut components = [Component::ABSENT; MAX_COMPONENTS];
    let mut places = components.iter_mut();
    for part in pid.split('-') {
        let Some(place) = places.next() else {
            return Err(InvalidValue {
                field: "components",
                rule: "must be at most 8",
            });
        };
        *place = Component::parse(part)?;
    }
    Ok(components)
}

/// The contents of a leaf of format 3 (`address`). The authority of the registry checks the address
/// against the schema of its country and writes the leaf.
///
/// The values are private. They are wiped from memory when they are dropped, and the type has no
/// `Debug`. Nothing but the commitment hides the leaf of a person whose handle is known, so a leaf's
/// contents must not be published after a revocation.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Address {
    components: [Component; MAX_COMPONENTS],
    handle: Handle,
    schema: u32,
    valid_until: u64,
}

impl Address {
    /// The leaf format.
    pub const LEAF_FORMAT: u16 = 3;

    /// Creates the contents of a leaf. The address is valid until `valid_until`, including it.
    ///
    /// # Errors
    /// If the first component is absent, a component follows an absent one, or `valid_until` does
    /// not fit 40 bits.
    pub fn new(
        components: [Component; MAX_COMPONENTS],
        handle: Handle,
        schema: u32,
        valid_until: u64,
    ) -> Result<Self, InvalidValue> {
        let is_present = components.map(|component| component != Component::ABSENT);
        if !is_present[0] || !is_present.is_sorted_by(|earlier, later| earlier >= later) {
            return Err(InvalidValue {
                field: "components",
                rule: "must be 1 to 8, without an absent component before a present one",
            });
        }
        check_time("valid_until", valid_until)?;
        Ok(Self {
            components,
            handle,
            schema,
            valid_until,
        })
    }

    /// Returns the components.
    #[must_use]
    pub const fn components(&self) -> &[Component; MAX_COMPONENTS] {
        &self.components
    }

    /// Returns the number of present components.
    #[must_use]
    pub fn depth(&self) -> usize {
        let present = self.components.iter();
        present
            .filter(|component| **component != Component::ABSENT)
            .count()
    }

    /// Returns the identifier by which the address is revoked.
    #[must_use]
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns the number of the schema.
    #[must_use]
    pub const fn schema(&self) -> u32 {
        self.schema
    }

    /// Returns the last time at which the address is valid.
    #[must_use]
    pub const fn valid_until(&self) -> u64 {
        self.valid_until
    }

    /// Computes the leaf's attributes: `Poseidon6(Poseidon6(T(address), c1..c5), c6, c7, c8, handle,
    /// schema + 2^32 · valid_until)`.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let word = u128::from(self.schema) + (u128::from(self.valid_until) << 32);
        Attributes::new(hash(
            "bauta/address/1",
            &self.components,
            [element(self.handle.get()), element(word)],
        ))
    }
}

/// What a pattern of the earlier address system shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// That the member has an address: no component is shown.
    Membership,
    /// Country, schema and depth.
    Structure,
    /// The first components, and the schema.
    Prefix(usize),
}

impl Pattern {
    /// Reads `membership`, `structure` or `prefix:n`.
    ///
    /// # Errors
    /// If the text is another one, or n is not 0 to 8.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let prefix = || {
            let digit = text.strip_prefix("prefix:")?;
            let is_valid = digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit();
            let length: usize = digit.parse().ok().filter(|_| is_valid)?;
            (length <= MAX_COMPONENTS).then_some(Self::Prefix(length))
        };
        let pattern = match text {
            "membership" => Some(Self::Membership),
            "structure" => Some(Self::Structure),
            _ => prefix(),
        };
        pattern.ok_or(InvalidValue {
            field: "pattern",
            rule: "must be membership, structure or prefix:n, with n from 0 to 8",
        })
    }
}

/// What a proof of the statement `address` shows of an address. All of it is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressClaim {
    /// The first components of the address. The others are absent.
    pub prefix: [Component; MAX_COMPONENTS],
    /// The number of components that the address has at least.
    pub min_components: u8,
    /// The number of the schema, if it is shown.
    pub schema: Option<u32>,
    /// The time at which the address was valid. A circuit has no clock, so the consumer compares
    /// this time with its own.
    pub as_of: u64,
}

impl AddressClaim {
    /// Returns what a pattern shows of an address.
    #[must_use]
    pub fn of(pattern: Pattern, address: &Address, as_of: u64) -> Self {
        let depth = address.depth();
        let (length, min_components) = match pattern {
            Pattern::Membership => (0, 1),
            Pattern::Structure => (1, depth),
            Pattern::Prefix(length) => (length, length),
        };
        let mut prefix = address.components;
        prefix[length.min(MAX_COMPONENTS)..].fill(Component::ABSENT);
        Self {
            prefix,
            // At most 8.
            min_components: u8::try_from(min_components).unwrap_or(u8::MAX),
            schema: (pattern != Pattern::Membership).then_some(address.schema),
            as_of,
        }
    }

    /// Returns the number of shown components.
    #[must_use]
    pub fn prefix_length(&self) -> usize {
        let end = self
            .prefix
            .iter()
            .rposition(|component| *component != Component::ABSENT);
        end.map_or(0, |last| last + 1)
    }

    /// Computes the value: `Poseidon6(Poseidon6(T(address-claim), r1..r5), r6, r7, r8,
    /// min_components + 2^4 · show + 2^5 · show · schema, as_of)`. r is the prefix, followed by
    /// zeros.
    #[must_use]
    pub fn value(&self) -> FieldElement {
        let schema = self
            .schema
            .map_or(0, |schema| SHOW + SHOWN_SCHEMA * u64::from(schema));
        let word = FieldElement::from_u64(u64::from(self.min_components) + schema);
        hash(
            "bauta/address-claim/1",
            &self.prefix,
            [word, FieldElement::from_u64(self.as_of)],
        )
    }

    /// Computes the claim: `Poseidon2(value, auxiliary_root)`. `auxiliary_root` is the root of the
    /// list of revocations.
    #[must_use]
    pub fn claim(&self, auxiliary_root: Root) -> Claim {
        Claim::with_auxiliary_root(self.value(), auxiliary_root)
    }

    /// Checks that the address meets the claim, without the list of revocations.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub fn check(&self, address: &Address) -> Result<(), InvalidValue> {
        check_time("as_of", self.as_of)?;
        let length = self.prefix_length();
        let rules = [
            (
                "prefix",
                self.prefix[..length] == address.components[..length],
                "must be the first components of the address",
            ),
            (
                "min_components",
                usize::from(self.min_components) <= address.depth(),
                "must not be greater than the number of components",
            ),
            (
                "schema",
                self.schema.is_none_or(|schema| schema == address.schema),
                "must be the schema of the address",
            ),
            (
                "as_of",
                self.as_of <= address.valid_until,
                "must not be later than valid_until: the address has expired",
            ),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((field, _, rule)) => Err(InvalidValue { field, rule }),
        }
    }
}

fn element(number: u128) -> FieldElement {
    let mut bytes = [0; 32];
    bytes[16..].copy_from_slice(&number.to_be_bytes());
    // It is below 2^128, so it is canonical.
    FieldElement::from_canonical(bytes)
}

/// Hashes eight components and two words.
fn hash(
    name: &'static str,
    components: &[Component; MAX_COMPONENTS],
    words: [FieldElement; 2],
) -> FieldElement {
    let mut elements = [FieldElement::ZERO; MAX_COMPONENTS + 2];
    for (element, component) in elements.iter_mut().zip(components) {
        *element = component.element();
    }
    elements[MAX_COMPONENTS..].copy_from_slice(&words);
    chain(tag(name), &elements)
}
