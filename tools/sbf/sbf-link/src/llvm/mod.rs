//! The part of LLVM's C interface that the linker needs, as functions that can be called without `unsafe`.
//!
//! All unsafe code of the linker is in this folder. What makes it sound:
//!
//! 1. One context, which is never freed: a link is one short process. So handles to types, modules and values stay
//!    valid, and can be copied, unless the value is erased.
//! 2. An instruction is erased by [`Value::replace`] alone. Rewrites collect a function's instructions first and look
//!    at each once, so that no handle to an erased one is used.
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

/// A name for LLVM. Names of the linker and of Rust's symbols have no zero byte.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

/// Take over a message that LLVM allocated.
unsafe fn message(text: *mut c_char) -> String {
    if text.is_null() {
        return "no reason given".into();
    }
    // SAFETY: a string that LLVM made for the caller to free.
    unsafe {
        let message = CStr::from_ptr(text).to_string_lossy().into_owned();
        LLVMDisposeMessage(text);
        message
    }
}

/// Take over an error of LLVM.
unsafe fn error(error: LLVMErrorRef) -> String {
    // SAFETY: an error that is not null is consumed by taking its message.
    unsafe {
        CStr::from_ptr(LLVMGetErrorMessage(error))
            .to_string_lossy()
            .into_owned()
    }
}
