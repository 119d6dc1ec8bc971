//! Tests arguments that are not field elements, and bytes that are not a proof.

use crate::fixture::Fixture;
use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_primitives::FieldElement;
use bauta_program_test::{ScopeSpec, assert_refused};

/// Both r and the valid value plus r are refused. The latter is the same element in other bytes.
#[test]
fn an_element_of_r_or_above_is_refused_for_each_argument() {
    let mut fixture = Fixture::new(&ScopeSpec::live());
    let valid = fixture.verify.clone();
    // The offsets of the arguments in the instruction data, after the discriminator and the proof.
    let arguments = [
        (0, valid.root.to_bytes(), BautaError::RootNotCanonical),
        (32, valid.nullifier.to_bytes(), BautaError::NullifierNotCanonical),
        (64, valid.claim.to_bytes(), BautaError::ClaimNotCanonical),
    ];
    for (offset, value, error) in arguments {
        for unreduced in [FieldElement::MODULUS, plus_modulus(value), [0xff; 32]] {
            let mut instruction = valid.instruction();
            let at = 8 + 256 + offset;
            assert_eq!(instruction.data[at..at + 32], value);
            instruction.data[at..at + 32].copy_from_slice(&unreduced);
            assert_refused(fixture.chain.send(&[instruction], &[]), error);
        }
    }
}

/// Computes `value + r` as 32 big-endian bytes. The sum fits, because both are below 2^254.
pub(crate) fn plus_modulus(value: [u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0u16;
    for i in (0..32).rev() {
        let digit = u16::from(value[i]) + u16::from(FieldElement::MODULUS[i]) + carry;
        sum[i] = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    assert_eq!(carry, 0);
    sum
}

#[test]
fn damaged_proofs_are_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    // A changed lowest byte of a coordinate: the point is not on the curve.
    for coordinate in 0..8 {
        let mut verify = fixture.verify.clone();
        verify.proof[32 * coordinate + 31] ^= 1;
        fixture.refuses(&verify, BautaError::ProofPointInvalid);
    }
    // A coordinate that is not below q.
    let mut verify = fixture.verify.clone();
    verify.proof[..32].fill(0xff);
    fixture.refuses(&verify, BautaError::ProofPointInvalid);
    // B is on its curve but outside the subgroup.
    let mut verify = fixture.verify.clone();
    verify.proof[64..192].copy_from_slice(&bauta_program_test::g2_outside_subgroup());
    fixture.refuses(&verify, BautaError::ProofPointInvalid);
    // Points at infinity are valid points, but not a valid proof.
    for range in [0..64, 64..192, 192..256, 0..256] {
        let mut verify = fixture.verify.clone();
        verify.proof[range].fill(0);
        fixture.refuses(&verify, BautaError::ProofRefused);
    }
    // A is not negated: y becomes q − y.
    let mut verify = fixture.verify.clone();
    let negated = minus(&verify.proof[32..64]);
    verify.proof[32..64].copy_from_slice(&negated);
    fixture.refuses(&verify, BautaError::ProofRefused);
    // The real part of G2 coordinates first, as in arkworks.
    let mut verify = fixture.verify.clone();
    verify.proof[64..128].rotate_left(32);
    verify.proof[128..192].rotate_left(32);
    fixture.refuses(&verify, BautaError::ProofPointInvalid);
}

/// The proof has a fixed length, so all values after a proof of another length are at wrong
/// positions.
#[test]
fn a_proof_of_another_length_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let valid = fixture.verify.instruction();
    for length in [0, 64, 128, 192, 224, 255, 257, 288, 320, 512] {
        let mut instruction = valid.clone();
        let mut proof = fixture.verify.proof.to_vec();
        proof.resize(length, 0);
        instruction.data.splice(8..8 + 256, proof);
        let refusal = fixture
            .chain
            .send(&[instruction], &[])
            .expect_err("the proof has another length");
        let code = refusal.code().expect("an error of the program, not a crash");
        let expected: &[u32] = &[
            ErrorCode::InstructionDidNotDeserialize.into(),
            BautaError::RootNotCanonical.into(),
            BautaError::NullifierNotCanonical.into(),
            BautaError::ClaimNotCanonical.into(),
            BautaError::ProofExpired.into(),
            BautaError::NotTheSnapshot.into(),
        ];
        assert!(expected.contains(&code), "{length} bytes: {refusal}");
        assert!(
            fixture
                .chain
                .account(&fixture.verify.nullifier_account())
                .is_none()
        );
    }
}

/// The decoder of the system calls takes the two highest bits of a point's last coordinate as
/// flags. Without a check of its own, the program would accept 0x80 there.
#[test]
fn a_proof_with_a_flag_bit_in_a_coordinate_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    for coordinate in 0..8 {
        for flag in [0x40, 0x80, 0xc0] {
            let mut verify = fixture.verify.clone();
            verify.proof[32 * coordinate] |= flag;
            fixture.refuses(&verify, BautaError::ProofPointInvalid);
        }
    }
}

/// The modulus q of EIP-196.
const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// Computes q − y.
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
