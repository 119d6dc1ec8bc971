//! Generates code for BPF.

use std::{
    ffi::{CStr, c_void},
    ptr,
};

use anyhow::{Result, bail};
use llvm_sys::{
    LLVMDiagnosticSeverity, core::*, prelude::*, support::LLVMParseCommandLineOptions, target::*,
    target_machine::*,
};

use super::{Module, c_string, message};

/// The BPF back end, configured for a processor.
pub struct Target {
    pub(super) machine: LLVMTargetMachineRef,
}

/// The result of code generation.
#[derive(Default)]
pub struct Generated {
    /// The object file.
    pub object: Vec<u8>,
    /// Routines that the generated code calls although the program does not.
    pub routines: Vec<String>,
    /// Errors for constructs that the back end cannot compile.
    pub errors: Vec<String>,
}

// SAFETY of every block below: the handles are valid (see the module documentation of `llvm`), and
// pointers passed to LLVM outlive the call.
impl Target {
    /// Creates the back end for the module's target. `frame` is the size of a stack frame in bytes.
    pub fn new(module: Module, cpu: &str, features: &str, frame: usize) -> Result<Self> {
        unsafe {
            LLVMInitializeBPFTarget();
            LLVMInitializeBPFTargetMC();
            LLVMInitializeBPFTargetInfo();
            LLVMInitializeBPFAsmPrinter();
            let arguments = [
                c"sbf-link".to_owned(),
                c_string(&format!("--bpf-stack-size={frame}")),
            ];
            let arguments = [arguments[0].as_ptr(), arguments[1].as_ptr()];
            LLVMParseCommandLineOptions(2, arguments.as_ptr(), c"".as_ptr());

            let triple = LLVMGetTarget(module.0);
            let mut target = ptr::null_mut();
            let mut text = ptr::null_mut();
            if LLVMGetTargetFromTriple(triple, &mut target, &mut text) != 0 {
                bail!(
                    "the inputs are for a target that LLVM doesn't know: {}",
                    message(text)
                );
            }
            let (cpu, features) = (c_string(cpu), c_string(features));
            let machine = LLVMCreateTargetMachine(
                target,
                triple,
                cpu.as_ptr(),
                features.as_ptr(),
                LLVMCodeGenOptLevel::LLVMCodeGenLevelAggressive,
                LLVMRelocMode::LLVMRelocStatic,
                LLVMCodeModel::LLVMCodeModelDefault,
            );
            Ok(Self { machine })
        }
    }

    /// Generates code from a copy of the module.
    pub fn generate(&self, module: Module) -> Result<Generated> {
        let mut generated = Generated::default();
        unsafe {
            let data = ptr::from_mut(&mut generated).cast();
            LLVMContextSetDiagnosticHandler(module.context(), Some(diagnostic), data);
            let copy = LLVMCloneModule(module.0);
            let mut text = ptr::null_mut();
            let mut buffer = ptr::null_mut();
            let kind = LLVMCodeGenFileType::LLVMObjectFile;
            let failed =
                LLVMTargetMachineEmitToMemoryBuffer(self.machine, copy, kind, &mut text, &mut buffer) != 0;
            LLVMDisposeModule(copy);
            LLVMContextSetDiagnosticHandler(module.context(), None, ptr::null_mut());
            if failed {
                bail!("code generation: {}", message(text));
            }
            let start = LLVMGetBufferStart(buffer).cast();
            generated.object = std::slice::from_raw_parts(start, LLVMGetBufferSize(buffer)).to_vec();
            LLVMDisposeMemoryBuffer(buffer);
        }
        Ok(generated)
    }
}

/// Collects the back end's errors. `data` points to a `Generated`.
extern "C" fn diagnostic(info: LLVMDiagnosticInfoRef, data: *mut c_void) {
    const ROUTINE: &str = "A call to built-in function '";
    unsafe {
        if LLVMGetDiagInfoSeverity(info) != LLVMDiagnosticSeverity::LLVMDSError {
            return;
        }
        let generated = &mut *data.cast::<Generated>();
        let raw = LLVMGetDiagInfoDescription(info);
        let text = CStr::from_ptr(raw).to_string_lossy().into_owned();
        LLVMDisposeMessage(raw);
        // The back end reports each call that it adds by itself as an error, although the code is
        // correct.
        let Some((_, rest)) = text.split_once(ROUTINE) else {
            generated.errors.push(text);
            return;
        };
        let name = rest.split('\'').next().unwrap_or_default().to_owned();
        if !generated.routines.contains(&name) {
            generated.routines.push(name);
        }
    }
}
