//! The Bauta program.
