//! Each call against the description of its service: method, path, parameters, headers and body of
//! the request, and every field of the response.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use bauta_client::{ReferenceTree, instructions::Verify};
use bauta_http::{
    Api, ApiKey, EventFilter, EventStream, Generated, HttpError, JobState, PageOf, Proved, ProverService,
    RelayOutcome, Settings, Span, relay_body,
    wire::{
        Secret,
        api::{
            Every, FEE_KEY, FEE_SPONSORED, FlagsBody, GenerateBody, JobFilter, KeyBody, ProofInputs,
            RegistrationBody, SealedPrivate, SponsorshipBody, TicketBody, TokenBody, VerifyBody, WebhookBody,
        },
        prover::{
            CircuitType, GivenProof, LeafReference, ProfileRequest, ProveBody, Registration,
            RequestPublicInputs, SealedInputs, TicketRequest, VerifyRequest,
        },
    },
};
use bauta_primitives::{Claim, FieldElement, Leaf, Nullifier, PublicInputs, Root, tree::Depth};
use serde::Serialize;
use serde_json::{Map, Value, to_value};
use solana_address::Address;

use crate::{
    schema::Description,
    server::{Reply, Server},
};

/// Settings with every header.
fn settings() -> Settings {
    Settings {
        key: Some(ApiKey::new("a-key").unwrap()),
        rollout: Some(7),
        min_slot: Some(5),
        ..Settings::default()
    }
}

/// The calls that were checked, and the description.
struct Checked {
    description: Description,
    calls: BTreeSet<String>,
    routes: BTreeSet<String>,
}

impl Checked {
    fn new(description: &str) -> Self {
        Self {
            description: Description::read(description),
            calls: BTreeSet::new(),
            routes: BTreeSet::new(),
        }
    }

    /// Calls a route whose response is a document with every field. The result must have each of
    /// them.
    async fn document<T: Serialize>(
        &mut self,
        name: &str,
        (route, status): (&str, u16),
        call: impl AsyncFnOnce(&str) -> Result<T, HttpError>,
    ) {
        let sample = self.description.sample(route, status);
        let server = Server::start([Reply::json(status, &sample)]).await;
        let result = call(&server.url).await;
        let result = result.unwrap_or_else(|error| panic!("{route}: {error}"));
        assert_eq!(to_value(result).unwrap(), sample, "{route}");
        self.check(name, route, &server);
    }

    /// Calls a route whose response has bytes of a type.
    async fn octets<T: PartialEq + std::fmt::Debug>(
        &mut self,
        (name, route, kind): (&str, &str, &str),
        (body, expected): (Vec<u8>, T),
        call: impl AsyncFnOnce(&str) -> Result<T, HttpError>,
    ) {
        assert!(self.description.has_content(route, kind), "{route}");
        let reply = Reply {
            status: 200,
            headers: Vec::new(),
            body,
        };
        let server = Server::start([reply]).await;
        assert_eq!(call(&server.url).await.unwrap(), expected, "{route}");
        self.check(name, route, &server);
    }

    /// Calls a route that responds without a body.
    async fn empty(
        &mut self,
        name: &str,
        (route, status): (&str, u16),
        call: impl AsyncFnOnce(&str) -> Result<(), HttpError>,
    ) {
        assert!(self.description.responds(route, status), "{route}");
        let reply = Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        let server = Server::start([reply]).await;
        call(&server.url).await.unwrap();
        self.check(name, route, &server);
    }

    /// Opens a stream of one event.
    async fn stream(
        &mut self,
        name: &str,
        route: &str,
        call: impl AsyncFnOnce(&str) -> Result<EventStream, HttpError>,
    ) {
        assert!(
            self.description.has_content(route, "text/event-stream"),
            "{route}"
        );
        let reply = Reply {
            status: 200,
            headers: Vec::new(),
            body: b": open\n\nevent: progress\nid: 7\ndata: {}\n\ndata: cut".to_vec(),
        };
        let server = Server::start([reply]).await;
        let mut stream = call(&server.url).await.unwrap();
        let event = stream.next().await.unwrap().unwrap();
        assert_eq!(
            (&*event.name, event.id.as_deref()),
            ("progress", Some("7")),
            "{route}"
        );
        assert_eq!(
            event.json::<Value>().unwrap(),
            Value::Object(Map::new()),
            "{route}"
        );
        assert_eq!(stream.next().await.unwrap(), None, "{route}");
        self.check(name, route, &server);
    }

    fn check(&mut self, name: &str, route: &str, server: &Server) {
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{route}");
        self.description.check(route, &requests[0]);
        self.calls.insert(name.to_owned());
        self.routes.insert(route.to_owned());
    }

    /// Compares the checked calls with the methods in a folder, and the checked routes with those of
    /// the description. `others` are methods that use several routes, and `exceptions` routes
    /// without a call, each with the reason.
    fn finish(&self, folder: &str, others: &[&str], exceptions: &[(&str, &str)]) {
        let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src", folder].iter().collect();
        let files = fs::read_dir(folder).unwrap();
        let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let mut methods = BTreeSet::new();
        for text in texts {
            let found = text.split("pub async fn ").skip(1);
            methods.extend(found.map(|rest| rest.split('(').next().unwrap().to_owned()));
        }
        methods.retain(|name| !others.contains(&name.as_str()));
        assert_eq!(self.calls, methods);
        let mut known = self.routes.clone();
        for (route, reason) in exceptions {
            assert!(reason.len() > 20, "{route} has no reason");
            assert!(known.insert((*route).to_owned()), "{route} has a call");
        }
        assert_eq!(known, self.description.routes());
    }
}

fn api(url: &str) -> Api {
    Api::with(url, settings()).unwrap()
}

fn prover(url: &str) -> ProverService {
    ProverService::with(url, settings()).unwrap()
}

/// The type of bytes.
const OCTETS: &str = "application/octet-stream";

fn element() -> FieldElement {
    FieldElement::from_u64(7)
}

fn hex(bytes: usize) -> String {
    format!("0x{}", "07".repeat(bytes))
}

pub fn verification() -> Verify {
    Verify {
        payer: Address::default(),
        scope: Address::new_from_array([1; 32]),
        circuit: Address::default(),
        registry: None,
        auxiliary_registry: None,
        gate: None,
        recipient: Address::new_from_array([2; 32]),
        relayer: Some(Address::new_from_array([3; 32])),
        proof: [7; 256],
        root: Root::new(element()),
        nullifier: Nullifier::new(element()),
        claim: Claim::of_track(3),
        auxiliary_root: Some(Root::new(element())),
        expiry: 1_800_000_000,
        payload: b"payload".to_vec(),
    }
}

fn inputs() -> ProofInputs {
    let element = hex(32);
    ProofInputs {
        root: element.clone(),
        nullifier: element.clone(),
        scope: element.clone(),
        claim: element.clone(),
        context: element,
    }
}

#[tokio::test]
async fn each_read_of_the_api_is_as_described() {
    let mut checked = Checked::new("api-service.openapi.json");
    let registry = Address::new_from_array([9; 32]);
    let root = Root::new(element());
    let page = PageOf {
        limit: Some(5),
        cursor: Some("abc".to_owned()),
    };
    let c = &mut checked;
    c.document("health", ("GET /health", 200), async |url| {
        api(url).health().await
    })
    .await;
    c.document("circuits", ("GET /v1/circuits", 200), async |url| {
        api(url).circuits().await
    })
    .await;
    c.document("registries", ("GET /v1/registries", 200), async |url| {
        api(url).registries(&page).await
    })
    .await;
    c.document("registry", ("GET /v1/registries/{registry}", 200), async |url| {
        api(url).registry(&registry).await
    })
    .await;
    c.document(
        "roots",
        ("GET /v1/registries/{registry}/roots", 200),
        async |url| api(url).roots(&registry, &page).await,
    )
    .await;
    c.document(
        "path",
        ("GET /v1/registries/{registry}/paths/{index}", 200),
        async |url| api(url).path(&registry, 3, Some(root)).await,
    )
    .await;
    c.document("scopes", ("GET /v1/scopes", 200), async |url| {
        api(url).scopes(Some(&registry), &page).await
    })
    .await;
    c.document("scope", ("GET /v1/scopes/{scope}", 200), async |url| {
        api(url).scope(&registry).await
    })
    .await;
    let leaves = vec![
        Leaf::new(element()),
        Leaf::EMPTY,
        Leaf::new(FieldElement::from_u64(8)),
    ];
    let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.to_bytes()).collect();
    let leaves_route = "GET /v1/registries/{registry}/roots/{root}/leaves";
    c.octets(
        ("leaves", leaves_route, OCTETS),
        (bytes, leaves.clone()),
        async |url| api(url).leaves(&registry, root).await,
    )
    .await;
    c.document(
        "store_leaves",
        (&leaves_route.replace("GET", "PUT"), 200),
        async |url| api(url).store_leaves(&registry, root, &leaves).await,
    )
    .await;
    // The lowest tile of a tree with one leaf. Its hash is that of the tree's node at level 4.
    let tile = [&[4][..], element().as_bytes()].concat();
    let path = ReferenceTree::from_leaves(Depth::Ten, [Leaf::new(element())]).unwrap();
    let path = path.path(0).unwrap();
    let hash = path.siblings()[..4].iter().fold(element(), |child, siblings| {
        bauta_primitives::tree::parent(child, 0, siblings)
    });
    let expected = (4, 256, element());
    c.octets(
        ("tile", "GET /v1/tiles/{hash}", OCTETS),
        (tile.clone(), expected),
        async |url| {
            let tile = api(url).tile(hash).await?;
            Ok((tile.root_level(), tile.entries().len(), tile.entries()[0]))
        },
    )
    .await;
    let list = [&[0, 33][..], &tile, &[0, 0]].concat();
    c.octets(
        ("tiles", "POST /v1/tiles", OCTETS),
        (list, vec![true, false]),
        async |url| {
            let tiles = api(url).tiles(&[hash, element()]).await?;
            Ok(tiles.iter().map(Option::is_some).collect())
        },
    )
    .await;
    proofs_of_the_api(c).await;
    reads_of_registries_and_scopes(c).await;
    service_and_logins(c).await;
    accounts(c).await;
    webhooks(c).await;
    operators(c).await;
    let exceptions = [(
        "GET /v1/ws",
        "GET /v1/events has the same events, and needs no websocket",
    )];
    checked.finish("api", &["path_by_tiles"], &exceptions);
}

/// Checks the calls that send proofs or private inputs.
async fn proofs_of_the_api(c: &mut Checked) {
    c.document("relay_offer", ("GET /v1/relay", 200), async |url| {
        api(url).relay_offer().await
    })
    .await;
    let delay = Duration::from_mins(10);
    for (status, fee) in [(202, FEE_SPONSORED), (200, FEE_KEY)] {
        c.document("relay", ("POST /v1/relay", status), async |url| {
            match api(url).relay(&relay_body(&verification(), fee, delay)?).await? {
                RelayOutcome::Accepted(document) => Ok(to_value(document).unwrap()),
                RelayOutcome::ToSign(document) => Ok(to_value(document).unwrap()),
            }
        })
        .await;
    }
    c.document("relayed", ("GET /v1/relay/{relay}", 200), async |url| {
        api(url).relayed(&"0a".repeat(16)).await
    })
    .await;
    c.document("verify", ("POST /v1/zkp/verify", 200), async |url| {
        let body = VerifyBody {
            proof: hex(256),
            circuit_id: "ownership-v1".to_owned(),
            public: inputs(),
        };
        api(url).verify(&body).await
    })
    .await;
    c.document("sealing_key", ("GET /v1/zkp/sealing-key", 200), async |url| {
        api(url).sealing_key().await
    })
    .await;
    let body = GenerateBody {
        pid: "11111111111111111111111111111111".to_owned(),
        pattern: "membership".to_owned(),
        registry: "11111111111111111111111111111111".to_owned(),
        scope: hex(32),
        context: hex(32),
        private: SealedPrivate {
            key_id: "0123".to_owned(),
            encapsulated_key: hex(32),
            ciphertext: hex(40),
        },
        wait: None,
    };
    for status in [200, 202] {
        c.document(
            "generate",
            ("POST /v1/zkp/generate", status),
            async |url| match api(url).generate(&body, Some("a-key")).await? {
                Generated::Proof(document) => Ok::<Value, _>(to_value(document).unwrap()),
                Generated::Job(document) => Ok(to_value(document).unwrap()),
            },
        )
        .await;
    }
    c.stream("relay_events", "GET /v1/relay/{relay}/events", async |url| {
        let stream = api(url).relay_events(&"0a".repeat(16), Some("sent")).await?;
        Ok(stream.unwrap())
    })
    .await;
    c.document("proof_job", ("GET /v1/zkp/jobs/{job}", 200), async |url| {
        api(url).proof_job(&"0a".repeat(32)).await
    })
    .await;
}

#[tokio::test]
async fn each_call_of_the_prover_service_is_as_described() {
    let mut checked = Checked::new("prover-service.openapi.json");
    let c = &mut checked;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    c.document("health", ("GET /health", 200), async |url| {
        prover(url).health().await
    })
    .await;
    c.document("circuits", ("GET /circuits", 200), async |url| {
        prover(url).circuits().await
    })
    .await;
    c.document("sealing_key", ("GET /sealing-key", 200), async |url| {
        prover(url).sealing_key().await
    })
    .await;
    c.document("verify", ("POST /verify", 200), async |url| {
        let public = PublicInputs {
            root: Root::new(element()),
            nullifier: Nullifier::new(element()),
            scope: bauta_primitives::Scope::new(element()),
            claim: Claim::of_track(3),
            context: bauta_primitives::Context::new(element()),
        };
        let body = VerifyRequest {
            proof: GivenProof::Bytes(hex(256)),
            circuit_id: Some("ownership-v1".to_owned()),
            model_hash: None,
            input_hash: None,
            expected_output: None,
            public: Some(public),
        };
        prover(url).verify(&body).await
    })
    .await;
    c.document("jobs", ("GET /jobs", 200), async |url| {
        prover(url).jobs(Some(5), Some(id), Some(JobState::Queued)).await
    })
    .await;
    c.document("job", ("GET /jobs/{id}", 200), async |url| {
        prover(url).job(id).await
    })
    .await;
    c.document("cancel", ("DELETE /jobs/{id}", 200), async |url| {
        prover(url).cancel(id).await
    })
    .await;
    proofs_of_the_prover_service(c).await;
    let exceptions = [
        (
            "POST /prove/batch",
            "its requests have no sealed form, so they would show the secrets",
        ),
        ("GET /models", "it returns an empty list for earlier systems"),
        (
            "POST /api/proof/generate",
            "it responds 501 to earlier systems, always",
        ),
        (
            "GET /api/metrics/export",
            "it is the response of GET /api/metrics/snapshot as a file",
        ),
    ];
    checked.finish("prover", &[], &exceptions);
}

/// Checks the calls about collections, members and uses.
async fn reads_of_registries_and_scopes(c: &mut Checked) {
    let address = Address::new_from_array([9; 32]);
    let page = PageOf {
        limit: Some(5),
        cursor: Some("abc".to_owned()),
    };
    let span = Span {
        from: Some(86_400),
        to: Some(172_800),
    };
    let of_registry = |rest: &str| format!("/v1/registries/{{registry}}/{rest}");
    let get = |rest: &str| format!("GET {}", of_registry(rest));
    c.document("collections", (&get("collections"), 200), async |url| {
        api(url).collections(&address, &page).await
    })
    .await;
    c.document("holdings", (&get("holdings"), 200), async |url| {
        api(url).holdings(&address, Some("a4f/12"), &page).await
    })
    .await;
    c.document("anonymity", (&get("anonymity"), 200), async |url| {
        api(url).anonymity(&address, 3).await
    })
    .await;
    c.document("growth", (&get("growth"), 200), async |url| {
        api(url).growth(&address, 3, span).await
    })
    .await;
    let route = format!("POST {}", of_registry("eligibility"));
    c.document("eligibility", (&route, 200), async |url| {
        api(url).eligibility(&address, &address).await
    })
    .await;
    let body = RegistrationBody {
        owner: address.to_string(),
        asset: address.to_string(),
        commitment: hex(32),
        compressed: None,
        lookup_table: None,
    };
    let route = format!("POST {}", of_registry("registrations"));
    c.document("registrations", (&route, 200), async |url| {
        api(url).registrations(&address, &body).await
    })
    .await;
    uses(c, &address, &page, span).await;
    streams_and_keys(c, address).await;
}

/// Checks the calls about verifications and nullifiers.
async fn uses(c: &mut Checked, scope: &Address, page: &PageOf, span: Span) {
    c.document(
        "scope_analytics",
        ("GET /v1/scopes/{scope}/analytics", 200),
        async |url| api(url).scope_analytics(scope, Some(Every::Hour), span).await,
    )
    .await;
    c.document(
        "track_analytics",
        ("GET /v1/tracks/{id}/analytics", 200),
        async |url| api(url).track_analytics(3, Some(Every::Day), span).await,
    )
    .await;
    c.document(
        "nullifiers",
        ("GET /v1/scopes/{scope}/nullifiers", 200),
        async |url| api(url).nullifiers(scope, Some("a4f/12"), page).await,
    )
    .await;
    c.document(
        "nullifier",
        ("GET /v1/scopes/{scope}/nullifiers/{nullifier}", 200),
        async |url| api(url).nullifier(scope, Nullifier::new(element())).await,
    )
    .await;
    c.document(
        "verifications",
        ("GET /v1/scopes/{scope}/verifications", 200),
        async |url| api(url).verifications(scope, page).await,
    )
    .await;
}

async fn streams_and_keys(c: &mut Checked, address: Address) {
    let filter = EventFilter {
        scope: Some(address),
        registry: Some(address),
        types: vec!["OwnershipVerified".to_owned(), "ScopeClosed".to_owned()],
        confirmed: true,
        after: Some("A".repeat(48)),
    };
    c.stream("events", "GET /v1/events", async |url| {
        api(url).events(&filter).await
    })
    .await;
    // The SHA-256 of `abc` (FIPS 180-2).
    let hash = [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0,
        0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    ];
    for (name, route) in [
        ("verifying_key", "GET /v1/verifying-keys/{vk_hash}"),
        ("proving_key", "GET /v1/proving-keys/{sha256}"),
    ] {
        let bytes = b"abc".to_vec();
        c.octets((name, route, OCTETS), (bytes.clone(), bytes), async |url| {
            if name == "proving_key" {
                api(url).proving_key(&hash).await
            } else {
                api(url).verifying_key(&hash).await
            }
        })
        .await;
    }
}

/// Checks the calls about the service itself, and logins.
async fn service_and_logins(c: &mut Checked) {
    let address = Address::new_from_array([9; 32]);
    c.document("config", ("GET /v1/config", 200), async |url| {
        api(url).config().await
    })
    .await;
    c.document("clusters", ("GET /v1/clusters", 200), async |url| {
        api(url).clusters().await
    })
    .await;
    c.document("cluster_status", ("GET /api/cluster/status", 200), async |url| {
        api(url).cluster_status().await
    })
    .await;
    c.document("feature_flags", ("GET /feature-flags", 200), async |url| {
        api(url).feature_flags().await
    })
    .await;
    let flags = FlagsBody {
        zkp_enabled: true,
        rollout_percentage: 5,
        version: Some(3),
    };
    c.document("set_feature_flags", ("POST /feature-flags", 200), async |url| {
        api(url).set_feature_flags(&flags).await
    })
    .await;
    c.document("web_keys", ("GET /.well-known/jwks.json", 200), async |url| {
        api(url).web_keys().await
    })
    .await;
    let gateway = "/.well-known/ohttp-gateway";
    let bytes = vec![1, 2, 3];
    c.octets(
        ("ohttp_keys", &format!("GET {gateway}"), "application/ohttp-keys"),
        (bytes.clone(), bytes.clone()),
        async |url| api(url).ohttp_keys().await,
    )
    .await;
    c.octets(
        ("ohttp_gateway", &format!("POST {gateway}"), "message/ohttp-res"),
        (bytes.clone(), bytes),
        async |url| api(url).ohttp_gateway(&[4, 5]).await,
    )
    .await;
    c.document("challenge", ("POST /v1/auth/challenge", 200), async |url| {
        api(url).challenge(&address).await
    })
    .await;
    let signed = TokenBody {
        address: address.to_string(),
        nonce: "0a".repeat(32),
        signature: "1".repeat(64),
    };
    c.document("token", ("POST /v1/auth/token", 200), async |url| {
        api(url).token(&signed).await
    })
    .await;
    let refresh = Secret::new("a refresh token");
    c.document("refresh", ("POST /v1/auth/refresh", 200), async |url| {
        api(url).refresh(&refresh).await
    })
    .await;
    c.empty("logout", ("POST /v1/auth/logout", 204), async |url| {
        api(url).logout(&refresh).await
    })
    .await;
    c.document("account", ("GET /v1/account", 200), async |url| {
        api(url).account().await
    })
    .await;
}

/// Checks the calls about accounts, keys, tickets and the audit log.
async fn accounts(c: &mut Checked) {
    let address = Address::new_from_array([9; 32]);
    let page = PageOf {
        limit: Some(5),
        cursor: Some("abc".to_owned()),
    };
    c.document("accounts", ("GET /v1/accounts", 200), async |url| {
        api(url).accounts(&page).await
    })
    .await;
    c.document(
        "set_roles",
        ("PUT /v1/accounts/{wallet}/roles", 200),
        async |url| api(url).set_roles(&address, &["developer"]).await,
    )
    .await;
    c.document("audit_log", ("GET /v1/audit", 200), async |url| {
        api(url).audit_log(&page).await
    })
    .await;
    c.document("checkpoint", ("GET /v1/audit/checkpoint", 200), async |url| {
        api(url).checkpoint().await
    })
    .await;
    c.document("seals", ("GET /v1/audit/seals", 200), async |url| {
        api(url).seals(&page).await
    })
    .await;
    c.document("keys", ("GET /v1/keys", 200), async |url| api(url).keys().await)
        .await;
    let key = KeyBody {
        kind: "server".to_owned(),
        name: "back end".to_owned(),
        permissions: vec!["read".to_owned()],
        origins: Vec::new(),
        days: 30,
    };
    c.document("create_key", ("POST /v1/keys", 201), async |url| {
        api(url).create_key(&key).await
    })
    .await;
    c.document("rotate_key", ("POST /v1/keys/{key}/rotate", 201), async |url| {
        api(url).rotate_key("0a0b0c0d", 30).await
    })
    .await;
    c.empty("revoke_key", ("DELETE /v1/keys/{key}", 204), async |url| {
        api(url).revoke_key("0a0b0c0d").await
    })
    .await;
    let ticket = TicketBody {
        route: "events".to_owned(),
        origin: Some("https://app.example.org".to_owned()),
    };
    c.document("ticket", ("POST /v1/tickets", 200), async |url| {
        api(url).ticket(&ticket).await
    })
    .await;
}

async fn webhooks(c: &mut Checked) {
    let id = "0a".repeat(16);
    let route = |method: &str, rest: &str| format!("{method} /v1/webhooks/{{webhook}}{rest}");
    c.document("webhooks", ("GET /v1/webhooks", 200), async |url| {
        api(url).webhooks().await
    })
    .await;
    let body = WebhookBody {
        url: "https://hook.example.org".to_owned(),
        scope: None,
        registry: None,
        types: vec!["OwnershipVerified".to_owned()],
    };
    c.document("create_webhook", ("POST /v1/webhooks", 201), async |url| {
        api(url).create_webhook(&body).await
    })
    .await;
    c.empty("delete_webhook", (&route("DELETE", ""), 204), async |url| {
        api(url).delete_webhook(&id).await
    })
    .await;
    c.document(
        "webhook_deliveries",
        (&route("GET", "/deliveries"), 200),
        async |url| api(url).webhook_deliveries(&id).await,
    )
    .await;
    c.document("enable_webhook", (&route("POST", "/enable"), 200), async |url| {
        api(url).enable_webhook(&id).await
    })
    .await;
    c.empty("replay_webhook", (&route("POST", "/replay"), 202), async |url| {
        api(url).replay_webhook(&id, &"A".repeat(48)).await
    })
    .await;
    c.document("rotate_webhook", (&route("POST", "/rotate"), 200), async |url| {
        api(url).rotate_webhook(&id).await
    })
    .await;
}

async fn operators(c: &mut Checked) {
    let address = Address::new_from_array([9; 32]);
    let page = PageOf {
        limit: Some(5),
        cursor: Some("abc".to_owned()),
    };
    c.document("ledger", ("GET /v1/ledger", 200), async |url| {
        api(url).ledger().await
    })
    .await;
    c.document("ledger_entries", ("GET /v1/ledger/{wallet}", 200), async |url| {
        api(url).ledger_entries(&address, &page).await
    })
    .await;
    c.document(
        "operator_metrics",
        ("GET /v1/operator/metrics", 200),
        async |url| api(url).operator_metrics().await,
    )
    .await;
    c.document("operator_queue", ("GET /v1/operator/queue", 200), async |url| {
        api(url).operator_queue().await
    })
    .await;
    c.document("operator_jobs", ("GET /v1/operator/jobs", 200), async |url| {
        api(url).operator_jobs(Some(JobFilter::Failed)).await
    })
    .await;
    c.document(
        "operator_workers",
        ("GET /v1/operator/workers", 200),
        async |url| api(url).operator_workers().await,
    )
    .await;
    let body = serde_json::from_str("{}").unwrap();
    c.document(
        "operator_profile",
        ("POST /v1/operator/profile", 200),
        async |url| api(url).operator_profile(&body).await,
    )
    .await;
    c.document(
        "sponsorship",
        ("GET /v1/operator/sponsorship", 200),
        async |url| api(url).sponsorship().await,
    )
    .await;
    let body = SponsorshipBody {
        paused: true,
        version: Some(3),
    };
    c.document(
        "set_sponsorship",
        ("PUT /v1/operator/sponsorship", 200),
        async |url| api(url).set_sponsorship(&body).await,
    )
    .await;
}

/// Checks the calls that make proofs, follow them, and read statistics.
async fn proofs_of_the_prover_service(c: &mut Checked) {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let body = ProveBody {
        statement: "ownership".to_owned(),
        version: Some(1),
        depth: Some(10),
        public: RequestPublicInputs {
            root: Some(Root::new(element())),
            scope: bauta_primitives::Scope::new(element()),
            claim: Claim::of_track(3),
            context: bauta_primitives::Context::new(element()),
        },
        sealed: SealedInputs {
            key_id: "0123".to_owned(),
            encapsulated_key: hex(32),
            ciphertext: hex(40),
        },
        registry: Some(LeafReference {
            address: Address::default().to_string(),
            index: 7,
        }),
        tag: Some("a tag".to_owned()),
        priority: Some(3),
        wait: Some(true),
        request_id: Some("my-request_1.0".to_owned()),
    };
    for status in [200, 202] {
        c.document("prove", ("POST /prove", status), async |url| {
            match prover(url).prove(&body, Some("a-key")).await? {
                Proved::Proof(document) => Ok::<Value, _>(to_value(document).unwrap()),
                Proved::Job(document) => Ok(to_value(document).unwrap()),
            }
        })
        .await;
    }
    c.stream("job_events", "GET /jobs/{id}/events", async |url| {
        prover(url).job_events(id).await
    })
    .await;
    c.stream("request_events", "GET /requests/{id}/events", async |url| {
        prover(url).request_events("my-request_1.0").await
    })
    .await;
    let ticket = TicketRequest {
        id: id.to_owned(),
        origin: Some("https://app.example.org".to_owned()),
    };
    c.document("ticket", ("POST /tickets", 200), async |url| {
        prover(url).ticket(&ticket).await
    })
    .await;
    c.document("snapshot", ("GET /api/metrics/snapshot", 200), async |url| {
        prover(url).snapshot().await
    })
    .await;
    c.document("failed", ("GET /api/queue/failed", 200), async |url| {
        prover(url).failed().await
    })
    .await;
    c.document("queue_stats", ("GET /api/queue/stats", 200), async |url| {
        prover(url).queue_stats().await
    })
    .await;
    c.document("worker_stats", ("GET /api/workers/stats", 200), async |url| {
        prover(url).worker_stats().await
    })
    .await;
    let registration = Registration {
        id: "worker".to_owned(),
        url: "http://worker.example.org".to_owned(),
        max_concurrency: 4,
    };
    c.document("register", ("POST /api/workers/register", 200), async |url| {
        prover(url).register(&registration).await
    })
    .await;
    let request = ProfileRequest {
        circuit_types: vec![CircuitType::Default],
        network_sizes: vec![10],
        iterations: 5,
        warmup_iterations: 1,
        include_memory: true,
        include_cpu: true,
        circuit_id: None,
    };
    c.document(
        "profile",
        ("POST /api/profiling/comprehensive", 200),
        async |url| prover(url).profile(&request).await,
    )
    .await;
}

#[tokio::test]
async fn ids_that_would_change_the_url_are_not_sent() {
    let server = Server::start([]).await;
    for id in ["", "../../health", "0a?b", &"0a".repeat(33)] {
        assert!(matches!(
            api(&server.url).relayed(id).await,
            Err(HttpError::InvalidParameter { .. })
        ));
        assert!(matches!(
            api(&server.url).proof_job(id).await,
            Err(HttpError::InvalidParameter { .. })
        ));
        assert!(matches!(
            prover(&server.url).job(id).await,
            Err(HttpError::InvalidParameter { .. })
        ));
    }
    assert!(server.requests().is_empty());
}
