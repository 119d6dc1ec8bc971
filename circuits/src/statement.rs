//! The interface of statements, and the core that all statements share.

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};
use bauta_iden3::R1cs;
use bauta_primitives::{
    Attributes, Claim, Context, Digest, EntryId, FieldElement, IdentitySecret, PrimitivesError, ProofInputs,
    PublicInputs, Root, Scope,
    tree::{Depth, MembershipPath},
};

use crate::{
    CircuitsError,
    constraint_system::{Arkworks, Assignment, ConstraintSystem, Matrices},
    field::to_ark,
    gadgets::{Bound, Member, Membership, digest, poseidon},
};

/// A statement: the shared core with one predicate over the member's leaf.
///
/// A new statement implements only this trait. Its predicate is written twice, as constraints and
/// in ordinary code. The tests compare the two.
pub trait Statement: Sync {
    /// The name of the statement. Circuit, program, database and API use the same name.
    const NAME: &'static str;
    /// The version. Every change of the constraints increases it by one.
    const VERSION: u16;
    /// The leaf format, which defines the leaf's attributes. Registry, scope and circuit must have
    /// the same one.
    const LEAF_FORMAT: u16;
    /// The leaf format of the auxiliary registry, whose root the claim includes. 0 if the predicate
    /// returns no auxiliary root.
    const AUXILIARY_FORMAT: u8 = 0;

    /// The private inputs in addition to the membership. They hold secrets, so the type must wipe
    /// them when it is dropped and must not implement `Debug`.
    type Private: Send + Sync;

    /// The statement's own inputs as wires.
    type Wires<E>;

    /// Returns the depth of the registry tree.
    fn depth(&self) -> Depth;

    /// Returns a sample, which is not secret. The constraints are recorded with it, and other tools
    /// and measurements use it.
    fn sample(&self) -> Sample<Self::Private>;

    /// Creates the statement's own inputs. `attributes` is for statements whose attributes are an
    /// input. This must accept values that break the statement's rules.
    fn input<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        attributes: Attributes,
        private: &Self::Private,
    ) -> Self::Wires<C::Expression>;

    /// Returns the leaf's attributes: an input, or the hash of inputs.
    fn attributes<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        wires: &Self::Wires<C::Expression>,
    ) -> C::Expression;

    /// Adds the constraints of the predicate, and returns what the claim includes.
    fn predicate<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        member: &Member<C::Expression>,
        wires: &Self::Wires<C::Expression>,
    ) -> ClaimWires<C::Expression>;

    /// Checks attributes, private inputs and claim in ordinary code. The error names the field and
    /// the rule.
    fn check(&self, inputs: &ProofInputs<Self::Private>) -> Result<(), CircuitsError>;
}

/// What a statement's predicate receives, without a meaning.
pub struct Sample<P> {
    /// The leaf's attributes.
    pub attributes: Attributes,
    /// The statement's own private inputs.
    pub private: P,
    /// The claim.
    pub claim: Claim,
}

/// The wires that the claim includes.
pub struct ClaimWires<E> {
    /// What the predicate derives. Without an auxiliary root it is the claim.
    pub value: E,
    /// The root of the auxiliary registry. With it, the claim is `Poseidon2(value,
    /// auxiliary_root)`. A consumer's program computes the same from the root of the scope's
    /// auxiliary registry, so a prover can't choose another one.
    pub auxiliary_root: Option<E>,
}

/// The public values of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// The five values that the proof shows.
    pub public: PublicInputs,
    /// Their hash, which is the only public input of the circuit.
    pub digest: Digest,
}

/// Evaluates the statement in ordinary code. Returns the public values of a proof of these inputs,
/// or an error with the rule that they break.
///
/// The hashes and those of the gadgets come from different implementations. Every function that
/// makes a proof calls this first.
pub fn evaluate<S: Statement>(
    statement: &S,
    inputs: &ProofInputs<S::Private>,
) -> Result<Evaluation, CircuitsError> {
    check_depth(statement, inputs)?;
    inputs.check_path()?;
    statement.check(inputs)?;
    let public = inputs.public();
    Ok(Evaluation {
        public,
        digest: public.digest(),
    })
}

fn check_depth<S: Statement>(statement: &S, inputs: &ProofInputs<S::Private>) -> Result<(), PrimitivesError> {
    let (levels, depth) = (inputs.path.depth().levels(), statement.depth());
    if levels == depth.levels() {
        Ok(())
    } else {
        Err(PrimitivesError::PathLength {
            levels,
            depth: depth as u8,
        })
    }
}

/// Adds the constraints of the statement. They compute the claim and the root. The claim and the
/// root of `inputs` are not used.
pub fn synthesise<S: Statement, C: ConstraintSystem>(
    statement: &S,
    cs: &mut C,
    inputs: &ProofInputs<S::Private>,
) {
    let scope = cs.input(to_ark(inputs.scope.element()));
    let context = cs.input(to_ark(inputs.context.element()));
    let (membership, wires) = Membership::input(cs, inputs, |cs| {
        statement.input(cs, inputs.attributes, &inputs.private)
    });
    let attributes = statement.attributes(cs, &wires);
    let member = membership.member(cs, attributes);
    let ClaimWires {
        value,
        auxiliary_root,
    } = statement.predicate(cs, &member, &wires);
    let claim = match auxiliary_root {
        None => value,
        Some(root) => poseidon(cs, &[value, root]),
    };
    let membership = membership.outputs(cs, &member, &scope);
    digest(
        cs,
        membership,
        Bound {
            scope,
            claim,
            context,
        },
    );
}

/// Returns the constraint system of the statement.
pub fn r1cs<S: Statement>(statement: &S) -> R1cs {
    let mut matrices = Matrices::default();
    synthesise(statement, &mut matrices, &sample_inputs(statement));
    matrices.into_r1cs()
}

/// Computes the witness, after [`evaluate`] has accepted the inputs. `wires` and `constraints` are
/// the numbers of [`r1cs`].
pub fn assign<S: Statement>(
    statement: &S,
    inputs: &ProofInputs<S::Private>,
    wires: usize,
    constraints: usize,
) -> Result<Assignment, CircuitsError> {
    evaluate_and_assign(statement, inputs, wires, constraints).map(|(_, assignment)| assignment)
}

/// Computes the same as [`evaluate`] and [`assign`].
pub fn evaluate_and_assign<S: Statement>(
    statement: &S,
    inputs: &ProofInputs<S::Private>,
    wires: usize,
    constraints: usize,
) -> Result<(Evaluation, Assignment), CircuitsError> {
    let evaluation = evaluate(statement, inputs)?;
    let mut assignment = Assignment::with_capacity(wires, constraints);
    synthesise(statement, &mut assignment, inputs);
    Ok((evaluation, assignment))
}

/// Computes the same as [`assign`], but runs [`evaluate`] and the computation of the witness in
/// parallel, in the rayon pool of the caller. Both take about the same time, and neither needs the
/// result of the other.
pub fn assign_parallel<S: Statement>(
    statement: &S,
    inputs: &ProofInputs<S::Private>,
    wires: usize,
    constraints: usize,
) -> Result<Assignment, CircuitsError> {
    let fits = check_depth(statement, inputs).is_ok();
    let (evaluation, assignment) = rayon::join(
        || evaluate(statement, inputs),
        || {
            let mut assignment = Assignment::with_capacity(wires, constraints);
            if fits {
                synthesise(statement, &mut assignment, inputs);
            }
            assignment
        },
    );
    // If the path does not fit, this returns the error.
    evaluation?;
    Ok(assignment)
}

/// Returns valid inputs of a member with published secrets. They are for other tools and for
/// measurements. The constraints are recorded with them.
pub fn sample_inputs<S: Statement>(statement: &S) -> ProofInputs<S::Private> {
    let element = FieldElement::from_u64;
    let depth = statement.depth();
    let index = depth.check_index(5).expect("every tree has more leaves");
    let path = MembershipPath::new(depth, index, vec![[element(6); 3]; depth.levels()]);
    let sample = statement.sample();
    let mut inputs = ProofInputs {
        secret: IdentitySecret::from_bytes(&mut element(2).to_bytes()).expect("2 is canonical"),
        entry_id: EntryId::new(element(1)),
        attributes: sample.attributes,
        path: path.expect("the path has the tree's depth"),
        root: Root::new(FieldElement::ZERO),
        scope: Scope::new(element(7)),
        claim: sample.claim,
        context: Context::new(element(8)),
        private: sample.private,
    };
    inputs.root = inputs.path.root(inputs.leaf());
    inputs
}

/// A statement with inputs, in the form for arkworks's provers and checkers.
pub struct ArkworksCircuit<'a, S: Statement> {
    /// The statement.
    pub statement: &'a S,
    /// The inputs. `None` if only the constraints are needed.
    pub inputs: Option<&'a ProofInputs<S::Private>>,
}

impl<S: Statement> ConstraintSynthesizer<Fr> for ArkworksCircuit<'_, S> {
    fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let mut cs = Arkworks::new(system);
        match self.inputs {
            Some(inputs) => synthesise(self.statement, &mut cs, inputs),
            None => synthesise(self.statement, &mut cs, &sample_inputs(self.statement)),
        }
        cs.finish()
    }
}
