//! Tests the list of revocations.

use std::collections::BTreeSet;

use bauta_client::{RevocationList, RevocationListError};
use bauta_primitives::statements::{Gap, Handle};
use bauta_primitives::{FieldElement, Leaf};

fn handle(number: u128) -> Handle {
    Handle::new(number).unwrap()
}

fn gap(key: u128, next: u128) -> Gap {
    Gap::new(key, next).unwrap()
}

#[test]
fn each_handle_is_revoked_or_in_one_element_whose_path_leads_to_the_root() {
    let mut list = RevocationList::default();
    let mut leaves = vec![Gap::ALL.leaf()];
    let mut revoked = BTreeSet::new();
    // 7 has no factor in common with 61, so these are the numbers 1 to 60 in another order.
    for step in 1..=60 {
        let number = step * 7 % 61;
        let revocation = list.revoke(&handle(number)).unwrap();
        revoked.insert(number);
        assert_eq!(
            leaves[usize::try_from(revocation.index).unwrap()],
            revocation.old.leaf()
        );
        leaves[usize::try_from(revocation.index).unwrap()] = revocation.new.leaf();
        leaves.push(revocation.appended.leaf());
        assert_eq!(list, RevocationList::from_leaves(&leaves).unwrap());
        assert!(list.revoked().eq(revoked.iter().copied()));
        assert_eq!(
            list.revoke(&handle(number)),
            Err(RevocationListError::Revoked),
            "twice"
        );
    }
    for number in (50..70).chain([(1 << 120) - 2]) {
        match list.find(&handle(number)) {
            Ok((gap, path)) => {
                assert!(!revoked.contains(&number) && gap.contains(&handle(number)));
                assert_eq!(path.root(gap.leaf()), list.root());
            }
            Err(error) => {
                assert!(revoked.contains(&number), "{number}");
                assert_eq!(error, RevocationListError::Revoked);
            }
        }
    }
}

#[test]
fn leaves_that_are_not_one_complete_list_are_refused() {
    let end = Gap::ALL.next();
    let refusal = |gaps: &[Gap]| {
        let leaves: Vec<Leaf> = gaps.iter().map(Gap::leaf).collect();
        RevocationList::from_leaves(&leaves).unwrap_err()
    };
    let cases = [
        (vec![], RevocationListError::Incomplete),
        (vec![gap(0, 5)], RevocationListError::Incomplete),
        (vec![gap(5, end)], RevocationListError::Incomplete),
        // A handle between 5 and 7 would be in no element.
        (
            vec![gap(0, 5), gap(7, end)],
            RevocationListError::OutOfOrder { index: 1 },
        ),
        // The handle 5 would be revoked and in an element.
        (
            vec![gap(5, end), gap(0, 6)],
            RevocationListError::OutOfOrder { index: 0 },
        ),
        (
            vec![gap(0, 5), gap(5, end), gap(0, end)],
            RevocationListError::OutOfOrder { index: 2 },
        ),
    ];
    for (gaps, expected) in cases {
        assert_eq!(refusal(&gaps), expected, "{gaps:?}");
    }
    for leaf in [Leaf::EMPTY, Leaf::new(FieldElement::from_u64(9))] {
        let leaves = [Gap::ALL.leaf(), leaf];
        assert_eq!(
            RevocationList::from_leaves(&leaves),
            Err(RevocationListError::NotAnElement { index: 1 })
        );
    }
}
