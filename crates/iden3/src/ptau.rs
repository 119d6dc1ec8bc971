//! The powers of tau of phase 1, from a `.ptau` file. Such files can have gigabytes, so only the
//! requested points are read.
//!
//! | section | content |
//! |---|---|
//! | 1 | u32 32, `q`; u32 `power`, u32 power of the ceremony |
//! | 2 | `τ^i` in G1 for `i < 2·2^power - 1` |
//! | 3 | `τ^i` in G2 for `i < 2^power` |
//! | 4, 5 | `α·τ^i` and `β·τ^i` in G1 for `i < 2^power` |
//! | 6 | `β` in G2 |
//! | 7 | the ceremony's contributions; not read here, `snarkjs powersoftau verify` checks them |
//! | 12 to 15 | sections 2 to 5 in Lagrange form for each domain `2^p`, smallest domain first, beginning at point `2^p - 1`; written by `snarkjs powersoftau prepare phase2` |

use std::io::{Read, Seek, SeekFrom};

use ark_bn254::{G1Affine, G2Affine};

use crate::{
    container::{Cursor, Format, Section, Table},
    encoding::{G1_BYTES, G2_BYTES, Infinity},
    error::{Error, Modulus},
};

const FORMAT: Format = Format {
    file: ".ptau",
    magic: *b"ptau",
    version: 1,
    sections: 1..=15,
};
/// r - 1 is divisible by 2^28 and not by 2^29, so there are no larger domains.
const MAX_POWER: u32 = 28;

/// The lists of points in G1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Points {
    Tau = 2,
    AlphaTau = 4,
    BetaTau = 5,
    TauLagrange = 12,
    AlphaTauLagrange = 14,
    BetaTauLagrange = 15,
}

impl Points {
    fn name(self) -> &'static str {
        match self {
            Self::Tau => "τ in G1",
            Self::AlphaTau => "α·τ in G1",
            Self::BetaTau => "β·τ in G1",
            Self::TauLagrange => "Lagrange τ in G1",
            Self::AlphaTauLagrange => "Lagrange α·τ in G1",
            Self::BetaTauLagrange => "Lagrange β·τ in G1",
        }
    }
}

/// An open `.ptau` file. Reading a point checks that it is on its curve and in its group.
#[derive(Debug)]
pub struct PowersOfTau<R> {
    input: R,
    table: Table,
    power: u32,
    ceremony_power: u32,
}

impl<R: Read + Seek> PowersOfTau<R> {
    /// Reads the header and checks the lengths of the sections.
    pub fn open(mut input: R) -> Result<Self, Error> {
        let table = Table::read(&FORMAT, &mut input)?;
        let header = table.section(1)?;
        // The header has three numbers of 32 bits and a modulus. A longer header is refused below,
        // without reading it completely.
        let content = read(&mut input, header, 0, header.len.min(64))?;
        let mut header = Cursor::new(FORMAT.file, 1, &content);
        header.at("q").modulus(Modulus::Q)?;
        let power = header.at("power").u32()?;
        let ceremony_power = header.at("power of the ceremony").u32()?;
        if !(1..=MAX_POWER).contains(&power) || ceremony_power < power {
            let rule = "the power must be from 1 to 28 and at most that of the ceremony";
            return Err(Error::Count {
                location: header.at("power").location(),
                found: power.into(),
                rule,
            });
        }
        header.finish()?;

        let domain = 1_u64 << power;
        let sizes = [
            (2, (2 * domain - 1) * G1_BYTES as u64),
            (3, domain * G2_BYTES as u64),
            (4, domain * G1_BYTES as u64),
            (5, domain * G1_BYTES as u64),
            (6, G2_BYTES as u64),
        ];
        let lagrange = [
            (12, (4 * domain - 1) * G1_BYTES as u64),
            (13, (2 * domain - 1) * G2_BYTES as u64),
            (14, (2 * domain - 1) * G1_BYTES as u64),
            (15, (2 * domain - 1) * G1_BYTES as u64),
        ];
        for (number, expected) in sizes {
            expect_size(table.section(number)?, expected)?;
        }
        for (number, expected) in lagrange {
            table
                .optional(number)
                .map_or(Ok(()), |section| expect_size(section, expected))?;
        }
        Ok(Self {
            input,
            table,
            power,
            ceremony_power,
        })
    }

    /// Returns the power p. Circuits can have a domain of up to `2^p`.
    #[must_use]
    pub fn power(&self) -> u32 {
        self.power
    }

    /// Returns the power of the ceremony from which these powers were taken.
    #[must_use]
    pub fn ceremony_power(&self) -> u32 {
        self.ceremony_power
    }

    /// Reads `β` in G2.
    pub(crate) fn beta_g2(&mut self) -> Result<G2Affine, Error> {
        self.points(6, G2_BYTES, 0, 1, |cursor, _| {
            cursor.at("β in G2").g2(Infinity::Refused)
        })
        .map(|points| points[0])
    }

    /// Reads `count` points of a list in G1, beginning at `start`.
    pub(crate) fn g1(&mut self, points: Points, start: u64, count: usize) -> Result<Vec<G1Affine>, Error> {
        // Lagrange polynomials can be zero at τ, but powers of τ cannot be zero.
        let infinity = if points as u32 >= 12 {
            Infinity::Allowed
        } else {
            Infinity::Refused
        };
        self.points(points as u32, G1_BYTES, start, count, |cursor, index| {
            cursor.nth(points.name(), index).g1(infinity)
        })
    }

    /// Reads the first `count` powers in G2.
    pub(crate) fn tau_g2(&mut self, count: usize) -> Result<Vec<G2Affine>, Error> {
        self.points(3, G2_BYTES, 0, count, |cursor, index| {
            cursor.nth("τ in G2", index).g2(Infinity::Refused)
        })
    }

    fn points<T>(
        &mut self,
        number: u32,
        size: usize,
        start: u64,
        count: usize,
        read_one: impl Fn(&mut Cursor<'_>, usize) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let section = self.table.section(number)?;
        let content = read(
            &mut self.input,
            section,
            start * size as u64,
            (count * size) as u64,
        )?;
        let mut cursor = Cursor::new(FORMAT.file, number, &content);
        let first = usize::try_from(start).expect("a list has at most 2^30 points");
        (0..count)
            .map(|index| read_one(&mut cursor, first + index))
            .collect()
    }
}

fn expect_size(section: Section, expected: u64) -> Result<(), Error> {
    if section.len == expected {
        return Ok(());
    }
    let location = Cursor::new(FORMAT.file, section.number, &[]).location();
    Err(Error::SectionSize {
        location,
        expected,
        found: section.len,
    })
}

/// Reads `len` bytes of a section, beginning at `start`.
fn read(input: &mut (impl Read + Seek), section: Section, start: u64, len: u64) -> Result<Vec<u8>, Error> {
    let left = section.len.saturating_sub(start);
    if len > left {
        let location = Cursor::new(FORMAT.file, section.number, &[]).location();
        return Err(Error::Truncated {
            location,
            needed: len,
            left,
        });
    }
    let io = |source| Error::Io {
        file: FORMAT.file,
        source,
    };
    let mut content = vec![0; usize::try_from(len).expect("bounded by the file's length")];
    input.seek(SeekFrom::Start(section.offset + start)).map_err(io)?;
    input.read_exact(&mut content).map_err(io)?;
    Ok(content)
}
