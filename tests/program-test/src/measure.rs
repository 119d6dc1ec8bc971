//! Measures the cost of each instruction: the compute units and the length of a transaction with
//! only this instruction.
//!
//! The figures are exact and the same in every run, because keys, clock and tree are. The keys
//! determine the addresses, and with them the number of bumps that the program tries. The
//! transactions have no compute budget instruction. Each further signer adds a signature.

use bauta::bubblegum::Version;
use bauta::state::{Collection, CollectionKind, RegistryKind};
use bauta_airdrop::reward::{Curve, Reward, Shape};
use bauta_client::addresses;
use bauta_client::instructions::{AcceptAdmin, SetAdmin, Unstage, Verify};
use bauta_primitives::{FieldElement, Leaf, Nullifier, Root};
use mpl_core::types::{AddBlocker, FreezeDelegate, PermanentFreezeDelegate, Plugin};
use mpl_token_metadata::types::TokenStandard;
use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;

use crate::{
    CampaignSpec, CoreAsset, Elf, MetadataSpec, Nft, Receipt, Refusal, RegistrySpec, ScopeSpec, TOKEN_2022,
    TestChain, TestRegistry, TestScope, TrapdoorKey, keypair, lookups,
};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The name of the instruction, or of a case of it.
    pub instruction: &'static str,
    /// The compute units of the whole transaction.
    pub compute_units: u64,
    /// The length of the whole transaction in bytes. 0 if the row is a part of a transaction.
    pub transaction_bytes: usize,
}

/// Measures every instruction with an ELF.
///
/// | row | case |
/// |---|---|
/// | `verify` | a scope of mode `Snapshot` without a gate |
/// | `verify_skips_0`, `verify_skips_8` | the same, with a nullifier in whose address the program skips 0 or 8 bumps |
/// | `verify_live_gated` | a scope of mode `Live` with a gate |
/// | `groth16` | the part of `verify` from the payload's hash to the pairing |
/// | `register_holder` | the first registration of a sixth token |
/// | `register_again` | the second registration of that token |
/// | `register_token_metadata` | the first registration of a token of a collection of Token Metadata |
/// | `register_token_metadata_again` | the second registration of that token |
/// | `register_programmable` | the first registration of a programmable token, with its token record |
/// | `register_programmable_again` | the second registration of that token |
/// | `register_print` | the first registration of a print of a master |
/// | `evict_left` | the eviction of a token that left its collection |
/// | `register_core` | the first registration of a Core asset with a plugin, in a Core collection |
/// | `register_core_again` | the second registration of that asset |
/// | `evict_core` | the eviction of a Core asset with another owner |
/// | `register_programmable_print` | the first registration of a programmable print |
/// | `register_print_again`, `register_programmable_print_again` | the second registrations of the prints |
/// | `evict_print`, `evict_programmable` | the evictions of a print and of a programmable token with another owner |
/// | `register_core_plugins` | the first registration of a Core asset with two plugins, in a Core collection with two plugins |
/// | `evict_core_burnt`, `evict_core_left` | the evictions of a burnt Core asset, and of one that left its collection |
/// | `register_compressed` | the first registration of a compressed asset of V2, with 14 nodes of a proof |
/// | `register_compressed_staged` | the second registration of that asset, with a staged path |
/// | `evict_compressed` | the eviction of that asset with another owner |
/// | `register_compressed_old_proof` | the first registration of another asset, with a proof that is 64 changes old |
/// | `register_compressed_v1` | the first registration of a compressed asset of V1, with 14 nodes of a proof |
/// | `register_compressed_v1_staged` | the second registration of that asset, with a staged path |
/// | `evict_compressed_empty` | the eviction of that asset with an empty leaf |
/// | `register_compressed_canopy`, `register_compressed_again` | the registrations of a compressed asset of V2 with 3 nodes below a canopy |
/// | `evict_compressed_gone`, `evict_compressed_left` | the evictions of that asset when its tree is closed, and when it left its collection |
/// | `append_1` | one leaf, at index 6 |
/// | `append_10` | ten leaves, from index 7 |
/// | `airdrop_create` | a campaign with two tiers |
/// | `airdrop_claim` | a claim of a tier, in tokens of SPL Token |
/// | `airdrop_claim_exact` | a claim in a campaign with a curve |
/// | `airdrop_claim_token_2022` | a claim of a tier, in tokens of Token-2022 |
/// | `airdrop_sweep` | the sweep of the rest |
///
/// `groth16` is a difference. It is the compute units of a verification whose pairing fails, minus
/// those of a verification that the last check before that part refuses: an auxiliary root where
/// the scope has no auxiliary registry.
///
/// # Panics
/// If the program refuses an instruction.
#[must_use]
pub fn all(elf: Elf) -> Vec<Row> {
    let mut table = Table::default();
    administration(&mut table, elf);
    let mut chain = TestChain::on(elf);
    holders(&mut table, &mut chain);
    managed(&mut table, &mut chain);
    scopes(&mut table, &mut chain);
    collections(&mut table, &mut chain);
    compressed(&mut table, &mut chain);
    airdrops(&mut table, elf);
    table.rows
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

impl Table {
    fn add(&mut self, instruction: &'static str, result: Result<Receipt, Refusal>) {
        let receipt = result.unwrap_or_else(|refusal| panic!("{instruction}: {refusal}"));
        self.rows.push(Row {
            instruction,
            compute_units: receipt.compute_units,
            transaction_bytes: receipt.transaction_bytes,
        });
    }
}

fn administration(table: &mut Table, elf: Elf) {
    let mut chain = TestChain::deployed(elf);
    table.add("initialize", chain.initialize(true));
    let registration = chain.registration(TrapdoorKey::new(2).verifying_key());
    let circuit = addresses::circuit_of(&registration).address;
    table.add("register_circuit", chain.register_circuit(registration));
    table.add("pause", chain.pause(true));
    table.add("suspend_circuit", chain.suspend_circuit(circuit, true));
    table.add("retire_circuit", chain.retire_circuit(circuit, true));
    let (admin, next) = (chain.admin.insecure_clone(), keypair("next admin"));
    let set = SetAdmin {
        admin: admin.pubkey(),
        new_admin: next.pubkey(),
    };
    table.add("set_admin", chain.send(&[set.instruction()], &[&admin]));
    let accept = AcceptAdmin {
        new_admin: next.pubkey(),
    };
    table.add("accept_admin", chain.send(&[accept.instruction()], &[&next]));
    table.add("replace_admin", chain.replace_admin(admin.pubkey()));
}

fn holders(table: &mut Table, chain: &mut TestChain) {
    let (mut registry, receipt) = chain
        .try_create_registry(RegistrySpec::default())
        .unwrap_or_else(|refusal| panic!("create_registry: {refusal}"));
    table.add("create_registry", Ok(receipt));
    for _ in 0..5 {
        chain.add_holder(&mut registry, 5);
    }
    let owner = chain.funded_keypair("holder");
    let nft = chain.mint_nft(&owner);
    table.add(
        "add_collection",
        chain.add_collection(&registry, &nft.mint, CollectionKind::Asset, 5),
    );
    let registered = chain.register(&mut registry, &nft, None, 5);
    table.add("register_holder", registered.map(|(_, receipt)| receipt));
    chain.advance_clock(60);
    let registered = chain.register(&mut registry, &nft, None, 5);
    table.add("register_again", registered.map(|(_, receipt)| receipt));
    let buyer = chain.funded_keypair("buyer");
    let sold = chain.transfer_nft(&nft, &buyer);
    table.add(
        "evict_holder",
        chain.evict_holder(&mut registry, &nft.mint, Some(sold.account)),
    );
    table.add("seal_registry", chain.seal_registry(&registry));
}

/// Registers the assets of each kind of collection. The registry has five leaves before, so the
/// costs can be compared with those of `register_holder`.
fn collections(table: &mut Table, chain: &mut TestChain) {
    let mut registry = chain.create_registry(RegistrySpec::default());
    for _ in 0..5 {
        chain.add_holder(&mut registry, 5);
    }
    let owner = chain.funded_keypair("holder");
    let key = keypair("collection of Token Metadata").pubkey();
    let add = |chain: &mut TestChain, registry: &TestRegistry, key: &Address, kind, rules| {
        chain
            .add_collection_with_rules(registry, key, kind, rules, 5)
            .unwrap_or_else(|refusal| panic!("add_collection: {refusal}"));
    };
    let leaving = Collection::LEAVING;
    add(chain, &registry, &key, CollectionKind::TokenMetadata, leaving);
    let token = chain.mint_with_metadata(&owner, &MetadataSpec::of_collection(&key));
    let programmable = chain.mint_with_metadata(&owner, &MetadataSpec::programmable(&key));
    add(chain, &registry, &token.mint, CollectionKind::Prints, 0);
    let print = chain.mint_with_metadata(&owner, &MetadataSpec::print(&token.mint));
    let core_key = chain.core_collection(&[]);
    add(chain, &registry, &core_key, CollectionKind::Core, 0);
    let thawed = [Plugin::FreezeDelegate(FreezeDelegate { frozen: false })];
    let asset = chain.core_asset(&owner, Some(core_key), &thawed);

    let tokens = [
        ("register_token_metadata", &token, key),
        ("register_programmable", &programmable, key),
        ("register_print", &print, token.mint),
    ];
    for (name, nft, key) in tokens {
        let registered = chain.register(&mut registry, nft, Some(key), 5);
        table.add(name, registered.map(|(_, receipt)| receipt));
    }
    let registered = chain.register_core(&mut registry, &asset, &core_key, 5);
    table.add("register_core", registered.map(|(_, receipt)| receipt));
    chain.advance_clock(60);
    let again = [
        ("register_token_metadata_again", &token),
        ("register_programmable_again", &programmable),
    ];
    for (name, nft) in again {
        let registered = chain.register(&mut registry, nft, Some(key), 5);
        table.add(name, registered.map(|(_, receipt)| receipt));
    }
    let registered = chain.register_core(&mut registry, &asset, &core_key, 5);
    table.add("register_core_again", registered.map(|(_, receipt)| receipt));
    let buyer = chain.funded_keypair("buyer");
    let _sold = chain.transfer_core_asset(&asset, &buyer);
    let evicted = chain.evict_holder(&mut registry, &asset.address, None);
    table.add("evict_core", evicted);
    chain.write_metadata(&token.mint, &MetadataSpec::default());
    table.add("evict_left", chain.evict_left(&mut registry, &token.mint, key));
    let of_master = (&mut registry, token.mint);
    prints(table, chain, of_master, &print);
    let programmable_evicted = {
        let sold = chain.transfer_programmable(&programmable, &buyer);
        chain.evict_holder(&mut registry, &programmable.mint, Some(sold.account))
    };
    table.add("evict_programmable", programmable_evicted);
    core_collections(table, chain);
}

/// Registers prints again, also a programmable one, and evicts one.
fn prints(
    table: &mut Table,
    chain: &mut TestChain,
    (registry, master): (&mut TestRegistry, Address),
    print: &Nft,
) {
    let spec = MetadataSpec {
        standard: Some(TokenStandard::ProgrammableNonFungibleEdition),
        ..MetadataSpec::print(&master)
    };
    let programmable = chain.mint_with_metadata(&print.owner, &spec);
    let registered = chain.register(registry, &programmable, Some(master), 5);
    let receipt = registered.map(|(_, receipt)| receipt);
    table.add("register_programmable_print", receipt);
    chain.advance_clock(60);
    for (name, nft) in [
        ("register_print_again", print),
        ("register_programmable_print_again", &programmable),
    ] {
        let registered = chain.register(registry, nft, Some(master), 5);
        table.add(name, registered.map(|(_, receipt)| receipt));
    }
    let buyer = chain.funded_keypair("buyer");
    let sold = chain.transfer_nft(print, &buyer);
    let evicted = chain.evict_holder(registry, &print.mint, Some(sold.account));
    table.add("evict_print", evicted);
}

/// Registers and evicts assets of a Core collection that has plugins itself.
fn core_collections(table: &mut Table, chain: &mut TestChain) {
    let mut registry = chain.create_registry(RegistrySpec::default());
    for _ in 0..5 {
        chain.add_holder(&mut registry, 5);
    }
    let plugins = [
        Plugin::PermanentFreezeDelegate(PermanentFreezeDelegate { frozen: false }),
        Plugin::AddBlocker(AddBlocker {}),
    ];
    let key = chain.core_collection(&plugins);
    chain
        .add_collection_with_rules(&registry, &key, CollectionKind::Core, Collection::LEAVING, 5)
        .unwrap_or_else(|refusal| panic!("add_collection: {refusal}"));
    let owner = chain.funded_keypair("holder");
    let [burnt, left] = [(); 2].map(|()| chain.core_asset(&owner, Some(key), &plugins));
    let registered = chain.register_core(&mut registry, &burnt, &key, 5);
    let receipt = registered.map(|(_, receipt)| receipt);
    table.add("register_core_plugins", receipt);
    chain
        .register_core(&mut registry, &left, &key, 5)
        .unwrap_or_else(|refusal| panic!("register_core_holder: {refusal}"));
    chain.burn_core_asset(&burnt);
    let evicted = chain.evict_holder(&mut registry, &burnt.address, None);
    table.add("evict_core_burnt", evicted);
    let elsewhere = CoreAsset {
        collection: None,
        ..left
    };
    chain.write_core_asset(&elsewhere, &plugins, &[]);
    let evicted = chain.evict_left(&mut registry, &elsewhere.address, key);
    table.add("evict_core_left", evicted);
}

/// Registers compressed assets in trees of depth 14 without a canopy. The registry has five leaves
/// before. The transactions have an address lookup table.
fn compressed(table: &mut Table, chain: &mut TestChain) {
    let mut registry = chain.create_registry(RegistrySpec::default());
    for _ in 0..5 {
        chain.add_holder(&mut registry, 5);
    }
    let owner = chain.funded_keypair("holder");
    let core_key = chain.core_collection(&[]);
    let key = keypair("collection of Token Metadata").pubkey();
    let rules = Collection::COMPRESSED | Collection::LEAVING;
    for (key, kind, rules) in [
        (core_key, CollectionKind::Core, rules | Collection::ISSUER_MOVES),
        (key, CollectionKind::TokenMetadata, rules),
    ] {
        chain
            .add_collection_with_rules(&registry, &key, kind, rules, 5)
            .unwrap_or_else(|refusal| panic!("add_collection: {refusal}"));
    }
    let mut tree = chain.compressed_tree(Version::V2, 14, 0);
    let nft = chain.mint_compressed(&mut tree, &owner, Some(core_key), 0);
    let proof = tree.proof(nft.index);
    let registered =
        chain.register_compressed(&mut registry, &tree.address, &nft, proof.clone(), &core_key, 5);
    table.add("register_compressed", registered.map(|(_, receipt)| receipt));

    chain.advance_clock(60);
    let path = chain.on_chain_path(&registry, 5);
    table.add("stage_path", chain.stage_path(&owner, 0, path));
    let staged_path = addresses::staged(&owner.pubkey(), 0).address;
    let mut register = chain.compressed_registration(&registry, &tree.address, &nft, proof, &core_key);
    register.path = None;
    register.staged = Some(staged_path);
    let instruction = register.instruction();
    let listed = lookups(&instruction, &owner.pubkey());
    let mut staged = chain.clone();
    table.add(
        "register_compressed_staged",
        staged.send_with_table(&[instruction], &[&owner], &listed),
    );
    let unstage = Unstage {
        authority: owner.pubkey(),
        number: 0,
    };
    table.add("unstage", staged.send(&[unstage.instruction()], &[&owner]));

    let buyer = chain.funded_keypair("buyer");
    let sold = nft.sold_to(&buyer);
    tree.set(nft.index, Some(&sold));
    chain.write_tree(&tree);
    let mut evict = chain.compressed_eviction(&registry, &tree, &nft, Some(&sold));
    evict.path = None;
    evict.staged = Some(staged_path);
    table.add("evict_compressed", chain.evict_compressed(&mut registry, &evict));

    let late = chain.mint_compressed(&mut tree, &owner, Some(core_key), 0);
    let proof = tree.proof(late.index);
    for number in 0..64 {
        let mut changed = sold.clone();
        changed.leaf.delegate = Some(Address::new_from_array([number; 32]));
        tree.set(changed.index, Some(&changed));
    }
    chain.write_tree(&tree);
    let registered = chain.register_compressed(&mut registry, &tree.address, &late, proof, &core_key, 5);
    table.add(
        "register_compressed_old_proof",
        registered.map(|(_, receipt)| receipt),
    );

    let mut tree = chain.compressed_tree(Version::V1, 14, 0);
    let nft = chain.mint_compressed_v1(&mut tree, &owner, Some((key, true)));
    let proof = tree.proof(nft.index);
    let registered = chain.register_compressed(&mut registry, &tree.address, &nft, proof, &key, 5);
    table.add("register_compressed_v1", registered.map(|(_, receipt)| receipt));
    chain.advance_clock(60);
    let mut register =
        chain.compressed_registration(&registry, &tree.address, &nft, tree.proof(nft.index), &key);
    let path = register.path.take().expect("the asset is registered");
    chain
        .stage_path(&owner, 0, path)
        .unwrap_or_else(|refusal| panic!("stage_path: {refusal}"));
    register.staged = Some(staged_path);
    let registered = chain.send_compressed_registration(&mut registry, &nft, register, 5);
    table.add(
        "register_compressed_v1_staged",
        registered.map(|(_, receipt)| receipt),
    );
    tree.set(nft.index, None);
    chain.write_tree(&tree);
    let mut evict = chain.compressed_eviction(&registry, &tree, &nft, None);
    evict.path = None;
    evict.staged = Some(staged_path);
    table.add(
        "evict_compressed_empty",
        chain.evict_compressed(&mut registry, &evict),
    );
    compressed_with_canopy(table, chain, registry, core_key);
}

/// Registers and evicts a compressed asset in a tree with a canopy, where the path fits beside the
/// proof.
fn compressed_with_canopy(
    table: &mut Table,
    chain: &mut TestChain,
    mut registry: TestRegistry,
    key: Address,
) {
    let owner = chain.funded_keypair("holder");
    let mut tree = chain.compressed_tree(Version::V2, 5, 2);
    let nft = chain.mint_compressed(&mut tree, &owner, Some(key), 0);
    let (address, proof) = (tree.address, tree.proof(nft.index));
    for row in ["register_compressed_canopy", "register_compressed_again"] {
        let registered = chain.register_compressed(&mut registry, &address, &nft, proof.clone(), &key, 5);
        table.add(row, registered.map(|(_, receipt)| receipt));
        chain.advance_clock(60);
    }
    let mut gone = chain.clone();
    gone.set_account(&addresses::tree_config(&address).address, Account::default());
    let evict = gone.compressed_eviction(&registry, &tree, &nft, None);
    let mut same = registry.clone();
    table.add("evict_compressed_gone", gone.evict_compressed(&mut same, &evict));
    let mut left = nft.clone();
    left.core_collection = None;
    tree.set(nft.index, Some(&left));
    chain.write_tree(&tree);
    let mut evict = chain.compressed_eviction(&registry, &tree, &nft, Some(&left));
    evict.left_collection = Some(key);
    table.add(
        "evict_compressed_left",
        chain.evict_compressed(&mut registry, &evict),
    );
}

/// Creates campaigns of the airdrop program, claims in them, and sweeps one.
fn airdrops(table: &mut Table, elf: Elf) {
    let mut chain = TestChain::on(elf);
    chain.deploy_airdrop(elf);
    let (campaign, create) = chain.prepare_campaign(CampaignSpec::default());
    table.add("airdrop_create", chain.send_campaign(&campaign, &create));
    let curve = Reward::Curve(Curve {
        shape: Shape::SquareRoot,
        floor: 200_000,
        cap: 600_000,
        min: 10,
        max: 110,
    });
    let exact = chain.create_campaign(CampaignSpec {
        reward: curve,
        ..CampaignSpec::default()
    });
    let token_2022 = chain.create_campaign(CampaignSpec {
        mint: CampaignSpec::mint_of(TOKEN_2022),
        ..CampaignSpec::default()
    });
    for (name, campaign, tier) in [
        ("airdrop_claim", &campaign, 0),
        ("airdrop_claim_exact", &exact, 300_000),
        ("airdrop_claim_token_2022", &token_2022, 0),
    ] {
        let claim = chain.claim(campaign, tier, 1);
        table.add(name, chain.send(&[claim.instruction()], &[]));
    }
    chain.advance_clock(2 * 86_400);
    let sweep = campaign.sweep().instruction();
    table.add("airdrop_sweep", chain.send(&[sweep], &[&campaign.authority]));
}

fn managed(table: &mut Table, chain: &mut TestChain) {
    let mut registry = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Managed));
    let leaf = |n: u64| Leaf::new(FieldElement::from_u64(n));
    let leaves = |from: u64, to: u64| (from..to).map(leaf).collect::<Vec<_>>();
    chain
        .append_leaves(&mut registry, &leaves(1, 7))
        .unwrap_or_else(|refusal| panic!("append_leaves: {refusal}"));
    table.add("append_1", chain.append_leaves(&mut registry, &leaves(7, 8)));
    table.add("append_10", chain.append_leaves(&mut registry, &leaves(8, 18)));
    table.add("replace_leaf", chain.replace_leaf(&mut registry, 3, leaf(100)));

    let attested = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Attested));
    let root = Root::new(FieldElement::from_u64(1));
    table.add("publish_root", chain.publish_root(&attested, root));
}

fn scopes(table: &mut Table, chain: &mut TestChain) {
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let created = chain.try_create_scope(&registry, &ScopeSpec::default());
    let (scope, receipt) = created.unwrap_or_else(|refusal| panic!("create_scope: {refusal}"));
    table.add("create_scope", Ok(receipt));
    let verify = chain.prove(&registry, &member, &scope);
    table.rows.push(groth16(chain, &verify));
    for (row, skipped) in [("verify_skips_0", 0), ("verify_skips_8", 8)] {
        table.add(row, verify_with_skipped_bumps(chain, &scope, &verify, skipped));
    }
    table.add("verify", chain.verify(&verify, &[]));
    table.rows.push(verify_live_gated(chain, &registry, &member));
    table.add("close_scope", chain.close_scope(&scope));
    table.add("reclaim_nullifier", chain.reclaim_nullifier(&verify));
}

/// Verifies a nullifier in whose address the program skips this number of bumps.
fn verify_with_skipped_bumps(
    chain: &TestChain,
    scope: &TestScope,
    verify: &Verify,
    skipped: u8,
) -> Result<Receipt, Refusal> {
    let nullifier = (1..100_000)
        .map(|number| Nullifier::new(FieldElement::from_u64(number)))
        .find(|nullifier| addresses::nullifier(&scope.address, *nullifier).bump == u8::MAX - skipped)
        .expect("one of the nullifiers skips this number of bumps");
    let mut verify = Verify {
        nullifier,
        ..verify.clone()
    };
    verify.proof = chain.forge(scope, &verify);
    chain.clone().verify(&verify, &[])
}

fn verify_live_gated(chain: &mut TestChain, registry: &TestRegistry, member: &crate::Member) -> Row {
    let gate = keypair("gate");
    let spec = ScopeSpec {
        gate: Some(gate.pubkey()),
        ..ScopeSpec::live()
    };
    let scope = chain.create_scope(registry, &spec);
    let verify = chain.prove(registry, member, &scope);
    let mut table = Table::default();
    table.add("verify_live_gated", chain.verify(&verify, &[&gate]));
    table.rows[0]
}

fn groth16(chain: &TestChain, verify: &Verify) -> Row {
    let units_until_refusal = |verify: &Verify| {
        let mut chain = chain.clone();
        chain
            .verify(verify, &[])
            .expect_err("the verification has a wrong value")
            .compute_units
    };
    let mut wrong_payload = verify.clone();
    wrong_payload.payload.push(0);
    let unexpected_auxiliary = Verify {
        auxiliary_root: Some(verify.root),
        ..wrong_payload.clone()
    };
    Row {
        instruction: "groth16",
        compute_units: units_until_refusal(&wrong_payload) - units_until_refusal(&unexpected_auxiliary),
        transaction_bytes: 0,
    }
}
