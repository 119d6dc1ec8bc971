//! Transactions that register an asset. The node is a stand-in over a local Solana VM with the real
//! program and the real token programs: the test signs the transactions, and the program executes
//! them.

mod compressed;
mod vectors;

use std::sync::{Arc, Mutex};

use axum::{Json, Router, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bauta::state::CollectionKind;
use bauta_client::addresses;
use bauta_client::instructions::{RegisterCoreHolder, RegisterHolder};
use bauta_primitives::{Commitment, FieldElement};
use bauta_program_test::{
    MetadataSpec, MintExtension, MintSpec, Nft, RegistrySpec, SPL_TOKEN, TestChain, TestRegistry,
};
use bauta_rpc::{serialize, unsigned};
use bauta_store::RegistryKind;
use reqwest::Method;
use serde_json::{Value, json};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer as _;
use solana_transaction::versioned::VersionedTransaction;

use crate::common::{Chain, Running, address};

/// The track of all collections in the events of the tests.
const TRACK: u64 = u64::MAX;

/// What the node has, and the result of its simulations.
struct Node {
    chain: TestChain,
    /// The token account of each mint.
    held: Vec<(Address, Address)>,
    simulation_error: Value,
}

type Shared = Arc<Mutex<Node>>;

impl Node {
    fn account(&self, address: &Address) -> Value {
        self.chain.account(address).map_or(Value::Null, |account| {
            json!({
                "lamports": account.lamports, "owner": account.owner.to_string(), "executable": false,
                "data": [STANDARD.encode(account.data), "base64"],
            })
        })
    }

    fn answer(&self, request: &Value) -> Value {
        let parameters = &request["params"];
        let with_context = |value: Value| json!({"context": {"slot": 1}, "value": value});
        let result = match request["method"].as_str().unwrap() {
            "getMultipleAccounts" => {
                let addresses = parameters[0].as_array().unwrap().iter();
                let found = addresses.map(|text| self.account(&text.as_str().unwrap().parse().unwrap()));
                with_context(found.collect())
            }
            "getTokenAccountsByOwner" => {
                let of_mint = self
                    .held
                    .iter()
                    .filter(|(mint, _)| parameters[1]["mint"] == mint.to_string());
                let keyed = |(_, held): &(Address, Address)| json!({"pubkey": held.to_string(), "account": self.account(held)});
                with_context(of_mint.map(keyed).collect())
            }
            "getLatestBlockhash" => with_context(json!({
                "blockhash": Setup::blockhash().to_string(), "lastValidBlockHeight": 1_234,
            })),
            "simulateTransaction" => with_context(json!({"err": self.simulation_error, "unitsConsumed": 1})),
            "getMinimumBalanceForRentExemption" => {
                let bytes = parameters[0].as_u64().unwrap();
                json!(self.chain.rent(usize::try_from(bytes).unwrap()))
            }
            method => panic!("{method}"),
        };
        json!({"jsonrpc": "2.0", "id": 1, "result": result})
    }
}

async fn start(node: Shared) -> String {
    let answer = move |Json(request): Json<Value>| {
        let response = node.lock().unwrap().answer(&request);
        async move { Json(response) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    url
}

/// A registry on the chain and in the database, and the service.
struct Setup {
    node: Shared,
    database: Chain,
    registry: TestRegistry,
    owner: Keypair,
}

impl Setup {
    async fn new() -> Self {
        let mut chain = TestChain::new();
        let registry = chain.create_registry(RegistrySpec::default());
        let owner = chain.funded_keypair("owner");
        let mut database = Chain::new().await;
        database.create(registry.address, RegistryKind::Holders);
        let node = Node {
            chain,
            held: Vec::new(),
            simulation_error: Value::Null,
        };
        Self {
            node: Arc::new(Mutex::new(node)),
            database,
            registry,
            owner,
        }
    }

    fn collection(&mut self, key: Address, kind: CollectionKind) {
        self.collection_with_rules(key, kind, 0);
    }

    fn collection_with_rules(&mut self, key: Address, kind: CollectionKind, rules: u16) {
        let mut node = self.node.lock().unwrap();
        let registry = &self.registry;
        let added = node
            .chain
            .add_collection_with_rules(registry, &key, kind, rules, TRACK);
        added.unwrap();
        self.database
            .collection_with_rules(registry.address, key, kind, rules);
    }

    /// Creates a token that the wallet holds.
    fn token(&mut self, create: impl FnOnce(&mut TestChain, &Keypair) -> Nft) -> Nft {
        let mut node = self.node.lock().unwrap();
        let nft = create(&mut node.chain, &self.owner);
        node.held.push((nft.mint, nft.account));
        nft
    }

    async fn service(&mut self) -> Running {
        self.database.apply().await;
        let url = start(self.node.clone()).await;
        Running::start(&self.database.database, &[("SOLANA_RPC_URL", &url)])
    }

    fn blockhash() -> Hash {
        Hash::new_from_array([5; 32])
    }

    fn commitment() -> Commitment {
        Commitment::new(FieldElement::from_u64(77))
    }

    async fn request(&self, service: &Running, asset: &Address, owner: &Address) -> (u16, Value) {
        self.request_with(service, asset, owner, json!({})).await
    }

    /// Sends a request that also has these fields.
    async fn request_with(
        &self,
        service: &Running,
        asset: &Address,
        owner: &Address,
        fields: Value,
    ) -> (u16, Value) {
        let path = format!("/v1/registries/{}/registrations", self.registry.address);
        let mut body = json!({
            "owner": owner.to_string(), "asset": asset.to_string(),
            "commitment": Self::commitment().to_string(),
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let response = service
            .request(Method::POST, &path)
            .json(&body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Returns the bytes of the transaction that a client with this instruction makes itself.
    fn own_transaction(&self, instruction: &Instruction) -> String {
        let transaction = unsigned(
            std::slice::from_ref(instruction),
            &self.owner.pubkey(),
            Self::blockhash(),
        );
        STANDARD.encode(serialize(&transaction.unwrap()).unwrap())
    }

    fn register(&self, nft: &Nft, collection_key: Address) -> RegisterHolder {
        RegisterHolder {
            payer: self.owner.pubkey(),
            owner: self.owner.pubkey(),
            registry: self.registry.address,
            tree: self.registry.tree_account,
            collection_key,
            mint: nft.mint,
            token_account: nft.account,
            token_metadata: nft.token_metadata,
            commitment: Self::commitment(),
            path: None,
        }
    }

    /// Executes a transaction of the service on the chain. Returns the lamports that the owner
    /// paid, without the fee.
    fn execute(&self, transaction: &Value) -> i64 {
        let bytes = STANDARD.decode(transaction.as_str().unwrap()).unwrap();
        let transaction: VersionedTransaction = wincode::deserialize(&bytes).unwrap();
        let message = &transaction.message;
        let keys = message.static_account_keys();
        let header = message.header();
        let signers = usize::from(header.num_required_signatures);
        let meta = |index: &u8| {
            let number = usize::from(*index);
            let is_signer = number < signers;
            let read_only = if is_signer {
                (signers, header.num_readonly_signed_accounts)
            } else {
                (keys.len(), header.num_readonly_unsigned_accounts)
            };
            AccountMeta {
                pubkey: keys[number],
                is_signer,
                is_writable: number < read_only.0 - usize::from(read_only.1),
            }
        };
        let [compiled] = message.instructions() else {
            panic!("{message:?}");
        };
        let instruction = Instruction {
            program_id: keys[usize::from(compiled.program_id_index)],
            accounts: compiled.accounts.iter().map(meta).collect(),
            data: compiled.data.clone(),
        };
        let mut node = self.node.lock().unwrap();
        let lamports = |chain: &TestChain| {
            let balance = chain.account(&self.owner.pubkey()).unwrap().lamports;
            i64::try_from(balance).unwrap()
        };
        let before = lamports(&node.chain);
        node.chain.send(&[instruction], &[&self.owner]).unwrap();
        before - lamports(&node.chain)
    }
}

/// An asset, the key of its collection, and the instruction that registers it.
type Own = (Address, Address, Instruction);

/// Creates an asset of every kind of collection. Returns the instructions of a client of
/// crates/client.
fn every_kind(setup: &mut Setup) -> Vec<Own> {
    let (metadata, programmable) = (address("collection"), address("programmable"));
    let master = setup.token(|chain, owner| chain.mint_with_metadata(owner, &MetadataSpec::default()));
    let (group, core) = {
        let chain = &mut setup.node.lock().unwrap().chain;
        (chain.create_group(), chain.core_collection(&[]))
    };
    let plain = setup.token(TestChain::mint_nft);
    let member = setup.token(|chain, owner| {
        chain.mint(
            owner,
            &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
        )
    });
    let described =
        setup.token(|chain, owner| chain.mint_with_metadata(owner, &MetadataSpec::of_collection(&metadata)));
    let locked = setup
        .token(|chain, owner| chain.mint_with_metadata(owner, &MetadataSpec::programmable(&programmable)));
    let print =
        setup.token(|chain, owner| chain.mint_with_metadata(owner, &MetadataSpec::print(&master.mint)));
    let asset = {
        let chain = &mut setup.node.lock().unwrap().chain;
        chain.core_asset(&setup.owner, Some(core), &[])
    };
    for (key, kind) in [
        (plain.mint, CollectionKind::Asset),
        (group, CollectionKind::Group),
        (metadata, CollectionKind::TokenMetadata),
        (programmable, CollectionKind::TokenMetadata),
        (master.mint, CollectionKind::Prints),
        (core, CollectionKind::Core),
    ] {
        setup.collection(key, kind);
    }
    let owner = setup.owner.pubkey();
    let core_register = RegisterCoreHolder {
        payer: owner,
        owner,
        registry: setup.registry.address,
        tree: setup.registry.tree_account,
        collection_key: core,
        asset: asset.address,
        core_collection: Some(core),
        commitment: Setup::commitment(),
        path: None,
    };
    let tokens = [
        (&plain, plain.mint),
        (&member, group),
        (&described, metadata),
        (&locked, programmable),
        (&print, master.mint),
    ];
    let own = tokens.map(|(nft, key)| (nft.mint, key, setup.register(nft, key).instruction()));
    own.into_iter()
        .chain([(asset.address, core, core_register.instruction())])
        .collect()
}

#[tokio::test]
async fn the_transaction_of_every_kind_of_collection_is_the_clients_own_and_the_program_executes_it() {
    let mut setup = Setup::new().await;
    let own = every_kind(&mut setup);
    let service = setup.service().await;
    let owner = setup.owner.pubkey();
    let first = own[0].0;
    let last = own[own.len() - 1].0;
    for (registered, key, instruction) in own {
        let (status, built) = setup.request(&service, &registered, &owner).await;
        assert_eq!(status, 200, "{built}");
        assert_eq!(built["transaction"], setup.own_transaction(&instruction), "{key}");
        assert_eq!(built["collection"], key.to_string());
        assert_eq!(built["track"], TRACK.to_string());
        assert_eq!(built["last_valid_block_height"], "1234");
        assert_eq!(built["lamports"]["fee"], 5_000);
        // The test chain's own payer pays the fee.
        assert_eq!(
            built["lamports"]["rent"],
            setup.execute(&built["transaction"]),
            "{key}"
        );
    }
    let log = service.log();
    for secret in [owner, first, last] {
        assert!(!log.contains(&secret.to_string()), "{secret}: {log}");
    }
}

/// Creates tokens that are registered, and whose registration may be replaced now.
fn registered(setup: &mut Setup) -> Vec<Nft> {
    let others: Vec<Nft> = (0..3).map(|_| setup.token(TestChain::mint_nft)).collect();
    for nft in &others {
        setup.collection(nft.mint, CollectionKind::Asset);
        // The events of the database have the same commitments.
        let commitment =
            setup
                .database
                .register(setup.registry.address, nft.mint, setup.owner.pubkey(), TRACK);
        let mut node = setup.node.lock().unwrap();
        let sent = node
            .chain
            .send_register_holder(&setup.registry, nft, None, commitment);
        sent.unwrap();
        let index = setup.registry.next_index;
        let leaf = setup.database.leaf(setup.registry.address, index);
        setup.registry.set_leaf(index, leaf);
    }
    setup.node.lock().unwrap().chain.advance_clock(61);
    others
}

#[tokio::test]
async fn a_second_registration_has_the_path_of_the_present_leaf_and_pays_no_rent() {
    let mut setup = Setup::new().await;
    let others = registered(&mut setup);
    let service = setup.service().await;
    let nft = &others[1];
    let (status, built) = setup.request(&service, &nft.mint, &setup.owner.pubkey()).await;
    assert_eq!(status, 200, "{built}");
    let path = setup.registry.tree.on_chain_path(1).unwrap();
    let own = RegisterHolder {
        path: Some(path),
        ..setup.register(nft, nft.mint)
    };
    assert_eq!(built["transaction"], setup.own_transaction(&own.instruction()));
    assert_eq!(built["lamports"]["rent"], 0);
    assert_eq!(setup.execute(&built["transaction"]), 0);
    // The database does not know this registration, so its path is no longer that of the chain.
    let (status, problem) = setup.request(&service, &nft.mint, &setup.owner.pubkey()).await;
    assert_eq!((status, &problem["code"]), (503, &json!("behind")), "{problem}");
}

/// The program refuses such metadata if it is given, and needs none for a collection of one asset.
#[tokio::test]
async fn a_token_whose_metadata_can_not_be_read_registers_without_it() {
    let mut setup = Setup::new().await;
    let nft = setup.token(|chain, owner| {
        let nft = chain.mint_nft(owner);
        chain.write_metadata(&nft.mint, &MetadataSpec::default());
        let metadata = addresses::metadata(&nft.mint).address;
        let mut account = chain.account(&metadata).unwrap();
        account.data.push(0);
        chain.set_account(&metadata, account);
        nft
    });
    setup.collection(nft.mint, CollectionKind::Asset);
    let service = setup.service().await;
    let (status, built) = setup.request(&service, &nft.mint, &setup.owner.pubkey()).await;
    assert_eq!(status, 200, "{built}");
    let own = setup.register(&nft, nft.mint).instruction();
    assert_eq!(built["transaction"], setup.own_transaction(&own));
    setup.execute(&built["transaction"]);
}

#[tokio::test]
async fn an_asset_that_the_program_would_refuse_is_refused_with_the_reason() {
    let mut setup = Setup::new().await;
    let frozen = setup.token(|chain, owner| {
        let spec = MintSpec {
            program: SPL_TOKEN,
            freezable: true,
            ..MintSpec::default()
        };
        let nft = chain.mint(owner, &spec);
        chain.freeze_nft(&nft).unwrap();
        nft
    });
    let outside = setup.token(TestChain::mint_nft);
    let good = setup.token(TestChain::mint_nft);
    setup.collection(frozen.mint, CollectionKind::Asset);
    setup.collection(good.mint, CollectionKind::Asset);
    let service = setup.service().await;
    let (owner, other) = (setup.owner.pubkey(), address("other wallet"));
    for (asset, owner, status, code, reason) in [
        (frozen.mint, owner, 422, "not_eligible", json!("token_frozen")),
        (outside.mint, owner, 422, "not_in_collection", Value::Null),
        (good.mint, other, 422, "asset_not_held", Value::Null),
        (address("nothing"), owner, 404, "unknown_asset", Value::Null),
        // A token account is no mint.
        (good.account, owner, 422, "asset_not_held", Value::Null),
    ] {
        let (found, problem) = setup.request(&service, &asset, &owner).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
        assert_eq!(problem["reason"], reason, "{problem}");
    }
    let error = json!({"InstructionError": [0, {"Custom": 6_000}]});
    setup.node.lock().unwrap().simulation_error = error;
    let (status, problem) = setup.request(&service, &good.mint, &owner).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("simulation_failed")),
        "{problem}"
    );
    let path = format!("/v1/registries/{}/registrations", setup.registry.address);
    let body = json!({"owner": "x", "asset": "y", "commitment": format!("0x{}", "ff".repeat(32))});
    let response = service.request(Method::POST, &path).json(&body).send();
    let problem: Value = response.await.unwrap().json().await.unwrap();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3, "{problem}");
}
