//! A client's subscription to one job or request.

use std::time::Duration;

use bauta_store::{Job, JobState, StoreError};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Events, Message, Progress, RequestKey, Topic, topics::TopicReceiver};
use crate::time;

/// Interval at which a subscription reads its job again while the database is unavailable.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// A subscription to a request that no instance knows ends after this time.
const UNKNOWN_REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// A subscription to one job or request.
pub struct Subscription {
    events: Events,
    key: RequestKey,
    target: Target,
    /// The progress that was returned last.
    last_progress: Option<Progress>,
    /// Time at which the current state is read next, if no message arrives before. `None` if only a
    /// message can change it.
    next_read: Option<Instant>,
    /// Time of the last sign of a request.
    last_seen: Instant,
}

enum Target {
    /// A job or a request: not determined yet.
    Undetermined,
    Job(TopicReceiver),
    Request(TopicReceiver),
}

/// A change that a subscription reports.
pub(super) enum Update {
    /// The job or request made progress.
    Progress(Progress),
    JobEnded(Box<Job>),
    /// The request has its response.
    RequestEnded(Progress),
}

impl Events {
    /// Subscribes to a job of the owner. The id is in the form that the database writes.
    pub fn subscribe_to_job(&self, id: String, owner: String) -> Subscription {
        let receiver = self.0.topics.subscribe(Topic::Job(id.clone()));
        self.new_subscription(id, owner, Target::Job(receiver))
    }

    /// Subscribes to the job or request of the owner that has this id. A request may arrive later.
    pub fn subscribe(&self, id: String, owner: String) -> Subscription {
        self.new_subscription(id, owner, Target::Undetermined)
    }

    /// Waits until a job of the owner has ended, and returns it. `None` if the job was deleted.
    pub async fn wait_for_job(&self, id: String, owner: String) -> Result<Option<Job>, StoreError> {
        let mut subscription = self.subscribe_to_job(id, owner);
        loop {
            match subscription.next_update().await? {
                Some(Update::JobEnded(job)) => return Ok(Some(*job)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    fn new_subscription(&self, id: String, owner: String, target: Target) -> Subscription {
        Subscription {
            events: self.clone(),
            key: RequestKey { owner, id },
            target,
            last_progress: None,
            next_read: Some(Instant::now()),
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
            Target::Job(_) => self.next_of_job().await,
            Target::Request(_) => Ok(self.next_of_request().await),
        }
    }

    /// Determines whether the id is a job's or a request's, and returns the current state. Receives
    /// messages before it reads the state, so that no change is lost.
    async fn first_update(&mut self) -> Result<Option<Update>, StoreError> {
        let topics = self.events.0.topics.clone();
        let request = topics.subscribe(Topic::Request(self.key.clone()));
        let local = self.events.progress_of(&self.key);
        // Messages have the id in the form that the database writes. The client may have written
        // the UUID in another form.
        if local.is_none()
            && let Ok(id) = Uuid::parse_str(&self.key.id)
        {
            let id = id.to_string();
            let receiver = topics.subscribe(Topic::Job(id.clone()));
            if self.read_job(&id).await?.is_some() {
                self.key.id = id;
                self.target = Target::Job(receiver);
                return self.next_of_job().await;
            }
        }
        self.target = Target::Request(request);
        self.next_read = Some(Instant::now() + UNKNOWN_REQUEST_TIMEOUT);
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
                        self.next_read = Some(Instant::now());
                        None
                    }
                },
                Some(_) => None,
                None => match self.read_job(&self.key.id).await {
                    Ok(None) => return Ok(None),
                    Ok(Some(job)) if job.state.has_ended() => {
                        return Ok(Some(Update::JobEnded(Box::new(job))));
                    }
                    Ok(Some(job)) => {
                        self.next_read = None;
                        Some(self.progress_in(job.state))
                    }
                    // A client that has received progress stays subscribed.
                    Err(_) if self.last_progress.is_some() => {
                        self.next_read = Some(Instant::now() + RETRY_INTERVAL);
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
                    let local = self.events.progress_of(&self.key);
                    if local.is_none() {
                        self.query_instances();
                    }
                    local
                }
            };
            if let Some(progress) = progress {
                self.last_seen = Instant::now();
                self.next_read = Some(self.last_seen + UNKNOWN_REQUEST_TIMEOUT);
                if let Some(update) = self.update_of_request(progress) {
                    return Some(update);
                }
            } else if self.last_seen.elapsed() >= UNKNOWN_REQUEST_TIMEOUT {
                return None;
            } else {
                self.next_read = Some(self.last_seen + UNKNOWN_REQUEST_TIMEOUT);
            }
        }
    }

    /// Waits for the next message. `None` if it is time to read the current state.
    async fn next_message(&mut self) -> Option<Message> {
        let (Target::Job(receiver) | Target::Request(receiver)) = &mut self.target else {
            return None;
        };
        let message = match self.next_read {
            None => receiver.next().await,
            Some(at) if at <= Instant::now() => return None,
            Some(at) => tokio::time::timeout_at(at, receiver.next())
                .await
                .unwrap_or(Message::Lost),
        };
        if matches!(message, Message::Lost) {
            self.next_read = Some(Instant::now());
            return None;
        }
        Some(message)
    }

    /// Reads the owner's job from the database.
    async fn read_job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let Some(queue) = &self.events.0.queue else {
            return Ok(None);
        };
        let _turn = if self.last_progress.is_some() {
            self.events.0.repeated_reads.acquire().await.ok()
        } else {
            None
        };
        let job = queue.store().job(id).await?;
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
