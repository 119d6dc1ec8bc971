//! Tests key files, proofs and verifying keys as bytes, and what is refused.

mod common;

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use bauta_circuits::{
    CircuitsError, Key, Ownership, Proof, VerifyingKey,
    keys::DEVELOPMENT_WARNING,
    load_or_setup_development,
    statement::{evaluate, r1cs},
};
use bauta_iden3::ZKey;
use bauta_primitives::tree::Depth;
use common::{Member, rng};
use sha2::{Digest, Sha256};

const TEN: Ownership = Ownership::new(Depth::Ten);

fn key() -> Key<Ownership> {
    load_or_setup_development(&TEN).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    Key::from_bytes(TEN, bytes).err().expect("refused").to_string()
}

#[test]
fn reading_and_writing_a_key_file_gives_the_same_key_and_the_file_contains_the_warning() {
    let key = key();
    let bytes = key.to_bytes().unwrap();
    let again = Key::from_bytes(TEN, &bytes).unwrap();
    assert_eq!(again.header(), key.header());
    assert_eq!(again.zkey(), key.zkey());
    assert_eq!(again.to_bytes().unwrap(), bytes);
    assert_eq!(again.warning(), Some(DEVELOPMENT_WARNING));
    // The warning is readable near the beginning of the file.
    let head = String::from_utf8_lossy(&bytes[..300]).into_owned();
    assert!(head.contains("ANYBODY CAN FORGE"), "{head}");
    assert!(key.header().provenance.to_string().contains("development"));
}

#[test]
fn the_development_setup_gives_the_same_key_on_every_machine() {
    let key = Key::development(TEN).unwrap();
    assert_eq!(
        hex::encode(key.verifying_key().hash()),
        "d0e13ea79d3b98c7b7e366575a86ac16554f96f38924c5ec3488dad213e16f14"
    );
}

#[test]
fn damaged_key_files_are_refused_with_the_reason() {
    let bytes = key().to_bytes().unwrap();
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        refusal(&bytes)
    };
    assert_eq!(refusal(&[]), "the key file ends within its magic");
    assert!(refusal(b"zkey....").contains("does not begin with BAUTAKEY"));
    assert!(changed(9).contains("format version is not 1"));
    assert!(changed(20).contains("unchanged warning"));
    assert!(changed(bytes.len() - 1).contains("damaged"));
    assert!(refusal(&bytes[..bytes.len() - 1]).contains("truncated"));
    assert!(refusal(&[&bytes[..], &[0]].concat()).contains("longer"));
    let body = bytes.windows(4).position(|window| window == b"zkey").unwrap();
    for length in 0..body {
        refusal(&bytes[..length]);
    }
    // The header's hash of the verifying key ends 40 bytes before the body.
    assert!(changed(body - 41).contains("verifying key hash"));
}

#[test]
fn a_key_file_of_another_circuit_is_refused() {
    let bytes = key().to_bytes().unwrap();
    let error = Key::from_bytes(Ownership::new(Depth::Sixteen), &bytes)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the key file is for another circuit: its depth is 10, but this statement's is 16"
    );
}

/// Returns a key file that contains `zkey` and says that it comes from a ceremony. The header is
/// consistent with the body.
fn as_ceremony(zkey: &ZKey) -> Vec<u8> {
    let file = key().to_bytes().unwrap();
    let warning = 11 + 2 + DEVELOPMENT_WARNING.len();
    let body_at = file.windows(4).position(|window| window == b"zkey").unwrap();
    let mut transcript = Sha256::new_with_prefix(zkey.cs_hash);
    for contribution in &zkey.contributions {
        transcript.update(contribution.hash());
    }
    let body = zkey.to_bytes().unwrap();
    [
        &file[..10],
        &[1],
        &transcript.finalize(),
        &file[warning..body_at - 40],
        &(body.len() as u64).to_be_bytes(),
        &Sha256::digest(&body),
        &body,
    ]
    .concat()
}

#[test]
fn a_development_key_whose_header_says_ceremony_is_refused() {
    let mut zkey = key().zkey().clone();
    assert!(refusal(&as_ceremony(&zkey)).contains("development setup"));
    // Nothing proves the name of a contribution.
    zkey.contributions[0].name = Some("alice".to_owned());
    assert!(refusal(&as_ceremony(&zkey)).contains("development setup"));
}

#[test]
fn a_key_file_with_a_broken_transcript_is_refused() {
    let mut zkey = key().zkey().clone();
    zkey.contributions[0].name = Some("alice".to_owned());
    zkey.contributions[0].transcript[0] ^= 1;
    assert!(refusal(&as_ceremony(&zkey)).contains("transcript"));
    zkey.contributions.clear();
    let error = refusal(&as_ceremony(&zkey));
    assert!(error.contains("last contribution"), "{error}");
}

#[test]
fn a_key_of_another_setup_whose_header_says_development_is_refused() {
    let zkey = ZKey::development(&r1cs(&TEN), &mut rng(14)).unwrap();
    let of_ceremony = as_ceremony(&zkey);
    assert!(refusal(&of_ceremony).contains("development setup"));
    let development = key().to_bytes().unwrap();
    let warning = 11 + 2 + DEVELOPMENT_WARNING.len();
    let file = [&development[..warning], &of_ceremony[11 + 32..]].concat();
    let error = refusal(&file);
    assert!(error.contains("not made from the published seed"), "{error}");
}

#[test]
fn a_key_with_gamma_equal_to_delta_is_refused() {
    let key = key();
    for gamma in [key.zkey().delta_g2, -key.zkey().delta_g2] {
        let mut zkey = key.zkey().clone();
        zkey.gamma_g2 = gamma;
        assert!(zkey.check_sound().unwrap_err().to_string().contains("γ = ±δ"));
    }
}

/// Computes the program's check from the formula of the specification, without code of this crate.
#[test]
fn the_bytes_satisfy_the_pairing_equation_of_the_specification() {
    let key = key();
    let rng = &mut rng(11);
    let inputs = Member::random(Depth::Ten, rng).inputs();
    let digest = evaluate(&TEN, &inputs).unwrap().digest;
    let proof = key.prove(&inputs, rng).unwrap().to_bytes();
    let vk = key.verifying_key().to_bytes();
    let digest = Fr::from_be_bytes_mod_order(&digest.to_bytes());
    let inputs = (g1(&vk[448..512]) + g1(&vk[512..576]) * digest).into_affine();
    let product = Bn254::multi_pairing(
        [g1(&proof[..64]), g1(&vk[..64]), inputs, g1(&proof[192..])],
        [
            g2(&proof[64..192]),
            g2(&vk[64..192]),
            g2(&vk[192..320]),
            g2(&vk[320..448]),
        ],
    );
    assert_eq!(product.0, <Bn254 as Pairing>::TargetField::ONE);
    assert_eq!(VerifyingKey::LENGTH, 576);
}

#[test]
fn a_verifying_key_is_read_from_its_bytes_and_all_verifiers_give_the_same_results() {
    let key = key();
    let rng = &mut rng(13);
    let inputs = Member::random(Depth::Ten, rng).inputs();
    let digest = evaluate(&TEN, &inputs).unwrap().digest;
    let proof = key.prove(&inputs, rng).unwrap();
    let another = key.rerandomize(&proof, rng).unwrap();
    assert_ne!(proof, another);
    let bytes = key.verifying_key().to_bytes();
    let read = VerifyingKey::from_bytes(&bytes).unwrap();
    assert_eq!(read, *key.verifying_key());
    let prepared = read.prepare();
    let other = evaluate(&TEN, &Member::random(Depth::Ten, rng).inputs())
        .unwrap()
        .digest;
    for proof in [&proof, &another] {
        prepared.verify(digest, proof).unwrap();
        assert!(prepared.verify(other, proof).is_err());
        assert!(read.is_valid_by_engine(digest, proof));
        assert!(!read.is_valid_by_engine(other, proof));
    }
    // Every point is checked: change a byte of each.
    for (at, name) in [
        (63, "alpha"),
        (191, "beta"),
        (319, "gamma"),
        (447, "delta"),
        (511, "IC0"),
        (575, "IC1"),
    ] {
        let mut changed = bytes;
        changed[at] ^= 1;
        let error = VerifyingKey::from_bytes(&changed).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let mut changed = bytes;
    changed[64..192].copy_from_slice(&g2_outside_the_subgroup());
    assert!(
        VerifyingKey::from_bytes(&changed)
            .unwrap_err()
            .to_string()
            .contains("subgroup")
    );
}

fn fq(bytes: &[u8]) -> Fq {
    Fq::from_be_bytes_mod_order(bytes)
}

fn g1(bytes: &[u8]) -> G1Affine {
    G1Affine::new(fq(&bytes[..32]), fq(&bytes[32..]))
}

fn g2(bytes: &[u8]) -> G2Affine {
    let [x1, x0, y1, y0] = std::array::from_fn(|i| fq(&bytes[32 * i..32 * (i + 1)]));
    G2Affine::new(Fq2::new(x0, x1), Fq2::new(y0, y1))
}

#[test]
fn proofs_with_invalid_points_are_refused() {
    let key = key();
    let rng = &mut rng(12);
    let inputs = Member::random(Depth::Ten, rng).inputs();
    let valid = key.prove(&inputs, rng).unwrap().to_bytes();
    let refused = |change: &dyn Fn(&mut [u8; 256]), name: &str, problem: &str| {
        let mut bytes = valid;
        change(&mut bytes);
        let error = Proof::from_bytes(&bytes).unwrap_err();
        assert!(matches!(error, CircuitsError::Point { .. }));
        let text = error.to_string();
        assert!(text.contains(name) && text.contains(problem), "{text}");
    };
    refused(&|bytes| bytes[..64].fill(0), "point A", "infinity");
    refused(&|bytes| bytes[64..192].fill(0), "point B", "infinity");
    refused(&|bytes| bytes[192..].fill(0), "point C", "infinity");
    refused(&|bytes| bytes[63] ^= 1, "point A", "is not on the curve");
    refused(&|bytes| bytes[191] ^= 1, "point B", "is not on the curve");
    let outside = g2_outside_the_subgroup();
    refused(
        &|bytes| bytes[64..192].copy_from_slice(&outside),
        "point B",
        "subgroup",
    );
    // Encode the same x as x + q.
    let with_q = |bytes: &mut [u8; 256]| {
        let mut x = fq(&bytes[192..224]).into_bigint();
        x.add_with_carry(&Fq::MODULUS);
        bytes[192..224].copy_from_slice(&x.to_bytes_be());
    };
    refused(&with_q, "point C", "below the base field's modulus q");
}

fn g2_outside_the_subgroup() -> [u8; 128] {
    // Almost every point of the twist is outside the subgroup.
    let point = (1u64..100)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(x), Fq::ZERO), false))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let (x, y) = point.xy().unwrap();
    let bytes: Vec<u8> = [x.c1, x.c0, y.c1, y.c0]
        .iter()
        .flat_map(|value| value.into_bigint().to_bytes_be())
        .collect();
    bytes.try_into().unwrap()
}
