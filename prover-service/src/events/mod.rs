//! Progress of jobs and requests, from the instance that works on them to subscribed clients of any
//! instance.
//!
//! ```text
//!   worker, or request --NOTIFY--> Postgres --LISTEN--> Events --topics--> subscriptions
//!            |                              one connection  ^    one channel for each
//!            |                              per instance    |    job or request
//!            +------- requests of this instance ------------+
//! ```
//!
//! The channels are bounded. A slow subscription loses messages and then reads the current state
//! itself. All subscriptions do the same after the connection to Postgres was lost, a few at a
//! time. In case another message is lost, each instance checks every 5 s, with one query for all
//! followed jobs, which of them have ended. Without a database there are no jobs, and a request can
//! be followed only at the instance that works on it.

mod client_event;
mod job_document;
mod message;
mod subscription;
mod topics;
mod tracked_request;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bauta_service_common::Service;
use bauta_store::{JobListener, StoreError};
use tokio::sync::{Semaphore, mpsc};

pub use self::{client_event::ClientEvent, job_document::job_document, subscription::Subscription};
use self::{
    message::{Message, Progress, RequestKey, Topic},
    topics::Topics,
};
use crate::queue::Queue;

/// Largest number of messages that may wait to be sent to Postgres. Further messages are lost.
const CHANNEL_CAPACITY: usize = 1024;
/// Number of ended requests that late subscriptions still find.
const MAX_ENDED_REQUESTS: usize = 1024;
/// Interval at which an instance checks the jobs and requests that it has subscriptions for.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Largest number of requests in one message. Postgres limits a message to 8,000 bytes.
const MAX_QUERIES: usize = 50;
/// Largest number of subscriptions that read the state of their jobs again at the same time. A
/// subscription's first read doesn't count: the rate limits bound those.
const MAX_REPEATED_READS: usize = 4;
/// Interval of attempts to connect to Postgres again.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// Distributes progress to subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    /// The subscriptions of this instance.
    topics: Topics,
    /// Messages to other instances. `None` without a database.
    outbox: Option<mpsc::Sender<Message>>,
    queue: Option<Queue>,
    requests: Mutex<Requests>,
    /// The repeated reads of subscriptions. They leave connections to the database for requests.
    repeated_reads: Semaphore,
}

/// Requests that this instance works on, and the most recent ended ones.
#[derive(Default)]
struct Requests {
    progress: HashMap<RequestKey, Progress>,
    /// Ended requests, the oldest first.
    ended: VecDeque<RequestKey>,
}

impl Events {
    /// Receives and sends messages until the service shuts down.
    pub async fn start(queue: Option<Queue>, service: &Service) -> Result<Self, StoreError> {
        let (outbox, outgoing) = mpsc::channel(CHANNEL_CAPACITY);
        let events = Self(Arc::new(Inner {
            topics: Topics::default(),
            outbox: queue.is_some().then_some(outbox),
            requests: Mutex::default(),
            repeated_reads: Semaphore::new(MAX_REPEATED_READS),
            queue,
        }));
        if let Some(queue) = &events.0.queue {
            let listener = queue.own_store().listen_to_jobs().await?;
            events.spawn_receiver(listener, queue.clone(), service);
            events.spawn_check(queue.clone(), service);
            spawn_sender(outgoing, queue.clone(), service);
        }
        Ok(events)
    }

    fn spawn_receiver(&self, mut listener: JobListener, queue: Queue, service: &Service) {
        let (events, shutdown) = (self.clone(), service.shutdown());
        service.spawn("the receiver of job events", async move {
            loop {
                let payload = tokio::select! {
                    () = shutdown.cancelled() => return Ok::<_, StoreError>(()),
                    payload = listener.next() => payload,
                };
                if let Ok(Some(payload)) = payload {
                    match serde_json::from_str(&payload) {
                        Ok(message) => events.receive(message),
                        Err(error) => tracing::warn!(event = "message_unreadable", %error),
                    }
                    continue;
                }
                tracing::warn!(event = "listener_disconnected", error = ?payload.err());
                listener = tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    listener = reconnect(&queue) => listener,
                };
                events.0.topics.send_lost();
            }
        });
    }

    /// Checks at an interval which followed jobs have ended, and requests the progress of followed
    /// requests from other instances.
    fn spawn_check(&self, queue: Queue, service: &Service) {
        let (events, shutdown) = (self.clone(), service.shutdown());
        service.spawn("the check of followed jobs", async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return Ok::<_, StoreError>(()),
                    () = tokio::time::sleep(CHECK_INTERVAL) => {}
                }
                if let Err(error) = events.check_jobs(&queue).await {
                    tracing::debug!(event = "check_failed", %error);
                }
                let mut requests = events.0.topics.requests();
                requests.retain(|request| events.progress_of(request).is_none());
                for requests in requests.chunks(MAX_QUERIES) {
                    events.send_to_instances(Message::Queries {
                        requests: requests.to_vec(),
                    });
                }
            }
        });
    }

    async fn check_jobs(&self, queue: &Queue) -> Result<(), StoreError> {
        let followed = self.0.topics.jobs();
        if followed.is_empty() {
            return Ok(());
        }
        let open: HashSet<String> = queue
            .own_store()
            .open_jobs_among(&followed)
            .await?
            .into_iter()
            .collect();
        for id in followed {
            if !open.contains(&id) {
                self.0.topics.send(&Topic::Job(id), Message::Lost);
            }
        }
        Ok(())
    }

    fn receive(&self, message: Message) {
        match message {
            Message::Query { request } => self.answer(request),
            Message::Queries { requests } => requests.into_iter().for_each(|request| self.answer(request)),
            message => self.send_to_subscriptions(message),
        }
    }

    /// Answers another instance if this instance works on the request.
    fn answer(&self, request: RequestKey) {
        if let Some(progress) = self.progress_of(&request) {
            self.send_to_instances(Message::Request { request, progress });
        }
    }

    fn send_to_subscriptions(&self, message: Message) {
        if let Some(topic) = message.topic() {
            self.0.topics.send(&topic, message);
        }
    }

    /// Sends the progress of a request of this instance to the subscriptions of all instances.
    fn publish(&self, request: RequestKey, progress: Progress) {
        let message = Message::Request { request, progress };
        self.send_to_subscriptions(message.clone());
        self.send_to_instances(message);
    }

    fn send_to_instances(&self, message: Message) {
        if let Some(outbox) = &self.0.outbox {
            // If the channel is full, the message is lost. The instance queries again at an
            // interval.
            let _ = outbox.try_send(message);
        }
    }

    /// Returns the progress of a request that this instance works on or has recently ended.
    fn progress_of(&self, request: &RequestKey) -> Option<Progress> {
        self.requests().progress.get(request).cloned()
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects to Postgres again. Tries until it succeeds.
async fn reconnect(queue: &Queue) -> JobListener {
    loop {
        match queue.own_store().listen_to_jobs().await {
            Ok(listener) => return listener,
            Err(error) => tracing::debug!(event = "listener_disconnected", %error),
        }
        tokio::time::sleep(RECONNECT_INTERVAL).await;
    }
}

/// Sends messages to other instances, one after the other.
fn spawn_sender(mut outgoing: mpsc::Receiver<Message>, queue: Queue, service: &Service) {
    let shutdown = service.shutdown();
    service.spawn("the sender of request events", async move {
        loop {
            let message = tokio::select! {
                () = shutdown.cancelled() => return Ok::<_, StoreError>(()),
                message = outgoing.recv() => message,
            };
            let Some(message) = message else { return Ok(()) };
            let payload = serde_json::to_string(&message).expect("a message has only strings and numbers");
            if let Err(error) = queue.own_store().notify_listeners(&payload).await {
                tracing::debug!(event = "message_lost", %error);
            }
        }
    });
}
