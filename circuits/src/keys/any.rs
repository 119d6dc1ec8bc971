//! Keys and inputs of a statement that is known only when the program runs.

use std::path::Path;

use ark_std::rand::{CryptoRng, RngCore};
use bauta_primitives::{
    Attributes, EntryId, IdentitySecret, ProofInputs,
    tree::{Depth, MembershipPath},
};
use bauta_prover::{Options, TableSource};

use super::{Key, KeyHeader, load_or_setup_development};
use crate::{
    CircuitsError,
    proof::{Proof, VerifyingKey},
    statement::{Evaluation, Statement, evaluate},
    statements::{Address, Ownership, Reputation, list},
};

macro_rules! any {
    ($($statement:ident),*) => {
        /// The inputs of a proof of any statement.
        // There is one value for each proof, so a smaller type would save nothing.
        #[allow(clippy::large_enum_variant)]
        pub enum AnyInputs {
            $(
                #[doc = concat!("Inputs of [`", stringify!($statement), "`].")]
                $statement(ProofInputs<<$statement as Statement>::Private>),
            )*
        }

        /// The key of any statement.
        pub enum AnyKey {
            $(
                #[doc = concat!("A key of [`", stringify!($statement), "`].")]
                $statement(Key<$statement>),
            )*
        }

        $(
            impl From<Key<$statement>> for AnyKey {
                fn from(key: Key<$statement>) -> Self {
                    Self::$statement(key)
                }
            }

            impl From<ProofInputs<<$statement as Statement>::Private>> for AnyInputs {
                fn from(inputs: ProofInputs<<$statement as Statement>::Private>) -> Self {
                    Self::$statement(inputs)
                }
            }
        )*

        impl AnyInputs {
            /// Returns the name of the statement.
            #[must_use]
            pub const fn statement(&self) -> &'static str {
                match self {
                    $(Self::$statement(_) => $statement::NAME,)*
                }
            }

            /// Returns the secret whose commitment is in the leaf.
            #[must_use]
            pub const fn secret(&self) -> &IdentitySecret {
                match self {
                    $(Self::$statement(inputs) => &inputs.secret,)*
                }
            }

            /// Returns the entry that the leaf is about.
            #[must_use]
            pub const fn entry_id(&self) -> EntryId {
                match self {
                    $(Self::$statement(inputs) => inputs.entry_id,)*
                }
            }

            /// Returns the leaf's attributes.
            #[must_use]
            pub const fn attributes(&self) -> Attributes {
                match self {
                    $(Self::$statement(inputs) => inputs.attributes,)*
                }
            }

            /// Returns the path from the leaf to the root.
            #[must_use]
            pub const fn path(&self) -> &MembershipPath {
                match self {
                    $(Self::$statement(inputs) => &inputs.path,)*
                }
            }
        }

        impl AnyKey {
            /// Reads the key file of any statement at any depth. Returns the errors of
            /// [`Key::from_bytes`].
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, CircuitsError> {
                let header = KeyHeader::read(bytes)?.0;
                let depth = Depth::try_from(header.depth)?;
                match header.statement.as_str() {
                    $($statement::NAME => {
                        Key::from_bytes($statement::new(depth), bytes).map(Self::$statement)
                    })*
                    _ => Err(CircuitsError::KeyFile("its statement is none of this version")),
                }
            }

            /// Returns the development key of a statement. `None` if there is no statement of this
            /// name. See [`load_or_setup_development`].
            #[must_use]
            pub fn load_or_setup_development(
                statement: &str,
                depth: Depth,
            ) -> Option<Result<Self, CircuitsError>> {
                match statement {
                    $($statement::NAME => {
                        let key = load_or_setup_development(&$statement::new(depth));
                        Some(key.map(Self::$statement))
                    })*
                    _ => None,
                }
            }

            /// Returns the header of the key file.
            #[must_use]
            pub fn header(&self) -> &KeyHeader {
                match self {
                    $(Self::$statement(key) => key.header(),)*
                }
            }

            /// Returns the name of the statement.
            #[must_use]
            pub const fn statement(&self) -> &'static str {
                match self {
                    $(Self::$statement(_) => $statement::NAME,)*
                }
            }

            /// Returns the depth of the registry tree.
            #[must_use]
            pub fn depth(&self) -> Depth {
                match self {
                    $(Self::$statement(key) => key.statement().depth(),)*
                }
            }

            /// Returns the leaf format of the auxiliary registry, or 0.
            #[must_use]
            pub const fn auxiliary_format(&self) -> u8 {
                match self {
                    $(Self::$statement(_) => $statement::AUXILIARY_FORMAT,)*
                }
            }

            /// Returns the warning that must be shown to everyone who loads this key. A key from a
            /// ceremony has none.
            #[must_use]
            pub fn warning(&self) -> Option<&'static str> {
                self.header().provenance.warning()
            }

            /// Returns the verifying key.
            #[must_use]
            pub fn verifying_key(&self) -> &VerifyingKey {
                match self {
                    $(Self::$statement(key) => key.verifying_key(),)*
                }
            }

            /// Returns inputs of the statement's sample for the member of a registry. `member`
            /// receives the leaf's attributes. Its claim is not used.
            #[must_use]
            pub fn sample_inputs(&self, member: impl FnOnce(Attributes) -> ProofInputs) -> AnyInputs {
                match self {
                    $(Self::$statement(key) => {
                        let sample = key.statement().sample();
                        member(sample.attributes).with(sample.claim, sample.private).into()
                    })*
                }
            }

            /// Evaluates the statement in ordinary code. See [`evaluate`].
            pub fn evaluate(&self, inputs: &AnyInputs) -> Result<Evaluation, CircuitsError> {
                match (self, inputs) {
                    $((Self::$statement(key), AnyInputs::$statement(inputs)) => {
                        evaluate(key.statement(), inputs)
                    })*
                    _ => Err(self.mismatch(inputs)),
                }
            }

            /// Makes a proof. See [`Key::prove`].
            pub fn prove(
                &self,
                inputs: &AnyInputs,
                rng: &mut (impl RngCore + CryptoRng),
            ) -> Result<Proof, CircuitsError> {
                match (self, inputs) {
                    $((Self::$statement(key), AnyInputs::$statement(inputs)) => key.prove(inputs, rng),)*
                    _ => Err(self.mismatch(inputs)),
                }
            }

            /// Makes a proof on one thread. See [`Key::prove_on_one_thread`].
            pub fn prove_on_one_thread(
                &self,
                inputs: &AnyInputs,
                rng: &mut (impl RngCore + CryptoRng),
            ) -> Result<Proof, CircuitsError> {
                match (self, inputs) {
                    $((Self::$statement(key), AnyInputs::$statement(inputs)) => {
                        key.prove_on_one_thread(inputs, rng)
                    })*
                    _ => Err(self.mismatch(inputs)),
                }
            }

            /// Returns another proof of the same digest. See [`Key::rerandomize`].
            pub fn rerandomize(
                &self,
                proof: &Proof,
                rng: &mut (impl RngCore + CryptoRng),
            ) -> Result<Proof, CircuitsError> {
                match self {
                    $(Self::$statement(key) => key.rerandomize(proof, rng),)*
                }
            }

            /// Returns the contents of a key file. See [`Key::to_bytes`].
            pub fn to_bytes(&self) -> Result<Vec<u8>, CircuitsError> {
                match self {
                    $(Self::$statement(key) => key.to_bytes(),)*
                }
            }

            /// Prepares the proving engine. See [`Key::prepare_from`].
            pub fn prepare_from(&self, file: &Path, options: Options) -> Result<TableSource, CircuitsError> {
                match self {
                    $(Self::$statement(key) => key.prepare_from(file, options),)*
                }
            }
        }
    };
}
list!(any);

impl AnyKey {
    fn mismatch(&self, inputs: &AnyInputs) -> CircuitsError {
        CircuitsError::OtherStatement {
            found: inputs.statement(),
            expected: self.statement(),
        }
    }
}
