//! One subscriber to one job or request.

use std::time::Duration;

use bauta_store::{Job, JobState, StoreError};
use tokio::{sync::broadcast, time::Instant};
use uuid::Uuid;

use super::{Events, Key, Message, News};
use crate::time;

/// A subscriber looks for itself this often: a message can be lost on its way.
const LOOK: Duration = Duration::from_secs(5);
/// How soon it looks again when the database is away.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A request that nobody knows for so long isn't awaited any more.
const PATIENCE: Duration = Duration::from_mins(1);

/// One subscriber. Whoever waits for its next news may stop at any time, and nothing is lost.
pub struct Follower {
    receiver: broadcast::Receiver<Message>,
    events: Events,
    key: Key,
    kind: Kind,
    said: Option<News>,
    /// When it looks for itself next, however many messages of others come before.
    look: Instant,
    heard: Instant,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Not known yet.
    Either,
    Job,
    Request,
}

/// What a subscriber hears.
pub(super) enum Heard {
    /// It goes on.
    Progress(News),
    /// The job ended.
    Ended(Box<Job>),
    /// The request has its answer, where it waited.
    Answered(News),
}

impl Events {
    /// Follows an owner's job from its present state on.
    pub fn follow_job(&self, id: String, owner: String) -> Follower {
        self.follower(id, owner, Kind::Job)
    }

    /// Follows an owner's job or request, whichever has this id, from its present state on. A request may come later.
    pub fn follow(&self, id: String, owner: String) -> Follower {
        self.follower(id, owner, Kind::Either)
    }

    fn follower(&self, id: String, owner: String, kind: Kind) -> Follower {
        Follower {
            receiver: self.0.sender.subscribe(),
            events: self.clone(),
            key: Key { owner, id },
            kind,
            said: None,
            look: Instant::now(),
            heard: Instant::now(),
        }
    }
}

impl Follower {
    /// The next news, at once the first time. None if the owner has nothing of that id (any more).
    pub(super) async fn next(&mut self) -> Result<Option<Heard>, StoreError> {
        match self.kind {
            Kind::Either => self.begin().await,
            Kind::Job => self.next_of_job().await,
            Kind::Request => Ok(self.next_of_request().await),
        }
    }

    async fn begin(&mut self) -> Result<Option<Heard>, StoreError> {
        let here = self.events.present(&self.key);
        if here.is_none()
            && let Some(job) = self.job().await?
        {
            // As messages have it: a client may write a UUID in other letters.
            self.key.id = job.id;
            self.kind = Kind::Job;
            return self.next_of_job().await;
        }
        self.kind = Kind::Request;
        self.look = Instant::now() + LOOK;
        let news = here.unwrap_or_else(|| {
            self.ask();
            News {
                stage: "awaited".to_owned(),
                progress: 0.0,
                eta_ms: None,
            }
        });
        Ok(self.say_of_request(news))
    }

    async fn next_of_job(&mut self) -> Result<Option<Heard>, StoreError> {
        loop {
            let news = match self.message().await {
                Some(Message::Job {
                    id,
                    state,
                    stage,
                    progress,
                    eta_ms,
                }) if id == self.key.id => match (stage, progress) {
                    (Some(stage), Some(progress)) => Some(News {
                        stage,
                        progress,
                        eta_ms,
                    }),
                    _ if state == JobState::Running.as_str() => Some(self.at(JobState::Running)),
                    _ => {
                        // It ended: look.
                        self.look = Instant::now();
                        None
                    }
                },
                Some(_) => None,
                None => match self.job().await {
                    Ok(None) => return Ok(None),
                    Ok(Some(job)) if job.state.has_ended() => return Ok(Some(Heard::Ended(Box::new(job)))),
                    Ok(Some(job)) => {
                        self.look = Instant::now() + LOOK;
                        Some(self.at(job.state))
                    }
                    // Whoever was told something goes on following.
                    Err(_) if self.said.is_some() => {
                        self.look = Instant::now() + LOOK_AGAIN;
                        None
                    }
                    Err(error) => return Err(error),
                },
            };
            if let Some(heard) = news.and_then(|news| self.say(news)) {
                return Ok(Some(heard));
            }
        }
    }

    async fn next_of_request(&mut self) -> Option<Heard> {
        loop {
            let news = match self.message().await {
                Some(Message::Request { request, news }) if request == self.key => Some(news),
                Some(_) => None,
                None => {
                    self.look = Instant::now() + LOOK;
                    let here = self.events.present(&self.key);
                    if here.is_none() {
                        self.ask();
                    }
                    here
                }
            };
            if let Some(news) = news {
                self.heard = Instant::now();
                if let Some(heard) = self.say_of_request(news) {
                    return Some(heard);
                }
            } else if self.heard.elapsed() > PATIENCE {
                return None;
            }
        }
    }

    /// The next message; none if it is time to look.
    async fn message(&mut self) -> Option<Message> {
        if self.look <= Instant::now() {
            return None;
        }
        match tokio::time::timeout_at(self.look, self.receiver.recv()).await {
            Ok(Ok(message)) if !matches!(message, Message::Lost) => Some(message),
            // Messages were lost, or none came.
            _ => {
                self.look = Instant::now();
                None
            }
        }
    }

    /// The owner's job of this id.
    async fn job(&self) -> Result<Option<Job>, StoreError> {
        let (Some(queue), Ok(id)) = (&self.events.0.queue, Uuid::parse_str(&self.key.id)) else {
            return Ok(None);
        };
        let job = queue.store().job(&id.to_string()).await?;
        Ok(job.filter(|job| job.owner == self.key.owner))
    }

    /// Asks other instances how far it is.
    fn ask(&self) {
        self.events.tell_others(Message::Ask {
            ask: self.key.clone(),
        });
    }

    fn say_of_request(&mut self, news: News) -> Option<Heard> {
        if news.progress < 1.0 {
            return self.say(news);
        }
        Some(Heard::Answered(news))
    }

    /// News, unless it is what was said before, or earlier.
    fn say(&mut self, news: News) -> Option<Heard> {
        if self
            .said
            .as_ref()
            .is_some_and(|said| said.progress >= news.progress)
        {
            return None;
        }
        self.said = Some(news.clone());
        Some(Heard::Progress(news))
    }

    fn at(&self, state: JobState) -> News {
        let queue = self.events.0.queue.as_ref();
        News {
            stage: state.as_str().to_owned(),
            progress: if state == JobState::Running { 0.1 } else { 0.0 },
            eta_ms: queue
                .and_then(|queue| queue.expected(state))
                .map(time::milliseconds),
        }
    }
}
