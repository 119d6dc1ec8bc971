//! Tests of the engines. They are one program, because the compiler would generate the generic code
//! of the engines and of arkworks again for each program.

mod agreement;
#[path = "../common/mod.rs"]
mod common;
mod compact;
mod files;
mod queries;
mod refusals;
