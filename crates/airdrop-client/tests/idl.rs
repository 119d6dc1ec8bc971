//! Compares the builders with the IDL: every instruction, its accounts in order, signers and writable
//! accounts.

use bauta_airdrop::instructions::CampaignRules;
use bauta_airdrop::reward::{Reward, Tier};
use bauta_airdrop_client::{Claim, CreateCampaign, Sweep, refusal};
use bauta_primitives::{FieldElement, Nullifier};
use serde_json::Value;
use solana_address::Address;
use solana_instruction::Instruction;

fn address(number: u8) -> Address {
    Address::new_from_array([number; 32])
}

fn idl() -> Value {
    let idl = include_str!("../../../programs/airdrop/artifacts/airdrop.json");
    serde_json::from_str(idl).expect("the IDL is JSON")
}

fn instructions() -> Vec<(&'static str, Instruction)> {
    let create = CreateCampaign {
        payer: address(1),
        authority: address(2),
        nonce: 3,
        scope: address(4),
        circuit: address(5),
        mint: address(6),
        token_program: address(7),
        rules: CampaignRules {
            domain: [0; 32],
            reward: Reward::Tiers(vec![Tier {
                threshold: 1,
                amount: 2,
            }]),
            max_age: 7_200,
            grace: 0,
            development_key: false,
        },
    };
    let claim = Claim {
        payer: address(1),
        recipient: address(2),
        relayer: Some(address(3)),
        campaign: address(4),
        scope: address(5),
        circuit: address(6),
        mint: address(7),
        token_program: address(8),
        tier: 0,
        as_of: 1,
        proof: [0; 256],
        nullifier: Nullifier::new(FieldElement::from_u64(9)),
        expiry: 10,
    };
    let sweep = Sweep {
        authority: address(1),
        campaign: address(2),
        mint: address(3),
        token_program: address(4),
        destination: address(5),
    };
    vec![
        ("create_campaign", create.instruction()),
        ("claim", claim.instruction()),
        ("sweep", sweep.instruction()),
    ]
}

#[test]
fn every_instruction_of_the_idl_has_a_builder_with_the_same_accounts() {
    let idl = idl();
    let listed = idl["instructions"].as_array().expect("the IDL has the list");
    let built = instructions();
    assert_eq!(listed.len(), built.len());
    for (name, instruction) in built {
        let own = listed.iter().find(|own| own["name"] == name).expect(name);
        let discriminator: Vec<u8> = own["discriminator"]
            .as_array()
            .expect("a list of bytes")
            .iter()
            .map(|byte| u8::try_from(byte.as_u64().expect("a number")).expect("a byte"))
            .collect();
        assert_eq!(instruction.data[..8], discriminator, "{name}");
        let accounts = own["accounts"].as_array().expect("a list of accounts");
        assert_eq!(accounts.len(), instruction.accounts.len(), "{name}");
        for (account, meta) in accounts.iter().zip(&instruction.accounts) {
            let flag = |flag: &str| account[flag].as_bool().unwrap_or(false);
            assert_eq!(flag("signer"), meta.is_signer, "{name}: {}", account["name"]);
            assert_eq!(flag("writable"), meta.is_writable, "{name}: {}", account["name"]);
            if let Some(fixed) = account["address"].as_str() {
                assert_eq!(fixed, meta.pubkey.to_string(), "{name}: {}", account["name"]);
            }
        }
    }
}

#[test]
fn every_error_of_the_idl_has_its_name_and_message() {
    let idl = idl();
    let errors = idl["errors"].as_array().expect("the IDL has the list");
    assert!(errors.len() > 20);
    for error in errors {
        let code = u32::try_from(error["code"].as_u64().expect("a code")).expect("a code");
        assert!(code >= 7_000);
        let found = refusal(code);
        assert_eq!(
            (&*found.name, &*found.message),
            (
                error["name"].as_str().expect("a name"),
                error["msg"].as_str().expect("a message"),
            )
        );
    }
    assert_eq!(refusal(6_004).name, "Paused");
    assert_eq!(refusal(u32::MAX).name, "Unknown");
}
