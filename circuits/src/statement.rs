//! What a statement is, and what every statement shares.

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
    gadgets::{Bound, Membership, digest},
};

/// A statement: the shared core with one predicate over the leaf's attributes.
///
/// A new statement implements this and nothing else. Its predicate is written twice, as constraints and in plain code; the
/// tests hold the two together.
pub trait Statement: Sync {
    /// The statement's name, the same in circuit, program, database and API.
    const NAME: &'static str;
    /// Counts up with every change of the constraints.
    const VERSION: u16;
    /// What the leaf's attributes mean. Registry, scope and circuit must agree on it.
    const LEAF_FORMAT: u16;

    /// Private data besides the membership. Holds secrets: wiped when dropped, no `Debug`.
    type Private: Sync;

    /// Depth of the registry tree.
    fn depth(&self) -> Depth;

    /// Private data of the right shape and no meaning, to record the constraints with.
    fn blank(&self) -> Self::Private;

    /// The predicate as constraints: the claim that the attributes allow. Makes its inputs before its first constraint.
    fn predicate<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        attributes: &C::Expression,
        private: &Self::Private,
    ) -> C::Expression;

    /// The predicate in plain code: refuses a claim that the attributes don't allow, with the rule.
    fn check_claim(
        &self,
        claim: Claim,
        attributes: Attributes,
        private: &Self::Private,
    ) -> Result<(), CircuitsError>;
}

/// What a proof of certain inputs shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// The five values.
    pub public: PublicInputs,
    /// Their hash, the public input.
    pub digest: Digest,
}

/// The statement in plain code, by hashes of other origin than the gadgets': what a proof of these inputs shows, or
/// which rule they break. Everything that proves asks this first.
pub fn evaluate<S: Statement>(
    statement: &S,
    inputs: &ProofInputs<S::Private>,
) -> Result<Evaluation, CircuitsError> {
    check_depth(statement, inputs)?;
    inputs.check_path()?;
    statement.check_claim(inputs.claim, inputs.attributes, &inputs.private)?;
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

/// The statement as constraints. The claim and the root come out of them: the inputs' own are not looked at.
pub fn synthesise<S: Statement, C: ConstraintSystem>(
    statement: &S,
    cs: &mut C,
    inputs: &ProofInputs<S::Private>,
) {
    let scope = cs.input(to_ark(inputs.scope.element()));
    let context = cs.input(to_ark(inputs.context.element()));
    let membership = Membership::input(cs, inputs);
    let claim = statement.predicate(cs, membership.attributes(), &inputs.private);
    let membership = membership.outputs(cs, &scope);
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

/// The statement's constraint system.
pub fn r1cs<S: Statement>(statement: &S) -> R1cs {
    let mut matrices = Matrices::default();
    synthesise(statement, &mut matrices, &blank_inputs(statement));
    matrices.into_r1cs()
}

/// Computes the witness of inputs that [`evaluate`] accepts, which it asks first. `wires` and `constraints` are those
/// of [`r1cs`].
pub fn assign<S: Statement>(
    statement: &S,
    inputs: &ProofInputs<S::Private>,
    wires: usize,
    constraints: usize,
) -> Result<Assignment, CircuitsError> {
    evaluate(statement, inputs)?;
    let mut assignment = Assignment::with_capacity(wires, constraints);
    synthesise(statement, &mut assignment, inputs);
    Ok(assignment)
}

/// The same with [`evaluate`] and the witness side by side, in the rayon pool that the call is made in: they take about as long, and neither needs
/// the other.
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
    // This refuses a path that doesn't fit, among others.
    evaluation?;
    Ok(assignment)
}

/// Inputs of the right shape and no meaning.
fn blank_inputs<S: Statement>(statement: &S) -> ProofInputs<S::Private> {
    let zero = FieldElement::ZERO;
    let depth = statement.depth();
    let first = depth.check_index(0).expect("every tree has a first leaf");
    let path = MembershipPath::new(depth, first, vec![[zero; 3]; depth.levels()]);
    ProofInputs {
        secret: IdentitySecret::from_bytes(&mut [0; 32]).expect("zero is canonical"),
        entry_id: EntryId::new(zero),
        attributes: Attributes::new(zero),
        path: path.expect("the path has the tree's depth"),
        root: Root::new(zero),
        scope: Scope::new(zero),
        claim: Claim::new(zero),
        context: Context::new(zero),
        private: statement.blank(),
    }
}

/// A statement with inputs, in the form that arkworks' provers and checkers take.
pub struct ArkworksCircuit<'a, S: Statement> {
    /// The statement.
    pub statement: &'a S,
    /// The inputs; `None` to record the constraints alone.
    pub inputs: Option<&'a ProofInputs<S::Private>>,
}

impl<S: Statement> ConstraintSynthesizer<Fr> for ArkworksCircuit<'_, S> {
    fn generate_constraints(self, system: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let mut cs = Arkworks::new(system);
        match self.inputs {
            Some(inputs) => synthesise(self.statement, &mut cs, inputs),
            None => synthesise(self.statement, &mut cs, &blank_inputs(self.statement)),
        }
        cs.finish()
    }
}
