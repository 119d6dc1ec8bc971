//! What a campaign pays for which score. Scores are in millionths, amounts in the smallest unit of
//! the token.

use crate::errors::{AirdropError, require};
use anchor_lang::prelude::*;

/// The largest number of tiers.
pub const MAX_TIERS: usize = 8;
/// The number of bits of a score.
const SCORE_BITS: u32 = 20;
/// The number of bits of a square root in [`Shape::SquareRoot`], as a fraction of one.
const ROOT_BITS: u32 = 20;

/// What a campaign pays.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub enum Reward {
    /// A member proves a threshold and gets the amount of its tier. 1 to 8 tiers, in rising order.
    Tiers(Vec<Tier>),
    /// A member shows the exact score and gets the amount that the curve gives. An exact score is
    /// almost a name: prefer tiers.
    Curve(Curve),
}

impl Reward {
    /// Checks the rules of the reward.
    ///
    /// # Errors
    /// `WrongTierCount`, `TiersNotRising` or `InvalidCurve`.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Tiers(tiers) => check_tiers(tiers),
            Self::Curve(curve) => curve.check(),
        }
    }

    /// Returns what a claim of this tier must prove, and its amount. `tier` is the number of the
    /// tier from 0, or the exact score if the reward is a curve. Returns `None` if there is no such
    /// tier, or if the score is below the floor of the curve.
    #[must_use]
    pub fn grant(&self, tier: u32) -> Option<Grant> {
        match self {
            Self::Tiers(tiers) => {
                let tier = tiers.get(usize::try_from(tier).ok()?)?;
                Some(Grant {
                    exact: false,
                    shown: tier.threshold,
                    amount: tier.amount,
                })
            }
            Self::Curve(curve) => curve.grant(tier),
        }
    }
}

/// A threshold and the amount for members whose score reaches it.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The threshold in millionths, below 2^20.
    pub threshold: u32,
    /// The amount in the smallest unit of the token.
    pub amount: u64,
}

/// A curve from exact scores to amounts: `min` at `floor`, `max` from `cap` on.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curve {
    /// How the amount rises between `floor` and `cap`.
    pub shape: Shape,
    /// The lowest score that gets an amount, in millionths.
    pub floor: u32,
    /// The score from which on the amount is `max`, in millionths.
    pub cap: u32,
    /// The amount at `floor`, in the smallest unit of the token. At least 1.
    pub min: u64,
    /// The amount at `cap` and above.
    pub max: u64,
}

/// How an amount rises with x = (score − floor) / (cap − floor), which is 0 to 1. All shapes round
/// down.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Shape {
    /// min + (max − min) · x.
    Linear,
    /// min + (max − min) · √x, with the square root rounded down to a multiple of 2^-20.
    SquareRoot,
    /// min + (max − min) · x².
    Quadratic,
}

/// What a claim must prove, and the amount that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whether the proof shows the exact score. Otherwise it shows that the score is `shown` or
    /// higher.
    pub exact: bool,
    /// The score or the threshold, in millionths.
    pub shown: u32,
    /// The amount in the smallest unit of the token.
    pub amount: u64,
}

impl Curve {
    fn check(&self) -> Result<()> {
        let scores = self.floor < self.cap && self.cap >> SCORE_BITS == 0;
        let amounts = 1 <= self.min && self.min <= self.max;
        require!(scores && amounts, AirdropError::InvalidCurve);
        Ok(())
    }

    /// Returns the grant for an exact score. Returns `None` if the score is below `floor`, or if
    /// the curve is invalid.
    #[must_use]
    pub fn grant(&self, score: u32) -> Option<Grant> {
        if score < self.floor || score >> SCORE_BITS != 0 {
            return None;
        }
        let x = u64::from(score.min(self.cap).checked_sub(self.floor)?);
        let whole = u64::from(self.cap.checked_sub(self.floor)?);
        let span = u128::from(self.max.checked_sub(self.min)?);
        // x and whole are below 2^20, and span below 2^64. So no product exceeds 2^104.
        let gained = match self.shape {
            Shape::Linear => (span * u128::from(x)).checked_div(u128::from(whole))?,
            Shape::SquareRoot => {
                let root = (x << (2 * ROOT_BITS)).checked_div(whole)?.isqrt();
                (span * u128::from(root)) >> ROOT_BITS
            }
            Shape::Quadratic => (span * u128::from(x * x)).checked_div(u128::from(whole * whole))?,
        };
        Some(Grant {
            exact: true,
            shown: score,
            amount: self.min.checked_add(u64::try_from(gained).ok()?)?,
        })
    }
}

fn check_tiers(tiers: &[Tier]) -> Result<()> {
    require!(
        (1..=MAX_TIERS).contains(&tiers.len()),
        AirdropError::WrongTierCount
    );
    let rise = tiers
        .windows(2)
        .all(|pair| pair[0].threshold < pair[1].threshold && pair[0].amount < pair[1].amount);
    let last = tiers[tiers.len() - 1];
    require!(
        rise && tiers[0].amount >= 1 && last.threshold >> SCORE_BITS == 0,
        AirdropError::TiersNotRising
    );
    Ok(())
}
