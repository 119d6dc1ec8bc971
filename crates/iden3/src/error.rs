//! The errors of files, keys, transcripts and witnesses.

use std::fmt;

use thiserror::Error;

/// A position in a file, such as `.zkey section 5, A[17]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The kind of file, such as `.zkey` or `proof.json`.
    pub file: &'static str,
    /// The number of the section, in the binary formats.
    pub section: Option<u32>,
    /// The name of the field or list.
    pub item: &'static str,
    /// The position within the list, from zero.
    pub index: Option<usize>,
}

impl fmt::Display for Location {
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

/// The reason why input was refused. Messages name the position and the rule.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// The kind of file.
        file: &'static str,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is of another kind.
    #[error(
        "{file}: the file begins with {found:02x?}, not with the format's four magic bytes {expected:02x?}"
    )]
    Magic {
        /// The expected kind of file.
        file: &'static str,
        /// The format's magic bytes.
        expected: [u8; 4],
        /// The file's first bytes.
        found: [u8; 4],
    },
    /// The version of the format is not supported.
    #[error("{file}: the format has version {found}; only version {supported} is supported")]
    Version {
        /// The kind of file.
        file: &'static str,
        /// The file's version.
        found: u32,
        /// The supported version.
        supported: u32,
    },
    /// The file or section ends too early.
    #[error(
        "{location}: {needed} bytes are needed, but only {left} are left; the file is truncated or a count is wrong"
    )]
    Truncated {
        /// The item that was read.
        location: Location,
        /// The number of bytes that the item needs.
        needed: u64,
        /// The number of bytes that are left.
        left: u64,
    },
    /// There are bytes after the last element.
    #[error("{location}: {extra} bytes follow the last element; nothing may follow it")]
    TrailingBytes {
        /// The position of the last element.
        location: Location,
        /// The number of additional bytes.
        extra: u64,
    },
    /// A required section is missing.
    #[error("{file}: section {section} is missing")]
    MissingSection {
        /// The kind of file.
        file: &'static str,
        /// The number of the section.
        section: u32,
    },
    /// A section occurs more than once.
    #[error("{file}: section {section} occurs more than once")]
    DuplicateSection {
        /// The kind of file.
        file: &'static str,
        /// The number of the section.
        section: u32,
    },
    /// A section has an unknown number.
    #[error("{file}: section {section} is unknown; it is refused because its content cannot be checked")]
    UnknownSection {
        /// The kind of file.
        file: &'static str,
        /// The number of the section.
        section: u32,
    },
    /// A section's length contradicts the counts in the header.
    #[error(
        "{location}: the section has {found} bytes, but by the counts in the header it must have {expected}"
    )]
    SectionSize {
        /// The position of the section.
        location: Location,
        /// The length that follows from the counts.
        expected: u64,
        /// The actual length.
        found: u64,
    },
    /// The key belongs to another proof system.
    #[error("{location}: proof system {found}; only 1, Groth16, is supported")]
    ProofSystem {
        /// The position of the field.
        location: Location,
        /// The number of the proof system.
        found: u32,
    },
    /// The field elements have another size or belong to another field.
    #[error(
        "{location}: the file is over another field; it must be the {modulus} of BN254 (bn128), 32 bytes"
    )]
    Modulus {
        /// The position of the field.
        location: Location,
        /// The expected modulus.
        modulus: Modulus,
    },
    /// A number is equal to or above the modulus.
    #[error("{location}: the value is not canonical; it must be below the {modulus}")]
    NotCanonical {
        /// The position of the element.
        location: Location,
        /// The modulus.
        modulus: Modulus,
    },
    /// A point is not on the curve.
    #[error("{location}: the point is not on the curve")]
    NotOnCurve {
        /// The position of the point.
        location: Location,
    },
    /// A point is on G2's curve but not in the subgroup of order r.
    #[error("{location}: the point is not in the subgroup of order r")]
    NotInSubgroup {
        /// The position of the point.
        location: Location,
    },
    /// A point is infinity, which would break soundness at this position.
    #[error("{location}: the point at infinity is not allowed here")]
    Infinity {
        /// The position of the point.
        location: Location,
    },
    /// A count contradicts another count or a rule.
    #[error("{location}: {found}; {rule}")]
    Count {
        /// The position of the field.
        location: Location,
        /// The actual count.
        found: u64,
        /// The rule for the count.
        rule: &'static str,
    },
    /// A wire does not exist in the constraint system.
    #[error("{location}: wire {wire} does not exist; there are {wires} wires")]
    WireOutOfRange {
        /// The position of the element.
        location: Location,
        /// The index of the wire.
        wire: u32,
        /// The number of wires.
        wires: u32,
    },
    /// A linear combination or matrix row contains two terms for one wire.
    #[error(
        "{location}: wire {wire} has two terms in one row; there must be one, because readers interpret two differently"
    )]
    DuplicateTerm {
        /// The position of the linear combination or entry.
        location: Location,
        /// The index of the wire.
        wire: u32,
    },
    /// A term has the coefficient zero.
    #[error("{location}: the coefficient of wire {wire} is zero; such terms must be omitted")]
    ZeroCoefficient {
        /// The position of the linear combination.
        location: Location,
        /// The index of the wire.
        wire: u32,
    },
    /// The parameters of a contribution are invalid.
    #[error("{location}: {rule}")]
    ContributionParameters {
        /// The position of the contribution.
        location: Location,
        /// The rule that the parameters break.
        rule: &'static str,
    },
    /// The JSON does not have the form that snarkjs writes.
    #[error("{location}: {problem}")]
    Json {
        /// The position of the field.
        location: Location,
        /// The problem and the rule.
        problem: String,
    },
    /// A value that was built in memory cannot be written.
    #[error("{location}: {problem}")]
    NotWritable {
        /// The position of the part.
        location: Location,
        /// The problem.
        problem: &'static str,
    },
    /// Anyone can forge proofs with the key, or its parts contradict each other.
    #[error("the key is unsound: {problem}")]
    UnsoundKey {
        /// The problem and the rule.
        problem: &'static str,
    },
    /// The key belongs to another constraint system.
    #[error("the key does not belong to this constraint system: {problem}")]
    OtherCircuit {
        /// The first difference.
        problem: String,
    },
    /// The key was not made from these powers of tau.
    #[error("the key was not made from this constraint system and these powers of tau: {part} is different")]
    OtherPowers {
        /// The part of the key that is different.
        part: &'static str,
    },
    /// The points of a `.ptau` file are not the powers of one secret.
    #[error(".ptau: {problem}")]
    BadPowers {
        /// The problem and the rule.
        problem: &'static str,
    },
    /// A `.ptau` file has too few powers.
    #[error(".ptau: the file has powers for 2^{power} rows, but this key needs a domain of {domain_size}")]
    TooFewPowers {
        /// The power of the file.
        power: u32,
        /// The domain size of the key.
        domain_size: u32,
    },
    /// The chain of contributions is broken.
    #[error("transcript: contribution {contribution}: {problem}")]
    Transcript {
        /// The number of the contribution. The first is 1, as in snarkjs.
        contribution: usize,
        /// The problem and the rule.
        problem: &'static str,
    },
    /// The transcript does not lead to this key.
    #[error("transcript: {problem}")]
    TranscriptEnd {
        /// The problem and the rule.
        problem: &'static str,
    },
    /// A witness does not satisfy the constraint system.
    #[error(transparent)]
    Unsatisfied(#[from] Unsatisfied),
}

/// The two prime moduli of BN254.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulus {
    /// The modulus of the coordinates of points.
    Q,
    /// The modulus of scalars: witnesses, coefficients, public inputs. It is the order of the
    /// groups.
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

/// The reason why a witness does not satisfy a constraint system. It never contains witness values,
/// because they are secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsatisfied {
    /// The number of values differs from the number of wires.
    #[error("the witness has {found} values, but the constraint system has {expected} wires")]
    Length {
        /// The number of wires of the constraint system.
        expected: usize,
        /// The number of values.
        found: usize,
    },
    /// Wire 0 is not one.
    #[error("wire 0 of the witness must be one, because it is the constant one of every constraint system")]
    ConstantOne,
    /// A constraint is not satisfied.
    #[error("constraint {constraint} is not satisfied: (A·z)·(B·z) differs from C·z")]
    Constraint {
        /// The index of the first unsatisfied constraint, from zero.
        constraint: usize,
    },
}
