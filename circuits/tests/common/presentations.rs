//! Scores and addresses with what proofs show of them.

use bauta_circuits::statements::{AddressInputs, NotRevoked, ReputationInputs};
use bauta_primitives::{
    ProofInputs,
    statements::{Address, AddressClaim, Component, Gap, Handle, Pattern, Salt, Score, ScoreClaim},
    tree::{Depth, MembershipPath},
};
use rand_chacha::ChaCha20Rng;

use super::common::{Member, element};

/// A time at which all scores and addresses are valid.
pub const NOW: u64 = 1_700_000_000;

/// Returns a score of 750,000 millionths that was issued 100 seconds ago and expires in 100.
pub fn score(rng: &mut ChaCha20Rng) -> Score {
    Score::new(750_000, element(rng), NOW - 100, NOW + 100, Salt::random(rng)).unwrap()
}

/// Returns inputs that show a score.
pub fn reputation(
    depth: Depth,
    score: Score,
    claim: ScoreClaim,
    rng: &mut ChaCha20Rng,
) -> ProofInputs<ReputationInputs> {
    let attributes = score.attributes();
    Member::random(depth, rng).inputs_with(attributes, claim.claim(), ReputationInputs { score, claim })
}

/// Returns inputs that show the threshold of 500,000.
pub fn threshold(depth: Depth, rng: &mut ChaCha20Rng) -> ProofInputs<ReputationInputs> {
    let score = score(rng);
    let claim = ScoreClaim {
        exact: false,
        shown: 500_000,
        domain: score.domain(),
        as_of: NOW,
    };
    reputation(depth, score, claim, rng)
}

/// Returns the components A1, B2, and so on.
pub fn components(number: u8) -> [Component; 8] {
    std::array::from_fn(|i| {
        let i = u8::try_from(i).unwrap();
        let text = [b'A' + i, b'1' + i];
        if i < number {
            Component::parse(std::str::from_utf8(&text).unwrap()).unwrap()
        } else {
            Component::ABSENT
        }
    })
}

/// Returns an address with the handle 1,000 that expires in 100 seconds.
pub fn address(number: u8) -> Address {
    Address::new(components(number), Handle::new(1_000).unwrap(), 392, NOW + 100).unwrap()
}

/// Returns a path from the element to a list with other random nodes.
pub fn not_revoked(gap: Gap, rng: &mut ChaCha20Rng) -> NotRevoked {
    let index = Depth::Ten.check_index(77).unwrap();
    let siblings = (0..10).map(|_| std::array::from_fn(|_| element(rng))).collect();
    let path = MembershipPath::new(Depth::Ten, index, siblings).unwrap();
    let root = path.root(gap.leaf());
    NotRevoked::new(gap, path, root).unwrap()
}

/// Returns inputs that show an address.
pub fn presentation(
    depth: Depth,
    address: Address,
    claim: AddressClaim,
    not_revoked: NotRevoked,
    rng: &mut ChaCha20Rng,
) -> ProofInputs<AddressInputs> {
    let (attributes, claimed) = (address.attributes(), claim.claim(not_revoked.root()));
    let private = AddressInputs {
        address,
        claim,
        not_revoked,
    };
    Member::random(depth, rng).inputs_with(attributes, claimed, private)
}

/// Returns inputs that show a pattern of an address, whose handle is between 10 and 5,000.
pub fn pattern(
    depth: Depth,
    number: u8,
    pattern: Pattern,
    rng: &mut ChaCha20Rng,
) -> ProofInputs<AddressInputs> {
    let address = address(number);
    let claim = AddressClaim::of(pattern, &address, NOW);
    let not_revoked = not_revoked(Gap::new(10, 5_000).unwrap(), rng);
    presentation(depth, address, claim, not_revoked, rng)
}
