//! A client's subscription to one job or request.

use std::time::Duration;

use bauta_store::{Job, JobState, StoreError};
use tokio::{sync::broadcast, time::Instant};
use uuid::Uuid;

use super::{Events, Message, Progress, RequestKey};
use crate::time;

/// Interval at which a subscription reads the current state, because messages can be lost.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The same interval while the database is unavailable.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// A subscription to a request that no instance knows ends after this time.
const UNKNOWN_REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// A subscription to one job or request.
pub struct Subscription {
    receiver: broadcast::Receiver<Message>,
    events: Events,
    key: RequestKey,
    target: Target,
    /// The progress that was returned last.
    last_progress: Option<Progress>,
    /// Time at which the current state is read next, whether or not messages of others arrive.
    next_poll: Instant,
    /// Time of the last sign of a request.
    last_seen: Instant,
}

#[derive(Clone, Copy)]
enum Target {
    /// A job or a request: not determined yet.
    Undetermined,
    Job,
    Request,
}

/// A change that a subscription reports.
pub(super) enum Update {
    /// The job or request made progress.
    Progress(Progress),
    /// The job ended.
    JobEnded(Box<Job>),
    /// The request has its response.
    RequestEnded(Progress),
}

impl Events {
    /// Subscribes to a job of the owner.
    pub fn subscribe_to_job(&self, id: String, owner: String) -> Subscription {
        self.new_subscription(id, owner, Target::Job)
    }

    /// Subscribes to the job or request of the owner that has this id. A request may arrive later.
    pub fn subscribe(&self, id: String, owner: String) -> Subscription {
        self.new_subscription(id, owner, Target::Undetermined)
    }

    fn new_subscription(&self, id: String, owner: String, target: Target) -> Subscription {
        Subscription {
            receiver: self.0.sender.subscribe(),
            events: self.clone(),
            key: RequestKey { owner, id },
            target,
            last_progress: None,
            next_poll: Instant::now(),
            last_seen: Instant::now(),
        }
    }
}

impl Subscription {
    /// Waits for the next update. The first call returns the current state immediately. `None` if
    /// the owner has no job or request with this id, or has it no longer. Dropping the future loses
    /// no update.
    pub(super) async fn next_update(&mut self) -> Result<Option<Update>, StoreError> {
        match self.target {
            Target::Undetermined => self.first_update().await,
            Target::Job => self.next_of_job().await,
            Target::Request => Ok(self.next_of_request().await),
        }
    }

    /// Determines whether the id is a job's or a request's, and returns the current state.
    async fn first_update(&mut self) -> Result<Option<Update>, StoreError> {
        let local = self.events.progress_of(&self.key);
        if local.is_none()
            && let Some(job) = self.read_job().await?
        {
            // Messages have the id in the form that the database writes. The client may have
            // written the UUID in another form.
            self.key.id = job.id;
            self.target = Target::Job;
            return self.next_of_job().await;
        }
        self.target = Target::Request;
        self.next_poll = Instant::now() + POLL_INTERVAL;
        let progress = local.unwrap_or_else(|| {
            self.query_instances();
            Progress {
                stage: "awaited".to_owned(),
                fraction: 0.0,
                eta_ms: None,
            }
        });
        Ok(self.update_of_request(progress))
    }

    async fn next_of_job(&mut self) -> Result<Option<Update>, StoreError> {
        loop {
            let progress = match self.next_message().await {
                Some(Message::Job {
                    id,
                    state,
                    stage,
                    progress,
                    eta_ms,
                }) if id == self.key.id => match (stage, progress) {
                    (Some(stage), Some(fraction)) => Some(Progress {
                        stage,
                        fraction,
                        eta_ms,
                    }),
                    _ if state == JobState::Running.as_str() => Some(self.progress_in(JobState::Running)),
                    _ => {
                        // The job ended. Its result is in the database.
                        self.next_poll = Instant::now();
                        None
                    }
                },
                Some(_) => None,
                None => match self.read_job().await {
                    Ok(None) => return Ok(None),
                    Ok(Some(job)) if job.state.has_ended() => {
                        return Ok(Some(Update::JobEnded(Box::new(job))));
                    }
                    Ok(Some(job)) => {
                        self.next_poll = Instant::now() + POLL_INTERVAL;
                        Some(self.progress_in(job.state))
                    }
                    // A client that has received progress stays subscribed.
                    Err(_) if self.last_progress.is_some() => {
                        self.next_poll = Instant::now() + RETRY_INTERVAL;
                        None
                    }
                    Err(error) => return Err(error),
                },
            };
            if let Some(update) = progress.and_then(|progress| self.update_if_newer(progress)) {
                return Ok(Some(update));
            }
        }
    }

    async fn next_of_request(&mut self) -> Option<Update> {
        loop {
            let progress = match self.next_message().await {
                Some(Message::Request { request, progress }) if request == self.key => Some(progress),
                Some(_) => None,
                None => {
                    self.next_poll = Instant::now() + POLL_INTERVAL;
                    let local = self.events.progress_of(&self.key);
                    if local.is_none() {
                        self.query_instances();
                    }
                    local
                }
            };
            if let Some(progress) = progress {
                self.last_seen = Instant::now();
                if let Some(update) = self.update_of_request(progress) {
                    return Some(update);
                }
            } else if self.last_seen.elapsed() > UNKNOWN_REQUEST_TIMEOUT {
                return None;
            }
        }
    }

    /// Waits for the next message. `None` if it is time to read the current state.
    async fn next_message(&mut self) -> Option<Message> {
        if self.next_poll <= Instant::now() {
            return None;
        }
        match tokio::time::timeout_at(self.next_poll, self.receiver.recv()).await {
            Ok(Ok(message)) if !matches!(message, Message::Lost) => Some(message),
            // Messages were lost, or none arrived in time.
            _ => {
                self.next_poll = Instant::now();
                None
            }
        }
    }

    /// Reads the owner's job from the database.
    async fn read_job(&self) -> Result<Option<Job>, StoreError> {
        let (Some(queue), Ok(id)) = (&self.events.0.queue, Uuid::parse_str(&self.key.id)) else {
            return Ok(None);
        };
        let job = queue.store().job(&id.to_string()).await?;
        Ok(job.filter(|job| job.owner == self.key.owner))
    }

    /// Requests the progress from other instances.
    fn query_instances(&self) {
        self.events.send_to_instances(Message::Query {
            request: self.key.clone(),
        });
    }

    fn update_of_request(&mut self, progress: Progress) -> Option<Update> {
        if progress.fraction < 1.0 {
            return self.update_if_newer(progress);
        }
        Some(Update::RequestEnded(progress))
    }

    /// Returns an update, unless the progress is not larger than the last one.
    fn update_if_newer(&mut self, progress: Progress) -> Option<Update> {
        if self
            .last_progress
            .as_ref()
            .is_some_and(|last| last.fraction >= progress.fraction)
        {
            return None;
        }
        self.last_progress = Some(progress.clone());
        Some(Update::Progress(progress))
    }

    fn progress_in(&self, state: JobState) -> Progress {
        let queue = self.events.0.queue.as_ref();
        Progress {
            stage: state.as_str().to_owned(),
            fraction: if state == JobState::Running { 0.1 } else { 0.0 },
            eta_ms: queue
                .and_then(|queue| queue.expected(state))
                .map(time::milliseconds),
        }
    }
}
