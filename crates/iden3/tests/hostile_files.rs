//! Damaged and hostile files: each is refused with its own error, and nothing panics.

mod common;

use ark_bn254::{Fq, Fr};
use ark_ff::PrimeField;
use bauta_iden3::{Error, Modulus, R1cs, Witness, ZKey};
use common::{
    chain, chain_witness,
    container::{Container, g1_bytes, g2_bytes},
    outside_the_subgroup, rng,
};
use proptest::prelude::*;
use std::sync::LazyLock;

const STEPS: u32 = 3;

static R1CS: LazyLock<Vec<u8>> = LazyLock::new(|| chain(STEPS).to_bytes().expect("a valid system"));
static WTNS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    Witness::new(chain_witness(STEPS, 1))
        .to_bytes()
        .expect("few values")
        .to_vec()
});
static ZKEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = ZKey::development(&chain(STEPS), &mut rng(1)).expect("a valid system");
    key.to_bytes().expect("a consistent key")
});

type Reader = fn(&[u8]) -> Result<(), Error>;

/// Each format with a good file and its first and last section.
fn formats() -> [(&'static [u8], Reader, u32, u32); 3] {
    [
        (&R1CS, |bytes| R1cs::from_bytes(bytes).map(drop), 1, 2),
        (&WTNS, |bytes| Witness::from_bytes(bytes).map(drop), 1, 2),
        (&ZKEY, |bytes| ZKey::from_bytes(bytes).map(drop), 1, 10),
    ]
}

/// What reading a damaged file says.
fn refusal(good: &[u8], read: Reader, damage: impl FnOnce(&mut Container)) -> Error {
    read(good).expect("the file is good before it is damaged");
    let mut container = Container::parse(good);
    damage(&mut container);
    read(&container.bytes()).expect_err("a damaged file")
}

fn r1cs(damage: impl FnOnce(&mut Container)) -> Error {
    refusal(&R1CS, |bytes| R1cs::from_bytes(bytes).map(drop), damage)
}

fn wtns(damage: impl FnOnce(&mut Container)) -> Error {
    refusal(&WTNS, |bytes| Witness::from_bytes(bytes).map(drop), damage)
}

fn zkey(damage: impl FnOnce(&mut Container)) -> Error {
    refusal(&ZKEY, |bytes| ZKey::from_bytes(bytes).map(drop), damage)
}

/// `matches!` that shows the error when it doesn't.
macro_rules! assert_refused {
    ($error:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = $error;
        assert!(matches!(error, $pattern $(if $guard)?), "{error:?}");
    };
}

fn modulus_bytes<F: PrimeField<BigInt = ark_ff::BigInt<4>>>() -> Vec<u8> {
    F::MODULUS.0.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}

#[test]
fn every_truncated_file_is_refused() {
    for (good, read, ..) in formats() {
        for length in 0..good.len() {
            let error = read(&good[..length]).expect_err("a truncated file");
            assert!(matches!(error, Error::Truncated { .. }), "{length}: {error}");
        }
    }
}

#[test]
fn a_container_that_breaks_a_rule_is_refused() {
    for (good, read, first, last) in formats() {
        let refused = |damage: &dyn Fn(&mut Container)| refusal(good, read, |container| damage(container));
        assert_refused!(refused(&|file| file.head[0] ^= 1), Error::Magic { .. });
        assert_refused!(refused(&|file| file.head[4] = 9), Error::Version { found: 9, .. });
        for missing in [first, last] {
            let error = refused(&|file| file.sections.retain(|(number, _)| *number != missing));
            assert_refused!(error, Error::MissingSection { section, .. } if section == missing);
        }
        let error = refused(&|file| file.sections.push(file.sections[0].clone()));
        assert_refused!(error, Error::DuplicateSection { section: 1, .. });
        let error = refused(&|file| file.sections.push((77, vec![1])));
        assert_refused!(error, Error::UnknownSection { section: 77, .. });
        for number in [first, last] {
            refused(&|file| file.section(number).push(0));
            refused(&|file| {
                file.section(number).pop();
            });
            refused(&|file| file.section(number).clear());
        }

        let mut trailing = good.to_vec();
        trailing.push(0);
        assert_refused!(
            read(&trailing).expect_err("a byte too many"),
            Error::TrailingBytes { extra: 1, .. }
        );
        let mut many = good.to_vec();
        many[8..12].fill(0xff);
        assert_refused!(
            read(&many).expect_err("2^32 - 1 sections"),
            Error::Truncated { .. }
        );
        let mut long = good.to_vec();
        long[16..24].fill(0xff);
        assert_refused!(
            read(&long).expect_err("a section of 2^64 - 1 bytes"),
            Error::Truncated { .. }
        );
    }
}

#[test]
fn a_hostile_r1cs_is_refused() {
    let r = modulus_bytes::<Fr>();
    assert_refused!(
        r1cs(|file| file.put(1, 0, &[31])),
        Error::Modulus {
            modulus: Modulus::R,
            ..
        }
    );
    assert_refused!(
        r1cs(|file| file.put(1, 4, &modulus_bytes::<Fq>())),
        Error::Modulus { .. }
    );
    assert_refused!(
        r1cs(|file| file.put(1, 36, &[4, 0, 0, 0])),
        Error::Count { found: 4, .. }
    );
    assert_refused!(r1cs(|file| file.put(1, 40, &[0xff; 12])), Error::Count { .. });
    // A file that small can't be a system of so many wires; nor may there be more than 2^27 rows.
    let huge = |file: &mut Container, public: u32| {
        file.put(1, 36, &u32::MAX.to_le_bytes());
        file.put(1, 44, &public.to_le_bytes());
    };
    assert_refused!(r1cs(|file| huge(file, 1)), Error::SectionSize { .. });
    assert_refused!(r1cs(|file| huge(file, 1 << 27)), Error::Count { .. });
    assert_refused!(
        r1cs(|file| file.sections.retain(|(number, _)| *number != 3)),
        Error::MissingSection { section: 3, .. }
    );
    // Counts far beyond the file must not allocate.
    assert_refused!(
        r1cs(|file| file.put(1, 60, &[0xff, 0xff, 0xff, 3])),
        Error::Truncated { .. }
    );
    assert_refused!(r1cs(|file| file.put(1, 60, &[0xff; 4])), Error::Count { .. });
    assert_refused!(r1cs(|file| file.put(2, 0, &[0xff; 4])), Error::Truncated { .. });
    assert_refused!(
        r1cs(|file| file.put(1, 60, &[4, 0, 0, 0])),
        Error::TrailingBytes { .. }
    );
    assert_refused!(
        r1cs(|file| file.section(3).truncate(70)),
        Error::SectionSize { .. }
    );

    // Constraint 0: A is (x, 1); B is (p, 1), (x, 3).
    let error = r1cs(|file| file.put(2, 4, &[0xff; 4]));
    assert_refused!(
        error,
        Error::WireOutOfRange {
            wire: u32::MAX,
            wires: 9,
            ..
        }
    );
    assert_refused!(
        r1cs(|file| file.put(2, 8, &r)),
        Error::NotCanonical {
            modulus: Modulus::R,
            ..
        }
    );
    assert_refused!(
        r1cs(|file| file.put(2, 8, &[0; 32])),
        Error::ZeroCoefficient { wire: 3, .. }
    );
    assert_refused!(
        r1cs(|file| file.put(2, 44, &[3, 0, 0, 0])),
        Error::DuplicateTerm { wire: 3, .. }
    );

    assert_refused!(
        r1cs(|file| file.sections.push((4, vec![1, 0, 0, 0]))),
        Error::Count { found: 1, .. }
    );
    let error = r1cs(|file| file.put(2, 8, &r)).to_string();
    assert_eq!(
        error,
        ".r1cs section 2, A[0]: the value isn't canonical; it must be below the scalar-field modulus r"
    );
}

#[test]
fn a_circom_r1cs_with_empty_custom_gates_and_unsorted_terms_is_read() {
    let mut file = Container::parse(&R1CS);
    file.sections.push((4, vec![0; 4]));
    file.sections.push((5, vec![0; 4]));
    // Swap the two terms of B of constraint 0.
    let terms = file.section(2)[44..116].to_vec();
    file.put(2, 44, &terms[36..]);
    file.put(2, 80, &terms[..36]);
    assert_eq!(
        R1cs::from_bytes(&file.bytes()).expect("a good file"),
        chain(STEPS)
    );
}

#[test]
fn a_hostile_wtns_is_refused() {
    assert_refused!(
        wtns(|file| file.put(1, 4, &modulus_bytes::<Fq>())),
        Error::Modulus { .. }
    );
    assert_refused!(
        wtns(|file| file.put(1, 36, &[0xff; 4])),
        Error::SectionSize { .. }
    );
    assert_refused!(wtns(|file| file.put(2, 64, &modulus_bytes::<Fr>())), Error::NotCanonical { place, .. } if place.index == Some(2));
}

#[test]
fn a_witness_is_neither_shown_by_debug_nor_by_errors() {
    let mut z = chain_witness(STEPS, 1);
    assert_eq!(
        format!("{:?}", Witness::new(z.clone())),
        "Witness(9 wires, secret)"
    );
    z[7] += Fr::from(1_u64);
    let error = chain(STEPS).is_satisfied(&z).expect_err("a wrong wire");
    assert_eq!(
        error.to_string(),
        "constraint 1 isn't satisfied: (A·z)·(B·z) differs from C·z"
    );
}

// Positions in section 2 of a .zkey.
const N_PUBLIC: usize = 76;
const DOMAIN: usize = 80;
const ALPHA_G1: usize = 84;
const GAMMA_G2: usize = ALPHA_G1 + 64 + 64 + 128;

#[test]
fn a_zkey_with_a_wrong_header_is_refused() {
    assert_refused!(
        zkey(|file| file.put(1, 0, &[2])),
        Error::ProofSystem { found: 2, .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, 4, &modulus_bytes::<Fr>())),
        Error::Modulus {
            modulus: Modulus::Q,
            ..
        }
    );
    assert_refused!(
        zkey(|file| file.put(2, 40, &modulus_bytes::<Fq>())),
        Error::Modulus {
            modulus: Modulus::R,
            ..
        }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC, &[9])),
        Error::Count { found: 9, .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC, &[0xff; 4])),
        Error::Count { .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC, &[1])),
        Error::SectionSize { .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC - 4, &[0xff; 4])),
        Error::SectionSize { .. }
    );
    for domain in [0, 1, 3, 1 << 28, u32::MAX] {
        let error = zkey(|file| file.put(2, DOMAIN, &domain.to_le_bytes()));
        assert_refused!(error, Error::Count { found, .. } if found == u64::from(domain));
    }
    assert_refused!(
        zkey(|file| file.put(2, DOMAIN, &[0, 0, 0, 8])),
        Error::SectionSize { .. }
    );
}

#[test]
fn points_off_the_curve_outside_the_subgroup_at_infinity_or_not_below_q_are_refused() {
    let q = modulus_bytes::<Fq>();
    let outside = g2_bytes(&outside_the_subgroup());
    // alpha, beta in G1, delta in G1; then the lists.
    let delta_g1 = GAMMA_G2 + 128;
    for (section, at) in [
        (2, ALPHA_G1),
        (2, ALPHA_G1 + 64),
        (2, delta_g1),
        (3, 64),
        (5, 64),
        (6, 192),
        (8, 0),
        (9, 64),
    ] {
        assert_refused!(
            zkey(|file| file.put(section, at, &q)),
            Error::NotCanonical {
                modulus: Modulus::Q,
                ..
            }
        );
        assert_refused!(
            zkey(|file| file.put(section, at + 32, &q)),
            Error::NotCanonical { .. }
        );
        assert_refused!(
            zkey(|file| file.section(section)[at] ^= 1),
            Error::NotOnCurve { .. }
        );
    }
    // beta, gamma, delta in G2; B in G2; a contribution's g2_spx.
    for (section, at) in [
        (2, ALPHA_G1 + 128),
        (2, GAMMA_G2),
        (2, delta_g1 + 64),
        (7, 256),
        (10, 68 + 192),
    ] {
        assert_refused!(
            zkey(|file| file.put(section, at + 96, &q)),
            Error::NotCanonical { .. }
        );
        assert_refused!(
            zkey(|file| file.section(section)[at] ^= 1),
            Error::NotOnCurve { .. }
        );
        assert_refused!(
            zkey(|file| file.put(section, at, &outside)),
            Error::NotInSubgroup { .. }
        );
    }
    for (section, at, size) in [
        (2, ALPHA_G1, 64),
        (2, ALPHA_G1 + 64, 64),
        (2, ALPHA_G1 + 128, 128),
        (2, GAMMA_G2, 128),
        (2, delta_g1, 64),
        (2, delta_g1 + 64, 128),
        (3, 0, 64),
        (9, 0, 64),
        (10, 68, 64),
        (10, 68 + 192, 128),
    ] {
        assert_refused!(
            zkey(|file| file.put(section, at, &vec![0; size])),
            Error::Infinity { .. }
        );
    }
    let error = zkey(|file| file.put(7, 256, &outside)).to_string();
    assert_eq!(
        error,
        ".zkey section 7, B2[2]: the point isn't in the subgroup of order r"
    );
}

#[test]
fn hostile_coefficients_are_refused() {
    assert_refused!(zkey(|file| file.put(4, 0, &[0xff; 4])), Error::Truncated { .. });
    assert_refused!(
        zkey(|file| file.section(4)[0] -= 1),
        Error::TrailingBytes { extra: 44, .. }
    );
    assert_refused!(zkey(|file| file.put(4, 4, &[2])), Error::Count { found: 2, .. });
    assert_refused!(zkey(|file| file.put(4, 8, &[8])), Error::Count { found: 8, .. });
    assert_refused!(
        zkey(|file| file.put(4, 12, &[9])),
        Error::WireOutOfRange {
            wire: 9,
            wires: 9,
            ..
        }
    );
    assert_refused!(
        zkey(|file| file.put(4, 16, &modulus_bytes::<Fr>())),
        Error::NotCanonical {
            modulus: Modulus::R,
            ..
        }
    );
    // The second and third are B's terms for the public input and x in row 0.
    assert_refused!(
        zkey(|file| file.put(4, 4 + 44 + 8, &[3])),
        Error::DuplicateTerm { wire: 3, .. }
    );
}

#[test]
fn hostile_contributions_are_refused() {
    let parameters = 68 + 192 + 128 + 64 + 4;
    let set = |kind: u8, content: &'static [u8]| {
        zkey(move |file| {
            let section = file.section(10);
            section.truncate(parameters);
            section[parameters - 4] = kind;
            section.extend(u32::try_from(content.len()).expect("few").to_le_bytes());
            section.extend(content);
        })
    };
    assert_refused!(zkey(|file| file.put(10, 64, &[0xff; 4])), Error::Truncated { .. });
    assert_refused!(
        zkey(|file| file.put(10, parameters, &[0xff; 4])),
        Error::Truncated { .. }
    );
    for (kind, content) in [
        (2, &[][..]),
        (0, &[1, 1, 0xff]),
        (0, &[4, 0]),
        (0, &[1, 1, b'a', 1, 1, b'a']),
        (0, &[2, 10, 3, 1, 7]),
        (1, &[]),
        (1, &[2, 10]),
        (1, &[3, 1, 7]),
        (1, &[2, 10, 3, 0]),
        (1, &[3, 1, 7, 2, 10]),
    ] {
        assert_refused!(set(kind, content), Error::ContributionParameters { .. });
    }
    assert_refused!(set(0, &[1, 200, b'a']), Error::Truncated { .. });
    assert_refused!(set(1, &[2, 10, 3, 99, 1]), Error::Truncated { .. });
}

#[test]
fn a_key_or_system_that_breaks_its_own_counts_is_not_written() {
    let good = ZKey::from_bytes(&ZKEY).expect("a good key");
    let damages: [fn(&mut ZKey); 6] = [
        |key| key.a.truncate(1),
        |key| key.b2.truncate(1),
        |key| key.c.truncate(1),
        |key| key.h.truncate(1),
        |key| key.n_public += 1,
        |key| key.contributions[0].name = Some("n".repeat(256)),
    ];
    for damage in damages {
        let mut key = good.clone();
        damage(&mut key);
        assert_refused!(
            key.to_bytes().expect_err("an inconsistent key"),
            Error::NotWritable { .. }
        );
    }
    let mut system = chain(STEPS);
    system.constraints[0].b.swap(0, 1);
    assert_refused!(
        system.to_bytes().expect_err("unsorted terms"),
        Error::NotWritable { .. }
    );
    let mut system = chain(STEPS);
    system.wires -= 1;
    assert_refused!(
        system.to_bytes().expect_err("a wire too few"),
        Error::WireOutOfRange { .. }
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic_and_never_read_as_the_same_key(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
        length in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        for (good, read, ..) in formats() {
            let mut bytes = good.to_vec();
            for (position, change) in &changes {
                *position.get_mut(&mut bytes) ^= change;
            }
            if let Some(length) = &length {
                bytes.truncate(length.index(bytes.len()));
            }
            // It may be read, for instance as another witness; it must not panic.
            drop(read(&bytes));
            if bytes != good && let Ok(key) = ZKey::from_bytes(&bytes) {
                prop_assert_ne!(key, ZKey::from_bytes(&ZKEY).expect("a good key"));
            }
        }
    }

    #[test]
    fn changed_sections_never_panic(
        which in any::<prop::sample::Index>(),
        position in any::<prop::sample::Index>(),
        replacement in prop::collection::vec(any::<u8>(), 0..40),
        cut in any::<bool>(),
    ) {
        for (good, read, ..) in formats() {
            let mut container = Container::parse(good);
            let content = &mut which.get_mut(&mut container.sections).1;
            let start = position.index(content.len());
            let end = if cut { content.len() } else { (start + replacement.len()).min(content.len()) };
            content.splice(start..end, replacement.clone());
            drop(read(&container.bytes()));
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (good, read, ..) in formats() {
            drop(read(&bytes));
            drop(read(&[&good[..12], &bytes[..]].concat()));
        }
    }

    #[test]
    fn systems_and_witnesses_survive_writing_and_reading(steps in 1_u32..40, seed in any::<u64>()) {
        let (system, z) = (chain(steps), chain_witness(steps, seed));
        prop_assert_eq!(system.is_satisfied(&z), Ok(()));
        let read = R1cs::from_bytes(&system.to_bytes().expect("a valid system")).expect("just written");
        prop_assert_eq!(read.hash(), system.hash());
        prop_assert_eq!(read, system);
        let witness = Witness::new(z);
        let bytes = witness.to_bytes().expect("few values");
        prop_assert_eq!(Witness::from_bytes(&bytes).expect("just written"), witness);
    }
}

#[test]
fn infinity_and_points_are_encoded_as_snarkjs_does() {
    let key = ZKey::from_bytes(&ZKEY).expect("a good key");
    let mut file = Container::parse(&ZKEY);
    assert_eq!(file.section(2)[ALPHA_G1..ALPHA_G1 + 64], g1_bytes(&key.alpha_g1));
    assert_eq!(file.section(2)[GAMMA_G2..GAMMA_G2 + 128], g2_bytes(&key.gamma_g2));
    // Wire 4 is used by nothing.
    assert_eq!(file.section(5)[4 * 64..5 * 64], [0; 64]);
    assert_eq!(file.section(7)[4 * 128..5 * 128], [0; 128]);
}
