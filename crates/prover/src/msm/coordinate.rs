//! Vectors of the coordinates of G1 and G2.

use ark_bn254::{Fq, Fq2, Fr, g1, g2};
use ark_ec::{scalar_mul::glv::GLVConfig, short_weierstrass::Affine};
use bauta_packed_field::{Arch, CacheLine, PackedField};

/// A vector of elements of a curve's coordinate field. The ranges are those of [`PackedField`]:
/// arguments and results are reduced, unless the method says otherwise.
pub(crate) trait Coordinate<A: Arch>: Copy + Send + Sync {
    /// The curve.
    type Curve: GLVConfig<ScalarField = Fr>;
    /// The form in which the norm of a difference is kept beside the difference.
    type Norm: Copy + Send + Sync;
    /// The number of cache lines of a stored point.
    const LINES: usize;
    /// The number of vectors, one or two, that the backward pass processes at once. It is large
    /// enough to hide the latency of a multiplication, and small enough that the code fits into the
    /// processor's first-level cache.
    const VECTORS_AT_ONCE: usize;

    fn zero(arch: A) -> Self;
    /// Reads the x coordinates of points whose first lines are `line(lane)`.
    fn gather_x<'a>(arch: A, line: impl Fn(usize) -> &'a CacheLine) -> Self;
    /// Reads the y coordinates of points whose last lines are `line(lane)`.
    fn gather_y<'a>(arch: A, line: impl Fn(usize) -> &'a CacheLine) -> Self;
    /// Stores one point for each lane.
    fn scatter(x: Self, y: Self, points: &mut [CacheLine]);
    /// Returns the product of loose values.
    fn mul(self, other: Self) -> Self;
    /// Returns the square of a loose value.
    fn square(self) -> Self;
    /// Returns the difference, loose.
    fn sub(self, other: Self) -> Self;
    /// Returns the difference.
    fn sub_reduced(self, other: Self) -> Self;
    /// Returns `self - b - c`, from b and the result of `c.sub(b)`.
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self;
    /// Negates the lanes whose bit is set. None of these lanes may be zero. The result may only be
    /// an operand of a difference.
    fn negate_where(self, lanes: u8) -> Self;
    /// Returns the norm of a loose value in the prime field. The result is loose.
    fn norm(self) -> Self::Norm;
    /// Returns the norm of this value as a vector. `norm` must be the result of
    /// [`norm`](Self::norm).
    fn norm_value(self, norm: Self::Norm) -> A::Fq;
    /// Returns `self / denominator`, from the inverse of the denominator's norm. All arguments are
    /// loose.
    fn divide(self, denominator: Self, inverse_norm: A::Fq) -> Self;
    /// Stores an affine point, which must not be infinity.
    fn encode(point: &Affine<Self::Curve>, lines: &mut [CacheLine]);
    /// Reads a stored point.
    fn decode(lines: &[CacheLine]) -> Affine<Self::Curve>;
}

/// A vector of coordinates of G1. They are elements of the prime field, and the norm of an element
/// is the element itself.
#[derive(Clone, Copy)]
pub(crate) struct Base<A: Arch>(A::Fq);

impl<A: Arch> Coordinate<A> for Base<A> {
    type Curve = g1::Config;
    type Norm = ();
    const LINES: usize = 1;
    const VECTORS_AT_ONCE: usize = 2;

    #[inline(always)]
    fn zero(arch: A) -> Self {
        Self(A::Fq::zero(arch))
    }
    #[inline(always)]
    fn gather_x<'a>(arch: A, line: impl Fn(usize) -> &'a CacheLine) -> Self {
        Self(A::Fq::gather(arch, line, 0))
    }
    #[inline(always)]
    fn gather_y<'a>(arch: A, line: impl Fn(usize) -> &'a CacheLine) -> Self {
        Self(A::Fq::gather(arch, line, 1))
    }
    #[inline(always)]
    fn scatter(x: Self, y: Self, points: &mut [CacheLine]) {
        x.0.scatter(points, 1, 0);
        y.0.scatter(points, 1, 1);
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0.mul(other.0))
    }
    #[inline(always)]
    fn square(self) -> Self {
        Self(self.0.square())
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0.sub(other.0))
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        Self(self.0.sub_reduced(other.0))
    }
    #[inline(always)]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        Self(self.0.sub_both_reduced(b.0, c_minus_b.0))
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        Self(self.0.negate_where(lanes))
    }
    #[inline(always)]
    fn norm(self) {}
    #[inline(always)]
    fn norm_value(self, (): ()) -> A::Fq {
        self.0
    }
    #[inline(always)]
    fn divide(self, _: Self, inverse_norm: A::Fq) -> Self {
        Self(self.0.mul(inverse_norm))
    }
    fn encode(point: &Affine<Self::Curve>, lines: &mut [CacheLine]) {
        lines[0] = CacheLine([A::Fq::encode(point.x), A::Fq::encode(point.y)]);
    }
    fn decode(lines: &[CacheLine]) -> Affine<Self::Curve> {
        let CacheLine([x, y]) = lines[0];
        Affine::new_unchecked(A::Fq::decode(x), A::Fq::decode(y))
    }
}

/// A vector of coordinates of G2: `c0 + c1·u` with `u² = -1` and the norm `c0² + c1²`.
#[derive(Clone, Copy)]
pub(crate) struct Extension<A: Arch>(A::Fq, A::Fq);

impl<A: Arch> Coordinate<A> for Extension<A> {
    type Curve = g2::Config;
    type Norm = A::Fq;
    const LINES: usize = 2;
    const VECTORS_AT_ONCE: usize = 1;

    #[inline(always)]
    fn zero(arch: A) -> Self {
        Self(A::Fq::zero(arch), A::Fq::zero(arch))
    }
    #[inline(always)]
    fn gather_x<'a>(arch: A, line: impl Fn(usize) -> &'a CacheLine) -> Self {
        Self(A::Fq::gather(arch, &line, 0), A::Fq::gather(arch, &line, 1))
    }
    #[inline(always)]
    fn gather_y<'a>(arch: A, line: impl Fn(usize) -> &'a CacheLine) -> Self {
        Self(A::Fq::gather(arch, &line, 0), A::Fq::gather(arch, &line, 1))
    }
    #[inline(always)]
    fn scatter(x: Self, y: Self, points: &mut [CacheLine]) {
        x.0.scatter(points, 2, 0);
        x.1.scatter(points, 2, 1);
        y.0.scatter(&mut points[1..], 2, 0);
        y.1.scatter(&mut points[1..], 2, 1);
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // (a + bu)(c + du) = ac - bd + (ad + bc)u.
        Self(
            self.0.mul_add_mul(other.0, self.1, other.1.negate()),
            self.0.mul_add_mul(other.1, self.1, other.0),
        )
    }
    #[inline(always)]
    fn square(self) -> Self {
        let twice = self.0.add(self.0);
        Self(self.0.add(self.1).mul(self.0.sub(self.1)), twice.mul(self.1))
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0.sub(other.0), self.1.sub(other.1))
    }
    #[inline(always)]
    fn sub_reduced(self, other: Self) -> Self {
        Self(self.0.sub_reduced(other.0), self.1.sub_reduced(other.1))
    }
    #[inline(always)]
    fn sub_both_reduced(self, b: Self, c_minus_b: Self) -> Self {
        Self(
            self.0.sub_both_reduced(b.0, c_minus_b.0),
            self.1.sub_both_reduced(b.1, c_minus_b.1),
        )
    }
    #[inline(always)]
    fn negate_where(self, lanes: u8) -> Self {
        Self(self.0.negate_where(lanes), self.1.negate_where(lanes))
    }
    #[inline(always)]
    fn norm(self) -> A::Fq {
        self.0.mul_add_mul(self.0, self.1, self.1)
    }
    #[inline(always)]
    fn norm_value(self, norm: A::Fq) -> A::Fq {
        norm
    }
    #[inline(always)]
    fn divide(self, denominator: Self, inverse_norm: A::Fq) -> Self {
        // 1 / (c + du) = (c - du) / norm.
        let product = Self(
            self.0.mul_add_mul(denominator.0, self.1, denominator.1),
            self.1.mul_add_mul(denominator.0, self.0, denominator.1.negate()),
        );
        Self(product.0.mul(inverse_norm), product.1.mul(inverse_norm))
    }
    fn encode(point: &Affine<Self::Curve>, lines: &mut [CacheLine]) {
        lines[0] = CacheLine([A::Fq::encode(point.x.c0), A::Fq::encode(point.x.c1)]);
        lines[1] = CacheLine([A::Fq::encode(point.y.c0), A::Fq::encode(point.y.c1)]);
    }
    fn decode(lines: &[CacheLine]) -> Affine<Self::Curve> {
        let decode = |line: &CacheLine| -> Fq2 {
            let [c0, c1]: [Fq; 2] = line.0.map(A::Fq::decode);
            Fq2::new(c0, c1)
        };
        Affine::new_unchecked(decode(&lines[0]), decode(&lines[1]))
    }
}
