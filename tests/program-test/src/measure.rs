//! What each instruction costs: compute units and bytes of a transaction that does nothing else.
//!
//! Every figure is exact and repeats: keys, addresses (and so the tries that deriving them takes on chain), clock and tree are the
//! same in every run. Transactions have no compute budget instruction and one signature more for each further signer.

use bauta::state::RegistryKind;
use bauta_client::instructions::{AcceptAdmin, SetAdmin, Verify};
use bauta_primitives::{FieldElement, Leaf, Root};
use solana_signer::Signer;

use crate::{Elf, Refused, RegistrySpec, ScopeSpec, Sent, TestRegistry, TrapdoorKey, World, keypair};

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The instruction, or a case of it.
    pub instruction: &'static str,
    /// Compute units of the whole transaction.
    pub compute_units: u64,
    /// Bytes of the whole transaction; 0 where the row is a part of one.
    pub transaction_bytes: usize,
}

/// Measures every instruction on an ELF.
///
/// `verify` uses a proof in a Snapshot scope without gate; `verify_live_gated` in a Live one with a gate that signs.
/// `groth16` is the part of `verify` from the payload's hash to the pairing: the compute units of a verification whose pairing fails, less
/// those of one that is refused by the last check before (an auxiliary root where the scope has no auxiliary registry).
/// `register_holder` is a sixth holder's first registration, `register_again` its second. `append_1` and `append_10` begin at leaf 6 and 7.
///
/// # Panics
/// When the program refuses any of this.
#[must_use]
pub fn all(elf: Elf) -> Vec<Row> {
    let mut table = Table::default();
    administration(&mut table, elf);
    let mut world = World::on(elf);
    holders(&mut table, &mut world);
    managed(&mut table, &mut world);
    scopes(&mut table, &mut world);
    table.rows
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

impl Table {
    fn add(&mut self, instruction: &'static str, result: Result<Sent, Refused>) {
        let sent = result.unwrap_or_else(|refused| panic!("{instruction}: {refused}"));
        self.rows.push(Row {
            instruction,
            compute_units: sent.compute_units,
            transaction_bytes: sent.transaction_bytes,
        });
    }
}

fn administration(table: &mut Table, elf: Elf) {
    let mut world = World::deployed(elf);
    table.add("initialize", world.initialize(true));
    let registration = world.registration(TrapdoorKey::new(2).verifying_key());
    table.add("register_circuit", world.register_circuit(registration.clone()));
    table.add("pause", world.pause(true));
    let circuit = bauta_client::addresses::circuit_of(&registration.verifying_key).address;
    table.add("retire_circuit", world.retire_circuit(circuit));
    let (admin, next) = (world.admin.insecure_clone(), keypair("next admin"));
    let set = SetAdmin {
        admin: admin.pubkey(),
        new_admin: next.pubkey(),
    };
    table.add("set_admin", world.send(&[set.instruction()], &[&admin]));
    let accept = AcceptAdmin {
        new_admin: next.pubkey(),
    };
    table.add("accept_admin", world.send(&[accept.instruction()], &[&next]));
}

fn holders(table: &mut Table, world: &mut World) {
    let (mut registry, sent) = world
        .try_create_registry(RegistrySpec::default())
        .unwrap_or_else(|refused| panic!("create_registry: {refused}"));
    table.add("create_registry", Ok(sent));
    for _ in 0..5 {
        world.holder(&mut registry, 5);
    }
    let owner = world.person("holder");
    let nft = world.mint_nft(&owner);
    table.add(
        "add_collection",
        world.add_collection(&registry, &nft.mint, false, 5),
    );
    let entered = world.enter(&mut registry, &nft, None, 5);
    table.add("register_holder", entered.map(|(_, sent)| sent));
    world.wait(60);
    let entered = world.enter(&mut registry, &nft, None, 5);
    table.add("register_again", entered.map(|(_, sent)| sent));
    let buyer = world.person("buyer");
    let sold = world.transfer_nft(&nft, &buyer);
    table.add(
        "evict_holder",
        world.evict(&mut registry, &nft.mint, Some(sold.account)),
    );
    table.add("seal_registry", world.seal_registry(&registry));
}

fn managed(table: &mut Table, world: &mut World) {
    let mut registry = world.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    let leaf = |n: u64| Leaf::new(FieldElement::from_u64(n));
    let leaves = |from: u64, to: u64| (from..to).map(leaf).collect::<Vec<_>>();
    world
        .append(&mut registry, &leaves(1, 7))
        .unwrap_or_else(|refused| panic!("append_leaves: {refused}"));
    table.add("append_1", world.append(&mut registry, &leaves(7, 8)));
    table.add("append_10", world.append(&mut registry, &leaves(8, 18)));
    table.add("replace_leaf", world.replace(&mut registry, 3, leaf(100)));

    let attested = world.create_registry(RegistrySpec::of_kind(RegistryKind::Attested));
    let root = Root::new(FieldElement::from_u64(1));
    table.add("publish_root", world.publish_root(&attested, root));
}

fn scopes(table: &mut Table, world: &mut World) {
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let created = world.try_create_scope(&registry, &ScopeSpec::default());
    let (scope, sent) = created.unwrap_or_else(|refused| panic!("create_scope: {refused}"));
    table.add("create_scope", Ok(sent));
    let verify = world.prove(&registry, &member, &scope);
    table.rows.push(groth16(world, &verify));
    table.add("verify", world.verify(&verify, &[]));
    table.rows.push(verify_live_gated(world, &registry, &member));
    table.add("close_scope", world.close_scope(&scope));
    table.add("reclaim_nullifier", world.reclaim(&verify));
}

fn verify_live_gated(world: &mut World, registry: &TestRegistry, member: &crate::Member) -> Row {
    let gate = keypair("gate");
    let spec = ScopeSpec {
        gate: Some(gate.pubkey()),
        ..ScopeSpec::live()
    };
    let scope = world.create_scope(registry, &spec);
    let verify = world.prove(registry, member, &scope);
    let mut table = Table::default();
    table.add("verify_live_gated", world.verify(&verify, &[&gate]));
    table.rows[0]
}

fn groth16(world: &World, verify: &Verify) -> Row {
    let refused = |verify: &Verify| {
        let mut world = world.clone();
        world
            .verify(verify, &[])
            .expect_err("a use with something wrong in it")
            .compute_units
    };
    let mut at_the_pairing = verify.clone();
    at_the_pairing.payload.push(0);
    let before = Verify {
        auxiliary_root: Some(verify.root),
        ..at_the_pairing.clone()
    };
    Row {
        instruction: "groth16",
        compute_units: refused(&at_the_pairing) - refused(&before),
        transaction_bytes: 0,
    }
}
