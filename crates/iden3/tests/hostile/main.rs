//! Tests damaged and hostile files: each is refused with its own error, and none causes a panic.

#[path = "../common/mod.rs"]
mod common;
mod fuzz;
mod json;
mod systems;
mod zkey_files;

use ark_bn254::{Fq, Fr};
use ark_ff::PrimeField;
use bauta_iden3::{Error, Modulus, R1cs, Witness, ZKey};
use common::{
    chain, chain_witness,
    container::{Container, g1_bytes, g2_bytes},
    outside_the_subgroup, rng,
};
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

/// Returns a valid file of each format, its reader, and its first and last section.
fn formats() -> [(&'static [u8], Reader, u32, u32); 3] {
    [
        (&R1CS, |bytes| R1cs::from_bytes(bytes).map(drop), 1, 2),
        (&WTNS, |bytes| Witness::from_bytes(bytes).map(drop), 1, 2),
        (&ZKEY, |bytes| ZKey::from_bytes(bytes).map(drop), 1, 10),
    ]
}

/// Damages a valid file and returns the error of reading it.
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

/// Asserts that an error matches a pattern, and shows the error if it does not.
macro_rules! assert_refused {
    ($error:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = $error;
        assert!(matches!(error, $pattern $(if $guard)?), "{error:?}");
    };
}

use assert_refused;

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
            read(&trailing).expect_err("one additional byte"),
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
