//! Rewrites constructs that the BPF back end of LLVM 22 cannot compile, or not well.
//!
//! | the back end lacks | replacement | module |
//! |---|---|---|
//! | products with overflow bit, 128-bit and wider arithmetic | 64-bit operations, calls of compiler-builtins | [`wide`] |
//! | signed division | unsigned division of magnitudes | [`division`] |
//! | more than 5 argument registers, more than one result register | structures in the caller's frame | [`arguments`] |
//! | long copies and fills in little code, copies of equal pointers | calls of `memmove` and `memset` | [`copies`] |
//! | `llvm.trap` | the system call `abort` | [`traps`] |
//! | `sret`, rustc's processor settings | removed, because they have no effect here | [`attributes`] |

pub mod arguments;
pub mod attributes;
pub mod cold;
pub mod copies;
pub mod division;
mod overflow;
pub mod traps;
pub mod wide;
mod wide_builder;
