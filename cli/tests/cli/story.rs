//! The life of a registry of holders, from the initialisation to the return of the rent.

use std::fs;

use bauta_dev_servers::Chain;
use bauta_rpc::Rpc;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::support::{Home, sealed, text_of};
use crate::token::Token;

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_registers_proves_once_and_is_evicted_after_a_transfer() {
    let story = Story::start().await;
    story.register();
    let scope = story.create_scope();
    let nullifier = story.prove_once(&scope);
    story.refuse_a_changed_proof();
    story.end_scope(&scope, &nullifier);
    story.evict().await;
    story.find_nothing_wrong();
}

/// A chain with a circuit, and a registry that accepts one token.
struct Story {
    home: Home,
    rpc: Rpc,
    token: Token,
    asset: String,
    circuit: String,
    registry: String,
    _chain: Chain,
}

impl Story {
    async fn start() -> Self {
        let (home, chain) = Home::with_chain();
        let rpc = Rpc::new(chain.rpc_url()).unwrap();

        // As long as the program is not initialised, doctor says what to do.
        let output = home.run(&["doctor", "--keypair", "authority.json", "--json"]);
        assert_eq!(output.status.code(), Some(7));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(check(&found, "settings")["result"], "problem");
        let step = text_of(&check(&found, "settings")["what_to_do"]);
        assert!(step.contains("bauta initialize"), "{step}");

        let initialize = [
            "initialize",
            "--allow-development-keys",
            "--keypair",
            "authority.json",
        ];
        let initialized = home.json(&[&initialize[..], &["--airdrop", "100"]].concat());
        assert_eq!(initialized["development_keys_allowed"], true);
        assert_eq!(home.json(&initialize)["already_initialized"], true);

        let token = Token::mint(&rpc, &home, "owner.json").await;
        let mut story = Self {
            asset: token.mint.to_string(),
            home,
            rpc,
            token,
            circuit: String::new(),
            registry: String::new(),
            _chain: chain,
        };
        let circuit = story.by_authority(&["circuit", "register", "--development"]);
        text_of(&circuit["circuit"]).clone_into(&mut story.circuit);
        let listed = story.home.json(&["circuit", "list"]);
        assert_eq!(listed["items"][0]["circuit"], story.circuit);
        assert_eq!(listed["items"][0]["status"], "active");

        let registry = story.by_authority(&["registry", "create"]);
        text_of(&registry["registry"]).clone_into(&mut story.registry);
        let add = ["collection", "add", &story.registry, "--key", &story.asset];
        story.by_authority(&[&add[..], &["--kind", "asset", "--track", "3"]].concat());
        let listed = story.home.json(&["collection", "list", &story.registry]);
        assert_eq!(listed["items"][0]["track"], 3);
        let seal = ["registry", "seal", &story.registry];
        assert_eq!(story.by_authority(&seal)["sealed"], true);
        story
    }

    fn by_authority(&self, arguments: &[&str]) -> Value {
        self.home.by_authority(arguments)
    }

    /// The owner of the token creates an identity and registers.
    fn register(&self) {
        let (home, registry, asset) = (&self.home, self.registry.as_str(), self.asset.as_str());
        home.write("passphrase", "correct horse battery\n");
        home.json(&sealed(&["identity", "new", "identity"]));
        let show = ["identity", "show", "identity", "--registry", registry];
        let shown = home.json(&sealed(&[&show[..], &["--asset", asset]].concat()));
        let register = ["holder", "register", registry, "--asset", asset];
        let with = ["--identity", "identity", "--keypair", "owner.json"];
        let register = [&register[..], &with].concat();
        let registered = home.json(&sealed(&register));
        assert_eq!(registered["commitment"], shown["commitment"]);
        assert_eq!(registered["track"], 3);
        let again = home.failure(1, &sealed(&register));
        assert!(text_of(&again["next"]).contains("--counter"), "{again}");
        let status = home.json(&["holder", "status", registry, "--asset", asset]);
        assert_eq!(status["registered"], true);
        assert_eq!(status["owner"], self.token.owner.pubkey().to_string());
    }

    fn create_scope(&self) -> String {
        let create = ["scope", "create", "--registry", &self.registry];
        let rules = ["--circuit", &self.circuit, "--required-track", "3"];
        let scope = self.by_authority(&[&create[..], &rules].concat());
        let registry = self.home.json(&["registry", "show", &self.registry]);
        let root = text_of(&registry["root"]).trim_start_matches("0x");
        assert!(text_of(&scope["expected_root"]).ends_with(root), "{scope}");
        let listed = self.home.json(&["scope", "list"]);
        assert_eq!(listed["items"][0]["status"], "open");
        assert_eq!(listed["items"][0]["scope"], scope["scope"]);
        text_of(&scope["scope"]).to_owned()
    }

    /// A proof is accepted once. Returns its nullifier.
    fn prove_once(&self, scope: &str) -> String {
        let home = &self.home;
        let recipient = Keypair::new().pubkey().to_string();
        let prove = ["prove", scope, "--identity", "identity", "--asset", &self.asset];
        let out = ["--recipient", &recipient, "--out", "proof.json"];
        let proved = home.json(&sealed(&[&prove[..], &out].concat()));

        let inspected = home.json(&["inspect", "proof.json"]);
        assert_eq!(inspected["valid"], true);
        assert_eq!(inspected["acceptable_now"], true);
        assert_eq!(inspected["nullifier"], proved["nullifier"]);
        assert_eq!(inspected["recipient"], recipient);
        self.by_authority(&["admin", "pause"]);
        let paused = home.json(&["inspect", "proof.json"]);
        assert_eq!(paused["paused"], true);
        assert_eq!(paused["acceptable_now"], false);
        self.by_authority(&["admin", "resume"]);
        // The end of a proof is public, and has nothing of a clock.
        assert_eq!(inspected["expiry"].as_i64().unwrap() % 900, 0);
        let dry = self.by_authority(&["verify", "proof.json", "--dry-run"]);
        assert_eq!(dry["verified"], false);
        assert_eq!(home.json(&["inspect", "proof.json"])["nullifier_used"], false);

        assert_eq!(self.by_authority(&["verify", "proof.json"])["verified"], true);
        let inspected = home.json(&["inspect", "proof.json"]);
        assert_eq!(inspected["nullifier_used"], true);
        assert_eq!(inspected["acceptable_now"], false);
        let error = home.failure(4, &["verify", "proof.json", "--keypair", "authority.json"]);
        assert_eq!(error["kind"], "refused");
        assert!(text_of(&error["message"]).contains("NullifierUsed"), "{error}");
        text_of(&proved["nullifier"]).to_owned()
    }

    fn refuse_a_changed_proof(&self) {
        let text = fs::read_to_string(self.home.file("proof.json")).unwrap();
        let mut json: Value = serde_json::from_str(&text).unwrap();
        json["recipient"] = self.asset.clone().into();
        self.home.write("stolen.json", &json.to_string());
        let error = self.home.failure(7, &["inspect", "stolen.json"]);
        assert!(text_of(&error["message"]).contains("not valid"), "{error}");
        let verify = ["verify", "stolen.json", "--keypair", "authority.json"];
        assert_eq!(self.home.failure(4, &verify)["kind"], "refused");
    }

    /// The rent of the nullifier returns after the end of the scope.
    fn end_scope(&self, scope: &str, nullifier: &str) {
        let reclaim = ["nullifier", "reclaim", scope, "--all"];
        let error = self.home.failure(4, &reclaim);
        assert!(text_of(&error["message"]).contains("not over"), "{error}");
        assert_eq!(self.by_authority(&["scope", "close", scope])["status"], "closed");
        let reclaimed = self.by_authority(&reclaim);
        assert_eq!(reclaimed["items"][0]["nullifier"], nullifier);
        assert_eq!(self.by_authority(&reclaim)["items"], serde_json::json!([]));
    }

    /// A holder who has the token can't be evicted. After a transfer, anyone can evict.
    async fn evict(&self) {
        let evict = ["holder", "evict", &self.registry, "--asset", &self.asset];
        let evict = [&evict[..], &["--keypair", "authority.json"]].concat();
        let error = self.home.failure(4, &evict);
        assert!(
            text_of(&error["message"]).contains("still has the token"),
            "{error}"
        );
        self.token.transfer(&self.rpc).await;
        assert_eq!(self.home.json(&evict)["registered"], false);
    }

    fn find_nothing_wrong(&self) {
        let output = self
            .home
            .run(&["doctor", "--keypair", "authority.json", "--json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{found:#}");
        let program = text_of(&check(&found, "program")["found"]);
        assert!(program.contains("bauta.v3.so"), "{program}");
    }
}

/// Returns the result of a check of `bauta doctor`.
fn check<'a>(found: &'a Value, name: &str) -> &'a Value {
    let items = found["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["check"] == name);
    item.unwrap_or_else(|| panic!("{found:#} has no check {name}"))
}
