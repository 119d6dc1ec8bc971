//! Tests the inputs of the WebAssembly prover as bytes.

mod common;

use bauta_circuits::{statement::evaluate, web_inputs};
use bauta_primitives::{FieldElement, tree::Depth};
use common::{Member, rng};

#[test]
fn written_inputs_read_as_the_same_statement() {
    for (seed, depth) in [Depth::Ten, Depth::Sixteen].into_iter().enumerate() {
        let inputs = Member::random(depth, &mut rng(seed as u64)).inputs();
        let bytes = web_inputs::write(&inputs);
        let (statement, read) = web_inputs::read(&bytes).unwrap();
        assert_eq!(
            evaluate(&statement, &read).unwrap(),
            evaluate(&statement, &inputs).unwrap()
        );
        assert_eq!(*web_inputs::write(&read), *bytes);
    }
}

#[test]
fn inputs_with_a_wrong_length_or_an_element_that_is_not_canonical_are_refused() {
    let bytes = web_inputs::write(&Member::random(Depth::Ten, &mut rng(3)).inputs());
    for length in 0..bytes.len() {
        assert!(web_inputs::read(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(web_inputs::read(&[&bytes[..], &[0]].concat()).is_err());
    // The position is at byte 224.
    let elements = (0..7).map(|i| 32 * i).chain((0..30).map(|i| 232 + 32 * i));
    for start in elements {
        let mut changed = bytes.to_vec();
        changed[start..start + 32].copy_from_slice(&FieldElement::MODULUS);
        assert!(web_inputs::read(&changed).is_err(), "byte {start}");
    }
    let mut outside = bytes.to_vec();
    outside[224..232].copy_from_slice(&Depth::Ten.capacity().to_le_bytes());
    assert!(web_inputs::read(&outside).is_err());
}
