//! Arguments that are no field elements, and bytes that are no proof.

use crate::scene::scene;
use bauta::errors::BautaError;
use bauta_primitives::FieldElement;
use bauta_program_test::{ScopeSpec, assert_refused};

/// r itself, and the honest value plus r, which is the same element: both are refused, for each argument.
#[test]
fn an_element_of_r_or_above_is_refused_for_each_argument() {
    let mut s = scene(&ScopeSpec::live());
    let honest = s.verify.clone();
    // where the argument's 32 bytes lie in the instruction's data: after the discriminator and the proof
    let arguments = [
        (0, honest.root.to_bytes(), BautaError::RootNotCanonical),
        (32, honest.nullifier.to_bytes(), BautaError::NullifierNotCanonical),
        (64, honest.claim.to_bytes(), BautaError::ClaimNotCanonical),
    ];
    for (offset, value, error) in arguments {
        for unreduced in [FieldElement::MODULUS, plus_modulus(value), [0xff; 32]] {
            let mut instruction = honest.instruction();
            let at = 8 + 256 + offset;
            assert_eq!(instruction.data[at..at + 32], value);
            instruction.data[at..at + 32].copy_from_slice(&unreduced);
            assert_refused(s.world.send(&[instruction], &[]), error);
        }
    }
}

/// `value + r` as 32 big-endian bytes; fits, since both are below 2^254.
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
    let mut s = scene(&ScopeSpec::default());
    // each coordinate's lowest byte: off the curve
    for coordinate in 0..8 {
        let mut verify = s.verify.clone();
        verify.proof[32 * coordinate + 31] ^= 1;
        s.refuses(&verify, BautaError::ProofPointInvalid);
    }
    // a coordinate of q or above
    let mut verify = s.verify.clone();
    verify.proof[..32].fill(0xff);
    s.refuses(&verify, BautaError::ProofPointInvalid);
    // B on its curve, but outside the subgroup
    let mut verify = s.verify.clone();
    verify.proof[64..192].copy_from_slice(&bauta_program_test::g2_outside_subgroup());
    s.refuses(&verify, BautaError::ProofPointInvalid);
    // points at infinity: valid points, of no valid proof
    for range in [0..64, 64..192, 192..256, 0..256] {
        let mut verify = s.verify.clone();
        verify.proof[range].fill(0);
        s.refuses(&verify, BautaError::ProofRefused);
    }
    // A not negated: y becomes q - y
    let mut verify = s.verify.clone();
    let negated = minus(&verify.proof[32..64]);
    verify.proof[32..64].copy_from_slice(&negated);
    s.refuses(&verify, BautaError::ProofRefused);
    // G2 with the real part first, as arkworks has it
    let mut verify = s.verify.clone();
    verify.proof[64..128].rotate_left(32);
    verify.proof[128..192].rotate_left(32);
    s.refuses(&verify, BautaError::ProofPointInvalid);
}

/// q of EIP-196.
const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// q − y.
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
