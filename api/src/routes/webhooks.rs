//! The webhooks of developers.

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bauta_service_common::{AUDIT, InvalidField, InvalidFields, Json, Path, UnreadBody};
use bauta_store::{
    AccountId, AuditRecord, Delivery, NewWebhook, RandomId, Role, Webhook, WebhookAdded, WebhookChange,
};
use bauta_wire::Secret;
use bauta_wire::api::{
    DeliveryDocument, DeliveryList, NewWebhookDocument, ReplayBody, WebhookBody, WebhookDocument,
    WebhookList, WebhookSecretDocument,
};
use rand::{RngCore, rngs::OsRng};
use solana_address::Address;

use super::{
    clusters,
    parameters::{self, kept},
    problems::{self, Failure, ProblemDocument},
    respond::uncached,
    state::Reads,
};
use crate::{
    live::{Cursor, EventFilter, Level, TokenError},
    webhooks::{ROTATION_SECONDS, UrlError, WebhookSecret, Webhooks, message_id},
};

/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 8 << 10;
/// Largest number of webhooks of an account.
const MAX_WEBHOOKS: u16 = 20;
/// Number of deliveries in a list.
const LISTED_DELIVERIES: u16 = 100;

/// Lists the webhooks of the account.
///
/// The list never has their secrets.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("wallet" = ["developer"])),
    responses((status = 200, body = WebhookList)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn webhooks(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    let (account, _) = developer(&state, &headers).await?;
    let found = state.databases.primary().webhooks(account).await?;
    let data = found.into_iter().map(webhook_document).collect();
    Ok(uncached(Json(WebhookList { data })))
}

/// Creates a webhook.
///
/// Events that become final from now on are sent to the URL as POST requests with the headers of
/// Standard Webhooks. `webhook-id` identifies the event, so a message that is sent again has the
/// same. A message is delivered when the URL answers 2xx within 15 seconds. Otherwise it is sent
/// again, at most eight times within three days, and is then dead. Redirects are not followed. 410
/// disables the webhook, and so do three days without a success, or a host that has an internal
/// address for the second time. An account has at most 20 webhooks.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("wallet" = ["developer"])),
    request_body(
        content = WebhookBody,
        example = json!({"url": "https://1.1.1.1/hook", "types": ["OwnershipVerified"]})
    ),
    responses(
        (status = 201, body = NewWebhookDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; URL; **which scope, registry and events**",
        "keeps": "URL, filter and account until the webhook is deleted; account, id and time in the audit log for ever; the same if its host later has an internal address"
    })))
)]
pub async fn create_webhook(state: Reads, headers: HeaderMap, body: UnreadBody) -> Result<Response, Failure> {
    let (account, sender) = developer(&state, &headers).await?;
    let body: WebhookBody = body.json(MAX_BODY_BYTES).await?;
    let filter = filter_of(&body)?;
    let store = state.databases.primary();
    // Before the look-up. The transaction counts again.
    if store.webhook_count(account).await? >= u64::from(MAX_WEBHOOKS) {
        return Err(problems::too_many_webhooks(MAX_WEBHOOKS));
    }
    if let Err(error) = sender.check(account, &body.url).await {
        return Err(refused_url(&state, account, error));
    }
    let (mut id, secret) = (RandomId::default(), WebhookSecret::random());
    OsRng.fill_bytes(&mut id);
    let new = NewWebhook {
        id,
        account,
        url: body.url,
        scope: filter.scope,
        registry: filter.registry,
        types: filter.names().iter().map(|name| (*name).to_owned()).collect(),
        secret: sender.seal(&id, &secret),
    };
    let record = record("webhook_created", account, &id);
    match store.add_webhook(&new, MAX_WEBHOOKS, &record).await? {
        WebhookAdded::Stored => log(&record),
        WebhookAdded::NotDeveloper => return Err(problems::missing_role(&[Role::Developer])),
        WebhookAdded::TooMany => return Err(problems::too_many_webhooks(MAX_WEBHOOKS)),
    }
    let found = find(&state, account, &id).await?;
    let document = NewWebhookDocument {
        secret: Secret::new(secret.text().as_str()),
        webhook: webhook_document(found),
    };
    Ok((StatusCode::CREATED, uncached(Json(document))).into_response())
}

/// Deletes a webhook.
///
/// Its messages are deleted with it. Owners and operators delete the webhooks of all accounts: the
/// audit log has their ids.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{webhook}",
    tag = "webhooks",
    security(("wallet" = ["developer"]), ("wallet" = ["owner"]), ("wallet" = ["operator"])),
    params(("webhook" = String, Path, description = "The id of the webhook")),
    responses(
        (status = 204, description = "The webhook is deleted"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; which webhook",
        "keeps": "account, id and time, in the audit log for ever"
    })))
)]
pub async fn delete_webhook(
    state: Reads,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let roles = [Role::Developer, Role::Owner, Role::Operator];
    let account = state.with_role(&headers, &roles).await?;
    let id = webhook_id(&id)?;
    let deletes_all = [Role::Owner, Role::Operator];
    let deletes_all = account.roles.iter().any(|role| deletes_all.contains(role));
    let of = (!deletes_all).then_some(account.id);
    let record = record("webhook_deleted", account.id, &id);
    let store = state.databases.primary();
    if !store.delete_webhook(of, &id, &record).await? {
        return Err(problems::unknown_webhook());
    }
    log(&record);
    Ok(uncached(StatusCode::NO_CONTENT))
}

/// Replaces the secret of a webhook.
///
/// For 24 hours, messages have signatures by both secrets.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhook}/rotate",
    tag = "webhooks",
    security(("wallet" = ["developer"])),
    params(("webhook" = String, Path, description = "The id of the webhook")),
    responses(
        (status = 200, body = WebhookSecretDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; which webhook",
        "keeps": "the secret, encrypted; account, id and time in the audit log for ever"
    })))
)]
pub async fn rotate_webhook(
    state: Reads,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (account, sender) = developer(&state, &headers).await?;
    let (id, secret) = (webhook_id(&id)?, WebhookSecret::random());
    let (record, sealed) = (record("webhook_rotated", account, &id), sender.seal(&id, &secret));
    let store = state.databases.primary();
    let rotated = store.rotate_webhook_secret(account, &id, &sealed, ROTATION_SECONDS, &record);
    changed(rotated.await?, &record)?;
    let secret = Secret::new(secret.text().as_str());
    Ok(uncached(Json(WebhookSecretDocument { secret })))
}

/// Enables a webhook that was disabled.
///
/// It gets the events since it was disabled, as far as the messages are not dead.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhook}/enable",
    tag = "webhooks",
    security(("wallet" = ["developer"])),
    params(("webhook" = String, Path, description = "The id of the webhook")),
    responses(
        (status = 200, body = WebhookDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; which webhook",
        "keeps": "account, id and time, in the audit log for ever"
    })))
)]
pub async fn enable_webhook(
    state: Reads,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (account, _) = developer(&state, &headers).await?;
    let id = webhook_id(&id)?;
    let record = record("webhook_enabled", account, &id);
    let store = state.databases.primary();
    changed(store.enable_webhook(account, &id, &record).await?, &record)?;
    let document = webhook_document(find(&state, account, &id).await?);
    Ok(uncached(Json(document)))
}

/// Lists the newest messages to a webhook.
///
/// A message is `pending` until it is delivered, or `dead` after the last attempt. A dead message
/// is sent again by a replay.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{webhook}/deliveries",
    tag = "webhooks",
    security(("wallet" = ["developer"])),
    params(("webhook" = String, Path, description = "The id of the webhook")),
    responses(
        (status = 200, body = DeliveryList),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; account; which webhook", "keeps": "nothing"})))
)]
pub async fn webhook_deliveries(
    state: Reads,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (account, _) = developer(&state, &headers).await?;
    let id = webhook_id(&id)?;
    let store = state.databases.primary();
    let found = store.deliveries(account, &id, LISTED_DELIVERIES).await?;
    let found = found.ok_or_else(problems::unknown_webhook)?;
    let data = found.into_iter().map(delivery_document).collect();
    Ok(uncached(Json(DeliveryList { data })))
}

/// Sends events again.
///
/// All final events after the resume token that the webhook wants are sent, with the ids that they
/// have had before.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhook}/replay",
    tag = "webhooks",
    security(("wallet" = ["developer"])),
    params(("webhook" = String, Path, description = "The id of the webhook")),
    request_body(content = ReplayBody, example = json!({"from": "A".repeat(48)})),
    responses(
        (status = 202, description = "The events are sent again"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; which webhook",
        "keeps": "account, id and time, in the audit log for ever"
    })))
)]
pub async fn replay_webhook(
    state: Reads,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let (account, _) = developer(&state, &headers).await?;
    let body: ReplayBody = body.json(MAX_BODY_BYTES).await?;
    let id = webhook_id(&id)?;
    let webhook = find(&state, account, &id).await?;
    let filter = EventFilter::new(Level::Finalized, webhook.scope, webhook.registry);
    let filter = match webhook.types.as_slice() {
        [] => filter,
        types => filter.with_names(&types.join(",")).unwrap_or_default(),
    };
    let stream = filter.stream(clusters::name(&state).await?);
    let cursor = match Cursor::parse(&body.from, stream) {
        Ok(cursor) => cursor,
        Err(error @ TokenError::Malformed) => {
            return Err(InvalidField::new("from", error.to_string()).into());
        }
        Err(error @ TokenError::OtherStream) => {
            let problem = problems::other_stream(error);
            tracing::info!(target: AUDIT, event = "resume_refused", code = problem.code());
            state.refused("resume_refused", problem.code(), Some(&account.to_string()));
            return Err(problem.into());
        }
    };
    let record = record("webhook_replayed", account, &id);
    let store = state.databases.primary();
    let replayed = store.replay_webhook(account, &id, cursor.position, &record);
    changed(replayed.await?, &record)?;
    Ok(uncached(StatusCode::ACCEPTED))
}

/// Returns the filter. The error has every field that breaks its rule.
fn filter_of(body: &WebhookBody) -> Result<EventFilter, InvalidFields> {
    let mut errors = Vec::new();
    let address = |field, text: &Option<String>| -> Result<Option<Address>, InvalidField> {
        text.as_ref()
            .map(|text| parameters::address(field, text))
            .transpose()
    };
    let scope = kept(address("scope", &body.scope), &mut errors);
    let registry = kept(address("registry", &body.registry), &mut errors);
    let filter = EventFilter::new(Level::Finalized, scope.flatten(), registry.flatten());
    let filter = match body.types.as_slice() {
        [] => Ok(filter),
        types => filter
            .with_names(&types.join(","))
            .ok_or_else(|| InvalidField::new("types", "must be a list of names of events")),
    };
    let filter = kept(filter, &mut errors).unwrap_or_default();
    InvalidFields::of(errors).map_or(Ok(filter), Err)
}

/// Returns the account of a developer, and the sender.
async fn developer<'a>(state: &'a Reads, headers: &HeaderMap) -> Result<(AccountId, &'a Webhooks), Failure> {
    let account = state.with_role(headers, &[Role::Developer]).await?.id;
    let sender = state.webhooks.as_deref().ok_or_else(problems::no_webhooks)?;
    Ok((account, sender))
}

async fn find(state: &Reads, account: AccountId, id: &RandomId) -> Result<Webhook, Failure> {
    let found = state.databases.primary().webhooks(account).await?;
    let webhook = found.into_iter().find(|known| known.id == *id);
    webhook.ok_or_else(problems::unknown_webhook)
}

fn changed(change: WebhookChange, record: &AuditRecord) -> Result<(), Failure> {
    match change {
        WebhookChange::Changed => log(record),
        WebhookChange::Unknown => return Err(problems::unknown_webhook()),
        WebhookChange::NotDeveloper => return Err(problems::missing_role(&[Role::Developer])),
    }
    Ok(())
}

fn webhook_id(text: &str) -> Result<RandomId, InvalidField> {
    let mut id = RandomId::default();
    hex::decode_to_slice(text, &mut id)
        .map_err(|_| InvalidField::new("webhook", "must be the id of a webhook: 32 hexadecimal digits"))?;
    Ok(id)
}

fn record(event: &str, account: AccountId, id: &RandomId) -> AuditRecord {
    AuditRecord::of(event, &account.to_string(), &hex::encode(id))
}

/// Writes the line of a change.
fn log(record: &AuditRecord) {
    let (event, account) = (record.event.as_str(), record.actor.as_deref().unwrap_or_default());
    let webhook = record.subject.as_deref().unwrap_or_default();
    tracing::info!(target: AUDIT, event, account, webhook);
}

/// Converts a refused URL. One at an internal address is an event of security.
fn refused_url(state: &Reads, account: AccountId, error: UrlError) -> Failure {
    if error != UrlError::Private {
        return InvalidField::new("url", error.to_string()).into();
    }
    let (problem, account) = (problems::private_address(), account.to_string());
    tracing::info!(target: AUDIT, event = "webhook_refused", code = problem.code(), account);
    state.refused("webhook_refused", problem.code(), Some(&account));
    problem.into()
}

fn webhook_document(webhook: Webhook) -> WebhookDocument {
    WebhookDocument {
        id: hex::encode(webhook.id),
        url: webhook.url,
        scope: webhook.scope.map(|scope| scope.to_string()),
        registry: webhook.registry.map(|registry| registry.to_string()),
        types: webhook.types,
        created_at: webhook.created_at,
        disabled: webhook.disabled,
        pending: webhook.pending,
    }
}

fn delivery_document(delivery: Delivery) -> DeliveryDocument {
    DeliveryDocument {
        id: message_id(delivery.position),
        r#type: delivery.name,
        state: delivery.state,
        attempts: delivery.attempts,
        last_status: delivery.last_status,
        last_code: delivery.last_code,
        next_attempt_at: delivery.next_attempt_at,
    }
}
