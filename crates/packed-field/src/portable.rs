//! The portable back end: one lane, with arithmetic by arkworks. Every value is canonical. On
//! x86-64, `x86.rs` adds faster instructions.

use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup, BigInt, Field, Fp, MontBackend, MontConfig, PrimeField};

use crate::{Arch, CacheLine, MAX_WIDTH, PackedField, Task, Words};

/// The back end for every target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

/// A vector of one element.
#[derive(Clone, Copy, Debug)]
pub struct Single<F>(F);

impl Arch for Portable {
    const WIDTH: usize = 1;
    const NAME: &'static str = "portable";
    type Fq = Single<Fq>;
    type Fr = Single<Fr>;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        #[cfg(target_arch = "x86_64")]
        return crate::x86::run(self, task);
        #[cfg(not(target_arch = "x86_64"))]
        task.run(self)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn prefetch(self, line: *const CacheLine) {
        crate::x86::prefetch(line);
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn prefetch_later(self, line: *const CacheLine) {
        crate::x86::prefetch_later(line);
    }
}

impl<A: Arch, T: MontConfig<4>> PackedField<A> for Single<Fp<MontBackend<T, 4>, 4>> {
    type Element = Fp<MontBackend<T, 4>, 4>;

    type Constant = Self::Element;

    #[inline(always)]
    fn constant(element: Self::Element) -> Self::Constant {
        element
    }
    #[inline(always)]
    fn broadcast(_: A, constant: &Self::Constant) -> Self {
        Self(*constant)
    }
    #[inline(always)]
    fn zero(_: A) -> Self {
        Self(Self::Element::ZERO)
    }
    #[inline(always)]
    fn from_fn(_: A, mut element: impl FnMut(usize) -> Self::Element) -> Self {
        Self(element(0))
    }
    #[inline(always)]
    fn load(_: A, elements: &[Self::Element]) -> Self {
        Self(elements.first().copied().unwrap_or_default())
    }
    #[inline(always)]
    fn to_elements(self) -> [Self::Element; MAX_WIDTH] {
        let mut elements = [Self::Element::ZERO; MAX_WIDTH];
        elements[0] = self.0;
        elements
    }
    #[inline(always)]
    fn to_integers(self, out: &mut Vec<Words>) {
        out.push(self.0.into_bigint().0);
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
    #[inline(always)]
    fn square(self) -> Self {
        Self(self.0.square())
    }
    #[inline(always)]
    fn mul_add_mul(self, other: Self, c: Self, d: Self) -> Self {
        Self(Self::Element::sum_of_products(&[self.0, c.0], &[other.0, d.0]))
    }
    #[inline(always)]
    fn dot<const N: usize>(left: &[Self; N], right: &[Self; N]) -> Self {
        Self(Self::Element::sum_of_products(
            &left.map(|x| x.0),
            &right.map(|x| x.0),
        ))
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
    #[inline(always)]
    fn add_reduced(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
    #[inline(always)]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        Self(self.0 - b.0.double() - c_minus_b.0)
    }
    #[inline(always)]
    fn negate(self) -> Self {
        Self(-self.0)
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        if lanes & 1 == 1 { Self(-self.0) } else { self }
    }
    #[inline(always)]
    fn transpose(_: A, _: &mut [Self]) {}

    #[inline(always)]
    fn gather<'a>(_: A, line: impl Fn(usize) -> &'a CacheLine, half: usize) -> Self {
        Self(<Self as PackedField<A>>::decode(line(0).0[half]))
    }
    #[inline(always)]
    fn scatter(self, lines: &mut [CacheLine], _: usize, half: usize) {
        lines[0].0[half] = <Self as PackedField<A>>::encode(self.0);
    }
    #[inline(always)]
    fn encode(element: Self::Element) -> Words {
        element.0.0
    }
    #[inline(always)]
    fn decode(words: Words) -> Self::Element {
        Self::Element::new_unchecked(BigInt(words))
    }
}
