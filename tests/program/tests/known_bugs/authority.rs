//! Initialisation, administration and events.

use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_client::addresses;
use bauta_client::instructions::{AcceptAdmin, Initialize, SetAdmin};
use bauta_primitives::{FieldElement, Leaf};
use bauta_program_test::{Elf, RegistrySpec, ScopeSpec, TestChain, assert_refused, keypair};
use solana_signer::Signer;

#[test]
fn initialisation_can_not_be_taken_over_by_the_first_caller() {
    let mut chain = TestChain::deployed(Elf::FromEnvironment);
    let attacker = chain.funded_keypair("attacker");
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
    let payer = chain.payer.pubkey();
    assert_refused(
        chain.send(&[initialize(&attacker, payer)], &[&attacker]),
        BautaError::NotUpgradeAuthority,
    );
    // The ProgramData account of another program.
    let mut forged = initialize(&attacker, payer);
    let program_data = addresses::program_data().address;
    let mut copy = chain.account(&program_data).unwrap();
    copy.data.truncate(45);
    copy.data[13..45].copy_from_slice(attacker.pubkey().as_ref());
    copy.owner = keypair("another program").pubkey();
    let elsewhere = keypair("forged program data").pubkey();
    chain.set_account(&elsewhere, copy);
    for meta in &mut forged.accounts {
        if meta.pubkey == program_data {
            meta.pubkey = elsewhere;
        }
    }
    let refusal = chain.send(&[forged], &[&attacker]).unwrap_err();
    assert!(
        [
            u32::from(ErrorCode::ConstraintSeeds),
            u32::from(ErrorCode::AccountOwnedByWrongProgram)
        ]
        .contains(&refusal.code().unwrap())
    );
    chain.initialize(true).unwrap();
    // The program can't be initialised twice.
    assert!(chain.initialize(true).is_err());
}

#[test]
fn the_authority_of_a_holders_registry_can_not_forge_a_member() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let leaf = Leaf::new(FieldElement::from_u64(1));
    assert_refused(
        chain.append_leaves(&mut registry, &[leaf]),
        BautaError::WrongRegistryKind,
    );
    assert_refused(
        chain.replace_leaf(&mut registry, member.index, leaf),
        BautaError::WrongRegistryKind,
    );
    assert_refused(
        chain.publish_root(&registry, registry.root()),
        BautaError::WrongRegistryKind,
    );
}

#[test]
fn an_admin_is_replaced_in_two_steps() {
    let mut chain = TestChain::new();
    let admin = chain.admin.insecure_clone();
    let next = chain.funded_keypair("next admin");
    let attacker = chain.funded_keypair("attacker");
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
        chain.send(&[set(&attacker, &attacker)], &[&attacker]),
        BautaError::NotAdmin,
    );
    assert_refused(
        chain.send(&[accept(&next)], &[&next]),
        BautaError::NotPendingAdmin,
    );
    chain.send(&[set(&admin, &next)], &[&admin]).unwrap();
    assert_refused(
        chain.send(&[accept(&attacker)], &[&attacker]),
        BautaError::NotPendingAdmin,
    );
    // The pending admin is not the admin yet.
    assert_refused(chain.send(&[set(&next, &next)], &[&next]), BautaError::NotAdmin);
    chain.send(&[accept(&next)], &[&next]).unwrap();
    assert_refused(
        chain.send(&[set(&admin, &admin)], &[&admin]),
        BautaError::NotAdmin,
    );
    chain.admin = next;
    chain.pause(true).unwrap();
}

/// An attacker can fill the log so that it is cut before the program's lines. Events are not logs.
#[test]
fn events_survive_logs_that_are_cut() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::default());
    let verify = chain.prove(&registry, &member, &scope);
    // Each memo logs its invocation and its data. Five fill a log of 300 bytes, like 150 a log of
    // 10,000.
    let memo = solana_instruction::Instruction {
        program_id: solana_address::Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        accounts: vec![],
        data: vec![b'x'; 10],
    };
    let mut instructions = vec![memo; 5];
    chain.set_log_limit(Some(300));
    instructions.push(verify.instruction());
    let receipt = chain.send(&instructions, &[]).unwrap();
    assert!(receipt.logs.iter().any(|line| line.contains("Log truncated")));
    assert!(
        !receipt
            .logs
            .iter()
            .any(|line| line.contains(&bauta::ID.to_string()))
    );
    assert_eq!(receipt.events.len(), 1);
}

#[test]
fn an_event_call_from_outside_the_program_is_refused() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    chain.add_holder(&mut registry, 5);
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
    assert!(chain.send(&[call.clone()], &[]).is_err());
    // The signer is not the event authority.
    let attacker = chain.funded_keypair("attacker");
    call.accounts[0] = solana_instruction::AccountMeta::new_readonly(attacker.pubkey(), true);
    assert!(chain.send(&[call], &[&attacker]).is_err());
}
