//! Tests invalid JSON files. The tests in `ceremony` show that valid files are read and written as
//! snarkjs does.

use crate::common::{chain, outside_the_subgroup, rng};
use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::PrimeField;
use ark_groth16::Proof;
use bauta_iden3::{
    Error, Modulus, ZKey,
    json::{
        proof_from_json, proof_to_json, public_from_json, public_to_json, verifying_key_from_json,
        verifying_key_to_json,
    },
};
use serde_json::{Value, json};

fn proof() -> Value {
    let proof = Proof {
        a: G1Affine::generator(),
        b: G2Affine::generator(),
        c: G1Affine::generator(),
    };
    serde_json::from_str(&proof_to_json(&proof)).expect("JSON")
}

fn refused(path: &str, value: Value) -> Error {
    let mut json = proof();
    proof_from_json(&json.to_string()).expect("a good proof");
    *json.pointer_mut(path).expect("a field of the proof") = value;
    proof_from_json(&json.to_string()).expect_err("a bad proof")
}

#[test]
fn a_public_input_at_or_above_r_is_refused() {
    let r = Fr::MODULUS.to_string();
    for input in [
        &r,
        "21888242871839275222246405745257275088548364400416034343698204186575808495618",
        &"9".repeat(79),
    ] {
        let error = public_from_json(&json!(["1", input]).to_string()).expect_err("not below r");
        assert!(
            matches!(error, Error::NotCanonical { location, modulus: Modulus::R } if location.index == Some(1)),
            "{error}"
        );
    }
    let largest = -Fr::from(1_u64);
    assert_eq!(
        public_from_json(&public_to_json(&[largest])).expect("r - 1"),
        [largest]
    );
}

#[test]
fn numbers_in_another_form_are_refused() {
    for text in [
        "", "01", "00", "-1", "+1", "0x1", " 1", "1 ", "1_0", "1.0", "1e3", "١",
    ] {
        let error = public_from_json(&json!([text]).to_string()).expect_err(text);
        assert!(
            error.to_string().contains("not a decimal number"),
            "{text}: {error}"
        );
    }
    public_from_json("[1]").expect_err("a number that is not a string");
    public_from_json("{}").expect_err("not a list");
    public_from_json(&"[".repeat(100_000)).expect_err("deep nesting");
}

#[test]
fn a_g2_point_with_swapped_coordinates_is_refused() {
    let mut swapped = proof()["pi_b"].clone();
    for coordinate in [0, 1] {
        swapped[coordinate].as_array_mut().expect("c0 and c1").reverse();
    }
    assert!(matches!(refused("/pi_b", swapped), Error::NotOnCurve { .. }));
}

#[test]
fn points_off_the_curve_outside_the_subgroup_at_infinity_or_not_below_q_are_refused_in_json() {
    assert!(matches!(refused("/pi_a/0", json!("3")), Error::NotOnCurve { .. }));
    assert!(matches!(
        refused("/pi_c/1", json!(Fq::MODULUS.to_string())),
        Error::NotCanonical {
            modulus: Modulus::Q,
            ..
        }
    ));
    assert!(matches!(
        refused("/pi_a", json!(["0", "1", "0"])),
        Error::Infinity { .. }
    ));
    assert!(matches!(
        refused("/pi_a", json!(["0", "0", "1"])),
        Error::Infinity { .. }
    ));
    assert!(matches!(
        refused("/pi_b/2", json!(["0", "0"])),
        Error::Infinity { .. }
    ));
    assert!(matches!(refused("/pi_a/2", json!("2")), Error::Json { .. }));
    let (x, y) = outside_the_subgroup().xy().expect("not infinity");
    let pair = |element: ark_bn254::Fq2| json!([element.c0.to_string(), element.c1.to_string()]);
    assert!(matches!(
        refused("/pi_b", json!([pair(x), pair(y), ["1", "0"]])),
        Error::NotInSubgroup { .. }
    ));
}

#[test]
fn other_proof_systems_and_curves_are_refused() {
    assert!(
        refused("/protocol", json!("plonk"))
            .to_string()
            .contains("must be \"groth16\"")
    );
    assert!(
        refused("/curve", json!("bls12381"))
            .to_string()
            .contains("must be \"bn128\"")
    );
    refused("/pi_a", json!(["1", "2"]));
}

#[test]
fn a_verifying_key_with_a_wrong_number_of_inputs_is_refused() {
    let key = ZKey::development(&chain(1), &mut rng(1))
        .expect("a valid system")
        .to_ark_verifying_key();
    let good: Value = serde_json::from_str(&verifying_key_to_json(&key)).expect("JSON");
    assert_eq!(
        verifying_key_from_json(&good.to_string()).expect("just written"),
        key
    );
    for count in [json!(1), json!(3), json!(u64::MAX), json!(-1)] {
        let mut bad = good.clone();
        bad["nPublic"] = count;
        verifying_key_from_json(&bad.to_string()).expect_err("two inputs");
    }
}
