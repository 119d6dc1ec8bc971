/// What can be wrong with what the chain gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// An account that the program doesn't own.
    #[error("the account belongs to {owner}: an account of the program belongs to {program}", program = bauta::ID)]
    ForeignAccount {
        /// The account's owner.
        owner: solana_address::Address,
    },
    /// An account of another length.
    #[error("the account has {length} bytes: a {kind} account has {expected}")]
    AccountLength {
        /// What was asked for.
        kind: &'static str,
        /// The length given.
        length: usize,
        /// The length it must have.
        expected: usize,
    },
    /// An account of another kind.
    #[error("the account's first eight bytes are not those of a {kind} account")]
    AccountKind {
        /// What was asked for.
        kind: &'static str,
    },
    /// The program's own event call with an event this client doesn't know.
    #[error(
        "the program emitted an event that this client doesn't know ({discriminator:02x?}): a newer client is needed"
    )]
    UnknownEvent {
        /// The event's first eight bytes.
        discriminator: [u8; 8],
    },
    /// The program's own event call with bytes that don't decode.
    #[error("a {name} event does not decode: {reason}")]
    MalformedEvent {
        /// The event's name.
        name: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// Return data that is not a verification's.
    #[error("return data is not a verification's: {reason}")]
    ReturnData {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A path that doesn't fit the leaf and the root.
    #[error("leaf and path lead to root {reached} where {root} was asked for: fetch a path for that root")]
    WrongPath {
        /// The root asked for.
        root: bauta_primitives::Root,
        /// The root that leaf and path lead to.
        reached: bauta_primitives::Root,
    },
    /// A value that is out of the protocol's range.
    #[error(transparent)]
    Primitives(#[from] bauta_primitives::PrimitivesError),
}
