//! Webhooks of accounts.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// A webhook without its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDocument {
    /// 32 hexadecimal digits that identify the webhook.
    pub id: String,
    /// Where the messages are sent.
    pub url: String,
    /// Only events of this scope.
    pub scope: Option<String>,
    /// Only events of this registry and its scopes.
    pub registry: Option<String>,
    /// Only events with these names. Empty: all.
    pub types: Vec<String>,
    /// The time of its creation in Unix seconds.
    pub created_at: i64,
    /// Why it is disabled: `gone` (the URL answered 410), `failing` (no success for three days),
    /// `private_address` (its host had an internal address twice), or `role` (the account is no
    /// developer any more). Null: it is enabled.
    pub disabled: Option<String>,
    /// The number of messages that are not delivered and not dead.
    pub pending: u64,
}

/// The webhooks of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookList {
    /// The webhooks, the oldest first.
    pub data: Vec<WebhookDocument>,
}

/// A new webhook. The secret is shown only once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewWebhookDocument {
    /// The secret that signs the messages: `whsec_` and base64.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub secret: Secret,
    /// What is stored of the webhook.
    pub webhook: WebhookDocument,
}

/// The next secret of a webhook. It is shown only once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookSecretDocument {
    /// The secret. The one before signs as well for 24 hours.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub secret: Secret,
}

/// A message to a webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryDocument {
    /// The header `webhook-id`.
    pub id: String,
    /// The name of the event.
    pub r#type: String,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The HTTP status of the last attempt. Null: there was no response.
    pub last_status: Option<u16>,
    /// Why the last attempt failed: `refused`, `redirect`, `timeout`, `unreachable`,
    /// `private_address` or `unreadable_secret`. Null: it did not fail.
    pub last_code: Option<String>,
    /// The time of the next attempt in Unix seconds. Null: there is none.
    pub next_attempt_at: Option<i64>,
}

/// The newest messages to a webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryList {
    /// At most 100, the newest event first. Of those that ended, the newest 1,000 are kept for 30
    /// days.
    pub data: Vec<DeliveryDocument>,
}

/// A webhook to create.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookBody {
    /// Where the messages are sent: `https://`, at a public address.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub url: String,
    /// Only events of this scope.
    pub scope: Option<String>,
    /// Only events of this registry and its scopes.
    pub registry: Option<String>,
    /// Only events with these names. Empty or absent: all.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 17))]
    pub types: Vec<String>,
}

/// From where on events are sent again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// A resume token of `GET /v1/events` with the filter of the webhook and the commitment
    /// `finalized`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9_-]{48}$"))]
    pub from: String,
}
