use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{InvalidValue, Salt, chain, check_time, tag};
use crate::{Attributes, Claim, FieldElement, poseidon};

/// The number of bits of a score. Scores are in millionths.
pub const SCORE_BITS: usize = 20;

/// The contents of a leaf of format 2 (`score`). The authority of the registry writes the leaf and
/// is trusted for the score.
///
/// The values are private. They are wiped from memory when they are dropped, and the type has no
/// `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Score {
    value: u32,
    issued_at: u64,
    expires_at: u64,
    #[zeroize(skip)]
    domain: FieldElement,
    salt: Salt,
}

impl Score {
    /// The leaf format.
    pub const LEAF_FORMAT: u16 = 2;

    /// Creates the contents of a leaf. `score` is in millionths, `domain` is the hash of what the
    /// score is about, and the score is valid from `issued_at` until before `expires_at`.
    ///
    /// # Errors
    /// If a value is out of its range, or the score is never valid.
    pub fn new(
        score: u32,
        domain: FieldElement,
        issued_at: u64,
        expires_at: u64,
        salt: Salt,
    ) -> Result<Self, InvalidValue> {
        check_score("score", score)?;
        check_time("issued_at", issued_at)?;
        check_time("expires_at", expires_at)?;
        if issued_at >= expires_at {
            return Err(InvalidValue {
                field: "expires_at",
                rule: "must be later than issued_at",
            });
        }
        Ok(Self {
            value: score,
            issued_at,
            expires_at,
            domain,
            salt,
        })
    }

    /// Returns the score in millionths.
    #[must_use]
    pub const fn score(&self) -> u32 {
        self.value
    }

    /// Returns the time from which the score is valid.
    #[must_use]
    pub const fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// Returns the first time at which the score is no longer valid.
    #[must_use]
    pub const fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// Returns what the score is about.
    #[must_use]
    pub const fn domain(&self) -> FieldElement {
        self.domain
    }

    /// Returns the salt.
    #[must_use]
    pub const fn salt(&self) -> &Salt {
        &self.salt
    }

    /// Computes the leaf's attributes:
    /// `Poseidon6(T(score), score, domain, issued_at, expires_at, salt)`.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        Attributes::new(chain(
            tag("bauta/score/1"),
            &[
                FieldElement::from_u64(self.value.into()),
                self.domain,
                FieldElement::from_u64(self.issued_at),
                FieldElement::from_u64(self.expires_at),
                self.salt.element(),
            ],
        ))
    }
}

/// What a proof of the statement `reputation` shows of a score. All of it is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreClaim {
    /// Whether the score is `shown`. Otherwise it is `shown` or higher.
    pub exact: bool,
    /// The score or the threshold, in millionths.
    pub shown: u32,
    /// What the score is about.
    pub domain: FieldElement,
    /// The time at which the score was valid. A circuit has no clock, so the consumer compares this
    /// time with its own.
    pub as_of: u64,
}

impl ScoreClaim {
    /// Computes the claim: `Poseidon5(T(reputation), exact, shown, domain, as_of)`.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim::new(poseidon::hash([
            tag("bauta/reputation/1"),
            FieldElement::from_u64(self.exact.into()),
            FieldElement::from_u64(self.shown.into()),
            self.domain,
            FieldElement::from_u64(self.as_of),
        ]))
    }

    /// Checks that the score meets the claim.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub fn check(&self, score: &Score) -> Result<(), InvalidValue> {
        check_score("shown", self.shown)?;
        check_time("as_of", self.as_of)?;
        let rules = [
            (
                "domain",
                self.domain == score.domain,
                "must be the domain of the score",
            ),
            (
                "shown",
                self.shown <= score.value,
                "must not be greater than the score",
            ),
            (
                "shown",
                !self.exact || self.shown == score.value,
                "must be the score if exact is true",
            ),
            (
                "as_of",
                self.as_of >= score.issued_at,
                "must not be earlier than issued_at",
            ),
            (
                "as_of",
                self.as_of < score.expires_at,
                "must be earlier than expires_at: the score has expired",
            ),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((field, _, rule)) => Err(InvalidValue { field, rule }),
        }
    }
}

fn check_score(field: &'static str, score: u32) -> Result<(), InvalidValue> {
    if score >> SCORE_BITS == 0 {
        Ok(())
    } else {
        Err(InvalidValue {
            field,
            rule: "must be below 2^20",
        })
    }
}
