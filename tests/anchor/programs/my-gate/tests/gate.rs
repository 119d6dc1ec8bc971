//! A member's proof grants a counter through the gate, in LiteSVM.

use std::{env, fs};

use anchor_lang::{AccountDeserialize, InstructionData, ToAccountMetas};
use bauta_sdk::{
    Address,
    circuits::{Ownership, load_or_setup_development},
    client::{
        ClusterTag, ReferenceTree, addresses,
        instructions::{CreateRegistry, CreateScope, Initialize, PublishRoot, RegisterCircuit, Verify},
    },
    primitives::{
        Attributes, Claim, EntryId, Leaf, MasterSecret, ProofInputs, Scope, tree::Depth,
    },
    program::{
        self,
        instructions::CircuitRegistration,
        state::{Provenance, RegistryKind, ScopeMode},
    },
};
use litesvm::LiteSVM;
use my_gate::{Counter, Gate, Proof, accounts, instruction, payload};
use rand::rngs::OsRng;
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_transaction::Transaction;

const SYSTEM: Address = Address::new_from_array([0; 32]);
const TRACK: u64 = 3;
const AMOUNT: u64 = 7;
/// The first two seconds of the year 2027.
const NOW: i64 = 1_798_761_600;

struct Chain {
    svm: LiteSVM,
    user: Keypair,
}

impl Chain {
    fn new() -> Self {
        let mut svm = LiteSVM::new();
        let user = Keypair::new();
        svm.airdrop(&user.pubkey(), 100_000_000_000).unwrap();
        for (program, variable) in [(program::ID, "BAUTA_ELF"), (my_gate::ID, "MY_GATE_ELF")] {
            let file = env::var_os(variable).unwrap_or_else(|| panic!("set {variable} to the ELF"));
            svm.add_program(program, &fs::read(file).unwrap()).unwrap();
        }
        // LiteSVM loads programs without an upgrade authority. Only it may initialise bauta.
        let data = addresses::program_data().address;
        let mut account = svm.get_account(&data).unwrap();
        account.data[12] = 1;
        account.data[13..45].copy_from_slice(user.pubkey().as_ref());
        svm.set_account(data, account).unwrap();
        let mut clock: Clock = svm.get_sysvar();
        clock.unix_timestamp = NOW;
        svm.set_sysvar(&clock);
        Self { svm, user }
    }

    fn send(&mut self, instruction: Instruction) -> Result<(), String> {
        let payer = self.user.pubkey();
        let transaction = Transaction::new_signed_with_payer(
            &[instruction],
            Some(&payer),
            &[&self.user],
            self.svm.latest_blockhash(),
        );
        self.svm.expire_blockhash();
        let sent = self.svm.send_transaction(transaction);
        sent.map(|_| ()).map_err(|failed| format!("{:?}", failed.err))
    }
}

/// What the chain has before a member proves.
struct Setup {
    key: bauta_sdk::circuits::Key<Ownership>,
    secret: MasterSecret,
    create: CreateRegistry,
    open: CreateScope,
    gate: Address,
    tree: ReferenceTree,
}

const TOKEN: Address = Address::new_from_array([9; 32]);

impl Setup {
    /// Initialises bauta, registers a circuit, publishes a tree with one member, and opens a scope with
    /// the gate.
    fn new(chain: &mut Chain) -> Self {
        let user = chain.user.pubkey();
        let key = load_or_setup_development(&Ownership::new(Depth::Ten)).unwrap();
        let create = CreateRegistry {
            payer: user,
            authority: user,
            tree: None,
            nonce: 0,
            kind: RegistryKind::Attested,
            depth: 10,
            leaf_format: 1,
            root_ttl: 3_600,
        };
        let secret = MasterSecret::random(&mut OsRng);
        let entry = EntryId::of_mint(TOKEN.as_array());
        let identity = secret.identity(create.registry().as_array(), entry, 0);
        let leaf = Leaf::of(identity.commitment(), entry, Attributes::of_track(TRACK));
        let tree = ReferenceTree::from_leaves(Depth::Ten, [leaf]).unwrap();
        let circuit = RegisterCircuit {
            payer: user,
            admin: user,
            registration: registration(&key),
        };
        let (gate, _) = Address::find_program_address(&[Gate::SEED, user.as_ref()], &my_gate::ID);
        let open = CreateScope {
            payer: user,
            creator: user,
            registry: create.registry(),
            circuit: circuit.circuit(),
            auxiliary_registry: None,
            nonce: 0,
            mode: ScopeMode::Snapshot,
            gate: Some(gate),
            required_claim: None,
            opens_at: NOW,
            closes_at: NOW + 86_400,
            expected_root: Some(tree.root()),
        };
        let initialize = Initialize {
            payer: user,
            upgrade_authority: user,
            cluster_tag: ClusterTag::LOCAL.to_bytes(),
            admin: user,
            development_keys_allowed: true,
        };
        let publish = PublishRoot {
            authority: user,
            registry: create.registry(),
            root: tree.root(),
        };
        let open_gate = Instruction {
            program_id: my_gate::ID,
            accounts: accounts::OpenGate {
                authority: user,
                gate,
                system_program: SYSTEM,
            }
            .to_account_metas(None),
            data: instruction::OpenGate { scope: open.scope() }.data(),
        };
        for instruction in [
            initialize.instruction(),
            circuit.instruction(),
            create.instruction(),
            publish.instruction(),
            open.instruction(),
            open_gate,
        ] {
            chain.send(instruction).unwrap();
        }
        Self {
            key,
            secret,
            create,
            open,
            gate,
            tree,
        }
    }

    /// Makes the member's proof for an amount.
    fn prove(&self, recipient: Address, amount: u64) -> Verify {
        let entry = EntryId::of_mint(TOKEN.as_array());
        let secret = self.secret.identity(self.create.registry().as_array(), entry, 0);
        let scope: Scope = ClusterTag::LOCAL.scope_element(&self.open.scope());
        let mut verify = Verify {
            payer: recipient,
            scope: self.open.scope(),
            circuit: self.open.circuit,
            registry: None,
            auxiliary_registry: None,
            gate: Some(self.gate),
            recipient,
            relayer: None,
            proof: [0; 256],
            root: self.tree.root(),
            nullifier: secret.nullifier(entry, scope),
            claim: Claim::of_track(TRACK),
            auxiliary_root: None,
            expiry: NOW + 600,
            payload: payload(amount),
        };
        let inputs = ProofInputs {
            secret,
            entry_id: entry,
            attributes: Attributes::of_track(TRACK),
            path: self.tree.path(0).unwrap(),
            root: verify.root,
            scope,
            claim: verify.claim,
            context: verify.context(),
            private: (),
        };
        verify.proof = self.key.prove(&inputs, &mut OsRng).unwrap().to_bytes();
        verify
    }

    fn counter(&self, verify: &Verify) -> Address {
        let nullifier = verify.nullifier.to_bytes();
        let seeds = [Counter::SEED, self.gate.as_ref(), &nullifier];
        Address::find_program_address(&seeds, &my_gate::ID).0
    }

    fn grant(&self, verify: &Verify, amount: u64) -> Instruction {
        Instruction {
            program_id: my_gate::ID,
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
                bauta_program: program::ID,
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

fn registration(key: &bauta_sdk::circuits::Key<Ownership>) -> CircuitRegistration {
    let header = key.header();
    let mut statement = [0; 32];
    statement[..9].copy_from_slice(b"ownership");
    CircuitRegistration {
        statement,
        version: header.version,
        depth: header.depth,
        leaf_format: u8::try_from(header.leaf_format).unwrap(),
        auxiliary_format: 0,
        provenance: Provenance::Development,
        constraint_system_hash: header.constraint_system_hash,
        transcript_hash: [0; 32],
        verifying_key: key.verifying_key().to_bytes(),
    }
}

#[test]
fn a_proof_grants_one_counter_of_the_amount_that_it_was_made_for() {
    let mut chain = Chain::new();
    let setup = Setup::new(&mut chain);
    let verify = setup.prove(chain.user.pubkey(), AMOUNT);
    // The proof is bound to the payload, so another amount is refused.
    assert!(chain.send(setup.grant(&verify, AMOUNT + 1)).is_err());
    chain.send(setup.grant(&verify, AMOUNT)).unwrap();
    let account = chain.svm.get_account(&setup.counter(&verify)).unwrap();
    let counter = Counter::try_deserialize(&mut account.data.as_slice()).unwrap();
    assert_eq!((counter.owner, counter.value), (chain.user.pubkey(), AMOUNT));
    assert!(chain.send(setup.grant(&verify, AMOUNT)).is_err());
}
