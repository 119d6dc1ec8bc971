//! Statements, gadgets and keys.
