//! Progress of jobs and of requests that wait for their answer, from whichever instance works on them to whoever asks.
//!
//! ```text
//!   worker, or request --NOTIFY--> Postgres --LISTEN--> Events (one connection an instance) --bounded channel--> subscribers
//!            |                                            ^
//!            +------- requests of this instance ----------+
//! ```
//!
//! A subscriber that is too slow loses messages, not memory: it then looks for itself, as all do when the connection to Postgres was lost. Without a database there are no jobs, and
//! requests are heard of where they wait.

mod document;
mod follower;
mod told;
mod waiting;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bauta_service_common::Service;
use bauta_store::{JOB_CHANNEL, StoreError};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, mpsc};
use utoipa::ToSchema;

use self::follower::Heard;
pub use self::{document::JobDocument, follower::Follower, told::Told};
use crate::queue::Queue;

/// Messages that a subscriber may be behind, and that may wait for Postgres; more are lost.
const CAPACITY: usize = 1024;
/// Ended requests that late subscribers still find.
const REMEMBERED: usize = 1024;

/// What is announced, by the jobs' table and by instances.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Message {
    /// Of a job.
    Job {
        id: String,
        state: String,
        stage: Option<String>,
        progress: Option<f64>,
        eta_ms: Option<u64>,
    },
    /// Of a request that waits for its answer.
    Request { request: Key, news: News },
    /// Whoever has this request should say how far it is.
    Ask { ask: Key },
    /// Messages of other instances were lost: every subscriber looks for itself.
    #[serde(skip)]
    Lost,
}

/// A request: the API key's prefix, and the id that the client gave it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Key {
    owner: String,
    id: String,
}

/// How far a job or a request is.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct News {
    /// Of a job `queued`, `running` or `proving`; of a request `awaited` (not here yet), `waiting` or `proving`; of both `succeeded` or
    /// `failed`, of a job `cancelled`.
    pub stage: String,
    /// From 0 to 1.
    pub progress: f64,
    /// Milliseconds until it should be done, by what others took of late; null as long as there were none.
    pub eta_ms: Option<u64>,
}

/// Where subscribers come. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<Parts>);

struct Parts {
    sender: broadcast::Sender<Message>,
    /// What other instances are to hear; none without a database.
    others: Option<mpsc::Sender<Message>>,
    queue: Option<Queue>,
    requests: Mutex<Requests>,
}

/// Requests that wait here, and the newest of those that don't any more.
#[derive(Default)]
struct Requests {
    by_key: HashMap<Key, News>,
    ended: VecDeque<Key>,
}

impl Events {
    /// Listens and speaks until the service ends.
    pub async fn start(queue: Option<Queue>, service: &Service) -> Result<Self, StoreError> {
        let (sender, _) = broadcast::channel(CAPACITY);
        let (others, to_tell) = mpsc::channel(CAPACITY);
        let events = Self(Arc::new(Parts {
            sender,
            others: queue.is_some().then_some(others),
            requests: Mutex::default(),
            queue,
        }));
        if let Some(queue) = &events.0.queue {
            let listener = connect(queue).await?;
            events.listen(listener, queue.clone(), service);
            speak(to_tell, queue.clone(), service);
        }
        Ok(events)
    }

    fn listen(&self, mut listener: PgListener, queue: Queue, service: &Service) {
        let (events, shutdown) = (self.clone(), service.shutdown());
        service.spawn("the listener for jobs", async move {
            loop {
                let notification = tokio::select! {
                    () = shutdown.cancelled() => return Ok::<_, StoreError>(()),
                    notification = listener.try_recv() => notification,
                };
                if let Ok(Some(notification)) = notification {
                    match serde_json::from_str(notification.payload()) {
                        Ok(message) => events.hear(message),
                        Err(error) => tracing::warn!(event = "message_unreadable", %error),
                    }
                    continue;
                }
                tracing::warn!(event = "listener_away", error = ?notification.err());
                listener = tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    listener = connect_again(&queue) => listener,
                };
                events.hear(Message::Lost);
            }
        });
    }

    fn hear(&self, message: Message) {
        if let Message::Ask { ask } = message {
            if let Some(news) = self.present(&ask) {
                self.tell_others(Message::Request { request: ask, news });
            }
        } else {
            // Without subscribers nobody hears it.
            let _ = self.0.sender.send(message);
        }
    }

    /// Says something of a request of this instance to everybody.
    fn announce(&self, request: Key, news: News) {
        let message = Message::Request { request, news };
        let _ = self.0.sender.send(message.clone());
        self.tell_others(message);
    }

    fn tell_others(&self, message: Message) {
        if let Some(others) = &self.0.others {
            // One that is lost is asked for again.
            let _ = others.try_send(message);
        }
    }

    /// How far a request is that waits or waited here.
    fn present(&self, key: &Key) -> Option<News> {
        self.requests().by_key.get(key).cloned()
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, Requests> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connect(queue: &Queue) -> Result<PgListener, StoreError> {
    let mut listener = PgListener::connect_with(queue.store().pool()).await?;
    // A connection that comes again by itself doesn't say so, and what was said in between is lost.
    listener.eager_reconnect(false);
    listener.listen(JOB_CHANNEL).await?;
    Ok(listener)
}

async fn connect_again(queue: &Queue) -> PgListener {
    loop {
        match connect(queue).await {
            Ok(listener) => return listener,
            Err(error) => tracing::debug!(event = "listener_away", %error),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Tells other instances, one message after the other.
fn speak(mut to_tell: mpsc::Receiver<Message>, queue: Queue, service: &Service) {
    let shutdown = service.shutdown();
    service.spawn("the speaker for requests", async move {
        loop {
            let message = tokio::select! {
                () = shutdown.cancelled() => return Ok::<_, StoreError>(()),
                message = to_tell.recv() => message,
            };
            let Some(message) = message else { return Ok(()) };
            let payload = serde_json::to_string(&message).expect("a message has only text and numbers");
            let told = sqlx::query("SELECT pg_notify($1, $2)::text")
                .bind(JOB_CHANNEL)
                .bind(payload)
                .execute(queue.store().pool());
            if let Err(error) = told.await {
                tracing::debug!(event = "message_lost", %error);
            }
        }
    });
}
