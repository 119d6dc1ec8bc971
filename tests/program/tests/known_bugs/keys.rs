//! Verifying keys that are invalid or allow forgeries.

use bauta::errors::BautaError;
use bauta::instructions::CircuitRegistration;
use bauta::state::{Circuit, Provenance};
use bauta_client::{addresses, instructions::RegisterCircuit};
use bauta_program_test::{Elf, TestChain, TrapdoorKey, assert_refused};
use solana_sha256_hasher::hash;
use solana_signer::Signer;

/// The positions of the points in a verifying key.
const ALPHA: std::ops::Range<usize> = 0..64;
const BETA: std::ops::Range<usize> = 64..192;
const GAMMA: std::ops::Range<usize> = 192..320;
const DELTA: std::ops::Range<usize> = 320..448;
const IC0: std::ops::Range<usize> = 448..512;
const IC1: std::ops::Range<usize> = 512..576;

/// The modulus q of EIP-196.
const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// Creates a chain and a valid key that is not registered.
fn chain_and_key() -> (TestChain, [u8; 576]) {
    (TestChain::new(), TrapdoorKey::new(40).verifying_key())
}

fn register(
    chain: &mut TestChain,
    key: &[u8; 576],
) -> Result<bauta_program_test::Receipt, bauta_program_test::Refusal> {
    let registration = chain.registration(*key);
    chain.register_circuit(registration)
}

fn copy_point(key: &mut [u8; 576], from: std::ops::Range<usize>, to: std::ops::Range<usize>) {
    let point = key[from].to_vec();
    key[to].copy_from_slice(&point);
}

/// Computes q − y as 32 big-endian bytes.
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
    let (mut chain, mut key) = chain_and_key();
    copy_point(&mut key, DELTA, GAMMA);
    assert_refused(register(&mut chain, &key), BautaError::ForgeableKey);
}

#[test]
fn a_key_with_gamma_equal_to_minus_delta_is_refused() {
    let (mut chain, mut key) = chain_and_key();
    copy_point(&mut key, DELTA, GAMMA);
    for y in [256, 288] {
        let negated = minus(&key[y..y + 32]);
        key[y..y + 32].copy_from_slice(&negated);
    }
    assert_refused(register(&mut chain, &key), BautaError::ForgeableKey);
}

#[test]
fn a_key_with_beta_equal_to_gamma_or_delta_is_refused() {
    for other in [GAMMA, DELTA] {
        let (mut chain, mut key) = chain_and_key();
        copy_point(&mut key, BETA, other);
        assert_refused(register(&mut chain, &key), BautaError::ForgeableKey);
    }
}

#[test]
fn a_key_with_a_point_at_infinity_is_refused() {
    for point in [ALPHA, BETA, GAMMA, DELTA, IC0, IC1] {
        let (mut chain, mut key) = chain_and_key();
        key[point].fill(0);
        assert_refused(register(&mut chain, &key), BautaError::KeyPointAtInfinity);
    }
}

#[test]
fn a_key_with_a_point_off_the_curve_is_refused() {
    for point in [ALPHA, BETA, GAMMA, DELTA, IC0, IC1] {
        let (mut chain, mut key) = chain_and_key();
        key[point.end - 1] ^= 1;
        assert_refused(register(&mut chain, &key), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_key_with_a_coordinate_of_q_or_above_is_refused() {
    // x + q is another representation of x.
    for at in [ALPHA.start, IC0.start, IC1.start, GAMMA.start + 32] {
        let (mut chain, mut key) = chain_and_key();
        let mut carry = 0u16;
        for i in (0..32).rev() {
            let digit = u16::from(key[at + i]) + u16::from(Q[i]) + carry;
            key[at + i] = digit.to_le_bytes()[0];
            carry = digit >> 8;
        }
        assert_refused(register(&mut chain, &key), BautaError::KeyPointInvalid);
    }
}

/// The decoder of the system calls takes the two highest bits of a point's last coordinate as
/// flags. It reads 0x40 as the point at infinity, and it ignores 0x80. A key would have several
/// encodings, and a search by `vk_hash` would not find all circuits of a retired key.
#[test]
fn a_key_with_a_flag_bit_in_a_coordinate_is_refused() {
    for coordinate in 0..18 {
        for flag in [0x40, 0x80, 0xc0] {
            let (mut chain, mut key) = chain_and_key();
            key[32 * coordinate] |= flag;
            assert_refused(register(&mut chain, &key), BautaError::KeyPointInvalid);
        }
    }
}

#[test]
fn a_key_with_a_point_on_the_twist_outside_the_subgroup_is_refused() {
    let outside = bauta_program_test::g2_outside_subgroup();
    for point in [BETA, GAMMA, DELTA] {
        let (mut chain, mut key) = chain_and_key();
        key[point].copy_from_slice(&outside);
        assert_refused(register(&mut chain, &key), BautaError::KeyPointInvalid);
    }
}

/// A circuit can't be changed or deleted. If its address depended only on the key, a thief of the
/// admin key or a typing error would spoil a ceremony's key for ever.
#[test]
fn a_key_that_was_registered_with_wrong_metadata_can_still_be_registered_correctly() {
    let (mut chain, key) = chain_and_key();
    let right = chain.registration(key);
    let wrong = |change: fn(&mut CircuitRegistration)| {
        let mut registration = right.clone();
        change(&mut registration);
        registration
    };
    let all = [
        wrong(|it| it.statement[0] ^= 1),
        wrong(|it| it.version += 1),
        wrong(|it| it.depth = 16),
        wrong(|it| it.leaf_format += 1),
        wrong(|it| it.auxiliary_format += 1),
        wrong(|it| it.constraint_system_hash[31] ^= 1),
        wrong(|it| it.transcript_hash[31] ^= 1),
        wrong(|it| (it.provenance, it.transcript_hash[31]) = (Provenance::Ceremony, 1)),
        right.clone(),
    ];
    for registration in &all {
        chain.register_circuit(registration.clone()).unwrap();
    }
    for registration in &all {
        // The metadata is the first 102 bytes of the argument.
        let register = RegisterCircuit {
            payer: chain.payer.pubkey(),
            admin: chain.admin.pubkey(),
            registration: registration.clone(),
        };
        let metadata_hash = hash(&register.instruction().data[8..110]).to_bytes();
        let address = addresses::circuit(&hash(&key).to_bytes(), &metadata_hash).address;
        let circuit: Circuit = chain.state(&address).expect("each has an address of its own");
        assert_eq!(circuit.verifying_key, key);
        assert_eq!(circuit.statement, registration.statement);
        assert_eq!(circuit.auxiliary_format, registration.auxiliary_format);
        assert_eq!(circuit.transcript_hash, registration.transcript_hash);
        let before = chain.account(&address);
        // The system program's error for an account that exists.
        assert_refused(chain.register_circuit(registration.clone()), 0u32);
        assert_eq!(chain.account(&address), before);
    }
}

#[test]
fn a_development_key_is_refused_if_the_program_does_not_allow_them() {
    let mut chain = TestChain::deployed(Elf::FromEnvironment);
    chain.initialize(false).unwrap();
    let key = TrapdoorKey::new(40).verifying_key();
    let development = chain.registration(key);
    assert_refused(
        chain.register_circuit(development.clone()),
        BautaError::DevelopmentKeyRefused,
    );
    let ceremony = CircuitRegistration {
        provenance: Provenance::Ceremony,
        ..development
    };
    assert_refused(
        chain.register_circuit(ceremony.clone()),
        BautaError::MissingTranscript,
    );
    chain
        .register_circuit(CircuitRegistration {
            transcript_hash: [3; 32],
            ..ceremony
        })
        .unwrap();
}
