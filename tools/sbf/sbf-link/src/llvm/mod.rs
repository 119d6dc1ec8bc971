//! The part of LLVM's C interface that the linker needs, as functions that can be called without
//! `unsafe`.
//!
//! All unsafe code of the linker is in this folder. It is sound for these reasons:
//!
//! 1. There is one context, and it is never freed, because a link is one short process. Handles to
//!    types, modules and values therefore stay valid and can be copied, unless the value is erased.
//! 2. Only [`Value::replace`] erases an instruction. Rewrites collect a function's instructions
//!    first and visit each one once, so no handle to an erased instruction is used.
//! 3. Everything runs on one thread.

mod builder;
mod module;
mod target;
mod value;

use std::ffi::{CStr, CString, c_char};

use llvm_sys::{
    core::LLVMDisposeMessage,
    error::{LLVMErrorRef, LLVMGetErrorMessage},
};

pub use self::{
    builder::Builder,
    module::Module,
    target::Target,
    value::{Type, Value},
};

/// Converts a name to a C string. Names of the linker and symbols of Rust contain no zero byte.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

/// Copies a message that LLVM allocated, and frees it.
unsafe fn message(text: *mut c_char) -> String {
    if text.is_null() {
        return "no reason given".into();
    }
    // SAFETY: `text` is a string that LLVM allocated for the caller to free.
    unsafe {
        let message = CStr::from_ptr(text).to_string_lossy().into_owned();
        LLVMDisposeMessage(text);
        message
    }
}

/// Copies the message of an error of LLVM, and frees the error.
unsafe fn error(error: LLVMErrorRef) -> String {
    // SAFETY: `error` is not null. `LLVMGetErrorMessage` consumes it.
    unsafe {
        CStr::from_ptr(LLVMGetErrorMessage(error))
            .to_string_lossy()
            .into_owned()
    }
}
