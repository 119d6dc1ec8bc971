//! Compares batches and trees with light-poseidon.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use bauta_peers::poseidon::hash_groups;
use bauta_poseidon::{Batch, PoseidonError, tree_levels};

/// Returns random elements and some elements at the ends of the range.
fn elements(count: usize) -> Vec<Fr> {
    let mut rng = ark_std::test_rng();
    (0..count)
        .map(|i| match i % 7 {
            3 => Fr::ZERO,
            4 => -Fr::ONE,
            5 => Fr::ONE,
            _ => Fr::rand(&mut rng),
        })
        .collect()
}

#[test]
fn batches_equal_light_poseidon_at_every_width() {
    for batch in Batch::all() {
        for n in 1..=6 {
            // With eight lanes: two whole vectors, one whole and one partial vector, one hash, and
            // no hash.
            for count in [16, 11, 1, 0] {
                let inputs = elements(n * count);
                let expected: Vec<Fr> = hash_groups(&inputs, n);
                let name = batch.name();
                assert_eq!(
                    batch.hash(&inputs, n).unwrap(),
                    expected,
                    "{count} hashes of {n}, {name}"
                );
            }
        }
    }
}

#[test]
fn a_tree_equals_the_full_tree_with_zeros_after_its_leaves() {
    let depth = 4;
    for count in [256, 255, 37, 4, 1, 0] {
        let leaves = elements(count);
        let mut level = leaves.clone();
        level.resize(256, Fr::ZERO);
        let mut expected = vec![level];
        while expected.last().unwrap().len() > 1 {
            expected.push(hash_groups(expected.last().unwrap(), 4));
        }
        for batch in Batch::all() {
            let levels = tree_levels(batch, &leaves, depth).unwrap();
            assert_eq!(levels.len(), 5);
            for (level, expected) in levels.iter().zip(&expected) {
                assert_eq!(level[..], expected[..level.len()], "{count} leaves");
            }
            assert_eq!(levels[4].len(), 1);
        }
    }
}

#[test]
fn wrong_numbers_of_elements_or_leaves_are_refused() {
    let batch = Batch::default();
    assert_eq!(batch.hash(&elements(4), 0), Err(PoseidonError::InputCount(0)));
    assert_eq!(batch.hash(&elements(7), 7), Err(PoseidonError::InputCount(7)));
    assert_eq!(
        batch.hash(&elements(5), 2),
        Err(PoseidonError::PartialGroup {
            elements: 5,
            group: 2
        })
    );
    assert_eq!(
        tree_levels(batch, &elements(5), 1),
        Err(PoseidonError::TooManyLeaves { leaves: 5, depth: 1 })
    );
}
