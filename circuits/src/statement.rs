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
    gadgets::{Bound, Membership, digest},
};

/// A statement: the shared core with one predicate over the leaf's attributes.
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

    /// The private inputs in addition to the membership. They hold secrets, so the type must wipe
    /// them when it is dropped and must not implement `Debug`.
    type Private: Sync;

    /// Returns the depth of the registry tree.
    fn depth(&self) -> Depth;

    /// Returns private inputs with the right number of elements and without a meaning. The
    /// constraints are recorded with them.
    fn blank(&self) -> Self::Private;

    /// Adds the constraints of the predicate and returns the claim. All its inputs must be created
    /// before its first constraint.
    fn predicate<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        attributes: &C::Expression,
        private: &Self::Private,
    ) -> C::Expression;

    /// Checks the claim in ordinary code. The error names the rule that the claim breaks.
    fn check_claim(
        &self,
        claim: Claim,
        attributes: Attributes,
        private: &Self::Private,
    ) -> Result<(), CircuitsError>;
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
/// The hashes come from another implementation than those of the gadgets. Every function that makes
/// a proof calls this first.
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

/// Adds the constraints of the statement. They compute the claim and the root. The claim and the
/// root of `inputs` are not used.
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

/// Returns the constraint system of the statement.
pub fn r1cs<S: Statement>(statement: &S) -> R1cs {
    let mut matrices = Matrices::default();
    synthesise(statement, &mut matrices, &blank_inputs(statement));
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

/// Returns inputs with the right number of elements and without a meaning.
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
            None => synthesise(self.statement, &mut cs, &blank_inputs(self.statement)),
        }
        cs.finish()
    }
}
