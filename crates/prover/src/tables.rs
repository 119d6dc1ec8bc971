//! The tables of a key's points for one back end, and proofs with given randomness.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Projective};
use ark_ec::{CurveGroup, scalar_mul::double_and_add};
use ark_ff::{Field, PrimeField};
use bauta_packed_field::{Arch, PackedField, Task, Words};
use zeroize::Zeroizing;

use crate::{
    ProverError,
    key::{Circuit, Queries},
    msm::{Base, Extension, FixedBase, WINDOWS, digit_count},
    proof::{Blinding, Proof},
    threads::Threads,
    transform::CosetTransform,
    wipe::wipe,
    witness::Witness,
};

/// The number of bits per digit for each table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) c: u32,
}

impl Windows {
    /// Chooses the windows with the fewest additions whose tables are within the budget.
    pub(crate) fn choose(queries: &Queries, budget: usize) -> Result<Self, ProverError> {
        let points = [
            queries.a.points.len() + 1,
            queries.b.points.len() + 2,
            queries.l.points.len() + queries.h.points.len(),
        ];
        let bytes = |i: usize, window: u32| points[i] * digit_count(window) * [64, 128, 64][i];
        let additions = |i: usize, window: u32| points[i] * digit_count(window) + (1 << window);
        let mut windows = [0, 1, 2].map(|i| {
            WINDOWS
                .min_by_key(|&window| additions(i, window))
                .expect("there are windows to choose from")
        });
        // A wider window has fewer digits and therefore a smaller table, but it has more buckets to
        // sum.
        loop {
            let needed: usize = (0..3).map(|i| bytes(i, windows[i])).sum();
            if needed <= budget {
                let [a, b, c] = windows;
                return Ok(Self { a, b, c });
            }
            let widest = (0..3)
                .filter(|&i| windows[i] < *WINDOWS.end())
                .max_by_key(|&i| bytes(i, windows[i]));
            let Some(i) = widest else {
                return Err(ProverError::TableBudget { needed, budget });
            };
            windows[i] += 1;
        }
    }
}

fn transform<A: Arch>(arch: A, circuit: &Circuit) -> Result<CosetTransform<A>, ProverError> {
    CosetTransform::new(arch, circuit.domain_size).ok_or(ProverError::InvalidKey(
        "the domain is too small for this back end",
    ))
}

/// Adds α, β and δ to the queries. Also returns the points of L and H as one sum.
fn with_constants(circuit: &Circuit, mut queries: Queries) -> (Queries, Vec<G1Affine>) {
    queries.a.points.push(circuit.verifier.alpha);
    let verifier = &circuit.verifier;
    queries.b.points.extend([verifier.beta, verifier.delta]);
    let c = [&queries.l.points[..], &queries.h.points].concat();
    (queries, c)
}

/// The tables of one key, for one back end.
pub(crate) struct Tables<A: Arch> {
    pub(crate) arch: A,
    /// Wires of the points of `a`, except its last point, which is α.
    pub(crate) a_wires: Vec<u32>,
    pub(crate) a: FixedBase<A, Base<A>>,
    /// Wires of the points of `b`, except its last two points, which are β and δ.
    pub(crate) b_wires: Vec<u32>,
    pub(crate) b: FixedBase<A, Extension<A>>,
    /// Wires of the first points of `c`. The remaining points of `c` belong to `h_points`.
    pub(crate) l_wires: Vec<u32>,
    pub(crate) h_points: Vec<u32>,
    pub(crate) c: FixedBase<A, Base<A>>,
    pub(crate) transform: CosetTransform<A>,
}

impl<A: Arch> Tables<A> {
    pub(crate) fn new(
        arch: A,
        circuit: &Circuit,
        queries: Queries,
        windows: Windows,
        threads: Threads,
    ) -> Result<Self, ProverError> {
        let transform = transform(arch, circuit)?;
        let (queries, c) = with_constants(circuit, queries);
        Ok(Self {
            arch,
            a_wires: queries.a.indices,
            a: FixedBase::new(arch, &queries.a.points, windows.a, threads),
            b_wires: queries.b.indices,
            b: FixedBase::new(arch, &queries.b.points, windows.b, threads),
            l_wires: queries.l.indices,
            h_points: queries.h.indices,
            c: FixedBase::new(arch, &c, windows.c, threads),
            transform,
        })
    }

    /// Keeps the points themselves instead of tables of multiples.
    pub(crate) fn without_multiples(
        arch: A,
        circuit: &Circuit,
        queries: Queries,
    ) -> Result<Self, ProverError> {
        let transform = transform(arch, circuit)?;
        let (queries, c) = with_constants(circuit, queries);
        Ok(Self {
            arch,
            a_wires: queries.a.indices,
            a: FixedBase::without_multiples(arch, &queries.a.points),
            b_wires: queries.b.indices,
            b: FixedBase::without_multiples(arch, &queries.b.points),
            l_wires: queries.l.indices,
            h_points: queries.h.indices,
            c: FixedBase::without_multiples(arch, &c),
            transform,
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.a.bytes() + self.b.bytes() + self.c.bytes()
    }

    /// Makes the proof with the given randomness. A and B are only computed in blinded form.
    pub(crate) fn prove(
        &self,
        circuit: &Circuit,
        witness: &Witness,
        blinding: &Blinding,
        threads: Threads,
    ) -> Result<Proof, ProverError> {
        let (rows_a, rows_b) = circuit.rows(witness, threads)?;
        let (rows_a, rows_b) = (Zeroizing::new(rows_a), Zeroizing::new(rows_b));
        // C is about half of the work and has the longest chain of dependent steps, so it starts
        // first. Threads that have finished A and B help with it.
        let (c, (a, b, shift)) = threads.join(
            || {
                self.c
                    .multiply(&self.c_scalars(witness, &rows_a, &rows_b, threads), threads)
            },
            || self.a_and_b(witness, blinding, threads),
        );
        let [a, c] = [a, c + shift].map(CurveGroup::into_affine);
        Proof {
            a,
            b: b.into_affine(),
            c,
        }
        .without_infinity()
    }

    /// Returns C without blinding. It is a function of the witness and must stay secret.
    pub(crate) fn unblinded_c(
        &self,
        circuit: &Circuit,
        witness: &Witness,
    ) -> Result<G1Projective, ProverError> {
        let (rows_a, rows_b) = circuit.rows(witness, Threads::One)?;
        let (rows_a, rows_b) = (Zeroizing::new(rows_a), Zeroizing::new(rows_b));
        let scalars = self.c_scalars(witness, &rows_a, &rows_b, Threads::One);
        Ok(self.c.multiply(&scalars, Threads::One))
    }

    /// Returns A, B, and what blinding adds to C: r₂ times the unblinded A.
    pub(crate) fn a_and_b(
        &self,
        witness: &Witness,
        blinding: &Blinding,
        threads: Threads,
    ) -> (G1Projective, G2Projective, G1Projective) {
        let inverse = blinding.inverse();
        let (b, (a, shift)) = threads.join(
            || self.b.multiply(&self.b_scalars(witness, blinding), threads),
            || {
                let a = self.a.multiply(
                    &self.scaled(witness, &self.a_wires, &[Fr::ONE], inverse, 0),
                    threads,
                );
                // The unblinded A is r₁·A. The product with `*` would split the scalar with
                // integers of any length, whose code makes the WebAssembly module larger.
                let factor = blinding.scale * blinding.shift;
                (a, double_and_add(&a, factor.into_bigint()))
            },
        );
        (a, b, shift)
    }

    fn b_scalars(&self, witness: &Witness, blinding: &Blinding) -> Zeroizing<Vec<Words>> {
        self.scaled(
            witness,
            &self.b_wires,
            &[Fr::ONE, blinding.shift],
            blinding.scale,
            0,
        )
    }

    /// Returns `factor · z` for each of the wires, then `factor` times each of `more`, as integers.
    /// The vector has capacity for `room` further values, because growing it would leave a copy of
    /// secrets in memory.
    fn scaled(
        &self,
        witness: &Witness,
        wires: &[u32],
        more: &[Fr],
        factor: Fr,
        room: usize,
    ) -> Zeroizing<Vec<Words>> {
        let mut elements = Zeroizing::new(Vec::with_capacity(wires.len() + more.len()));
        elements.extend(wires.iter().map(|&wire| witness.wires()[wire as usize]));
        elements.extend_from_slice(more);
        self.arch.run(Scale {
            elements: &elements,
            factor,
            room,
        })
    }

    /// Returns z of the private wires, then `a·b - c` at the points of the odd coset, as integers.
    fn c_scalars(
        &self,
        witness: &Witness,
        rows_a: &[Fr],
        rows_b: &[Fr],
        threads: Threads,
    ) -> Zeroizing<Vec<Words>> {
        let mut scalars = self.scaled(witness, &self.l_wires, &[], Fr::ONE, self.h_points.len());
        // These are the rows of C for a satisfying assignment. The public rows of A have no
        // counterpart in B, so their product is zero.
        let rows_c: Zeroizing<Vec<Fr>> =
            Zeroizing::new(rows_a.iter().zip(rows_b).map(|(a, b)| *a * b).collect());
        let (mut a, (mut b, mut c)) = threads.join(
            || self.transform.to_coset(rows_a),
            || {
                threads.join(
                    || self.transform.to_coset(rows_b),
                    || self.transform.to_coset(&rows_c),
                )
            },
        );
        let quotient = self.arch.run(Quotient { a: &a, b: &b, c: &c });
        scalars.extend(self.h_points.iter().map(|&point| quotient[point as usize]));
        for values in [&mut a, &mut b, &mut c] {
            wipe(values, A::Fr::zero(self.arch));
        }
        scalars
    }
}

struct Scale<'a> {
    elements: &'a [Fr],
    factor: Fr,
    room: usize,
}

impl<A: Arch> Task<A> for Scale<'_> {
    type Output = Zeroizing<Vec<Words>>;

    #[inline(always)]
    fn run(self, arch: A) -> Self::Output {
        let factor = A::Fr::splat(arch, self.factor);
        let mut scalars = Zeroizing::new(Vec::with_capacity(self.elements.len() + self.room + A::WIDTH));
        for chunk in self.elements.chunks(A::WIDTH) {
            A::Fr::load(arch, chunk).mul(factor).to_integers(&mut scalars);
        }
        scalars.truncate(self.elements.len());
        scalars
    }
}

struct Quotient<'a, V> {
    a: &'a [V],
    b: &'a [V],
    c: &'a [V],
}

impl<A: Arch> Task<A> for Quotient<'_, A::Fr> {
    type Output = Zeroizing<Vec<Words>>;

    #[inline(always)]
    fn run(self, _: A) -> Self::Output {
        let mut scalars = Zeroizing::new(Vec::with_capacity(self.a.len() * A::WIDTH));
        for ((a, b), c) in self.a.iter().zip(self.b).zip(self.c) {
            a.mul(*b).sub_reduced(*c).to_integers(&mut scalars);
        }
        scalars
    }
}
