//! The routes of the API service.

mod accounts;
mod circuits;
mod events;
mod keys;
mod login;
mod operator;
mod proofs;
mod registries;
mod relay;
mod scopes;
mod service;
mod trees;
mod webhooks;

use bauta_wire::api::Every;

pub use self::{events::EventFilter, proofs::Generated, relay::RelayOutcome};
use crate::{
    HttpError, Settings,
    transport::{Request, Transport},
};

/// The longest id of a relay or of a job in hexadecimal digits.
const MAX_ID_DIGITS: usize = 64;

/// The API service: what dApps read, relayed verifications, proofs of members who delegate
/// proving, and the accounts of developers and operators.
#[derive(Clone, Debug)]
pub struct Api(Transport);

/// Which page of a list to read.
#[derive(Clone, Debug, Default)]
pub struct PageOf {
    /// Largest number of elements, from 1 to 100, and to 1,024 for holdings and nullifiers. The
    /// default is the largest.
    pub limit: Option<u16>,
    /// The `next` of the previous page, with the same filters.
    pub cursor: Option<String>,
}

/// A span of time in Unix seconds. The default is the newest one that the service serves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// The time from which on periods are returned.
    pub from: Option<i64>,
    /// The time up to which periods are returned.
    pub to: Option<i64>,
}

impl Api {
    /// Uses the API at a URL without a key. Does not connect.
    pub fn new(url: &str) -> Result<Self, HttpError> {
        Self::with(url, Settings::default())
    }

    /// Uses the API at a URL. Does not connect.
    ///
    /// # Errors
    /// If the URL has another form, or if there is a key and the URL is neither `https` nor that of
    /// this machine.
    pub fn with(url: &str, settings: Settings) -> Result<Self, HttpError> {
        Transport::new(url, settings).map(Self)
    }

    /// Returns scheme, host and port of the URL. Its path may contain a key.
    #[must_use]
    pub fn host(&self) -> String {
        self.0.host()
    }
}

impl PageOf {
    fn of<'a>(&self, request: Request<'a>) -> Request<'a> {
        request
            .query("limit", self.limit)
            .query("cursor", self.cursor.as_deref())
    }
}

impl Span {
    fn of(self, request: Request<'_>) -> Request<'_> {
        request.query("from", self.from).query("to", self.to)
    }
}

/// Returns the name of a period in a query.
const fn name_of(every: Every) -> &'static str {
    match every {
        Every::Hour => "hour",
        Every::Day => "day",
    }
}

/// Checks an id that becomes a part of a URL.
fn check_id(parameter: &'static str, id: &str) -> Result<(), HttpError> {
    let is_hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && (1..=MAX_ID_DIGITS).contains(&id.len()) {
        return Ok(());
    }
    Err(HttpError::InvalidParameter {
        parameter,
        rule: "must be hexadecimal digits, as in the response that names it",
    })
}
