//! The back end of 29-bit limbs: one lane of nine limbs in `i64`, in a radix-2^29 Montgomery form
//! with R = 2^261. It is made for WebAssembly without relaxed SIMD. Products of 64-bit integers
//! have 64 bits there, and a carry between limbs of 64 bits takes several instructions. Products of
//! 29-bit limbs leave six bits, so that columns are summed without carries.
//!
//! ```text
//!   modulus.rs   constants of a prime, computed at compile time
//!   product.rs   columns of products, their Montgomery reduction, and carries
//!   element.rs   the operations of `PackedField`
//! ```
//!
//! # Limbs and bounds
//!
//! Limbs are signed. A limb of a *reduced* value is from -2^28 to 2^28 - 1, and the value is from
//! -0.8p to 0.8p. Sums, differences and negatives of reduced values are not carried, so a limb of a
//! *loose* value is from -2^29 to 2^29, and the value is from -1.6p to 1.6p. Therefore:
//!
//! * A column of the sum of two products of loose values is at most `2·9·2^58`. A column of the sum
//!   of seven products of reduced values is at most `7·9·2^56`, which is less. The reduction adds
//!   at most 9 products of limbs of 2^28 and a carry of at most 2^34. The sum is below 1.3·2^62, so
//!   it fits.
//! * Montgomery reduction of t first replaces the low eight columns: a column's signed low part u,
//!   at most 2^28, is multiplied by `2^-29 mod p`, which is at most p/2. Then it adds q·p with `|q|
//!   <= 2^28` and divides by 2^29. The result is at most `|t|/R + p/4 + p/2` plus less than
//!   2^-20·p. Since p < 0.006·R, the sum of two products of loose values gives `t <= 5.12p²`, the
//!   sum of seven products of reduced values gives `t <= 4.48p²`, and the result is below 0.79p.
//! * A sum of up to three reduced values is at most 2.4p. To reduce it, k·p is subtracted for the
//!   integer k next to the quotient of its top limb and the top of p. The error of the quotient is
//!   below 2^-15, so the result is at most 0.51p.
//!
//! Builds with debug assertions check the limbs of all operands of products. Overflows panic there.

mod element;
mod modulus;
mod product;

use ark_bn254::{Fq, Fr};
pub use element::Element;

use crate::{Arch, Task};

/// The back end of 29-bit limbs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limbs29;

impl Arch for Limbs29 {
    const WIDTH: usize = 1;
    const NAME: &'static str = "limbs29";
    type Fq = Element<Fq>;
    type Fr = Element<Fr>;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        task.run(self)
    }
}
