//! What the rollups in Postgres say.

use anyhow::Result;
use bauta_store::Address as StoreAddress;
use bauta_store::analytics::Every;

use crate::{Story, TRACKS};

/// The span asked for: a day back, and what is left of this one.
const DAY: i64 = 86_400;

/// Prints the analytics of the story's scope and registry.
pub async fn show(story: &Story) -> Result<()> {
    let (show, store) = (&story.show, &story.database.store);
    let now = story.chain.time().await?;
    let (from, to) = (now - DAY, now + DAY);
    let registry = store
        .registry(StoreAddress(story.registry.address.to_bytes()))
        .await?;
    let scope = StoreAddress(story.scope.address.to_bytes());
    for uses in store.uses_of_scope(scope, Every::Hour, from, to).await? {
        show.fact("this hour in the scope: proofs accepted", uses.verifications);
        show.fact("  failed transactions with a used nullifier", uses.refused);
        if let (Some(least), Some(mean)) = (uses.anonymity_set_min, uses.anonymity_set_mean) {
            show.fact(
                "  anonymity set at a verification",
                format!("{least} at least, {mean} in the mean"),
            );
        }
    }
    for track in TRACKS {
        let owners = store.anonymity_set(&registry, track).await?;
        let growth = store.growth(&registry, track, from, to).await?;
        let registered: u64 = growth.iter().map(|day| day.registered).sum();
        let renewed: u64 = growth.iter().map(|day| day.renewed).sum();
        show.fact(
            &format!("track {track}: owners now"),
            format!("{owners}; {registered} registered, {renewed} anew"),
        );
    }
    let first = store.first_use(&registry, from, to).await?;
    if let Some(median) = first.median {
        show.fact("from a root's beginning to its first use", format!("{median} s"));
    }
    Ok(())
}
