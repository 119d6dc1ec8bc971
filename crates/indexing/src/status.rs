//! The status of the indexer, for `/ready`, metrics and logs.

use std::time::{Duration, Instant};

use bauta_store::{Position, Slot};
use tokio::sync::watch;

use crate::chain::Head;
use crate::{IndexerError, metrics};

/// What this replica does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// It has not tried to become the leader yet.
    #[default]
    Starting,
    /// Another replica is the leader. This one takes over when the leader ends.
    Standby,
    /// It writes.
    Leader,
}

/// The reason why the checkpoint does not move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StopReason {
    /// A message for operators, without errors of the database: the log has those.
    pub message: String,
    /// Whether the reason can end without an operator: a node or the database is unavailable.
    pub is_retryable: bool,
}

/// The status of the indexer.
#[derive(Clone, Debug, Default)]
pub struct IndexerStatus {
    /// What this replica does.
    pub role: Role,
    /// The checkpoint of the database. `None` if no batch has been applied.
    pub checkpoint: Option<Position>,
    /// The newest slots of the chain. `None` if they have not been read yet.
    pub head: Option<Head>,
    /// The reason why the checkpoint does not move. `None` while it does.
    pub stop_reason: Option<StopReason>,
    /// When the checkpoint was last at the head.
    pub caught_up_at: Option<Instant>,
    /// The newest final slot: no fork can undo it. `None` if no slot is final, or on a standby.
    pub finalized: Option<Slot>,
    /// The slot up to which the database agrees with the program's accounts, so that no transaction
    /// is missing. `None` if they have not been compared, or on a standby.
    pub reconciled: Option<Slot>,
    /// The number of listed transactions that no node returns. The database continues without them.
    pub quarantined: usize,
    /// The number of versions of transactions that nodes contradict and that are set aside, while
    /// nothing shows that they are wrong.
    pub contested_aside: usize,
    /// The number of those that are applied.
    pub contested_kept: usize,
    /// Since when the lists of only one of several nodes count. `None` if those of two do.
    pub single_node_since: Option<Instant>,
    /// The slot of the transaction that stops finality, because nodes contradict it.
    pub disputed_slot: Option<Slot>,
    /// When `reconciled` last moved, or when this replica became the leader.
    pub reconciled_at: Option<Instant>,
}

impl IndexerStatus {
    /// Returns `Ok` if the database lags by at most `max_lag`, so that readers can rely on it.
    /// Otherwise returns the reason.
    ///
    /// A standby replica is ready, because the leader serves the database.
    pub fn ready(&self, max_lag: Duration) -> Result<(), String> {
        match (self.role, &self.stop_reason) {
            (_, Some(stop)) if !stop.is_retryable => {
                return Err(format!(
                    "the checkpoint is stopped at {}: {}; the data up to the checkpoint is complete and remains available",
                    checkpoint_text(self.checkpoint),
                    stop.message
                ));
            }
            (Role::Starting, None) => return Err("the database has not been reached yet".into()),
            (Role::Standby, None) => return Ok(()),
            (Role::Starting | Role::Standby, Some(stop)) => return Err(stop.message.clone()),
            (Role::Leader, _) => {}
        }
        if self.contested_aside > 0 {
            return Err(format!(
                "nodes contradict each other about {} transactions, which are set aside until more nodes or the \
                 accounts decide; rows may be missing; `bauta-indexer status` names them; compare the nodes, and add one",
                self.contested_aside
            ));
        }
        let reason = self
            .stop_reason
            .as_ref()
            .map_or_else(String::new, |stop| format!("; {}", stop.message));
        match self.caught_up_at.map(|at| at.elapsed()) {
            None => Err(format!(
                "reading the history, at {}{reason}",
                checkpoint_text(self.checkpoint)
            )),
            Some(lag) if lag > max_lag => Err(format!(
                "{} s behind the chain, at {}; the limit is {} s{reason}",
                lag.as_secs(),
                checkpoint_text(self.checkpoint),
                max_lag.as_secs()
            )),
            Some(_) => Ok(()),
        }
    }

    /// Returns `Ok` if the comparison of the database with the program's accounts makes progress.
    /// Otherwise returns both watermarks. The comparison is a second proof that no transaction is
    /// missing, so the database can be used without it.
    pub fn reconciling(&self, max_pause: Duration) -> Result<(), String> {
        match self.reconciled_at.map(|at| at.elapsed()) {
            Some(pause) if self.role == Role::Leader && pause > max_pause => Err(format!(
                "no fork can undo {}, but the accounts have been compared only up to {}, {} s ago; check that a node \
                 returns them (getProgramAccounts)",
                slot_text(self.finalized),
                slot_text(self.reconciled),
                pause.as_secs()
            )),
            _ => Ok(()),
        }
    }

    /// Returns `Ok` if the database contains every listed transaction. Otherwise returns how many
    /// are in the quarantine.
    pub fn complete(&self) -> Result<(), String> {
        match self.quarantined {
            0 => Ok(()),
            count => Err(format!(
                "no node returns {count} listed transactions, and the database continues without them; \
                 `bauta-indexer status` names them; add a node with full history"
            )),
        }
    }

    /// Returns `Ok` unless nodes contradict each other about applied transactions, and nothing
    /// decides.
    pub fn uncontested(&self) -> Result<(), String> {
        match self.contested_kept {
            0 => Ok(()),
            count => Err(format!(
                "nodes contradict each other about {count} applied transactions, and nothing shows which is right; \
                 `bauta-indexer status` names them; compare the nodes, and add one"
            )),
        }
    }

    /// Returns `Ok` if two nodes have listed the transactions, or if there is only one node.
    /// Otherwise returns for how long one node has decided alone which transactions exist.
    pub fn listed_by_two(&self, max_pause: Duration) -> Result<(), String> {
        match self.single_node_since.map(|since| since.elapsed()) {
            Some(pause) if pause >= max_pause => Err(format!(
                "only one node has listed transactions for {} s, and what it omits is missing; check the other nodes, or                  add one",
                pause.as_secs()
            )),
            _ => Ok(()),
        }
    }

    /// Returns `Ok` unless nodes contradict each other about a slot, so that no later slot becomes
    /// final.
    pub fn undisputed(&self) -> Result<(), String> {
        match self.disputed_slot {
            None => Ok(()),
            Some(slot) => Err(format!(
                "no slot from {slot} on becomes final, because a node reports its transactions as finalized in another                  slot or with another outcome, and no other node confirms the rows; compare the nodes, and add one"
            )),
        }
    }

    /// Returns the seconds since the checkpoint was last at the head. Infinite if it never was.
    fn lag_seconds(&self) -> f64 {
        self.caught_up_at
            .map_or(f64::INFINITY, |at| at.elapsed().as_secs_f64())
    }
}

fn slot_text(slot: Option<Slot>) -> String {
    slot.map_or_else(|| "the beginning".into(), |slot| format!("slot {slot}"))
}

fn checkpoint_text(checkpoint: Option<Position>) -> String {
    slot_text(checkpoint.map(|at| at.slot))
}

/// Writes the status, and the metrics and log events that go with it.
pub struct Reporter {
    sender: watch::Sender<IndexerStatus>,
}

impl Reporter {
    pub fn new() -> (Self, watch::Receiver<IndexerStatus>) {
        let (sender, receiver) = watch::channel(IndexerStatus::default());
        (Self { sender }, receiver)
    }

    /// Sets the role and clears the stop reason.
    pub fn role(&self, role: Role) {
        metrics::leader(role == Role::Leader);
        self.sender.send_modify(|status| {
            if status.role != role {
                tracing::info!(event = "role_changed", ?role);
                status.caught_up_at = None;
                (status.finalized, status.reconciled) = (None, None);
                status.quarantined = 0;
                (status.contested_aside, status.contested_kept) = (0, 0);
                (status.single_node_since, status.disputed_slot) = (None, None);
                status.reconciled_at = (role == Role::Leader).then(Instant::now);
            }
            status.role = role;
            status.stop_reason = None;
        });
    }

    /// Sets the checkpoint while the checkpoint is stopped.
    pub fn stopped_at(&self, checkpoint: Option<Position>) {
        self.sender.send_modify(|status| status.checkpoint = checkpoint);
    }

    /// Sets the checkpoint and the head after a successful step, and clears the stop reason.
    pub fn progress(&self, checkpoint: Option<Position>, head: Head) {
        self.sender.send_modify(|status| {
            // If the nodes are behind the database, nothing shows how far the chain is.
            if checkpoint.is_some_and(|at| at.slot == head.confirmed) {
                status.caught_up_at = Some(Instant::now());
            }
            if status.stop_reason.take().is_some() {
                tracing::info!(event = "resumed", checkpoint = checkpoint_text(checkpoint));
            }
            status.checkpoint = checkpoint;
            status.head = Some(head);
            let slot = checkpoint.map_or(Slot::ZERO, |at| at.slot);
            metrics::lag(slot, head.confirmed, status.lag_seconds());
        });
        metrics::stopped(false);
    }

    /// Sets the slot up to which the database is final, and the slot up to which it agrees with the
    /// program's accounts.
    pub fn watermarks(&self, finalized: Option<Slot>, reconciled: Option<Slot>) {
        finalized.into_iter().for_each(metrics::finalized);
        reconciled.into_iter().for_each(metrics::reconciled);
        self.sender.send_modify(|status| {
            if status.reconciled != reconciled {
                status.reconciled_at = Some(Instant::now());
            }
            (status.finalized, status.reconciled) = (finalized, reconciled);
        });
    }

    /// Sets whether the lists of only one of several nodes count, and the slot of the transaction
    /// that stops finality.
    pub fn agreement(&self, is_single_node: bool, disputed_slot: Option<Slot>) {
        metrics::single_node(is_single_node);
        self.sender.send_modify(|status| {
            let since = status.single_node_since.unwrap_or_else(Instant::now);
            status.single_node_since = is_single_node.then_some(since);
            status.disputed_slot = disputed_slot;
        });
    }

    /// Sets the number of transactions in the quarantine.
    pub fn quarantined(&self, count: usize) {
        self.sender.send_modify(|status| status.quarantined = count);
    }

    /// Sets the numbers of contested versions that are set aside, and that are applied.
    pub fn contested(&self, (aside, kept): (usize, usize)) {
        self.sender.send_modify(|status| {
            (status.contested_aside, status.contested_kept) = (aside, kept);
        });
    }

    /// Sets the stop reason. Logs it only if it differs from the present one.
    pub fn stop(&self, error: &IndexerError) {
        let reason = StopReason {
            message: error.public_text(),
            is_retryable: error.is_retryable(),
        };
        metrics::stopped(!reason.is_retryable);
        self.sender.send_modify(|status| {
            // An unavailable node reports no new slots, so only the lag in seconds grows.
            metrics::lag_seconds(status.lag_seconds());
            if status.stop_reason.as_ref() != Some(&reason) {
                let checkpoint = checkpoint_text(status.checkpoint);
                if reason.is_retryable {
                    tracing::warn!(event = "waiting", checkpoint, reason = %error);
                } else {
                    tracing::error!(event = "stopped", checkpoint, reason = %error);
                }
            }
            status.stop_reason = Some(reason);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_are_behind_the_database_do_not_show_that_it_is_at_the_head() {
        let (reporter, status) = Reporter::new();
        reporter.role(Role::Leader);
        let head = |confirmed| Head {
            confirmed: Slot::new(confirmed),
            finalized: Slot::ZERO,
        };
        let checkpoint = Some(Position::end_of_slot(Slot::new(100)));
        for behind in [99, 1] {
            reporter.progress(checkpoint, head(behind));
            assert_eq!(status.borrow().caught_up_at, None);
        }
        reporter.progress(checkpoint, head(100));
        assert!(status.borrow().caught_up_at.is_some());
    }
}
