use bauta_primitives::tree::{MembershipPath, Siblings};

use super::{constrain_boolean, poseidon};
use crate::{constraint_system::ConstraintSystem, field::to_ark};

/// One level of a path in a 4-ary tree: the position of the child among the four children, and its
/// siblings.
///
/// The position is `2 · high + low`. Both bits are constrained. The fields name the siblings by
/// their part in the two swaps, not by their positions:
///
/// ```text
///   child ----+- swap if low --+-- left pair  --+
///   neighbour-+                |                +- swap if high --> children --Poseidon4--> parent
///   others[0], others[1] ------+-- right pair --+
/// ```
pub struct Level<E> {
    low: E,
    high: E,
    neighbour: E,
    others: [E; 2],
}

impl<E: Clone> Level<E> {
    /// Creates five inputs: the two bits of `position` (0 to 3) and the three siblings. `siblings`
    /// are in the order of their positions.
    pub fn input<C: ConstraintSystem<Expression = E>>(
        cs: &mut C,
        position: usize,
        siblings: &Siblings,
    ) -> Self {
        let (low, high) = (position & 1, position >> 1 & 1);
        let [a, b, c] = siblings.map(to_ark);
        // The child and its neighbour are one half of the node. The others are the other half.
        let (neighbour, others) = if high == 0 { (a, [b, c]) } else { (c, [a, b]) };
        Self {
            low: cs.input((low as u64).into()),
            high: cs.input((high as u64).into()),
            neighbour: cs.input(neighbour),
            others: others.map(|sibling| cs.input(sibling)),
        }
    }

    /// Computes the parent of `child`. It takes 302 constraints: 2 for the bits, 3 for the swaps
    /// and 297 for `Poseidon4`.
    pub fn parent<C: ConstraintSystem<Expression = E>>(&self, cs: &mut C, child: &E) -> E {
        constrain_boolean(cs, &self.low);
        constrain_boolean(cs, &self.high);
        let (left, right) = swap(cs, &self.low, child, &self.neighbour);
        let (first, third) = swap(cs, &self.high, &left, &self.others[0]);
        let (second, fourth) = swap(cs, &self.high, &right, &self.others[1]);
        poseidon(cs, &[first, second, third, fourth])
    }
}

/// The levels of a path from a leaf upwards.
pub struct Path<E> {
    levels: Vec<Level<E>>,
}

impl<E: Clone> Path<E> {
    /// Creates five inputs for each level.
    pub fn input<C: ConstraintSystem<Expression = E>>(cs: &mut C, path: &MembershipPath) -> Self {
        let index = path.index();
        let levels = path.siblings().iter().enumerate();
        Self {
            levels: levels
                .map(|(level, siblings)| Level::input(cs, index.digit(level), siblings))
                .collect(),
        }
    }

    /// Computes the root that the path leads to. It takes 302 constraints for each level.
    pub fn root<C: ConstraintSystem<Expression = E>>(&self, cs: &mut C, leaf: E) -> E {
        self.levels
            .iter()
            .fold(leaf, |child, level| level.parent(cs, &child))
    }
}

/// Returns `(a, b)` if the bit is 0 and `(b, a)` if it is 1. It takes one constraint.
fn swap<C: ConstraintSystem>(
    cs: &mut C,
    bit: &C::Expression,
    a: &C::Expression,
    b: &C::Expression,
) -> (C::Expression, C::Expression) {
    let difference = cs.subtract(b, a);
    let moved = cs.multiply(&difference, bit);
    (cs.add(a, &moved), cs.subtract(b, &moved))
}
