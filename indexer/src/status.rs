//! How the indexer stands, for /ready, logs and whoever asks.

use std::time::{Duration, Instant};

use bauta_store::{Position, Slot};
use tokio::sync::watch;

use crate::chain::Head;
use crate::{IndexerError, metrics};

/// What this replica does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// It has not yet asked who leads.
    #[default]
    Starting,
    /// Another replica writes; this one takes over when that one ends.
    Standby,
    /// It writes.
    Leader,
}

/// What keeps the checkpoint from moving.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Why.
    pub reason: String,
    /// Whether it goes by itself (a node or the database is away).
    pub is_transient: bool,
}

/// How the indexer stands.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What this replica does.
    pub role: Role,
    /// Up to where the database follows.
    pub checkpoint: Option<Position>,
    /// The chain's newest slots.
    pub head: Option<Head>,
    /// What keeps the checkpoint from moving, if anything does.
    pub trouble: Option<Trouble>,
    /// When the checkpoint was last at the head.
    pub level_at: Option<Instant>,
}

impl Status {
    /// Whether readers can rely on the database to be as new as `max_lag` allows. Otherwise why not.
    pub fn ready(&self, max_lag: Duration) -> Result<(), String> {
        match (self.role, &self.trouble) {
            (_, Some(trouble)) if !trouble.is_transient => {
                return Err(format!(
                    "the checkpoint is stopped at {}: {}; what is before it is known good and stays",
                    place(self.checkpoint),
                    trouble.reason
                ));
            }
            (Role::Starting, None) => return Err("the database has not been reached yet".into()),
            (Role::Standby, None) => return Ok(()),
            (Role::Starting | Role::Standby, Some(trouble)) => return Err(trouble.reason.clone()),
            (Role::Leader, _) => {}
        }
        let why = self
            .trouble
            .as_ref()
            .map_or_else(String::new, |trouble| format!("; {}", trouble.reason));
        match self.level_at.map(|at| at.elapsed()) {
            None => Err(format!("reading history in, at {}{why}", place(self.checkpoint))),
            Some(lag) if lag > max_lag => Err(format!(
                "{} s behind the chain, at {}; at most {} s are allowed{why}",
                lag.as_secs(),
                place(self.checkpoint),
                max_lag.as_secs()
            )),
            Some(_) => Ok(()),
        }
    }
}

impl Status {
    /// Seconds since the checkpoint was last at the head; infinite before it has been.
    fn lag_seconds(&self) -> f64 {
        self.level_at
            .map_or(f64::INFINITY, |at| at.elapsed().as_secs_f64())
    }
}

fn place(checkpoint: Option<Position>) -> String {
    checkpoint.map_or_else(|| "the beginning".into(), |at| format!("slot {}", at.slot))
}

/// Where the status is written, with the metrics and the log that go with it.
pub struct Reporter {
    sender: watch::Sender<Status>,
}

impl Reporter {
    pub fn new() -> (Self, watch::Receiver<Status>) {
        let (sender, receiver) = watch::channel(Status::default());
        (Self { sender }, receiver)
    }

    pub fn role(&self, role: Role) {
        metrics::leader(role == Role::Leader);
        self.sender.send_modify(|status| {
            if status.role != role {
                tracing::info!(event = "role", ?role);
                status.level_at = None;
            }
            status.role = role;
            status.trouble = None;
        });
    }

    /// Where the database is, though it can't go on.
    pub fn reached(&self, checkpoint: Option<Position>) {
        self.sender.send_modify(|status| status.checkpoint = checkpoint);
    }

    pub fn progress(&self, checkpoint: Option<Position>, head: Head) {
        self.sender.send_modify(|status| {
            let is_level = checkpoint.is_some_and(|at| at.slot >= head.confirmed);
            if is_level {
                status.level_at = Some(Instant::now());
            }
            if status.trouble.take().is_some() {
                tracing::info!(event = "going_on", checkpoint = place(checkpoint));
            }
            status.checkpoint = checkpoint;
            status.head = Some(head);
            let seconds = status.lag_seconds();
            metrics::lag(
                checkpoint.map_or(Slot::ZERO, |at| at.slot),
                head.confirmed,
                seconds,
            );
        });
        metrics::stopped(false);
    }

    /// Tells of trouble once, however often the same comes again.
    pub fn trouble(&self, error: &IndexerError) {
        let trouble = Trouble {
            reason: error.to_string(),
            is_transient: error.is_transient(),
        };
        metrics::stopped(!trouble.is_transient);
        self.sender.send_modify(|status| {
            // a node that is away tells of no new slots, but time goes on
            metrics::lag_seconds(status.lag_seconds());
            if status.trouble.as_ref() != Some(&trouble) {
                let (checkpoint, reason) = (place(status.checkpoint), &trouble.reason);
                if trouble.is_transient {
                    tracing::warn!(event = "waiting", checkpoint, reason);
                } else {
                    tracing::error!(event = "stopped", checkpoint, reason);
                }
            }
            status.trouble = Some(trouble);
        });
    }
}
