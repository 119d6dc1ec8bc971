//! Compares transactions before they are final, and those about which nothing is decided.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_store::{ContestState, ContestedTransaction, Slot};

use super::verdict::Verdict;
use super::{Judging, MAX_CANDIDATES, MAX_OPEN, Suspect, UNKNOWN_VERSION};
use crate::IndexerError;
use crate::chain::{ListedTransaction, NodeVersion, Source};
use crate::follow::Follower;

/// The time between two comparisons of a transaction about which nothing is decided.
const RETRY: Duration = Duration::from_mins(1);
/// The time between two comparisons of a transaction that no second node has answered for.
const RETRY_UNANSWERED: Duration = Duration::from_secs(2);

impl<S: Source> Follower<S> {
    /// Records which of the listed transactions after the finalized slot only one node lists. They
    /// are compared before they are final.
    pub(in crate::follow) fn record_suspects(&mut self, floor: Option<Slot>, listed: &[ListedTransaction]) {
        let is_open = |entry: &&ListedTransaction| {
            entry.may_have_events() && floor.is_none_or(|floor| entry.slot > floor)
        };
        let entries: HashMap<_, _> = listed
            .iter()
            .filter(is_open)
            .map(|entry| ((entry.slot, entry.signature), *entry))
            .collect();
        let keys: Vec<_> = entries.keys().copied().collect();
        let by_one: BTreeSet<_> = self.source.listed_by_one(&keys).into_iter().collect();
        let suspects = &mut self.contests.suspects;
        suspects.retain(|key, _| by_one.contains(key) || !entries.contains_key(key));
        for key in by_one {
            if let Some(entry) = entries.get(&key)
                && (suspects.len() < MAX_OPEN || suspects.contains_key(&key))
            {
                suspects.entry(key).or_insert(Suspect {
                    entry: *entry,
                    since: Instant::now(),
                    compared_at: None,
                    is_judged: false,
                });
            }
        }
    }

    /// Compares what the nodes have of transactions that only one of them lists, and of those about
    /// which nothing is decided. Returns whether rows were rolled back. The requests run beside the
    /// steps.
    ///
    /// Only slots up to `finalized` are compared: the forks of newer ones can differ.
    pub(in crate::follow) async fn judge(
        &mut self,
        finalized: Slot,
        floor: Option<Slot>,
    ) -> Result<bool, IndexerError> {
        let mut is_changed = false;
        if let Some(mut judging) = self
            .contests
            .judging
            .take_if(|judging| judging.task.is_finished())
        {
            let versions = (&mut judging.task).await.unwrap_or_default();
            let entries = std::mem::take(&mut judging.entries);
            for (entry, versions) in entries.into_iter().zip(versions) {
                is_changed |= self.apply_verdict(entry, &versions).await?;
            }
        }
        self.begin_judging(finalized, floor);
        Ok(is_changed)
    }

    fn begin_judging(&mut self, finalized: Slot, floor: Option<Slot>) {
        if self.contests.judging.is_some() {
            return;
        }
        let now = Instant::now();
        let limit = self.settings.contest_after;
        let contests = &mut self.contests;
        let mut entries = Vec::new();
        let open = contests.suspects.values_mut();
        for suspect in open.filter(|suspect| !suspect.is_judged && suspect.entry.slot <= finalized) {
            // No second node has answered, so one decides alone.
            suspect.is_judged = suspect.since.elapsed() >= limit;
            let is_due = suspect
                .compared_at
                .is_none_or(|last| last.elapsed() >= RETRY_UNANSWERED);
            if !suspect.is_judged && is_due && entries.len() < MAX_CANDIDATES / 2 {
                suspect.compared_at = Some(now);
                entries.push(suspect.entry);
            }
        }
        if contests.compared_at.is_none_or(|last| last.elapsed() >= RETRY) {
            contests.compared_at = Some(now);
            let left = MAX_CANDIDATES - entries.len();
            entries.extend(contests.open(floor).into_iter().take(left));
        }
        if entries.is_empty() {
            return;
        }
        let (source, requested) = (Arc::clone(&self.source), entries.clone());
        let task = tokio::spawn(async move { source.versions(&requested).await });
        self.contests.judging = Some(Judging { entries, task });
    }

    /// Applies what the nodes show about a transaction. Returns whether rows were rolled back.
    async fn apply_verdict(
        &mut self,
        entry: ListedTransaction,
        versions: &[NodeVersion],
    ) -> Result<bool, IndexerError> {
        let key = (entry.slot, entry.signature);
        let verdict = Verdict::of(versions);
        if verdict != Verdict::Unanswered
            && let Some(suspect) = self.contests.suspects.get_mut(&key)
        {
            suspect.is_judged = true;
        }
        let of_key = |row: &&ContestedTransaction| (row.slot, row.signature) == key;
        let rows: Vec<_> = self.contests.rows.values().filter(of_key).cloned().collect();
        match verdict {
            Verdict::Tie if rows.is_empty() => {
                let reason = "as many nodes have it as do not";
                let version = self
                    .contests
                    .fetched
                    .get(&entry.signature)
                    .map(|(_, version)| *version);
                let version = version.or_else(|| versions.iter().find_map(|node| node.version));
                if let Some(version) = version.filter(|_| self.contests.rows.len() < MAX_OPEN) {
                    let row = self.row(&entry, version, versions, ContestState::Kept, reason);
                    self.set_versions_aside(vec![row]).await?;
                }
                Ok(false)
            }
            Verdict::Unanswered | Verdict::Tie => Ok(false),
            Verdict::Version(right) => {
                let reason = "two nodes do not have it";
                let mut wrong = self.outvoted(&entry, versions, right, reason);
                let is_right = |row: &ContestedTransaction| {
                    Some(row.version) == right || (row.version == UNKNOWN_VERSION && right.is_some())
                };
                for row in rows.iter().filter(|row| !is_right(row)) {
                    let is_known = wrong.iter().any(|wrong| wrong.version == row.version);
                    if row.state != ContestState::Undone && !is_known {
                        wrong.push(ContestedTransaction {
                            state: ContestState::Undone,
                            ..row.clone()
                        });
                    }
                }
                let right: Vec<_> = rows.iter().filter(|row| is_right(row)).cloned().collect();
                let is_again = right.iter().any(|row| row.state != ContestState::Kept);
                self.apply_again(right).await?;
                if wrong.is_empty() {
                    return Ok(is_again);
                }
                self.set_versions_aside(wrong).await?;
                Ok(true)
            }
        }
    }
}
