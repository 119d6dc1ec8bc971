//! The file of a proof, as JSON: the public inputs, the proof, and what the context is made of. It
//! has nothing private.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context as _, Result, ensure};
use bauta_client::{ClusterTag, instructions};
use bauta_primitives::{
    Claim, FieldElement, Nullifier, PublicInputs, Root,
    statements::{AddressClaim, Component, MAX_COMPONENTS, ScoreClaim},
};
use serde::{Deserialize, Serialize};
use solana_address::Address;

use crate::address_file;

/// The name of the form.
const FORMAT: &str = "bauta proof 1";
/// The largest file that is read, in bytes. A payload has at most about 800 bytes in a transaction.
const MAX_BYTES: u64 = 64 << 10;

/// The fields of the file. Addresses are in base58, other values in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: String,
    cluster_tag: String,
    scope: String,
    circuit: String,
    registry: String,
    recipient: String,
    relayer: Option<String>,
    expiry: i64,
    payload: String,
    root: String,
    nullifier: String,
    claim: String,
    proof: String,
    /// What the proof shows of a score. The claim is its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<ScoreFields>,
    /// The root of the auxiliary registry that the claim includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auxiliary_root: Option<String>,
    /// What the proof shows of an address. The claim is its hash with the auxiliary root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<AddressFields>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScoreFields {
    exact: bool,
    shown: u32,
    domain: String,
    as_of: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressFields {
    /// The shown components, the first ones of the address.
    prefix: Vec<String>,
    min_components: u8,
    schema: Option<u32>,
    as_of: u64,
}

/// A proof with everything that its verification needs.
#[derive(Clone, Debug)]
pub struct ProofFile {
    /// The tag of the cluster that the proof is for.
    pub tag: ClusterTag,
    /// The arguments of the instruction. The payer is zero, and no registry is named.
    pub verify: instructions::Verify,
    /// The scope's registry.
    pub registry: Address,
    /// What the proof shows of a score, if the statement is reputation.
    pub score: Option<ScoreClaim>,
    /// What the proof shows of an address, if the statement is address.
    pub address: Option<AddressClaim>,
}

impl ProofFile {
    /// Returns the five values that the proof shows.
    pub fn public(&self) -> PublicInputs {
        let verify = &self.verify;
        PublicInputs {
            root: verify.root,
            nullifier: verify.nullifier,
            scope: self.tag.scope_element(&verify.scope),
            claim: bound_claim(verify),
            context: verify.context(),
        }
    }

    /// Returns the file's text.
    pub fn to_json(&self) -> Result<String> {
        let verify = &self.verify;
        let fields = Fields {
            format: FORMAT.into(),
            cluster_tag: hex::encode(self.tag.to_bytes()),
            scope: verify.scope.to_string(),
            circuit: verify.circuit.to_string(),
            registry: self.registry.to_string(),
            recipient: verify.recipient.to_string(),
            relayer: verify.relayer.as_ref().map(Address::to_string),
            expiry: verify.expiry,
            payload: hex::encode(&verify.payload),
            root: verify.root.to_string(),
            nullifier: verify.nullifier.to_string(),
            claim: verify.claim.to_string(),
            proof: hex::encode(verify.proof),
            score: self.score.map(|score| ScoreFields {
                exact: score.exact,
                shown: score.shown,
                domain: score.domain.to_string(),
                as_of: score.as_of,
            }),
            auxiliary_root: verify.auxiliary_root.map(|root| root.to_string()),
            address: self.address.as_ref().map(|address| AddressFields {
                prefix: shown_prefix(address),
                min_components: address.min_components,
                schema: address.schema,
                as_of: address.as_of,
            }),
        };
        Ok(serde_json::to_string_pretty(&fields)? + "\n")
    }

    /// Reads a file.
    pub fn read(file: &Path) -> Result<Self> {
        let context = || format!("can't read the proof {}", file.display());
        let opened = File::open(file).with_context(context)?;
        let mut text = String::new();
        opened
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .with_context(context)?;
        ensure!(
            text.len() as u64 <= MAX_BYTES,
            "{} is not a proof: it has more than {MAX_BYTES} bytes",
            file.display()
        );
        Self::parse(&text).with_context(|| format!("{} is not a proof", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let fields: Fields = serde_json::from_str(text)?;
        ensure!(
            fields.format == FORMAT,
            "its format is {:?}, and this version reads {FORMAT:?}",
            fields.format
        );
        let mut tag = [0; 32];
        hex::decode_to_slice(&fields.cluster_tag, &mut tag).context("cluster_tag")?;
        let mut proof = [0; 256];
        hex::decode_to_slice(&fields.proof, &mut proof).context("proof")?;
        let claim = Claim::from_hex(&fields.claim)?;
        let score = fields.score.map(|score| {
            anyhow::Ok(ScoreClaim {
                exact: score.exact,
                shown: score.shown,
                domain: FieldElement::from_hex("score.domain", &score.domain)?,
                as_of: score.as_of,
            })
        });
        let score = score.transpose()?;
        ensure!(
            score.is_none_or(|score| score.claim() == claim),
            "the fields of score do not give the claim"
        );
        let auxiliary_root = fields.auxiliary_root.as_deref().map(Root::from_hex).transpose()?;
        let address = fields.address.map(AddressFields::claim).transpose()?;
        ensure!(
            address.is_none_or(|address| auxiliary_root.is_some() && address.value() == claim.element()),
            "the fields of address do not give the claim, or there is no auxiliary_root"
        );
        let relayer = fields.relayer.as_deref().map(str::parse).transpose();
        Ok(Self {
            tag: ClusterTag::new(tag),
            score,
            address,
            registry: fields.registry.parse().context("registry")?,
            verify: instructions::Verify {
                payer: Address::default(),
                scope: fields.scope.parse().context("scope")?,
                circuit: fields.circuit.parse().context("circuit")?,
                registry: None,
                auxiliary_registry: None,
                gate: None,
                recipient: fields.recipient.parse().context("recipient")?,
                relayer: relayer.context("relayer")?,
                proof,
                root: Root::from_hex(&fields.root)?,
                nullifier: Nullifier::from_hex(&fields.nullifier)?,
                claim,
                auxiliary_root,
                expiry: fields.expiry,
                payload: hex::decode(&fields.payload).context("payload")?,
            },
        })
    }
}

/// Returns the claim in the digest of a proof. With an auxiliary registry, it includes the registry's
/// root.
pub fn bound_claim(verify: &instructions::Verify) -> Claim {
    verify.auxiliary_root.map_or(verify.claim, |root| {
        Claim::with_auxiliary_root(verify.claim.element(), root)
    })
}

impl AddressFields {
    fn claim(self) -> Result<AddressClaim> {
        ensure!(
            self.prefix.len() <= MAX_COMPONENTS,
            "address.prefix has more than {MAX_COMPONENTS} components"
        );
        let mut prefix = [Component::ABSENT; MAX_COMPONENTS];
        for (place, text) in prefix.iter_mut().zip(&self.prefix) {
            *place =
                Component::parse(text).map_err(|error| anyhow::anyhow!("address.prefix {}", error.rule))?;
        }
        Ok(AddressClaim {
            prefix,
            min_components: self.min_components,
            schema: self.schema,
            as_of: self.as_of,
        })
    }
}

/// Returns the texts of the shown components of an address.
pub fn shown_prefix(claim: &AddressClaim) -> Vec<String> {
    let shown = &claim.prefix[..claim.prefix_length()];
    shown.iter().map(|part| address_file::text_of(*part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ProofFile {
        ProofFile {
            tag: ClusterTag::LOCAL,
            score: None,
            address: None,
            registry: Address::new_from_array([1; 32]),
            verify: instructions::Verify {
                payer: Address::default(),
                scope: Address::new_from_array([2; 32]),
                circuit: Address::new_from_array([3; 32]),
                registry: None,
                auxiliary_registry: None,
                gate: None,
                recipient: Address::new_from_array([4; 32]),
                relayer: Some(Address::new_from_array([5; 32])),
                proof: [6; 256],
                root: Root::new(FieldElement::from_u64(7)),
                nullifier: Nullifier::new(FieldElement::from_u64(8)),
                claim: Claim::of_track(9),
                auxiliary_root: None,
                expiry: -1,
                payload: b"payload".to_vec(),
            },
        }
    }

    #[test]
    fn a_written_proof_reads_back_with_the_same_public_inputs() {
        let written = sample();
        let text = written.to_json().unwrap();
        let read = ProofFile::parse(&text).unwrap();
        assert_eq!(read.public(), written.public());
        assert_eq!(read.to_json().unwrap(), text);
    }

    #[test]
    fn the_fields_of_a_score_must_give_the_claim() {
        let mut written = sample();
        let score = ScoreClaim {
            exact: false,
            shown: 500_000,
            domain: FieldElement::from_u64(7),
            as_of: 3,
        };
        written.score = Some(score);
        assert!(ProofFile::parse(&written.to_json().unwrap()).is_err());
        written.verify.claim = score.claim();
        let read = ProofFile::parse(&written.to_json().unwrap()).unwrap();
        assert_eq!(read.score, Some(score));
    }

    #[test]
    fn the_fields_of_an_address_must_give_the_claim_and_need_the_auxiliary_root() {
        let mut written = sample();
        let mut prefix = [Component::ABSENT; MAX_COMPONENTS];
        prefix[0] = Component::parse("JP").unwrap();
        let claim = AddressClaim {
            prefix,
            min_components: 3,
            schema: Some(4),
            as_of: 5,
        };
        let root = Root::new(FieldElement::from_u64(6));
        written.address = Some(claim);
        written.verify.claim = Claim::new(claim.value());
        assert!(ProofFile::parse(&written.to_json().unwrap()).is_err());
        written.verify.auxiliary_root = Some(root);
        let read = ProofFile::parse(&written.to_json().unwrap()).unwrap();
        assert_eq!(
            (read.address, read.verify.auxiliary_root),
            (Some(claim), Some(root))
        );
        assert_eq!(read.public().claim, claim.claim(root));
        written.verify.claim = Claim::of_track(1);
        assert!(ProofFile::parse(&written.to_json().unwrap()).is_err());
    }

    #[test]
    fn each_wrong_field_is_refused_with_its_name() {
        let text = sample().to_json().unwrap();
        for name in ["scope", "proof", "nullifier", "payload", "format", "relayer"] {
            let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
            json[name] = "?".into();
            let error = ProofFile::parse(&json.to_string()).unwrap_err();
            assert!(format!("{error:#}").contains(name), "{name}: {error:#}");
        }
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["gate"] = "more".into();
        assert!(ProofFile::parse(&json.to_string()).is_err());
    }
}
