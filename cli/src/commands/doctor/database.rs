//! The database of an indexer.

use bauta_client::ClusterTag;
use bauta_store::{Store, StoreError, newest_migration};

use super::Finding::{self, Good, Notice, Problem};
use crate::{chain::LEVEL, clock, context::Context};

/// The number of slots that an indexer may be behind its node: a minute.
const MAX_LAG: u64 = 150;

/// Checks the schema of the database, the cluster that it follows, how far it has followed, and its
/// clock. The password of the URL is never shown.
pub async fn check(context: &Context, url: &str) -> Vec<(&'static str, Finding)> {
    let store = match connect(url).await {
        Ok(store) => store,
        Err(error) => {
            let next =
                "start the database, correct --database, or run the migrations with `bauta-indexer migrate`";
            return vec![("database", Problem(shown(&error), next))];
        }
    };
    let mut findings = vec![("database", followed(context, &store).await)];
    if let (Ok(own), Ok(of_database)) = (clock::now(), store.clock().await) {
        findings.push(("database clock", clock_finding(own - of_database)));
    }
    findings
}

async fn connect(url: &str) -> Result<Store, StoreError> {
    let store = Store::connect(url, 1).await?;
    store.check_schema().await?;
    Ok(store)
}

/// Returns the text of an error. Errors of the store have no URL, and thus no password.
fn shown(error: &StoreError) -> String {
    error.to_string().escape_debug().to_string()
}

async fn followed(context: &Context, store: &Store) -> Finding {
    let read = async { Ok::<_, StoreError>((store.genesis_hash().await?, store.freshness().await?)) };
    let (genesis, freshness) = match read.await {
        Ok(read) => read,
        Err(error) => return Problem(shown(&error), "see the log of the database"),
    };
    let schema = format!("schema of this version ({})", newest_migration());
    let (Some(genesis), Some(slot)) = (genesis, freshness.slot) else {
        return Notice(
            format!("{schema}, without any slot"),
            "start the indexer: see docs/indexer.md",
        );
    };
    let found = format!("{schema}, at slot {}", slot.get());
    let (Ok(of_node), Ok(newest)) = (context.rpc.genesis_hash().await, context.rpc.slot(LEVEL).await) else {
        return Notice(
            found,
            "the node is unreachable, so nothing can be compared with it",
        );
    };
    if ClusterTag::new(genesis) != ClusterTag::new(of_node.to_bytes()) {
        return Problem(
            format!("{found}, of a cluster other than that of the node"),
            "correct --cluster or --database",
        );
    }
    let lag = newest.saturating_sub(slot.get());
    if lag > MAX_LAG {
        return Problem(
            format!("{found}, {lag} slots behind the node"),
            "start the indexer, or see its log and docs/runbook.md",
        );
    }
    Good(format!("{found}, {lag} slots behind the node"))
}

fn clock_finding(difference: i64) -> Finding {
    let found = format!("{difference} s before the database");
    if difference.abs() <= clock::MAX_DIFFERENCE {
        Good(found)
    } else {
        Notice(found, "set the clocks of both machines, for example with NTP")
    }
}
