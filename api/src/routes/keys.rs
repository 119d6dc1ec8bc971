//! The API keys of developers.

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bauta_service_common::{
    AUDIT, InvalidField, InvalidFields, Json, NewApiKey, Origin, Path, Problem, Quota, UnreadBody,
};
use bauta_store::{AccountId, AccountKey, AuditRecord, KeyChange, KeyLimits, Role};
use bauta_wire::Secret;
use bauta_wire::api::{KeyBody, KeyDocument, KeyList, NewKeyDocument, RotationBody};

use super::{
    parameters::kept,
    problems::{self, Failure, ProblemDocument},
    respond::uncached,
    state::{PAGE_PERMISSIONS, PERMISSIONS, Reads},
};
use crate::time::unix_seconds;

/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 8 << 10;
/// How many keys an account may have.
const MAX_KEYS: KeyLimits = KeyLimits {
    valid: 100,
    for_pages: 10,
    per_day: 100,
};
/// Largest number of origins of a key.
const MAX_ORIGINS: usize = 16;
/// Largest length of a name in characters.
const MAX_NAME_LENGTH: usize = 64;
/// Largest number of days for which a key is valid.
const MAX_DAYS: u16 = 365;
/// Seconds for which a replaced key remains valid.
const ROTATION_SECONDS: u32 = 86_400;

/// Lists the API keys of the account.
///
/// The list has the keys of the account, and never their secrets.
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "accounts",
    security(("wallet" = ["developer"])),
    responses((status = 200, body = KeyList)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn keys(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    let account = state.with_role(&headers, &[Role::Developer]).await?.id;
    let keys = state.databases.primary().account_keys(account).await?;
    let data = keys.into_iter().map(key_document).collect();
    Ok(uncached(Json(KeyList { data })))
}

/// Creates an API key.
///
/// A key for servers has the rate limits of all keys for servers of the account together. A
/// publishable key is for web pages of its origins, and everyone who opens them can read it: it has
/// its own rate limit and budget, and only permissions that cost its owner little. An account has
/// at most 100 valid keys, 10 of them publishable, and creates at most 100 in 24 hours.
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "accounts",
    security(("wallet" = ["developer"])),
    request_body(
        content = KeyBody,
        example = json!({"kind": "server", "name": "back end", "permissions": ["read", "relay"], "days": 365})
    ),
    responses(
        (status = 201, body = NewKeyDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; name and origins of the key",
        "keeps": "the key's hash, name, permissions, origins and account; prefix, account and time in the audit log for ever"
    })))
)]
pub async fn create(state: Reads, headers: HeaderMap, body: UnreadBody) -> Result<Response, Failure> {
    let account = state.with_role(&headers, &[Role::Developer]).await?.id;
    let body: KeyBody = body.json(MAX_BODY_BYTES).await?;
    let name = body.name.clone();
    let new = parse(&body)?;
    let store = state.databases.primary();
    let audited = record_of("key_created", account, &new.row.prefix);
    let added = store.add_account_key(account, &new.row, &name, MAX_KEYS, &audited);
    let added = added.await?;
    checked(&state, added, account)?;
    record("key_created", account, &new.row.prefix);
    respond(&state, account, &new).await
}

/// Replaces an API key.
///
/// The new key has the permissions, origins, name and owner of the old one, so jobs, rate limits
/// and budgets stay. The old key is refused after 24 hours. An account with 100 valid keys can
/// still replace them, at most 100 in 24 hours.
#[utoipa::path(
    post,
    path = "/v1/keys/{key}/rotate",
    tag = "accounts",
    security(("wallet" = ["developer"])),
    params(("key" = String, Path, description = "The prefix of the key")),
    request_body(content = RotationBody, example = json!({"days": 365})),
    responses(
        (status = 201, body = NewKeyDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; which key",
        "keeps": "what it keeps of the old key, for the new one; the old prefix, account and time in the audit log for ever"
    })))
)]
pub async fn rotate(
    state: Reads,
    headers: HeaderMap,
    Path(prefix): Path<String>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let account = state.with_role(&headers, &[Role::Developer]).await?.id;
    let body: RotationBody = body.json(MAX_BODY_BYTES).await?;
    let (expiry, prefix) = (expiry(body.days)?, key_prefix(&prefix)?);
    let store = state.databases.primary();
    let old = store.account_key(account, prefix).await?;
    let old = old.ok_or_else(problems::unknown_key)?.key;
    let permissions: Vec<&str> = old.permissions.iter().map(String::as_str).collect();
    let origins: Result<Vec<Origin>, _> = old.origins.iter().map(|origin| origin.parse()).collect();
    let origins = origins.map_err(|error| Problem::internal(&error))?;
    let new = generate(&permissions, expiry, &origins);
    let both = format!("{prefix} {}", new.row.prefix);
    let audited = record_of("key_rotated", account, &both);
    let rotated = store.rotate_account_key(account, prefix, &new.row, ROTATION_SECONDS, MAX_KEYS, &audited);
    let rotated = rotated.await?;
    checked(&state, rotated, account)?;
    record("key_rotated", account, &both);
    respond(&state, account, &new).await
}

/// Revokes an API key.
///
/// Every instance refuses it within a second while the database answers it. An instance that the
/// database doesn't answer can accept the key for five minutes. Owners and operators revoke the keys
/// of all accounts, and those that an operator has stored in the database.
#[utoipa::path(
    delete,
    path = "/v1/keys/{key}",
    tag = "accounts",
    security(("wallet" = ["developer"]), ("wallet" = ["owner"]), ("wallet" = ["operator"])),
    params(("key" = String, Path, description = "The prefix of the key")),
    responses(
        (status = 204, description = "The key is revoked"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; which key",
        "keeps": "prefix, account and time, in the audit log for ever"
    })))
)]
pub async fn revoke(
    state: Reads,
    headers: HeaderMap,
    Path(prefix): Path<String>,
) -> Result<Response, Failure> {
    let roles = [Role::Developer, Role::Owner, Role::Operator];
    let account = state.with_role(&headers, &roles).await?;
    let prefix = key_prefix(&prefix)?;
    let store = state.databases.primary();
    let revokes_all = [Role::Owner, Role::Operator];
    let revokes_all = account.roles.iter().any(|role| revokes_all.contains(role));
    let of = (!revokes_all).then_some(account.id);
    let audited = record_of("key_revoked", account.id, prefix);
    let revoked = store.revoke_audited_key(of, prefix, &audited).await?;
    if !revoked {
        return Err(problems::unknown_key());
    }
    record("key_revoked", account.id, prefix);
    Ok(uncached(StatusCode::NO_CONTENT))
}

/// Generates the key. The error has every field that breaks its rule.
fn parse(body: &KeyBody) -> Result<NewApiKey, InvalidFields> {
    let mut errors = Vec::new();
    let is_for_pages = match body.kind.as_str() {
        "server" => Some(false),
        "publishable" => Some(true),
        _ => None,
    };
    if is_for_pages.is_none() {
        errors.push(InvalidField::new("kind", "must be server or publishable"));
    }
    let length = body.name.chars().count();
    if !(1..=MAX_NAME_LENGTH).contains(&length) || body.name.chars().any(char::is_control) {
        let rule = format!("must have 1 to {MAX_NAME_LENGTH} characters, and no control characters");
        errors.push(InvalidField::new("name", rule));
    }
    let allowed = if is_for_pages == Some(true) {
        PAGE_PERMISSIONS.as_slice()
    } else {
        PERMISSIONS.as_slice()
    };
    let mut permissions: Vec<&str> = body.permissions.iter().map(String::as_str).collect();
    let is_long = permissions.len() > PERMISSIONS.len();
    permissions.sort_unstable();
    permissions.dedup();
    if is_long || permissions.is_empty() || permissions.iter().any(|name| !allowed.contains(name)) {
        let rule = format!("must be a list of at least one of {}", allowed.join(", "));
        errors.push(InvalidField::new("permissions", rule));
    }
    let origins = kept(parse_origins(body, is_for_pages == Some(true)), &mut errors);
    let expiry = kept(expiry(body.days), &mut errors);
    if let Some(errors) = InvalidFields::of(errors) {
        return Err(errors);
    }
    // They are present, because there is no error.
    let (origins, expiry) = (origins.unwrap_or_default(), expiry.unwrap_or_default());
    Ok(generate(&permissions, expiry, &origins))
}

fn parse_origins(body: &KeyBody, is_for_pages: bool) -> Result<Vec<Origin>, InvalidField> {
    let rule = if is_for_pages {
        "must be a list of 1 to 16 origins, such as https://app.example.org"
    } else {
        "must be absent or empty: a key for servers has no origins"
    };
    let refused = || InvalidField::new("origins", rule);
    let number = body.origins.len();
    if is_for_pages != (number > 0) || number > MAX_ORIGINS {
        return Err(refused());
    }
    let origins = body.origins.iter().map(|origin| origin.parse::<Origin>());
    origins.collect::<Result<_, _>>().map_err(|_| refused())
}

fn generate(permissions: &[&str], expiry: u64, origins: &[Origin]) -> NewApiKey {
    if origins.is_empty() {
        NewApiKey::random(permissions, expiry, Quota::default())
    } else {
        NewApiKey::for_pages(permissions, expiry, origins)
    }
}

/// Returns the expiry in Unix seconds of a key that is created now.
fn expiry(days: u16) -> Result<u64, InvalidField> {
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(InvalidField::new("days", format!("must be from 1 to {MAX_DAYS}")));
    }
    Ok(unix_seconds().unsigned_abs() + u64::from(days) * 86_400)
}

fn key_prefix(text: &str) -> Result<&str, InvalidField> {
    let is_prefix = text.len() == 8 && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    is_prefix.then_some(text).ok_or_else(|| {
        InvalidField::new(
            "key",
            "must be the prefix of a key: 8 lower-case hexadecimal digits",
        )
    })
}

/// Converts a change that was not made to an error.
fn checked(state: &Reads, change: KeyChange, account: AccountId) -> Result<(), Failure> {
    let (code, failure) = match change {
        KeyChange::Stored => return Ok(()),
        KeyChange::NotDeveloper => return Err(problems::missing_role(&[Role::Developer])),
        KeyChange::Unknown => return Err(problems::unknown_key()),
        KeyChange::PrefixTaken => return Err(problems::prefix_taken()),
        KeyChange::TooMany => ("too_many_keys", problems::too_many_keys(MAX_KEYS.valid)),
        KeyChange::TooManyForPages => (
            "too_many_keys",
            problems::too_many_keys_for_pages(MAX_KEYS.for_pages),
        ),
        KeyChange::TooManyToday => ("too_many_new_keys", problems::too_many_new_keys(MAX_KEYS.per_day)),
    };
    let account = account.to_string();
    tracing::info!(target: AUDIT, event = "key_change_refused", code, account);
    state.refused("key_change_refused", code, Some(&account));
    Err(failure)
}

fn record_of(event: &str, account: AccountId, prefix: &str) -> AuditRecord {
    AuditRecord::of(event, &account.to_string(), prefix)
}

fn record(event: &'static str, account: AccountId, prefix: &str) {
    let account = account.to_string();
    tracing::info!(target: AUDIT, event, account, prefix);
}

/// Returns the new key as it is stored.
async fn respond(state: &Reads, account: AccountId, new: &NewApiKey) -> Result<Response, Failure> {
    let store = state.databases.primary();
    let stored = store.account_key(account, &new.row.prefix).await?;
    let document = NewKeyDocument {
        api_key: Secret::new(&new.key),
        key: key_document(stored.ok_or_else(problems::unknown_key)?),
    };
    Ok((StatusCode::CREATED, uncached(Json(document))).into_response())
}

fn key_document(
    AccountKey {
        key,
        name,
        created_at,
    }: AccountKey,
) -> KeyDocument {
    KeyDocument {
        prefix: key.prefix,
        kind: if key.origins.is_empty() {
            "server".into()
        } else {
            "publishable".into()
        },
        name,
        permissions: key.permissions,
        origins: key.origins,
        owner: key.owner,
        created_at,
        expires_at: key.expires_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> KeyBody {
        KeyBody {
            kind: "publishable".to_owned(),
            name: "page".to_owned(),
            permissions: vec!["relay".to_owned(), "read".to_owned(), "read".to_owned()],
            origins: vec!["https://app.example.org".to_owned()],
            days: 1,
        }
    }

    #[test]
    fn a_publishable_key_has_origins_and_only_permissions_for_pages() {
        let new = parse(&body()).unwrap();
        assert_eq!(new.row.permissions, ["read", "relay"]);
        assert_eq!(new.row.origins, ["https://app.example.org"]);
        let named = |change: fn(&mut KeyBody)| {
            let mut body = body();
            change(&mut body);
            let errors = parse(&body).err().unwrap();
            errors
                .iter()
                .map(|error| error.field.clone())
                .collect::<Vec<String>>()
        };
        for permission in ["prove", "trees", "admin", ""] {
            let mut body = body();
            body.permissions.push(permission.to_owned());
            assert_eq!(
                parse(&body).err().unwrap().first().field,
                "permissions",
                "{permission}"
            );
        }
        assert_eq!(named(|body| body.origins.clear()), ["origins"]);
        assert_eq!(named(|body| body.origins = vec!["*".to_owned()]), ["origins"]);
        assert_eq!(
            named(|body| body.origins = vec!["https://a.example".to_owned(); 17]),
            ["origins"]
        );
        assert_eq!(named(|body| body.kind = "server".to_owned()), ["origins"]);
    }

    #[test]
    fn all_fields_that_break_their_rules_are_named_at_once() {
        let body = KeyBody {
            kind: String::new(),
            name: "\n".to_owned(),
            permissions: Vec::new(),
            origins: vec![String::new()],
            days: 366,
        };
        let errors = parse(&body).err().unwrap();
        let named: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["kind", "name", "permissions", "origins", "days"]);
    }
}
