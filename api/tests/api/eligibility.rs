//! Which tokens of a wallet can register. The mints and token accounts are written by the libraries
//! of the token programs. The node is a stand-in that returns them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bauta::token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use bauta_store::RegistryKind;
use reqwest::Method;
use serde_json::{Value, json};
use solana_address::Address;
use solana_program_pack::Pack as _;
use spl_token_2022_interface::{
    extension::{
        BaseStateWithExtensionsMut as _, ExtensionType, StateWithExtensionsMut,
        permanent_delegate::PermanentDelegate,
    },
    state::{Account, AccountState, Mint},
};
use spl_token_group_interface::state::TokenGroupMember;

use crate::common::{Chain, Running, address};

/// The accounts of a node: the owner program and the data.
#[derive(Default)]
struct Node {
    mints: BTreeMap<String, (Address, Vec<u8>)>,
    tokens: Vec<(Address, Vec<u8>)>,
}

impl Node {
    /// Adds a mint with one token, which is in a token account of the owner.
    fn add(&mut self, mint: Address, owner: Address, token: &Token) {
        let program = if token.extensions.is_empty() {
            TOKEN_PROGRAM
        } else {
            TOKEN_2022_PROGRAM
        };
        let state = Mint {
            supply: token.supply,
            decimals: 0,
            is_initialized: true,
            ..Mint::default()
        };
        let mut data = vec![0; Mint::LEN];
        if token.extensions.is_empty() {
            Mint::pack(state, &mut data).unwrap();
        } else {
            data = vec![0; ExtensionType::try_calculate_account_len::<Mint>(&token.extensions).unwrap()];
            let mut mint_state = StateWithExtensionsMut::<Mint>::unpack_uninitialized(&mut data).unwrap();
            for extension in &token.extensions {
                if *extension == ExtensionType::PermanentDelegate {
                    mint_state.init_extension::<PermanentDelegate>(true).unwrap();
                } else {
                    let member = mint_state.init_extension::<TokenGroupMember>(true).unwrap();
                    member.mint = mint;
                    member.group = address("group");
                }
            }
            mint_state.base = state;
            mint_state.pack_base();
            mint_state.init_account_type().unwrap();
        }
        self.mints.insert(mint.to_string(), (program, data));
        let mut data = vec![0; Account::LEN];
        let account = Account {
            mint,
            owner,
            amount: token.amount,
            state: token.state,
            ..Account::default()
        };
        Account::pack(account, &mut data).unwrap();
        self.tokens.push((program, data));
    }

    fn answer(&self, request: &Value) -> Value {
        let account = |(program, data): &(Address, Vec<u8>)| {
            json!({
                "lamports": 1, "owner": program.to_string(), "data": [STANDARD.encode(data), "base64"],
                "executable": false,
            })
        };
        let value: Vec<Value> = match request["method"].as_str().unwrap() {
            "getTokenAccountsByOwner" => {
                let program = &request["params"][1]["programId"];
                let tokens = self
                    .tokens
                    .iter()
                    .filter(|(owner, _)| owner.to_string() == *program);
                let keyed =
                    |token| json!({"pubkey": address("token").to_string(), "account": account(token)});
                tokens.map(keyed).collect()
            }
            "getMultipleAccounts" => {
                let addresses = request["params"][0].as_array().unwrap().iter();
                let mints = addresses.map(|address| self.mints.get(address.as_str().unwrap()));
                mints.map(|mint| mint.map_or(Value::Null, account)).collect()
            }
            method => panic!("{method}"),
        };
        json!({"jsonrpc": "2.0", "id": 1, "result": {"context": {"slot": 1}, "value": value}})
    }

    /// Starts the node and returns its URL.
    async fn start(self) -> String {
        let node = Arc::new(self);
        let answer = move |Json(request): Json<Value>| {
            let response = node.answer(&request);
            async move { Json(response) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
        url
    }
}

/// A token and how it differs from one that can register.
struct Token {
    supply: u64,
    amount: u64,
    state: AccountState,
    extensions: Vec<ExtensionType>,
}

impl Default for Token {
    fn default() -> Self {
        Self {
            supply: 1,
            amount: 1,
            state: AccountState::Initialized,
            extensions: Vec::new(),
        }
    }
}

async fn ask(service: &Running, registry: Address, body: &Value) -> (u16, Value) {
    let path = format!("/v1/registries/{registry}/eligibility");
    let response = service.request(Method::POST, &path).json(body).send();
    let response = response.await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn tokens_of_the_collections_are_listed_with_the_programs_reason_against_them() {
    let mut chain = Chain::new().await;
    let (registry, owner) = (address("registry"), address("owner"));
    chain.create(registry, RegistryKind::Holders);
    for name in ["good", "frozen", "fungible", "many"] {
        chain.collection(registry, address(name), false);
    }
    chain.collection(registry, address("group"), true);
    chain.apply().await;
    let mut node = Node::default();
    let member = ExtensionType::TokenGroupMember;
    for (name, token) in [
        ("good", Token::default()),
        (
            "frozen",
            Token {
                state: AccountState::Frozen,
                ..Token::default()
            },
        ),
        (
            "fungible",
            Token {
                supply: 2,
                ..Token::default()
            },
        ),
        // Not the amount that a registration needs.
        (
            "many",
            Token {
                amount: 2,
                ..Token::default()
            },
        ),
        // In no collection.
        ("other", Token::default()),
        (
            "member",
            Token {
                extensions: vec![member],
                ..Token::default()
            },
        ),
        (
            "delegated",
            Token {
                extensions: vec![member, ExtensionType::PermanentDelegate],
                ..Token::default()
            },
        ),
    ] {
        node.add(address(name), owner, &token);
    }
    let url = node.start().await;
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let (status, answer) = ask(&service, registry, &json!({"owner": owner.to_string()})).await;
    assert_eq!(status, 200, "{answer}");
    let found: BTreeMap<String, Value> = answer["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| {
            assert_eq!(asset["eligible"], asset["reason"].is_null(), "{asset}");
            (
                asset["asset"].as_str().unwrap().to_owned(),
                asset["reason"].clone(),
            )
        })
        .collect();
    let expected = [
        ("good", Value::Null),
        ("frozen", json!("token_frozen")),
        ("fungible", json!("supply_not_one")),
        ("member", Value::Null),
        ("delegated", json!("has_permanent_delegate")),
    ];
    let expected = expected.map(|(name, reason)| (address(name).to_string(), reason));
    assert_eq!(found, BTreeMap::from(expected));
    // Another wallet's tokens, which a node returns by mistake, are left out.
    let (_, answer) = ask(&service, registry, &json!({"owner": address("bob").to_string()})).await;
    assert_eq!(answer, json!({"assets": []}));
    assert!(!service.log().contains(&owner.to_string()));
}

#[tokio::test]
async fn a_wallet_with_too_many_tokens_and_a_registry_without_tokens_are_refused() {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Holders);
    chain.create(address("managed"), RegistryKind::Managed);
    chain.apply().await;
    let (mut node, owner) = (Node::default(), address("owner"));
    for number in 0..1_001_u32 {
        node.add(address(&format!("mint {number}")), owner, &Token::default());
    }
    let url = node.start().await;
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let body = json!({"owner": owner.to_string()});
    for (registry, body, status, code) in [
        ("registry", &body, 422, "too_many_tokens"),
        ("managed", &body, 422, "not_a_holders_registry"),
        ("unknown", &body, 404, "unknown_registry"),
        ("registry", &json!({"owner": "x"}), 400, "invalid_input"),
        ("registry", &json!({}), 400, "invalid_input"),
    ] {
        let (found, problem) = ask(&service, address(registry), body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    let without_node = Running::start(&chain.database, &[]);
    let (status, problem) = ask(&without_node, address("registry"), &body).await;
    assert_eq!((status, &problem["code"]), (503, &json!("feature_disabled")));
    let unreachable = Running::start(&chain.database, &[("SOLANA_RPC_URL", "http://127.0.0.1:1")]);
    let (status, problem) = ask(&unreachable, address("registry"), &body).await;
    assert_eq!((status, &problem["code"]), (503, &json!("node_unavailable")));
}

#[tokio::test]
async fn a_lookup_counts_as_ten_requests() {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Holders);
    chain.apply().await;
    let url = Node::default().start().await;
    let settings = [
        ("SOLANA_RPC_URL", url.as_str()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "25"),
    ];
    let service = Running::start(&chain.database, &settings);
    let body = json!({"owner": address("owner").to_string()});
    for status in [200, 200, 429] {
        assert_eq!(ask(&service, address("registry"), &body).await.0, status);
    }
}
