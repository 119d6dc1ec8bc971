//! Creates instructions.

use std::ffi::c_char;

use llvm_sys::{LLVMIntPredicate, core::*, prelude::*};

use super::{Module, Type, Value};

const NO_NAME: *const c_char = c"".as_ptr();

/// Creates instructions at a position in a function.
pub struct Builder {
    builder: LLVMBuilderRef,
    context: LLVMContextRef,
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident = $function:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self, x: Value, y: Value) -> Value {
            Value(unsafe { $function(self.builder, x.0, y.0, NO_NAME) })
        })*
    };
}

// SAFETY of every block below: the handles are valid (see the module documentation of `llvm`).
// Operands must have the types that LLVM expects. If they do not, the verifier rejects the module
// before code is generated from it.
impl Builder {
    pub fn new(module: Module) -> Self {
        let context = module.context();
        Self {
            builder: unsafe { LLVMCreateBuilderInContext(context) },
            context,
        }
    }

    /// Sets the position to before an instruction.
    pub fn position_before(&self, instruction: Value) {
        unsafe { LLVMPositionBuilderBefore(self.builder, instruction.0) }
    }

    /// Creates the first block of a function without a body, and sets the position to it.
    pub fn start_body(&self, function: Value) {
        unsafe {
            let block = LLVMAppendBasicBlockInContext(self.context, function.0, c"entry".as_ptr());
            LLVMPositionBuilderAtEnd(self.builder, block);
        }
    }

    pub fn integer(&self, bits: u32) -> Type {
        Type(unsafe { LLVMIntTypeInContext(self.context, bits) })
    }

    pub fn pointer(&self) -> Type {
        Type(unsafe { LLVMPointerTypeInContext(self.context, 0) })
    }

    pub fn void(&self) -> Type {
        Type(unsafe { LLVMVoidTypeInContext(self.context) })
    }

    pub fn structure(&self, fields: &[Type]) -> Type {
        let mut fields: Vec<_> = fields.iter().map(|field| field.0).collect();
        Type(unsafe { LLVMStructTypeInContext(self.context, fields.as_mut_ptr(), fields.len() as u32, 0) })
    }

    pub fn function(&self, parameters: &[Type], result: Type) -> Type {
        let mut parameters: Vec<_> = parameters.iter().map(|parameter| parameter.0).collect();
        Type(unsafe { LLVMFunctionType(result.0, parameters.as_mut_ptr(), parameters.len() as u32, 0) })
    }

    binary! {
        add = LLVMBuildAdd;
        sub = LLVMBuildSub;
        mul = LLVMBuildMul;
        /// Unsigned division.
        udiv = LLVMBuildUDiv;
        /// Unsigned remainder.
        urem = LLVMBuildURem;
        and = LLVMBuildAnd;
        or = LLVMBuildOr;
        xor = LLVMBuildXor;
        shl = LLVMBuildShl;
        /// Right shift that fills with zeros.
        lshr = LLVMBuildLShr;
        /// Right shift that fills with copies of the sign bit.
        ashr = LLVMBuildAShr;
    }

    pub fn not(&self, x: Value) -> Value {
        Value(unsafe { LLVMBuildNot(self.builder, x.0, NO_NAME) })
    }

    pub fn truncate(&self, x: Value, to: Type) -> Value {
        Value(unsafe { LLVMBuildTrunc(self.builder, x.0, to.0, NO_NAME) })
    }

    pub fn extend(&self, x: Value, to: Type) -> Value {
        Value(unsafe { LLVMBuildZExt(self.builder, x.0, to.0, NO_NAME) })
    }

    pub fn extend_signed(&self, x: Value, to: Type) -> Value {
        Value(unsafe { LLVMBuildSExt(self.builder, x.0, to.0, NO_NAME) })
    }

    pub fn compare(&self, predicate: LLVMIntPredicate, x: Value, y: Value) -> Value {
        Value(unsafe { LLVMBuildICmp(self.builder, predicate, x.0, y.0, NO_NAME) })
    }

    pub fn select(&self, condition: Value, then: Value, otherwise: Value) -> Value {
        Value(unsafe { LLVMBuildSelect(self.builder, condition.0, then.0, otherwise.0, NO_NAME) })
    }

    /// Replaces the field `at` of a structure value.
    pub fn insert(&self, structure: Value, value: Value, at: u32) -> Value {
        Value(unsafe { LLVMBuildInsertValue(self.builder, structure.0, value.0, at, NO_NAME) })
    }

    pub fn load(&self, ty: Type, from: Value) -> Value {
        Value(unsafe { LLVMBuildLoad2(self.builder, ty.0, from.0, NO_NAME) })
    }

    pub fn store(&self, value: Value, to: Value) {
        unsafe { LLVMBuildStore(self.builder, value.0, to.0) };
    }

    /// Returns the address of a field of a structure in memory.
    pub fn field(&self, structure: Type, base: Value, at: usize) -> Value {
        Value(unsafe { LLVMBuildStructGEP2(self.builder, structure.0, base.0, at as u32, NO_NAME) })
    }

    pub fn call(&self, ty: Type, function: Value, arguments: &[Value]) -> Value {
        let mut arguments: Vec<_> = arguments.iter().map(|argument| argument.0).collect();
        let count = arguments.len() as u32;
        Value(unsafe {
            LLVMBuildCall2(
                self.builder,
                ty.0,
                function.0,
                arguments.as_mut_ptr(),
                count,
                NO_NAME,
            )
        })
    }

    /// Returns from the function, with a value or without.
    pub fn return_from(&self, value: Option<Value>) {
        unsafe {
            match value {
                Some(value) => LLVMBuildRet(self.builder, value.0),
                None => LLVMBuildRetVoid(self.builder),
            }
        };
    }

    /// Allocates memory for a value in the stack frame of the current function.
    pub fn alloca(&self, ty: Type) -> Value {
        unsafe {
            let here = LLVMGetInsertBlock(self.builder);
            let function = LLVMGetBasicBlockParent(here);
            let first = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(function));
            let builder = LLVMCreateBuilderInContext(self.context);
            LLVMPositionBuilderBefore(builder, first);
            let address = LLVMBuildAlloca(builder, ty.0, NO_NAME);
            LLVMDisposeBuilder(builder);
            Value(address)
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        unsafe { LLVMDisposeBuilder(self.builder) }
    }
}
