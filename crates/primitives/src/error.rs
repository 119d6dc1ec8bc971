/// What can be wrong with a value given to this crate. Each message names the value and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrimitivesError {
    /// 32 bytes that are no canonical field element.
    #[error(
        "{name} is not a canonical field element: its 32 big-endian bytes must be below the BN254 scalar modulus r"
    )]
    NotCanonical {
        /// The value's name in the protocol.
        name: &'static str,
    },
    /// Text that is not `0x` and 64 hexadecimal digits.
    #[error("{name} is not in hexadecimal form: it must be 0x followed by exactly 64 hexadecimal digits")]
    NotHex {
        /// The value's name in the protocol.
        name: &'static str,
    },
    /// A tree position past the last leaf.
    #[error("leaf index {index} is out of range: a tree of depth {depth} has 4^{depth} leaves, 0 to {last}")]
    IndexOutOfRange {
        /// The index that was given.
        index: u64,
        /// The tree's depth in levels.
        depth: u8,
        /// The largest index that exists.
        last: u64,
    },
    /// A tree depth the protocol doesn't have.
    #[error("tree depth {depth} is not supported: the protocol has depths 10 and 16")]
    UnknownDepth {
        /// The depth that was given.
        depth: u8,
    },
    /// A path with the wrong number of levels.
    #[error("a path has {levels} levels of siblings where the tree has {depth}")]
    PathLength {
        /// The number of levels given.
        levels: usize,
        /// The number of levels needed.
        depth: u8,
    },
}
