//! Questions about use and growth, answered from rollups that [`Store::apply`](crate::Store::apply) keeps. Times are Unix
//! seconds; a span goes from `from` up to but not including `to`. The SQL is in docs/store.md too.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::values::{time, unsigned};
use crate::{Address, Registry, Store, StoreError};

/// Hours or days (UTC).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Every {
    /// By hour.
    Hour,
    /// By day.
    Day,
}

/// Uses in one hour or day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uses {
    /// When the hour or day begins.
    pub begins: i64,
    /// Proofs accepted.
    pub verifications: u64,
    /// Failed transactions that brought a nullifier already used.
    pub refused: u64,
    /// The smallest anonymity set of a verification, where it is known of any.
    pub anonymity_set_min: Option<u64>,
    /// The mean anonymity set, rounded down, where it is known of any.
    pub anonymity_set_mean: Option<u64>,
}

/// Changes among a track's holders in one day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Growth {
    /// When the day begins.
    pub begins: i64,
    /// Tokens that registered for the first time.
    pub registered: u64,
    /// Registrations over an earlier leaf of the same token.
    pub renewed: u64,
    /// Tokens evicted.
    pub evicted: u64,
}

/// Seconds from a root's becoming current to the first verification against it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FirstUse {
    /// Roots of the span that have been used.
    pub roots: u64,
    /// The median.
    pub median: Option<u64>,
    /// 95 of 100 are at most this.
    pub p95: Option<u64>,
}

fn uses(row: &PgRow) -> Result<Uses, StoreError> {
    let optional = |column: &str| row.get::<Option<i64>, _>(column).map(unsigned).transpose();
    Ok(Uses {
        begins: row.get("begins"),
        verifications: unsigned(row.get("verifications"))?,
        refused: unsigned(row.get("refused"))?,
        anonymity_set_min: optional("anonymity_set_min")?,
        anonymity_set_mean: optional("anonymity_set_mean")?,
    })
}

impl Store {
    /// Uses of a scope, by hour or day.
    pub async fn uses_of_scope(
        &self,
        scope: Address,
        every: Every,
        from: i64,
        to: i64,
    ) -> Result<Vec<Uses>, StoreError> {
        let whose = "scope_id = (SELECT id FROM scopes WHERE address = $1)";
        let rows = sqlx::query(AssertSqlSafe(every.uses(whose)))
            .bind(scope.0.as_slice())
            .bind(time(from)?)
            .bind(time(to)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(uses).collect()
    }

    /// Uses of a track over all scopes, by hour or day.
    pub async fn uses_of_track(
        &self,
        track: u64,
        every: Every,
        from: i64,
        to: i64,
    ) -> Result<Vec<Uses>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(every.uses("track_id = $1::numeric")))
            .bind(track.to_string())
            .bind(time(from)?)
            .bind(time(to)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(uses).collect()
    }

    /// How many distinct owners a track has now: who proves to hold it is one of them.
    pub async fn anonymity_set(&self, registry: &Registry, track: u64) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT owners FROM anonymity_sets WHERE registry_id = $1 AND track_id = $2::numeric
             ORDER BY since_sequence DESC LIMIT 1",
        )
        .bind(registry.id)
        .bind(track.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map_or(Ok(0), |row| unsigned(row.get::<i32, _>("owners").into()))
    }

    /// Registrations and evictions of a track, by day.
    pub async fn growth(
        &self,
        registry: &Registry,
        track: u64,
        from: i64,
        to: i64,
    ) -> Result<Vec<Growth>, StoreError> {
        let rows = sqlx::query(
            "SELECT extract(epoch FROM day)::bigint AS begins, registered, renewed, evicted FROM growth_by_day
             WHERE registry_id = $1 AND track_id = $2::numeric
               AND day >= (to_timestamp($3::bigint) AT TIME ZONE 'UTC')::date
               AND day < (to_timestamp($4::bigint) AT TIME ZONE 'UTC')
             ORDER BY day",
        )
        .bind(registry.id)
        .bind(track.to_string())
        .bind(time(from)?)
        .bind(time(to)?)
        .fetch_all(&self.pool)
        .await?;
        let growth = |row: &PgRow| {
            Ok(Growth {
                begins: row.get("begins"),
                registered: unsigned(row.get("registered"))?,
                renewed: unsigned(row.get("renewed"))?,
                evicted: unsigned(row.get("evicted"))?,
            })
        };
        rows.iter().map(growth).collect()
    }

    /// How long roots that became current in a span waited for their first use.
    pub async fn first_use(&self, registry: &Registry, from: i64, to: i64) -> Result<FirstUse, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS roots,
                    percentile_disc(0.5) WITHIN GROUP (ORDER BY waited) AS median,
                    percentile_disc(0.95) WITHIN GROUP (ORDER BY waited) AS p95
             FROM (SELECT extract(epoch FROM first_used_at - created_at)::bigint AS waited FROM roots
                   WHERE registry_id = $1 AND first_used_at IS NOT NULL
                     AND created_at >= to_timestamp($2::bigint) AND created_at < to_timestamp($3::bigint)) w",
        )
        .bind(registry.id)
        .bind(time(from)?)
        .bind(time(to)?)
        .fetch_one(&self.pool)
        .await?;
        let optional = |column: &str| row.get::<Option<i64>, _>(column).map(unsigned).transpose();
        Ok(FirstUse {
            roots: unsigned(row.get("roots"))?,
            median: optional("median")?,
            p95: optional("p95")?,
        })
    }
}

impl Every {
    /// The question for the uses whose rows meet a condition on `$1`, in the span from `$2` to `$3`. A day that begins before
    /// the span is not in it.
    fn uses(self, condition: &str) -> String {
        let part = match self {
            Self::Hour => "hour",
            Self::Day => "day",
        };
        format!(
            "SELECT extract(epoch FROM {part})::bigint AS begins,
                    sum(verifications)::bigint AS verifications, sum(refused)::bigint AS refused,
                    min(anonymity_set_min)::bigint AS anonymity_set_min,
                    floor(sum(anonymity_set_sum) / nullif(sum(anonymity_sets), 0))::bigint AS anonymity_set_mean
             FROM verifications_by_{part}
             WHERE {condition} AND {part} >= to_timestamp($2::bigint) AND {part} < to_timestamp($3::bigint)
             GROUP BY {part} ORDER BY {part}"
        )
    }
}
