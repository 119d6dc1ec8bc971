//! Random sequences of instructions against a plain model of the rules.
//!
//! ```text
//!   steps --> World (the ELF)      --> Ok | custom error
//!        \--> Model (plain Rust)   --> Ok | custom error       the same for each step, and after each step:
//!
//!   1  one live leaf per token, nowhere else
//!   2  the program's root is the reference tree's and that of the events
//!   3  no nullifier twice in a scope, ever
//!   4  every root that ever was is accepted exactly as long as the rule says, however many changes came after it
//!   5  lamports are neither made nor lost, but for fees
//! ```

mod rules;

use proptest::prelude::*;
use rules::{Model, TOKENS, WALLETS};

/// One thing that happens. Indices past what exists name nothing, and then nothing happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Wait(i64),
    /// Until a second before, at, or after the moment when some rule changes its answer.
    WaitUntil(Boundary, i64),
    Register(usize),
    Transfer {
        token: usize,
        wallet: usize,
    },
    Burn(usize),
    Evict {
        token: usize,
        show_holder: bool,
    },
    CreateScope {
        live: bool,
        closes_in: i64,
    },
    CloseScope(usize),
    /// A use by the secret that registered a token last, at some root of the past (0: the current one).
    Verify {
        token: usize,
        scope: usize,
        age: usize,
    },
    Replay(usize),
    Reclaim(usize),
}

/// A moment when a rule changes its answer.
#[derive(Debug, Clone)]
pub(crate) enum Boundary {
    /// The next replaced root is kept again.
    Keeping,
    /// The oldest kept root that is alive is refused.
    Expiry,
    /// A token's leaf may change again.
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
        3 => (token.clone(), any::<bool>()).prop_map(|(token, show_holder)| Step::Evict { token, show_holder }),
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
    fn the_program_keeps_the_rules(
        ttl in prop_oneof![Just(60i64), Just(61), 60i64..2000, Just(86_400)],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut model = Model::new(ttl);
        for step in &steps {
            model.take(step);
        }
    }
}
