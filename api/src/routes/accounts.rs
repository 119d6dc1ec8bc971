//! Accounts of wallets, and their roles.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::{AUDIT, InvalidField, Json, Path, Query, UnreadBody};
use bauta_store::{Account, AccountId, AuditRecord, Role, RolesSet};
use bauta_wire::api::{AccountDocument, AccountPage, RolesBody};

use super::{
    pages::{self, MAX_PAGE, PageParameters},
    parameters,
    problems::{self, Failure, ProblemDocument},
    respond::uncached,
    state::Reads,
};

/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 1 << 10;

/// Returns the account of the access token.
///
/// A wallet without a role has an account as well.
#[utoipa::path(
    get,
    path = "/v1/account",
    tag = "accounts",
    security(("wallet" = [])),
    responses((status = 200, body = AccountDocument)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn account(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    let id = state.wallet(&headers)?;
    let roles = state.databases.primary().roles(id).await?;
    Ok(uncached(Json(account_document(Account { id, roles }))))
}

/// Lists the accounts that have a role.
///
/// The list has no wallets. Compare the ids with those of the wallets that you know.
#[utoipa::path(
    get,
    path = "/v1/accounts",
    tag = "accounts",
    security(("wallet" = ["owner"]), ("wallet" = ["auditor"])),
    params(PageParameters),
    responses((status = 200, body = AccountPage)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn accounts(
    state: Reads,
    headers: HeaderMap,
    Query(parameters): Query<PageParameters>,
) -> Result<Response, Failure> {
    state.with_role(&headers, &[Role::Owner, Role::Auditor]).await?;
    let PageParameters { limit, cursor } = parameters;
    let request = pages::Request::<16>::new(&["accounts"], limit, MAX_PAGE, cursor.as_deref())?;
    let after = request.after.map(AccountId);
    let mut accounts = state
        .databases
        .primary()
        .accounts(after, request.wanted())
        .await?;
    let next = request.cut(&mut accounts, |account| account.id.0);
    Ok(uncached(Json(AccountPage {
        data: accounts.into_iter().map(account_document).collect(),
        next,
    })))
}

/// Gives a wallet exactly these roles.
///
/// They count from the wallet's next request, even if it has logged in before. The API keys of a
/// wallet that is no developer any more are revoked. The last owner remains an owner.
#[utoipa::path(
    put,
    path = "/v1/accounts/{wallet}/roles",
    tag = "accounts",
    security(("wallet" = ["owner"])),
    params(("wallet" = String, Path, description = "The wallet")),
    request_body(content = RolesBody, example = json!({"roles": ["developer"]})),
    responses(
        (status = 200, body = AccountDocument),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; account; **the wallet that gets the roles**",
        "keeps": "a keyed hash of that wallet, with its roles; both accounts, the roles and the time in the audit log for ever"
    })))
)]
pub async fn set_roles(
    state: Reads,
    headers: HeaderMap,
    Path(wallet): Path<String>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let owner = state.with_role(&headers, &[Role::Owner]).await?.id;
    let body: RolesBody = body.json(MAX_BODY_BYTES).await?;
    let wallet = parameters::address("wallet", &wallet)?;
    let roles: Option<Vec<Role>> = body.roles.iter().map(|name| Role::from_name(name)).collect();
    let mut roles = roles
        .filter(|_| body.roles.len() <= Role::ALL.len())
        .ok_or_else(|| {
            InvalidField::new(
                "roles",
                "must be a list of owner, operator, auditor and developer",
            )
        })?;
    roles.sort_unstable_by_key(|role| role.as_str());
    roles.dedup();
    let id = state.accounts()?.id_of(&wallet);
    let (by, of) = (owner.to_string(), id.to_string());
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    let names = names.join("+");
    let record = AuditRecord::of("roles_set", &by, &format!("{of} {names}"));
    match state.databases.primary().set_roles(id, &roles, &record).await? {
        RolesSet::Set => {
            tracing::info!(target: AUDIT, event = "roles_set", account = by, of, roles = names);
        }
        RolesSet::LastOwner => {
            tracing::info!(target: AUDIT, event = "roles_refused", code = "last_owner", account = by, of);
            state.refused("roles_refused", "last_owner", Some(&by));
            return Err(problems::last_owner());
        }
    }
    Ok(uncached(Json(account_document(Account { id, roles }))))
}

fn account_document(account: Account) -> AccountDocument {
    AccountDocument {
        id: account.id.to_string(),
        roles: account
            .roles
            .into_iter()
            .map(|role| role.as_str().into())
            .collect(),
    }
}
