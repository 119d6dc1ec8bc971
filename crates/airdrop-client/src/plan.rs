use bauta_airdrop::state::Campaign;
use bauta_primitives::{ANYONE, Claim, Context, ContextParts, FieldElement, statements::ScoreClaim};
use solana_address::Address;

use crate::AirdropClientError;

/// The seconds to which clients round `as_of` down: an exact time can identify a member.
const HOUR: u64 = 3_600;

/// What a member must prove for a claim, and what the claim pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimPlan {
    /// The campaign account.
    pub campaign: Address,
    /// The number of the tier from 0. In a campaign with a curve, the exact score in millionths.
    pub tier: u32,
    /// The amount, in the smallest unit of the token.
    pub amount: u64,
    /// What the proof shows of the score.
    pub score_claim: ScoreClaim,
}

impl ClaimPlan {
    /// Plans a claim of a tier. `now` is the time in Unix seconds. `as_of` is the last full hour.
    ///
    /// # Errors
    /// If the campaign has no such tier, or its domain is not canonical.
    pub fn new(
        address: &Address,
        campaign: &Campaign,
        tier: u32,
        now: u64,
    ) -> Result<Self, AirdropClientError> {
        Self::at(address, campaign, tier, now / HOUR * HOUR)
    }

    /// Plans a claim of a tier for a time that is not rounded, in Unix seconds. Prefer
    /// [`ClaimPlan::new`].
    ///
    /// # Errors
    /// If the campaign has no such tier, or its domain is not canonical.
    pub fn at(
        address: &Address,
        campaign: &Campaign,
        tier: u32,
        as_of: u64,
    ) -> Result<Self, AirdropClientError> {
        let grant = campaign
            .grant(tier)
            .map_err(|_| AirdropClientError::NoSuchTier { tier })?;
        Ok(Self {
            campaign: *address,
            tier,
            amount: grant.amount,
            score_claim: ScoreClaim {
                exact: grant.exact,
                shown: grant.shown,
                domain: domain(campaign)?,
                as_of,
            },
        })
    }

    /// Plans the claim with the greatest amount that a score reaches, for the last full hour before
    /// `now`. Returns `None` if the score reaches no tier.
    ///
    /// # Errors
    /// If the campaign's domain is not canonical.
    pub fn best(
        address: &Address,
        campaign: &Campaign,
        score: u32,
        now: u64,
    ) -> Result<Option<Self>, AirdropClientError> {
        // A curve has one grant for a score. Tiers rise, so the last one that is reached pays most.
        let tiers = match campaign.tier_count {
            0 => score..score.saturating_add(1),
            count => 0..u32::from(count),
        };
        for tier in tiers.rev() {
            match Self::new(address, campaign, tier, now) {
                Ok(plan) if plan.score_claim.shown <= score => return Ok(Some(plan)),
                Ok(_) | Err(AirdropClientError::NoSuchTier { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Computes the claim of the proof.
    #[must_use]
    pub fn claim(&self) -> Claim {
        self.score_claim.claim()
    }

    /// Builds the payload that the program builds.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        bauta_airdrop::payload(&self.campaign, self.tier, self.amount, self.score_claim.as_of)
    }

    /// Computes the context that the proof must be made for. `relayer` is `None` if anyone may
    /// submit the claim. `expiry` is the time after which the proof is refused, in Unix seconds.
    #[must_use]
    pub fn context(&self, recipient: &Address, relayer: Option<&Address>, expiry: i64) -> Context {
        Context::derive(&ContextParts {
            recipient: recipient.as_array(),
            relayer: relayer.map_or(&ANYONE, Address::as_array),
            expiry,
            payload: &self.payload(),
        })
    }
}

fn domain(campaign: &Campaign) -> Result<FieldElement, AirdropClientError> {
    FieldElement::from_bytes("domain", campaign.domain)
        .map_err(|error| AirdropClientError::Client(error.into()))
}
