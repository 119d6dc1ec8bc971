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
//!
//! A list of points is checked with random sums of its points. Each point of a sum has a random
//! factor below 256. Let one of the points be outside the subgroup. In the quotient of the curve by
//! the subgroup, whose order is h, the order of this point is at least 10,069, the smallest prime
//! of h. So for all factors of the other points, at most one of its 256 factors gives a sum inside
//! the subgroup. 16 such sums are inside with a probability of at most 2^-128.

use ark_bn254::{Config, Fq2, G2Affine, G2Projective, g2};
use ark_ec::{
    AffineRepr, CurveGroup,
    bn::BnConfig,
    short_weierstrass::{Bucket, SWCurveConfig},
};
use ark_ff::{Field, MontFp};
use rand::RngCore;
use rayon::prelude::*;

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

/// The sums by which a list of points is checked.
const SUMS: usize = 16;
/// The shortest list for which sums take less time than a check of each point.
const MIN_POINTS_FOR_SUMS: usize = 128;

/// Returns whether all points are in the subgroup. They must be on G2's curve. If one is outside,
/// the result is wrong with a probability of at most 2^-128.
pub(crate) fn contains_all(points: &[G2Affine]) -> bool {
    if points.len() < MIN_POINTS_FOR_SUMS {
        return points.par_iter().all(contains);
    }
    (0..SUMS)
        .into_par_iter()
        .all(|_| contains(&random_sum(points).into_affine()))
}

/// Returns the sum of the points with random factors below 256.
fn random_sum(points: &[G2Affine]) -> G2Projective {
    let mut factors = vec![0; points.len()];
    rand::thread_rng().fill_bytes(&mut factors);
    // The sum of the points of each factor.
    let mut buckets = vec![Bucket::<g2::Config>::ZERO; 256];
    for (point, factor) in points.iter().zip(factors) {
        buckets[usize::from(factor)] += point;
    }
    // The bucket of a factor is in as many partial sums as the factor says.
    let mut partial = Bucket::ZERO;
    let mut sum = Bucket::ZERO;
    for bucket in buckets[1..].iter().rev() {
        partial += bucket;
        sum += &partial;
    }
    sum.into()
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

    /// Returns a point whose order is the smallest prime of the cofactor.
    fn point_of_small_order(rng: &mut StdRng) -> G2Affine {
        let all = modulus(&Fr::MODULUS) * cofactor();
        let exponent = &all / SMALLEST_PRIME_OF_COFACTOR;
        assert_eq!(&exponent * SMALLEST_PRIME_OF_COFACTOR, all);
        points_of_the_curve(rng)
            .map(|point| times(&point, &exponent))
            .find(|point| !point.is_zero())
            .unwrap()
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
    fn the_order_of_a_point_outside_the_subgroup_is_above_the_factors_of_sums() {
        let cofactor = cofactor();
        let divides = |divisor: u64| &cofactor % divisor == BigInt::ZERO;
        assert_eq!(
            (2..20_000).find(|&divisor| divides(divisor)),
            Some(SMALLEST_PRIME_OF_COFACTOR)
        );
        const { assert!(SMALLEST_PRIME_OF_COFACTOR >= 256) };
    }

    #[test]
    fn one_point_outside_the_subgroup_is_found_among_many() {
        let mut rng = StdRng::seed_from_u64(3);
        let outside = points_of_the_curve(&mut rng).next().unwrap();
        let small = point_of_small_order(&mut rng);
        for count in [1, MIN_POINTS_FOR_SUMS - 1, MIN_POINTS_FOR_SUMS, 1_000] {
            let mut points: Vec<_> = (0..count)
                .map(|_| (G2Affine::generator() * Fr::rand(&mut rng)).into_affine())
                .collect();
            // A key has many points at infinity.
            points.extend([G2Affine::identity(); 10]);
            assert!(contains_all(&points));
            for (index, other) in [(0, outside), (count / 2, small), (count - 1, small)] {
                let inside = points[index];
                points[index] = (inside + other).into_affine();
                assert!(!contains_all(&points), "{index} of {count}");
                points[index] = inside;
            }
        }
        assert!(contains_all(&[]));
    }

    #[test]
    fn a_random_sum_has_each_point_with_its_factor() {
        // With multiples of the generator, the sum is a multiple too: below 256 times their sum.
        let generator = G2Affine::generator();
        let possible: Vec<_> = (0..256_u64)
            .map(|factor| (generator * Fr::from(factor)).into_affine())
            .collect();
        let mut found = std::collections::HashSet::new();
        for _ in 0..64 {
            let sum = random_sum(&[generator]).into_affine();
            found.insert(
                possible
                    .iter()
                    .position(|point| *point == sum)
                    .expect("a factor below 256"),
            );
        }
        assert!(found.len() > 32, "{}", found.len());
    }

    #[test]
    fn points_of_small_order_are_outside_alone_and_added_to_a_point_inside() {
        let small = point_of_small_order(&mut StdRng::seed_from_u64(2));
        assert!(!contains(&small));
        assert!(!contains(&(G2Affine::generator() + small).into_affine()));
    }
}
