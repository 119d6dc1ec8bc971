//! Claims with the real circuit of `reputation`, on both builds of the programs.

use std::sync::LazyLock;

use bauta::errors::BautaError;
use bauta::state::RegistryKind;
use bauta_airdrop_client::{Claim, ClaimPlan};
use bauta_circuits::statements::ReputationInputs;
use bauta_circuits::{AnyKey, Reputation, Statement};
use bauta_primitives::statements::{Salt, Score};
use bauta_primitives::tree::Depth;
use bauta_primitives::{EntryId, FieldElement, IdentitySecret, Leaf, ProofInputs};
use bauta_program_test::{
    CampaignSpec, ContextSpec, Elf, RegistrySpec, ScopeSpec, TestCampaign, TestChain, assert_refused,
};
use solana_signer::Signer;

use super::{balance, send};

static REPUTATION: LazyLock<AnyKey> = LazyLock::new(|| {
    AnyKey::load_or_setup_development(Reputation::NAME, Depth::Ten)
        .expect("the set-up succeeds")
        .expect("the statement is built in")
});

const DOMAIN: FieldElement = FieldElement::from_u64(4);

/// A member with a score. Two members can have one secret.
struct Person {
    secret: u64,
    entry: u64,
    index: u64,
    score: u32,
}

impl Person {
    fn identity(&self) -> IdentitySecret {
        IdentitySecret::from_bytes(&mut FieldElement::from_u64(self.secret).to_bytes())
            .expect("a canonical secret")
    }

    fn entry_id(&self) -> EntryId {
        EntryId::new(FieldElement::from_u64(self.entry))
    }

    fn contents(&self, now: u64) -> Score {
        let salt = Salt::from_bytes(&mut [3; 32]).expect("a canonical salt");
        Score::new(self.score, DOMAIN, now - 10_000, now + 10_000, salt).expect("a score")
    }

    fn leaf(&self, now: u64) -> Leaf {
        let attributes = self.contents(now).attributes();
        Leaf::of(self.identity().commitment(), self.entry_id(), attributes)
    }

    /// Proves and builds the claim with the greatest amount that the score reaches.
    fn claim(&self, chain: &mut TestChain, campaign: &TestCampaign, issued: u64) -> Option<Claim> {
        let state = chain.campaign_state(&campaign.address);
        let now = u64::try_from(chain.now()).expect("after 1970");
        let plan = ClaimPlan::best(&campaign.address, &state, self.score, now).expect("a campaign")?;
        let recipient = chain.new_keypair("recipient").pubkey();
        chain.create_associated(campaign, &recipient);
        let context = ContextSpec {
            recipient,
            payload: plan.payload(),
            ..chain.context_spec()
        };
        let score = self.contents(issued);
        let claim = plan.score_claim;
        let shown = (plan.claim(), None);
        let verify = chain.prove_statement_with_context(
            &REPUTATION,
            &campaign.scope,
            shown,
            context,
            |scope, context| {
                ProofInputs {
                    secret: self.identity(),
                    entry_id: self.entry_id(),
                    attributes: score.attributes(),
                    path: campaign.registry.tree.path(self.index).expect("a leaf"),
                    root: campaign.registry.root(),
                    scope,
                    claim: claim.claim(),
                    context,
                    private: (),
                }
                .with(claim.claim(), ReputationInputs { score, claim })
                .into()
            },
        );
        Some(chain.claim_with(campaign, &plan, &verify))
    }
}

fn run(elf: Elf) {
    let mut chain = TestChain::on(elf);
    chain.deploy_airdrop(elf);
    let now = u64::try_from(chain.now()).expect("after 1970");
    // The first two are two tokens with one secret, and so with one commitment.
    let people = [(21, 1, 750_000), (21, 2, 800_000), (22, 3, 499_999)];
    let people: Vec<Person> = (0..)
        .zip(people)
        .map(|(index, (secret, entry, score))| Person {
            secret,
            entry,
            index,
            score,
        })
        .collect();
    let leaves: Vec<Leaf> = people.iter().map(|person| person.leaf(now)).collect();
    let mut registry = chain.create_registry(RegistrySpec {
        leaf_format: 2,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    chain
        .append_leaves(&mut registry, &leaves)
        .expect("append_leaves");
    let circuit = chain.register_statement(&REPUTATION).expect("register_circuit");
    let spec = CampaignSpec {
        domain: DOMAIN,
        scope: ScopeSpec {
            circuit: Some(circuit),
            ..ScopeSpec::default()
        },
        ..CampaignSpec::default()
    };
    let (campaign, create) = chain.prepare_campaign_over(registry, spec);
    chain.send_campaign(&campaign, &create).expect("create_campaign");

    for (person, amount) in people.iter().zip([40, 100]) {
        let claim = person
            .claim(&mut chain, &campaign, now)
            .expect("the score reaches a tier");
        let receipt = send(&mut chain, &claim).expect("claim");
        assert!(receipt.compute_units <= 140_000, "{}", receipt.compute_units);
        assert_eq!(balance(&chain, &campaign, &claim.recipient), amount);
        // Another proof of the same member has the same nullifier.
        let again = person.claim(&mut chain, &campaign, now).expect("a proof");
        assert_eq!(again.nullifier, claim.nullifier);
        assert_refused(send(&mut chain, &again), BautaError::NullifierUsed);
    }
    assert!(people[2].claim(&mut chain, &campaign, now).is_none());
}

#[test]
fn members_claim_with_the_real_circuit_once_for_each_token_on_sbpf_v0() {
    run(Elf::V0);
}

#[test]
fn members_claim_with_the_real_circuit_once_for_each_token_on_sbpf_v3() {
    run(Elf::V3);
}
