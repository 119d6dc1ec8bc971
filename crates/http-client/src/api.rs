//! The routes of the API service.

use bauta_primitives::{
    FieldElement, Leaf, Root,
    tree::{Depth, MembershipPath},
};
use bauta_wire::api::{
    AcceptedDocument, AcceptedJobDocument, CircuitList, GenerateBody, GeneratedDocument, Health, MAX_TILES,
    PathDocument, ProofJobDocument, RegistryDocument, RegistryPage, RelayBody, RelayDocument,
    RelayStatusDocument, RootPage, ScopeDocument, ScopePage, SealingKeyDocument, StoredTreeDocument,
    TileRequest, ToSignDocument, VerdictDocument, VerifyBody,
};
use reqwest::StatusCode;
use sha2::{Digest as _, Sha256};
use solana_address::Address;

use crate::{
    HttpError, Settings, Tile,
    tiles::{Descent, MAX_TILE_BYTES},
    transport::{Request, Transport},
};

/// The longest list of leaves in bytes: 1,048,576 leaves.
const MAX_LEAVES_BYTES: usize = 32 << 20;
/// The longest id of a relay or of a job in hexadecimal digits.
const MAX_ID_DIGITS: usize = 64;

/// The API service: what dApps read, relayed verifications, and proofs of members who delegate
/// proving.
#[derive(Clone, Debug)]
pub struct Api(Transport);

/// Which page of a list to read.
#[derive(Clone, Debug, Default)]
pub struct PageOf {
    /// Largest number of elements, from 1 to 100. The default is 100.
    pub limit: Option<u16>,
    /// The `next` of the previous page, with the same filters.
    pub cursor: Option<String>,
}

/// The response to a request to relay.
#[derive(Clone, Debug)]
pub enum RelayOutcome {
    /// The relay is stored.
    Accepted(AcceptedDocument),
    /// With the fee `in_transaction`: the recipient must sign this transaction. Nothing is stored.
    ToSign(ToSignDocument),
}

/// The response to a request for a proof.
#[derive(Clone, Debug)]
pub enum Generated {
    /// The proof.
    Proof(Box<GeneratedDocument>),
    /// The request became a job.
    Job(AcceptedJobDocument),
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

    /// Returns the state of the process.
    pub async fn health(&self) -> Result<Health, HttpError> {
        self.0.document(&Request::get("health")).await
    }

    /// Returns the registered circuits.
    pub async fn circuits(&self) -> Result<CircuitList, HttpError> {
        self.0.document(&Request::get("v1/circuits")).await
    }

    /// Returns a page of the registries.
    pub async fn registries(&self, page: &PageOf) -> Result<RegistryPage, HttpError> {
        self.0.document(&page.of(Request::get("v1/registries"))).await
    }

    /// Returns a registry.
    pub async fn registry(&self, registry: &Address) -> Result<RegistryDocument, HttpError> {
        let path = format!("v1/registries/{registry}");
        self.0.document(&Request::get(path)).await
    }

    /// Returns a page of the roots of a registry that are valid now.
    pub async fn roots(&self, registry: &Address, page: &PageOf) -> Result<RootPage, HttpError> {
        let path = format!("v1/registries/{registry}/roots");
        self.0.document(&page.of(Request::get(path))).await
    }

    /// Returns the leaves of the tree with a root, from index 0 on, without the empty ones at the
    /// end. The caller computes the root again, for example with
    /// [`ReferenceTree`](bauta_client::ReferenceTree).
    pub async fn leaves(&self, registry: &Address, root: Root) -> Result<Vec<Leaf>, HttpError> {
        let request = Request::get(leaves_path(registry, root)).limit(MAX_LEAVES_BYTES);
        let bytes = self.0.send(&request).await?.body;
        let (leaves, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            let reason = format!("{} bytes of leaves, which are not 32 for each", bytes.len());
            return Err(self.0.malformed(reason));
        }
        let leaves = leaves.iter().map(|leaf| Leaf::from_bytes(*leaf));
        let leaves: Result<_, _> = leaves.collect();
        leaves.map_err(|error| self.0.malformed(error.to_string()))
    }

    /// Stores the leaves of the current root of an attested registry, from index 0 on. Needs a key
    /// with the permission `trees`.
    pub async fn store_leaves(
        &self,
        registry: &Address,
        root: Root,
        leaves: &[Leaf],
    ) -> Result<StoredTreeDocument, HttpError> {
        let octets = leaves.iter().flat_map(|leaf| leaf.to_bytes()).collect();
        let request = Request::put(leaves_path(registry, root), octets).keyed();
        self.0.document(&request).await
    }

    /// Returns a tile by its hash, which is computed again.
    pub async fn tile(&self, hash: FieldElement) -> Result<Tile, HttpError> {
        let request = Request::get(format!("v1/tiles/{hash}")).limit(MAX_TILE_BYTES);
        let bytes = self.0.send(&request).await?.body;
        Tile::decode(&bytes, hash).map_err(|reason| self.0.malformed(reason))
    }

    /// Returns tiles by their hashes, which are computed again. `None` for a tile that is not
    /// stored.
    pub async fn tiles(&self, hashes: &[FieldElement]) -> Result<Vec<Option<Tile>>, HttpError> {
        if !(1..=MAX_TILES).contains(&hashes.len()) {
            return Err(HttpError::InvalidParameter {
                parameter: "hashes",
                rule: "must have 1 to 64 elements",
            });
        }
        let body = TileRequest {
            hashes: hashes.iter().map(ToString::to_string).collect(),
        };
        let limit = hashes.len() * (2 + MAX_TILE_BYTES);
        let request = Request::post("v1/tiles", &body)?.limit(limit);
        let bytes = self.0.send(&request).await?.body;
        let (mut rest, mut tiles) = (bytes.as_slice(), Vec::with_capacity(hashes.len()));
        for hash in hashes {
            let length = rest.split_off(..2).and_then(|length| length.try_into().ok());
            let length = length.map_or(usize::MAX, |length| u16::from_be_bytes(length).into());
            let Some(tile) = rest.split_off(..length) else {
                return Err(self.0.malformed("the list of tiles ends too early"));
            };
            let tile = (!tile.is_empty()).then(|| Tile::decode(tile, *hash)).transpose();
            tiles.push(tile.map_err(|reason| self.0.malformed(reason))?);
        }
        if !rest.is_empty() {
            return Err(self.0.malformed("the list of tiles has further bytes"));
        }
        Ok(tiles)
    }

    /// Returns a leaf and its path to a root, read in tiles. The service learns that the client
    /// needs one of 256 leaves. Each tile is checked, so the path leads to `root`.
    pub async fn path_by_tiles(
        &self,
        root: Root,
        depth: Depth,
        index: u64,
    ) -> Result<(Leaf, MembershipPath), HttpError> {
        let mut descent = Descent::new(root, depth, index)?;
        while let Some(hash) = descent.wanted() {
            let tile = self.tile(hash).await?;
            descent.add(&tile).map_err(|reason| self.0.malformed(reason))?;
        }
        descent.finish().map_err(|reason| self.0.malformed(reason))
    }

    /// Returns the path of a leaf to a root, by default to the root to prove against. The service
    /// learns which leaf the client is interested in: prefer [`Self::path_by_tiles`].
    pub async fn path(
        &self,
        registry: &Address,
        index: u64,
        root: Option<Root>,
    ) -> Result<PathDocument, HttpError> {
        let path = format!("v1/registries/{registry}/paths/{index}");
        self.0.document(&Request::get(path).query("root", root)).await
    }

    /// Returns a page of the scopes, optionally only of those over a registry.
    pub async fn scopes(&self, registry: Option<&Address>, page: &PageOf) -> Result<ScopePage, HttpError> {
        let request = Request::get("v1/scopes").query("registry", registry);
        self.0.document(&page.of(request)).await
    }

    /// Returns a scope.
    pub async fn scope(&self, scope: &Address) -> Result<ScopeDocument, HttpError> {
        self.0.document(&Request::get(format!("v1/scopes/{scope}"))).await
    }

    /// Returns the wallets of the relay, and what it accepts.
    pub async fn relay_offer(&self) -> Result<RelayDocument, HttpError> {
        self.0.document(&Request::get("v1/relay")).await
    }

    /// Relays a verification. [`relay_body`](crate::relay_body) makes the body. With the fee `key`,
    /// needs a key with the permission `relay`. A repeated call gets the same relay.
    pub async fn relay(&self, body: &RelayBody) -> Result<RelayOutcome, HttpError> {
        let text = serde_json::to_vec(body).unwrap_or_default();
        let hash = format!("{:x}", Sha256::digest(&text));
        let mut request = Request::post("v1/relay", body)?
            .switched()
            .idempotent(Some(&hash));
        if body.fee == bauta_wire::api::FEE_KEY {
            request = request.keyed();
        }
        let response = self.0.send(&request).await?;
        Ok(match response.status {
            StatusCode::ACCEPTED => RelayOutcome::Accepted(response.document()?),
            _ => RelayOutcome::ToSign(response.document()?),
        })
    }

    /// Returns the state of a relay.
    pub async fn relayed(&self, relay: &str) -> Result<RelayStatusDocument, HttpError> {
        check_id("relay", relay)?;
        self.0.document(&Request::get(format!("v1/relay/{relay}"))).await
    }

    /// Verifies a proof. An invalid proof is not an error.
    pub async fn verify(&self, body: &VerifyBody) -> Result<VerdictDocument, HttpError> {
        let request = Request::post("v1/zkp/verify", body)?.switched();
        self.0.document(&request).await
    }

    /// Returns the key that private inputs are sealed to. A client that does not trust the API
    /// reads it from the prover service.
    pub async fn sealing_key(&self) -> Result<SealingKeyDocument, HttpError> {
        self.0.document(&Request::get("v1/zkp/sealing-key")).await
    }

    /// Lets the prover service make a proof. Needs a key with the permission `prove`. Without an
    /// idempotency key, the request is not repeated after a broken connection.
    pub async fn generate(
        &self,
        body: &GenerateBody,
        idempotency_key: Option<&str>,
    ) -> Result<Generated, HttpError> {
        let request = Request::post("v1/zkp/generate", body)?
            .switched()
            .keyed()
            .idempotent(idempotency_key);
        let response = self.0.send(&request).await?;
        Ok(match response.status {
            StatusCode::ACCEPTED => Generated::Job(response.document()?),
            _ => Generated::Proof(response.document()?),
        })
    }

    /// Returns a job. Needs the key of the request, or one that replaced it.
    pub async fn proof_job(&self, job: &str) -> Result<ProofJobDocument, HttpError> {
        check_id("job", job)?;
        let request = Request::get(format!("v1/zkp/jobs/{job}")).keyed();
        self.0.document(&request).await
    }
}

impl PageOf {
    fn of<'a>(&self, request: Request<'a>) -> Request<'a> {
        request
            .query("limit", self.limit)
            .query("cursor", self.cursor.as_deref())
    }
}

fn leaves_path(registry: &Address, root: Root) -> String {
    format!("v1/registries/{registry}/roots/{root}/leaves")
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
