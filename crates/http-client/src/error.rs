use std::{fmt, time::Duration};

use bauta_wire::api::{InvalidFieldDocument, ProblemDocument};

/// The part of a service's text that is shown, in characters.
const MAX_SHOWN: usize = 300;

/// Why a request to a service failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The URL of the service has another form.
    #[error("the URL of the service is invalid: give a URL that begins with https://")]
    InvalidUrl,
    /// The key has another form.
    #[error("the API key is empty or has characters that are not visible ASCII characters")]
    InvalidKey,
    /// The key would be readable on the network.
    #[error("the API key would be sent to {host} without encryption: give a URL that begins with https://")]
    UnencryptedKey {
        /// Scheme, host and port of the service.
        host: String,
    },
    /// A parameter breaks its rule. Nothing was sent.
    #[error("{parameter} {rule}")]
    InvalidParameter {
        /// The parameter.
        parameter: &'static str,
        /// The rule.
        rule: &'static str,
    },
    /// The client can't be created.
    #[error("can't create the HTTP client: {0}")]
    Client(#[source] reqwest::Error),
    /// The service did not respond in time.
    #[error("{host} did not respond: {source}")]
    Unreachable {
        /// Scheme, host and port of the service.
        host: String,
        /// The cause, without the URL.
        source: reqwest::Error,
    },
    /// The service sent nothing for too long.
    #[error("{host} sent nothing for {seconds} s: open the stream again with the id of the last event")]
    Silent {
        /// Scheme, host and port of the service.
        host: String,
        /// The limit in seconds.
        seconds: u64,
    },
    /// The response is longer than responses of the route can be.
    #[error("{host} sent more than {limit} bytes: use another service")]
    TooLong {
        /// Scheme, host and port of the service.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The response does not have the form that the description of the service says.
    #[error("{host} sent a response of another form: {reason}")]
    Malformed {
        /// Scheme, host and port of the service.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The service responded with an error.
    #[error("{0}")]
    Problem(Box<ServiceProblem>),
    /// The relay ended without a confirmed transaction.
    #[error("the relay has the state {state}: {}", shown(reason.as_deref().unwrap_or("no reason")))]
    RelayEnded {
        /// `refused`, `failed` or `expired`.
        state: String,
        /// The program's error in snake case, or another code.
        reason: Option<String>,
    },
    /// The relay did not end in time. It continues: the same request gets the same relay.
    #[error("the relay {id} did not end in time: repeat the request, the service relays each proof once")]
    RelayPending {
        /// The relay's id.
        id: String,
    },
}

impl HttpError {
    /// Returns the error response of the service, if it sent one.
    #[must_use]
    pub const fn problem(&self) -> Option<&ServiceProblem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Returns the stable code of the service's error response. `None` if there was none, or if it
    /// has no code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.problem()?.code()
    }
}

/// An error response of a service.
#[derive(Debug)]
pub struct ServiceProblem {
    pub(crate) host: String,
    /// The HTTP status.
    pub status: u16,
    /// When the service says that a repetition may succeed.
    pub retry_after: Option<Duration>,
    /// The problem document (RFC 9457). `None` if the response came from another party, for example
    /// a proxy.
    pub document: Option<ProblemDocument>,
}

impl ServiceProblem {
    /// Returns the stable error code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.document.as_ref().map(|document| document.code.as_str())
    }

    /// Returns the first field that breaks its rule.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.document.as_ref()?.field.as_deref()
    }

    /// Returns all fields that break their rules.
    #[must_use]
    pub fn fields(&self) -> &[InvalidFieldDocument] {
        let errors = self
            .document
            .as_ref()
            .and_then(|document| document.errors.as_deref());
        errors.unwrap_or_default()
    }
}

impl fmt::Display for ServiceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} responded with {}", self.host, self.status)?;
        let Some(document) = &self.document else {
            return f
                .write_str(", without a problem document: check that the URL is that of a service of Bauta");
        };
        write!(f, " {}: {}", shown(&document.code), shown(&document.detail))
    }
}

/// Returns the beginning of a service's text without control characters.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_SHOWN).collect();
    short.escape_debug().to_string()
}
