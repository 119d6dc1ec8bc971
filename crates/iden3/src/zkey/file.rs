//! Reads and writes `.zkey` files. The parent module describes the format.

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ff::PrimeField;

use super::{Coefficient, MAX_DOMAIN, Matrix, ZKey, contributions};
use crate::{
    container::{Cursor, Format, Sections, Writer},
    encoding::{
        FIELD_BYTES, G1_BYTES, G2_BYTES, Infinity, fr_montgomery_twice, g1_montgomery, g2_montgomery,
        in_subgroup, modulus_header,
    },
    error::{Error, Location, Modulus},
    subgroup,
};

const FORMAT: Format = Format {
    file: ".zkey",
    magic: *b"zkey",
    version: 1,
    sections: 1..=10,
};
const PROVER: u32 = 1;
const HEADER: u32 = 2;
const IC: u32 = 3;
const COEFFICIENTS: u32 = 4;
const A: u32 = 5;
const B1: u32 = 6;
const B2: u32 = 7;
const C: u32 = 8;
const H: u32 = 9;
const TRANSCRIPT: u32 = 10;

const GROTH16: u32 = 1;
const COEFFICIENT_BYTES: usize = 12 + FIELD_BYTES;

impl ZKey {
    /// Reads a `.zkey` file. Checks everything that can be checked for each part by itself: counts,
    /// ranges, canonical numbers, and that points are in their groups. Infinity is allowed only in
    /// A, B1, B2 and C, where it stands for a wire that a matrix does not use. The coefficients are
    /// sorted by row, matrix and wire.
    ///
    /// Does not check that the key is sound ([`check_sound`](Self::check_sound)), belongs to a
    /// constraint system ([`check_circuit`](Self::check_circuit)), or comes from its ceremony
    /// ([`verify_transcript`](Self::verify_transcript)).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let file = Sections::parse(&FORMAT, bytes)?;
        let mut prover = file.section(PROVER)?;
        let found = prover.at("proof system").u32()?;
        if found != GROTH16 {
            return Err(Error::ProofSystem {
                location: prover.location(),
                found,
            });
        }
        prover.finish()?;

        let mut header = file.section(HEADER)?;
        header.at("q").modulus(Modulus::Q)?;
        header.at("r").modulus(Modulus::R)?;
        let n_vars = header.at("n_vars").u32()?;
        let n_public = header.at("n_public").u32()?;
        if n_public >= n_vars {
            let rule = "it must be below n_vars, which includes the constant one";
            return Err(Error::Count {
                location: header.location(),
                found: n_public.into(),
                rule,
            });
        }
        let domain_size = header.at("domain_size").u32()?;
        if !(2..=MAX_DOMAIN).contains(&domain_size) || !domain_size.is_power_of_two() {
            let rule = "it must be a power of two from 2 to 2^27";
            return Err(Error::Count {
                location: header.location(),
                found: domain_size.into(),
                rule,
            });
        }
        let alpha_g1 = header.at("alpha_g1").g1(Infinity::Refused)?;
        let beta_g1 = header.at("beta_g1").g1(Infinity::Refused)?;
        let beta_g2 = header.at("beta_g2").g2(Infinity::Refused)?;
        let gamma_g2 = header.at("gamma_g2").g2(Infinity::Refused)?;
        let delta_g1 = header.at("delta_g1").g1(Infinity::Refused)?;
        let delta_g2 = header.at("delta_g2").g2(Infinity::Refused)?;
        header.finish()?;

        let (cs_hash, contributions) = contributions::read(file.section(TRANSCRIPT)?)?;
        Ok(Self {
            n_vars,
            n_public,
            domain_size,
            alpha_g1,
            beta_g1,
            beta_g2,
            gamma_g2,
            delta_g1,
            delta_g2,
            ic: g1_points(file.section(IC)?, "IC", n_public + 1, Infinity::Refused)?,
            coefficients: coefficients(file.section(COEFFICIENTS)?, n_vars, domain_size)?,
            a: g1_points(file.section(A)?, "A", n_vars, Infinity::Allowed)?,
            b1: g1_points(file.section(B1)?, "B1", n_vars, Infinity::Allowed)?,
            b2: g2_points(file.section(B2)?, "B2", n_vars)?,
            c: g1_points(file.section(C)?, "C", n_vars - n_public - 1, Infinity::Allowed)?,
            h: g1_points(file.section(H)?, "H", domain_size, Infinity::Refused)?,
            cs_hash,
            contributions,
        })
    }

    /// Returns the contents of a `.zkey` file. Returns an error if a list's length contradicts the
    /// counts.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.check_lengths()?;
        let mut header = [Fq::MODULUS, Fr::MODULUS]
            .map(|modulus| modulus_header(&modulus))
            .concat();
        for number in [self.n_vars, self.n_public, self.domain_size] {
            header.extend(number.to_le_bytes());
        }
        header.extend(g1_montgomery(&self.alpha_g1));
        header.extend(g1_montgomery(&self.beta_g1));
        header.extend(g2_montgomery(&self.beta_g2));
        header.extend(g2_montgomery(&self.gamma_g2));
        header.extend(g1_montgomery(&self.delta_g1));
        header.extend(g2_montgomery(&self.delta_g2));

        let count = u32::try_from(self.coefficients.len()).expect("check_lengths limits the number");
        let mut coefficients = count.to_le_bytes().to_vec();
        for entry in &self.coefficients {
            coefficients.extend((entry.matrix as u32).to_le_bytes());
            coefficients.extend(entry.constraint.to_le_bytes());
            coefficients.extend(entry.wire.to_le_bytes());
            coefficients.extend(fr_montgomery_twice(&entry.value));
        }
        let transcript = contributions::write(&self.cs_hash, &self.contributions)?;

        let g1 = |points: &[G1Affine]| points.iter().flat_map(g1_montgomery).collect::<Vec<u8>>();
        let b2: Vec<u8> = self.b2.iter().flat_map(g2_montgomery).collect();
        let points = [&self.ic, &self.a, &self.b1, &self.c, &self.h]
            .map(Vec::len)
            .iter()
            .sum::<usize>();
        let content = 4 + header.len() + points * G1_BYTES + b2.len() + coefficients.len() + transcript.len();

        let mut file = Writer::with_capacity(&FORMAT, 10, content);
        file.section(PROVER, &GROTH16.to_le_bytes());
        file.section(HEADER, &header);
        file.section(IC, &g1(&self.ic));
        file.section(COEFFICIENTS, &coefficients);
        file.section(A, &g1(&self.a));
        file.section(B1, &g1(&self.b1));
        file.section(B2, &b2);
        file.section(C, &g1(&self.c));
        file.section(H, &g1(&self.h));
        file.section(TRANSCRIPT, &transcript);
        Ok(file.finish())
    }

    /// Checks that the length of each list matches the counts.
    pub(crate) fn check_lengths(&self) -> Result<(), Error> {
        let (wires, public) = (self.n_vars as usize, self.n_public as usize);
        let lengths = [
            (IC, "IC", self.ic.len() == public + 1),
            (
                COEFFICIENTS,
                "coefficients",
                u32::try_from(self.coefficients.len()).is_ok(),
            ),
            (A, "A", self.a.len() == wires),
            (B1, "B1", self.b1.len() == wires),
            (B2, "B2", self.b2.len() == wires),
            (C, "C", self.c.len() + public + 1 == wires),
            (H, "H", self.h.len() == self.domain_size as usize),
        ];
        for (section, item, right) in lengths {
            if !right {
                let location = Location {
                    file: FORMAT.file,
                    section: Some(section),
                    item,
                    index: None,
                };
                let problem = "the length contradicts n_vars, n_public or domain_size";
                return Err(Error::NotWritable { location, problem });
            }
        }
        Ok(())
    }
}

fn g1_points(
    mut section: Cursor<'_>,
    item: &'static str,
    count: u32,
    infinity: Infinity,
) -> Result<Vec<G1Affine>, Error> {
    section.at(item).expect_size(u64::from(count) * G1_BYTES as u64)?;
    let count = section.fits(count.into(), G1_BYTES)?;
    (0..count)
        .map(|index| section.nth(item, index).g1(infinity))
        .collect()
}

fn g2_points(mut section: Cursor<'_>, item: &'static str, count: u32) -> Result<Vec<G2Affine>, Error> {
    section.at(item).expect_size(u64::from(count) * G2_BYTES as u64)?;
    let count = section.fits(count.into(), G2_BYTES)?;
    let (locations, points): (Vec<_>, Vec<_>) = (0..count)
        .map(|index| {
            section
                .nth(item, index)
                .g2_on_curve(Infinity::Allowed)
                .map(|point| (section.location(), point))
        })
        .collect::<Result<_, _>>()?;
    if subgroup::contains_all(&points) {
        return Ok(points);
    }
    // The error names the position of the point.
    locations
        .into_iter()
        .zip(points)
        .map(|(location, point)| in_subgroup(location, point))
        .collect()
}

fn coefficients(mut section: Cursor<'_>, n_vars: u32, domain_size: u32) -> Result<Vec<Coefficient>, Error> {
    let item = "coefficients";
    let count = section.at(item).count(COEFFICIENT_BYTES)?;
    let mut entries = Vec::with_capacity(count);
    for index in 0..count {
        section.nth(item, index);
        let location = section.location();
        let matrix = match section.u32()? {
            0 => Matrix::A,
            1 => Matrix::B,
            found => {
                let rule = "the matrix must be 0 (A) or 1 (B)";
                return Err(Error::Count {
                    location,
                    found: found.into(),
                    rule,
                });
            }
        };
        let (constraint, wire) = (section.u32()?, section.u32()?);
        if constraint >= domain_size {
            let rule = "the row must be below domain_size";
            return Err(Error::Count {
                location,
                found: constraint.into(),
                rule,
            });
        }
        if wire >= n_vars {
            return Err(Error::WireOutOfRange {
                location,
                wire,
                wires: n_vars,
            });
        }
        entries.push(Coefficient {
            matrix,
            constraint,
            wire,
            value: section.fr_montgomery_twice()?,
        });
    }
    let location = section.at(item).location();
    section.finish()?;

    let key = |entry: &Coefficient| (entry.constraint, entry.matrix as u32, entry.wire);
    entries.sort_unstable_by_key(key);
    let twice = entries.windows(2).find(|pair| key(&pair[0]) == key(&pair[1]));
    if let Some(pair) = twice {
        return Err(Error::DuplicateTerm {
            location,
            wire: pair[0].wire,
        });
    }
    Ok(entries)
}
