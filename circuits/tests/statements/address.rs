//! Tests of `address`.

use bauta_circuits::{Address, CircuitsError, Statement, statements::NotRevoked};
use bauta_primitives::{
    Attributes, Claim, Root,
    statements::{AddressClaim, Component, Gap, Handle, Pattern},
    tree::{Depth, MembershipPath},
};

use super::{
    assert_agree, assert_proves,
    common::{element, rng},
    presentations::{NOW, address, not_revoked, pattern, presentation},
    r1cs_of, refusal,
};

const TEN: Address = Address::new(Depth::Ten);

/// A change of a claim, and the error that it causes.
type Change = (fn(&mut AddressClaim), &'static str);

#[test]
fn addresses_satisfy_the_constraints_and_agree_with_the_plain_code() {
    for (statement, constraints) in [(TEN, 9_395), (Address::new(Depth::Sixteen), 11_207)] {
        let r1cs = r1cs_of(&statement, constraints);
        let rng = &mut rng(51);
        let prefixes = [0, 1, 3, 8].map(Pattern::Prefix);
        for shown in [Pattern::Membership, Pattern::Structure]
            .into_iter()
            .chain(prefixes)
        {
            let inputs = pattern(statement.depth(), 8, shown, rng);
            assert_agree(&statement, &r1cs, &inputs);
        }
        for number in [1, 3, 7] {
            let inputs = pattern(statement.depth(), number, Pattern::Structure, rng);
            assert_agree(&statement, &r1cs, &inputs);
        }
    }
}

#[test]
fn the_first_and_the_last_element_of_the_list_and_its_neighbours_are_accepted() {
    let r1cs = r1cs_of(&TEN, 9_395);
    let rng = &mut rng(52);
    let end = (1 << 120) - 1;
    for (key, next) in [(0, end), (0, 1_001), (999, 1_001), (999, end)] {
        let gap = Gap::new(key, next).unwrap();
        let address = address(3);
        let claim = AddressClaim::of(Pattern::Prefix(2), &address, NOW + 100);
        let not_revoked = not_revoked(gap, rng);
        let inputs = presentation(Depth::Ten, address, claim, not_revoked, rng);
        assert_agree(&TEN, &r1cs, &inputs);
    }
}

#[test]
fn a_revoked_handle_is_refused_as_revoked() {
    let rng = &mut rng(53);
    for gap in [Gap::new(1_000, 5_000), Gap::new(10, 1_000)] {
        let address = address(3);
        let claim = AddressClaim::of(Pattern::Membership, &address, NOW);
        let not_revoked = not_revoked(gap.unwrap(), rng);
        let inputs = presentation(Depth::Ten, address, claim, not_revoked, rng);
        assert!(matches!(refusal(&TEN, &inputs), CircuitsError::Revoked));
    }
    for gap in [Gap::new(1_001, 5_000), Gap::new(10, 999)] {
        let address = address(3);
        let claim = AddressClaim::of(Pattern::Membership, &address, NOW);
        let not_revoked = not_revoked(gap.unwrap(), rng);
        let inputs = presentation(Depth::Ten, address, claim, not_revoked, rng);
        assert_eq!(
            refusal(&TEN, &inputs).to_string(),
            "gap must be the element of the list of revocations that contains the handle"
        );
    }
}

#[test]
fn an_element_that_is_not_in_the_list_is_refused() {
    let rng = &mut rng(54);
    let index = Depth::Ten.check_index(0).unwrap();
    let siblings: Vec<_> = (0..10).map(|_| std::array::from_fn(|_| element(rng))).collect();
    let path = MembershipPath::new(Depth::Ten, index, siblings).unwrap();
    let root = path.root(Gap::ALL.leaf());
    assert!(NotRevoked::new(Gap::ALL, path.clone(), root).is_ok());
    let other = Gap::new(10, 5_000).unwrap();
    for refused in [
        NotRevoked::new(other, path.clone(), root),
        NotRevoked::new(Gap::ALL, path, Root::new(element(rng))),
    ] {
        assert!(matches!(refused, Err(CircuitsError::WrongAuxiliaryRoot)));
    }
    let deep = Depth::Sixteen.check_index(0).unwrap();
    let deep = MembershipPath::new(Depth::Sixteen, deep, vec![[element(rng); 3]; 16]).unwrap();
    let root = deep.root(Gap::ALL.leaf());
    assert!(NotRevoked::new(Gap::ALL, deep, root).is_err());
}

#[test]
fn claims_that_do_not_follow_from_the_address_are_refused_with_field_and_rule() {
    let rng = &mut rng(55);
    let changes: [Change; 7] = [
        (
            |claim| claim.prefix[1] = Component::parse("X9").unwrap(),
            "prefix must be the first components of the address",
        ),
        (
            |claim| claim.prefix[0] = Component::ABSENT,
            "prefix must be the first components of the address",
        ),
        (
            |claim| claim.min_components = 4,
            "min_components must not be greater than the number of components",
        ),
        (
            |claim| claim.min_components = 17,
            "min_components must not be greater than the number of components",
        ),
        (
            |claim| claim.schema = Some(1),
            "schema must be the schema of the address",
        ),
        (
            |claim| claim.as_of = NOW + 101,
            "as_of must not be later than valid_until: the address has expired",
        ),
        (
            |claim| claim.as_of = 1 << 40,
            "as_of must be Unix seconds below 2^40",
        ),
    ];
    for (change, expected) in changes {
        let address = address(3);
        let mut claim = AddressClaim::of(Pattern::Prefix(2), &address, NOW);
        change(&mut claim);
        let not_revoked = not_revoked(Gap::ALL, rng);
        let inputs = presentation(Depth::Ten, address, claim, not_revoked, rng);
        assert_eq!(refusal(&TEN, &inputs).to_string(), expected);
    }
}

#[test]
fn another_leaf_and_another_claim_are_refused() {
    let rng = &mut rng(56);
    let mut inputs = pattern(Depth::Ten, 3, Pattern::Structure, rng);
    inputs.attributes = Attributes::new(element(rng));
    inputs.root = inputs.path.root(inputs.leaf());
    assert!(matches!(refusal(&TEN, &inputs), CircuitsError::WrongAttributes));
    let mut inputs = pattern(Depth::Ten, 3, Pattern::Structure, rng);
    inputs.claim = Claim::new(inputs.private.claim.value());
    assert!(matches!(refusal(&TEN, &inputs), CircuitsError::WrongClaim { .. }));
    // The claim of the same address with the root of another list.
    inputs.claim = inputs.private.claim.claim(Root::new(element(rng)));
    assert!(matches!(refusal(&TEN, &inputs), CircuitsError::WrongClaim { .. }));
}

#[test]
fn a_revocation_divides_an_element_and_refuses_the_handle_from_the_first_change_on() {
    let handle = Handle::new(1_000).unwrap();
    let [appended, replaced] = Gap::ALL.revoke(&handle).unwrap();
    assert_eq!((replaced.key(), replaced.next()), (0, 1_000));
    assert_eq!((appended.key(), appended.next()), (1_000, (1 << 120) - 1));
    for gap in [appended, replaced] {
        assert!(!gap.contains(&handle) && gap.ends_at(&handle));
        assert!(gap.revoke(&handle).is_err());
    }
}

#[test]
fn a_proof_of_a_prefix_holds_for_its_digest_alone() {
    assert_proves(TEN, &pattern(Depth::Ten, 4, Pattern::Prefix(2), &mut rng(57)));
}
