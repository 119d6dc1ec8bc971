//! The file format of prepared tables.
//!
//! All numbers are little-endian. The file begins with a header of 192 bytes, and the body follows:
//!
//! | bytes | content |
//! |---|---|
//! | 16 | `bauta/tables`, padded with zeros |
//! | 4, 4 | version (1), zero |
//! | 16 | name of the back end, padded with zeros; it determines the form of stored elements |
//! | 8 | table budget in bytes for which the windows were chosen |
//! | 8 | length of the body |
//! | 32 | SHA-256 of the `.zkey` file |
//! | 32 | SHA-256 of the preceding 88 bytes and the body |
//! | 40 | zero |
//!
//! The body is a sequence of lists. A list begins at a multiple of 64 bytes with the number of its
//! elements (8 bytes). Its elements begin at the next multiple of 64 bytes.

use std::sync::Arc;

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ff::BigInt;
use bauta_packed_field::{Arch, CacheLine, Words};
use bytemuck::Pod;
use memmap2::Mmap;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    key::{Circuit, SparseRows},
    msm::{Coordinate, FixedBase},
    proof::Verifier,
    table_memory::TableMemory,
    tables::Tables,
    transform::CosetTransform,
};

const MAGIC: [u8; 16] = *b"bauta/tables\0\0\0\0";
const VERSION: u32 = 1;
const HEADER: usize = 192;
/// Number of header bytes that the checksum covers.
const SUMMED: usize = 88;
const ALIGNMENT: usize = 64;

/// The key and the budget that a file of tables belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// SHA-256 of the `.zkey` file.
    pub(crate) key_hash: [u8; 32],
    /// The value of [`Options::table_budget`](crate::Options::table_budget).
    pub(crate) budget: usize,
}

/// The reason why a file of tables was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The file is not a file of tables, or it has another version.
    #[error("it is not a file of tables of this version")]
    Format,
    /// The file was made from another key.
    #[error("it was made from another key")]
    OtherKey,
    /// The file was made for another back end or table budget.
    #[error("it was made for another back end or table budget")]
    OtherOptions,
    /// The checksum or a length is wrong.
    #[error("it is damaged: its checksum or a length is wrong")]
    Damaged,
}

fn header<A: Arch>(identity: &Identity, body: usize) -> [u8; SUMMED] {
    let mut name = [0; 16];
    name[..A::NAME.len()].copy_from_slice(A::NAME.as_bytes());
    let mut header = [0; SUMMED];
    header[..16].copy_from_slice(&MAGIC);
    header[16..20].copy_from_slice(&VERSION.to_le_bytes());
    header[24..40].copy_from_slice(&name);
    header[40..48].copy_from_slice(&(identity.budget as u64).to_le_bytes());
    header[48..56].copy_from_slice(&(body as u64).to_le_bytes());
    header[56..88].copy_from_slice(&identity.key_hash);
    header
}

fn checksum(header: &[u8], body: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(header)
        .chain_update(body)
        .finalize()
        .into()
}

/// Returns the contents of the file for a key's tables.
pub(crate) fn encode<A: Arch>(identity: &Identity, circuit: &Circuit, tables: &Tables<A>) -> Vec<u8> {
    let mut body = Writer(Vec::with_capacity(tables.bytes() + (1 << 20)));
    body.list(&[
        circuit.wires as u64,
        circuit.public as u64,
        circuit.constraints as u64,
        circuit.domain_size as u64,
        u64::from(tables.a.window()),
        u64::from(tables.b.window()),
        u64::from(tables.c.window()),
    ]);
    let verifier = &circuit.verifier;
    body.list(&g1_words(std::iter::once(&verifier.alpha).chain(&verifier.ic)));
    body.list(&g2_words(&[verifier.beta, verifier.gamma, verifier.delta]));
    for rows in circuit.matrices.iter().flatten() {
        body.list(&rows.starts);
        body.list(&rows.entries.iter().map(|entry| entry.0).collect::<Vec<u32>>());
        body.list(
            &rows
                .entries
                .iter()
                .map(|entry| entry.1.0.0)
                .collect::<Vec<Words>>(),
        );
    }
    for indices in [
        &tables.a_wires,
        &tables.b_wires,
        &tables.l_wires,
        &tables.h_points,
    ] {
        body.list(indices);
    }
    for table in [tables.a.table(), tables.b.table(), tables.c.table()] {
        body.list(table);
    }
    let header = header::<A>(identity, body.0.len());
    let mut file = Vec::with_capacity(HEADER + body.0.len());
    file.extend_from_slice(&header);
    file.extend_from_slice(&checksum(&header, &body.0));
    file.resize(HEADER, 0);
    file.extend_from_slice(&body.0);
    file
}

/// Reads the circuit and the tables from a mapped file.
pub(crate) fn decode<A: Arch>(
    arch: A,
    identity: &Identity,
    file: &Arc<Mmap>,
) -> Result<(Circuit, Tables<A>), Refusal> {
    let body = file.get(HEADER..).ok_or(Refusal::Format)?;
    let expected = header::<A>(identity, body.len());
    let same = |range: std::ops::Range<usize>| file[range.clone()] == expected[range];
    let refuse_unless = |holds: bool, refusal| if holds { Ok(()) } else { Err(refusal) };
    refuse_unless(same(0..24), Refusal::Format)?;
    refuse_unless(same(56..88), Refusal::OtherKey)?;
    refuse_unless(same(24..48), Refusal::OtherOptions)?;
    refuse_unless(same(48..56), Refusal::Damaged)?;
    refuse_unless(
        file[SUMMED..SUMMED + 32] == checksum(&expected, body),
        Refusal::Damaged,
    )?;
    // The checksum shows that this program wrote the file. The lengths of the lists are checked
    // nevertheless.
    parse(arch, file).ok_or(Refusal::Damaged)
}

fn parse<A: Arch>(arch: A, file: &Arc<Mmap>) -> Option<(Circuit, Tables<A>)> {
    let mut body = Reader { file, at: HEADER };
    let numbers: Vec<u64> = body.list()?;
    let [wires, public, constraints, domain_size, a, b, c] = *numbers else {
        return None;
    };
    let sizes = [wires, public, constraints, domain_size].map(usize::try_from);
    let [Ok(wires), Ok(public), Ok(constraints), Ok(domain_size)] = sizes else {
        return None;
    };
    let mut g1 = g1_points(&body.list()?).into_iter();
    let alpha = g1.next()?;
    let [beta, gamma, delta] = g2_points(&body.list()?)[..] else {
        return None;
    };
    let rows_a = body.rows(wires, constraints)?;
    let rows_b = body.rows(wires, constraints)?;
    let circuit = Circuit {
        wires,
        public,
        constraints,
        domain_size,
        matrices: Some([rows_a, rows_b]),
        verifier: Verifier {
            alpha,
            beta,
            gamma,
            delta,
            ic: g1.collect(),
        },
    };
    (circuit.verifier.ic.len() == public + 1 && public < wires).then_some(())?;
    let a_wires = body.indices(wires)?;
    let b_wires = body.indices(wires)?;
    let l_wires = body.indices(wires)?;
    let h_points = body.indices(domain_size)?;
    let tables = Tables {
        arch,
        a: body.table(arch, a, a_wires.len() + 1)?,
        b: body.table(arch, b, b_wires.len() + 2)?,
        c: body.table(arch, c, l_wires.len() + h_points.len())?,
        a_wires,
        b_wires,
        l_wires,
        h_points,
        transform: CosetTransform::new(arch, domain_size)?,
    };
    Some((circuit, tables))
}

struct Writer(Vec<u8>);

impl Writer {
    fn list<T: Pod>(&mut self, elements: &[T]) {
        self.0.extend_from_slice(&(elements.len() as u64).to_le_bytes());
        self.0.resize(self.0.len().next_multiple_of(ALIGNMENT), 0);
        self.0.extend_from_slice(bytemuck::cast_slice(elements));
        self.0.resize(self.0.len().next_multiple_of(ALIGNMENT), 0);
    }
}

struct Reader<'a> {
    file: &'a Arc<Mmap>,
    at: usize,
}

impl Reader<'_> {
    /// Returns the start of the next list in bytes and its length in elements.
    fn next<T: Pod>(&mut self) -> Option<(usize, usize)> {
        let length = self.file.get(self.at..self.at.checked_add(8)?)?;
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let start = self.at.checked_add(ALIGNMENT)?;
        let end = start.checked_add(length.checked_mul(size_of::<T>())?)?;
        (end <= self.file.len()).then_some(())?;
        self.at = end.next_multiple_of(ALIGNMENT);
        Some((start, length))
    }

    fn list<T: Pod>(&mut self) -> Option<Vec<T>> {
        let (start, length) = self.next::<T>()?;
        let bytes = &self.file[start..start + length * size_of::<T>()];
        Some(bytemuck::try_cast_slice(bytes).ok()?.to_vec())
    }

    fn indices(&mut self, bound: usize) -> Option<Vec<u32>> {
        let indices: Vec<u32> = self.list()?;
        indices
            .iter()
            .all(|&index| (index as usize) < bound)
            .then_some(indices)
    }

    fn rows(&mut self, wires: usize, rows: usize) -> Option<SparseRows> {
        let starts: Vec<u32> = self.list()?;
        let indices = self.indices(wires)?;
        let values: Vec<Words> = self.list()?;
        let fits = starts.len() == rows + 1
            && starts.is_sorted()
            && starts.last().copied()? as usize == indices.len()
            && values.len() == indices.len();
        let element = |words| Fr::new_unchecked(BigInt(words));
        fits.then(|| SparseRows {
            starts,
            entries: indices.into_iter().zip(values.into_iter().map(element)).collect(),
        })
    }

    fn table<A: Arch, C: Coordinate<A>>(
        &mut self,
        arch: A,
        window: u64,
        points: usize,
    ) -> Option<FixedBase<A, C>> {
        let (start, lines) = self.next::<CacheLine>()?;
        let lines = TableMemory::Mapped {
            file: Arc::clone(self.file),
            start,
            lines,
        };
        FixedBase::from_table(arch, u32::try_from(window).ok()?, points, lines)
    }
}

fn g1_words<'a>(points: impl IntoIterator<Item = &'a G1Affine>) -> Vec<[Words; 2]> {
    points
        .into_iter()
        .map(|point| [point.x.0.0, point.y.0.0])
        .collect()
}

fn g2_words(points: &[G2Affine]) -> Vec<[Words; 4]> {
    let words = |point: &G2Affine| [point.x.c0, point.x.c1, point.y.c0, point.y.c1].map(|x| x.0.0);
    points.iter().map(words).collect()
}

fn coordinate(words: Words) -> Fq {
    Fq::new_unchecked(BigInt(words))
}

/// Decodes points that were checked when the key was read, before they were written. Infinity is
/// all zeros.
fn g1_points(words: &[[Words; 2]]) -> Vec<G1Affine> {
    let point = |words: &[Words; 2]| match *words {
        [[0, 0, 0, 0], [0, 0, 0, 0]] => G1Affine::identity(),
        [x, y] => G1Affine::new_unchecked(coordinate(x), coordinate(y)),
    };
    words.iter().map(point).collect()
}

fn g2_points(words: &[[Words; 4]]) -> Vec<G2Affine> {
    let pair = |c0, c1| Fq2::new(coordinate(c0), coordinate(c1));
    let point = |[x0, x1, y0, y1]: &[Words; 4]| G2Affine::new_unchecked(pair(*x0, *x1), pair(*y0, *y1));
    words.iter().map(point).collect()
}
