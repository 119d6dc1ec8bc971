//! A consumer program that grants a counter to whoever shows a proof.
