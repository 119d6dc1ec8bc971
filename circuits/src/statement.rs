//! What a statement is, and what every statement shares.

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};
use bauta_iden3::R1cs;
use bauta_primitives::{
    Attributes, Claim, Context, Digest, DigestParts, EntryId, FieldElement, IdentitySecret, Leaf, Root,
    Scope,
    tree::{Depth, LeafIndex, Siblings, root_from_path},
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

/// What a member proves with. Everything here is private but root, scope, claim and context. No `Debug`; the secret is
/// wiped when dropped.
pub struct Inputs<P> {
    /// The secret behind the leaf's commitment.
    pub secret: IdentitySecret,
    /// Which entry of the registry the leaf is.
    pub entry_id: EntryId,
    /// What else the leaf says.
    pub attributes: Attributes,
    /// The leaf's position.
    pub index: LeafIndex,
    /// Siblings from the leaf upwards, one element for each level.
    pub path: Vec<Siblings>,
    /// The root to prove at.
    pub root: Root,
    /// The nullifier's domain.
    pub scope: Scope,
    /// What to show.
    pub claim: Claim,
    /// Recipient, relayer, expiry and payload.
    pub context: Context,
    /// What the statement needs besides.
    pub private: P,
}

/// What a proof of certain inputs shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// The five parts.
    pub parts: DigestParts,
    /// Their hash, the public input.
    pub digest: Digest,
}

/// The statement in plain code, by hashes of other origin than the gadgets': what a proof of these inputs shows, or
/// which rule they break. Everything that proves asks this first.
pub fn evaluate<S: Statement>(
    statement: &S,
    inputs: &Inputs<S::Private>,
) -> Result<Evaluation, CircuitsError> {
    let leaf = Leaf::of(inputs.secret.commitment(), inputs.entry_id, inputs.attributes);
    let root = root_from_path(statement.depth(), inputs.index, leaf, &inputs.path)?;
    if root != inputs.root {
        return Err(CircuitsError::WrongRoot);
    }
    statement.check_claim(inputs.claim, inputs.attributes, &inputs.private)?;
    let parts = DigestParts {
        root,
        nullifier: inputs.secret.nullifier(inputs.entry_id, inputs.scope),
        scope: inputs.scope,
        claim: inputs.claim,
        context: inputs.context,
    };
    Ok(Evaluation {
        parts,
        digest: Digest::of(&parts),
    })
}

/// The statement as constraints. The claim and the root come out of them: the inputs' own are not looked at.
pub fn synthesise<S: Statement, C: ConstraintSystem>(statement: &S, cs: &mut C, inputs: &Inputs<S::Private>) {
    let scope = cs.input(to_ark(inputs.scope.element()));
    let context = cs.input(to_ark(inputs.context.element()));
    let membership = Membership::input(
        cs,
        &inputs.secret,
        inputs.entry_id,
        inputs.attributes,
        inputs.index,
        &inputs.path,
    );
    let claim = statement.predicate(cs, membership.attributes(), &inputs.private);
    let shown = membership.show(cs, &scope);
    digest(
        cs,
        shown,
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
    inputs: &Inputs<S::Private>,
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
    inputs: &Inputs<S::Private>,
    wires: usize,
    constraints: usize,
) -> Result<Assignment, CircuitsError> {
    let fits = inputs.path.len() == statement.depth().levels();
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
fn blank_inputs<S: Statement>(statement: &S) -> Inputs<S::Private> {
    let zero = FieldElement::ZERO;
    let depth = statement.depth();
    Inputs {
        secret: IdentitySecret::from_bytes(&mut [0; 32]).expect("zero is canonical"),
        entry_id: EntryId::new(zero),
        attributes: Attributes::new(zero),
        index: depth.check_index(0).expect("every tree has a first leaf"),
        path: vec![[zero; 3]; depth.levels()],
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
    pub inputs: Option<&'a Inputs<S::Private>>,
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
