//! What is rewritten so that the BPF back end of LLVM 22 can generate code for it.
//!
//! | the back end has no | it becomes | by |
//! |---|---|---|
//! | products with overflow bit, 128-bit and wider arithmetic | 64-bit operations, calls of compiler-builtins | [`wide`] |
//! | signed division | unsigned division of magnitudes | [`division`] |
//! | more than 5 argument registers, more than one result register | structures in the caller's frame | [`arguments`] |
//! | `llvm.trap` | the system call `abort` | [`traps`] |
//! | `sret`, rustc's processor settings | removed: they change nothing here | [`attributes`] |

pub mod arguments;
pub mod attributes;
pub mod division;
mod overflow;
pub mod traps;
pub mod wide;
