//! Deployment of the program, and upgrades by its authority and by a multisig.

use std::{
    fs,
    sync::{Arc, atomic::AtomicUsize},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_dev_servers::Chain;
use bauta_rpc::{CommitmentLevel, Rpc, deserialize, serialize};
use solana_address::Address;
use solana_keypair::{Keypair, Signer, read_keypair_file};
use solana_transaction::versioned::VersionedTransaction;

use crate::{
    confirmation::mainnet_in_front_of,
    proxy::{Fault, in_front_of},
    support::{Home, artifact, start_chain, start_chain_with, text_of},
};

const SOL: u64 = 1_000_000_000;
/// A keypair whose address is not the program's.
const OTHER_KEYPAIR: [&str; 2] = ["--program-keypair", "authority.json"];

fn path_of(name: &str) -> String {
    artifact(name).display().to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn airdrop(chain: &Chain, home: &Home, file: &str) {
    let address = home.text(&["keypair", file]).trim().parse().unwrap();
    let rpc = Rpc::new(chain.rpc_url()).unwrap();
    rpc.airdrop(&address, 100 * SOL).await.unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn fund(chain: &Chain, address: &Address) {
    let rpc = Rpc::new(chain.rpc_url()).unwrap();
    rpc.airdrop(address, SOL / 100).await.unwrap();
}

/// A node that drops some transactions and then stops accepting them.
fn failing_in_front_of(chain: &Chain) -> String {
    let fault = Fault::DropsThenRefuses("sendTransaction", 150, Arc::new(AtomicUsize::new(0)));
    in_front_of(chain.rpc_url(), fault)
}

#[test]
fn an_interrupted_deployment_continues_and_the_authority_upgrades_to_a_larger_program() {
    let mut home = Home::new();
    let authority = home.text(&["keypair", "authority.json"]).trim().to_owned();
    // The node starts with at least one program.
    let elsewhere = Keypair::new().pubkey().to_string();
    let chain = start_chain_with(&authority, vec![(elsewhere, artifact("bauta.v3.so"))]);
    home.use_node(chain.rpc_url());
    airdrop(&chain, &home, "authority.json");
    let (v3, v0) = (path_of("bauta.v3.so"), path_of("bauta.so"));
    let program_keypair = artifact("../localnet-keypair.json").display().to_string();
    let deploy = ["program", "deploy", "--keypair", "authority.json", "--elf"];
    let first = ["--program-keypair", &program_keypair];

    // Only the bytes of this version are deployed, and only to the program's address.
    let mut wrong = fs::read(artifact("bauta.v3.so")).unwrap();
    wrong[100_000] ^= 1;
    fs::write(home.file("wrong.so"), wrong).unwrap();
    let error = home.failure(7, &[&deploy[..], &["wrong.so"], &first].concat());
    assert!(text_of(&error["message"]).contains("has the SHA-256"), "{error}");
    let error = home.failure(1, &[&deploy[..], &[&v3]].concat());
    assert!(text_of(&error["next"]).contains("--program-keypair"), "{error}");
    let error = home.failure(1, &[&deploy[..], &[&v3], &OTHER_KEYPAIR].concat());
    assert!(
        text_of(&error["message"]).contains("work only at BaXw"),
        "{error}"
    );

    let deploy_v3 = [&deploy[..], &[&v3], &first].concat();
    // The secret key of this address is published.
    home.use_node(&mainnet_in_front_of(chain.rpc_url()));
    let error = home.failure(1, &[&deploy_v3[..], &["--yes"]].concat());
    assert!(
        text_of(&error["message"]).contains("in the repository"),
        "{error}"
    );
    home.use_node(chain.rpc_url());
    let dry = home.json(&[&deploy_v3[..], &["--dry-run"]].concat());
    assert_eq!(dry["sent"], false);
    assert!(dry["upload_rent_lamports"].as_u64().unwrap() > SOL, "{dry}");
    assert!(!home.file("buffer.json").exists());
    home.failure(1, &["program", "show"]);

    home.use_node(&failing_in_front_of(&chain));
    let error = home.failure(3, &deploy_v3);
    assert!(
        text_of(&error["message"]).contains("parts are missing"),
        "{error}"
    );
    assert!(text_of(&error["next"]).contains("continues"), "{error}");
    home.use_node(chain.rpc_url());
    // Anyone can transfer lamports to the address of the program before its deployment.
    fund(&chain, &bauta::ID);
    let deployed = home.json(&deploy_v3);
    assert_eq!(deployed["resumed"], true);
    let number = |name: &str| deployed[name].as_u64().unwrap();
    assert!(
        (1..number("chunks")).contains(&number("chunks_written")),
        "{deployed}"
    );
    assert_eq!(deployed["upgrade_authority"], authority);
    assert_eq!(home.json(&["program", "verify"])["artifact"], "bauta.v3.so");
    let initialize = [
        "initialize",
        "--keypair",
        "authority.json",
        "--allow-development-keys",
    ];
    assert_eq!(home.json(&initialize)["sent"], true);
    assert_eq!(home.json(&deploy_v3)["sent"], false);

    // bauta.so has more bytes than the account has room for.
    let upgraded = home.json(&[&deploy[..], &[&v0]].concat());
    assert_eq!(
        (&upgraded["resumed"], &upgraded["sent"]),
        (&false.into(), &true.into())
    );
    assert_eq!(home.json(&["program", "verify"])["artifact"], "bauta.so");
    let create = ["registry", "create", "--keypair", "authority.json"];
    assert_eq!(home.json(&create)["sent"], true);
}

#[tokio::main(flavor = "current_thread")]
async fn execute(chain: &Chain, transaction: &str, authority: &Keypair) {
    let rpc = Rpc::new(chain.rpc_url()).unwrap();
    let transaction = deserialize(&BASE64.decode(transaction).unwrap()).unwrap();
    assert!(serialize(&transaction).unwrap().len() <= 1232);
    let (blockhash, last_valid_height) = rpc.latest_blockhash(CommitmentLevel::Confirmed).await.unwrap();
    let mut message = transaction.message;
    message.set_recent_blockhash(blockhash);
    let transaction = VersionedTransaction::try_new(message, &[authority]).unwrap();
    rpc.send_until_confirmed(&transaction, last_valid_height)
        .await
        .unwrap();
}

#[test]
fn a_multisig_upgrades_the_program_with_a_proposed_transaction() {
    let mut home = Home::new();
    // A keypair stands for the vault of the multisig, which has no program on this chain.
    let vault = home.text(&["keypair", "vault.json"]).trim().to_owned();
    let chain = start_chain(&vault);
    home.use_node(chain.rpc_url());
    for file in ["writer.json", "vault.json"] {
        airdrop(&chain, &home, file);
    }
    let elf = path_of("bauta.so");
    let by_writer = ["--keypair", "writer.json", "--elf", &elf];
    let deploy = ["program", "deploy"];
    let error = home.failure(4, &[&deploy[..], &by_writer].concat());
    assert!(text_of(&error["next"]).contains("propose"), "{error}");

    // A buffer that is not complete is not proposed.
    let buffer = home.text(&["keypair", "buffer.json"]).trim().to_owned();
    let propose = ["program", "propose", "--buffer", &buffer];
    let error = home.failure(1, &propose);
    assert!(text_of(&error["message"]).contains("no buffer"), "{error}");
    let write = [&["program", "buffer"][..], &by_writer].concat();
    home.use_node(&failing_in_front_of(&chain));
    home.failure(3, &write);
    home.use_node(chain.rpc_url());
    let error = home.failure(7, &propose);
    assert!(text_of(&error["message"]).contains("has the SHA-256"), "{error}");

    let written = home.json(&write);
    assert_eq!(
        (&written["resumed"], &written["sent"]),
        (&true.into(), &true.into())
    );
    assert_eq!(written["authority"], vault);
    assert_eq!(home.json(&write)["sent"], false);

    let error = home.failure(1, &[&propose[..], &["--multisig", &vault]].concat());
    assert!(
        text_of(&error["message"]).contains("but the upgrade authority is"),
        "{error}"
    );
    let idl = ["--idl-buffer", &vault];
    let error = home.failure(1, &[&propose[..], &idl].concat());
    assert!(
        text_of(&error["message"]).contains("no IDL on the chain"),
        "{error}"
    );
    let commit = "0f".repeat(20);
    let record = ["--commit", &commit, "--repository", "https://example.org/bauta"];
    let with_record = home.json(&[&propose[..], &record].concat());
    assert_eq!(with_record["instructions"], 2);
    assert!(with_record["transaction_bytes"].as_u64().unwrap() <= 1_232);
    let proposed = home.json(&propose);
    assert_eq!(proposed["instructions"], 1);
    assert_eq!(proposed["artifact"], "bauta.so");
    assert_eq!(proposed["upgrade_authority"], vault);
    assert_eq!(home.json(&["program", "verify"])["artifact"], "bauta.v3.so");
    let authority = read_keypair_file(home.file("vault.json")).unwrap();
    assert_eq!(authority.pubkey().to_string(), vault);
    execute(&chain, text_of(&proposed["transaction_base64"]), &authority);
    assert_eq!(home.json(&["program", "verify"])["artifact"], "bauta.so");
}
