//! What can be wrong with a file, a key, a transcript or a witness.

use std::fmt;

use thiserror::Error;

/// Where in a file something is: `.zkey section 5, A[17]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Kind of file, such as `.zkey` or `proof.json`.
    pub file: &'static str,
    /// Number of the section, in the binary formats.
    pub section: Option<u32>,
    /// Name of the field or list.
    pub item: &'static str,
    /// Position within the list, from zero.
    pub index: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        if let Some(section) = self.section {
            write!(f, " section {section}")?;
        }
        write!(f, ", {}", self.item)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        Ok(())
    }
}

/// Everything that this crate refuses, with the place and the rule.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file couldn't be read.
    #[error("{file}: {source}")]
    Io {
        /// Kind of file.
        file: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another kind of file.
    #[error(
        "{file}: the file begins with {found:02x?}, not with the format's four magic bytes {expected:02x?}"
    )]
    Magic {
        /// Kind of file expected.
        file: &'static str,
        /// The format's magic.
        expected: [u8; 4],
        /// What is there.
        found: [u8; 4],
    },
    /// A version of the format that this crate doesn't know.
    #[error("{file}: version {found} of the format; only version {supported} is supported")]
    Version {
        /// Kind of file.
        file: &'static str,
        /// What is there.
        found: u32,
        /// What it has to be.
        supported: u32,
    },
    /// The file or section ends too early.
    #[error("{place}: needs {needed} bytes, {left} are left; the file is truncated or a count is wrong")]
    Truncated {
        /// What was being read.
        place: Place,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes there are.
        left: u64,
    },
    /// Bytes after the last element.
    #[error("{place}: {extra} bytes follow the last element; nothing may follow it")]
    TrailingBytes {
        /// The last element.
        place: Place,
        /// How many.
        extra: u64,
    },
    /// A section that the format requires isn't there.
    #[error("{file}: section {section} is missing")]
    MissingSection {
        /// Kind of file.
        file: &'static str,
        /// Number of the section.
        section: u32,
    },
    /// A section is there twice.
    #[error("{file}: section {section} is there more than once")]
    DuplicateSection {
        /// Kind of file.
        file: &'static str,
        /// Number of the section.
        section: u32,
    },
    /// A section that this crate doesn't know.
    #[error("{file}: unknown section {section}; it would go unchecked, so it is refused")]
    UnknownSection {
        /// Kind of file.
        file: &'static str,
        /// Number of the section.
        section: u32,
    },
    /// A section's length isn't what the header's counts make it.
    #[error("{place}: the section has {found} bytes; by the counts in the header it must have {expected}")]
    SectionSize {
        /// The section.
        place: Place,
        /// Length by the counts.
        expected: u64,
        /// Length there is.
        found: u64,
    },
    /// Another proof system's key.
    #[error("{place}: proof system {found}; only 1, Groth16, is supported")]
    ProofSystem {
        /// The field.
        place: Place,
        /// What is there.
        found: u32,
    },
    /// Field elements of another size or of another field.
    #[error("{place}: the file is over another field; it must be the {modulus} of BN254 (bn128), 32 bytes")]
    Modulus {
        /// The field.
        place: Place,
        /// Which modulus belongs here.
        modulus: Modulus,
    },
    /// A number at or above the modulus.
    #[error("{place}: the value isn't canonical; it must be below the {modulus}")]
    NotCanonical {
        /// The element.
        place: Place,
        /// The modulus.
        modulus: Modulus,
    },
    /// A point off the curve.
    #[error("{place}: the point isn't on the curve")]
    NotOnCurve {
        /// The point.
        place: Place,
    },
    /// A point of G2's curve outside the subgroup of order r.
    #[error("{place}: the point isn't in the subgroup of order r")]
    NotInSubgroup {
        /// The point.
        place: Place,
    },
    /// Infinity where it would break soundness.
    #[error("{place}: the point at infinity isn't allowed here")]
    Infinity {
        /// The point.
        place: Place,
    },
    /// Counts that contradict each other or a rule.
    #[error("{place}: {found}; {rule}")]
    Count {
        /// The field.
        place: Place,
        /// What is there.
        found: u64,
        /// What it has to be.
        rule: &'static str,
    },
    /// A wire that the system doesn't have.
    #[error("{place}: wire {wire}; there are {wires} wires")]
    WireOutOfRange {
        /// The element.
        place: Place,
        /// The wire named.
        wire: u32,
        /// Wires there are.
        wires: u32,
    },
    /// Two terms for one wire in a linear combination or matrix row.
    #[error("{place}: wire {wire} has two terms in one row; readers disagree on what that means")]
    DuplicateTerm {
        /// The linear combination or entry.
        place: Place,
        /// The wire.
        wire: u32,
    },
    /// A term with coefficient zero.
    #[error("{place}: the coefficient of wire {wire} is zero; such terms must be left out")]
    ZeroCoefficient {
        /// The linear combination.
        place: Place,
        /// The wire.
        wire: u32,
    },
    /// A contribution's parameters.
    #[error("{place}: {rule}")]
    ContributionParameters {
        /// The contribution.
        place: Place,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// JSON that isn't what snarkjs writes.
    #[error("{place}: {problem}")]
    Json {
        /// The file and field.
        place: Place,
        /// What is wrong, and the rule.
        problem: String,
    },
    /// A value built in memory that can't be written.
    #[error("{place}: {problem}")]
    NotWritable {
        /// The part.
        place: Place,
        /// What is wrong.
        problem: &'static str,
    },
    /// A key that anybody can forge with, or whose parts contradict each other.
    #[error("unsound key: {problem}")]
    UnsoundKey {
        /// What is wrong, and the rule.
        problem: &'static str,
    },
    /// A key of another constraint system.
    #[error("the key isn't one of this constraint system: {problem}")]
    OtherCircuit {
        /// The first difference.
        problem: String,
    },
    /// A key that wasn't made from these powers of tau.
    #[error("the key wasn't made from this constraint system and these powers of tau: {part} differ")]
    OtherPowers {
        /// The part of the key.
        part: &'static str,
    },
    /// A `.ptau` whose points aren't the powers of one secret.
    #[error(".ptau: {part} aren't the powers of one secret τ")]
    BadPowers {
        /// The section's content.
        part: &'static str,
    },
    /// A `.ptau` that is too small.
    #[error(".ptau: made for 2^{power} constraints; this key needs a domain of {domain_size}")]
    TooFewPowers {
        /// The file's power.
        power: u32,
        /// The key's domain.
        domain_size: u32,
    },
    /// A break in the chain of contributions.
    #[error("transcript: contribution {contribution}: {problem}")]
    Transcript {
        /// Position of the contribution, the first is 1 (as snarkjs counts).
        contribution: usize,
        /// What is wrong, and the rule.
        problem: &'static str,
    },
    /// The transcript doesn't lead to this key.
    #[error("transcript: {problem}")]
    TranscriptEnd {
        /// What is wrong, and the rule.
        problem: &'static str,
    },
    /// A witness that doesn't satisfy the constraint system.
    #[error(transparent)]
    Unsatisfied(#[from] Unsatisfied),
}

/// The two prime moduli of BN254.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulus {
    /// Of the coordinates of points.
    Q,
    /// Of scalars: witnesses, coefficients, public inputs. The order of the groups.
    R,
}

impl fmt::Display for Modulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Q => "base-field modulus q",
            Self::R => "scalar-field modulus r",
        })
    }
}

/// Why a witness doesn't satisfy a constraint system. Never carries witness values: they are secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsatisfied {
    /// The witness has another number of wires than the constraint system.
    #[error("the witness has {found} values; the constraint system has {expected} wires")]
    Length {
        /// Wires of the constraint system.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Wire 0 is not one.
    #[error("wire 0 of the witness isn't one; it is the constant one of every constraint system")]
    ConstantOne,
    /// The first constraint that doesn't hold.
    #[error("constraint {constraint} isn't satisfied: (A·z)·(B·z) differs from C·z")]
    Constraint {
        /// Index of the constraint, from zero.
        constraint: usize,
    },
}
