//! Compares addresses, plans and amounts with the test vectors in `vectors/airdrop.json`, which a
//! second implementation wrote.

use anchor_lang::Discriminator;
use bauta_airdrop::state::Campaign;
use bauta_airdrop_client::{AirdropClientError, ClaimPlan, addresses, decode_campaign};
use bauta_client::ClientError;
use serde_json::Value;
use solana_address::Address;

struct Vector(Value);

impl Vector {
    fn text(&self, name: &str) -> &str {
        let value = &self.0[name];
        value
            .as_str()
            .unwrap_or_else(|| panic!("{name} is a text: {value}"))
    }

    fn number(&self, name: &str) -> u64 {
        let value = &self.0[name];
        value
            .as_u64()
            .or_else(|| value.as_str()?.parse().ok())
            .unwrap_or_else(|| panic!("{name} is a number: {value}"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        let digits = self.text(name);
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("two digits"))
            .collect()
    }

    fn array(&self, name: &str) -> [u8; 32] {
        self.bytes(name).try_into().expect("32 bytes")
    }

    fn address(&self, name: &str) -> Address {
        Address::new_from_array(self.array(name))
    }

    /// Returns the campaign's state.
    fn campaign(&self) -> Campaign {
        let curve = Self(self.0["curve"].clone());
        let shapes = ["linear", "square-root", "quadratic"];
        let shape = shapes.iter().position(|shape| *shape == curve.text("shape"));
        let small = |name: &str| u32::try_from(curve.number(name)).expect("a score");
        let mut campaign: Campaign = bytemuck::Zeroable::zeroed();
        campaign.authority = self.address("authority");
        campaign.nonce = self.number("nonce");
        campaign.mint = self.address("mint");
        campaign.token_program = self.address("token_program");
        campaign.vault = self.address("vault");
        campaign.domain = self.array("domain");
        campaign.reward = 1 + u8::try_from(shape.expect("a known shape")).expect("a small number");
        (campaign.curve_floor, campaign.curve_cap) = (small("floor"), small("cap"));
        (campaign.curve_min, campaign.curve_max) = (curve.number("min"), curve.number("max"));
        campaign
    }

    fn plan(&self) -> ClaimPlan {
        let score = u32::try_from(self.number("score")).expect("a score");
        ClaimPlan::at(
            &self.address("campaign"),
            &self.campaign(),
            score,
            self.number("as_of"),
        )
        .expect("the campaign has the tier")
    }
}

fn vectors() -> Vec<Vector> {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../vectors/airdrop.json")).expect("a list of vectors");
    assert_eq!(vectors.len(), 12);
    vectors.into_iter().map(Vector).collect()
}

#[test]
fn addresses_are_those_of_the_vectors() {
    for vector in vectors() {
        let derived = addresses::campaign(&vector.address("authority"), vector.number("nonce"));
        assert_eq!(derived.address, vector.address("campaign"));
        assert_eq!(u64::from(derived.bump), vector.number("bump"));
        let vault = addresses::associated(
            &derived.address,
            &vector.address("token_program"),
            &vector.address("mint"),
        );
        assert_eq!(vault, vector.address("vault"));
    }
}

#[test]
fn amounts_payloads_claims_and_contexts_are_those_of_the_vectors() {
    for vector in vectors() {
        let plan = vector.plan();
        assert_eq!(plan.amount, vector.number("amount"));
        assert_eq!(plan.payload(), vector.bytes("payload"));
        assert_eq!(plan.claim().to_bytes(), vector.array("claim"));
        let relayer = (!vector.0["relayer"].is_null()).then(|| vector.address("relayer"));
        let expiry = i64::try_from(vector.number("expiry")).expect("a time");
        let context = plan.context(&vector.address("recipient"), relayer.as_ref(), expiry);
        assert_eq!(context.to_bytes(), vector.array("context"));
    }
}

/// The program computes the claim from its account, and the client with `ScoreClaim`.
#[test]
fn the_program_and_the_client_compute_the_same_claim() {
    for vector in vectors() {
        let (campaign, plan) = (vector.campaign(), vector.plan());
        let grant = campaign.grant(plan.tier).expect("the campaign has the tier");
        let claim = campaign
            .claim(&grant, plan.score_claim.as_of)
            .expect("a canonical domain");
        assert_eq!(claim, plan.claim().to_bytes());
    }
}

#[test]
fn as_of_is_the_last_full_hour_and_the_best_tier_is_the_highest_that_is_reached() {
    let campaign_address = vectors()[0].address("campaign");
    let mut campaign: Campaign = bytemuck::Zeroable::zeroed();
    campaign.tier_count = 2;
    campaign.thresholds[..2].copy_from_slice(&[500_000, 800_000]);
    campaign.amounts[..2].copy_from_slice(&[40, 100]);
    let best = |score| {
        let plan = ClaimPlan::best(&campaign_address, &campaign, score, 7_199);
        plan.expect("a canonical domain")
            .map(|plan| (plan.tier, plan.amount, plan.score_claim.as_of))
    };
    assert_eq!(best(499_999), None);
    assert_eq!(best(500_000), Some((0, 40, 3_600)));
    assert_eq!(best(799_999), Some((0, 40, 3_600)));
    assert_eq!(best(1_000_000), Some((1, 100, 3_600)));
    assert_eq!(
        ClaimPlan::new(&campaign_address, &campaign, 2, 7_199),
        Err(AirdropClientError::NoSuchTier { tier: 2 })
    );
    let curve = vectors()[0].campaign();
    let below = ClaimPlan::best(&campaign_address, &curve, curve.curve_floor - 1, 7_199);
    assert_eq!(below, Ok(None));
    let at = ClaimPlan::best(&campaign_address, &curve, curve.curve_cap, 7_199);
    assert_eq!(
        at.map(|plan| plan.map(|plan| plan.amount)),
        Ok(Some(curve.curve_max))
    );
}

#[test]
fn a_campaign_is_decoded_only_from_its_own_account() {
    let vector = &vectors()[0];
    let (address, campaign) = (vector.address("campaign"), vector.campaign());
    let data = |campaign: &Campaign| [Campaign::DISCRIMINATOR, bytemuck::bytes_of(campaign)].concat();
    let decoded = decode_campaign(&address, &bauta_airdrop::ID, &data(&campaign)).expect("a campaign");
    assert_eq!(bytemuck::bytes_of(&decoded), bytemuck::bytes_of(&campaign));

    let owner = bauta::ID;
    assert_eq!(
        decode_campaign(&address, &owner, &data(&campaign)).err(),
        Some(AirdropClientError::ForeignAccount { owner })
    );
    let other = vectors()[1].address("campaign");
    assert_eq!(
        decode_campaign(&other, &bauta_airdrop::ID, &data(&campaign)).err(),
        Some(AirdropClientError::OtherCampaign {
            requested: other,
            received: address
        })
    );
    let mut elsewhere = campaign;
    elsewhere.vault = other;
    assert_eq!(
        decode_campaign(&address, &bauta_airdrop::ID, &data(&elsewhere)).err(),
        Some(AirdropClientError::OtherVault {
            found: other,
            expected: campaign.vault
        })
    );
    let mut short = data(&campaign);
    short.pop();
    assert!(matches!(
        decode_campaign(&address, &bauta_airdrop::ID, &short),
        Err(AirdropClientError::Client(ClientError::AccountLength { .. }))
    ));
}
