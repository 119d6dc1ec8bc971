use bauta_service_common::{Path, Query};
use bauta_store::Holding;
use bauta_wire::api::{HoldingDocument, HoldingPage};
use serde::Deserialize;
use solana_address::Address;
use utoipa::IntoParams;

use super::{
    pages::{MAX_PREFIX_PAGE, Request},
    problems::{Failure, ProblemDocument},
    registries,
    respond::Document,
    state::Reads,
};
use crate::prefix::{self, Prefix};

/// The parameters of a list of holdings or nullifiers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PrefixParameters {
    /// The first bits, for example `a4f/12`. At most `prefix_bits`. The default is all elements.
    pub prefix: Option<String>,
    /// Largest number of elements. The default is 1,024.
    #[param(minimum = 1, maximum = 1024)]
    pub limit: Option<u16>,
    /// The `next` of the previous page, with the same prefix.
    pub cursor: Option<String>,
}

/// Lists the holdings of a registry whose mints begin with the same bits.
///
/// A client finds the index of its own leaf among at least about 256. They are ordered by mint.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}/holdings",
    tag = "registries",
    params(("registry" = String, Path, description = "The registry account"), PrefixParameters),
    responses(
        (status = 200, body = HoldingPage),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; that the client needs one of about 256 tokens", "keeps": "nothing"})))
)]
pub async fn holdings(
    state: Reads,
    Path(address): Path<String>,
    Query(parameters): Query<PrefixParameters>,
) -> Result<Document<HoldingPage>, Failure> {
    let registry = registries::read(&state, &address).await?;
    let prefix_bits = prefix::largest(registry.next_index);
    let prefix = Prefix::parse(parameters.prefix.as_deref(), prefix_bits)?;
    let (filter, cursor) = (prefix.to_string(), parameters.cursor.as_deref());
    let filters = ["holdings", address.as_str(), filter.as_str()];
    let page = Request::new(&filters, parameters.limit, MAX_PREFIX_PAGE, cursor)?;
    let (range, after) = (prefix.range(), page.after.map(Address::from));
    let found = state
        .store
        .holdings_within(&registry, &range, after, page.wanted());
    let mut found = found.await?;
    let next = page.cut(&mut found, |(mint, _)| mint.to_bytes());
    Ok(Document(HoldingPage {
        prefix_bits,
        data: found.iter().map(document).collect(),
        next,
    }))
}

fn document((mint, holding): &(Address, Holding)) -> HoldingDocument {
    HoldingDocument {
        asset: mint.to_string(),
        index: holding.index.get().to_string(),
        commitment: holding.commitment.to_string(),
        track: holding.track.to_string(),
        live: holding.live,
    }
}
