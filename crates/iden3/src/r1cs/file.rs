//! The `.r1cs` file. Section 1 is the header, section 2 the constraints, section 3 the label of
//! each wire.
//!
//! The header contains u32 32, `r`; u32 wires, public outputs, public inputs, private inputs; u64
//! labels; u32 constraints. A constraint consists of its three linear combinations. Each begins
//! with its number of terms (u32), and a term is a wire (u32) and a canonical coefficient. Labels
//! are the names that a compiler gave to signals. They have no meaning here: reading skips them,
//! and writing gives each wire its own number.

use ark_bn254::Fr;
use ark_ff::{PrimeField, Zero};

use super::{Constraint, LinearCombination, R1cs};
use crate::{
    container::{Cursor, Format, Sections, Writer},
    encoding::{FIELD_BYTES, fr_plain, modulus_header},
    error::{Error, Location, Modulus},
    zkey::MAX_DOMAIN,
};

const FORMAT: Format = Format {
    file: ".r1cs",
    magic: *b"r1cs",
    version: 1,
    sections: 1..=5,
};
const HEADER: u32 = 1;
const CONSTRAINTS: u32 = 2;
const LABELS: u32 = 3;
const CUSTOM_GATES: [u32; 2] = [4, 5];

const TERM_BYTES: usize = 4 + FIELD_BYTES;

impl R1cs {
    /// Reads a `.r1cs` file. The terms of a linear combination may be in any order. They are sorted
    /// by wire.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = Sections::parse(&FORMAT, bytes)?;
        for number in CUSTOM_GATES {
            if let Some(gates) = file.optional(number) {
                no_custom_gates(gates)?;
            }
        }

        let mut header = file.section(HEADER)?;
        header.at("r").modulus(Modulus::R)?;
        let wires = header.at("wires").u32()?;
        let public_outputs = header.at("public outputs").u32()?;
        let public_inputs = header.at("public inputs").u32()?;
        let private_inputs = header.at("private inputs").u32()?;
        let _labels = header.at("labels").u64()?;
        let count = header.at("constraints").u32()?;
        header.finish()?;
        let mut system = Self {
            public_outputs,
            public_inputs,
            private_inputs,
            wires,
            constraints: Vec::new(),
        };
        system.check_counts(count.into())?;

        // The length of this section also limits the number of wires by the size of the file.
        file.section(LABELS)?
            .at("labels")
            .expect_size(u64::from(wires) * 8)?;
        let mut section = file.section(CONSTRAINTS)?;
        let count = section.at("constraints").fits(u64::from(count), 12)?;
        system.constraints.reserve_exact(count);
        for row in 0..count {
            system.constraints.push(Constraint {
                a: combination(section.nth("A", row), wires)?,
                b: combination(section.nth("B", row), wires)?,
                c: combination(section.nth("C", row), wires)?,
            });
        }
        section.finish()?;
        Ok(system)
    }

    /// Returns the contents of a `.r1cs` file. Returns an error if the system breaks a rule of its
    /// types.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let count = u32::try_from(self.constraints.len()).expect("check allows at most 2^27");

        let mut header = modulus_header(&Fr::MODULUS).to_vec();
        for number in [
            self.wires,
            self.public_outputs,
            self.public_inputs,
            self.private_inputs,
        ] {
            header.extend(number.to_le_bytes());
        }
        header.extend(u64::from(self.wires).to_le_bytes());
        header.extend(count.to_le_bytes());

        let mut constraints = Vec::new();
        for combination in self.constraints.iter().flat_map(|row| [&row.a, &row.b, &row.c]) {
            let terms = u32::try_from(combination.len()).expect("check allows one term for each wire");
            constraints.extend(terms.to_le_bytes());
            for (wire, coefficient) in combination {
                constraints.extend(wire.to_le_bytes());
                constraints.extend(fr_plain(coefficient));
            }
        }

        let labels: Vec<u8> = (0..u64::from(self.wires)).flat_map(u64::to_le_bytes).collect();
        let mut file = Writer::with_capacity(&FORMAT, 3, header.len() + constraints.len() + labels.len());
        file.section(HEADER, &header);
        file.section(CONSTRAINTS, &constraints);
        file.section(LABELS, &labels);
        Ok(file.finish())
    }

    /// Checks the rules of the types: counts are in range, terms are sorted by wire and not zero,
    /// and wires exist. Reading a file includes this check. Call it for a system that was built in
    /// memory.
    pub fn check(&self) -> Result<(), Error> {
        self.check_counts(self.constraints.len() as u64)?;
        let location = |item, index| Location {
            file: FORMAT.file,
            section: Some(CONSTRAINTS),
            item,
            index,
        };
        for (row, constraint) in self.constraints.iter().enumerate() {
            for (item, terms) in [("A", &constraint.a), ("B", &constraint.b), ("C", &constraint.c)] {
                let location = location(item, Some(row));
                check_terms(location, terms, self.wires)?;
                if !terms.is_sorted_by_key(|(wire, _)| wire) {
                    return Err(Error::NotWritable {
                        location,
                        problem: "the terms are not sorted by wire",
                    });
                }
            }
        }
        Ok(())
    }

    fn check_counts(&self, constraints: u64) -> Result<(), Error> {
        let count = |item, found, rule| {
            let location = Location {
                file: FORMAT.file,
                section: Some(HEADER),
                item,
                index: None,
            };
            Err(Error::Count {
                location,
                found,
                rule,
            })
        };
        let public = u64::from(self.public_outputs) + u64::from(self.public_inputs);
        if u64::from(self.wires) < 1 + public + u64::from(self.private_inputs) {
            let rule = "there must be at least one for the constant one and each public output, public input and private input";
            return count("wires", self.wires.into(), rule);
        }
        let rows = constraints + public + 1;
        if rows > MAX_DOMAIN.into() {
            let rule = "constraints, public wires and the constant one together must be at most 2^27 rows";
            return count("constraints", rows, rule);
        }
        Ok(())
    }
}

fn combination(section: &mut Cursor<'_>, wires: u32) -> Result<LinearCombination, Error> {
    let count = section.count(TERM_BYTES)?;
    let mut terms = Vec::with_capacity(count);
    for _ in 0..count {
        terms.push((section.u32()?, section.fr()?));
    }
    terms.sort_unstable_by_key(|(wire, _)| *wire);
    check_terms(section.location(), &terms, wires)?;
    Ok(terms)
}

/// Checks the terms of a linear combination. They must be sorted.
fn check_terms(location: Location, terms: &[(u32, Fr)], wires: u32) -> Result<(), Error> {
    for (wire, coefficient) in terms {
        if *wire >= wires {
            return Err(Error::WireOutOfRange {
                location,
                wire: *wire,
                wires,
            });
        }
        if coefficient.is_zero() {
            return Err(Error::ZeroCoefficient {
                location,
                wire: *wire,
            });
        }
    }
    let twice = terms.windows(2).find(|pair| pair[0].0 == pair[1].0);
    twice.map_or(Ok(()), |pair| {
        Err(Error::DuplicateTerm {
            location,
            wire: pair[0].0,
        })
    })
}

/// Returns an error if the file has custom gates (of PLONK). They are constraints that the matrices
/// do not contain. Compilers write empty lists of them.
fn no_custom_gates(mut section: Cursor<'_>) -> Result<(), Error> {
    match section.at("custom gates").u32()? {
        0 => section.finish(),
        found => Err(Error::Count {
            location: section.location(),
            found: found.into(),
            rule: "there must be none, because Groth16 does not support them",
        }),
    }
}
