//! Rust SDK: instructions, account and event decoding, reference tree.
