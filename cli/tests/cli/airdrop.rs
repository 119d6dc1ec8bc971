//! A campaign of the airdrop program, from its creation to the sweep of its vault.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bauta_airdrop_client::{CreateAssociatedAccount, addresses};
use bauta_dev_servers::Chain;
use bauta_rpc::Rpc;
use solana_address::Address;
use solana_keypair::{Keypair, read_keypair_file};
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::extension::ExtensionType;
use spl_token_2022_interface::instruction as token;
use spl_token_2022_interface::state::Mint;

use crate::support::{Home, artifact, sealed, start_chain_with, text_of};

const SCORE: &str = r#"{"score":750000,"domain":"7","issued_at":1,"expires_at":99999999999,
"salt":"0x0000000000000000000000000000000000000000000000000000000000000005"}"#;
const PROGRAM: Address = spl_token_2022_interface::ID;

/// Starts a chain with both programs, and initialises bauta.
fn started() -> (Home, Chain) {
    let mut home = Home::new();
    let authority = home.text(&["keypair", "authority.json"]);
    let airdrop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/airdrop/artifacts/airdrop.v3.so");
    let programs = vec![
        (bauta::ID.to_string(), artifact("bauta.v3.so")),
        (bauta_airdrop::ID.to_string(), airdrop),
    ];
    let chain = start_chain_with(authority.trim(), programs);
    home.use_node(chain.rpc_url());
    home.by_authority(&["initialize", "--allow-development-keys", "--airdrop", "100"]);
    (home, chain)
}

/// Creates a mint with 2 decimals, and 1,000 tokens of the smallest unit in the authority's associated
/// account.
async fn mint(rpc: &Rpc, home: &Home) -> Address {
    let owner = read_keypair_file(home.file("authority.json")).unwrap();
    let (mint, payer) = (Keypair::new(), owner.pubkey());
    let key = mint.pubkey();
    let bytes = ExtensionType::try_calculate_account_len::<Mint>(&[]).unwrap();
    let rent = rpc.rent_exempt_balance(bytes).await.unwrap();
    let associated = CreateAssociatedAccount {
        payer,
        owner: payer,
        mint: key,
        token_program: PROGRAM,
    };
    let account = addresses::associated(&payer, &PROGRAM, &key);
    let instructions = [
        create_account(&payer, &key, rent, bytes as u64, &PROGRAM),
        token::initialize_mint2(&PROGRAM, &key, &payer, None, 2).unwrap(),
        associated.instruction(),
        token::mint_to(&PROGRAM, &key, &account, &payer, &[], 1_000).unwrap(),
    ];
    rpc.send_and_confirm(&instructions, &[&owner, &mint])
        .await
        .unwrap();
    key
}

/// Registers the circuit and a member with a score. Returns the circuit and the registry.
fn registry_of_scores(home: &Home) -> (String, String) {
    let register = [
        "circuit",
        "register",
        "--development",
        "--statement",
        "reputation",
    ];
    let circuit = text_of(&home.by_authority(&register)["circuit"]).to_owned();
    let create = ["registry", "create", "--kind", "managed", "--leaf-format", "2"];
    let registry = text_of(&home.by_authority(&create)["registry"]).to_owned();
    home.write("score.json", SCORE);
    let commitment = home.commitment(&registry, "7");
    let append = [
        "registry",
        "append",
        &registry,
        "--entry",
        "7",
        "--score",
        "score.json",
    ];
    home.by_authority(&[&append[..], &["--commitment", &commitment]].concat());
    (circuit, registry)
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::too_many_lines, reason = "the steps of a campaign in their order")]
async fn a_campaign_is_created_funded_claimed_once_and_swept_after_the_grace_period() {
    let (home, chain) = started();
    let rpc = Rpc::new(chain.rpc_url()).unwrap();
    let mint = mint(&rpc, &home).await.to_string();
    let (circuit, registry) = registry_of_scores(&home);
    let create = [
        "airdrop",
        "create",
        "--registry",
        &registry,
        "--circuit",
        &circuit,
        "--mint",
        &mint,
        "--domain",
        "7",
    ];
    let tiers = [
        "--tier",
        "500000:40",
        "--tier",
        "800000:100",
        "--allow-development-key",
    ];
    let create = [&create[..], &tiers].concat();

    let falling = [&create[..], &["--tier", "1:1", "--keypair", "authority.json"]].concat();
    let error = home.failure(1, &falling);
    assert!(
        text_of(&error["message"]).contains("must be below 1,048,576 and rise"),
        "{error}"
    );
    let preview = home.by_authority(&[&create[..], &["--dry-run"]].concat());
    assert_eq!(preview["sent"], false);
    assert!(preview["rent_lamports"].as_u64().unwrap() > 0, "{preview}");

    // A campaign that ends soon, for the sweep.
    let short = ["--nonce", "1", "--closes-in", "30s", "--grace", "0s"];
    let ending = home.by_authority(&[&create[..], &short].concat());
    let ending = text_of(&ending["campaign"]).to_owned();
    let created = home.by_authority(&create);
    let campaign = text_of(&created["campaign"]).to_owned();
    assert_eq!(created["campaign"], preview["campaign"]);
    assert_eq!(created["sent"], true);
    let again = home.failure(1, &[&create[..], &["--keypair", "authority.json"]].concat());
    assert!(
        text_of(&again["message"]).contains("choose another --nonce"),
        "{again}"
    );

    // A member plans and proves.
    let status = home.json(&["airdrop", "status", &campaign, "--score", "score.json"]);
    assert_eq!(status["vault_balance"], 0);
    assert_eq!(status["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&status["claim_tier"], &status["claim_amount"]),
        (&0.into(), &40.into())
    );
    assert_eq!(status["claim_as_of"].as_u64().unwrap() % 3_600, 0);
    assert!(!status.to_string().contains("750000"), "{status}");
    let recipient = home.text(&["keypair", "recipient.json"]);
    let as_of = status["claim_as_of"].to_string();
    let prove = [
        "prove",
        text_of(&status["scope"]),
        "--identity",
        "identity",
        "--entry",
        "7",
        "--score",
        "score.json",
        "--at-least",
        "500000",
        "--as-of",
        &as_of,
        "--recipient",
        recipient.trim(),
    ];
    let payload = ["--payload", text_of(&status["claim_payload"])];
    home.json(&sealed(&[&prove[..], &payload].concat()));
    home.json(&sealed(&[&prove[..], &["--out", "no-payload.json"]].concat()));

    let claim = [
        "airdrop",
        "claim",
        &campaign,
        "proof.json",
        "--keypair",
        "authority.json",
    ];
    let unfunded = home.failure(4, &claim);
    assert!(
        text_of(&unfunded["message"]).contains("VaultTooLow"),
        "{unfunded}"
    );
    let wrong = [
        "airdrop",
        "claim",
        &campaign,
        "no-payload.json",
        "--keypair",
        "authority.json",
    ];
    let error = home.failure(1, &wrong);
    assert!(text_of(&error["message"]).contains("payload"), "{error}");
    let elsewhere = [
        "airdrop",
        "claim",
        &ending,
        "proof.json",
        "--keypair",
        "authority.json",
    ];
    let error = home.failure(1, &elsewhere);
    assert!(text_of(&error["message"]).contains("scope"), "{error}");

    let funded = home.by_authority(&["airdrop", "fund", &campaign, "100"]);
    assert_eq!(funded["vault_balance"], 100);
    home.by_authority(&["airdrop", "fund", &ending, "200"]);
    let dry = home.json(&[&claim[..], &["--dry-run"]].concat());
    assert_eq!((&dry["claimed"], &dry["amount"]), (&false.into(), &40.into()));
    let claimed = home.json(&claim);
    assert_eq!(claimed["claimed"], true);
    assert!(claimed["compute_units"].as_u64().unwrap() < 200_000, "{claimed}");
    let balance = |address: &str| {
        let account: Address = address.parse().unwrap();
        let rpc = &rpc;
        async move {
            let level = bauta_rpc::CommitmentLevel::Confirmed;
            let account = rpc.account(&account, level).await.unwrap().1.unwrap();
            bauta::token::TokenAccount::read(&account.owner, &account.data)
                .unwrap()
                .amount
        }
    };
    assert_eq!(balance(text_of(&claimed["recipient_account"])).await, 40);
    let twice = home.failure(4, &claim);
    assert!(text_of(&twice["message"]).contains("NullifierUsed"), "{twice}");

    let early = home.failure(1, &["airdrop", "sweep", &campaign, "--keypair", "authority.json"]);
    assert!(
        text_of(&early["message"]).contains("can be swept from"),
        "{early}"
    );
    let deadline = Instant::now() + Duration::from_mins(3);
    while home.json(&["airdrop", "status", &ending])["can_be_swept"] != true {
        assert!(Instant::now() < deadline, "the campaign does not end");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    home.text(&["keypair", "other.json"]);
    let other = home.failure(1, &["airdrop", "sweep", &ending, "--keypair", "other.json"]);
    assert!(
        text_of(&other["message"]).contains("is not the authority"),
        "{other}"
    );
    let swept = home.by_authority(&["airdrop", "sweep", &ending]);
    assert_eq!((&swept["swept"], &swept["amount"]), (&true.into(), &200.into()));
    assert_eq!(balance(text_of(&swept["destination"])).await, 1_000 - 100);
    let empty = home.failure(1, &["airdrop", "sweep", &ending, "--keypair", "authority.json"]);
    assert!(text_of(&empty["message"]).contains("is empty"), "{empty}");
}
