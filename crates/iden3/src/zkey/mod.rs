//! A Groth16 proving key with its ceremony's transcript: the content of a `.zkey` file.
//!
//! Notation: `τ, α, β` are the secrets of the powers of tau, `γ, δ` those of phase 2 (snarkjs fixes `γ = 1`); `n` is
//! [`ZKey::domain_size`], `ω` the primitive n-th root of unity of the FFT, `L_j` the Lagrange polynomial of `ω^j`
//! (one at `ω^j`, zero at the domain's other points). `A_s, B_s, C_s` is the polynomial of wire `s` in each matrix:
//! `A_s(X) = Σ_j A[j, s] · L_j(X)`. Row `j < m` is constraint `j` of `m`; rows `m` to `m + n_public` exist in A alone
//! and hold a one at the wire `j - m` (see [`R1cs::coefficients`](crate::R1cs::coefficients)).
//!
//! # The file
//!
//! All integers are little-endian: the magic `zkey`, version (u32, 1), number of sections (u32), then for each
//! section its number (u32), length (u64) and content:
//!
//! | section | content |
//! |---|---|
//! | 1 | prover: u32, 1 is Groth16 |
//! | 2 | header: u32 32, `q`; u32 32, `r`; u32 `n_vars`, `n_public`, `domain_size`; `α₁`, `β₁`, `β₂`, `γ₂`, `δ₁`, `δ₂` |
//! | 3 | IC: `n_public + 1` of G1 |
//! | 4 | coefficients: u32 count, then each: u32 matrix (0 is A, 1 is B), u32 row, u32 wire, value |
//! | 5, 6, 7 | A in G1, B in G1, B in G2: `n_vars` each |
//! | 8 | C: `n_vars - n_public - 1` of G1, for the private wires |
//! | 9 | H: `domain_size` of G1 |
//! | 10 | transcript: 64 bytes circuit hash, u32 count, the contributions |
//!
//! A coordinate is 32 bytes little-endian in **Montgomery form** (`x · 2^256 mod q`). G1 is `x, y`; G2 is
//! `x.c0, x.c1, y.c0, y.c1`; infinity is all zero. A coefficient is stored as `v · 2^512 mod r` (Montgomery form **twice**), so that
//! one Montgomery product with a plain witness value gives a Montgomery result. Here [`Coefficient::value`] is plain `v`.
//!
//! # H
//!
//! H holds the Lagrange polynomials of the **odd coset**, not powers of tau: with `ζ` the primitive 2n-th root of
//! unity (`ζ² = ω`) and `L'_j` the Lagrange polynomials of the domain of 2n points, `H_i = L'_{2i+1}(τ) / δ · G`. As
//! `P = A·B - C` vanishes at the even points, its values at the odd points `ζ^(2i+1)` give the
//! whole of `P(τ)/δ = Σ_i P(ζ^(2i+1)) · H_i`: the prover never divides by the vanishing polynomial. When the
//! powers of tau are exactly as many as the circuit needs, snarkjs leaves out the term of `τ^(2n-1)` in every `H_i`;
//! as `deg P <= 2n - 2`, proofs are the same.

mod contributions;
mod file;

use ark_bn254::{Fr, G1Affine, G2Affine};

/// The largest domain. The odd coset needs roots of unity of twice its order, and r - 1 is divisible by 2^28.
pub(crate) const MAX_DOMAIN: u32 = 1 << 27;

/// Which matrix a [`Coefficient`] belongs to. A key doesn't hold C: at a satisfying assignment its rows are the
/// products of those of A and B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// Left factors.
    A = 0,
    /// Right factors.
    B = 1,
}

/// One entry of the matrices A and B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficient {
    /// The matrix.
    pub matrix: Matrix,
    /// The row: the constraint's index, or, in A alone, number of constraints + a public wire's index.
    pub constraint: u32,
    /// The column.
    pub wire: u32,
    /// The entry, as the plain field element (in the file it is stored in twofold Montgomery form).
    pub value: Fr,
}

/// A Groth16 proving key over BN254 as snarkjs keeps it. The module's page says what each part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZKey {
    /// Number of wires, the constant one included.
    pub n_vars: u32,
    /// Number of public wires, without the constant one.
    pub n_public: u32,
    /// Size of the evaluation domain, a power of two.
    pub domain_size: u32,
    /// `α` in G1.
    pub alpha_g1: G1Affine,
    /// `β` in G1.
    pub beta_g1: G1Affine,
    /// `β` in G2.
    pub beta_g2: G2Affine,
    /// `γ` in G2: the generator, in snarkjs's own keys.
    pub gamma_g2: G2Affine,
    /// `δ` in G1.
    pub delta_g1: G1Affine,
    /// `δ` in G2.
    pub delta_g2: G2Affine,
    /// `(β·A_s(τ) + α·B_s(τ) + C_s(τ)) / γ` for the constant one and each public wire: `n_public + 1`.
    pub ic: Vec<G1Affine>,
    /// The entries of A and B, sorted by row; the public wires' rows last.
    pub coefficients: Vec<Coefficient>,
    /// `A_s(τ)` for each wire, in G1.
    pub a: Vec<G1Affine>,
    /// `B_s(τ)` for each wire, in G1.
    pub b1: Vec<G1Affine>,
    /// `B_s(τ)` for each wire, in G2.
    pub b2: Vec<G2Affine>,
    /// `(β·A_s(τ) + α·B_s(τ) + C_s(τ)) / δ` for each private wire, first is wire `n_public + 1`. Others call it L.
    pub c: Vec<G1Affine>,
    /// `L'_{2i+1}(τ) / δ` for each `i < domain_size`: Lagrange form on the odd coset.
    pub h: Vec<G1Affine>,
    /// BLAKE2b-512 of the key before the first contribution; snarkjs calls it the circuit hash. It starts the transcript.
    pub cs_hash: [u8; 64],
    /// The contributions of phase 2, in order.
    pub contributions: Vec<Contribution>,
}

/// One contribution of phase 2: somebody multiplied `δ` by a secret of theirs and proves that they knew it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// `δ` in G1 after this contribution.
    pub delta_after: G1Affine,
    /// Random point `s`.
    pub g1_s: G1Affine,
    /// `x·s`, with the contributor's secret `x`.
    pub g1_sx: G1Affine,
    /// `x·p`, where `p` in G2 is hashed from `transcript`.
    pub g2_spx: G2Affine,
    /// BLAKE2b-512 of the circuit hash, all earlier contributions, `g1_s` and `g1_sx`.
    pub transcript: [u8; 64],
    /// Who made it, as they call themselves; at most 255 bytes. Nothing proves it.
    pub name: Option<String>,
    /// A person's secret or a public beacon.
    pub kind: ContributionKind,
}

/// Where a contribution's secret came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContributionKind {
    /// The contributor's own randomness.
    Entropy,
    /// A public random beacon: anybody can recompute this contribution.
    Beacon {
        /// The beacon's value, 1 to 255 bytes.
        hash: Vec<u8>,
        /// The value is hashed `2^iterations_exp` times with SHA-256.
        iterations_exp: u8,
    },
}
