//! The Groth16 proving engine over BN254.
