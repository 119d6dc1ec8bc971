//! The program that is being linked.

use std::{ffi::CString, path::Path, ptr};

use anyhow::{Result, bail, ensure};
use llvm_sys::{
    analysis::{LLVMVerifierFailureAction, LLVMVerifyModule},
    bit_reader::LLVMParseBitcodeInContext2,
    core::*,
    debuginfo::LLVMStripModuleDebugInfo,
    linker::LLVMLinkModules2,
    prelude::*,
    transforms::pass_builder::{LLVMCreatePassBuilderOptions, LLVMDisposePassBuilderOptions, LLVMRunPasses},
};

use super::{Target, Type, Value, c_string, error, message};

/// The program that is being linked.
#[derive(Clone, Copy)]
pub struct Module(pub(super) LLVMModuleRef);

// SAFETY of every block below: the handles are valid (see the module documentation of `llvm`), and
// pointers passed to LLVM outlive the call.
impl Module {
    /// Creates an empty module, in its own context, which is never freed.
    pub fn new() -> Self {
        unsafe {
            Self(LLVMModuleCreateWithNameInContext(
                c"program".as_ptr(),
                LLVMContextCreate(),
            ))
        }
    }

    pub(super) fn context(self) -> LLVMContextRef {
        unsafe { LLVMGetModuleContext(self.0) }
    }

    /// Links bitcode into the module.
    pub fn link(self, bitcode: &[u8]) -> Result<()> {
        unsafe {
            let buffer = LLVMCreateMemoryBufferWithMemoryRange(
                bitcode.as_ptr().cast(),
                bitcode.len(),
                c"input".as_ptr(),
                0,
            );
            let mut module = ptr::null_mut();
            let failed = LLVMParseBitcodeInContext2(self.context(), buffer, &mut module) != 0;
            LLVMDisposeMemoryBuffer(buffer);
            ensure!(!failed, "the bitcode is not readable");
            ensure!(
                LLVMLinkModules2(self.0, module) == 0,
                "a symbol is already defined by an input that was linked before"
            );
        }
        Ok(())
    }

    /// Links a program in LLVM's text form into the module.
    #[cfg(test)]
    pub fn link_text(self, text: &str) -> Result<()> {
        let text = c_string(text);
        unsafe {
            let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
                text.as_ptr(),
                text.as_bytes().len(),
                c"text".as_ptr(),
            );
            let (mut module, mut reason) = (ptr::null_mut(), ptr::null_mut());
            let failed =
                llvm_sys::ir_reader::LLVMParseIRInContext2(self.context(), buffer, &mut module, &mut reason)
                    != 0;
            LLVMDisposeMemoryBuffer(buffer);
            if failed {
                bail!("{}", message(reason));
            }
            ensure!(
                LLVMLinkModules2(self.0, module) == 0,
                "a symbol is already defined"
            );
        }
        Ok(())
    }

    /// Runs passes. They are named as for LLVM's `opt -passes`.
    pub fn run(self, target: &Target, passes: &str) -> Result<()> {
        let names = c_string(passes);
        unsafe {
            let options = LLVMCreatePassBuilderOptions();
            let failed = LLVMRunPasses(self.0, names.as_ptr(), target.machine, options);
            LLVMDisposePassBuilderOptions(options);
            if !failed.is_null() {
                bail!("passes {passes}: {}", error(failed));
            }
        }
        Ok(())
    }

    /// Checks that the program is well formed.
    pub fn verify(self) -> Result<()> {
        unsafe {
            let mut text = ptr::null_mut();
            let action = LLVMVerifierFailureAction::LLVMReturnStatusAction;
            if LLVMVerifyModule(self.0, action, &mut text) != 0 {
                bail!("the rewritten program is malformed: {}", message(text));
            }
            LLVMDisposeMessage(text);
        }
        Ok(())
    }

    /// Writes the program as text.
    pub fn write(self, path: &Path) -> Result<()> {
        let name = CString::new(path.as_os_str().as_encoded_bytes())?;
        unsafe {
            let mut text = ptr::null_mut();
            if LLVMPrintModuleToFile(self.0, name.as_ptr(), &mut text) != 0 {
                bail!("{}: {}", path.display(), message(text));
            }
        }
        Ok(())
    }

    pub fn strip_debug_info(self) {
        unsafe { LLVMStripModuleDebugInfo(self.0) };
    }

    pub fn functions(self) -> Vec<Value> {
        unsafe { list(LLVMGetFirstFunction(self.0), |at| LLVMGetNextFunction(at)) }
    }

    pub fn globals(self) -> Vec<Value> {
        unsafe { list(LLVMGetFirstGlobal(self.0), |at| LLVMGetNextGlobal(at)) }
    }

    pub fn aliases(self) -> Vec<Value> {
        unsafe { list(LLVMGetFirstGlobalAlias(self.0), |at| LLVMGetNextGlobalAlias(at)) }
    }

    /// Returns the function with this name.
    pub fn function(self, name: &str) -> Option<Value> {
        let name = c_string(name);
        let function = unsafe { LLVMGetNamedFunction(self.0, name.as_ptr()) };
        (!function.is_null()).then_some(Value(function))
    }

    /// Declares a function.
    pub fn declare(self, name: &str, ty: Type) -> Value {
        let name = c_string(name);
        Value(unsafe { LLVMAddFunction(self.0, name.as_ptr(), ty.0) })
    }

    /// Deletes a global variable that has no uses. Does nothing if there is no such variable.
    pub fn delete_global(self, name: &str) {
        let name = c_string(name);
        unsafe {
            let global = LLVMGetNamedGlobal(self.0, name.as_ptr());
            if !global.is_null() {
                LLVMDeleteGlobal(global);
            }
        }
    }
}

fn list(first: LLVMValueRef, next: impl Fn(LLVMValueRef) -> LLVMValueRef) -> Vec<Value> {
    let mut values = vec![];
    let mut at = first;
    while !at.is_null() {
        values.push(Value(at));
        at = next(at);
    }
    values
}
