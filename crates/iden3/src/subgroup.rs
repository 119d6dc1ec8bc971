//! The check that a point of G2's curve is in the subgroup of order r.
//!
//! G2's curve over Fq2 has r·h points. Points outside the subgroup must be refused, and a key has
//! thousands of points. Let ψ be the endomorphism that the Frobenius map of Fq induces (untwist,
//! Frobenius, twist), and x the parameter of BN254. On the subgroup ψ is the multiplication by q.
//! A point P is in the subgroup if and only if
//!
//! ```text
//! [x + 1]P + ψ([x]P) + ψ²([x]P) = ψ³([2x]P)
//! ```
//!
//! (El Housni, Guillevic, Piellard: "Co-factor clearing and subgroup membership testing on
//! pairing-friendly curves", 2022). The reason: ψ² − tψ + q = 0, where t is the trace of Frobenius.
//! So the difference of both sides is a + bψ for integers a and b, and its norm is
//! N = a² + abt + b²q. A point for which the equation holds satisfies `[N]P` = 0, and
//! gcd(N, r·h) = r. A test computes this.
//!
//! The check multiplies by x, which has 63 bits. The check of arkworks multiplies by 6x², which has
//! 127 bits.

use ark_bn254::{Config, Fq2, G2Affine, G2Projective, g2};
use ark_ec::{AffineRepr, bn::BnConfig, short_weierstrass::SWCurveConfig};
use ark_ff::{Field, MontFp};

/// (u + 9)^((q − 1) / 3).
const PSI_X: Fq2 = Fq2::new(
    MontFp!("21575463638280843010398324269430826099269044274347216827212613867836435027261"),
    MontFp!("10307601595873709700152284273816112264069230130616436755625194854815875713954"),
);
/// (u + 9)^((q − 1) / 2).
const PSI_Y: Fq2 = Fq2::new(
    MontFp!("2821565182194536844548159561693502659359617185244120367078079554186484126554"),
    MontFp!("3505843767911556378687030309984248845540243509899259641013678093033130930403"),
);

/// Returns whether a point is in the subgroup of order r. The point must be on G2's curve.
pub(crate) fn contains(point: &G2Affine) -> bool {
    let multiple = g2::Config::mul_affine(point, Config::X);
    let first = psi(&multiple);
    let left = multiple + first + psi(&first) + point.into_group();
    let double = multiple + multiple;
    left == psi(&psi(&psi(&double)))
}

/// Applies ψ to a point in Jacobian coordinates.
fn psi(point: &G2Projective) -> G2Projective {
    let mut image = *point;
    for coordinate in [&mut image.x, &mut image.y, &mut image.z] {
        coordinate.frobenius_map_in_place(1);
    }
    image.x *= PSI_X;
    image.y *= PSI_Y;
    image
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, Fr};
    use ark_ec::CurveGroup;
    use ark_ff::{One, PrimeField, UniformRand};
    use num_bigint::BigInt;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    /// h is the product of this prime and of larger ones.
    const SMALLEST_PRIME_OF_COFACTOR: u64 = 10_069;

    fn modulus(field: &impl ToString) -> BigInt {
        field.to_string().parse().unwrap()
    }

    /// Returns the cofactor of G2: 2q − r.
    fn cofactor() -> BigInt {
        modulus(&Fq::MODULUS) * 2 - modulus(&Fr::MODULUS)
    }

    fn times(point: &G2Affine, factor: &BigInt) -> G2Affine {
        let (_, limbs) = factor.to_u64_digits();
        g2::Config::mul_affine(point, &limbs).into_affine()
    }

    /// Returns random points of the curve. A random point is not in the subgroup.
    fn points_of_the_curve(rng: &mut StdRng) -> impl Iterator<Item = G2Affine> {
        std::iter::repeat_with(|| G2Affine::get_point_from_x_unchecked(Fq2::rand(rng), true)).flatten()
    }

    #[test]
    fn the_equation_holds_for_no_point_outside_the_subgroup() {
        let [x] = Config::X else { panic!("x has one limb") };
        let (x, q, r) = (BigInt::from(*x), modulus(&Fq::MODULUS), modulus(&Fr::MODULUS));
        let t = &q + 1 - &r;
        // Powers of ψ as a + bψ.
        let next = |(a, b): &(BigInt, BigInt)| (-&q * b, a + &t * b);
        let first = (BigInt::from(0), BigInt::one());
        let second = next(&first);
        let third = next(&second);
        let part = |select: fn(&(BigInt, BigInt)) -> &BigInt| {
            &x * (select(&first) + select(&second) - 2 * select(&third))
        };
        let (a, b) = (part(|power| &power.0) + &x + 1, part(|power| &power.1));
        let norm = &a * &a + &a * &b * &t + &b * &b * &q;
        let (mut left, mut right) = (norm, &r * cofactor());
        while right != BigInt::ZERO {
            (left, right) = (right.clone(), left % right);
        }
        assert_eq!(left, r);
    }

    #[test]
    fn the_check_agrees_with_arkworks_and_with_the_definition() {
        let mut rng = StdRng::seed_from_u64(1);
        let order = modulus(&Fr::MODULUS);
        for point in points_of_the_curve(&mut rng.clone()).take(20) {
            let inside = times(&point, &cofactor());
            for (point, expected) in [(inside, true), (point, false)] {
                assert_eq!(times(&point, &order).is_zero(), expected);
                assert_eq!(point.is_in_correct_subgroup_assuming_on_curve(), expected);
                assert_eq!(contains(&point), expected);
            }
        }
        assert!(contains(&G2Affine::generator()));
        assert!(contains(&G2Affine::identity()));
        assert!(contains(
            &(G2Affine::generator() * Fr::rand(&mut rng)).into_affine()
        ));
    }

    #[test]
    fn points_of_small_order_are_outside_alone_and_added_to_a_point_inside() {
        let mut rng = StdRng::seed_from_u64(2);
        let all = modulus(&Fr::MODULUS) * cofactor();
        let exponent = &all / SMALLEST_PRIME_OF_COFACTOR;
        assert_eq!(&exponent * SMALLEST_PRIME_OF_COFACTOR, all);
        let small = points_of_the_curve(&mut rng)
            .map(|point| times(&point, &exponent))
            .find(|point| !point.is_zero())
            .unwrap();
        assert!(!contains(&small));
        assert!(!contains(&(G2Affine::generator() + small).into_affine()));
    }
}
