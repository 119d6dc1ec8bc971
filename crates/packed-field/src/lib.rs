//! Arithmetic in the fields of BN254 on several elements at once.
//!
//! An algorithm is written once, generic over [`Arch`]. It runs on one of four back ends:
//!
//! ```text
//!   Portable   1 lane    arkworks, 4 limbs of 64 bits, R = 2^256      every target
//!   Ifma       8 lanes   AVX-512 IFMA, 5 limbs of 52 bits, R = 2^260  x86-64, detected at run time
//!   Fused      4 lanes   5 limbs of 51 bits in f64, R = 2^255         x86-64 with AVX2 and FMA, detected at run time
//!              2 lanes                                                WebAssembly, relaxed SIMD
//!   Limbs29    1 lane    9 limbs of 29 bits in i64, R = 2^261         WebAssembly
//! ```
//!
//! The last one also runs on other targets, where it is slow. The tests use that. `Fused` with two
//! lanes also runs on targets that are not in the table.
//!
//! A value of an [`Arch`] proves that this machine has the back end's instructions: only
//! [`Ifma::detect`] creates an [`Ifma`], only [`Fused::detect`] creates a [`Fused`], and every
//! vector is created from such a value. All operations are therefore safe functions. They are fast
//! only if they are inlined into a function that is compiled for these instructions. [`Arch::run`]
//! is that function, and all generic code that it calls is `#[inline(always)]`.
//!
//! # Bounds
//!
//! A vector holds elements in Montgomery form, as integers that may be outside of the range from 0
//! to p - 1, where p is the modulus. There are two ranges, whose limits depend on the back end:
//!
//! * **reduced**: [`mul`](PackedField::mul) and every operation whose name contains `_reduced`
//!   return reduced values.
//! * **loose**: [`add`](PackedField::add) and [`sub`](PackedField::sub) return loose values. Loose
//!   values may only be multiplied.
//!
//! | back end | reduced | loose |
//! |---|---|---|
//! | `Portable` | from 0 to p - 1 | from 0 to p - 1 |
//! | `Ifma` | from 0 to 2p - 1 | from 0 to 4p |
//! | `Fused` | from -0.51p to 0.51p | from -1.02p to 1.02p |
//! | `Limbs29` | from -0.8p to 0.8p | from -1.6p to 1.6p |
//!
//! # Timing
//!
//! Timing and memory accesses do not depend on the values, with one exception: the conditional
//! subtractions of arkworks, which ends its operations with one, and of
//! [`decode`](PackedField::decode). They affect [`encode`](PackedField::encode),
//! [`decode`](PackedField::decode) and [`to_integers`](PackedField::to_integers), and every
//! operation of [`Portable`]. [`Limbs29`] and [`Fused`] also rely on the engine: multiplications of
//! integers and of doubles take the same time for all values on current processors.

mod fused;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod integers;
mod limbs29;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use ark_ff::{BigInt, PrimeField};

pub use fused::Fused;
#[cfg(target_arch = "x86_64")]
pub use ifma::Ifma;
pub use limbs29::Limbs29;
pub use portable::Portable;

/// The largest [`Arch::WIDTH`] of any back end.
pub const MAX_WIDTH: usize = 8;

/// One stored element: four 64-bit words, least significant first. The element is in the Montgomery
/// form of the [`Arch`] and reduced.
pub type Words = [u64; 4];

/// A cache line that holds two stored elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "bytemuck", derive(bytemuck::Pod, bytemuck::Zeroable))]
#[repr(C, align(64))]
pub struct CacheLine(pub [Words; 2]);

impl CacheLine {
    /// A line of two zeros.
    pub const ZERO: Self = Self([[0; 4]; 2]);
}

/// A back end: a set of instructions with its vector types. See the crate's page.
pub trait Arch: Copy + Send + Sync + 'static {
    /// The number of elements in a vector.
    const WIDTH: usize;
    /// The name for reports and file headers. It contains no spaces.
    const NAME: &'static str;
    /// Vectors of the base field.
    type Fq: PackedField<Self, Element = ark_bn254::Fq>;
    /// Vectors of the scalar field.
    type Fr: PackedField<Self, Element = ark_bn254::Fr>;

    /// Runs a task in a function compiled for these instructions.
    fn run<T: Task<Self>>(self, task: T) -> T::Output;

    /// Hints that a line will be read soon. Any address is allowed.
    #[inline(always)]
    fn prefetch(self, line: *const CacheLine) {
        let _ = line;
    }

    /// Hints that a line will be read after many others. The line should not displace data that is
    /// in use. Any address is allowed.
    #[inline(always)]
    fn prefetch_later(self, line: *const CacheLine) {
        let _ = line;
    }
}

/// Code that is compiled once for each [`Arch`]. Implementations of [`run`](Task::run) should be
/// `#[inline(always)]`.
pub trait Task<A: Arch> {
    /// The result of the task.
    type Output;
    /// Runs the task.
    fn run(self, arch: A) -> Self::Output;
}

/// [`Arch::WIDTH`] elements of a prime field. The crate's page defines the ranges *reduced* and
/// *loose*.
pub trait PackedField<A: Arch>: Copy + Send + Sync {
    /// The type of one element, which determines the field.
    type Element: PrimeField<BigInt = BigInt<4>>;

    /// An element in a form that can be copied into every lane quickly.
    type Constant: Copy + Send + Sync;

    /// Prepares an element for [`broadcast`](PackedField::broadcast).
    fn constant(element: Self::Element) -> Self::Constant;
    /// Returns a vector with the same canonical element in every lane, from a prepared element.
    fn broadcast(arch: A, constant: &Self::Constant) -> Self;
    /// Returns a vector with the same canonical element in every lane.
    #[inline(always)]
    fn splat(arch: A, element: Self::Element) -> Self {
        Self::broadcast(arch, &Self::constant(element))
    }
    /// Returns a vector with zero in every lane.
    fn zero(arch: A) -> Self;
    /// Returns a vector whose lane i is `element(i)`.
    fn from_fn(arch: A, element: impl FnMut(usize) -> Self::Element) -> Self;
    /// Returns a vector with the first `elements`, and zero in the remaining lanes. The result is
    /// reduced.
    fn load(arch: A, elements: &[Self::Element]) -> Self;
    /// Returns the elements of all lanes. Entries beyond [`Arch::WIDTH`] are zero.
    fn to_elements(self) -> [Self::Element; MAX_WIDTH];
    /// Appends each lane to `out` as a canonical integer. Expects reduced values.
    fn to_integers(self, out: &mut Vec<Words>);

    /// Returns the product of loose values, reduced.
    #[must_use]
    fn mul(self, other: Self) -> Self;
    /// Returns the square of a loose value, reduced.
    #[must_use]
    fn square(self) -> Self;
    /// Returns `self · other + c · d` of loose values, reduced.
    #[must_use]
    fn mul_add_mul(self, other: Self, c: Self, d: Self) -> Self;
    /// Returns `Σ left[i] · right[i]` of reduced values, reduced. At most seven terms are allowed.
    #[must_use]
    fn dot<const N: usize>(left: &[Self; N], right: &[Self; N]) -> Self;
    /// Returns the sum of reduced values, loose.
    #[must_use]
    fn add(self, other: Self) -> Self;
    /// Returns the difference of reduced values, loose.
    #[must_use]
    fn sub(self, other: Self) -> Self;
    /// Returns the sum of reduced values, reduced.
    #[must_use]
    fn add_reduced(self, other: Self) -> Self;
    /// Returns the difference of reduced values, reduced.
    #[must_use]
    fn sub_reduced(self, other: Self) -> Self;
    /// Returns `self - b - c`, reduced, from b and the result of `c.sub(b)`. `self`, b and c are
    /// reduced.
    #[must_use]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self;
    /// Returns the negative of a loose value, loose.
    #[must_use]
    fn negate(self) -> Self;
    /// Negates the lanes whose bit is set and keeps the others. Expects reduced values, and no zero
    /// in a negated lane. The result may only be an operand of [`sub`](PackedField::sub) or
    /// [`sub_reduced`](PackedField::sub_reduced).
    #[must_use]
    fn negate_where(self, lanes: u8) -> Self;
    /// Transposes [`Arch::WIDTH`] vectors: lane i of vector j becomes the former lane j of vector
    /// i.
    fn transpose(arch: A, square: &mut [Self]);

    /// Returns a vector whose lane i is element `half` (0 or 1) of `line(i)`.
    fn gather<'a>(arch: A, line: impl Fn(usize) -> &'a CacheLine, half: usize) -> Self;
    /// Writes lane i to element `half` (0 or 1) of `lines[i · step]`. Expects reduced values.
    fn scatter(self, lines: &mut [CacheLine], step: usize, half: usize);
    /// Returns the stored form of an element. The result is canonical.
    fn encode(element: Self::Element) -> Words;
    /// Returns the element of a stored form.
    fn decode(words: Words) -> Self::Element;
}
