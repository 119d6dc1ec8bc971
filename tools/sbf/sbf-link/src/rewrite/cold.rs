//! Marks the functions that create errors, so that LLVM neither inlines nor unrolls them.
//!
//! These functions run only when an instruction fails. Without the marks, LLVM copies them to every
//! check: they were 40 % of the code of an Anchor program.

use crate::llvm::{Module, Value};

/// The crate that has the functions.
const CRATE: &str = "anchor_lang_error::";

/// Marks the functions. Must run before the program is optimised.
pub fn mark(module: Module) {
    let functions = module.functions().into_iter();
    for function in functions.filter(|function| !function.is_declaration() && creates_errors(*function)) {
        for attribute in ["inlinehint", "alwaysinline"] {
            function.remove_attribute(attribute);
        }
        for attribute in ["cold", "noinline", "minsize", "optsize"] {
            function.add_attribute(attribute);
        }
    }
}

/// Returns whether a function belongs to the crate or implements a trait for one of its types.
fn creates_errors(function: Value) -> bool {
    let name = function.name();
    let path = format!("{:#}", rustc_demangle::demangle(&name));
    path.trim_start_matches('<').starts_with(CRATE)
}
