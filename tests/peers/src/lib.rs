//! Independent implementations that tests compare with: ark-groth16 and light-poseidon.
//!
//! Both are generic, so each program that calls them compiles all of their code again. The
//! functions of this crate are not generic, so that code is compiled once.

pub mod groth16;
pub mod poseidon;
