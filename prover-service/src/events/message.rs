//! Messages between instances, on the channel of Postgres that also announces changes of jobs.

pub use bauta_wire::prover::Progress;
use serde::{Deserialize, Serialize};

/// A message that an instance or the `jobs` table announces. The JSON is the same in all versions,
/// so that instances of several versions understand each other.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Message {
    /// A job changed its state or made progress. The store's queries write this message.
    Job {
        id: String,
        state: String,
        stage: Option<String>,
        progress: Option<f64>,
        eta_ms: Option<u64>,
    },
    /// A request in progress made progress.
    Request {
        request: RequestKey,
        #[serde(rename = "news")]
        progress: Progress,
    },
    /// Subscribers of another instance need the progress of this request.
    Query {
        #[serde(rename = "ask")]
        request: RequestKey,
    },
    /// Subscribers of another instance need the progress of these requests.
    Queries { requests: Vec<RequestKey> },
    /// Messages may have been lost. The subscription reads the current state.
    #[serde(skip)]
    Lost,
}

impl Message {
    /// Returns the topic whose subscriptions receive the message. `None` for messages between
    /// instances.
    pub(super) fn topic(&self) -> Option<Topic> {
        match self {
            Self::Job { id, .. } => Some(Topic::Job(id.clone())),
            Self::Request { request, .. } => Some(Topic::Request(request.clone())),
            Self::Query { .. } | Self::Queries { .. } | Self::Lost => None,
        }
    }
}

/// What a subscription is about.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Topic {
    /// A job, by its id in the form that the database writes.
    Job(String),
    Request(RequestKey),
}

/// Identifies a request: the prefix of the API key, and the id that the client gave the request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(super) struct RequestKey {
    pub(super) owner: String,
    pub(super) id: String,
}
