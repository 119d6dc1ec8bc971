//! Progress of jobs, from whichever instance works on them to whoever asks.
//!
//! ```text
//!   worker --NOTIFY--> Postgres --LISTEN--> Events (one connection an instance) --bounded channel--> subscribers
//! ```
//!
//! A subscriber that is too slow loses messages, not memory: it then looks at the job itself.

use std::time::Duration;

use bauta_service::Service;
use bauta_store::{JOB_CHANNEL, Job, JobState, Store, StoreError};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use utoipa::ToSchema;

use crate::proof::ProveAnswer;

/// Messages that a subscriber may be behind.
const CAPACITY: usize = 1024;
/// A subscriber looks at its job itself this often: a message can be lost while the connection is away.
const LOOK: Duration = Duration::from_secs(5);

/// What the jobs' table announces.
#[derive(Clone, Deserialize)]
struct Message {
    id: String,
    state: String,
    stage: Option<String>,
    progress: Option<f64>,
}

/// How far a job is.
#[derive(Clone, PartialEq, Serialize, ToSchema)]
pub struct News {
    /// `queued`, `running`, `proving`, `succeeded`, `failed` or `cancelled`.
    pub stage: String,
    /// From 0 to 1.
    pub progress: f64,
}

/// Where subscribers come.
#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Message>,
    store: Store,
}

impl Events {
    /// Listens until the service ends.
    pub async fn listen(store: &Store, service: &Service) -> Result<Self, StoreError> {
        let mut listener = PgListener::connect_with(store.pool()).await?;
        listener.listen(JOB_CHANNEL).await?;
        let (sender, _) = broadcast::channel(CAPACITY);
        let (messages, shutdown) = (sender.clone(), service.shutdown());
        service.spawn("the listener for jobs", async move {
            loop {
                let notification = tokio::select! {
                    () = shutdown.cancelled() => return Ok::<_, StoreError>(()),
                    // It connects again by itself.
                    notification = listener.recv() => notification,
                };
                match notification.map(|message| serde_json::from_str(message.payload())) {
                    // Without subscribers nobody hears it.
                    Ok(Ok(message)) => drop(messages.send(message)),
                    Ok(Err(error)) => tracing::warn!(event = "message_unreadable", %error),
                    Err(error) => {
                        tracing::warn!(event = "listener_away", %error);
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        });
        Ok(Self {
            sender,
            store: store.clone(),
        })
    }

    /// Follows an owner's job from its present state on.
    pub fn follow(&self, id: String, owner: String) -> Follower {
        Follower {
            receiver: self.sender.subscribe(),
            store: self.store.clone(),
            id,
            owner,
            said: None,
        }
    }
}

/// One subscriber to one job.
pub struct Follower {
    receiver: broadcast::Receiver<Message>,
    store: Store,
    id: String,
    owner: String,
    said: Option<News>,
}

/// What a subscriber hears.
pub enum Heard {
    /// It goes on.
    Progress(News),
    /// It ended.
    Ended(Box<Job>),
}

impl Follower {
    /// The next news, at once the first time. None if the owner has no such job (any more).
    pub async fn next(&mut self) -> Result<Option<Heard>, StoreError> {
        loop {
            if self.said.is_some() {
                let message = tokio::time::timeout(LOOK, self.receiver.recv()).await;
                match message {
                    Ok(Ok(message)) if message.id != self.id => continue,
                    Ok(Ok(Message {
                        stage: Some(stage),
                        progress: Some(progress),
                        ..
                    })) => {
                        if let Some(heard) = self.say(News { stage, progress }) {
                            return Ok(Some(heard));
                        }
                        continue;
                    }
                    Ok(Ok(message)) if message.state == JobState::Running.as_str() => {
                        if let Some(heard) = self.say(at(JobState::Running)) {
                            return Ok(Some(heard));
                        }
                        continue;
                    }
                    // It ended, or messages were lost: look.
                    _ => {}
                }
            }
            let job = self.store.job(&self.id).await?;
            let Some(job) = job.filter(|job| job.owner == self.owner) else {
                return Ok(None);
            };
            if job.state.has_ended() {
                return Ok(Some(Heard::Ended(Box::new(job))));
            }
            if let Some(heard) = self.say(at(job.state)) {
                return Ok(Some(heard));
            }
        }
    }

    /// News, unless it is what was said before, or earlier.
    fn say(&mut self, progress: News) -> Option<Heard> {
        if self
            .said
            .as_ref()
            .is_some_and(|said| said.progress >= progress.progress)
        {
            return None;
        }
        self.said = Some(progress.clone());
        Some(Heard::Progress(progress))
    }
}

fn at(state: JobState) -> News {
    News {
        stage: state.as_str().to_owned(),
        progress: if state == JobState::Running { 0.1 } else { 0.0 },
    }
}

/// A job as clients see it.
#[derive(Serialize, ToSchema)]
pub struct JobDocument {
    /// The job's id.
    pub job_id: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: &'static str,
    /// The circuit's id.
    pub circuit_id: String,
    /// 1 (urgent) to 10.
    pub priority: u8,
    /// How often a worker began it.
    pub attempts: u16,
    /// When it was asked for, Unix milliseconds.
    pub created_at: i64,
    /// When it ended, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The answer of `/prove`, if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<ProveAnswer>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
}

/// Why a job failed.
#[derive(Serialize, ToSchema)]
pub struct JobError {
    /// The stable code of a problem.
    pub code: String,
    /// For people.
    pub detail: String,
}

impl JobDocument {
    /// Of a row.
    pub fn of(job: Job) -> Result<Self, serde_json::Error> {
        Ok(Self {
            job_id: job.id,
            state: job.state.as_str(),
            circuit_id: job.circuit,
            priority: job.priority,
            attempts: job.attempts,
            created_at: job.created_at_ms,
            ended_at: job.ended_at_ms,
            answer: job
                .answer
                .map(|answer| serde_json::from_str(&answer))
                .transpose()?,
            error: job.error.map(|(code, detail)| JobError { code, detail }),
        })
    }
}
