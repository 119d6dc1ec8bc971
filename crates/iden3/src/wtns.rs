//! The `.wtns` file. Section 1 contains u32 32, `r` and the number of values (u32). Section 2
//! contains the values in canonical form, one for each wire.

use std::fmt;

use ark_bn254::Fr;
use ark_ff::PrimeField;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    container::{Format, Sections, Writer},
    encoding::{FIELD_BYTES, fr_plain, modulus_header},
    error::{Error, Location, Modulus},
};

const FORMAT: Format = Format {
    file: ".wtns",
    magic: *b"wtns",
    version: 2,
    sections: 1..=2,
};
const HEADER: u32 = 1;
const VALUES: u32 = 2;

/// The value of every wire, the constant one first. It is secret: anyone who has it can make its
/// owner's proofs. It is overwritten with zeros when it is dropped. Its `Debug` output shows only
/// the number of wires.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Witness(Vec<Fr>);

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witness({} wires, secret)", self.0.len())
    }
}

impl Witness {
    /// Creates a witness from the value of every wire.
    #[must_use]
    pub fn new(values: Vec<Fr>) -> Self {
        Self(values)
    }

    /// Returns the value of every wire.
    #[must_use]
    pub fn values(&self) -> &[Fr] {
        &self.0
    }

    /// Reads a `.wtns` file. Does not check that the values satisfy a constraint system: see
    /// [`R1cs::is_satisfied`](crate::R1cs::is_satisfied).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = Sections::parse(&FORMAT, bytes)?;
        let mut header = file.section(HEADER)?;
        header.at("r").modulus(Modulus::R)?;
        let count = header.at("number of values").u32()?;
        header.finish()?;

        let mut section = file.section(VALUES)?;
        section
            .at("values")
            .expect_size(u64::from(count) * FIELD_BYTES as u64)?;
        let count = section.fits(count.into(), FIELD_BYTES)?;
        let mut witness = Self(Vec::with_capacity(count));
        for wire in 0..count {
            witness.0.push(section.nth("values", wire).fr()?);
        }
        section.finish()?;
        Ok(witness)
    }

    /// Returns the contents of a `.wtns` file.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let location = Location {
            file: FORMAT.file,
            section: Some(HEADER),
            item: "number of values",
            index: None,
        };
        let Ok(count) = u32::try_from(self.0.len()) else {
            return Err(Error::NotWritable {
                location,
                problem: "there are more than 2^32 - 1 values",
            });
        };
        let mut header = modulus_header(&Fr::MODULUS).to_vec();
        header.extend(count.to_le_bytes());

        // The capacity is the final size, because a growing vector would leave copies of secrets in
        // memory.
        let mut values = Zeroizing::new(Vec::with_capacity(self.0.len() * FIELD_BYTES));
        for value in &self.0 {
            values.extend(fr_plain(value));
        }
        let mut file = Writer::with_capacity(&FORMAT, 2, header.len() + values.len());
        file.section(HEADER, &header);
        file.section(VALUES, &values);
        Ok(Zeroizing::new(file.finish()))
    }
}
