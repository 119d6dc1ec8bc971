use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use bauta_primitives::{
    Attributes, FieldElement, ProofInputs, Root,
    statements::{
        Address as Contents, AddressClaim, Component, Gap, HANDLE_BITS, Handle, InvalidValue, MAX_COMPONENTS,
        Pattern, TIME_BITS, parse_pid, tag,
    },
    tree::{Depth, MembershipPath},
};

use crate::{
    CircuitsError,
    constraint_system::ConstraintSystem,
    field::to_ark,
    gadgets::{Components, Member, Path, PrefixMask, Range, chain, constrain_boolean},
    statement::{ClaimWires, Sample, Statement},
};

/// The number of bits of a schema's number.
const SCHEMA_BITS: usize = 32;
/// The number of bits of a number of components.
const COUNT_BITS: usize = 4;

/// The leaf has an address of the member with the shown prefix, and the address was not revoked.
///
/// The leaf's attributes are the hash of an address, and the claim is that of an [`AddressClaim`]
/// with the root of the list of revocations. The authority of the registry is trusted for the
/// address, and the authority of the list for the revocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    depth: Depth,
}

/// The private inputs of [`Address`].
#[derive(Clone)]
pub struct AddressInputs {
    /// The contents of the leaf.
    pub address: Contents,
    /// What the proof shows.
    pub claim: AddressClaim,
    /// The proof that the address was not revoked.
    pub not_revoked: NotRevoked,
}

/// An element of the list of revocations that contains a handle, and its place in the list.
#[derive(Clone)]
pub struct NotRevoked {
    gap: Gap,
    path: MembershipPath,
    root: Root,
}

/// The wires of [`AddressInputs`].
pub struct AddressWires<E> {
    components: Components<E, MAX_COMPONENTS>,
    mask: PrefixMask<E, MAX_COMPONENTS>,
    handle: E,
    schema: E,
    valid_until: E,
    min_components: E,
    show: E,
    as_of: E,
    key: E,
    next: E,
    bits: Bits<E>,
    path: Path<E>,
}

/// The ranges of the numbers and of their differences.
struct Bits<E> {
    schema: Range<E>,
    valid_until: Range<E>,
    min_components: Range<E>,
    surplus: Range<E>,
    remaining: Range<E>,
    key: Range<E>,
    next: Range<E>,
    before: Range<E>,
    after: Range<E>,
}

impl Address {
    /// Creates the statement for registries of this depth.
    #[must_use]
    pub const fn new(depth: Depth) -> Self {
        Self { depth }
    }
}

impl NotRevoked {
    /// Checks that the path, of depth 10, leads from the element to the root of the auxiliary
    /// registry.
    pub fn new(gap: Gap, path: MembershipPath, root: Root) -> Result<Self, CircuitsError> {
        if path.depth() != Depth::Ten || path.root(gap.leaf()) != root {
            return Err(CircuitsError::WrongAuxiliaryRoot);
        }
        Ok(Self { gap, path, root })
    }

    /// Returns the element.
    #[must_use]
    pub const fn gap(&self) -> Gap {
        self.gap
    }

    /// Returns the root of the auxiliary registry.
    #[must_use]
    pub const fn root(&self) -> Root {
        self.root
    }
}

impl<E: Clone> Bits<E> {
    fn input<C: ConstraintSystem<Expression = E>>(
        cs: &mut C,
        AddressInputs {
            address,
            claim,
            not_revoked: NotRevoked { gap, .. },
        }: &AddressInputs,
    ) -> Self {
        let depth = address.depth() as u128;
        let min_components = u128::from(claim.min_components);
        let valid_until = u128::from(address.valid_until());
        let handle = address.handle().get();
        let mut range = |value: u128, bits| Range::input(cs, value, bits);
        Self {
            schema: range(address.schema().into(), SCHEMA_BITS),
            valid_until: range(valid_until, TIME_BITS),
            min_components: range(min_components, COUNT_BITS),
            surplus: range(depth.wrapping_sub(min_components), COUNT_BITS),
            remaining: range(valid_until.wrapping_sub(claim.as_of.into()), TIME_BITS),
            key: range(gap.key(), HANDLE_BITS),
            next: range(gap.next(), HANDLE_BITS),
            before: range(handle.wrapping_sub(gap.key()).wrapping_sub(1), HANDLE_BITS),
            after: range(gap.next().wrapping_sub(handle).wrapping_sub(1), HANDLE_BITS),
        }
    }
}

impl Statement for Address {
    const NAME: &'static str = "address";
    const VERSION: u16 = 1;
    const LEAF_FORMAT: u16 = Contents::LEAF_FORMAT;
    const AUXILIARY_FORMAT: u8 = Gap::LEAF_FORMAT;

    type Private = AddressInputs;
    type Wires<E> = AddressWires<E>;

    fn depth(&self) -> Depth {
        self.depth
    }

    fn sample(&self) -> Sample<AddressInputs> {
        let components = parse_pid("JP-13-113-01").expect("it is a pid");
        let handle = Handle::new(9).expect("9 is a handle");
        let address = Contents::new(components, handle, 1, 1_707_776_000);
        let address = address.expect("the values are in their ranges");
        let claim = AddressClaim::of(Pattern::Prefix(2), &address, 1_703_000_000);
        let first = Depth::Ten.check_index(0).expect("every tree has a first leaf");
        let siblings = vec![[FieldElement::ZERO; 3]; Depth::Ten.levels()];
        let path = MembershipPath::new(Depth::Ten, first, siblings).expect("the path has the tree's depth");
        let root = path.root(Gap::ALL.leaf());
        let not_revoked = NotRevoked::new(Gap::ALL, path, root).expect("the path leads to the root");
        Sample {
            attributes: address.attributes(),
            claim: claim.claim(root),
            private: AddressInputs {
                address,
                claim,
                not_revoked,
            },
        }
    }

    fn input<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        _attributes: Attributes,
        inputs: &AddressInputs,
    ) -> AddressWires<C::Expression> {
        let AddressInputs {
            address,
            claim,
            not_revoked: NotRevoked { gap, path, .. },
        } = inputs;
        AddressWires {
            components: Components::input(cs, address.components().map(Component::get)),
            mask: PrefixMask::input(cs, claim.prefix_length()),
            handle: cs.input(address.handle().get().into()),
            schema: cs.input(address.schema().into()),
            valid_until: cs.input(address.valid_until().into()),
            min_components: cs.input(claim.min_components.into()),
            show: cs.input(claim.schema.is_some().into()),
            as_of: cs.input(claim.as_of.into()),
            key: cs.input(gap.key().into()),
            next: cs.input(gap.next().into()),
            bits: Bits::input(cs, inputs),
            path: Path::input(cs, path),
        }
    }

    /// Computes `Poseidon6(Poseidon6(T(address), c1..c5), c6, c7, c8, handle, schema + 2^32 ·
    /// valid_until)`.
    fn attributes<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        wires: &AddressWires<C::Expression>,
    ) -> C::Expression {
        let word = cs.add_scaled(&wires.schema, power_of_two(SCHEMA_BITS), &wires.valid_until);
        let mut contents = wires.components.values().to_vec();
        contents.extend([wires.handle.clone(), word]);
        chain(cs, to_ark(tag("bauta/address/1")), &contents)
    }

    /// Constrains every part of a word to its range, so that no word has two readings; presence,
    /// prefix, number of components and validity; and the handle to be strictly between key and
    /// next. Computes the value and the root of the list of revocations.
    fn predicate<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        _member: &Member<C::Expression>,
        wires: &AddressWires<C::Expression>,
    ) -> ClaimWires<C::Expression> {
        let bits = &wires.bits;
        wires.components.constrain(cs);
        let mut shown = wires.mask.select(cs, wires.components.values()).to_vec();

        bits.schema.constrain(cs, &wires.schema);
        bits.valid_until.constrain(cs, &wires.valid_until);
        bits.remaining
            .constrain_order(cs, &wires.as_of, &wires.valid_until);
        bits.min_components.constrain(cs, &wires.min_components);
        let count = wires.components.count(cs);
        bits.surplus.constrain_order(cs, &wires.min_components, &count);
        constrain_boolean(cs, &wires.show);
        let schema = cs.multiply(&wires.schema, &wires.show);
        let word = cs.add_scaled(&wires.min_components, power_of_two(COUNT_BITS), &wires.show);
        let word = cs.add_scaled(&word, power_of_two(COUNT_BITS + 1), &schema);
        shown.extend([word, wires.as_of.clone()]);

        bits.key.constrain(cs, &wires.key);
        bits.next.constrain(cs, &wires.next);
        let first = cs.add_constant(&wires.key, Fr::ONE);
        bits.before.constrain_order(cs, &first, &wires.handle);
        let first = cs.add_constant(&wires.handle, Fr::ONE);
        bits.after.constrain_order(cs, &first, &wires.next);
        let gap = cs.add_scaled(&wires.key, power_of_two(HANDLE_BITS), &wires.next);
        ClaimWires {
            value: chain(cs, to_ark(tag("bauta/address-claim/1")), &shown),
            auxiliary_root: Some(wires.path.root(cs, gap)),
        }
    }

    fn check(&self, inputs: &ProofInputs<AddressInputs>) -> Result<(), CircuitsError> {
        let AddressInputs {
            address,
            claim,
            not_revoked: NotRevoked { gap, root, .. },
        } = &inputs.private;
        if address.attributes() != inputs.attributes {
            return Err(CircuitsError::WrongAttributes);
        }
        claim.check(address)?;
        if gap.ends_at(address.handle()) {
            return Err(CircuitsError::Revoked);
        }
        if !gap.contains(address.handle()) {
            let rule = "must be the element of the list of revocations that contains the handle";
            return Err(InvalidValue { field: "gap", rule }.into());
        }
        if claim.claim(*root) == inputs.claim {
            Ok(())
        } else {
            Err(CircuitsError::WrongClaim {
                rule: "address claims Poseidon2(value, auxiliary_root) of what it shows",
            })
        }
    }
}

fn power_of_two(exponent: usize) -> Fr {
    (0..exponent).fold(Fr::ONE, |power, _| power.double())
}
