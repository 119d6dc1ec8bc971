//! Prints the analytics that Postgres keeps as rollups.

use anyhow::Result;
use bauta_store::analytics::Period;

use crate::scenario::{Scenario, TRACKS};

/// The range of the queries: one day before now and one day after.
const DAY: i64 = 86_400;

/// Prints the analytics of the scenario's scope and registry.
pub async fn print(scenario: &Scenario) -> Result<()> {
    let (output, store) = (&scenario.output, &scenario.database.store);
    let now = scenario.chain.time().await?;
    let span = now - DAY..now + DAY;
    let registry = store.registry(scenario.registry.address).await?;
    let hours = store
        .verification_counts_of_scope(scenario.scope.address, Period::Hour, span.clone())
        .await?;
    for hour in hours {
        output.fact(
            "accepted verifications in the scope in this hour",
            hour.verifications,
        );
        output.fact("  failed transactions with a used nullifier", hour.refused);
        output.fact(
            "  with an anonymity set that is too small to be recorded",
            hour.small_anonymity_sets,
        );
        if let (Some(least), Some(mean)) = (hour.anonymity_set_min, hour.anonymity_set_mean) {
            output.fact(
                "  anonymity set at a verification",
                format!("minimum {least}, mean {mean}"),
            );
        }
    }
    for track in TRACKS {
        let owners = store.anonymity_set(&registry, track).await?;
        let growth = store.growth(&registry, track, span.clone()).await?;
        let registered: u64 = growth.iter().map(|day| day.registered).sum();
        let renewed: u64 = growth.iter().map(|day| day.renewed).sum();
        output.fact(
            &format!("track {track}: owners"),
            format!("{owners} ({registered} registrations, {renewed} renewals)"),
        );
    }
    let first = store.first_verification_delay(&registry, span).await?;
    if let Some(median) = first.median {
        output.fact(
            "median time from a root to its first verification",
            format!("{median} s"),
        );
    }
    Ok(())
}
