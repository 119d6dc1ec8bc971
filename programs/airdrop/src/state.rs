use crate::errors::{AirdropError, require};
use crate::reward::{Curve, Grant, MAX_TIERS, Reward, Shape, Tier};
use anchor_lang::prelude::*;
use bauta::errors::refused;
use bauta_primitives::{FieldElement, hash_to_field, poseidon};

/// Copies the campaign in an account, whose owner and discriminator Anchor has checked.
///
/// # Errors
/// `AccountDiscriminatorMismatch` if the account has another length. No campaign has.
pub(crate) fn read(account: &AccountLoader<'_, Campaign>) -> Result<Campaign> {
    require!(
        account.as_ref().data_len() == 8 + size_of::<Campaign>(),
        ErrorCode::AccountDiscriminatorMismatch
    );
    Ok(*account.load()?)
}

/// A campaign: the gate of a scope, the owner of a vault, and the rules of its claims. Nothing of it
/// ever changes. Every byte belongs to a field. Offsets count from the end of the 8-byte
/// discriminator.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `authority` |
/// | 32 | 32 | `scope` |
/// | 64 | 32 | `registry` |
/// | 96 | 32 | `circuit` |
/// | 128 | 32 | `mint` |
/// | 160 | 32 | `token_program` |
/// | 192 | 32 | `vault` |
/// | 224 | 32 | `domain` |
/// | 256 | 64 | `amounts` |
/// | 320 | 32 | `thresholds` |
/// | 352 | 8 | `curve_min` |
/// | 360 | 8 | `curve_max` |
/// | 368 | 4 | `curve_floor` |
/// | 372 | 4 | `curve_cap` |
/// | 376 | 8 | `nonce` |
/// | 384 | 8 | `sweep_at` |
/// | 392 | 8 | `max_age` |
/// | 400 | 1 | `reward` (0 tiers, 1 linear, 2 square root, 3 quadratic) |
/// | 401 | 1 | `tier_count` |
/// | 402 | 1 | `decimals` |
/// | 403 | 1 | `bump` |
/// | 404 | 4 | padding |
#[account(zero_copy)]
pub struct Campaign {
    /// The authority, which created the campaign and may sweep its vault.
    pub authority: Pubkey,
    /// The scope account whose proofs the campaign accepts. Its gate is the campaign.
    pub scope: Pubkey,
    /// The scope's registry.
    pub registry: Pubkey,
    /// The scope's circuit account.
    pub circuit: Pubkey,
    /// The mint of the tokens.
    pub mint: Pubkey,
    /// The token program that owns the mint: SPL Token or Token-2022.
    pub token_program: Pubkey,
    /// The vault: the campaign's associated token account of the mint.
    pub vault: Pubkey,
    /// What the score is about: a field element.
    pub domain: [u8; 32],
    /// The amounts of the tiers, in the smallest unit of the token. Zero beyond `tier_count`.
    pub amounts: [u64; MAX_TIERS],
    /// The thresholds of the tiers, in millionths. Zero beyond `tier_count`.
    pub thresholds: [u32; MAX_TIERS],
    /// The curve's amount at `curve_floor`. Zero in a campaign with tiers.
    pub curve_min: u64,
    /// The curve's amount from `curve_cap` on. Zero in a campaign with tiers.
    pub curve_max: u64,
    /// The lowest score that gets an amount, in millionths. Zero in a campaign with tiers.
    pub curve_floor: u32,
    /// The score from which on the amount is `curve_max`. Zero in a campaign with tiers.
    pub curve_cap: u32,
    /// The number that the authority chose for the campaign.
    pub nonce: u64,
    /// The time from which the authority can sweep the vault, in Unix seconds: the scope's
    /// `closes_at` and the grace period.
    pub sweep_at: i64,
    /// The greatest age of a claim's `as_of` in seconds.
    pub max_age: i64,
    /// The kind of the reward: 0 tiers, 1 a linear curve, 2 a square root, 3 a quadratic curve.
    pub reward: u8,
    /// The number of tiers. Zero in a campaign with a curve.
    pub tier_count: u8,
    /// The decimals of the mint.
    pub decimals: u8,
    /// The bump of the account's address.
    pub bump: u8,
    /// Unused. Always zero.
    pub padding: [u8; 4],
}

impl Campaign {
    /// The first seed of the address. Authority and nonce (little-endian) follow.
    pub const SEED: &'static [u8] = b"campaign";
    const TIERS: u8 = 0;

    /// Returns what the campaign pays. Returns `None` if the account has a kind of reward that this
    /// version does not know.
    #[must_use]
    pub fn reward(&self) -> Option<Reward> {
        if self.reward == Self::TIERS {
            let tiers = self.thresholds.iter().zip(&self.amounts);
            let tiers = tiers.take(self.tier_count.into());
            let tiers = tiers.map(|(&threshold, &amount)| Tier { threshold, amount });
            return Some(Reward::Tiers(tiers.collect()));
        }
        self.curve().map(Reward::Curve)
    }

    /// Returns what a claim of this tier must prove, and its amount: see [`Reward::grant`].
    ///
    /// # Errors
    /// `NoSuchTier`.
    pub fn grant(&self, tier: u32) -> Result<Grant> {
        let grant = if self.reward == Self::TIERS {
            let at = usize::try_from(tier).unwrap_or(usize::MAX);
            (at < usize::from(self.tier_count)).then(|| Grant {
                exact: false,
                shown: self.thresholds[at],
                amount: self.amounts[at],
            })
        } else {
            self.curve().and_then(|curve| curve.grant(tier))
        };
        grant.ok_or_else(|| refused(AirdropError::NoSuchTier))
    }

    /// Computes the claim that a proof of this grant must show: the value of `reputation` in
    /// section 4 of the protocol, `Poseidon5(T(reputation), exact, shown, domain, as_of)`.
    ///
    /// # Errors
    /// `DomainNotCanonical`.
    pub fn claim(&self, grant: &Grant, as_of: u64) -> Result<[u8; 32]> {
        let number = |value: u64| FieldElement::from_u64(value).to_bytes();
        poseidon::hash_bytes([
            hash_to_field("bauta/reputation/1", []).as_bytes(),
            &number(grant.exact.into()),
            &number(grant.shown.into()),
            &self.domain,
            &number(as_of),
        ])
        .map_err(|_| refused(AirdropError::DomainNotCanonical))
    }

    /// Checks the time of a claim: 0 ≤ now − `as_of` ≤ `max_age`.
    ///
    /// # Errors
    /// `AsOfInTheFuture` or `AsOfTooOld`.
    pub fn check_as_of(&self, as_of: u64, now: i64) -> Result<()> {
        let age = i64::try_from(as_of)
            .ok()
            .and_then(|as_of| now.checked_sub(as_of))
            .filter(|age| *age >= 0);
        let age = age.ok_or_else(|| refused(AirdropError::AsOfInTheFuture))?;
        require!(age <= self.max_age, AirdropError::AsOfTooOld);
        Ok(())
    }

    /// Stores a checked reward.
    pub(crate) fn set_reward(&mut self, reward: &Reward) {
        match reward {
            Reward::Tiers(tiers) => {
                self.reward = Self::TIERS;
                for (at, tier) in tiers.iter().take(MAX_TIERS).enumerate() {
                    (self.thresholds[at], self.amounts[at]) = (tier.threshold, tier.amount);
                    self.tier_count += 1;
                }
            }
            Reward::Curve(curve) => {
                self.reward = 1 + curve.shape as u8;
                (self.curve_floor, self.curve_cap) = (curve.floor, curve.cap);
                (self.curve_min, self.curve_max) = (curve.min, curve.max);
            }
        }
    }

    fn curve(&self) -> Option<Curve> {
        let shapes = [Shape::Linear, Shape::SquareRoot, Shape::Quadratic];
        let number = usize::from(self.reward).checked_sub(1)?;
        Some(Curve {
            shape: *shapes.get(number)?,
            floor: self.curve_floor,
            cap: self.curve_cap,
            min: self.curve_min,
            max: self.curve_max,
        })
    }
}
