//! Compares the leaf formats and claims with the test vectors in `vectors/statements.json`, which
//! come from a second implementation (circomlibjs and `node:crypto`), and tests what is refused.

use std::str::FromStr;

use bauta_primitives::statements::{
    Address, AddressClaim, Component, Gap, Handle, MAX_COMPONENTS, Pattern, Salt, Score, ScoreClaim,
    parse_pid,
};
use bauta_primitives::{FieldElement, Leaf, Root};
use serde_json::Value;

struct Vector(Value);

impl Vector {
    fn text(&self, name: &str) -> &str {
        self.0["inputs"][name].as_str().unwrap()
    }
    fn number<N: FromStr<Err: std::fmt::Debug>>(&self, name: &str) -> N {
        self.text(name).parse().unwrap()
    }
    fn flag(&self, name: &str) -> bool {
        self.0["inputs"][name].as_bool().unwrap()
    }
    fn element(&self, name: &'static str) -> FieldElement {
        FieldElement::from_hex(name, self.text(name)).unwrap()
    }
    fn expect(&self, name: &str, actual: impl std::fmt::Display) {
        assert_eq!(
            actual.to_string(),
            self.0["outputs"][name].as_str().unwrap(),
            "{name}"
        );
    }
}

fn vectors(name: &str) -> Vec<Vector> {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/statements.json")).unwrap();
    let vectors = vectors[name].as_array().unwrap();
    assert_eq!(vectors.len(), 8);
    vectors.iter().cloned().map(Vector).collect()
}

#[test]
fn scores_and_their_claims_equal_the_second_implementation() {
    for vector in vectors("scores") {
        let salt = Salt::from_bytes(&mut vector.element("salt").to_bytes()).unwrap();
        let domain = vector.element("domain");
        let score = Score::new(
            vector.number("score"),
            domain,
            vector.number("issued_at"),
            vector.number("expires_at"),
            salt,
        )
        .unwrap();
        vector.expect("attributes", score.attributes());
        let claim = ScoreClaim {
            exact: vector.flag("exact"),
            shown: vector.number("shown"),
            domain,
            as_of: vector.number("as_of"),
        };
        claim.check(&score).unwrap();
        vector.expect("claim", claim.claim());
    }
}

#[test]
fn addresses_their_claims_and_the_list_equal_the_second_implementation() {
    for vector in vectors("addresses") {
        let components = parse_pid(vector.text("pid")).unwrap();
        let handle = Handle::new(vector.number("handle")).unwrap();
        let address = Address::new(
            components,
            handle,
            vector.number("schema"),
            vector.number("valid_until"),
        )
        .unwrap();
        vector.expect("attributes", address.attributes());
        let length: usize = vector.0["inputs"]["prefix_length"]
            .as_u64()
            .unwrap()
            .try_into()
            .unwrap();
        let mut prefix = components;
        prefix[length..].fill(Component::ABSENT);
        let claim = AddressClaim {
            prefix,
            min_components: vector.number("min_components"),
            schema: vector.flag("show").then_some(address.schema()),
            as_of: vector.number("as_of"),
        };
        claim.check(&address).unwrap();
        vector.expect("value", claim.value());
        vector.expect("claim", claim.claim(Root::new(vector.element("root"))));
        let gap = Gap::new(vector.number("key"), vector.number("next")).unwrap();
        assert!(gap.contains(address.handle()));
        vector.expect("element", gap.leaf());
    }
}

fn salt() -> Salt {
    Salt::from_bytes(&mut [1; 32]).unwrap()
}

#[test]
fn scores_out_of_their_ranges_are_refused_with_field_and_rule() {
    let refusal = |score, issued_at, expires_at| {
        let score = Score::new(score, FieldElement::ZERO, issued_at, expires_at, salt());
        score.err().expect("refused").to_string()
    };
    assert!(Score::new((1 << 20) - 1, FieldElement::ZERO, 0, (1 << 40) - 1, salt()).is_ok());
    assert_eq!(refusal(1 << 20, 0, 1), "score must be below 2^20");
    assert_eq!(
        refusal(0, 1 << 40, 1),
        "issued_at must be Unix seconds below 2^40"
    );
    assert_eq!(
        refusal(0, 0, 1 << 40),
        "expires_at must be Unix seconds below 2^40"
    );
    assert_eq!(refusal(0, 5, 5), "expires_at must be later than issued_at");
    assert!(Salt::from_bytes(&mut { FieldElement::MODULUS }).is_err());
}

#[test]
fn components_are_one_to_fifteen_digits_and_capital_letters() {
    for text in ["0", "Z", "ABCDEFGHIJKLMNO"] {
        assert!(Component::parse(text).is_ok(), "{text}");
    }
    for text in ["", "ABCDEFGHIJKLMNOP", "a", "A B", "É", "A_", "\0"] {
        assert_eq!(
            Component::parse(text).unwrap_err().to_string(),
            "components must each have 1 to 15 characters of 0-9 and A-Z"
        );
    }
    assert_ne!(Component::parse("01"), Component::parse("1"));
    assert_eq!(Component::parse("AB").unwrap().get(), 0x4142);
    assert!(parse_pid("1-2-3-4-5-6-7-8").is_ok());
    for pid in ["", "-", "JP-", "1-2-3-4-5-6-7-8-9"] {
        assert!(parse_pid(pid).is_err(), "{pid}");
    }
}

#[test]
fn addresses_with_a_gap_or_an_invalid_time_and_handles_at_the_ends_are_refused() {
    let handle = || Handle::new(1).unwrap();
    let some = Component::parse("A").unwrap();
    let none = Component::ABSENT;
    let rule = "components must be 1 to 8, without an absent component before a present one";
    for components in [
        [none; MAX_COMPONENTS],
        [none, some, none, none, none, none, none, none],
        [some, none, some, none, none, none, none, none],
    ] {
        let error = Address::new(components, handle(), 0, 0).err().unwrap();
        assert_eq!(error.to_string(), rule);
    }
    assert!(Address::new([some; MAX_COMPONENTS], handle(), u32::MAX, (1 << 40) - 1).is_ok());
    assert!(Address::new([some; MAX_COMPONENTS], handle(), 0, 1 << 40).is_err());
    for number in [0, (1 << 120) - 1, 1 << 120, u128::MAX] {
        assert!(Handle::new(number).is_err(), "{number}");
    }
    assert!(Handle::new((1 << 120) - 2).is_ok());
}

#[test]
fn elements_of_the_list_are_in_order_and_below_two_to_the_120() {
    for (key, next) in [(0, 0), (5, 5), (6, 5), (0, 1 << 120), (1 << 120, u128::MAX)] {
        assert!(Gap::new(key, next).is_err(), "{key} {next}");
    }
    assert_eq!(Gap::new(0, (1 << 120) - 1).unwrap(), Gap::ALL);
}

#[test]
fn elements_of_the_list_are_read_from_their_leaves() {
    for (key, next) in [(0, 1), (0, (1 << 120) - 1), (5, 1 << 119)] {
        let gap = Gap::new(key, next).unwrap();
        assert_eq!(Gap::from_leaf(gap.leaf()), Some(gap));
        let mut bytes = gap.leaf().element().to_bytes();
        bytes[1] = 1;
        let leaf = Leaf::new(FieldElement::from_bytes("leaf", bytes).unwrap());
        assert_eq!(Gap::from_leaf(leaf), None);
    }
    assert_eq!(Gap::from_leaf(Leaf::EMPTY), None);
    assert_eq!(Gap::from_leaf(Leaf::new(FieldElement::from_u64(5))), None);
}

#[test]
fn patterns_show_nothing_the_structure_or_a_prefix() {
    let address = Address::new(parse_pid("JP-13-113").unwrap(), Handle::new(1).unwrap(), 7, 100).unwrap();
    let claim = |pattern| AddressClaim::of(Pattern::parse(pattern).unwrap(), &address, 50);
    let shown = |pattern| {
        let claim = claim(pattern);
        (claim.prefix_length(), claim.min_components, claim.schema)
    };
    assert_eq!(shown("membership"), (0, 1, None));
    assert_eq!(shown("structure"), (1, 3, Some(7)));
    assert_eq!(shown("prefix:0"), (0, 0, Some(7)));
    assert_eq!(shown("prefix:2"), (2, 2, Some(7)));
    for text in [
        "",
        "prefix",
        "prefix:",
        "prefix:9",
        "prefix:+1",
        "prefix:01",
        "prefix:-1",
        "Structure",
    ] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
    // The address has three components.
    assert!(claim("prefix:3").check(&address).is_ok());
    assert_eq!(
        claim("prefix:4").check(&address).unwrap_err().to_string(),
        "min_components must not be greater than the number of components"
    );
}
