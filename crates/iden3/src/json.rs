//! The JSON files of snarkjs: `verification_key.json`, `proof.json`, `public.json`.
//!
//! Numbers are decimal strings. A point in G1 is `[x, y, "1"]`. A point in G2 is
//! `[[x.c0, x.c1], [y.c0, y.c1], ["1", "0"]]`. Here c0 comes first, while the precompiles of
//! Ethereum and Solana expect c1 first.

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, pairing::Pairing};
use ark_ff::PrimeField;
use ark_groth16::{Proof, VerifyingKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    encoding::{Infinity, in_subgroup, on_curve},
    error::{Error, Location, Modulus},
};

type G1Json = [String; 3];
type Fq2Json = [String; 2];
type G2Json = [Fq2Json; 3];
type Fq12Json = [[Fq2Json; 3]; 2];

#[derive(Serialize, Deserialize)]
struct VerifyingKeyJson {
    protocol: String,
    curve: String,
    #[serde(rename = "nPublic")]
    n_public: usize,
    vk_alpha_1: G1Json,
    vk_beta_2: G2Json,
    vk_gamma_2: G2Json,
    vk_delta_2: G2Json,
    /// The pairing of α and β, for verifiers that store it. It is not read, because it follows from
    /// the two points.
    vk_alphabeta_12: Option<Fq12Json>,
    #[serde(rename = "IC")]
    ic: Vec<G1Json>,
}

#[derive(Serialize, Deserialize)]
struct ProofJson {
    pi_a: G1Json,
    pi_b: G2Json,
    pi_c: G1Json,
    protocol: String,
    curve: String,
}

const PROTOCOL: &str = "groth16";
const CURVE: &str = "bn128";

const KEY_FILE: &str = "verification_key.json";
const PROOF_FILE: &str = "proof.json";
const PUBLIC_FILE: &str = "public.json";

/// Returns the `verification_key.json` of a key.
#[must_use]
pub fn verifying_key_to_json(key: &VerifyingKey<Bn254>) -> String {
    let gt = Bn254::pairing(key.alpha_g1, key.beta_g2).0;
    write(&VerifyingKeyJson {
        protocol: PROTOCOL.into(),
        curve: CURVE.into(),
        n_public: key.gamma_abc_g1.len().saturating_sub(1),
        vk_alpha_1: g1_json(&key.alpha_g1),
        vk_beta_2: g2_json(&key.beta_g2),
        vk_gamma_2: g2_json(&key.gamma_g2),
        vk_delta_2: g2_json(&key.delta_g2),
        vk_alphabeta_12: Some([gt.c0, gt.c1].map(|half| [half.c0, half.c1, half.c2].map(|c| fq2_json(&c)))),
        ic: key.gamma_abc_g1.iter().map(g1_json).collect(),
    })
}

/// Reads a `verification_key.json`.
pub fn verifying_key_from_json(text: &str) -> Result<VerifyingKey<Bn254>, Error> {
    let at = |item| location(KEY_FILE, item, None);
    let json: VerifyingKeyJson = parse(KEY_FILE, text)?;
    expect_system(KEY_FILE, &json.protocol, &json.curve)?;
    if json.ic.len() != json.n_public.saturating_add(1) {
        let problem = format!(
            "there are {} points; by nPublic there must be {}",
            json.ic.len(),
            json.n_public as u128 + 1
        );
        return Err(Error::Json {
            location: at("IC"),
            problem,
        });
    }
    Ok(VerifyingKey {
        alpha_g1: g1(at("vk_alpha_1"), &json.vk_alpha_1)?,
        beta_g2: g2(at("vk_beta_2"), &json.vk_beta_2)?,
        gamma_g2: g2(at("vk_gamma_2"), &json.vk_gamma_2)?,
        delta_g2: g2(at("vk_delta_2"), &json.vk_delta_2)?,
        gamma_abc_g1: json
            .ic
            .iter()
            .enumerate()
            .map(|(index, point)| g1(location(KEY_FILE, "IC", Some(index)), point))
            .collect::<Result<_, _>>()?,
    })
}

/// Returns the `proof.json` of a proof. A is not negated.
#[must_use]
pub fn proof_to_json(proof: &Proof<Bn254>) -> String {
    write(&ProofJson {
        pi_a: g1_json(&proof.a),
        pi_b: g2_json(&proof.b),
        pi_c: g1_json(&proof.c),
        protocol: PROTOCOL.into(),
        curve: CURVE.into(),
    })
}

/// Reads a `proof.json`. Returns an error for points that are infinity, not on the curve or not in
/// the subgroup.
pub fn proof_from_json(text: &str) -> Result<Proof<Bn254>, Error> {
    let json: ProofJson = parse(PROOF_FILE, text)?;
    expect_system(PROOF_FILE, &json.protocol, &json.curve)?;
    Ok(Proof {
        a: g1(location(PROOF_FILE, "pi_a", None), &json.pi_a)?,
        b: g2(location(PROOF_FILE, "pi_b", None), &json.pi_b)?,
        c: g1(location(PROOF_FILE, "pi_c", None), &json.pi_c)?,
    })
}

/// Returns the `public.json` of public inputs.
#[must_use]
pub fn public_to_json(inputs: &[Fr]) -> String {
    write(&inputs.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Reads a `public.json`. Returns an error for an input that is equal to or above r, because it
/// would be a second form of another input.
pub fn public_from_json(text: &str) -> Result<Vec<Fr>, Error> {
    let json: Vec<String> = parse(PUBLIC_FILE, text)?;
    json.iter()
        .enumerate()
        .map(|(index, input)| {
            element(
                location(PUBLIC_FILE, "public input", Some(index)),
                Modulus::R,
                input,
            )
        })
        .collect()
}

fn location(file: &'static str, item: &'static str, index: Option<usize>) -> Location {
    Location {
        file,
        section: None,
        item,
        index,
    }
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings, lists and a number are always valid JSON")
}

fn parse<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Json {
        location: location(file, "JSON", None),
        problem: error.to_string(),
    })
}

fn expect_system(file: &'static str, protocol: &str, curve: &str) -> Result<(), Error> {
    for (item, found, expected) in [("protocol", protocol, PROTOCOL), ("curve", curve, CURVE)] {
        if found != expected {
            let problem = format!("it is {found:?}; it must be {expected:?}");
            return Err(Error::Json {
                location: location(file, item, None),
                problem,
            });
        }
    }
    Ok(())
}

fn g1_json(point: &G1Affine) -> G1Json {
    match point.xy() {
        Some((x, y)) => [x.to_string(), y.to_string(), "1".into()],
        None => ["0", "1", "0"].map(Into::into),
    }
}

fn fq2_json(element: &Fq2) -> Fq2Json {
    [element.c0.to_string(), element.c1.to_string()]
}

fn g2_json(point: &G2Affine) -> G2Json {
    match point.xy() {
        Some((x, y)) => [fq2_json(&x), fq2_json(&y), ["1", "0"].map(Into::into)],
        None => [["0", "0"], ["1", "0"], ["0", "0"]].map(|pair| pair.map(Into::into)),
    }
}

/// Parses a canonical decimal number below the field's modulus.
fn element<F: PrimeField<BigInt = ark_ff::BigInt<4>>>(
    location: Location,
    modulus: Modulus,
    text: &str,
) -> Result<F, Error> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        let problem = "the value is not a decimal number without sign and leading zeros".into();
        return Err(Error::Json { location, problem });
    }
    let integer = (text.len() <= 78)
        .then(|| text.parse::<ark_ff::BigInt<4>>().ok())
        .flatten();
    integer
        .and_then(F::from_bigint)
        .ok_or(Error::NotCanonical { location, modulus })
}

/// Checks that the third coordinate is one. Zero stands for infinity. Other values, for points in
/// projective form, are refused.
fn expect_affine(location: Location, z: &[&str], one: &[&str], zero: &[&str]) -> Result<(), Error> {
    if z == one {
        return Ok(());
    }
    if z == zero {
        return Err(Error::Infinity { location });
    }
    Err(Error::Json {
        location,
        problem: "the third coordinate must be one".into(),
    })
}

fn g1(location: Location, [x, y, z]: &G1Json) -> Result<G1Affine, Error> {
    expect_affine(location, &[z], &["1"], &["0"])?;
    let (x, y) = (
        element::<Fq>(location, Modulus::Q, x)?,
        element(location, Modulus::Q, y)?,
    );
    on_curve(location, x, y, Infinity::Refused)
}

fn g2(location: Location, [x, y, [z0, z1]]: &G2Json) -> Result<G2Affine, Error> {
    expect_affine(location, &[z0, z1], &["1", "0"], &["0", "0"])?;
    let fq2 = |[c0, c1]: &Fq2Json| -> Result<Fq2, Error> {
        Ok(Fq2::new(
            element(location, Modulus::Q, c0)?,
            element(location, Modulus::Q, c1)?,
        ))
    };
    let point = on_curve(location, fq2(x)?, fq2(y)?, Infinity::Refused)?;
    in_subgroup(location, point)
}
