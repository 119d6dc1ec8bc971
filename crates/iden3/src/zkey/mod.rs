//! A Groth16 proving key with its ceremony's transcript. It is the content of a `.zkey` file.
//!
//! Notation: `τ, α, β` are the secrets of the powers of tau, and `γ, δ` are those of phase 2
//! (snarkjs fixes `γ = 1`). `n` is [`ZKey::domain_size`]. `ω` is the primitive n-th root of unity
//! of the FFT. `L_j` is the Lagrange polynomial of `ω^j`, which is one at `ω^j` and zero at the
//! domain's other points. `A_s, B_s, C_s` are the polynomials of wire `s` in the matrices:
//! `A_s(X) = Σ_j A[j, s] · L_j(X)`. For `m` constraints, row `j < m` is constraint `j`. The rows
//! `m` to `m + n_public` exist only in A, and contain a one at the wire `j - m` (see
//! [`R1cs::coefficients`](crate::R1cs::coefficients)).
//!
//! # The file
//!
//! All integers are little-endian. The file begins with the magic `zkey`, the version (u32, 1) and
//! the number of sections (u32). Each section has its number (u32), length (u64) and content:
//!
//! | section | content |
//! |---|---|
//! | 1 | prover: u32, 1 is Groth16 |
//! | 2 | header: u32 32, `q`; u32 32, `r`; u32 `n_vars`, `n_public`, `domain_size`; `α₁`, `β₁`, `β₂`, `γ₂`, `δ₁`, `δ₂` |
//! | 3 | IC: `n_public + 1` points of G1 |
//! | 4 | coefficients: u32 count, then for each: u32 matrix (0 is A, 1 is B), u32 row, u32 wire, value |
//! | 5, 6, 7 | A in G1, B in G1, B in G2: `n_vars` points each |
//! | 8 | C: `n_vars - n_public - 1` points of G1, for the private wires |
//! | 9 | H: `domain_size` points of G1 |
//! | 10 | transcript: 64 bytes circuit hash, u32 count, the contributions |
//!
//! A coordinate is 32 bytes little-endian in **Montgomery form** (`x · 2^256 mod q`). A point of G1
//! is `x, y`. A point of G2 is `x.c0, x.c1, y.c0, y.c1`. Infinity is all zeros. A coefficient is
//! stored as `v · 2^512 mod r`, which is the Montgomery form applied **twice**. One Montgomery
//! product with a canonical witness value then gives a result in Montgomery form.
//! [`Coefficient::value`] is the field element `v` itself.
//!
//! # H
//!
//! H contains the Lagrange polynomials of the **odd coset**, not powers of tau. Let `ζ` be the
//! primitive 2n-th root of unity (`ζ² = ω`) and `L'_j` the Lagrange polynomials of the domain of 2n
//! points. Then `H_i = L'_{2i+1}(τ) / δ · G`. `P = A·B - C` is zero at the even points, so its
//! values at the odd points `ζ^(2i+1)` determine `P(τ)/δ = Σ_i P(ζ^(2i+1)) · H_i`. The prover never
//! divides by the vanishing polynomial. If there are exactly as many powers of tau as the circuit
//! needs, snarkjs omits the term of `τ^(2n-1)` in every `H_i`. Since `deg P <= 2n - 2`, the proofs
//! are the same.

mod contributions;
mod file;

use ark_bn254::{Fr, G1Affine, G2Affine};

/// The size of the largest domain. The odd coset needs roots of unity of twice this order, and r -
/// 1 is divisible by 2^28 but not by 2^29.
pub(crate) const MAX_DOMAIN: u32 = 1 << 27;

/// The matrix that a [`Coefficient`] belongs to. A key does not contain C: for a satisfying
/// assignment, its rows are the products of the rows of A and B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// The matrix of the left factors.
    A = 0,
    /// The matrix of the right factors.
    B = 1,
}

/// A nonzero entry of the matrix A or B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficient {
    /// The matrix of the entry.
    pub matrix: Matrix,
    /// The row. It is the index of a constraint or, only in A, the number of constraints plus the
    /// index of a public wire.
    pub constraint: u32,
    /// The column.
    pub wire: u32,
    /// The entry as a field element. The file stores it with the Montgomery form applied twice.
    pub value: Fr,
}

/// A Groth16 proving key over BN254 in the form of snarkjs. The module's documentation describes
/// each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZKey {
    /// The number of wires, including the constant one.
    pub n_vars: u32,
    /// The number of public wires, without the constant one.
    pub n_public: u32,
    /// The size of the evaluation domain. It is a power of two.
    pub domain_size: u32,
    /// `α` in G1.
    pub alpha_g1: G1Affine,
    /// `β` in G1.
    pub beta_g1: G1Affine,
    /// `β` in G2.
    pub beta_g2: G2Affine,
    /// `γ` in G2. In keys made by snarkjs it is the generator.
    pub gamma_g2: G2Affine,
    /// `δ` in G1.
    pub delta_g1: G1Affine,
    /// `δ` in G2.
    pub delta_g2: G2Affine,
    /// `(β·A_s(τ) + α·B_s(τ) + C_s(τ)) / γ` for the constant one and each public wire:
    /// `n_public + 1` points.
    pub ic: Vec<G1Affine>,
    /// The entries of A and B, sorted by row. The rows of the public wires come last.
    pub coefficients: Vec<Coefficient>,
    /// `A_s(τ)` for each wire, in G1.
    pub a: Vec<G1Affine>,
    /// `B_s(τ)` for each wire, in G1.
    pub b1: Vec<G1Affine>,
    /// `B_s(τ)` for each wire, in G2.
    pub b2: Vec<G2Affine>,
    /// `(β·A_s(τ) + α·B_s(τ) + C_s(τ)) / δ` for each private wire, beginning with wire
    /// `n_public + 1`. Other implementations call this list L.
    pub c: Vec<G1Affine>,
    /// `L'_{2i+1}(τ) / δ` for each `i < domain_size`, which is the Lagrange form on the odd coset.
    pub h: Vec<G1Affine>,
    /// The BLAKE2b-512 hash of the key before the first contribution, which snarkjs calls the
    /// circuit hash. The transcript begins with it.
    pub cs_hash: [u8; 64],
    /// The contributions of phase 2, in order.
    pub contributions: Vec<Contribution>,
}

/// One contribution of phase 2: the contributor multiplied `δ` by a secret, and proves knowledge of
/// the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// `δ` in G1 after this contribution.
    pub delta_after: G1Affine,
    /// A random point `s`.
    pub g1_s: G1Affine,
    /// `x·s`, where `x` is the contributor's secret.
    pub g1_sx: G1Affine,
    /// `x·p`, where `p` in G2 is hashed from `transcript`.
    pub g2_spx: G2Affine,
    /// The BLAKE2b-512 hash of the circuit hash, all earlier contributions, `g1_s` and `g1_sx`.
    pub transcript: [u8; 64],
    /// The name that the contributor gave, at most 255 bytes. Nothing proves it.
    pub name: Option<String>,
    /// The source of the secret.
    pub kind: ContributionKind,
}

/// The source of a contribution's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContributionKind {
    /// The contributor's own randomness.
    Entropy,
    /// A public random beacon. Anyone can recompute the contribution.
    Beacon {
        /// The beacon's value, 1 to 255 bytes.
        hash: Vec<u8>,
        /// The value is hashed `2^iterations_exp` times with SHA-256.
        iterations_exp: u8,
    },
}
