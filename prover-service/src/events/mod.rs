//! Progress of jobs and requests, from the instance that works on them to subscribed clients of any
//! instance.
//!
//! ```text
//!   worker, or request --NOTIFY--> Postgres --LISTEN--> Events --broadcast--> subscriptions
//!            |                              one connection  ^    channel
//!            |                              per instance    |
//!            +------- requests of this instance ------------+
//! ```
//!
//! The broadcast channel is bounded. A slow subscription loses messages and then reads the current
//! state itself. All subscriptions do the same after the connection to Postgres was lost. Without a
//! database there are no jobs, and a request can be followed only at the instance that works on it.

mod client_event;
mod job_document;
mod message;
mod subscription;
mod tracked_request;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bauta_service_common::Service;
use bauta_store::{JobListener, StoreError};
use tokio::sync::{broadcast, mpsc};

use self::message::{Message, Progress, RequestKey};
pub use self::{client_event::ClientEvent, job_document::JobDocument, subscription::Subscription};
use crate::queue::Queue;

/// Largest number of messages that a subscription may be behind, and that may wait to be sent to
/// Postgres. Further messages are lost.
const CHANNEL_CAPACITY: usize = 1024;
/// Number of ended requests that late subscriptions still find.
const MAX_ENDED_REQUESTS: usize = 1024;
/// Interval of attempts to connect to Postgres again.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// Distributes progress to subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    /// Messages to the subscriptions of this instance.
    sender: broadcast::Sender<Message>,
    /// Messages to other instances. `None` without a database.
    outbox: Option<mpsc::Sender<Message>>,
    queue: Option<Queue>,
    requests: Mutex<Requests>,
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
        let (sender, _) = broadcast::channel(CHANNEL_CAPACITY);
        let (outbox, outgoing) = mpsc::channel(CHANNEL_CAPACITY);
        let events = Self(Arc::new(Inner {
            sender,
            outbox: queue.is_some().then_some(outbox),
            requests: Mutex::default(),
            queue,
        }));
        if let Some(queue) = &events.0.queue {
            let listener = queue.store().listen_to_jobs().await?;
            events.spawn_receiver(listener, queue.clone(), service);
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
                events.receive(Message::Lost);
            }
        });
    }

    fn receive(&self, message: Message) {
        if let Message::Query { request } = message {
            if let Some(progress) = self.progress_of(&request) {
                self.send_to_instances(Message::Request { request, progress });
            }
        } else {
            // Sending fails only if there are no subscriptions.
            let _ = self.0.sender.send(message);
        }
    }

    /// Sends the progress of a request of this instance to the subscriptions of all instances.
    fn publish(&self, request: RequestKey, progress: Progress) {
        let message = Message::Request { request, progress };
        let _ = self.0.sender.send(message.clone());
        self.send_to_instances(message);
    }

    fn send_to_instances(&self, message: Message) {
        if let Some(outbox) = &self.0.outbox {
            // If the channel is full, the message is lost. Subscriptions query again at an
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
        match queue.store().listen_to_jobs().await {
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
            if let Err(error) = queue.store().notify_listeners(&payload).await {
                tracing::debug!(event = "message_lost", %error);
            }
        }
    });
}
