//! Compares random sequences of instructions with a model of the rules.
//!
//! ```text
//!   steps --> TestChain (the ELF)  --> Ok | custom error
//!        \--> Model (plain Rust)   --> Ok | custom error       must be equal for each step
//! ```
//!
//! After each step, these invariants are checked:
//!
//! 1. A registered token has exactly one leaf. All other leaves are empty.
//! 2. The program, the reference tree and the tree from the events have the same root.
//! 3. A scope never accepts a nullifier twice.
//! 4. Every root is accepted exactly as long as the kept-root rule says, after any number of
//!    changes.
//! 5. The sum of lamports changes only by fees.

mod rules;

use proptest::prelude::*;
use rules::{Model, TOKENS, WALLETS};

/// A step of a sequence. A step with an index past the existing items has no effect.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Wait(i64),
    /// Advances the clock to one second before a boundary, to the boundary, or to one second after
    /// it.
    WaitUntil(Boundary, i64),
    Register(usize),
    Transfer {
        token: usize,
        wallet: usize,
    },
    Burn(usize),
    Evict {
        token: usize,
        with_evidence: bool,
    },
    CreateScope {
        live: bool,
        closes_in: i64,
    },
    CloseScope(usize),
    /// A verification with the secret of the last registration, at a root of age `age`. The current
    /// root has age 0.
    Verify {
        token: usize,
        scope: usize,
        age: usize,
    },
    Replay(usize),
    Reclaim(usize),
}

/// A time at which the result of a rule changes.
#[derive(Debug, Clone)]
pub(crate) enum Boundary {
    /// The next replaced root is kept.
    Keeping,
    /// The oldest kept root expires.
    Expiry,
    /// The leaf of a token may change again.
    Change(usize),
    /// A scope ends.
    End(usize),
}

fn boundary() -> impl Strategy<Value = Boundary> {
    prop_oneof![
        2 => Just(Boundary::Keeping),
        2 => Just(Boundary::Expiry),
        1 => (0..TOKENS).prop_map(Boundary::Change),
        1 => (0usize..8).prop_map(Boundary::End),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let token = 0..TOKENS;
    prop_oneof![
        3 => prop_oneof![1i64..30, 30i64..120, 120i64..2000].prop_map(Step::Wait),
        4 => (boundary(), -1i64..2).prop_map(|(boundary, offset)| Step::WaitUntil(boundary, offset)),
        6 => token.clone().prop_map(Step::Register),
        3 => (token.clone(), 0..WALLETS).prop_map(|(token, wallet)| Step::Transfer { token, wallet }),
        1 => token.clone().prop_map(Step::Burn),
        3 => (token.clone(), any::<bool>()).prop_map(|(token, with_evidence)| Step::Evict { token, with_evidence }),
        2 => (any::<bool>(), 1i64..3000).prop_map(|(live, closes_in)| Step::CreateScope { live, closes_in }),
        1 => (0usize..8).prop_map(Step::CloseScope),
        8 => (token, 0usize..8, prop_oneof![3 => Just(0usize), 1 => 1usize..6])
            .prop_map(|(token, scope, age)| Step::Verify { token, scope, age }),
        2 => (0usize..16).prop_map(Step::Replay),
        2 => (0usize..16).prop_map(Step::Reclaim),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_program_follows_the_model(
        ttl in prop_oneof![Just(60i64), Just(61), 60i64..2000, Just(86_400)],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut model = Model::new(ttl);
        for step in &steps {
            model.apply(step);
        }
    }
}
