//! The bot that evicts holders who no longer have their assets.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use bauta_dev_servers::Chain;
use bauta_rpc::Rpc;
use serde_json::{Value, json};

use crate::confirmation::mainnet_in_front_of;
use crate::support::{BAUTA, Home, text_of};
use crate::token::Token;

/// The longest time until the bot has evicted a holder.
const PATIENCE: Duration = Duration::from_mins(3);

/// A registry with three registered tokens, each of another owner.
struct Tokens {
    home: Home,
    rpc: Rpc,
    registry: String,
    minted: Vec<Token>,
    chain: Chain,
}

impl Tokens {
    async fn registered() -> Self {
        let (home, chain) = Home::initialized();
        let rpc = Rpc::new(chain.rpc_url()).unwrap();
        let created = home.by_authority(&["registry", "create"]);
        let registry = text_of(&created["registry"]).to_owned();
        let mut tokens = Vec::new();
        for (owner, commitment) in [("a.json", "11"), ("b.json", "12"), ("c.json", "13")] {
            let token = Token::mint(&rpc, &home, owner).await;
            let asset = token.mint.to_string();
            let add = ["collection", "add", &registry, "--key", &asset];
            home.by_authority(&[&add[..], &["--kind", "asset", "--track", "3"]].concat());
            let register = ["holder", "register", &registry, "--asset", &asset];
            home.json(&[&register[..], &["--commitment", commitment, "--keypair", owner]].concat());
            tokens.push(token);
        }
        Self {
            home,
            rpc,
            registry,
            minted: tokens,
            chain,
        }
    }

    fn watch<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let command = ["holder", "watch", &self.registry, "--keypair", "authority.json"];
        [&command[..], arguments].concat()
    }

    fn is_registered(&self, token: usize) -> bool {
        let asset = self.minted[token].mint.to_string();
        let status = self
            .home
            .json(&["holder", "status", &self.registry, "--asset", &asset]);
        status["registered"] == true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_holdings_are_evicted_within_the_budget_also_after_a_restart() {
    let mut test = Tokens::registered().await;
    let files = ["--state", "bot.json", "--metrics-file", "bot.prom"];
    let once = |budget: &'static str| [&["--once", "--budget", budget][..], &files].concat();
    let found = test.home.json(&test.watch(&once("12000")));
    assert_eq!((&found["holdings"], &found["stale"]), (&json!(3), &json!(0)));

    for token in [1, 2] {
        test.minted[token].transfer(&test.rpc).await;
    }
    let dry = test.home.json(&test.watch(&["--once", "--dry-run"]));
    assert_eq!((&dry["stale"], &dry["evicted"]), (&json!(2), &json!(0)));
    assert!(test.is_registered(1) && test.is_registered(2));

    // The fee of an eviction is 5,000 lamports.
    let found = test.home.json(&test.watch(&once("9000")));
    assert_eq!((&found["stale"], &found["evicted"]), (&json!(2), &json!(1)));
    assert_eq!(found["budget_exhausted"], true);
    assert_eq!(found["items"][0]["evidence"], "OtherOwner");
    assert!(!test.is_registered(1) && test.is_registered(2));
    let found = test.home.json(&test.watch(&once("9000")));
    assert_eq!(found["evicted"], 0, "the file keeps what was spent");

    let found = test.home.json(&test.watch(&once("12000")));
    assert_eq!(
        (&found["evicted"], &found["spent_lamports"]),
        (&json!(1), &json!(10_000))
    );
    assert!(test.is_registered(0) && !test.is_registered(2));
    let metrics = fs::read_to_string(test.home.file("bot.prom")).unwrap();
    for line in [
        "bauta_watch_holdings 2",
        "bauta_watch_evictions_total 2",
        "bauta_watch_spent_lamports_total 10000",
        "bauta_watch_budget_lamports 12000",
        "bauta_watch_budget_exhausted 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    let state: Value = serde_json::from_slice(&fs::read(test.home.file("bot.json")).unwrap()).unwrap();
    assert_eq!(state["evicted"], 2);

    test.home.use_node(&mainnet_in_front_of(test.chain.rpc_url()));
    let error = test.home.failure(6, &test.watch(&once("12000")));
    assert!(text_of(&error["message"]).contains("this is mainnet"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_keeps_running_evicts_after_a_transfer() {
    let test = Tokens::registered().await;
    let mut bot = test
        .home
        .command(BAUTA)
        .args(test.watch(&["--interval", "1s", "--json"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    test.minted[2].transfer(&test.rpc).await;
    let end = Instant::now() + PATIENCE;
    while test.is_registered(2) && Instant::now() < end {
        assert!(bot.try_wait().unwrap().is_none(), "the bot ended");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bot.kill().unwrap();
    bot.wait().unwrap();
    assert!(test.is_registered(0) && test.is_registered(1) && !test.is_registered(2));
}
