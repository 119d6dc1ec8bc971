//! What subscribers of events send and get, on both routes.

use bauta_service_common::{AUDIT, InvalidField, InvalidFields};
use bauta_wire::api::{EventDocument, RevertedDocument};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::{
    clusters,
    parameters::{self, kept},
    problems::{self, Failure},
    state::Reads,
};
use crate::live::{Cursor, EventFilter, Item, Level, Subscription, TokenError, Update};

/// The events that a subscription selects, and its start.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParameters {
    /// Only events of this scope.
    scope: Option<String>,
    /// Only events of this registry and its scopes.
    registry: Option<String>,
    /// Only events with these names, separated by commas.
    #[param(
        max_length = 512,
        pattern = "^[A-Za-z]+(,[A-Za-z]+)*$",
        example = "OwnershipVerified,ScopeClosed"
    )]
    types: Option<String>,
    /// `finalized`, the default: events that no fork can undo. `confirmed`: earlier, and with
    /// `reverted` after a fork.
    #[param(pattern = "^(confirmed|finalized)$")]
    commitment: Option<String>,
    /// The resume token: the id of the last event. The stream continues after it. The header
    /// `Last-Event-ID` has precedence.
    #[param(pattern = "^[A-Za-z0-9_-]{48}$")]
    after: Option<String>,
    /// A ticket of a web page (`POST /v1/tickets`).
    #[param(max_length = 128)]
    pub ticket: Option<String>,
}

/// A stream of events with a filter.
pub struct EventStream {
    subscription: Subscription,
    level: Level,
    /// Identifies the stream in resume tokens.
    stream: [u8; 8],
}

/// A message to a subscriber.
pub struct EventMessage {
    /// `event`, `reverted`, `slow`, or `heartbeat`, which has no data.
    pub kind: &'static str,
    /// The resume token.
    pub id: String,
    /// The data.
    pub data: Option<Value>,
}

impl EventStream {
    /// Opens a stream. `last` is the header `Last-Event-ID`.
    pub async fn open(
        state: &Reads,
        parameters: &EventParameters,
        last: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut errors = Vec::new();
        let address = |field, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => parameters::address(field, text).map(Some),
        };
        let scope = kept(address("scope", &parameters.scope), &mut errors);
        let registry = kept(address("registry", &parameters.registry), &mut errors);
        let level = parameters
            .commitment
            .as_deref()
            .map_or(Some(Level::default()), Level::from_name);
        let level = level.ok_or_else(|| InvalidField::new("commitment", "must be confirmed or finalized"));
        let level = kept(level, &mut errors).unwrap_or_default();
        let filter = EventFilter::new(level, scope.flatten(), registry.flatten());
        let filter = match &parameters.types {
            None => Ok(filter),
            Some(names) => filter
                .with_names(names)
                .ok_or_else(|| InvalidField::new("types", "must be names of events, separated by commas")),
        };
        let filter = kept(filter, &mut errors).unwrap_or_default();
        let stream = filter.stream(clusters::name(state).await?);
        let token = last.or(parameters.after.as_deref());
        let cursor = match token.map(|token| Cursor::parse(token, stream)).transpose() {
            // The stream of a token is known only with a filter that is right.
            Err(TokenError::OtherStream) if errors.is_empty() => {
                let problem = problems::other_stream(TokenError::OtherStream);
                let code = problem.code();
                tracing::info!(target: AUDIT, event = "resume_refused", code);
                state.refused("resume_refused", code, None);
                return Err(problem.into());
            }
            Err(TokenError::OtherStream) => None,
            Err(error @ TokenError::Malformed) => {
                let field = if last.is_some() { "Last-Event-ID" } else { "after" };
                errors.push(InvalidField::new(field, error.to_string()));
                None
            }
            Ok(cursor) => cursor,
        };
        if let Some(errors) = InvalidFields::of(errors) {
            return Err(errors.into());
        }
        Ok(Self {
            subscription: state.live.subscribe(filter, cursor).await?,
            level,
            stream,
        })
    }

    /// Returns the resume token after the last message.
    pub fn token(&self) -> String {
        self.subscription.last().token(self.stream)
    }

    /// Waits for the next message. `None` at the end of the stream. Dropping the future loses no
    /// message.
    pub async fn next(&mut self) -> Option<EventMessage> {
        let update = self.subscription.next().await?;
        let message = |kind, cursor: Cursor, data| EventMessage {
            kind,
            id: cursor.token(self.stream),
            data,
        };
        Some(match update {
            Update::Heartbeat(cursor) => message("heartbeat", cursor, None),
            Update::Slow(cursor) => message("slow", cursor, Some(json!({}))),
            Update::Item(Item::Reverted(_), cursor) => {
                let to = cursor.token(self.stream);
                message("reverted", cursor, Some(json!(RevertedDocument { to })))
            }
            Update::Item(Item::Event(event), cursor) => {
                let position = event.position;
                let document = EventDocument {
                    r#type: event.name.clone(),
                    position: format!(
                        "{}.{}.{}.{}",
                        position.slot,
                        position.transaction_index,
                        position.instruction_index,
                        position.inner_index
                    ),
                    scope: event.scope.map(|scope| scope.to_string()),
                    registry: event.registry.map(|registry| registry.to_string()),
                    slot: position.slot.to_string(),
                    timestamp: event.time,
                    commitment: self.level.as_str().into(),
                };
                message("event", cursor, Some(json!(document)))
            }
        })
    }
}
