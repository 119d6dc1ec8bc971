//! Verifications.

use std::fmt;

use bauta_primitives::{Digest, PublicInputs};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::ProofDocument;
#[cfg(feature = "openapi")]
use super::PublicInputsDocument;
use crate::at_most;

/// Number of elements of `expected_output`: root, nullifier, scope, claim and context.
pub const OUTPUT_ELEMENTS: usize = 5;

/// A proof to verify. `circuitId` or `model_hash` names the circuit. One or more of `public`,
/// `expected_output`, `input_hash` and the document of the proof give the public inputs. If several
/// are given, they must agree.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// The proof.
    pub proof: GivenProof,
    /// An id that `/circuits` lists, or `ownership-v1`.
    #[serde(rename = "circuitId")]
    pub circuit_id: Option<String>,
    /// The hash of the verifying key.
    pub model_hash: Option<String>,
    /// The digest.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub input_hash: Option<Digest>,
    /// Root, nullifier, scope, claim and context.
    pub expected_output: Option<ExpectedOutput>,
    /// The public inputs.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<PublicInputsDocument>))]
    pub public: Option<PublicInputs>,
}

/// A proof, with or without its public inputs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum GivenProof {
    /// `0x` and 256 bytes in the encoding that the program accepts.
    Bytes(String),
    /// `proof` in the response of `/prove`. It has the public inputs and the hash of the verifying
    /// key.
    Document(Box<ProofDocument>),
}

/// The public inputs in the form of earlier systems.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ExpectedOutput {
    /// `0x` and 160 bytes: `output` in the response of `/prove`.
    Bytes(String),
    /// Five strings of `0x` and 32 bytes.
    Elements(Vec<String>),
}

/// The result of a verification.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifyAnswer {
    /// Whether the proof is valid.
    pub valid: bool,
    /// Why the proof is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Duration of the verification in milliseconds.
    pub verification_time_ms: f64,
}

/// Decides by the kind of the JSON value, so that an error names the field of the document. Serde's
/// own implementation for such a type would only say that no variant matches.
impl<'de> Deserialize<'de> for GivenProof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = GivenProof;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a string (0x and hexadecimal digits) or the object `proof` of a response of /prove",
                )
            }

            fn visit_str<E>(self, text: &str) -> Result<GivenProof, E> {
                Ok(GivenProof::Bytes(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<GivenProof, A::Error> {
                let document = ProofDocument::deserialize(MapAccessDeserializer::new(fields))?;
                Ok(GivenProof::Document(Box::new(document)))
            }
        }

        deserializer.deserialize_any(Visit)
    }
}

/// Decides by the kind of the JSON value, as for [`GivenProof`].
impl<'de> Deserialize<'de> for ExpectedOutput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = ExpectedOutput;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string (0x and hexadecimal digits) or a list of five such strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<ExpectedOutput, E> {
                Ok(ExpectedOutput::Bytes(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<ExpectedOutput, A::Error> {
                let elements = at_most::<_, _, OUTPUT_ELEMENTS>(SeqAccessDeserializer::new(elements))?;
                Ok(ExpectedOutput::Elements(elements))
            }
        }

        deserializer.deserialize_any(Visit)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json, to_value};

    use super::*;

    #[test]
    fn both_forms_of_a_proof_and_of_an_output_are_read_and_written() {
        let metadata = json!({
            "circuit_id": "", "model_hash": "", "input_hash": "", "output_hash": "", "output": "",
            "proof_size": 256, "generation_time": 1.5, "prover_version": "",
        });
        let document = json!({"proof": "0x", "proof_hash": "", "metadata": metadata, "timestamp": 1});
        for proof in [json!("0x00"), document] {
            let read: GivenProof = from_value(proof.clone()).unwrap();
            assert_eq!(to_value(read).unwrap(), proof);
        }
        for output in [json!("0x00"), json!(["0x00", "0x01"])] {
            let read: ExpectedOutput = from_value(output.clone()).unwrap();
            assert_eq!(to_value(read).unwrap(), output);
        }
        let long = Value::from(vec!["0x00"; OUTPUT_ELEMENTS + 1]);
        assert!(from_value::<ExpectedOutput>(long).is_err());
        assert!(from_value::<GivenProof>(json!(1)).is_err());
    }
}
