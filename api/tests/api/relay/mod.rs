//! The relay against a real chain: what is checked before anything is paid, one relay for each
//! nullifier, and a ledger that agrees with the wallets to the lamport.

pub mod chain;
mod consumers;
mod drill;
mod fees;
mod ledger;
mod logs;
mod requests;
#[path = "../../../../tests/program-test/src/trapdoor.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
mod trapdoor;
#[cfg(feature = "vault")]
mod vault;

pub use trapdoor::TrapdoorKey;

use std::{fs, time::Duration};

use bauta_client::instructions::Verify;
use bauta_store::testing::TestDatabase;
use reqwest::Method;
use serde_json::Value;
use solana_address::Address;
use tempfile::TempDir;

use self::chain::{RelayChain, body};
use crate::common::Running;

/// A key of the relay.
pub const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// Milliseconds between slots.
const SLOT_TIME: u16 = 50;

/// A chain, its database, and the file with the wallet's key.
pub struct Relayed {
    pub chain: RelayChain,
    pub database: TestDatabase,
    pub scope: Address,
    folder: TempDir,
}

impl Relayed {
    /// Starts a chain with a scope.
    pub async fn start() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let chain = RelayChain::start(&database.store, SLOT_TIME).await.unwrap();
        let scope = chain.scope(1).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = format!("{:?}", chain.wallet.to_bytes());
        fs::write(folder.path().join("wallet.json"), key).unwrap();
        Self {
            chain,
            database,
            scope,
            folder,
        }
    }

    /// Starts an instance that sponsors the scope with a SOL a day, and waits until its wallet can
    /// pay.
    pub async fn service(&self, environment: &[(&str, &str)]) -> Running {
        let service = self.start_service(environment);
        offer(&service).await;
        service
    }

    fn start_service(&self, environment: &[(&str, &str)]) -> Running {
        let wallet = self.folder.path().join("wallet.json").display().to_string();
        let sponsored = format!("{}=1000000000", self.scope);
        let mut all = vec![
            ("SOLANA_RPC_URL", self.chain.chain.rpc_url()),
            ("RELAY_PAYERS", &wallet),
            ("RELAY_SPONSORED", &sponsored),
            ("RELAY_KEY", KEY),
            ("RELAY_REQUESTS_PER_MINUTE", "0"),
        ];
        all.extend_from_slice(environment);
        // The service needs no other role.
        let url = self.database.url().unwrap();
        let separator = if url.contains('?') { '&' } else { '?' };
        Running::start_at(&format!("{url}{separator}options=-c%20role%3Dbauta_api"), &all)
    }
}

/// Waits until a wallet can pay, and returns the response with the wallets.
pub async fn offer(service: &Running) -> Value {
    let offered = async {
        loop {
            let (status, offer) = service.get("/v1/relay").await;
            if status == 200 && !offer["relayers"].as_array().unwrap().is_empty() {
                return offer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let offered = tokio::time::timeout(Duration::from_secs(30), offered).await;
    offered.unwrap_or_else(|_| panic!("no wallet can pay: {}", service.log()))
}

/// Returns the code of a refused request.
pub fn code(response: &(u16, Value)) -> (u16, &str) {
    (response.0, response.1["code"].as_str().unwrap_or_default())
}

/// Returns the number of relays, and the reserved lamports of all wallets.
pub async fn stored(relayed: &Relayed) -> (i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM relays), (SELECT coalesce(sum(reserved), 0)::bigint FROM relay_wallets)",
    )
    .fetch_one(relayed.database.pool())
    .await
    .unwrap()
}

/// Sends a request to relay. Returns the status and the JSON of the response.
pub async fn post(service: &Running, body: &Value) -> (u16, Value) {
    let request = service.request(Method::POST, "/v1/relay").json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Relays a proof. Returns the id of the relay.
pub async fn submit(service: &Running, verify: &Verify) -> String {
    let (status, accepted) = post(service, &body(verify)).await;
    assert_eq!(status, 202, "{accepted}");
    accepted["id"].as_str().unwrap().to_owned()
}

/// Waits until a relay is in one of these states, and returns its state.
pub async fn reach(service: &Running, id: &str, states: &[&str]) -> Value {
    let reached = async {
        loop {
            let relay = service.read(&format!("/v1/relay/{id}")).await;
            if states.contains(&relay["state"].as_str().unwrap()) {
                return relay;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if let Ok(relay) = tokio::time::timeout(Duration::from_secs(90), reached).await {
        return relay;
    }
    let relay = service.read(&format!("/v1/relay/{id}")).await;
    panic!("relay {id} is {relay}, and not {states:?}; {}", service.log())
}
