//! Each call against the description of its service: method, path, parameters, headers and body of
//! the request, and every field of the response.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use bauta_client::{ReferenceTree, instructions::Verify};
use bauta_http::{
    Api, ApiKey, Generated, HttpError, JobState, PageOf, ProverService, RelayOutcome, Settings, relay_body,
    wire::{
        api::{FEE_KEY, FEE_SPONSORED, GenerateBody, ProofInputs, SealedPrivate, VerifyBody},
        prover::{GivenProof, VerifyRequest},
    },
};
use bauta_primitives::{Claim, FieldElement, Leaf, Nullifier, PublicInputs, Root, tree::Depth};
use serde::Serialize;
use serde_json::{Value, to_value};
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
}

impl Checked {
    fn new(description: &str) -> Self {
        Self {
            description: Description::read(description),
            calls: BTreeSet::new(),
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

    /// Calls a route whose response has bytes.
    async fn octets<T: PartialEq + std::fmt::Debug>(
        &mut self,
        (name, route): (&str, &str),
        (body, expected): (Vec<u8>, T),
        call: impl AsyncFnOnce(&str) -> Result<T, HttpError>,
    ) {
        assert!(self.description.has_octets(route), "{route}");
        let reply = Reply {
            status: 200,
            headers: Vec::new(),
            body,
        };
        let server = Server::start([reply]).await;
        assert_eq!(call(&server.url).await.unwrap(), expected, "{route}");
        self.check(name, route, &server);
    }

    fn check(&mut self, name: &str, route: &str, server: &Server) {
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{route}");
        self.description.check(route, &requests[0]);
        self.calls.insert(name.to_owned());
    }

    /// Compares the checked calls with the methods of a file.
    fn finish(&self, file: &str, others: &[&str]) {
        let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src", file].iter().collect();
        let text = fs::read_to_string(file).unwrap();
        let methods = text.split("pub async fn ").skip(1);
        let methods = methods.map(|rest| rest.split('(').next().unwrap().to_owned());
        let methods: BTreeSet<String> = methods.filter(|name| !others.contains(&name.as_str())).collect();
        assert_eq!(self.calls, methods);
    }
}

fn api(url: &str) -> Api {
    Api::with(url, settings()).unwrap()
}

fn prover(url: &str) -> ProverService {
    ProverService::with(url, settings()).unwrap()
}

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
    c.octets(("leaves", leaves_route), (bytes, leaves.clone()), async |url| {
        api(url).leaves(&registry, root).await
    })
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
        ("tile", "GET /v1/tiles/{hash}"),
        (tile.clone(), expected),
        async |url| {
            let tile = api(url).tile(hash).await?;
            Ok((tile.root_level(), tile.entries().len(), tile.entries()[0]))
        },
    )
    .await;
    let list = [&[0, 33][..], &tile, &[0, 0]].concat();
    c.octets(
        ("tiles", "POST /v1/tiles"),
        (list, vec![true, false]),
        async |url| {
            let tiles = api(url).tiles(&[hash, element()]).await?;
            Ok(tiles.iter().map(Option::is_some).collect())
        },
    )
    .await;
    proofs_of_the_api(c).await;
    checked.finish("api.rs", &["path_by_tiles"]);
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
    checked.finish("prover.rs", &[]);
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
