//! The ledger of the wallets that pay for relays.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::{Json, Path, Query};
use bauta_store::{LedgerEntry, LedgerKind, RelayWallet, Role};
use bauta_wire::api::{LedgerDocument, LedgerEntryDocument, LedgerPage, LedgerWalletDocument};

use super::{
    pages::{self, MAX_PAGE, PageParameters},
    parameters,
    problems::{self, Failure, ProblemDocument},
    respond::uncached,
    state::Reads,
};

/// The roles that read the ledger.
const ROLES: [Role; 2] = [Role::Operator, Role::Auditor];

/// Lists the wallets of the relay with their balances.
///
/// The list has the wallets that have ever paid, and those of `RELAY_PAYERS`.
#[utoipa::path(
    get,
    path = "/v1/ledger",
    tag = "operations",
    security(("wallet" = ["operator"]), ("wallet" = ["auditor"])),
    responses((status = 200, body = LedgerDocument)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn ledger(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    state.with_role(&headers, &ROLES).await?;
    let wallets = state.databases.primary().relay_wallets().await?;
    Ok(uncached(Json(LedgerDocument {
        wallets: wallets.iter().map(wallet_document).collect(),
    })))
}

/// Lists the transactions of a wallet of the relay.
///
/// The oldest is the first. An entry has no relay, because the id of a relay is the key to its
/// state.
#[utoipa::path(
    get,
    path = "/v1/ledger/{wallet}",
    tag = "operations",
    security(("wallet" = ["operator"]), ("wallet" = ["auditor"])),
    params(("wallet" = String, Path, description = "The wallet of the relay"), PageParameters),
    responses(
        (status = 200, body = LedgerPage),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn ledger_entries(
    state: Reads,
    headers: HeaderMap,
    Path(text): Path<String>,
    Query(parameters): Query<PageParameters>,
) -> Result<Response, Failure> {
    state.with_role(&headers, &ROLES).await?;
    let wallet = parameters::address("wallet", &text)?;
    let PageParameters { limit, cursor } = parameters;
    let filters = ["ledger", text.as_str()];
    let request = pages::Request::<8>::new(&filters, limit, MAX_PAGE, cursor.as_deref())?;
    let after = request.after.map_or(0, u64::from_be_bytes);
    let store = state.databases.primary();
    if !store
        .relay_wallets()
        .await?
        .iter()
        .any(|known| known.wallet == wallet)
    {
        return Err(problems::unknown_wallet());
    }
    // The numbers have no gaps.
    let entries = store.ledger_after(wallet, after, request.wanted()).await?;
    let mut entries: Vec<_> = entries.into_iter().zip(after.saturating_add(1)..).collect();
    let next = request.cut(&mut entries, |(_, number)| number.to_be_bytes());
    let document = |((entry, kind, _), number): ((LedgerEntry, LedgerKind, _), u64)| {
        entry_document(number, &entry, kind)
    };
    Ok(uncached(Json(LedgerPage {
        data: entries.into_iter().map(document).collect(),
        next,
    })))
}

fn wallet_document(wallet: &RelayWallet) -> LedgerWalletDocument {
    LedgerWalletDocument {
        wallet: wallet.wallet.to_string(),
        balance: wallet.balance.to_string(),
        reserved: wallet.reserved.to_string(),
        entries: wallet.entries.to_string(),
        incomplete_seconds: wallet.incomplete_seconds,
    }
}

fn entry_document(number: u64, entry: &LedgerEntry, kind: LedgerKind) -> LedgerEntryDocument {
    LedgerEntryDocument {
        number: number.to_string(),
        signature: entry.signature.to_string(),
        slot: entry.slot.to_string(),
        kind: kind.as_str().into(),
        before: entry.before.to_string(),
        after: entry.after.to_string(),
        fee: entry.fee.to_string(),
    }
}
