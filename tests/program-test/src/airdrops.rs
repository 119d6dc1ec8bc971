//! Campaigns of the airdrop program, and claims in them.

use bauta::instructions::CircuitRegistration;
use bauta::state::RegistryKind;
use bauta_airdrop::instructions::CampaignRules;
use bauta_airdrop::reward::{Reward, Tier};
use bauta_airdrop::state::Campaign;
use bauta_airdrop_client::{
    Claim, ClaimPlan, CreateAssociatedAccount, CreateCampaign, Fund, Sweep, addresses, decode_campaign,
};
use bauta_client::instructions::Verify;
use bauta_primitives::{FieldElement, Leaf, Nullifier};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{
    Elf, MintSpec, Nft, Receipt, Refusal, RegistrySpec, SPL_TOKEN, ScopeSpec, TestChain, TestRegistry,
    TestScope, TrapdoorKey, statement_name,
};

/// The properties of a campaign to create.
///
/// The default has two tiers, a mint of SPL Token and 1,000 tokens of the smallest unit in its vault.
pub struct CampaignSpec {
    /// What the campaign pays.
    pub reward: Reward,
    /// The mint. Its supply is in an account of the funder.
    pub mint: MintSpec,
    /// The amount in the vault.
    pub funding: u64,
    /// What the score is about.
    pub domain: FieldElement,
    /// The greatest age of a claim in seconds.
    pub max_age: i64,
    /// The grace period in seconds.
    pub grace: i64,
    /// Whether a development key is allowed.
    pub development_key: bool,
    /// The scope. A missing gate is the campaign, and a missing circuit is a new one of `reputation`
    /// with a trapdoor key.
    pub scope: ScopeSpec,
}

impl Default for CampaignSpec {
    fn default() -> Self {
        let tier = |threshold, amount| Tier { threshold, amount };
        Self {
            reward: Reward::Tiers(vec![tier(500_000, 40), tier(800_000, 100)]),
            mint: Self::mint_of(SPL_TOKEN),
            funding: 1_000,
            domain: FieldElement::from_u64(4),
            max_age: 7_200,
            grace: 86_400,
            development_key: true,
            scope: ScopeSpec::default(),
        }
    }
}

impl CampaignSpec {
    /// Returns a mint of a token program with a supply of 10,000 and 2 decimals.
    #[must_use]
    pub fn mint_of(program: Address) -> MintSpec {
        MintSpec {
            program,
            decimals: 2,
            supply: 10_000,
            keep_mint_authority: true,
            freezable: true,
            ..MintSpec::default()
        }
    }
}

/// A campaign with its scope and its mint.
pub struct TestCampaign {
    /// The campaign account.
    pub address: Address,
    /// The campaign's authority.
    pub authority: Keypair,
    /// The registry of scores.
    pub registry: TestRegistry,
    /// The campaign's scope.
    pub scope: TestScope,
    /// The mint, and the funder's account with the rest of the supply.
    pub token: Nft,
}

impl TestCampaign {
    /// Derives the address of the vault.
    #[must_use]
    pub fn vault(&self) -> Address {
        self.account_of(&self.address)
    }

    /// Derives the associated token account of an owner.
    #[must_use]
    pub fn account_of(&self, owner: &Address) -> Address {
        addresses::associated(owner, &self.token.program, &self.token.mint)
    }

    /// Returns the instruction that sweeps the vault into the funder's account.
    #[must_use]
    pub fn sweep(&self) -> Sweep {
        Sweep {
            authority: self.authority.pubkey(),
            campaign: self.address,
            mint: self.token.mint,
            token_program: self.token.program,
            destination: self.token.account,
        }
    }
}

impl TestChain {
    /// Deploys the airdrop program.
    pub fn deploy_airdrop(&mut self, elf: Elf) {
        self.deploy(bauta_airdrop::ID, &elf.read_airdrop());
    }

    /// Returns the registration of a circuit of `reputation` with a trapdoor key.
    #[must_use]
    pub fn reputation_registration(&self, key: &TrapdoorKey) -> CircuitRegistration {
        CircuitRegistration {
            statement: statement_name("reputation"),
            leaf_format: 2,
            ..self.registration(key.verifying_key())
        }
    }

    /// Registers a new circuit of `reputation` with a trapdoor key and returns its account.
    ///
    /// # Panics
    /// If the program refuses.
    pub fn register_reputation(&mut self) -> Address {
        self.counter += 1;
        let key = TrapdoorKey::new(1_000 + self.counter);
        let registration = self.reputation_registration(&key);
        self.register_trapdoor_as(key, registration)
            .unwrap_or_else(|refusal| panic!("register_circuit: {refusal}"))
    }

    /// Creates the registry, the scope and the mint of a campaign. Returns them with the instruction
    /// that creates the campaign.
    ///
    /// # Panics
    /// If a program refuses.
    pub fn prepare_campaign(&mut self, spec: CampaignSpec) -> (TestCampaign, CreateCampaign) {
        let mut registry = self.create_registry(RegistrySpec {
            leaf_format: 2,
            ..RegistrySpec::of_kind(RegistryKind::Managed)
        });
        self.append_leaves(&mut registry, &[Leaf::new(FieldElement::from_u64(1))])
            .unwrap_or_else(|refusal| panic!("append_leaves: {refusal}"));
        self.prepare_campaign_over(registry, spec)
    }

    /// Creates the scope and the mint of a campaign over a registry. Otherwise like
    /// [`TestChain::prepare_campaign`].
    ///
    /// # Panics
    /// If a program refuses.
    pub fn prepare_campaign_over(
        &mut self,
        registry: TestRegistry,
        spec: CampaignSpec,
    ) -> (TestCampaign, CreateCampaign) {
        let authority = self.funded_keypair("campaign authority");
        let nonce = 9;
        let address = addresses::campaign(&authority.pubkey(), nonce).address;
        let circuit = spec.scope.circuit.unwrap_or_else(|| self.register_reputation());
        let scope = self.create_scope(
            &registry,
            &ScopeSpec {
                circuit: Some(circuit),
                gate: spec.scope.gate.or(Some(address)),
                ..spec.scope
            },
        );
        let funder = self.funded_keypair("funder");
        let token = self.mint(&funder, &spec.mint);
        let campaign = TestCampaign {
            address,
            authority,
            registry,
            scope,
            token,
        };
        self.fund_campaign(&campaign, &spec.mint, spec.funding);
        let create = CreateCampaign {
            payer: self.payer.pubkey(),
            authority: campaign.authority.pubkey(),
            nonce,
            scope: campaign.scope.address,
            circuit,
            mint: campaign.token.mint,
            token_program: campaign.token.program,
            rules: CampaignRules {
                domain: spec.domain.to_bytes(),
                reward: spec.reward,
                max_age: spec.max_age,
                grace: spec.grace,
                development_key: spec.development_key,
            },
        };
        (campaign, create)
    }

    /// Creates a campaign.
    ///
    /// # Panics
    /// If a program refuses.
    pub fn create_campaign(&mut self, spec: CampaignSpec) -> TestCampaign {
        let (campaign, create) = self.prepare_campaign(spec);
        self.send_campaign(&campaign, &create)
            .unwrap_or_else(|refusal| panic!("create_campaign: {refusal}"));
        campaign
    }

    /// Sends the instruction that creates a campaign.
    pub fn send_campaign(
        &mut self,
        campaign: &TestCampaign,
        create: &CreateCampaign,
    ) -> Result<Receipt, Refusal> {
        self.send(&[create.instruction()], &[&campaign.authority])
    }

    /// Creates the vault if it does not exist, and transfers an amount to it. 0 creates no vault.
    fn fund_campaign(&mut self, campaign: &TestCampaign, mint: &MintSpec, amount: u64) {
        if amount == 0 {
            return;
        }
        self.create_associated(campaign, &campaign.address);
        let fund = Fund {
            owner: campaign.token.owner.pubkey(),
            source: campaign.token.account,
            campaign: campaign.address,
            mint: campaign.token.mint,
            token_program: campaign.token.program,
            amount,
            decimals: mint.decimals,
        };
        let transfer = fund.instruction().expect("the program is a token program");
        self.send(&[transfer], &[&campaign.token.owner])
            .unwrap_or_else(|refusal| panic!("transfer_checked: {refusal}"));
    }

    /// Creates the associated token account of an owner, with the real program.
    ///
    /// # Panics
    /// If the program refuses.
    pub fn create_associated(&mut self, campaign: &TestCampaign, owner: &Address) -> Address {
        let create = CreateAssociatedAccount {
            payer: self.payer.pubkey(),
            owner: *owner,
            mint: campaign.token.mint,
            token_program: campaign.token.program,
        };
        self.send(&[create.instruction()], &[])
            .unwrap_or_else(|refusal| panic!("create an associated token account: {refusal}"));
        campaign.account_of(owner)
    }

    /// Returns the state of a campaign.
    ///
    /// # Panics
    /// If there is no such account.
    #[must_use]
    pub fn campaign_state(&self, campaign: &Address) -> Campaign {
        let account = self.account(campaign).expect("the campaign exists");
        decode_campaign(campaign, &account.owner, &account.data).expect("the account is a campaign")
    }

    /// Plans a claim of a tier for now.
    ///
    /// # Panics
    /// If the campaign has no such tier.
    #[must_use]
    pub fn plan_claim(&self, campaign: &TestCampaign, tier: u32) -> ClaimPlan {
        let state = self.campaign_state(&campaign.address);
        let now = u64::try_from(self.now()).expect("the time is after 1970");
        ClaimPlan::new(&campaign.address, &state, tier, now).expect("the campaign has the tier")
    }

    /// Claims a tier with a forged proof: the nullifier has the given number. The recipient is new,
    /// and its token account exists.
    pub fn claim(&mut self, campaign: &TestCampaign, tier: u32, number: u64) -> Claim {
        let plan = self.plan_claim(campaign, tier);
        let recipient = self.new_keypair("recipient").pubkey();
        self.create_associated(campaign, &recipient);
        self.forge_claim(campaign, &plan, recipient, number)
    }

    /// Forges the proof of a planned claim, whether it is true or not.
    #[must_use]
    pub fn forge_claim(
        &self,
        campaign: &TestCampaign,
        plan: &ClaimPlan,
        recipient: Address,
        number: u64,
    ) -> Claim {
        let mut verify = self.planned_verification(campaign, plan, recipient);
        verify.nullifier = Nullifier::new(FieldElement::from_u64(number));
        verify.proof = self.forge(&campaign.scope, &verify);
        self.claim_with(campaign, plan, &verify)
    }

    /// Returns the verification that the program requests for a planned claim, without a proof.
    #[must_use]
    pub fn planned_verification(
        &self,
        campaign: &TestCampaign,
        plan: &ClaimPlan,
        recipient: Address,
    ) -> Verify {
        Verify {
            payer: self.payer.pubkey(),
            scope: campaign.scope.address,
            circuit: campaign.scope.circuit,
            registry: None,
            auxiliary_registry: None,
            gate: Some(campaign.address),
            recipient,
            relayer: None,
            proof: [0; 256],
            root: self.snapshot_root(&campaign.scope),
            nullifier: Nullifier::new(FieldElement::ZERO),
            claim: plan.claim(),
            auxiliary_root: None,
            expiry: self.now() + 600,
            payload: plan.payload(),
        }
    }

    /// Returns the claim that presents a verification.
    #[must_use]
    #[allow(clippy::unused_self)]
    pub fn claim_with(&self, campaign: &TestCampaign, plan: &ClaimPlan, verify: &Verify) -> Claim {
        Claim {
            payer: verify.payer,
            recipient: verify.recipient,
            relayer: verify.relayer,
            campaign: campaign.address,
            scope: verify.scope,
            circuit: verify.circuit,
            mint: campaign.token.mint,
            token_program: campaign.token.program,
            tier: plan.tier,
            as_of: plan.score_claim.as_of,
            proof: verify.proof,
            nullifier: verify.nullifier,
            expiry: verify.expiry,
        }
    }
}
