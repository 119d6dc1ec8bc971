//! Who can claim what, and how often.

use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_airdrop::AirdropError;
use bauta_airdrop::reward::{Curve, Reward, Shape};
use bauta_airdrop_client::{Claim, Fund};
use bauta_primitives::{FieldElement, Nullifier};
use bauta_program_test::{CampaignSpec, ScopeSpec, TestCampaign, TestChain, assert_refused, keypair};
use solana_instruction::Instruction;
use solana_signer::Signer;

use super::{balance, chain, send};

/// The limit of a claim in compute units. A transaction that sets no limit has 200,000.
const MOST_UNITS: u64 = 140_000;

fn fixture() -> (TestChain, TestCampaign) {
    let mut chain = chain();
    let campaign = chain.create_campaign(CampaignSpec::default());
    (chain, campaign)
}

fn curve(shape: Shape) -> CampaignSpec {
    CampaignSpec {
        reward: Reward::Curve(Curve {
            shape,
            floor: 200_000,
            cap: 600_000,
            min: 10,
            max: 110,
        }),
        ..CampaignSpec::default()
    }
}

/// Returns an instruction with another account in the place of one.
fn replaced(claim: &Claim, from: &solana_address::Address, to: &solana_address::Address) -> Instruction {
    let mut instruction = claim.instruction();
    let mut metas = instruction.accounts.iter_mut();
    let meta = metas.find(|meta| meta.pubkey == *from);
    meta.expect("the claim has the account").pubkey = *to;
    instruction
}

fn deposit(chain: &mut TestChain, campaign: &TestCampaign, amount: u64) {
    let fund = Fund {
        owner: campaign.token.owner.pubkey(),
        source: campaign.token.account,
        campaign: campaign.address,
        mint: campaign.token.mint,
        token_program: campaign.token.program,
        amount,
        decimals: 2,
    };
    chain.create_associated(campaign, &campaign.address);
    let instruction = fund.instruction().expect("a token program");
    chain
        .send(&[instruction], &[&campaign.token.owner])
        .expect("a deposit");
}

/// Changes a claim.
type Change<'a> = &'a dyn Fn(&mut Claim);

#[test]
fn a_member_gets_the_amount_of_a_tier_once() {
    let (mut chain, campaign) = fixture();
    for (tier, amount) in [(0, 40), (1, 100)] {
        let claim = chain.claim(&campaign, tier, 10 + u64::from(tier));
        let before = balance(&chain, &campaign, &campaign.address);
        let receipt = send(&mut chain, &claim).expect("claim");
        assert!(receipt.compute_units <= MOST_UNITS, "{}", receipt.compute_units);
        assert_eq!(balance(&chain, &campaign, &claim.recipient), amount);
        assert_eq!(balance(&chain, &campaign, &campaign.address), before - amount);
        assert_eq!(receipt.events.len(), 1, "the event OwnershipVerified of bauta");
        assert_refused(send(&mut chain, &claim), BautaError::NullifierUsed);
    }
}

#[test]
fn a_nullifier_is_one_use_whatever_the_tier_the_recipient_and_the_time() {
    let (mut chain, campaign) = fixture();
    let first = chain.claim(&campaign, 0, 5);
    let other_tier = chain.claim(&campaign, 1, 5);
    send(&mut chain, &first).expect("the first tier");
    assert_refused(send(&mut chain, &other_tier), BautaError::NullifierUsed);
    chain.advance_clock(3_600);
    let later = chain.claim(&campaign, 0, 5);
    assert_refused(send(&mut chain, &later), BautaError::NullifierUsed);
    assert_eq!(balance(&chain, &campaign, &campaign.address), 960);
}

#[test]
fn a_curve_pays_for_the_exact_score() {
    for (shape, quarter) in [
        (Shape::Linear, 35),
        (Shape::SquareRoot, 60),
        (Shape::Quadratic, 16),
    ] {
        let mut chain = chain();
        let campaign = chain.create_campaign(curve(shape));
        let amounts = [
            (200_000, 10),
            (300_000, quarter),
            (600_000, 110),
            (1_000_000, 110),
        ];
        for (number, (score, amount)) in (1..).zip(amounts) {
            let claim = chain.claim(&campaign, score, number);
            let receipt = send(&mut chain, &claim).expect("claim");
            assert!(receipt.compute_units <= MOST_UNITS, "{}", receipt.compute_units);
            assert_eq!(
                balance(&chain, &campaign, &claim.recipient),
                amount,
                "{shape:?} {score}"
            );
        }
    }
}

#[test]
fn a_proof_of_a_threshold_is_no_proof_of_an_exact_score() {
    let mut chain = chain();
    let campaign = chain.create_campaign(curve(Shape::Linear));
    let mut plan = chain.plan_claim(&campaign, 300_000);
    plan.score_claim.exact = false;
    let recipient = keypair("recipient").pubkey();
    chain.create_associated(&campaign, &recipient);
    let claim = chain.forge_claim(&campaign, &plan, recipient, 1);
    assert_refused(send(&mut chain, &claim), BautaError::ProofRefused);
}

#[test]
fn a_tier_that_the_campaign_does_not_have_is_refused() {
    let (mut chain, campaign) = fixture();
    let mut claim = chain.claim(&campaign, 1, 5);
    for tier in [2, 8, 500_000, u32::MAX] {
        claim.tier = tier;
        assert_refused(send(&mut chain, &claim), AirdropError::NoSuchTier);
    }
    let campaign = chain.create_campaign(curve(Shape::Linear));
    let mut claim = chain.claim(&campaign, 200_000, 5);
    for score in [0, 199_999, 1 << 20, u32::MAX] {
        claim.tier = score;
        assert_refused(send(&mut chain, &claim), AirdropError::NoSuchTier);
    }
}

/// Each value that a claim shows is bound to the proof: another value is refused.
#[test]
fn a_claim_with_a_value_that_the_proof_does_not_have_is_refused() {
    let (mut chain, campaign) = fixture();
    let claim = chain.claim(&campaign, 0, 5);
    let of_another = chain.claim(&campaign, 0, 7).proof;
    let other = keypair("attacker").pubkey();
    chain.create_associated(&campaign, &other);
    let changes: [(&str, Change); 6] = [
        ("tier", &|claim| claim.tier = 1),
        ("as_of", &|claim| claim.as_of -= 1),
        ("recipient", &|claim| claim.recipient = other),
        ("expiry", &|claim| claim.expiry += 1),
        ("nullifier", &|claim| {
            claim.nullifier = Nullifier::new(FieldElement::from_u64(6));
        }),
        ("proof", &|claim| claim.proof = of_another),
    ];
    for (name, change) in changes {
        let mut changed = claim.clone();
        change(&mut changed);
        let refusal = send(&mut chain, &changed).expect_err(name);
        assert_eq!(
            refusal.code(),
            Some(BautaError::ProofRefused.into()),
            "{name}: {refusal}"
        );
    }
    send(&mut chain, &claim).expect("nothing was used");
}

/// The payload and the value that the program builds. Each part that is left out or changed gives a
/// proof that is refused.
#[test]
fn a_proof_for_another_payload_or_value_is_refused() {
    let (mut chain, campaign) = fixture();
    let recipient = keypair("recipient").pubkey();
    chain.create_associated(&campaign, &recipient);
    let plan = chain.plan_claim(&campaign, 0);
    let mut plans = vec![plan; 7];
    plans[0].campaign = recipient;
    plans[1].tier = 1;
    plans[2].amount += 1;
    plans[3].score_claim.as_of -= 1;
    plans[4].score_claim.exact = true;
    plans[5].score_claim.shown -= 1;
    plans[6].score_claim.domain = FieldElement::from_u64(5);
    for (number, wrong) in plans.iter().enumerate() {
        let mut verify = chain.planned_verification(&campaign, wrong, recipient);
        verify.nullifier = Nullifier::new(FieldElement::from_u64(5));
        verify.proof = chain.forge(&campaign.scope, &verify);
        // The claim itself has the right tier and time.
        let claim = chain.claim_with(&campaign, &plan, &verify);
        let refusal = send(&mut chain, &claim).expect_err("another payload");
        assert_eq!(refusal.code(), Some(BautaError::ProofRefused.into()), "{number}");
    }
    let claim = chain.forge_claim(&campaign, &plan, recipient, 5);
    send(&mut chain, &claim).expect("the right payload and value");
}

#[test]
fn a_claim_must_be_as_of_a_time_from_max_age_ago_to_now() {
    let (mut chain, campaign) = fixture();
    let now = u64::try_from(chain.now()).expect("after 1970");
    let claim_of = |chain: &mut TestChain, as_of: u64, number: u64| {
        let mut plan = chain.plan_claim(&campaign, 0);
        plan.score_claim.as_of = as_of;
        let recipient = chain.new_keypair("recipient").pubkey();
        chain.create_associated(&campaign, &recipient);
        let claim = chain.forge_claim(&campaign, &plan, recipient, number);
        send(chain, &claim)
    };
    for (number, as_of) in [(1, now), (2, now - 7_200)] {
        claim_of(&mut chain, as_of, number).expect("a limit");
    }
    for as_of in [now + 1, 1 << 40, u64::MAX] {
        assert_refused(claim_of(&mut chain, as_of, 3), AirdropError::AsOfInTheFuture);
    }
    for as_of in [now - 7_201, 0] {
        assert_refused(claim_of(&mut chain, as_of, 3), AirdropError::AsOfTooOld);
    }
}

#[test]
fn an_empty_vault_spends_no_nullifier() {
    for funding in [0, 39] {
        let mut chain = chain();
        let campaign = chain.create_campaign(CampaignSpec {
            funding,
            ..CampaignSpec::default()
        });
        let claim = chain.claim(&campaign, 0, 5);
        assert_refused(send(&mut chain, &claim), AirdropError::VaultTooLow);
        assert!(chain.account(&claim.nullifier_account()).is_none());
        deposit(&mut chain, &campaign, 40 - funding);
        send(&mut chain, &claim).expect("the same proof after a deposit");
        assert_eq!(balance(&chain, &campaign, &claim.recipient), 40);
        let next = chain.claim(&campaign, 0, 6);
        assert_refused(send(&mut chain, &next), AirdropError::VaultTooLow);
    }
}

#[test]
fn a_direct_call_of_verify_does_not_burn_a_claim() {
    let (mut chain, campaign) = fixture();
    let claim = chain.claim(&campaign, 0, 5);
    let plan = chain.plan_claim(&campaign, 0);
    let mut verify = chain.planned_verification(&campaign, &plan, claim.recipient);
    (verify.proof, verify.nullifier) = (claim.proof, claim.nullifier);
    verify.gate = None;
    assert_refused(chain.verify(&verify, &[]), BautaError::GateMustSign);
    let impostor = keypair("impostor");
    verify.gate = Some(impostor.pubkey());
    assert_refused(chain.verify(&verify, &[&impostor]), BautaError::GateMustSign);
    send(&mut chain, &claim).expect("the claim is unused");
}

#[test]
fn a_claim_with_another_scope_vault_mint_or_program_is_refused() {
    let (mut chain, campaign) = fixture();
    let other = chain.create_campaign(CampaignSpec::default());
    let claim = chain.claim(&campaign, 0, 5);
    let recipient_account = claim.recipient_account();
    for (from, to, error) in [
        (
            campaign.scope.address,
            other.scope.address,
            AirdropError::WrongScope,
        ),
        (campaign.vault(), other.vault(), AirdropError::WrongVault),
        (campaign.vault(), campaign.token.account, AirdropError::WrongVault),
        (campaign.token.mint, other.token.mint, AirdropError::WrongMint),
        (
            campaign.token.program,
            bauta_program_test::TOKEN_2022,
            AirdropError::WrongTokenProgram,
        ),
        (
            recipient_account,
            campaign.token.account,
            AirdropError::WrongRecipientAccount,
        ),
        (
            recipient_account,
            other.account_of(&claim.recipient),
            AirdropError::WrongRecipientAccount,
        ),
    ] {
        let instruction = replaced(&claim, &from, &to);
        assert_refused(chain.send(&[instruction], &[]), error);
    }
    let circuit = replaced(&claim, &campaign.scope.circuit, &other.scope.circuit);
    assert_refused(chain.send(&[circuit], &[]), BautaError::WrongCircuit);
    let program = replaced(&claim, &bauta::ID, &bauta_airdrop::ID);
    assert_refused(chain.send(&[program], &[]), ErrorCode::ConstraintAddress);
    // The other campaign has another scope, so the proof is not valid there.
    let elsewhere = Claim {
        campaign: other.address,
        scope: other.scope.address,
        circuit: other.scope.circuit,
        mint: other.token.mint,
        ..claim.clone()
    };
    chain.create_associated(&other, &claim.recipient);
    assert_refused(send(&mut chain, &elsewhere), BautaError::ProofRefused);
    send(&mut chain, &claim).expect("nothing was used");
}

/// The owner of an associated token account of SPL Token can give it to another party.
#[test]
fn a_token_account_that_the_recipient_gave_away_is_refused() {
    let (mut chain, campaign) = fixture();
    let recipient = chain.funded_keypair("recipient");
    let account = chain.create_associated(&campaign, &recipient.pubkey());
    let plan = chain.plan_claim(&campaign, 0);
    let claim = chain.forge_claim(&campaign, &plan, recipient.pubkey(), 5);
    let buyer = keypair("buyer").pubkey();
    chain.give_token_account(&campaign.token.program, &account, &recipient, &buyer);
    assert_refused(send(&mut chain, &claim), AirdropError::WrongRecipientAccount);
}

#[test]
fn a_recipient_without_a_token_account_loses_nothing() {
    let (mut chain, campaign) = fixture();
    let recipient = keypair("recipient").pubkey();
    let plan = chain.plan_claim(&campaign, 0);
    let claim = chain.forge_claim(&campaign, &plan, recipient, 5);
    assert_refused(send(&mut chain, &claim), AirdropError::WrongRecipientAccount);
    chain.create_associated(&campaign, &recipient);
    send(&mut chain, &claim).expect("the claim is unused");
}

#[test]
fn a_frozen_account_spends_no_nullifier() {
    let (mut chain, campaign) = fixture();
    let claim = chain.claim(&campaign, 0, 5);
    let frozen = bauta_program_test::Nft {
        account: claim.recipient_account(),
        ..campaign.token.clone()
    };
    chain.freeze_nft(&frozen).expect("freeze");
    send(&mut chain, &claim).expect_err("a frozen account");
    assert!(chain.account(&claim.nullifier_account()).is_none());
    chain.thaw_nft(&frozen).expect("thaw");
    send(&mut chain, &claim).expect("the claim is unused");
}

#[test]
fn a_relayer_that_the_proof_names_must_sign() {
    let (mut chain, campaign) = fixture();
    let relayer = keypair("relayer");
    let plan = chain.plan_claim(&campaign, 0);
    let recipient = keypair("recipient").pubkey();
    chain.create_associated(&campaign, &recipient);
    let mut verify = chain.planned_verification(&campaign, &plan, recipient);
    verify.relayer = Some(relayer.pubkey());
    verify.nullifier = Nullifier::new(FieldElement::from_u64(5));
    verify.proof = chain.forge(&campaign.scope, &verify);
    let claim = chain.claim_with(&campaign, &plan, &verify);
    let without = Claim {
        relayer: None,
        ..claim.clone()
    };
    assert_refused(send(&mut chain, &without), BautaError::ProofRefused);
    chain
        .send(&[claim.instruction()], &[&relayer])
        .expect("the relayer signs");
}

#[test]
fn a_scope_that_is_closed_ended_or_not_open_pays_nothing() {
    let mut chain = chain();
    let opens_at = chain.now() + 60;
    let campaign = chain.create_campaign(CampaignSpec {
        scope: ScopeSpec {
            opens_at: Some(opens_at),
            ..ScopeSpec::default()
        },
        ..CampaignSpec::default()
    });
    let claim = chain.claim(&campaign, 0, 5);
    assert_refused(send(&mut chain, &claim), BautaError::ScopeNotOpenYet);
    chain.advance_clock(60);
    let mut closed = chain.clone();
    closed.close_scope(&campaign.scope).expect("close_scope");
    assert_refused(send(&mut closed, &claim), BautaError::ScopeClosed);
    let mut ended = chain.clone();
    ended.advance_clock(86_400);
    let late = ended.claim(&campaign, 0, 5);
    assert_refused(send(&mut ended, &late), BautaError::ScopeEnded);
    let mut expired = chain.clone();
    expired.advance_clock(700);
    assert_refused(send(&mut expired, &claim), BautaError::ProofExpired);
    chain.pause(true).expect("pause");
    assert_refused(send(&mut chain, &claim), BautaError::Paused);
    chain.pause(false).expect("pause");
    send(&mut chain, &claim).expect("the scope is open");
}

/// The rent of a nullifier is returned after the end of the scope. The member can't claim again.
#[test]
fn a_reclaimed_nullifier_does_not_allow_a_second_claim() {
    let (mut chain, campaign) = fixture();
    let claim = chain.claim(&campaign, 0, 5);
    send(&mut chain, &claim).expect("claim");
    chain.advance_clock(86_400);
    let plan = chain.plan_claim(&campaign, 0);
    let mut verify = chain.planned_verification(&campaign, &plan, claim.recipient);
    verify.nullifier = claim.nullifier;
    chain.reclaim_nullifier(&verify).expect("reclaim_nullifier");
    let again = chain.claim(&campaign, 0, 5);
    assert_refused(send(&mut chain, &again), BautaError::ScopeEnded);
}

/// The recipient's token account can be created in the same transaction.
#[test]
fn a_claim_and_the_creation_of_the_token_account_fit_into_one_transaction() {
    let (mut chain, campaign) = fixture();
    let recipient = keypair("recipient").pubkey();
    let plan = chain.plan_claim(&campaign, 1);
    let claim = chain.forge_claim(&campaign, &plan, recipient, 5);
    let create = bauta_airdrop_client::CreateAssociatedAccount {
        payer: claim.payer,
        owner: recipient,
        mint: claim.mint,
        token_program: claim.token_program,
    };
    let receipt = chain
        .send(&[create.instruction(), claim.instruction()], &[])
        .expect("both");
    assert!(
        receipt.transaction_bytes <= 1_232,
        "{}",
        receipt.transaction_bytes
    );
    assert!(receipt.compute_units <= 200_000, "{}", receipt.compute_units);
    assert_eq!(balance(&chain, &campaign, &recipient), 100);
}
