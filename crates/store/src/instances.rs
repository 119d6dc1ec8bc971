//! The processes that are connected to the database, and the one that leads.
//!
//! A process has a name in the database: `SERVICE/HOST-PID`, the `application_name` of its
//! sessions. Postgres shows these names to every role. A process that ends is no longer listed, and
//! no process writes anything to be listed.

use sqlx::Row;

use crate::leader::LOCK;
use crate::values::unsigned;
use crate::{Store, StoreError};

/// Largest number of processes that are listed.
pub const MAX_INSTANCES: u16 = 1_000;

/// A process that is connected to the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// The service, for example `bauta-indexer`. Empty for a process without a name.
    pub service: String,
    /// The name of the process among those of the service.
    pub name: String,
    /// Whether a session of the process holds the lock of the leader.
    pub is_leader: bool,
}

/// The processes that are connected to the database.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Instances(Vec<Instance>);

impl Instances {
    /// Returns the number of processes of a service.
    #[must_use]
    pub fn count(&self, service: &str) -> usize {
        self.0
            .iter()
            .filter(|instance| instance.service == service)
            .count()
    }

    /// Returns the process that leads. Its name is empty if its release has no names.
    #[must_use]
    pub fn leader(&self) -> Option<&Instance> {
        self.0.iter().find(|instance| instance.is_leader)
    }

    /// Returns the processes that have a name: the leader, and then the others by service and name.
    pub fn named(&self) -> impl Iterator<Item = &Instance> {
        self.0.iter().filter(|instance| !instance.service.is_empty())
    }
}

impl Store {
    /// Returns the processes of these services that are connected to the database, and the leader
    /// whatever its name. Returns at most [`MAX_INSTANCES`], the leader first.
    pub async fn instances(&self, services: &[&str]) -> Result<Instances, StoreError> {
        let rows = sqlx::query(
            "WITH leader AS (
                 SELECT pid FROM pg_locks
                 WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1::bigint::oid
                   AND objid = (hashtext(current_schema())::bigint & 4294967295)::oid
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
             )
             SELECT split_part(application_name, '/', 1) AS service, split_part(application_name, '/', 2) AS name,
                    bool_or(pid IN (SELECT pid FROM leader)) AS is_leader
             FROM pg_stat_activity
             WHERE datname = current_database()
               AND (split_part(application_name, '/', 1) = ANY($2) OR pid IN (SELECT pid FROM leader))
             GROUP BY 1, 2 ORDER BY is_leader DESC, service, name LIMIT $3",
        )
        .bind(i64::from(LOCK))
        .bind(services)
        .bind(i64::from(MAX_INSTANCES))
        .fetch_all(&self.pool)
        .await?;
        let instance = |row: &sqlx::postgres::PgRow| {
            let service: String = row.get("service");
            let is_named = services.contains(&service.as_str());
            Instance {
                service: if is_named { service } else { String::new() },
                name: if is_named { row.get("name") } else { String::new() },
                is_leader: row.get("is_leader"),
            }
        };
        Ok(Instances(rows.iter().map(instance).collect()))
    }

    /// Returns the milliseconds since the commit of the last transaction that this replica has
    /// replayed. It grows while the primary commits nothing. `None` on a primary, and on a replica
    /// that has replayed nothing yet.
    pub async fn replay_age_ms(&self) -> Result<Option<u64>, StoreError> {
        let age: Option<i64> = sqlx::query_scalar(
            "SELECT CASE WHEN at IS NOT NULL THEN greatest((extract(epoch FROM clock_timestamp() - at) * 1000)::bigint, 0) END
             FROM (SELECT pg_last_xact_replay_timestamp() AS at) AS replayed",
        )
        .fetch_one(&self.pool)
        .await?;
        age.map(unsigned).transpose()
    }
}
