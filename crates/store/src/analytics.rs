//! Analytics of verifications and growth, from the rollups that [`Store::apply`] keeps. Times are
//! Unix seconds. docs/store.md lists the same queries as SQL for operators.

use std::ops::Range;

use solana_address::Address;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::uint64::Uint64;
use crate::values::{time, unsigned};
use crate::{Registry, Store, StoreError};

/// The period that one row of a rollup covers, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Period {
    /// 60 minutes from the full hour.
    Hour,
    /// 24 hours from midnight.
    Day,
}

/// The verifications in one hour or day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerificationCounts {
    /// The start of the hour or day.
    pub start: i64,
    /// The number of accepted proofs.
    pub verifications: u64,
    /// The number of transactions that failed because their nullifier was used before.
    pub refused: u64,
    /// The number of verifications with an anonymity set that is too small to be recorded. The next
    /// fields do not include them.
    pub small_anonymity_sets: u64,
    /// The smallest recorded anonymity set of a verification. `None` if none is recorded.
    pub anonymity_set_min: Option<u64>,
    /// The mean of the recorded anonymity sets, rounded down. `None` if none is recorded.
    pub anonymity_set_mean: Option<u64>,
}

/// The changes among the holders of a track in one day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Growth {
    /// The start of the day.
    pub start: i64,
    /// The number of tokens that registered for the first time.
    pub registered: u64,
    /// The number of registrations that replaced an earlier leaf of the same token.
    pub renewed: u64,
    /// The number of evicted tokens.
    pub evicted: u64,
}

/// The time from a root becoming current to the first verification against it, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FirstVerificationDelay {
    /// The number of roots with a verification.
    pub roots: u64,
    /// The median. `None` if there are no such roots.
    pub median: Option<u64>,
    /// The 95th percentile. `None` if there are no such roots.
    pub p95: Option<u64>,
}

fn verification_counts(row: &PgRow) -> Result<VerificationCounts, StoreError> {
    let optional = |column: &str| row.get::<Option<i64>, _>(column).map(unsigned).transpose();
    Ok(VerificationCounts {
        start: row.get("start"),
        verifications: unsigned(row.get("verifications"))?,
        refused: unsigned(row.get("refused"))?,
        small_anonymity_sets: unsigned(row.get("small_anonymity_sets"))?,
        anonymity_set_min: optional("anonymity_set_min")?,
        anonymity_set_mean: optional("anonymity_set_mean")?,
    })
}

impl Store {
    /// Counts the verifications of a scope by hour or day. Returns the periods that start within
    /// `span` and have a verification or a refusal, in order.
    pub async fn verification_counts_of_scope(
        &self,
        scope: Address,
        period: Period,
        span: Range<i64>,
    ) -> Result<Vec<VerificationCounts>, StoreError> {
        let condition = "scope_id = (SELECT id FROM scopes WHERE address = $1)";
        let rows = sqlx::query(AssertSqlSafe(period.count_verifications(condition)))
            .bind(scope.to_bytes())
            .bind(time(span.start)?)
            .bind(time(span.end)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(verification_counts).collect()
    }

    /// Counts the verifications of a track in all scopes, like
    /// [`Store::verification_counts_of_scope`].
    pub async fn verification_counts_of_track(
        &self,
        track: u64,
        period: Period,
        span: Range<i64>,
    ) -> Result<Vec<VerificationCounts>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(period.count_verifications("track_id = $1")))
            .bind(Uint64(track))
            .bind(time(span.start)?)
            .bind(time(span.end)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(verification_counts).collect()
    }

    /// Counts the verifications of all scopes, like [`Store::verification_counts_of_scope`].
    pub async fn verification_counts_of_all(
        &self,
        period: Period,
        span: Range<i64>,
    ) -> Result<Vec<VerificationCounts>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(period.count_verifications("$1::bool")))
            .bind(true)
            .bind(time(span.start)?)
            .bind(time(span.end)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(verification_counts).collect()
    }

    /// Returns the number of distinct owners that a track has now. A member who proves the track is
    /// one of them.
    pub async fn anonymity_set(&self, registry: &Registry, track: u64) -> Result<u64, StoreError> {
        let owners: Option<i32> = sqlx::query_scalar("SELECT present_anonymity_set($1, $2)")
            .bind(registry.id)
            .bind(Uint64(track))
            .fetch_one(&self.pool)
            .await?;
        unsigned(owners.unwrap_or(0).into())
    }

    /// Counts the registrations and evictions of a track by day. Returns the days with a change,
    /// from the day of `span.start` up to and without `span.end`.
    pub async fn growth(
        &self,
        registry: &Registry,
        track: u64,
        span: Range<i64>,
    ) -> Result<Vec<Growth>, StoreError> {
        let rows = sqlx::query(
            "SELECT extract(epoch FROM day)::bigint AS start, registered, renewed, evicted FROM growth_by_day
             WHERE registry_id = $1 AND track_id = $2
               AND day >= (to_timestamp($3::bigint) AT TIME ZONE 'UTC')::date
               AND day < (to_timestamp($4::bigint) AT TIME ZONE 'UTC')
             ORDER BY day",
        )
        .bind(registry.id)
        .bind(Uint64(track))
        .bind(time(span.start)?)
        .bind(time(span.end)?)
        .fetch_all(&self.pool)
        .await?;
        let growth = |row: &PgRow| {
            Ok(Growth {
                start: row.get("start"),
                registered: unsigned(row.get("registered"))?,
                renewed: unsigned(row.get("renewed"))?,
                evicted: unsigned(row.get("evicted"))?,
            })
        };
        rows.iter().map(growth).collect()
    }

    /// Measures the delay of the first verification for the roots that became current within
    /// `span`.
    pub async fn first_verification_delay(
        &self,
        registry: &Registry,
        span: Range<i64>,
    ) -> Result<FirstVerificationDelay, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS roots,
                    percentile_disc(0.5) WITHIN GROUP (ORDER BY delay) AS median,
                    percentile_disc(0.95) WITHIN GROUP (ORDER BY delay) AS p95
             FROM (SELECT extract(epoch FROM first_used_at - created_at)::bigint AS delay FROM roots
                   WHERE registry_id = $1 AND first_used_at IS NOT NULL
                     AND created_at >= to_timestamp($2::bigint) AND created_at < to_timestamp($3::bigint)) d",
        )
        .bind(registry.id)
        .bind(time(span.start)?)
        .bind(time(span.end)?)
        .fetch_one(&self.pool)
        .await?;
        let optional = |column: &str| row.get::<Option<i64>, _>(column).map(unsigned).transpose();
        Ok(FirstVerificationDelay {
            roots: unsigned(row.get("roots"))?,
            median: optional("median")?,
            p95: optional("p95")?,
        })
    }
}

impl Period {
    /// Returns a query for the rows that meet a condition on `$1`, with a period that starts at or
    /// after `$2` and before `$3`.
    fn count_verifications(self, condition: &str) -> String {
        let period = match self {
            Self::Hour => "hour",
            Self::Day => "day",
        };
        format!(
            "SELECT extract(epoch FROM {period})::bigint AS start,
                    sum(verifications)::bigint AS verifications, sum(refused)::bigint AS refused,
                    sum(small_anonymity_sets)::bigint AS small_anonymity_sets,
                    min(anonymity_set_min)::bigint AS anonymity_set_min,
                    floor(sum(anonymity_set_sum) / nullif(sum(anonymity_sets), 0))::bigint AS anonymity_set_mean
             FROM verifications_by_{period}
             WHERE {condition} AND {period} >= to_timestamp($2::bigint) AND {period} < to_timestamp($3::bigint)
             GROUP BY {period} ORDER BY {period}"
        )
    }
}
