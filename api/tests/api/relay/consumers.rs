//! Scopes with a gate: a relay calls the consumer program that the operator has listed, and nothing
//! else.

use std::{fs, path::Path};

use anchor_lang::{AccountDeserialize, InstructionData, ToAccountMetas};
use bauta_client::{addresses, instructions::Verify};
use bauta_example_gate::{Counter, Gate, Proof, accounts, instruction, payload};
use bauta_rpc::{CommitmentLevel, unsigned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;

use super::{Relayed, chain::body, code, ledger::settled, offer, post, reach, stored};
use crate::common::Running;

const SYSTEM: Address = anchor_lang::system_program::ID;
const AMOUNT: u64 = 7;
/// What a call may take from the wallet: more than the rent of a counter, of 1,224,960 lamports.
const LAMPORTS: u64 = 1_300_000;
/// What the wallet has at first.
const BALANCE: u64 = 100_000_000_000;
/// What remains in the wallet by default.
const FLOOR: u64 = 50_000_000;

/// A scope whose gate is an account of example-gate.
struct Gated {
    relayed: Relayed,
    scope: Address,
    gate: Address,
}

impl Gated {
    async fn start() -> Self {
        let relayed = Relayed::start().await;
        let authority = relayed.chain.authority();
        let seeds = [Gate::SEED, authority.as_ref()];
        let (gate, _) = Address::find_program_address(&seeds, &bauta_example_gate::ID);
        let scope = relayed.chain.gated_scope(2, gate).await.unwrap();
        let open = Instruction {
            program_id: bauta_example_gate::ID,
            accounts: accounts::OpenGate {
                authority,
                gate,
                system_program: SYSTEM,
            }
            .to_account_metas(None),
            data: instruction::OpenGate { scope }.data(),
        };
        relayed.chain.send(open).await.unwrap();
        Self { relayed, scope, gate }
    }

    /// Starts an instance that sponsors both scopes.
    async fn service(&self, consumer: &str, environment: &[(&str, &str)]) -> Running {
        let sponsored = [self.scope, self.relayed.scope].map(|scope| format!("{scope}=1000000000"));
        let sponsored = sponsored.join(",");
        let mut all = vec![
            ("RELAY_SPONSORED", sponsored.as_str()),
            ("RELAY_CONSUMERS", consumer),
        ];
        all.extend_from_slice(environment);
        self.relayed.service(&all).await
    }

    fn prove(&self, number: u64) -> Verify {
        let mut verify = self.relayed.chain.prove(self.scope, number);
        verify.gate = Some(self.gate);
        verify.payload = payload(AMOUNT);
        self.relayed.chain.sign(&mut verify);
        verify
    }

    fn counter(&self, verify: &Verify) -> Address {
        let nullifier = verify.nullifier.to_bytes();
        let seeds = [Counter::SEED, self.gate.as_ref(), &nullifier];
        Address::find_program_address(&seeds, &bauta_example_gate::ID).0
    }

    fn grant(&self, verify: &Verify, amount: u64) -> Instruction {
        Instruction {
            program_id: bauta_example_gate::ID,
            accounts: accounts::Grant {
                payer: verify.payer,
                recipient: verify.recipient,
                gate: self.gate,
                counter: self.counter(verify),
                config: addresses::config().address,
                scope: verify.scope,
                circuit: verify.circuit,
                nullifier: verify.nullifier_account(),
                registry: verify.registry,
                relayer: verify.relayer,
                system_program: SYSTEM,
                bauta_event_authority: addresses::event_authority().address,
                bauta_program: bauta::ID,
            }
            .to_account_metas(None),
            data: instruction::Grant {
                amount,
                proof: Proof {
                    nullifier: verify.nullifier.to_bytes(),
                    proof: verify.proof,
                    root: verify.root.to_bytes(),
                    claim: verify.claim.to_bytes(),
                    expiry: verify.expiry,
                },
            }
            .data(),
        }
    }
}

/// Returns the hash of the program's ELF, computed from the file.
fn elf_hash() -> String {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/example-gate/artifacts/example-gate.v3.so");
    let elf = fs::read(file).unwrap();
    let length = elf.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    hex::encode(Sha256::digest(&elf[..length]))
}

/// Returns the operator's entry for `grant`.
fn entry(hash: &str, lamports: u64) -> String {
    let data = instruction::Grant {
        amount: 0,
        proof: Proof {
            nullifier: [0; 32],
            proof: [0; 256],
            root: [0; 32],
            claim: [0; 32],
            expiry: 0,
        },
    }
    .data();
    let discriminator = hex::encode(&data[..8]);
    format!("{}:{hash}:{discriminator}:0:9:{lamports}", bauta_example_gate::ID)
}

/// Returns the body of a request whose relay calls a program.
fn with_call(verify: &Verify, call: &Instruction) -> Value {
    let account =
        |meta: &AccountMeta| json!({"address": meta.pubkey.to_string(), "writable": meta.is_writable});
    let mut body = body(verify);
    body["consumer"] = json!({
        "program": call.program_id.to_string(),
        "accounts": call.accounts.iter().map(account).collect::<Vec<Value>>(),
        "data": format!("0x{}", hex::encode(&call.data)),
    });
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_with_a_gate_is_relayed_through_the_listed_consumer_program() {
    let gated = Gated::start().await;
    let service = gated.service(&entry(&elf_hash(), LAMPORTS), &[]).await;
    let offered = offer(&service).await;
    assert_eq!(offered["fees"], json!(["sponsored"]));
    assert_eq!(offered["consumers"][0]["relayer"], 9);
    let scope = service.read(&format!("/v1/scopes/{}", gated.scope)).await;
    assert_eq!(scope["relay"], json!(["sponsored"]));

    let verify = gated.prove(1);
    let request = with_call(&verify, &gated.grant(&verify, AMOUNT));
    let (status, accepted) = post(&service, &request).await;
    assert_eq!(status, 202, "{accepted}");
    let id = accepted["id"].as_str().unwrap();
    let relay = reach(&service, id, &["finalized", "failed", "refused", "expired"]).await;
    assert_eq!(relay["state"], "finalized", "{relay}: {}", service.log());
    let (_, counter) = gated
        .relayed
        .chain
        .rpc
        .account(&gated.counter(&verify), CommitmentLevel::Finalized)
        .await
        .unwrap();
    let counter = Counter::try_deserialize(&mut counter.unwrap().data.as_slice()).unwrap();
    assert_eq!((counter.owner, counter.value), (verify.recipient, AMOUNT));
    // On the chain, the last instruction keeps the floor: it transfers it from the wallet to
    // itself.
    let signature: Signature = relay["signature"].as_str().unwrap().parse().unwrap();
    let rpc = &gated.relayed.chain.rpc;
    let executed = rpc.transaction(&signature, CommitmentLevel::Finalized).await;
    let executed = executed.unwrap().unwrap();
    let wallet = verify.payer;
    let guard = |lamports: u64| Instruction {
        program_id: SYSTEM,
        accounts: vec![AccountMeta::new(wallet, true), AccountMeta::new(wallet, false)],
        data: [&[2, 0, 0, 0][..], &lamports.to_le_bytes()].concat(),
    };
    let last = executed.instructions.last().unwrap();
    assert_eq!((last.program, &last.data), (SYSTEM, &guard(FLOOR).data));
    assert_eq!(last.accounts, [wallet, wallet]);
    for (lamports, succeeds) in [(FLOOR, true), (BALANCE, false)] {
        let transaction = unsigned(&[guard(lamports)], &wallet, Hash::default()).unwrap();
        let simulated = rpc
            .simulate(&transaction, CommitmentLevel::Confirmed)
            .await
            .unwrap();
        assert_eq!(simulated.error.is_none(), succeeds, "{lamports}: {simulated:?}");
    }
    // The wallet paid for the counter as well, and the ledger has it.
    settled(&gated.relayed).await;
    let rent = rpc.rent_exempt_balance(72).await.unwrap() + rpc.rent_exempt_balance(48).await.unwrap();
    let cost: i64 = sqlx::query_scalar("SELECT cost FROM relays")
        .fetch_one(gated.relayed.database.pool())
        .await
        .unwrap();
    assert!((rent..rent + 50_000).contains(&cost.unsigned_abs()), "{cost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_operator_has_not_listed_costs_nothing() {
    let gated = Gated::start().await;
    let chain = &gated.relayed.chain;
    let service = gated.service(&entry(&elf_hash(), LAMPORTS), &[]).await;
    let verify = gated.prove(1);
    let grant = gated.grant(&verify, AMOUNT);
    let with = |change: &dyn Fn(&mut Instruction)| {
        let mut grant = grant.clone();
        change(&mut grant);
        with_call(&verify, &grant)
    };
    let ungated = chain.prove(gated.relayed.scope, 1);
    let other = Keypair::new().pubkey();
    let wallet = verify.payer;
    let cases = [
        (body(&verify), "scope_gated"),
        (with_call(&ungated, &grant), "scope_not_gated"),
        (with(&|it| it.program_id = other), "consumer_not_listed"),
        (with(&|it| it.data[0] ^= 1), "consumer_not_listed"),
        (with(&|it| it.accounts[0].pubkey = other), "consumer_accounts"),
        (with(&|it| it.accounts[9].pubkey = other), "consumer_accounts"),
        (with(&|it| it.accounts[1].pubkey = wallet), "consumer_accounts"),
        (with(&|it| it.accounts.truncate(9)), "consumer_accounts"),
        // The program builds the payload from the amount, and another gate can't sign.
        (with(&|it| it.data[8] ^= 1), "simulation_failed"),
        (with(&|it| it.accounts[2].pubkey = other), "simulation_failed"),
        (with(&|it| it.data.extend([0; 600])), "transaction_not_built"),
    ];
    for (request, expected) in cases {
        let refused = post(&service, &request).await;
        assert_eq!(code(&refused), (422, expected), "{refused:?}");
    }
    let request = with_call(&verify, &grant);
    // The program was upgraded, or takes more than the operator allows.
    for (consumer, expected) in [
        (entry(&"07".repeat(32), LAMPORTS), "consumer_changed"),
        (entry(&elf_hash(), 0), "consumer_too_expensive"),
    ] {
        let service = gated.service(&consumer, &[]).await;
        let refused = post(&service, &request).await;
        assert_eq!(code(&refused), (422, expected), "{refused:?}");
    }
    // After the call, the wallet would have less than its floor.
    let floor = (BALANCE - 2_000_000).to_string();
    let service = gated
        .service(&entry(&elf_hash(), LAMPORTS), &[("RELAY_MIN_BALANCE", &floor)])
        .await;
    let refused = post(&service, &request).await;
    assert_eq!(code(&refused), (429, "wallet_exhausted"), "{refused:?}");
    assert_eq!(stored(&gated.relayed).await, (0, 0), "nothing is written");
    assert_eq!(chain.balance().await.unwrap(), BALANCE);
}
