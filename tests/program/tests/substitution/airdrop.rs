//! A case of every instruction of the airdrop program, and more of them for random changes.

use bauta_airdrop::reward::{Curve, Reward, Shape};
use bauta_program_test::{
    CampaignSpec, Elf, MintExtension, MintSpec, TOKEN_2022, TestCampaign, TestChain, keypair,
};
use solana_signer::Signer;

use super::Case;

fn chain() -> TestChain {
    let mut chain = TestChain::new();
    chain.deploy_airdrop(Elf::FromEnvironment);
    chain
}

/// Returns a campaign of another authority, with another scope, mint and vault.
fn other(chain: &mut TestChain) -> TestCampaign {
    chain.create_campaign(CampaignSpec::default())
}

/// Returns all cases.
pub fn all() -> Vec<Case> {
    vec![
        create(CampaignSpec::default()),
        claim(CampaignSpec::default(), 0),
        sweep(CampaignSpec::default()),
    ]
}

/// Returns cases of other rewards and of another token program, whose accounts the program reads in
/// other ways.
pub fn more() -> Vec<Case> {
    let curve = |shape| {
        Reward::Curve(Curve {
            shape,
            floor: 200_000,
            cap: 600_000,
            min: 10,
            max: 110,
        })
    };
    let with_curve = |shape| CampaignSpec {
        reward: curve(shape),
        ..CampaignSpec::default()
    };
    let extensions = vec![
        MintExtension::GroupMemberPointer(keypair("group").pubkey()),
        MintExtension::InterestBearing,
    ];
    let token_2022 = || CampaignSpec {
        mint: MintSpec {
            extensions: extensions.clone(),
            ..CampaignSpec::mint_of(TOKEN_2022)
        },
        ..CampaignSpec::default()
    };
    vec![
        create(with_curve(Shape::SquareRoot)),
        create(token_2022()),
        claim(with_curve(Shape::Linear), 300_000),
        claim(with_curve(Shape::Quadratic), 300_000),
        claim(token_2022(), 1),
        sweep(token_2022()),
    ]
}

fn create(spec: CampaignSpec) -> Case {
    let mut chain = chain();
    let other = other(&mut chain);
    let payer = chain.funded_keypair("payer");
    let (campaign, mut create) = chain.prepare_campaign(spec);
    create.payer = payer.pubkey();
    Case {
        name: "create_campaign",
        instruction: create.instruction(),
        signers: vec![payer, campaign.authority.insecure_clone()],
        foreign: foreign(&other),
        chain,
    }
}

fn claim(spec: CampaignSpec, tier: u32) -> Case {
    let mut chain = chain();
    let other = other(&mut chain);
    let payer = chain.funded_keypair("payer");
    let relayer = keypair("relayer");
    let campaign = chain.create_campaign(spec);
    let plan = chain.plan_claim(&campaign, tier);
    let recipient = keypair("recipient").pubkey();
    for campaign in [&campaign, &other] {
        chain.create_associated(campaign, &recipient);
    }
    let mut verify = chain.planned_verification(&campaign, &plan, recipient);
    (verify.payer, verify.relayer) = (payer.pubkey(), Some(relayer.pubkey()));
    verify.nullifier = bauta_primitives::Nullifier::new(bauta_primitives::FieldElement::from_u64(5));
    verify.proof = chain.forge(&campaign.scope, &verify);
    let claim = chain.claim_with(&campaign, &plan, &verify);
    let mut foreign = foreign(&other);
    foreign.push(("recipient_account", other.account_of(&recipient)));
    foreign.push(("recipient_account", campaign.token.account));
    Case {
        name: "claim",
        instruction: claim.instruction(),
        signers: vec![payer, relayer],
        foreign,
        chain,
    }
}

fn sweep(spec: CampaignSpec) -> Case {
    let mut chain = chain();
    let other = other(&mut chain);
    let campaign = chain.create_campaign(spec);
    chain.advance_clock(2 * 86_400);
    Case {
        name: "sweep",
        instruction: campaign.sweep().instruction(),
        signers: vec![
            campaign.authority.insecure_clone(),
            other.authority.insecure_clone(),
        ],
        foreign: [foreign(&other), vec![("destination", other.token.account)]].concat(),
        chain,
    }
}

/// Returns accounts of another campaign.
fn foreign(other: &TestCampaign) -> Vec<(&'static str, solana_address::Address)> {
    vec![
        ("authority", other.authority.pubkey()),
        ("campaign", other.address),
        ("scope", other.scope.address),
        ("circuit", other.scope.circuit),
        ("mint", other.token.mint),
        ("vault", other.vault()),
        ("token_program", TOKEN_2022),
    ]
}
