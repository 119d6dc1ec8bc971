//! Checks that a key is sound, belongs to a constraint system, and was made from given powers of
//! tau.
//!
//! | check | input | what it proves |
//! |---|---|---|
//! | [`ZKey::check_sound`] | the key | no one can forge by `γ = ±δ`; β, δ and B are the same in both groups |
//! | [`ZKey::check_circuit`] | the constraint system | the counts, the matrices A and B, and which wires each matrix uses |
//! | [`ZKey::verify_transcript`] | the key | the chain of contributions leads to the key's δ |
//! | [`ZKey::check_powers`] | constraint system and `.ptau` | every point of the key and the circuit hash are correct |
//!
//! Only the last check uses the **values** of the points A, B, C, H and IC, and therefore matrix C.
//! Without the `.ptau`, a key may belong to other constraints with the same A and B. No check
//! proves that the powers of tau come from their ceremony (verify them with
//! `snarkjs powersoftau verify` or the published hash of the file), or that one contributor was
//! honest.

mod circuit;
mod powers;
mod sound;

#[cfg(doc)]
use crate::ZKey;
