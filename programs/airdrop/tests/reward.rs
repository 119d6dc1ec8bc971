//! Compares the amounts of curves with arbitrary-precision arithmetic, and checks the rules of
//! rewards.

use anchor_lang::error::Error;
use bauta_airdrop::AirdropError;
use bauta_airdrop::reward::{Curve, Grant, Reward, Shape, Tier};
use num_bigint::BigUint;
use proptest::prelude::*;

const SCORES: u32 = 1 << 20;

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Linear),
        Just(Shape::SquareRoot),
        Just(Shape::Quadratic)
    ]
}

fn curve() -> impl Strategy<Value = Curve> {
    let scores = (0..SCORES - 1).prop_flat_map(|floor| (Just(floor), floor + 1..SCORES));
    let amounts = (1..=u64::MAX).prop_flat_map(|min| (Just(min), min..=u64::MAX));
    (shape(), scores, amounts).prop_map(|(shape, (floor, cap), (min, max))| Curve {
        shape,
        floor,
        cap,
        min,
        max,
    })
}

fn amount(curve: &Curve, score: u32) -> BigUint {
    curve.grant(score).expect("the score is in range").amount.into()
}

/// Returns the error's code.
fn refusal(reward: &Reward) -> Option<u32> {
    match reward.check() {
        Err(Error::AnchorError(error)) => Some(error.error_code_number),
        Err(other) => panic!("{other}"),
        Ok(()) => None,
    }
}

proptest! {
    #[test]
    fn a_curve_gives_the_amount_that_exact_arithmetic_gives(curve in curve(), part in 0..SCORES) {
        let score = curve.floor + part % (SCORES - curve.floor);
        let gained = amount(&curve, score) - curve.min;
        let x = BigUint::from(score.min(curve.cap) - curve.floor);
        let whole = BigUint::from(curve.cap - curve.floor);
        let span = BigUint::from(curve.max - curve.min);
        match curve.shape {
            Shape::Linear => prop_assert_eq!(gained, span * x / whole),
            Shape::Quadratic => prop_assert_eq!(gained, span * &x * &x / (&whole * &whole)),
            Shape::SquareRoot => {
                // gained ≤ span·√(x/whole), and less below it than a millionth of span and 2.
                let exact = &span * &span * &x;
                prop_assert!(&gained * &gained * &whole <= exact);
                let above = gained + (&span >> 19) + BigUint::from(2u8);
                prop_assert!(&above * &above * &whole > exact);
            }
        }
    }

    #[test]
    fn a_curve_never_falls_and_is_between_its_ends(curve in curve(), scores in any::<(u32, u32)>()) {
        let score = |part: u32| curve.floor + part % (SCORES - curve.floor);
        let (low, high) = (score(scores.0.min(scores.1)), score(scores.0.max(scores.1)));
        let (low, high) = (low.min(high), low.max(high));
        prop_assert!(amount(&curve, low) <= amount(&curve, high));
        prop_assert_eq!(amount(&curve, curve.floor), curve.min.into());
        for score in [curve.cap, SCORES - 1] {
            prop_assert_eq!(amount(&curve, score), curve.max.into());
        }
        prop_assert_eq!(curve.floor.checked_sub(1).and_then(|below| curve.grant(below)), None);
        prop_assert_eq!(curve.grant(SCORES), None);
        prop_assert_eq!(refusal(&Reward::Curve(curve)), None);
    }

    #[test]
    fn no_curve_makes_the_arithmetic_panic(
        shape in shape(),
        (floor, cap, score) in any::<(u32, u32, u32)>(),
        (min, max) in any::<(u64, u64)>(),
    ) {
        let curve = Curve { shape, floor, cap, min, max };
        let is_valid = floor < cap && cap < SCORES && 1 <= min && min <= max;
        prop_assert_eq!(refusal(&Reward::Curve(curve)).is_none(), is_valid);
        let grant = curve.grant(score);
        if is_valid {
            prop_assert_eq!(grant.is_some(), (floor..SCORES).contains(&score));
        }
    }
}

fn tiers(list: &[(u32, u64)]) -> Reward {
    let tier = |&(threshold, amount): &(u32, u64)| Tier { threshold, amount };
    Reward::Tiers(list.iter().map(tier).collect())
}

#[test]
fn one_to_eight_rising_tiers_are_accepted() {
    let eight: Vec<_> = (0..8).map(|n| (n, u64::from(n) + 1)).collect();
    assert_eq!(refusal(&tiers(&eight)), None);
    assert_eq!(refusal(&tiers(&[(SCORES - 1, u64::MAX)])), None);
    let nine: Vec<_> = (0..9).map(|n| (n, u64::from(n) + 1)).collect();
    for wrong in [&[][..], &nine] {
        assert_eq!(refusal(&tiers(wrong)), Some(AirdropError::WrongTierCount.into()));
    }
    for wrong in [
        &[(5, 0)][..],
        &[(SCORES, 1)],
        &[(5, 1), (5, 2)],
        &[(5, 2), (6, 2)],
        &[(6, 1), (5, 2)],
        &[(5, 2), (6, 1)],
    ] {
        assert_eq!(
            refusal(&tiers(wrong)),
            Some(AirdropError::TiersNotRising.into()),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_tier_is_a_threshold_and_a_curve_shows_the_exact_score() {
    let reward = tiers(&[(500_000, 40), (800_000, 100)]);
    let second = Grant {
        exact: false,
        shown: 800_000,
        amount: 100,
    };
    assert_eq!(reward.grant(1), Some(second));
    assert_eq!(reward.grant(2), None);
    assert_eq!(reward.grant(u32::MAX), None);
    let curve = Curve {
        shape: Shape::SquareRoot,
        floor: 200_000,
        cap: 600_000,
        min: 100,
        max: 1_100,
    };
    // √(1/4) is exactly one half.
    let quarter = Grant {
        exact: true,
        shown: 300_000,
        amount: 600,
    };
    assert_eq!(Reward::Curve(curve).grant(300_000), Some(quarter));
    let quadratic = Curve {
        shape: Shape::Quadratic,
        ..curve
    };
    assert_eq!(quadratic.grant(400_000).map(|grant| grant.amount), Some(350));
}

#[test]
fn an_error_is_found_by_its_code_and_the_codes_of_bauta_are_others() {
    let last = AirdropError::NothingToSweep;
    assert_eq!(AirdropError::from_code(last.into()), Some(last));
    assert_eq!(AirdropError::from_code(7000), Some(AirdropError::WrongGate));
    for foreign in [0, 6000, 6999, u32::from(last) + 1, u32::MAX] {
        assert_eq!(AirdropError::from_code(foreign), None);
    }
}
