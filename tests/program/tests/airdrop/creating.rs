//! What a campaign can be, and which scopes and circuits it accepts.

use anchor_lang::error::ErrorCode;
use bauta::instructions::CircuitRegistration;
use bauta::state::{Provenance, RegistryKind, ScopeMode};
use bauta_airdrop::AirdropError;
use bauta_airdrop::reward::{Curve, Reward, Shape, Tier};
use bauta_airdrop_client::CreateCampaign;
use bauta_primitives::{Claim, FieldElement};
use bauta_program_test::{
    CampaignSpec, Refusal, RegistrySpec, SPL_TOKEN, ScopeSpec, TOKEN_2022, TestCampaign, TestChain,
    TrapdoorKey, assert_refused, keypair,
};
use solana_signer::Signer;

use super::chain;

const CURVE: Curve = Curve {
    shape: Shape::SquareRoot,
    floor: 200_000,
    cap: 600_000,
    min: 100,
    max: 1_100,
};

/// Prepares a campaign, changes the instruction, and returns its result.
fn created(spec: CampaignSpec, change: impl FnOnce(&mut CreateCampaign)) -> Result<(), Refusal> {
    let mut chain = chain();
    let (campaign, mut create) = chain.prepare_campaign(spec);
    change(&mut create);
    chain.send_campaign(&campaign, &create).map(|_| ())
}

#[track_caller]
fn assert_not_created(spec: CampaignSpec, error: AirdropError, change: impl FnOnce(&mut CreateCampaign)) {
    let result = created(spec, change);
    let refusal = result.expect_err("the campaign is refused");
    assert_eq!(refusal.code(), Some(error.into()), "{error:?}: {refusal}");
}

#[test]
fn a_campaign_has_exactly_the_rules_that_its_authority_gave() {
    for reward in [
        CampaignSpec::default().reward,
        Reward::Curve(CURVE),
        Reward::Curve(Curve {
            shape: Shape::Linear,
            ..CURVE
        }),
        Reward::Curve(Curve {
            shape: Shape::Quadratic,
            ..CURVE
        }),
    ] {
        let mut chain = chain();
        let campaign = chain.create_campaign(CampaignSpec {
            reward: reward.clone(),
            ..CampaignSpec::default()
        });
        let state = chain.campaign_state(&campaign.address);
        assert_eq!(state.reward(), Some(reward));
        assert_eq!(state.authority, campaign.authority.pubkey());
        assert_eq!(state.scope, campaign.scope.address);
        assert_eq!(state.registry, campaign.registry.address);
        assert_eq!(state.circuit, campaign.scope.circuit);
        assert_eq!(state.mint, campaign.token.mint);
        assert_eq!(state.token_program, campaign.token.program);
        assert_eq!(state.vault, campaign.vault());
        assert_eq!(state.domain, FieldElement::from_u64(4).to_bytes());
        assert_eq!(state.sweep_at, chain.now() + 86_400 + 86_400);
        assert_eq!((state.max_age, state.nonce, state.decimals), (7_200, 9, 2));
        assert_eq!(state.padding, [0; 4]);
    }
}

#[test]
fn a_campaign_is_created_once_and_only_by_its_authority() {
    let mut chain = chain();
    let (campaign, create) = chain.prepare_campaign(CampaignSpec::default());
    // Another party can't take the address of the campaign, which has the scope.
    let other = chain.funded_keypair("other authority");
    let mut foreign = create.clone();
    foreign.authority = other.pubkey();
    assert_refused(
        chain.send(&[foreign.instruction()], &[&other]),
        AirdropError::WrongGate,
    );
    let mut address = create.instruction();
    address.accounts[1].pubkey = other.pubkey();
    assert_refused(chain.send(&[address], &[&other]), ErrorCode::ConstraintSeeds);
    chain.send_campaign(&campaign, &create).expect("create_campaign");
    // The system program refuses to create an account that exists.
    let again = chain.send_campaign(&campaign, &create).expect_err("it exists");
    assert_eq!(again.code(), Some(0));
}

#[test]
fn lamports_at_the_address_of_a_campaign_do_not_block_it() {
    let mut chain = chain();
    let (campaign, create) = chain.prepare_campaign(CampaignSpec::default());
    chain.fund(&campaign.address);
    chain.send_campaign(&campaign, &create).expect("create_campaign");
}

#[test]
fn the_gate_of_the_scope_must_be_the_campaign() {
    let gate = Some(keypair("another gate").pubkey());
    let scope = ScopeSpec {
        gate,
        ..ScopeSpec::default()
    };
    let spec = CampaignSpec {
        scope,
        ..CampaignSpec::default()
    };
    assert_not_created(spec, AirdropError::WrongGate, |_| ());
}

#[test]
fn a_scope_in_which_a_member_could_claim_again_or_no_one_could_claim_is_refused() {
    let with = |scope| CampaignSpec {
        scope,
        ..CampaignSpec::default()
    };
    let live = ScopeSpec {
        mode: Some(ScopeMode::Live),
        ..ScopeSpec::default()
    };
    assert_not_created(with(live), AirdropError::NotASnapshot, |_| ());
    let required = ScopeSpec {
        required_claim: Some(Claim::new(FieldElement::from_u64(1))),
        ..ScopeSpec::default()
    };
    assert_not_created(with(required), AirdropError::UnfitScope, |_| ());
}

#[test]
fn a_scope_that_is_over_is_refused_and_one_that_is_not_open_yet_is_accepted() {
    let mut chain = chain();
    let (campaign, create) = chain.prepare_campaign(CampaignSpec::default());
    let mut closed = chain.clone();
    closed.close_scope(&campaign.scope).expect("close_scope");
    assert_refused(
        closed.send_campaign(&campaign, &create),
        AirdropError::ScopeIsOver,
    );
    chain.advance_clock(86_400 - 1);
    chain
        .clone()
        .send_campaign(&campaign, &create)
        .expect("the last second of the scope");
    chain.advance_clock(1);
    assert_refused(chain.send_campaign(&campaign, &create), AirdropError::ScopeIsOver);
    let opens_at = Some(chain.now() + 60);
    let scope = ScopeSpec {
        opens_at,
        closes_at: opens_at.map(|time| time + 60),
        ..ScopeSpec::default()
    };
    let later = CampaignSpec {
        scope,
        ..CampaignSpec::default()
    };
    chain.create_campaign(later);
}

/// Creates a campaign whose circuit has another registration.
fn with_circuit(
    change: impl FnOnce(&mut CircuitRegistration),
    development_key: bool,
) -> Result<TestChain, Refusal> {
    let mut chain = chain();
    let key = TrapdoorKey::new(77);
    let mut registration = chain.reputation_registration(&key);
    change(&mut registration);
    let registry = chain.create_registry(RegistrySpec {
        leaf_format: registration.leaf_format,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    let auxiliary_format = registration.auxiliary_format;
    let circuit = chain.register_trapdoor_as(key, registration)?;
    let auxiliary_registry = (auxiliary_format != 0).then(|| {
        let spec = RegistrySpec {
            leaf_format: auxiliary_format,
            ..RegistrySpec::of_kind(RegistryKind::Managed)
        };
        chain.create_registry(spec).address
    });
    let scope = ScopeSpec {
        circuit: Some(circuit),
        auxiliary_registry,
        ..ScopeSpec::default()
    };
    let spec = CampaignSpec {
        scope,
        development_key,
        ..CampaignSpec::default()
    };
    let (campaign, create) = chain.prepare_campaign_over(registry, spec);
    chain.send_campaign(&campaign, &create).map(|_| chain)
}

#[test]
fn only_version_1_of_reputation_is_accepted() {
    with_circuit(|_| (), true).expect("the statement");
    let other_name = |circuit: &mut CircuitRegistration| circuit.statement[10] = b'-';
    let other_version = |circuit: &mut CircuitRegistration| circuit.version = 2;
    let other_format = |circuit: &mut CircuitRegistration| circuit.leaf_format = 3;
    for result in [
        with_circuit(other_name, true),
        with_circuit(other_version, true),
        with_circuit(other_format, true),
    ] {
        let refusal = result.err().expect("another statement");
        assert_eq!(refusal.code(), Some(AirdropError::WrongStatement.into()));
    }
    let auxiliary = with_circuit(|circuit| circuit.auxiliary_format = 129, true);
    let refusal = auxiliary.err().expect("an auxiliary registry");
    assert_eq!(refusal.code(), Some(AirdropError::UnfitScope.into()));
}

#[test]
fn a_development_key_needs_permission_and_a_ceremony_key_does_not() {
    let refusal = with_circuit(|_| (), false).err().expect("a development key");
    assert_eq!(refusal.code(), Some(AirdropError::DevelopmentKey.into()));
    let ceremony = |circuit: &mut CircuitRegistration| {
        circuit.provenance = Provenance::Ceremony;
        circuit.transcript_hash = [1; 32];
    };
    with_circuit(ceremony, false).expect("a ceremony key");
}

#[test]
fn the_circuit_must_be_that_of_the_scope_and_active() {
    let mut chain = chain();
    let (campaign, create) = chain.prepare_campaign(CampaignSpec::default());
    let mut wrong = create.clone();
    wrong.circuit = chain.register_reputation();
    assert_refused(chain.send_campaign(&campaign, &wrong), AirdropError::WrongCircuit);
    let mut suspended = chain.clone();
    suspended
        .suspend_circuit(campaign.scope.circuit, true)
        .expect("suspend_circuit");
    assert_refused(
        suspended.send_campaign(&campaign, &create),
        AirdropError::InactiveCircuit,
    );
    chain.send_campaign(&campaign, &create).expect("create_campaign");
}

#[test]
fn the_numbers_of_a_campaign_have_limits() {
    let change =
        |change: &dyn Fn(&mut CreateCampaign)| created(CampaignSpec::default(), |create| change(create));
    let day = 86_400;
    let ten_years = 10 * 365 * day;
    for max_age in [7_200, 2_592_000] {
        change(&|create| create.rules.max_age = max_age).expect("a limit of max_age");
    }
    // The scope ends in a day.
    for grace in [0, ten_years - day] {
        change(&|create| create.rules.grace = grace).expect("a limit of the grace period");
    }
    for max_age in [i64::MIN, 0, 7_199, 2_592_001, i64::MAX] {
        assert_not_created(CampaignSpec::default(), AirdropError::BadMaxAge, |create| {
            create.rules.max_age = max_age;
        });
    }
    for grace in [i64::MIN, -1, ten_years - day + 1, i64::MAX] {
        assert_not_created(CampaignSpec::default(), AirdropError::BadGrace, |create| {
            create.rules.grace = grace;
        });
    }
    assert_not_created(
        CampaignSpec::default(),
        AirdropError::DomainNotCanonical,
        |create| {
            create.rules.domain = FieldElement::MODULUS;
        },
    );
}

#[test]
fn a_reward_that_breaks_its_rules_is_refused() {
    let tier = |threshold, amount| Tier { threshold, amount };
    let curve = |change: &dyn Fn(&mut Curve)| {
        let mut curve = CURVE;
        change(&mut curve);
        Reward::Curve(curve)
    };
    let nine = (0..9).map(|n| tier(n, u64::from(n) + 1)).collect();
    for (reward, error) in [
        (Reward::Tiers(vec![]), AirdropError::WrongTierCount),
        (Reward::Tiers(nine), AirdropError::WrongTierCount),
        (Reward::Tiers(vec![tier(1, 0)]), AirdropError::TiersNotRising),
        (
            Reward::Tiers(vec![tier(2, 1), tier(1, 2)]),
            AirdropError::TiersNotRising,
        ),
        (
            Reward::Tiers(vec![tier(1, 2), tier(2, 2)]),
            AirdropError::TiersNotRising,
        ),
        (
            Reward::Tiers(vec![tier(1 << 20, 1)]),
            AirdropError::TiersNotRising,
        ),
        (
            curve(&|curve| curve.cap = curve.floor),
            AirdropError::InvalidCurve,
        ),
        (curve(&|curve| curve.cap = 1 << 20), AirdropError::InvalidCurve),
        (curve(&|curve| curve.min = 0), AirdropError::InvalidCurve),
        (
            curve(&|curve| curve.min = curve.max + 1),
            AirdropError::InvalidCurve,
        ),
    ] {
        assert_not_created(CampaignSpec::default(), error, |create| {
            create.rules.reward = reward;
        });
    }
}

#[test]
fn the_token_program_must_own_the_mint() {
    for (mint, given) in [(SPL_TOKEN, TOKEN_2022), (TOKEN_2022, SPL_TOKEN)] {
        let spec = CampaignSpec {
            mint: CampaignSpec::mint_of(mint),
            ..CampaignSpec::default()
        };
        assert_not_created(spec, AirdropError::WrongTokenProgram, |create| {
            create.token_program = given;
        });
    }
}

/// The vault's address follows from the campaign, so no one can name an account of their own.
#[test]
fn the_vault_must_be_the_associated_token_account_of_the_campaign() {
    let mut chain = chain();
    let (campaign, create) = chain.prepare_campaign(CampaignSpec::default());
    let mut instruction = create.instruction();
    let at = vault_position(&campaign, &instruction);
    instruction.accounts[at].pubkey = campaign.token.account;
    assert_refused(
        chain.send(&[instruction], &[&campaign.authority]),
        AirdropError::WrongVault,
    );
}

fn vault_position(campaign: &TestCampaign, instruction: &solana_instruction::Instruction) -> usize {
    let vault = campaign.vault();
    let mut accounts = instruction.accounts.iter();
    accounts
        .position(|meta| meta.pubkey == vault)
        .expect("the instruction names the vault")
}
