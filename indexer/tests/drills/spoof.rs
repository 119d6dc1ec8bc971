//! What looks like an event and is none.

use std::path::Path;

use anchor_lang::solana_program::bpf_loader_upgradeable::{
    UpgradeableLoaderState, create_buffer, deploy_with_max_program_len, write,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta::events::{LeavesAppended, OwnershipVerified};
use bauta_client::addresses;
use bauta_client::instructions::SealRegistry;
use bauta_indexer::testing::emitted;
use bauta_primitives::{Claim, FieldElement, Leaf};
use bauta_rpc::{Commitment, Page, Record, Rpc, sign};
use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;

use crate::circuit;
use crate::support::{Running, assert_exact, caught_up};
use crate::world::{Author, World, Writer, eventually};

/// What fits into a transaction of one write to the loader.
const PART: usize = 900;
/// Of `tests/spoof`.
const CALL: u8 = 0;
const LOG: u8 = 1;

/// Sends untried, and waits until it is on the chain, failed or not.
async fn on_chain(rpc: &Rpc, instructions: &[Instruction], signer: &Keypair) -> (Signature, Record) {
    let (blockhash, _) = rpc.latest_blockhash(Commitment::Confirmed).await.unwrap();
    let transaction = sign(instructions, &[signer], blockhash).unwrap();
    let signature = rpc.send_untried(&transaction).await.unwrap();
    let mut found = None;
    eventually("it is on the chain", async || {
        found = rpc.transaction(&signature, Commitment::Confirmed).await.unwrap();
        found.is_some()
    })
    .await;
    (signature, found.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_transaction_that_failed_are_not_taken() {
    let world = World::start().await;
    let mut writer = Writer::create(world.rpc()).await;
    let database = TestDatabase::create().await.unwrap();
    let nodes = [world.rpc_url().to_owned()];
    let _indexer = Running::start(&nodes, world.websocket_url(), database.store.clone());
    for round in 0..5 {
        writer.change().await.unwrap();
        // The append emits its events and succeeds; what follows it, sealing a registry that isn't of holders, fails, and
        // takes it back.
        let seal = SealRegistry {
            authority: writer.authority.pubkey(),
            registry: writer.seen.registry,
        };
        let leaf = Leaf::new(FieldElement::from_u64(900 + round));
        let instructions = [writer.append(&[leaf]), seal.instruction()];
        let (_, record) = on_chain(&writer.seen.rpc, &instructions, &writer.authority).await;
        assert!(record.error.is_some());
        assert!(!record.inner.is_empty(), "the append has emitted its events");
    }
    writer.change().await.unwrap();
    let authors = [Author::Writer(Box::new(writer))];
    caught_up(&database.store, &authors).await;
    assert_exact(&database, &world, &authors).await;
}

/// An attacker with a program of their own.
struct Attacker {
    rpc: Rpc,
    keypair: Keypair,
    program: Address,
}

impl Attacker {
    /// Deploys `tests/spoof` through the loader, as anybody can.
    async fn deploy(rpc: Rpc) -> Self {
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/spoof/artifacts/spoof.so");
        let elf = std::fs::read(elf).unwrap();
        let (keypair, buffer, program) = (Keypair::new(), Keypair::new(), Keypair::new());
        let (payer, at) = (keypair.pubkey(), buffer.pubkey());
        rpc.airdrop(&payer, 100_000_000_000).await.unwrap();
        let rent = async |bytes| rpc.rent_exempt_balance(bytes).await.unwrap();
        let room = rent(UpgradeableLoaderState::size_of_buffer(elf.len())).await;
        let create = create_buffer(&payer, &at, &payer, room, elf.len()).unwrap();
        rpc.send_and_confirm(&create, &[&keypair, &buffer]).await.unwrap();
        for (number, part) in (0..).zip(elf.chunks(PART)) {
            let place = number * u32::try_from(PART).unwrap();
            let write = write(&at, &payer, place, part.to_vec());
            rpc.send_and_confirm(&[write], &[&keypair]).await.unwrap();
        }
        let room = rent(UpgradeableLoaderState::size_of_program()).await;
        let id = program.pubkey();
        #[allow(deprecated)] // the other loader is not on every cluster
        let deploy = deploy_with_max_program_len(&payer, &id, &at, &payer, room, elf.len()).unwrap();
        let deployed = rpc
            .send_and_confirm(&deploy, &[&keypair, &program])
            .await
            .unwrap();
        eventually("the program's first slot", async || {
            rpc.slot(Commitment::Confirmed).await.unwrap() > deployed.slot + 1
        })
        .await;
        Self {
            rpc,
            keypair,
            program: id,
        }
    }

    /// The event authority of the attacker's own program, which it can sign for.
    fn authority(&self) -> Address {
        Address::find_program_address(&[b"__event_authority"], &self.program).0
    }

    /// Has the program do something with event bytes. The transaction names the victim, so that its list has it.
    async fn spoof(&self, first: u8, accounts: [Address; 2], event: &[u8]) -> (Signature, Record) {
        let named = accounts.into_iter().chain([bauta::ID]);
        let instruction = Instruction {
            program_id: self.program,
            accounts: named.map(|key| AccountMeta::new_readonly(key, false)).collect(),
            data: [&[first], event].concat(),
        };
        on_chain(&self.rpc, &[instruction], &self.keypair).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn event_bytes_of_another_program_are_not_taken() {
    let world = World::start().await;
    let mut authors = vec![Author::writer(&world).await, Author::holders(&world).await];
    for author in &mut authors {
        author.change().await.unwrap();
        author.change().await.unwrap();
    }
    let Author::Holders(holders) = &authors[1] else {
        panic!("they are the second")
    };
    let scope = holders.scope().unwrap();
    let root = holders.seen.tree.root();
    let (of_holders, of_writer) = (authors[1].seen().registry, authors[0].seen().registry);
    let database = TestDatabase::create().await.unwrap();
    let nodes = [world.rpc_url().to_owned()];
    let _indexer = Running::start(&nodes, world.websocket_url(), database.store.clone());
    caught_up(&database.store, &authors).await;

    // events that would be taken, were they the program's: a use, and the next change of a tree
    let verified = emitted(&OwnershipVerified {
        scope,
        registry: of_holders,
        circuit: circuit::address(),
        root: root.to_bytes(),
        claim: Claim::of_track(1).to_bytes(),
        nullifier: FieldElement::from_u64(42).to_bytes(),
        recipient: of_holders,
        relayer: Address::default(),
        payload_hash: [0; 32],
        timestamp: 1_800_000_000,
    });
    let appended = emitted(&LeavesAppended {
        registry: of_writer,
        sequence: authors[0].seen().changes + 1,
        first_index: 0,
        leaves: vec![FieldElement::from_u64(7).to_bytes()],
        timestamp: 1_800_000_000,
    });
    let attacker = Attacker::deploy(world.rpc()).await;
    let (own, victim_s) = (attacker.authority(), addresses::event_authority().address);
    let mut spoofed = Vec::new();
    for event in [&verified.data, &appended.data] {
        // in its own self-CPI: with its own event authority, which signs, and with the program's, which can't
        for authority in [own, victim_s] {
            let (signature, record) = attacker.spoof(CALL, [attacker.program, authority], event).await;
            assert_eq!(record.error, None);
            assert!(record.inner.iter().any(|inner| inner.call.data == *event));
            spoofed.push(signature);
        }
        // by CPI into the program, whose event instruction wants its own authority's signature
        for authority in [own, victim_s] {
            let (signature, record) = attacker.spoof(CALL, [bauta::ID, authority], event).await;
            assert!(record.error.is_some(), "the program has taken a stranger's event");
            spoofed.push(signature);
        }
        // as a log
        let (signature, record) = attacker.spoof(LOG, [own, victim_s], event).await;
        assert_eq!(record.error, None);
        let logged = format!("Program data: {}", BASE64.encode(event));
        assert!(logs(&attacker.rpc, &signature).await.contains(&logged));
        spoofed.push(signature);
    }
    // the list by the program's address has them all: the follower has looked at them
    let page = Page::default();
    let listed = attacker
        .rpc
        .signatures_for(&bauta::ID, &page, Commitment::Confirmed);
    let listed: Vec<_> = listed
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.signature)
        .collect();
    assert!(spoofed.iter().all(|signature| listed.contains(signature)));

    for author in &mut authors {
        author.change().await.unwrap();
    }
    caught_up(&database.store, &authors).await;
    let signatures: Vec<Vec<u8>> = spoofed
        .iter()
        .map(|signature| signature.as_ref().to_vec())
        .collect();
    let taken: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE signature = ANY ($1)")
        .bind(signatures)
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(taken, 0);
    assert_exact(&database, &world, &authors).await;
}

async fn logs(rpc: &Rpc, signature: &Signature) -> Vec<String> {
    let options =
        json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
    let params = json!([signature.to_string(), options]);
    let found: Value = rpc.call("getTransaction", &params).await.unwrap();
    let lines = found["meta"]["logMessages"].as_array().unwrap();
    lines
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
