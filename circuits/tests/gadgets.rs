//! Tests each gadget by itself: its result and its number of constraints.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField, UniformRand};
use bauta_circuits::{
    constraint_system::{Assignment, ConstraintSystem, Matrices},
    gadgets::{Components, Level, Path, PrefixMask, Range, chain, poseidon, tagged_poseidon},
};
use bauta_iden3::R1cs;
use bauta_primitives::{
    FieldElement, Leaf, statements,
    tree::{Depth, MembershipPath, parent},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn element(rng: &mut impl RngCore) -> FieldElement {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    FieldElement::from_hash(bytes)
}

/// Returns the number of constraints of Poseidon of N inputs, its result by the gadget and its
/// result by ordinary code.
fn poseidon_of<const N: usize>(inputs: [Fr; N]) -> (usize, Fr, Fr) {
    let mut matrices = Matrices::default();
    let wires = inputs.map(|value| matrices.input(value));
    let out = poseidon(&mut matrices, &wires);
    matrices.expose(&out);

    let mut assignment = Assignment::with_capacity(0, 0);
    let values = inputs.map(|value| assignment.input(value));
    let by_gadget = poseidon(&mut assignment, &values);
    // One constraint exposes the result.
    (
        matrices.into_r1cs().constraints.len() - 1,
        by_gadget,
        bauta_poseidon::hash_array(&inputs),
    )
}

#[test]
fn poseidon_computes_the_hash_with_three_constraints_for_each_s_box() {
    let rng = &mut rng(31);
    let results = [
        poseidon_of::<1>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<2>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<3>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<4>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<5>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<6>(std::array::from_fn(|_| Fr::rand(rng))),
    ];
    for (_, by_gadget, by_hash_function) in results {
        assert_eq!(by_gadget, by_hash_function);
    }
    assert_eq!(
        results.map(|(constraints, ..)| constraints),
        [213, 240, 261, 297, 321, 354]
    );
}

#[test]
fn a_level_computes_the_parent_for_each_of_the_four_positions() {
    let rng = &mut rng(32);
    let child = element(rng);
    let siblings = std::array::from_fn(|_| element(rng));
    for position in 0..4 {
        let mut assignment = Assignment::with_capacity(0, 0);
        let wire = assignment.input(ark(child));
        let level = Level::input(&mut assignment, position, &siblings);
        let result = level.parent(&mut assignment, &wire);
        assert_eq!(
            result,
            ark(parent(child, position, &siblings)),
            "position {position}"
        );
    }

    let mut matrices = Matrices::default();
    let wire = matrices.input(Fr::from(0u64));
    let level = Level::input(&mut matrices, 0, &siblings);
    let result = level.parent(&mut matrices, &wire);
    matrices.expose(&result);
    assert_eq!(matrices.into_r1cs().constraints.len() - 1, 302);
}

/// A gadget whose result becomes the public input.
trait Gadget {
    fn build<C: ConstraintSystem>(&self, cs: &mut C) -> C::Expression;

    /// Returns the constraints without the one that exposes the result, and the wires.
    fn run(&self) -> (R1cs, Vec<Fr>) {
        let mut matrices = Matrices::default();
        let out = self.build(&mut matrices);
        matrices.expose(&out);
        let mut r1cs = matrices.into_r1cs();
        let mut assignment = Assignment::with_capacity(0, 0);
        let out = self.build(&mut assignment);
        assignment.expose(&out);
        r1cs.constraints.pop();
        (r1cs, assignment.wires().to_vec())
    }
}

fn ark(element: FieldElement) -> Fr {
    Fr::from_be_bytes_mod_order(element.as_bytes())
}

/// A number in a range.
struct InRange {
    number: Fr,
    bits_of: u128,
    bits: usize,
}

impl Gadget for InRange {
    fn build<C: ConstraintSystem>(&self, cs: &mut C) -> C::Expression {
        let number = cs.input(self.number);
        Range::input(cs, self.bits_of, self.bits).constrain(cs, &number);
        number
    }
}

#[test]
fn a_range_accepts_exactly_the_numbers_below_its_power_of_two() {
    for bits in [1, 2, 3, 20, 32, 40, 120, 128] {
        let power = (0..bits).fold(Fr::ONE, |power, _| power.double());
        let last = u128::MAX >> (128 - bits);
        for value in [0, 1, last / 2, last] {
            let (r1cs, wires) = InRange {
                number: Fr::from(value),
                bits_of: value,
                bits,
            }
            .run();
            assert_eq!(r1cs.constraints.len(), bits);
            r1cs.is_satisfied(&wires).unwrap();
        }
        for number in [power, power + Fr::ONE, -Fr::ONE, power.inverse().unwrap()] {
            for bits_of in [0, 1, last] {
                let (r1cs, wires) = InRange {
                    number,
                    bits_of,
                    bits,
                }
                .run();
                assert!(r1cs.is_satisfied(&wires).is_err(), "{bits} bits");
            }
        }
    }
}

#[test]
fn the_bits_of_a_range_have_only_one_choice() {
    for number in 0..16u64 {
        for bits_of in 0..16u64 {
            let (r1cs, wires) = InRange {
                number: Fr::from(number),
                bits_of: bits_of.into(),
                bits: 4,
            }
            .run();
            // The highest bit is no input.
            assert_eq!(r1cs.is_satisfied(&wires).is_ok(), number % 8 == bits_of % 8);
        }
    }
}

/// Two numbers in order.
struct InOrder(u64, u64);

impl Gadget for InOrder {
    fn build<C: ConstraintSystem>(&self, cs: &mut C) -> C::Expression {
        let lower = cs.input(self.0.into());
        let upper = cs.input(self.1.into());
        let difference = u128::from(self.1.wrapping_sub(self.0));
        Range::input(cs, difference, 8).constrain_order(cs, &lower, &upper);
        upper
    }
}

#[test]
fn an_order_accepts_exactly_what_integers_compare() {
    for lower in 0..40u64 {
        for upper in 0..40u64 {
            let (r1cs, wires) = InOrder(lower, upper).run();
            assert_eq!(
                r1cs.is_satisfied(&wires).is_ok(),
                lower <= upper,
                "{lower} {upper}"
            );
        }
    }
}

/// Hashes with a tag.
struct Tagged(Vec<FieldElement>);

impl Tagged {
    fn inputs<C: ConstraintSystem>(&self, cs: &mut C) -> Vec<C::Expression> {
        self.0.iter().map(|element| cs.input(ark(*element))).collect()
    }
}

impl Gadget for Tagged {
    fn build<C: ConstraintSystem>(&self, cs: &mut C) -> C::Expression {
        let inputs = self.inputs(cs);
        chain(cs, Fr::from(5u64), &inputs)
    }
}

#[test]
fn a_chain_is_that_of_the_primitives_for_each_number_of_elements() {
    let rng = &mut rng(33);
    for (length, constraints) in [(1, 351), (5, 351), (6, 705), (10, 705), (11, 1059)] {
        let elements: Vec<FieldElement> = (0..length).map(|_| element(rng)).collect();
        let (r1cs, wires) = Tagged(elements.clone()).run();
        r1cs.is_satisfied(&wires).unwrap();
        let expected = statements::chain(FieldElement::from_u64(5), &elements);
        assert_eq!(wires[1], ark(expected), "{length} elements");
        // Zeros at the end are constants. Their S-boxes have no unknown factor, but constraints.
        assert_eq!(r1cs.constraints.len(), constraints, "{length} elements");
    }
}

#[test]
fn a_tagged_hash_takes_three_constraints_less_for_the_tag() {
    let rng = &mut rng(34);
    let [a, b, c, d] = std::array::from_fn(|_| Fr::rand(rng));
    let mut matrices = Matrices::default();
    let inputs = [a, b, c, d].map(|value| matrices.input(value));
    let out = tagged_poseidon::<_, 5>(&mut matrices, Fr::from(9u64), &inputs);
    matrices.expose(&out);
    assert_eq!(matrices.into_r1cs().constraints.len() - 1, 318);
    let mut assignment = Assignment::with_capacity(0, 0);
    assert_eq!(
        tagged_poseidon::<_, 5>(&mut assignment, Fr::from(9u64), &[a, b, c, d]),
        bauta_poseidon::hash_array(&[Fr::from(9u64), a, b, c, d])
    );
}

/// The root of a path.
struct RootOf(MembershipPath, FieldElement);

impl Gadget for RootOf {
    fn build<C: ConstraintSystem>(&self, cs: &mut C) -> C::Expression {
        let leaf = cs.input(ark(self.1));
        Path::input(cs, &self.0).root(cs, leaf)
    }
}

#[test]
fn a_path_leads_to_the_root_of_the_primitives() {
    let rng = &mut rng(35);
    for index in [0, 1, 77, Depth::Ten.capacity() - 1] {
        let siblings = (0..10).map(|_| std::array::from_fn(|_| element(rng))).collect();
        let index = Depth::Ten.check_index(index).unwrap();
        let path = MembershipPath::new(Depth::Ten, index, siblings).unwrap();
        let leaf = element(rng);
        let expected = path.root(Leaf::new(leaf));
        let (r1cs, wires) = RootOf(path, leaf).run();
        r1cs.is_satisfied(&wires).unwrap();
        assert_eq!(wires[1], ark(expected.element()));
        assert_eq!(r1cs.constraints.len(), 10 * 302);
    }
}

/// The first values of a list.
struct Prefix {
    values: [u128; 4],
    length: usize,
}

impl Gadget for Prefix {
    /// Returns `selected[0] + 2^8 · selected[1] + .. + 2^32 · count`.
    fn build<C: ConstraintSystem>(&self, cs: &mut C) -> C::Expression {
        let components = Components::input(cs, self.values);
        let mask = PrefixMask::<_, 4>::input(cs, self.length);
        components.constrain(cs);
        let selected = mask.select(cs, components.values());
        let mut sum = cs.constant(Fr::ZERO);
        let count = components.count(cs);
        let mut weight = Fr::ONE;
        for value in selected.iter().chain([&count]) {
            sum = cs.add_scaled(&sum, weight, value);
            weight *= Fr::from(256u64);
        }
        sum
    }
}

#[test]
fn a_prefix_of_components_without_gap_is_selected_and_counted() {
    for values in [[0; 4], [7, 0, 0, 0], [7, 8, 0, 0], [7, 8, 9, 10]] {
        for length in 0..=4 {
            let (r1cs, wires) = Prefix { values, length }.run();
            r1cs.is_satisfied(&wires).unwrap();
            let count = values.iter().filter(|value| **value > 0).count() as u128;
            let selected = values[..length].iter().enumerate();
            let expected: u128 = selected.map(|(i, value)| value << (8 * i)).sum();
            assert_eq!(wires[1], Fr::from(expected + (count << 32)));
            assert_eq!(r1cs.constraints.len(), (3 * 4 - 1) + (3 * 4 - 1));
        }
    }
    for values in [[0, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 1]] {
        let (r1cs, wires) = Prefix { values, length: 1 }.run();
        assert!(r1cs.is_satisfied(&wires).is_err(), "{values:?}");
    }
}
