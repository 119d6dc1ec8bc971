//! Verifying keys that would let anybody forge, or are no keys.

use bauta::errors::BautaError;
use bauta::instructions::CircuitRegistration;
use bauta::state::Provenance;
use bauta_program_test::{Elf, TrapdoorKey, World, assert_refused};

/// Where the points lie in a verifying key.
const ALPHA: std::ops::Range<usize> = 0..64;
const BETA: std::ops::Range<usize> = 64..192;
const GAMMA: std::ops::Range<usize> = 192..320;
const DELTA: std::ops::Range<usize> = 320..448;
const IC0: std::ops::Range<usize> = 448..512;
const IC1: std::ops::Range<usize> = 512..576;

/// q of EIP-196.
const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// A world and a valid key that isn't registered in it yet.
fn keys() -> (World, [u8; 576]) {
    (World::new(), TrapdoorKey::new(40).verifying_key())
}

fn register(
    world: &mut World,
    key: &[u8; 576],
) -> Result<bauta_program_test::Sent, bauta_program_test::Refused> {
    let registration = world.registration(*key);
    world.register_circuit(registration)
}

fn copy(key: &mut [u8; 576], from: std::ops::Range<usize>, to: std::ops::Range<usize>) {
    let point = key[from].to_vec();
    key[to].copy_from_slice(&point);
}

/// Minus a coordinate, as 32 big-endian bytes.
fn minus(y: &[u8]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = 0i16;
    for i in (0..32).rev() {
        let digit = i16::from(Q[i]) - i16::from(y[i]) - borrow;
        borrow = i16::from(digit < 0);
        difference[i] = digit.to_le_bytes()[0];
    }
    difference
}

#[test]
fn a_key_with_gamma_equal_to_delta_is_refused() {
    let (mut world, mut key) = keys();
    copy(&mut key, DELTA, GAMMA);
    assert_refused(register(&mut world, &key), BautaError::ForgeableKey);
}

#[test]
fn a_key_with_gamma_equal_to_minus_delta_is_refused() {
    let (mut world, mut key) = keys();
    copy(&mut key, DELTA, GAMMA);
    for y in [256, 288] {
        let negated = minus(&key[y..y + 32]);
        key[y..y + 32].copy_from_slice(&negated);
    }
    assert_refused(register(&mut world, &key), BautaError::ForgeableKey);
}

#[test]
fn a_key_with_beta_equal_to_gamma_or_delta_is_refused() {
    for other in [GAMMA, DELTA] {
        let (mut world, mut key) = keys();
        copy(&mut key, BETA, other);
        assert_refused(register(&mut world, &key), BautaError::ForgeableKey);
    }
}

#[test]
fn a_key_with_a_point_at_infinity_is_refused() {
    for point in [ALPHA, BETA, GAMMA, DELTA, IC0, IC1] {
        let (mut world, mut key) = keys();
        key[point].fill(0);
        assert_refused(register(&mut world, &key), BautaError::KeyPointAtInfinity);
    }
}

#[test]
fn a_key_with_a_point_off_the_curve_is_refused() {
    for point in [ALPHA, BETA, GAMMA, DELTA, IC0, IC1] {
        let (mut world, mut key) = keys();
        key[point.end - 1] ^= 1;
        assert_refused(register(&mut world, &key), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_key_with_a_coordinate_of_q_or_above_is_refused() {
    // x + q is the same residue in other bytes
    for at in [ALPHA.start, IC0.start, IC1.start, GAMMA.start + 32] {
        let (mut world, mut key) = keys();
        let mut carry = 0u16;
        for i in (0..32).rev() {
            let digit = u16::from(key[at + i]) + u16::from(Q[i]) + carry;
            key[at + i] = digit.to_le_bytes()[0];
            carry = digit >> 8;
        }
        assert_refused(register(&mut world, &key), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_key_with_a_point_on_the_twist_outside_the_subgroup_is_refused() {
    let outside = bauta_program_test::g2_outside_subgroup();
    for point in [BETA, GAMMA, DELTA] {
        let (mut world, mut key) = keys();
        key[point].copy_from_slice(&outside);
        assert_refused(register(&mut world, &key), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_development_key_is_refused_where_the_program_was_initialised_without() {
    let mut world = World::deployed(Elf::Chosen);
    world.initialize(false).unwrap();
    let key = TrapdoorKey::new(40).verifying_key();
    let development = world.registration(key);
    assert_refused(
        world.register_circuit(development.clone()),
        BautaError::DevelopmentKeyRefused,
    );
    let ceremony = CircuitRegistration {
        provenance: Provenance::Ceremony,
        ..development
    };
    assert_refused(
        world.register_circuit(ceremony.clone()),
        BautaError::MissingTranscript,
    );
    world
        .register_circuit(CircuitRegistration {
            transcript_hash: [3; 32],
            ..ceremony
        })
        .unwrap();
}
