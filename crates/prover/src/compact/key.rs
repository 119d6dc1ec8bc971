//! Web-key files: the points of a proving key, without matrices. docs/web-prover.md has the format.

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};
use bauta_iden3::ZKey;

use super::coordinate;
use crate::{
    ProverError,
    key::{Circuit, Queries, Query, split_key},
    proof::Verifier,
};

const MAGIC: &[u8; 8] = b"bautaweb";
const VERSION: u32 = 1;
/// Size of the magic, the version and eight numbers.
const HEADER: usize = 8 + 4 + 8 * 4;
/// Size of a point of G1.
pub(super) const G1: usize = 64;
/// Size of a point of G2.
const G2: usize = 128;
/// The largest domain. Its key has more than 400 MB, which no browser loads.
const MAX_DOMAIN: u32 = 1 << 21;

/// A proving key without matrices. Witnesses for it must contain the values of `A·z` and `B·z`.
pub struct CompactKey {
    pub(super) circuit: Circuit,
    pub(super) queries: Queries,
}

impl CompactKey {
    /// Takes the points of a key, whose points must be on the curve and in the subgroup. Reading a
    /// `.zkey` checks this; this function does not.
    pub fn new(key: &ZKey) -> Result<Self, ProverError> {
        let (mut circuit, queries) = split_key(key)?;
        circuit.matrices = None;
        Ok(Self { circuit, queries })
    }

    /// Returns the file.
    ///
    /// # Errors
    ///
    /// Returns [`ProverError::InvalidKey`] if the domain is larger than 2^21.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProverError> {
        let Self { circuit, queries } = self;
        if circuit.domain_size > MAX_DOMAIN as usize {
            return Err(ProverError::InvalidKey("the domain is larger than 2^21"));
        }
        let Queries { a, b, l, h } = queries;
        let numbers = [
            circuit.wires,
            circuit.public,
            circuit.constraints,
            circuit.domain_size,
            a.points.len(),
            b.points.len(),
            l.points.len(),
            h.points.len(),
        ];
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        for number in numbers {
            let number =
                u32::try_from(number).map_err(|_| ProverError::InvalidKey("it has too many wires"))?;
            out.extend(number.to_le_bytes());
        }
        let verifier = &circuit.verifier;
        write_g1(&mut out, &verifier.alpha);
        for point in [&verifier.beta, &verifier.gamma, &verifier.delta] {
            write_g2(&mut out, point);
        }
        for point in &verifier.ic {
            write_g1(&mut out, point);
        }
        for indices in [&a.indices, &b.indices, &l.indices, &h.indices] {
            out.extend(indices.iter().flat_map(|index| index.to_le_bytes()));
        }
        for point in &a.points {
            write_g1(&mut out, point);
        }
        for point in &b.points {
            write_g2(&mut out, point);
        }
        for point in l.points.iter().chain(&h.points) {
            write_g1(&mut out, point);
        }
        Ok(out)
    }

    /// Reads a file. The length is compared with the file's numbers before anything is allocated.
    /// Every point must be on its curve, and only points of IC may be infinity. **Whether a point
    /// of G2 is in the subgroup is not checked**, because this takes longer than a proof. Compare
    /// the file's SHA-256 with a pinned one. With a wrong key, proofs do not verify and are not
    /// returned.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProverError> {
        let (key, read) = Self::read(bytes).ok_or(ProverError::InvalidKey(
            "it is not a web-key file of version 1, or it is damaged",
        ))?;
        if read == bytes.len() {
            Ok(key)
        } else {
            Err(ProverError::InvalidKey(
                "the web-key file does not have the length that its header states",
            ))
        }
    }

    /// Returns the key and its length, or `None` if the file is malformed.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut numbers = [0; 9];
        for number in &mut numbers {
            *number = u32::from_le_bytes(*rest.split_off(..4)?.as_array()?);
        }
        let [version, wires, public, constraints, domain_size, counts @ ..] = numbers;
        let sound = version == VERSION
            && public < wires
            && wires <= MAX_DOMAIN
            && domain_size.is_power_of_two()
            && (2..=MAX_DOMAIN).contains(&domain_size)
            && u64::from(constraints) + u64::from(public) < u64::from(domain_size)
            && counts[..3].iter().all(|count| *count <= wires)
            && counts[3] <= domain_size;
        sound.then_some(())?;
        let [a_count, b_count, l_count, h_count] = counts.map(|count| count as usize);
        // All counts are at most 2^21, so the length is below 2^31.
        let length = HEADER
            + G1 * (2 + public as usize + a_count + l_count + h_count)
            + G2 * (3 + b_count)
            + 4 * (a_count + b_count + l_count + h_count);
        (bytes.len() == length).then_some(())?;

        let verifier = Verifier {
            alpha: g1(rest.split_off(..G1)?)?,
            beta: g2(rest.split_off(..G2)?)?,
            gamma: g2(rest.split_off(..G2)?)?,
            delta: g2(rest.split_off(..G2)?)?,
            ic: rest
                .split_off(..G1 * (public as usize + 1))?
                .chunks_exact(G1)
                .map(g1_or_infinity)
                .collect::<Option<_>>()?,
        };
        let mut indices = |count: usize, first: u32, end: u32| -> Option<Vec<u32>> {
            let indices: Vec<u32> = rest
                .split_off(..4 * count)?
                .chunks_exact(4)
                .map(|bytes| bytes.try_into().map(u32::from_le_bytes).ok())
                .collect::<Option<_>>()?;
            let ascending = indices.windows(2).all(|pair| pair[0] < pair[1]);
            let inside = indices.first().is_none_or(|index| *index >= first)
                && indices.last().is_none_or(|index| *index < end);
            (ascending && inside).then_some(indices)
        };
        let (a, b) = (indices(a_count, 0, wires)?, indices(b_count, 0, wires)?);
        let (l, h) = (
            indices(l_count, public + 1, wires)?,
            indices(h_count, 0, domain_size)?,
        );
        let queries = Queries {
            a: Query {
                points: read_all(&mut rest, a.len(), G1, g1)?,
                indices: a,
            },
            b: Query {
                points: read_all(&mut rest, b.len(), G2, g2)?,
                indices: b,
            },
            l: Query {
                points: read_all(&mut rest, l.len(), G1, g1)?,
                indices: l,
            },
            h: Query {
                points: read_all(&mut rest, h.len(), G1, g1)?,
                indices: h,
            },
        };
        let circuit = Circuit {
            wires: wires as usize,
            public: public as usize,
            constraints: constraints as usize,
            domain_size: domain_size as usize,
            matrices: None,
            verifier,
        };
        Some((Self { circuit, queries }, length))
    }
}

fn read_all<P>(
    rest: &mut &[u8],
    count: usize,
    size: usize,
    point: impl Fn(&[u8]) -> Option<P>,
) -> Option<Vec<P>> {
    rest.split_off(..count * size)?
        .chunks_exact(size)
        .map(point)
        .collect()
}

fn write_coordinates(out: &mut Vec<u8>, coordinates: &[Fq]) {
    for coordinate in coordinates {
        out.extend(coordinate.into_bigint().to_bytes_le());
    }
}

/// Appends x and y. Infinity is all zeros.
fn write_g1(out: &mut Vec<u8>, point: &G1Affine) {
    let (x, y) = point.xy().unwrap_or_default();
    write_coordinates(out, &[x, y]);
}

/// Appends both parts of x and of y.
fn write_g2(out: &mut Vec<u8>, point: &G2Affine) {
    let (x, y) = point.xy().unwrap_or_default();
    write_coordinates(out, &[x.c0, x.c1, y.c0, y.c1]);
}

/// Reads a point that is on the curve and not infinity.
pub(super) fn g1(bytes: &[u8]) -> Option<G1Affine> {
    let point = G1Affine::new_unchecked(coordinate(bytes.get(..32)?)?, coordinate(bytes.get(32..)?)?);
    point.is_on_curve().then_some(point)
}

fn g1_or_infinity(bytes: &[u8]) -> Option<G1Affine> {
    if *bytes == [0; G1] {
        Some(G1Affine::zero())
    } else {
        g1(bytes)
    }
}

/// Reads a point that is on the curve and not infinity.
fn g2(bytes: &[u8]) -> Option<G2Affine> {
    let mut coordinates = bytes.chunks_exact(32).map(coordinate);
    let mut next = || -> Option<Fq2> { Some(Fq2::new(coordinates.next()??, coordinates.next()??)) };
    let point = G2Affine::new_unchecked(next()?, next()?);
    point.is_on_curve().then_some(point)
}
