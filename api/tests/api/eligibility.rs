//! Which tokens of a wallet can register. The mints, token accounts and accounts of Token Metadata
//! are written by the libraries of the programs. The node is a stand-in that returns them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bauta::state::CollectionKind;
use bauta::token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use bauta::token_metadata::TOKEN_METADATA_PROGRAM;
use bauta_client::addresses;
use bauta_store::RegistryKind;
use borsh::BorshSerialize;
use mpl_token_metadata::accounts::{Edition, MasterEdition, Metadata, TokenRecord};
use mpl_token_metadata::types::{Collection, Key, TokenStandard, TokenState};
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
    accounts: BTreeMap<String, (Address, Vec<u8>)>,
    /// Token accounts, with their addresses.
    tokens: Vec<(Address, (Address, Vec<u8>))>,
}

/// Returns the address of the token account of a mint.
fn token_account(mint: &Address) -> Address {
    let mut bytes = mint.to_bytes();
    bytes[31] ^= 0xff;
    Address::from(bytes)
}

/// What Token Metadata stores about a token.
struct Description {
    collection: Address,
    verified: bool,
    print_of: Option<Address>,
    /// The state of the token record, if the token is programmable.
    record: Option<TokenState>,
}

impl Default for Description {
    fn default() -> Self {
        Self {
            collection: address("collection"),
            verified: true,
            print_of: None,
            record: None,
        }
    }
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
        self.accounts.insert(mint.to_string(), (program, data));
        let mut data = vec![0; Account::LEN];
        let account = Account {
            mint,
            owner,
            amount: token.amount,
            state: token.state,
            ..Account::default()
        };
        Account::pack(account, &mut data).unwrap();
        self.tokens.push((token_account(&mint), (program, data)));
    }

    /// Adds the accounts of Token Metadata of a mint. Its edition account becomes the mint
    /// authority.
    fn describe(&mut self, mint: Address, description: &Description) {
        let edition = addresses::edition(&mint).address;
        let (_, data) = self.accounts.get_mut(&mint.to_string()).unwrap();
        data[..4].copy_from_slice(&1u32.to_le_bytes());
        data[4..36].copy_from_slice(edition.as_ref());
        let metadata = Metadata {
            key: Key::MetadataV1,
            update_authority: [7; 32].into(),
            mint: mint.to_bytes().into(),
            name: "Token".into(),
            symbol: String::new(),
            uri: String::new(),
            seller_fee_basis_points: 0,
            creators: None,
            primary_sale_happened: true,
            is_mutable: true,
            edition_nonce: None,
            token_standard: Some(match description.record {
                None => TokenStandard::NonFungible,
                Some(_) => TokenStandard::ProgrammableNonFungible,
            }),
            collection: Some(Collection {
                verified: description.verified,
                key: description.collection.to_bytes().into(),
            }),
            uses: None,
            collection_details: None,
            programmable_config: None,
        };
        self.write(addresses::metadata(&mint).address, &metadata, 607);
        if let Some(master) = &description.print_of {
            let print = Edition {
                key: Key::EditionV1,
                parent: addresses::edition(master).address.to_bytes().into(),
                edition: 1,
            };
            self.write(edition, &print, Edition::LEN);
        } else {
            let master = MasterEdition {
                key: Key::MasterEditionV2,
                supply: 0,
                max_supply: Some(0),
            };
            self.write(edition, &master, 20);
        }
        if let Some(state) = &description.record {
            let derived = addresses::token_record(&mint, &token_account(&mint));
            let record = TokenRecord {
                key: Key::TokenRecord,
                bump: derived.bump,
                state: state.clone(),
                rule_set_revision: None,
                delegate: None,
                delegate_role: None,
                locked_transfer: None,
            };
            self.write(derived.address, &record, TokenRecord::LEN);
        }
    }

    fn write(&mut self, address: Address, contents: &impl BorshSerialize, bytes: usize) {
        let mut data = borsh::to_vec(contents).unwrap();
        data.resize(bytes, 0);
        self.accounts
            .insert(address.to_string(), (TOKEN_METADATA_PROGRAM, data));
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
                    .filter(|(_, (owner, _))| owner.to_string() == *program);
                let keyed = |(address, token): &(Address, _)| json!({"pubkey": address.to_string(), "account": account(token)});
                tokens.map(keyed).collect()
            }
            "getMultipleAccounts" => {
                let addresses = request["params"][0].as_array().unwrap().iter();
                let found = addresses.map(|address| self.accounts.get(address.as_str().unwrap()));
                found.map(|found| found.map_or(Value::Null, account)).collect()
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

async fn look_up(service: &Running, registry: Address, body: &Value) -> (u16, Value) {
    let path = format!("/v1/registries/{registry}/eligibility");
    let response = service.request(Method::POST, &path).json(body).send();
    let response = response.await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Returns the reasons against the tokens in a response, by mint.
fn reasons(answer: &Value) -> BTreeMap<String, Value> {
    let assets = answer["assets"].as_array().unwrap().iter();
    let reason = |asset: &Value| {
        assert_eq!(asset["eligible"], asset["reason"].is_null(), "{asset}");
        (
            asset["asset"].as_str().unwrap().to_owned(),
            asset["reason"].clone(),
        )
    };
    assets.map(reason).collect()
}

fn by_address<const N: usize>(reasons: [(&str, Value); N]) -> BTreeMap<String, Value> {
    BTreeMap::from(reasons.map(|(name, reason)| (address(name).to_string(), reason)))
}

#[tokio::test]
async fn tokens_of_the_collections_are_listed_with_the_programs_reason_against_them() {
    let mut chain = Chain::new().await;
    let (registry, owner) = (address("registry"), address("owner"));
    chain.create(registry, RegistryKind::Holders);
    for name in ["good", "frozen", "fungible", "many"] {
        chain.collection(registry, address(name), CollectionKind::Asset);
    }
    chain.collection(registry, address("group"), CollectionKind::Group);
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
        // The token is in no collection.
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
    let (status, answer) = look_up(&service, registry, &json!({"owner": owner.to_string()})).await;
    assert_eq!(status, 200, "{answer}");
    let expected = [
        ("good", Value::Null),
        ("frozen", json!("token_frozen")),
        ("fungible", json!("supply_not_one")),
        ("member", Value::Null),
        ("delegated", json!("has_permanent_delegate")),
    ];
    assert_eq!(reasons(&answer), by_address(expected));
    // Another wallet's tokens, which a node returns by mistake, are left out.
    let (_, answer) = look_up(&service, registry, &json!({"owner": address("bob").to_string()})).await;
    assert_eq!(answer, json!({"assets": []}));
    assert!(!service.log().contains(&owner.to_string()));
}

#[tokio::test]
async fn tokens_of_token_metadata_are_checked_with_their_metadata_edition_and_record() {
    let mut chain = Chain::new().await;
    let (registry, owner) = (address("registry"), address("owner"));
    chain.create(registry, RegistryKind::Holders);
    chain.collection(registry, address("collection"), CollectionKind::TokenMetadata);
    chain.collection(registry, address("master"), CollectionKind::Prints);
    chain.apply().await;
    let mut node = Node::default();
    let frozen = || Token {
        state: AccountState::Frozen,
        ..Token::default()
    };
    let programmable = |state| Description {
        record: Some(state),
        ..Description::default()
    };
    let print = |master: &str, collection: &str| Description {
        collection: address(collection),
        print_of: Some(address(master)),
        ..Description::default()
    };
    for (name, token, description) in [
        ("plain", Token::default(), Description::default()),
        ("frozen", frozen(), Description::default()),
        ("free", frozen(), programmable(TokenState::Unlocked)),
        ("locked", frozen(), programmable(TokenState::Locked)),
        ("print", Token::default(), print("master", "elsewhere")),
        ("unruly print", Token::default(), print("unknown", "collection")),
        // The master is in no collection of the registry.
        ("other print", Token::default(), print("unknown", "elsewhere")),
        (
            "unverified",
            Token::default(),
            Description {
                verified: false,
                ..Description::default()
            },
        ),
        (
            "other",
            Token::default(),
            Description {
                collection: address("elsewhere"),
                ..Description::default()
            },
        ),
    ] {
        node.add(address(name), owner, &token);
        node.describe(address(name), &description);
    }
    // The mint authority is the address of an edition account that does not exist.
    node.add(address("no edition"), owner, &Token::default());
    node.describe(address("no edition"), &Description::default());
    let edition = addresses::edition(&address("no edition")).address;
    node.accounts.remove(&edition.to_string());
    let url = node.start().await;
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let (status, answer) = look_up(&service, registry, &json!({"owner": owner.to_string()})).await;
    assert_eq!(status, 200, "{answer}");
    let expected = [
        ("plain", Value::Null),
        ("frozen", json!("token_frozen")),
        ("free", Value::Null),
        ("locked", json!("asset_locked")),
        ("print", Value::Null),
        ("unruly print", json!("print_refused")),
        ("unverified", json!("collection_not_verified")),
        ("no edition", json!("has_mint_authority")),
    ];
    assert_eq!(reasons(&answer), by_address(expected));
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
        let (found, problem) = look_up(&service, address(registry), body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    let without_node = Running::start(&chain.database, &[]);
    let (status, problem) = look_up(&without_node, address("registry"), &body).await;
    assert_eq!((status, &problem["code"]), (503, &json!("feature_disabled")));
    let unreachable = Running::start(&chain.database, &[("SOLANA_RPC_URL", "http://127.0.0.1:1")]);
    let (status, problem) = look_up(&unreachable, address("registry"), &body).await;
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
        assert_eq!(look_up(&service, address("registry"), &body).await.0, status);
    }
}

#[tokio::test]
async fn clients_with_one_address_look_up_wallets_at_the_same_time() {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Holders);
    chain.apply().await;
    let (slow, other) = (address("slow").to_string(), address("other").to_string());
    // The node does not answer for the slow wallet until the other one has its answer.
    let (began, mut has_begun) = tokio::sync::watch::channel(false);
    let (ended, has_ended) = tokio::sync::watch::channel(false);
    let held = slow.clone();
    let answer = move |Json(request): Json<Value>| {
        let (began, mut has_ended, held) = (began.clone(), has_ended.clone(), held.clone());
        async move {
            if request["params"][0] == held {
                began.send_replace(true);
                let _ = has_ended.wait_for(|ended| *ended).await;
            }
            Json(Node::default().answer(&request))
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let (slow, other) = (json!({"owner": slow}), json!({"owner": other}));
    let first = look_up(&service, address("registry"), &slow);
    let second = async {
        has_begun.wait_for(|began| *began).await.unwrap();
        let answer = look_up(&service, address("registry"), &other).await;
        ended.send_replace(true);
        answer
    };
    // The slow lookup may exceed its own time limit.
    let both = async { tokio::join!(first, second) };
    let both = tokio::time::timeout(std::time::Duration::from_mins(2), both).await;
    let (_, (status, answer)) = both.unwrap();
    assert_eq!(status, 200, "{answer}");
}
