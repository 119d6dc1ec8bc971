/// An error in data from the chain, or in a value of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The account has an owner other than the program.
    #[error("the owner of the account is {owner}: it must be the program, {program}", program = bauta::ID)]
    ForeignAccount {
        /// The account's owner.
        owner: solana_address::Address,
    },
    /// The account has another length.
    #[error("the account has {length} bytes: a {kind} account has {expected} bytes")]
    AccountLength {
        /// The requested type.
        kind: &'static str,
        /// The account's length in bytes.
        length: usize,
        /// The length of an account of this type, in bytes.
        expected: usize,
    },
    /// The account has another discriminator.
    #[error("the account is not a {kind} account: its first eight bytes are not that discriminator")]
    AccountKind {
        /// The requested type.
        kind: &'static str,
    },
    /// The program emitted an event that this client doesn't know.
    #[error("the program emitted an unknown event ({discriminator:02x?}): update the client")]
    UnknownEvent {
        /// The event's first eight bytes.
        discriminator: [u8; 8],
    },
    /// The data of an event can't be decoded.
    #[error("can't decode an event {name}: {reason}")]
    MalformedEvent {
        /// The event's name.
        name: &'static str,
        /// The message of the decoder.
        reason: String,
    },
    /// The return data is not that of `verify`.
    #[error("the return data is not that of a verification: {reason}")]
    ReturnData {
        /// What is wrong with the data.
        reason: &'static str,
    },
    /// The account belongs to another scope.
    #[error("the node gave the account of scope {received} for scope {requested}: use another node")]
    OtherScope {
        /// The requested scope account.
        requested: solana_address::Address,
        /// The address that follows from the fields of the account.
        received: solana_address::Address,
    },
    /// The scope element in the account is not the derived one.
    #[error(
        "scope {scope} has the element 0x{found}, but {expected} follows from the pinned cluster tag: the node \
         serves another cluster or gives false data",
        found = Hex(found)
    )]
    ScopeElement {
        /// The scope account.
        scope: solana_address::Address,
        /// The element in the account.
        found: [u8; 32],
        /// The derived element.
        expected: bauta_primitives::Scope,
    },
    /// A value breaks a rule of the protocol.
    #[error(transparent)]
    Primitives(#[from] bauta_primitives::PrimitivesError),
}

/// Formats bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8; 32]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
