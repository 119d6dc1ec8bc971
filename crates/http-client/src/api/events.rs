//! Events of the program, as they happen.

use solana_address::Address;

use super::Api;
use crate::{EventStream, HttpError, transport::Request};

/// Which events a stream has.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only events of this scope.
    pub scope: Option<Address>,
    /// Only events of this registry and its scopes.
    pub registry: Option<Address>,
    /// Only events with these names. Empty: all.
    pub types: Vec<String>,
    /// Whether the stream has events before they are final. After a fork, it then has an event
    /// `reverted`.
    pub confirmed: bool,
    /// The resume token: the `id` of the last event that the client has, with the same filter.
    pub after: Option<String>,
}

impl Api {
    /// Streams events. The data of an event `event` is an
    /// [`EventDocument`](crate::wire::api::EventDocument), and that of `reverted` a
    /// [`RevertedDocument`](crate::wire::api::RevertedDocument). After an error, or the end of the
    /// stream, continue with the last `id` in [`EventFilter::after`].
    pub async fn events(&self, filter: &EventFilter) -> Result<EventStream, HttpError> {
        let types = (!filter.types.is_empty()).then(|| filter.types.join(","));
        let request = Request::get("v1/events")
            .query("scope", filter.scope)
            .query("registry", filter.registry)
            .query("types", types)
            .query("commitment", filter.confirmed.then_some("confirmed"))
            .query("after", filter.after.as_deref());
        let stream = self.0.stream(&request).await?;
        stream.ok_or_else(|| self.0.malformed("the stream of events is absent"))
    }
}
