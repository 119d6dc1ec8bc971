/// An error for a value that breaks a rule of the protocol. Each message names the value and the
/// rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrimitivesError {
    /// The 32 bytes are not a canonical field element.
    #[error(
        "{name} is not a canonical field element: its 32 big-endian bytes must be below the BN254 scalar modulus r"
    )]
    NotCanonical {
        /// The value's name in the protocol.
        name: &'static str,
    },
    /// The text is not `0x` and 64 hexadecimal digits.
    #[error("{name} is not in hexadecimal form: it must be 0x followed by exactly 64 hexadecimal digits")]
    NotHex {
        /// The value's name in the protocol.
        name: &'static str,
    },
    /// The position is past the last leaf.
    #[error("leaf index {index} is out of range: a tree of depth {depth} has 4^{depth} leaves, 0 to {last}")]
    IndexOutOfRange {
        /// The given index.
        index: u64,
        /// The tree's depth in levels.
        depth: u8,
        /// The index of the last leaf.
        last: u64,
    },
    /// The protocol has no trees of this depth.
    #[error("tree depth {depth} is not supported: the protocol has depths 10 and 16")]
    UnknownDepth {
        /// The given depth.
        depth: u8,
    },
    /// The path does not lead from the leaf to the root.
    #[error(
        "leaf and path lead to root {reached}, not to root {root}: the path or the root is stale, or secret, entry id, \
         attributes or index are not those of the registered leaf"
    )]
    WrongRoot {
        /// The given root.
        root: crate::Root,
        /// The root that leaf and path lead to.
        reached: crate::Root,
    },
    /// The path has the wrong number of levels.
    #[error("a path has {levels} levels of siblings where the tree has {depth}")]
    PathLength {
        /// The number of levels of the path.
        levels: usize,
        /// The number of levels of the tree.
        depth: u8,
    },
}
