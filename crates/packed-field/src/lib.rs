//! Arithmetic in the fields of BN254 on several elements at once.
//!
//! An algorithm is written once, generic over [`Arch`], and runs on either of
//!
//! ```text
//!   Portable   1 lane    arkworks, 4 limbs of 64 bits, R = 2^256     every target
//!   Ifma       8 lanes   AVX-512 IFMA, 5 limbs of 52 bits, R = 2^260  x86-64, detected at run time
//! ```
//!
//! A value of an [`Arch`] is the proof that this machine has the instructions: [`Ifma`] can only be had from
//! [`Ifma::detect`], and every vector is made from such a value. So all operations are safe functions. To be fast they
//! have to be inlined into a function compiled for those instructions: [`Arch::run`] is that function, and
//! everything generic that it calls is `#[inline(always)]`.
//!
//! # Bounds
//!
//! A vector holds elements in Montgomery form as integers that need not be below the modulus p. Two ranges are used:
//!
//! * **reduced**: below 2p. What [`mul`](Lanes::mul) and every operation named `_reduced` return.
//! * **loose**: at most 4p. What [`add`](Lanes::add) and [`sub`](Lanes::sub) return. Fit for multiplication alone.
//!
//! The portable lanes are canonical at all times, which satisfies both.
//!
//! Nothing here depends on the values in its timing or its memory accesses, but for
//! [`encode`](Lanes::encode), [`decode`](Lanes::decode) and [`to_integers`](Lanes::to_integers) as far as arkworks
//! does (its final subtraction is conditional).

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use ark_ff::{BigInt, PrimeField};

#[cfg(target_arch = "x86_64")]
pub use ifma::Ifma;
pub use portable::Portable;

/// The largest number of lanes of any [`Arch`].
pub const MAX_LANES: usize = 8;

/// One stored element: four 64-bit words, least significant first, in the Montgomery form of the [`Arch`], reduced.
pub type Words = [u64; 4];

/// A cache line with two stored elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "bytemuck", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[repr(C, align(64))]
pub struct Line(pub [Words; 2]);

impl Line {
    /// Two zeros.
    pub const ZERO: Self = Self([[0; 4]; 2]);
}

/// A set of instructions with its vectors. See the crate's page.
pub trait Arch: Copy + Send + Sync + 'static {
    /// Elements in a vector.
    const LANES: usize;
    /// Name for reports and file headers, without spaces.
    const NAME: &'static str;
    /// Vectors of the base field.
    type Fq: Lanes<Self, Element = ark_bn254::Fq>;
    /// Vectors of the scalar field.
    type Fr: Lanes<Self, Element = ark_bn254::Fr>;

    /// Runs a task in a function compiled for these instructions.
    fn run<T: Task<Self>>(self, task: T) -> T::Output;

    /// Hints that a line will be read soon. Any address will do.
    #[inline(always)]
    fn prefetch(self, line: *const Line) {
        let _ = line;
    }

    /// Hints that a line will be read some time after many others: it needn't displace what is being worked on.
    #[inline(always)]
    fn prefetch_later(self, line: *const Line) {
        let _ = line;
    }
}

/// Work to be compiled once for each [`Arch`]. [`run`](Task::run) should be `#[inline(always)]`.
pub trait Task<A: Arch> {
    /// What comes out of it.
    type Output;
    /// Does it.
    fn run(self, arch: A) -> Self::Output;
}

/// [`Arch::LANES`] elements of a prime field. The crate's page defines the bounds *reduced* and *loose*.
pub trait Lanes<A: Arch>: Copy + Send + Sync {
    /// The field.
    type Element: PrimeField<BigInt = BigInt<4>>;

    /// An element in a form that is quickly put into every lane.
    type Constant: Copy + Send + Sync;

    /// Prepares an element for [`broadcast`](Lanes::broadcast).
    fn constant(element: Self::Element) -> Self::Constant;
    /// The same element in every lane, canonical.
    fn broadcast(arch: A, constant: &Self::Constant) -> Self;
    /// The same element in every lane, canonical.
    #[inline(always)]
    fn splat(arch: A, element: Self::Element) -> Self {
        Self::broadcast(arch, &Self::constant(element))
    }
    /// Zero in every lane.
    fn zero(arch: A) -> Self;
    /// Lane i is `element(i)`.
    fn from_fn(arch: A, element: impl FnMut(usize) -> Self::Element) -> Self;
    /// The first `elements` in the lanes, zero in those for which there is none; reduced.
    fn load(arch: A, elements: &[Self::Element]) -> Self;
    /// Elements of all lanes; those beyond [`Arch::LANES`] are zero.
    fn to_elements(self) -> [Self::Element; MAX_LANES];
    /// Appends each lane as a canonical integer. Takes reduced values.
    fn to_integers(self, out: &mut Vec<Words>);

    /// Product of loose values, reduced.
    #[must_use]
    fn mul(self, other: Self) -> Self;
    /// Square of a loose value, reduced.
    #[must_use]
    fn square(self) -> Self;
    /// `self · other + c · d` of loose values, reduced.
    #[must_use]
    fn mul_add_mul(self, other: Self, c: Self, d: Self) -> Self;
    /// `Σ left[i] · right[i]` of reduced values, reduced. At most seven terms.
    #[must_use]
    fn dot<const N: usize>(left: &[Self; N], right: &[Self; N]) -> Self;
    /// Sum of reduced values, loose.
    #[must_use]
    fn add(self, other: Self) -> Self;
    /// Difference of reduced values, loose.
    #[must_use]
    fn sub(self, other: Self) -> Self;
    /// Sum of reduced values, reduced.
    #[must_use]
    fn add_reduced(self, other: Self) -> Self;
    /// Difference of reduced values, reduced.
    #[must_use]
    fn sub_reduced(self, other: Self) -> Self;
    /// `self - b - c`, reduced, given b and what `c.sub(b)` returned. All three are reduced.
    #[must_use]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self;
    /// Negative of a loose value, loose.
    #[must_use]
    fn negate(self) -> Self;
    /// Negates the lanes whose bit is set, others are left as they are. Of reduced values, of which no negated one may be a zero. The
    /// result is fit for [`sub`](Lanes::sub) and [`sub_reduced`](Lanes::sub_reduced) alone.
    #[must_use]
    fn negate_where(self, lanes: u8) -> Self;
    /// Transposes [`Arch::LANES`] vectors: afterwards lane i of vector j is what was lane j of vector i.
    fn transpose(arch: A, square: &mut [Self]);

    /// Lane i is element `half` (0 or 1) of `line(i)`.
    fn gather<'a>(arch: A, line: impl Fn(usize) -> &'a Line, half: usize) -> Self;
    /// Writes reduced elements into half `half` of every `step`-th line of `lines`, beginning with the first.
    fn scatter(self, lines: &mut [Line], step: usize, half: usize);
    /// The stored form of an element, canonical.
    fn encode(element: Self::Element) -> Words;
    /// The element of a stored form.
    fn decode(words: Words) -> Self::Element;
}
