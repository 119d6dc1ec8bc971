//! Drills with data that looks like an event but is none.

use std::path::Path;

use anchor_lang::solana_program::bpf_loader_upgradeable::{
    UpgradeableLoaderState, create_buffer, deploy_with_max_program_len, write,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta::events::{LeavesAppended, OwnershipVerified};
use bauta_client::addresses;
use bauta_client::instructions::SealRegistry;
use bauta_indexing::testing::emitted;
use bauta_primitives::{Claim, FieldElement, Leaf};
use bauta_rpc::{CommitmentLevel, ExecutedTransaction, Page, Rpc, sign};
use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;

use crate::actors::{Actor, eventually};
use crate::authority::Authority;
use crate::chain::DrillChain;
use crate::circuit;
use crate::support::{RunningIndexer, assert_equals_chain, caught_up};

/// The number of bytes that one write to the loader can contain.
const CHUNK_SIZE: usize = 900;
/// The commands of the program in `tests/spoof`.
const CALL: u8 = 0;
const LOG: u8 = 1;

/// Sends a transaction without preflight, and waits until it has been executed, successfully or
/// not.
async fn execute(
    rpc: &Rpc,
    instructions: &[Instruction],
    signer: &Keypair,
) -> (Signature, ExecutedTransaction) {
    let (blockhash, _) = rpc.latest_blockhash(CommitmentLevel::Confirmed).await.unwrap();
    let transaction = sign(instructions, &[signer], blockhash).unwrap();
    let signature = rpc.send_without_preflight(&transaction).await.unwrap();
    let mut found = None;
    eventually("the transaction is executed", async || {
        found = rpc
            .transaction(&signature, CommitmentLevel::Confirmed)
            .await
            .unwrap();
        found.is_some()
    })
    .await;
    (signature, found.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_failed_transaction_are_not_applied() {
    let chain = DrillChain::start().await;
    let mut authority = Authority::create(chain.rpc()).await;
    let database = TestDatabase::create().await.unwrap();
    let nodes = [chain.rpc_url().to_owned()];
    let _indexer = RunningIndexer::start(&nodes, chain.websocket_url(), database.store.clone());
    for round in 0..5 {
        authority.change().await.unwrap();
        // The append succeeds and emits its events. The second instruction fails, because only a
        // registry of kind Holders can be sealed. This reverts the append.
        let seal = SealRegistry {
            authority: authority.keypair.pubkey(),
            registry: authority.expected.registry,
        };
        let leaf = Leaf::new(FieldElement::from_u64(900 + round));
        let instructions = [authority.append(&[leaf]), seal.instruction()];
        let (_, transaction) = execute(&authority.expected.rpc, &instructions, &authority.keypair).await;
        assert!(transaction.error.is_some());
        assert!(
            !transaction.inner_instructions.unwrap().is_empty(),
            "the append must emit its events"
        );
    }
    authority.change().await.unwrap();
    let actors = [Actor::Authority(Box::new(authority))];
    caught_up(&database.store, &actors).await;
    assert_equals_chain(&database, &chain, &actors).await;
}

/// An attacker with their own program.
struct Attacker {
    rpc: Rpc,
    keypair: Keypair,
    program: Address,
}

impl Attacker {
    /// Deploys `tests/spoof` through the loader.
    async fn deploy(rpc: Rpc) -> Self {
        let elf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/spoof/artifacts/spoof.v3.so");
        let elf = std::fs::read(elf).unwrap();
        let (keypair, buffer, program) = (Keypair::new(), Keypair::new(), Keypair::new());
        let (payer, buffer_address) = (keypair.pubkey(), buffer.pubkey());
        rpc.airdrop(&payer, 100_000_000_000).await.unwrap();
        let rent = async |bytes| rpc.rent_exempt_balance(bytes).await.unwrap();
        let lamports = rent(UpgradeableLoaderState::size_of_buffer(elf.len())).await;
        let create = create_buffer(&payer, &buffer_address, &payer, lamports, elf.len()).unwrap();
        rpc.send_and_confirm(&create, &[&keypair, &buffer]).await.unwrap();
        for (number, chunk) in (0..).zip(elf.chunks(CHUNK_SIZE)) {
            let offset = number * u32::try_from(CHUNK_SIZE).unwrap();
            let write = write(&buffer_address, &payer, offset, chunk.to_vec());
            rpc.send_and_confirm(&[write], &[&keypair]).await.unwrap();
        }
        let lamports = rent(UpgradeableLoaderState::size_of_program()).await;
        let id = program.pubkey();
        #[allow(deprecated)] // The newer loader is not available on every cluster.
        let deploy =
            deploy_with_max_program_len(&payer, &id, &buffer_address, &payer, lamports, elf.len()).unwrap();
        let deployed = rpc
            .send_and_confirm(&deploy, &[&keypair, &program])
            .await
            .unwrap();
        eventually("the program can be executed", async || {
            rpc.slot(CommitmentLevel::Confirmed).await.unwrap() > deployed.slot + 1
        })
        .await;
        Self {
            rpc,
            keypair,
            program: id,
        }
    }

    /// Returns the event authority of the attacker's program, which that program can sign for.
    fn authority(&self) -> Address {
        Address::find_program_address(&[b"__event_authority"], &self.program).0
    }

    /// Executes a command of the attacker's program with event bytes. The transaction names Bauta's
    /// program, so that the lists by the program's address contain it.
    async fn spoof(
        &self,
        command: u8,
        accounts: [Address; 2],
        event: &[u8],
    ) -> (Signature, ExecutedTransaction) {
        let named = accounts.into_iter().chain([bauta::ID]);
        let instruction = Instruction {
            program_id: self.program,
            accounts: named.map(|key| AccountMeta::new_readonly(key, false)).collect(),
            data: [&[command], event].concat(),
        };
        execute(&self.rpc, &[instruction], &self.keypair).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn event_bytes_of_another_program_are_not_applied() {
    let chain = DrillChain::start().await;
    let mut actors = vec![Actor::authority(&chain).await, Actor::holders(&chain).await];
    for actor in &mut actors {
        actor.change().await.unwrap();
        actor.change().await.unwrap();
    }
    let Actor::Holders(holders) = &actors[1] else {
        panic!("the holders are the second actor")
    };
    let scope = holders.scope().unwrap();
    let root = holders.expected.tree.root();
    let (holders_registry, authority_registry) =
        (actors[1].expected().registry, actors[0].expected().registry);
    let database = TestDatabase::create().await.unwrap();
    let nodes = [chain.rpc_url().to_owned()];
    let _indexer = RunningIndexer::start(&nodes, chain.websocket_url(), database.store.clone());
    caught_up(&database.store, &actors).await;

    // Events that would be applied if the program had emitted them: a verification, and the next
    // tree change.
    let verified = emitted(&OwnershipVerified {
        scope,
        registry: holders_registry,
        circuit: circuit::address(),
        root: root.to_bytes(),
        claim: Claim::of_track(1).to_bytes(),
        nullifier: FieldElement::from_u64(42).to_bytes(),
        recipient: holders_registry,
        relayer: Address::default(),
        payload_hash: [0; 32],
        timestamp: 1_800_000_000,
    });
    let appended = emitted(&LeavesAppended {
        registry: authority_registry,
        sequence: actors[0].expected().tree_changes + 1,
        first_index: 0,
        leaves: vec![FieldElement::from_u64(7).to_bytes()],
        timestamp: 1_800_000_000,
    });
    let attacker = Attacker::deploy(chain.rpc()).await;
    let (own_authority, program_authority) = (attacker.authority(), addresses::event_authority().address);
    let mut spoofed = Vec::new();
    for event in [&verified.data, &appended.data] {
        // A self-CPI of the attacker's program: with its own event authority, which signs, and with
        // that of Bauta's program, which cannot sign.
        for authority in [own_authority, program_authority] {
            let (signature, transaction) = attacker.spoof(CALL, [attacker.program, authority], event).await;
            assert_eq!(transaction.error, None);
            assert!(
                transaction
                    .inner_instructions
                    .unwrap()
                    .iter()
                    .any(|inner| inner.instruction.data == *event)
            );
            spoofed.push(signature);
        }
        // A CPI to Bauta's program, whose event instruction requires the signature of its own event
        // authority.
        for authority in [own_authority, program_authority] {
            let (signature, transaction) = attacker.spoof(CALL, [bauta::ID, authority], event).await;
            assert!(
                transaction.error.is_some(),
                "the program accepted an event of another program"
            );
            spoofed.push(signature);
        }
        // A log message.
        let (signature, transaction) = attacker
            .spoof(LOG, [own_authority, program_authority], event)
            .await;
        assert_eq!(transaction.error, None);
        let logged = format!("Program data: {}", BASE64.encode(event));
        assert!(logs(&attacker.rpc, &signature).await.contains(&logged));
        spoofed.push(signature);
    }
    // The list by the program's address contains all of them, so the follower has decoded them.
    let page = Page::default();
    let listed = attacker
        .rpc
        .signatures_for(&bauta::ID, &page, CommitmentLevel::Confirmed);
    let listed: Vec<_> = listed
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.signature)
        .collect();
    assert!(spoofed.iter().all(|signature| listed.contains(signature)));

    for actor in &mut actors {
        actor.change().await.unwrap();
    }
    caught_up(&database.store, &actors).await;
    let signatures: Vec<Vec<u8>> = spoofed
        .iter()
        .map(|signature| signature.as_ref().to_vec())
        .collect();
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE signature = ANY ($1)")
        .bind(signatures)
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(applied, 0);
    assert_equals_chain(&database, &chain, &actors).await;
}

/// Returns the log messages of a transaction.
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
