//! Compares every operation of every back end with arkworks.

use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField, UniformRand};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_packed_field::{Arch, CacheLine, Fused, Limbs29, MAX_WIDTH, PackedField, Portable, Task};
use proptest::prelude::*;

/// Returns random elements and elements at the ends of the range.
fn elements<F: PrimeField>(seed: u64) -> [F; MAX_WIDTH] {
    let rng = &mut StdRng::seed_from_u64(seed);
    std::array::from_fn(|_| match u8::rand(rng) % 12 {
        0 => F::ZERO,
        1 => F::ONE,
        2 => -F::ONE,
        3 => F::from(2u64),
        4 => F::from(u64::MAX),
        5 => -F::from(u64::MAX),
        _ => F::rand(rng),
    })
}

/// Runs all operations on four vectors of elements and compares the results lane by lane.
struct Check<F> {
    operands: [[F; MAX_WIDTH]; 4],
    signs: u8,
}

impl<A: Arch> Task<A> for Check<Fq> {
    type Output = ();
    fn run(self, arch: A) {
        check::<A, A::Fq>(arch, &self.operands, self.signs);
    }
}

impl<A: Arch> Task<A> for Check<Fr> {
    type Output = ();
    fn run(self, arch: A) {
        check::<A, A::Fr>(arch, &self.operands, self.signs);
    }
}

fn same<A: Arch, V: PackedField<A>>(name: &str, vector: V, expected: &dyn Fn(usize) -> V::Element) {
    let found = vector.to_elements();
    for (lane, found) in found.into_iter().enumerate().take(A::WIDTH) {
        assert_eq!(found, expected(lane), "{} {name}, lane {lane}", A::NAME);
    }
}

fn check<A: Arch, V: PackedField<A>>(arch: A, operands: &[[V::Element; MAX_WIDTH]; 4], signs: u8) {
    let [a, b, c, d] = operands;
    let [va, vb, vc, vd] = operands.map(|elements| V::load(arch, &elements[..A::WIDTH]));
    let same = same::<A, V>;
    same("load", va, &|i| a[i]);
    same("load of one element", V::load(arch, &a[..1]), &|i| {
        if i == 0 { a[0] } else { V::Element::ZERO }
    });
    same("splat", V::splat(arch, a[0]), &|_| a[0]);
    same("zero", V::zero(arch), &|_| V::Element::ZERO);
    same("from_fn", V::from_fn(arch, |i| b[i]), &|i| b[i]);
    same("mul", va.mul(vb), &|i| a[i] * b[i]);
    same("square", va.square(), &|i| a[i].square());
    same("mul_add_mul", va.mul_add_mul(vb, vc, vd), &|i| {
        a[i] * b[i] + c[i] * d[i]
    });
    same(
        "dot",
        V::dot(&[va, vb, vc, va, vb, vc, vd], &[vb, vc, vd, va, vb, vc, vd]),
        &|i| {
            a[i] * b[i]
                + b[i] * c[i]
                + c[i] * d[i]
                + a[i].square()
                + b[i].square()
                + c[i].square()
                + d[i].square()
        },
    );
    same("add_reduced", va.add_reduced(vb), &|i| a[i] + b[i]);
    same("sub_reduced", va.sub_reduced(vb), &|i| a[i] - b[i]);
    same("sub_both_reduced", va.sub_both_reduced(vb, vc.sub(vb)), &|i| {
        a[i] - b[i] - c[i]
    });
    // Every operation that accepts loose values gets loose values.
    same("mul of sums", va.add(vb).mul(vc.add(vd)), &|i| {
        (a[i] + b[i]) * (c[i] + d[i])
    });
    same("mul of differences", va.sub(vb).mul(vc.sub(vd)), &|i| {
        (a[i] - b[i]) * (c[i] - d[i])
    });
    same(
        "mul_add_mul of loose values",
        va.sub(vb)
            .mul_add_mul(vc.add(vd), va.add(vd), vb.sub(va).negate()),
        &|i| (a[i] - b[i]) * (c[i] + d[i]) - (a[i] + d[i]) * (b[i] - a[i]),
    );
    same("square of a difference", va.sub(vb).square(), &|i| {
        (a[i] - b[i]).square()
    });
    // A chain whose intermediate values are reduced but not canonical.
    let chain = va
        .sub_reduced(vb)
        .add_reduced(vc)
        .sub_both_reduced(vd, va.mul(vb).sub(vd))
        .add_reduced(vd.square());
    same("chain", chain, &|i| {
        a[i] - b[i] + c[i] - d[i] - a[i] * b[i] + d[i].square()
    });
    let nonzero = |x: V::Element| if x == V::Element::ZERO { V::Element::ONE } else { x };
    let operand = V::from_fn(arch, |i| nonzero(a[i]));
    let negated = |i: usize| {
        let x = nonzero(a[i]);
        if signs >> i & 1 == 1 { -x } else { x }
    };
    let signed = operand.negate_where(signs);
    same("from negate_where", vb.sub_reduced(signed), &|i| {
        b[i] - negated(i)
    });
    same("negate_where minus", signed.sub(vb).mul(vc), &|i| {
        (negated(i) - b[i]) * c[i]
    });
    same(
        "negate_where twice",
        signed.sub(operand.negate_where(!signs)).mul(vc),
        &|i| (negated(i) + negated(i)) * c[i],
    );

    let mut integers = Vec::new();
    chain.to_integers(&mut integers);
    let expected: Vec<_> = chain.to_elements()[..A::WIDTH]
        .iter()
        .map(|x| x.into_bigint().0)
        .collect();
    assert_eq!(integers, expected);

    check_memory::<A, V>(arch, a, b);
}

/// Checks stored lines and transposition.
fn check_memory<A: Arch, V: PackedField<A>>(
    arch: A,
    a: &[V::Element; MAX_WIDTH],
    b: &[V::Element; MAX_WIDTH],
) {
    let same = same::<A, V>;
    let [va, vb] = [a, b].map(|elements| V::load(arch, &elements[..A::WIDTH]));
    let mut lines = vec![CacheLine::ZERO; 2 * A::WIDTH];
    va.scatter(&mut lines, 2, 0);
    vb.scatter(&mut lines[1..], 2, 1);
    for lane in 0..A::WIDTH {
        assert_eq!(V::decode(lines[2 * lane].0[0]), a[lane]);
        assert_eq!(V::decode(lines[2 * lane + 1].0[1]), b[lane]);
        assert_eq!(V::decode(V::encode(a[lane])), a[lane]);
    }
    same("gather", V::gather(arch, |i| &lines[2 * i], 0), &|i| a[i]);
    same("gather", V::gather(arch, |i| &lines[2 * i + 1], 1), &|i| b[i]);

    let value =
        |row: usize, column: usize| V::Element::from_bigint(BigInt::from((8 * row + column) as u64)).unwrap();
    let mut square: Vec<V> = (0..A::WIDTH)
        .map(|row| V::from_fn(arch, |column| value(row, column)))
        .collect();
    V::transpose(arch, &mut square);
    for (column, vector) in square.into_iter().enumerate() {
        same("transpose", vector, &|row| value(row, column));
    }
}

fn on_all_back_ends<F: PrimeField>(seed: u64, signs: u8)
where
    Check<F>: Task<Portable, Output = ()> + Task<Fused, Output = ()> + Task<Limbs29, Output = ()>,
    Check<F>: TaskOnIfma,
{
    let operands = [0, 1, 2, 3].map(|i| elements(seed.wrapping_add(i)));
    Portable.run(Check { operands, signs });
    Limbs29.run(Check { operands, signs });
    if let Some(fused) = Fused::detect_for_test() {
        fused.run(Check { operands, signs });
    }
    Check { operands, signs }.run_on_ifma();
}

/// A task that runs on AVX-512 IFMA if the machine has it.
trait TaskOnIfma {
    fn run_on_ifma(self);
}

#[cfg(target_arch = "x86_64")]
impl<T: Task<bauta_packed_field::Ifma, Output = ()>> TaskOnIfma for T {
    fn run_on_ifma(self) {
        if let Some(arch) = bauta_packed_field::Ifma::detect() {
            arch.run(self);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl<T> TaskOnIfma for T {
    fn run_on_ifma(self) {}
}

proptest! {
    #[test]
    fn all_operations_agree_with_arkworks(seed: u64, signs: u8) {
        on_all_back_ends::<Fq>(seed, signs);
        on_all_back_ends::<Fr>(seed, signs);
    }
}
