//! Who may initialise, administer, and speak for the program.

use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_client::addresses;
use bauta_client::instructions::{AcceptAdmin, Initialize, SetAdmin};
use bauta_primitives::{FieldElement, Leaf};
use bauta_program_test::{Elf, RegistrySpec, ScopeSpec, World, assert_refused, keypair};
use solana_signer::Signer;

#[test]
fn initialisation_can_not_be_taken_over_by_the_first_caller() {
    let mut world = World::deployed(Elf::Chosen);
    let thief = world.person("thief");
    let initialize = |authority: &solana_keypair::Keypair, payer| {
        Initialize {
            payer,
            upgrade_authority: authority.pubkey(),
            cluster_tag: [1; 32],
            admin: authority.pubkey(),
            development_keys_allowed: true,
        }
        .instruction()
    };
    let payer = world.payer.pubkey();
    assert_refused(
        world.send(&[initialize(&thief, payer)], &[&thief]),
        BautaError::NotUpgradeAuthority,
    );
    // with a program data account of a program of their own
    let mut forged = initialize(&thief, payer);
    let program_data = addresses::program_data().address;
    let mut copy = world.account(&program_data).unwrap();
    copy.data.truncate(45);
    copy.data[13..45].copy_from_slice(thief.pubkey().as_ref());
    copy.owner = keypair("a program of their own").pubkey();
    let elsewhere = keypair("forged program data").pubkey();
    world.set_account(&elsewhere, copy);
    for meta in &mut forged.accounts {
        if meta.pubkey == program_data {
            meta.pubkey = elsewhere;
        }
    }
    let refused = world.send(&[forged], &[&thief]).unwrap_err();
    assert!(
        [
            u32::from(ErrorCode::ConstraintSeeds),
            u32::from(ErrorCode::AccountOwnedByWrongProgram)
        ]
        .contains(&refused.code().unwrap())
    );
    world.initialize(true).unwrap();
    // and never a second time
    assert!(world.initialize(true).is_err());
}

#[test]
fn the_authority_of_a_holders_registry_can_not_forge_a_member() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let leaf = Leaf::new(FieldElement::from_u64(1));
    assert_refused(
        world.append(&mut registry, &[leaf]),
        BautaError::WrongRegistryKind,
    );
    assert_refused(
        world.replace(&mut registry, member.index, leaf),
        BautaError::WrongRegistryKind,
    );
    assert_refused(
        world.publish_root(&registry, registry.root()),
        BautaError::WrongRegistryKind,
    );
}

#[test]
fn the_admin_changes_only_in_two_steps() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    let next = world.person("next admin");
    let thief = world.person("thief");
    let set = |admin: &solana_keypair::Keypair, new: &solana_keypair::Keypair| {
        SetAdmin {
            admin: admin.pubkey(),
            new_admin: new.pubkey(),
        }
        .instruction()
    };
    let accept = |new: &solana_keypair::Keypair| {
        AcceptAdmin {
            new_admin: new.pubkey(),
        }
        .instruction()
    };
    assert_refused(
        world.send(&[set(&thief, &thief)], &[&thief]),
        BautaError::NotAdmin,
    );
    assert_refused(
        world.send(&[accept(&next)], &[&next]),
        BautaError::NotPendingAdmin,
    );
    world.send(&[set(&admin, &next)], &[&admin]).unwrap();
    assert_refused(
        world.send(&[accept(&thief)], &[&thief]),
        BautaError::NotPendingAdmin,
    );
    // named is not yet admin
    assert_refused(world.send(&[set(&next, &next)], &[&next]), BautaError::NotAdmin);
    world.send(&[accept(&next)], &[&next]).unwrap();
    assert_refused(
        world.send(&[set(&admin, &admin)], &[&admin]),
        BautaError::NotAdmin,
    );
    world.admin = next;
    world.pause(true).unwrap();
}

/// An attacker can have the log cut before the program's lines; the events don't notice.
#[test]
fn events_survive_logs_that_are_cut() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(&registry, &ScopeSpec::default());
    let verify = world.prove(&registry, &member, &scope);
    // each memo logs its invocation and what it is given; five fill a log of 300 bytes as 150 fill one of 10,000
    let memo = solana_instruction::Instruction {
        program_id: solana_address::Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        accounts: vec![],
        data: vec![b'x'; 10],
    };
    let mut instructions = vec![memo; 5];
    world.set_log_limit(Some(300));
    instructions.push(verify.instruction());
    let sent = world.send(&instructions, &[]).unwrap();
    assert!(sent.logs.iter().any(|line| line.contains("Log truncated")));
    assert!(!sent.logs.iter().any(|line| line.contains(&bauta::ID.to_string())));
    assert_eq!(sent.events.len(), 1);
}

#[test]
fn an_event_call_from_outside_the_program_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    world.holder(&mut registry, 5);
    let event = bauta::events::RegistrySealed {
        registry: registry.address,
        timestamp: 0,
    };
    let mut call = solana_instruction::Instruction {
        program_id: bauta::ID,
        accounts: vec![solana_instruction::AccountMeta::new_readonly(
            addresses::event_authority().address,
            false,
        )],
        data: [
            anchor_lang::event::EVENT_IX_TAG_LE,
            &anchor_lang::Event::data(&event),
        ]
        .concat(),
    };
    assert!(world.send(&[call.clone()], &[]).is_err());
    // signed by somebody who isn't the event authority
    let thief = world.person("thief");
    call.accounts[0] = solana_instruction::AccountMeta::new_readonly(thief.pubkey(), true);
    assert!(world.send(&[call], &[&thief]).is_err());
}
