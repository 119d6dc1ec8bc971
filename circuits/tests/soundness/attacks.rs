//! The attacks on `reputation` and `address`: changes of a witness whose inputs are those of
//! [`reputation`] and [`address`]. The statements create their inputs in this order.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use bauta_circuits::statements::{Address, Reputation};
use bauta_primitives::{statements::Pattern, tree::Depth};

use super::{
    common::rng,
    presentations::{pattern, threshold},
    subject::{Attack, Subject},
};

/// The first input of a statement. Before it are one, digest, scope, context, secret and entry.
const FIRST: usize = 6;

mod score {
    use super::FIRST;

    pub const SCORE: usize = FIRST;
    pub const ISSUED_AT: usize = FIRST + 2;
    pub const EXPIRES_AT: usize = FIRST + 3;
    pub const EXACT: usize = FIRST + 5;
    pub const SHOWN: usize = FIRST + 6;
    pub const AS_OF: usize = FIRST + 7;
}

mod place {
    use super::FIRST;

    pub const VALUE: usize = FIRST;
    pub const INVERSE: usize = FIRST + 8;
    pub const PRESENT: usize = FIRST + 16;
    pub const MASK: usize = FIRST + 24;
    pub const HANDLE: usize = FIRST + 32;
    pub const SCHEMA: usize = FIRST + 33;
    pub const VALID_UNTIL: usize = FIRST + 34;
    pub const MIN_COMPONENTS: usize = FIRST + 35;
    pub const SHOW: usize = FIRST + 36;
    pub const AS_OF: usize = FIRST + 37;
    pub const KEY: usize = FIRST + 38;
    pub const NEXT: usize = FIRST + 39;
}

/// Attacks on a proof that a score of 750,000 is at least 500,000.
const SCORE_ATTACKS: [Attack; 6] = [
    ("a threshold of more than 20 bits", |z| {
        z[score::SHOWN] = Fr::from(1u64 << 21);
        z[score::SCORE] = z[score::SHOWN] + Fr::ONE;
    }),
    ("a score below the threshold", |z| {
        z[score::SHOWN] = z[score::SCORE] + Fr::ONE;
    }),
    ("a score from the future", |z| {
        z[score::ISSUED_AT] = z[score::AS_OF] + Fr::ONE;
    }),
    ("an expired score", |z| z[score::EXPIRES_AT] = z[score::AS_OF]),
    ("a flag that is neither exact nor a threshold", |z| {
        z[score::SHOWN] = z[score::SCORE];
        z[score::EXACT] = Fr::from(2u64);
    }),
    ("an exact score that is another one", |z| {
        z[score::EXACT] = Fr::ONE;
    }),
];

/// Attacks on a proof that shows all eight components of an address and its schema.
const RANGE_ATTACKS: [Attack; 10] = [
    ("another reading of the leaf's word: schema", |z| {
        z[place::SCHEMA] = Fr::from(1u64 << 33);
    }),
    ("another reading of the leaf's word: valid_until", |z| {
        z[place::VALID_UNTIL] = Fr::from(1u64 << 41);
        z[place::AS_OF] = z[place::VALID_UNTIL] - Fr::ONE;
    }),
    ("an expired address", |z| {
        z[place::AS_OF] = z[place::VALID_UNTIL] + Fr::ONE;
    }),
    ("another reading of the claim's word", |z| {
        z[place::MIN_COMPONENTS] = -Fr::ONE;
    }),
    ("fewer components than claimed", |z| {
        z[place::MIN_COMPONENTS] = Fr::from(9u64);
    }),
    ("another split of an element: a negative key", |z| {
        z[place::KEY] = -Fr::ONE;
    }),
    (
        "another split of an element: a next key of more than 120 bits",
        |z| {
            let power = Fr::from(1u128 << 120);
            z[place::NEXT] = power.double();
            z[place::HANDLE] = power;
            z[place::KEY] = power - Fr::ONE;
        },
    ),
    ("a handle that is the key", |z| z[place::KEY] = z[place::HANDLE]),
    ("a handle that is the next key", |z| {
        z[place::NEXT] = z[place::HANDLE];
    }),
    ("an empty leaf of the list", |z| {
        z[place::KEY] = Fr::ZERO;
        z[place::NEXT] = Fr::ZERO;
    }),
];

/// Makes the components from `first` on absent.
fn remove_from(z: &mut [Fr], first: usize) {
    for i in first..8 {
        z[place::VALUE + i] = Fr::ZERO;
        z[place::INVERSE + i] = Fr::ZERO;
        z[place::PRESENT + i] = Fr::ZERO;
        z[place::MASK + i] = Fr::ZERO;
    }
    z[place::MIN_COMPONENTS] = Fr::ZERO;
}

/// Attacks on one component.
fn attack_component<const I: usize>() -> [Attack; 3] {
    [
        ("an absent component that counts as present", |z| {
            remove_from(z, I);
            z[place::PRESENT + I] = Fr::ONE;
        }),
        ("a present component that counts as absent", |z| {
            remove_from(z, I + 1);
            z[place::PRESENT + I] = Fr::ZERO;
            z[place::INVERSE + I] = Fr::ZERO;
        }),
        ("a component that is multiplied by two", |z| {
            remove_from(z, I + 1);
            z[place::MASK + I] = Fr::from(2u64);
        }),
    ]
}

/// Attacks on a component and its next one.
fn attack_pair<const I: usize>() -> [Attack; 2] {
    [
        ("an address with an absent component before a present one", |z| {
            let next =
                [place::VALUE, place::INVERSE, place::PRESENT].map(|wire| (wire + I + 1, z[wire + I + 1]));
            remove_from(z, I);
            for (wire, value) in next {
                z[wire] = value;
            }
        }),
        ("a prefix with a gap", |z| {
            z[place::MASK + I..place::MASK + 8].fill(Fr::ZERO);
            z[place::MASK + I + 1] = Fr::ONE;
        }),
    ]
}

/// Returns all attacks on a proof that shows all eight components of an address and its schema.
fn address_attacks() -> Vec<Attack> {
    let show: Attack = ("a flag of 2 for the schema", |z| z[place::SHOW] = Fr::from(2u64));
    let components = [
        attack_component::<0>(),
        attack_component::<1>(),
        attack_component::<2>(),
        attack_component::<3>(),
        attack_component::<4>(),
        attack_component::<5>(),
        attack_component::<6>(),
        attack_component::<7>(),
    ];
    let pairs = [
        attack_pair::<0>(),
        attack_pair::<1>(),
        attack_pair::<2>(),
        attack_pair::<3>(),
        attack_pair::<4>(),
        attack_pair::<5>(),
        attack_pair::<6>(),
    ];
    let mut attacks = RANGE_ATTACKS.to_vec();
    attacks.push(show);
    attacks.extend(components.concat());
    attacks.extend(pairs.concat());
    attacks
}

/// Returns `reputation` without attacks.
pub fn reputation(depth: Depth) -> Subject {
    Subject::new(&Reputation::new(depth), &threshold(depth, &mut rng(8)))
}

/// Returns `address` without attacks.
pub fn address(depth: Depth) -> Subject {
    let inputs = pattern(depth, 8, Pattern::Prefix(8), &mut rng(9));
    Subject::new(&Address::new(depth), &inputs)
}

/// `reputation` at depth 10 with all attacks.
pub static REPUTATION: LazyLock<Subject> =
    LazyLock::new(|| reputation(Depth::Ten).with_attacks(&SCORE_ATTACKS));

/// `address` at depth 10 with all attacks.
pub static ADDRESS: LazyLock<Subject> =
    LazyLock::new(|| address(Depth::Ten).with_attacks(&address_attacks()));
