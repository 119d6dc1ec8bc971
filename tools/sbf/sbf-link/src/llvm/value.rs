//! Types and values of LLVM.

use llvm_sys::{
    LLVMAttributeFunctionIndex, LLVMAttributeIndex, LLVMLinkage, LLVMOpcode, LLVMTypeKind, LLVMVisibility,
    core::*, prelude::*,
};

/// A type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Type(pub(super) LLVMTypeRef);

// SAFETY of every block below: the handles are valid (see the module documentation of `llvm`).
// LLVM's own preconditions are in each method's documentation.
impl Type {
    pub fn kind(self) -> LLVMTypeKind {
        unsafe { LLVMGetTypeKind(self.0) }
    }

    pub fn is_void(self) -> bool {
        self.kind() == LLVMTypeKind::LLVMVoidTypeKind
    }

    /// Returns the width of an integer type in bits, or `None` for other types.
    pub fn integer_bits(self) -> Option<u32> {
        (self.kind() == LLVMTypeKind::LLVMIntegerTypeKind).then(|| unsafe { LLVMGetIntTypeWidth(self.0) })
    }

    /// Returns the fields of a structure type, or an empty list for other types.
    pub fn fields(self) -> Vec<Type> {
        if self.kind() != LLVMTypeKind::LLVMStructTypeKind {
            return vec![];
        }
        unsafe {
            (0..LLVMCountStructElementTypes(self.0))
                .map(|at| Type(LLVMStructGetTypeAtIndex(self.0, at)))
                .collect()
        }
    }

    /// Returns the element type and the length of an array or vector, or `None` for other types.
    pub fn elements(self) -> Option<(Type, u64)> {
        let length = match self.kind() {
            LLVMTypeKind::LLVMArrayTypeKind => unsafe { LLVMGetArrayLength2(self.0) },
            LLVMTypeKind::LLVMVectorTypeKind => u64::from(unsafe { LLVMGetVectorSize(self.0) }),
            _ => return None,
        };
        Some((Type(unsafe { LLVMGetElementType(self.0) }), length))
    }

    /// Returns the parameters of a function type.
    pub fn parameters(self) -> Vec<Type> {
        unsafe {
            let mut types = vec![std::ptr::null_mut(); LLVMCountParamTypes(self.0) as usize];
            LLVMGetParamTypes(self.0, types.as_mut_ptr());
            types.into_iter().map(Type).collect()
        }
    }

    /// Returns the result of a function type.
    pub fn result(self) -> Type {
        Type(unsafe { LLVMGetReturnType(self.0) })
    }

    /// Returns whether a function type accepts more arguments than it declares.
    pub fn is_variadic(self) -> bool {
        unsafe { LLVMIsFunctionVarArg(self.0) != 0 }
    }

    pub fn null(self) -> Value {
        Value(unsafe { LLVMConstNull(self.0) })
    }

    pub fn undefined(self) -> Value {
        Value(unsafe { LLVMGetUndef(self.0) })
    }

    /// Returns a constant of an integer type.
    pub fn constant(self, value: u64) -> Value {
        Value(unsafe { LLVMConstInt(self.0, value, 0) })
    }

    /// Returns the value of an integer type that has all bits set.
    pub fn all_ones(self) -> Value {
        Value(unsafe { LLVMConstAllOnes(self.0) })
    }
}

/// A value: a constant, a global, a function, a parameter or an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Value(pub(super) LLVMValueRef);

impl Value {
    pub fn name(self) -> String {
        unsafe {
            let mut length = 0;
            let start = LLVMGetValueName2(self.0, &mut length);
            String::from_utf8_lossy(std::slice::from_raw_parts(start.cast(), length)).into_owned()
        }
    }

    pub fn ty(self) -> Type {
        Type(unsafe { LLVMTypeOf(self.0) })
    }

    pub fn is_constant(self) -> bool {
        unsafe { LLVMIsConstant(self.0) != 0 }
    }

    pub fn is_null(self) -> bool {
        unsafe { LLVMIsNull(self.0) != 0 }
    }

    /// Returns the value of an integer constant of at most 64 bits, or `None` for other values.
    pub fn constant_integer(self) -> Option<u64> {
        unsafe { (!LLVMIsAConstantInt(self.0).is_null()).then(|| LLVMConstIntGetZExtValue(self.0)) }
    }

    /// Returns whether this is a function, and not, for example, a pointer to one.
    pub fn is_function(self) -> bool {
        unsafe { !LLVMIsAFunction(self.0).is_null() }
    }

    pub fn is_inline_assembly(self) -> bool {
        unsafe { !LLVMIsAInlineAsm(self.0).is_null() }
    }

    /// Returns the operand of a zero extension, or `None` for other values.
    pub fn zero_extended(self) -> Option<Value> {
        unsafe { (!LLVMIsAZExtInst(self.0).is_null()).then(|| Value(LLVMGetOperand(self.0, 0))) }
    }
}

/// Methods of globals and functions.
impl Value {
    pub fn is_declaration(self) -> bool {
        unsafe { LLVMIsDeclaration(self.0) != 0 }
    }

    /// Returns whether a global variable is constant.
    pub fn is_constant_global(self) -> bool {
        unsafe { LLVMIsGlobalConstant(self.0) != 0 }
    }

    /// Makes a global or function private to the module.
    pub fn internalize(self) {
        unsafe {
            LLVMSetLinkage(self.0, LLVMLinkage::LLVMInternalLinkage);
            LLVMSetVisibility(self.0, LLVMVisibility::LLVMDefaultVisibility);
        }
    }

    /// Returns the type of a function.
    pub fn function_type(self) -> Type {
        Type(unsafe { LLVMGlobalGetValueType(self.0) })
    }

    /// Returns whether a function is one of LLVM's intrinsics.
    pub fn is_intrinsic(self) -> bool {
        unsafe { LLVMGetIntrinsicID(self.0) != 0 }
    }

    /// Returns a function's parameter by index.
    pub fn parameter(self, at: usize) -> Value {
        Value(unsafe { LLVMGetParam(self.0, at as u32) })
    }

    /// Returns the instructions of a function.
    pub fn instructions(self) -> Vec<Value> {
        let mut list = vec![];
        unsafe {
            let mut block = LLVMGetFirstBasicBlock(self.0);
            while !block.is_null() {
                let mut instruction = LLVMGetFirstInstruction(block);
                while !instruction.is_null() {
                    list.push(Value(instruction));
                    instruction = LLVMGetNextInstruction(instruction);
                }
                block = LLVMGetNextBasicBlock(block);
            }
        }
        list
    }

    /// Sets a function's calling convention to that of another function.
    pub fn copy_convention(self, other: Value) {
        unsafe { LLVMSetFunctionCallConv(self.0, LLVMGetFunctionCallConv(other.0)) }
    }

    /// Removes an attribute `key="..."` from a function.
    pub fn remove_text_attribute(self, key: &str) {
        unsafe {
            LLVMRemoveStringAttributeAtIndex(
                self.0,
                LLVMAttributeFunctionIndex,
                key.as_ptr().cast(),
                key.len() as u32,
            );
        }
    }

    /// Removes an attribute from a function.
    pub fn remove_attribute(self, name: &str) {
        unsafe { LLVMRemoveEnumAttributeAtIndex(self.0, LLVMAttributeFunctionIndex, attribute(name)) }
    }

    /// Removes an attribute from all parameters of a function.
    pub fn remove_parameter_attribute(self, name: &str) {
        unsafe {
            for at in 1..=LLVMCountParams(self.0) {
                LLVMRemoveEnumAttributeAtIndex(self.0, at as LLVMAttributeIndex, attribute(name));
            }
        }
    }

    /// Adds an attribute to a function.
    pub fn add_attribute(self, name: &str) {
        unsafe {
            let context = LLVMGetTypeContext(self.ty().0);
            let added = LLVMCreateEnumAttribute(context, attribute(name), 0);
            LLVMAddAttributeAtIndex(self.0, LLVMAttributeFunctionIndex, added);
        }
    }
}

/// Methods of instructions.
impl Value {
    pub fn opcode(self) -> LLVMOpcode {
        unsafe { LLVMGetInstructionOpcode(self.0) }
    }

    pub fn operand(self, at: u32) -> Value {
        Value(unsafe { LLVMGetOperand(self.0, at) })
    }

    pub fn is_call(self) -> bool {
        self.opcode() == LLVMOpcode::LLVMCall
    }

    /// Returns the function that a call calls.
    pub fn callee(self) -> Value {
        Value(unsafe { LLVMGetCalledValue(self.0) })
    }

    /// Returns the function type that a call assumes for its callee.
    pub fn called_type(self) -> Type {
        Type(unsafe { LLVMGetCalledFunctionType(self.0) })
    }

    /// Returns the arguments of a call.
    pub fn arguments(self) -> Vec<Value> {
        unsafe {
            (0..LLVMGetNumArgOperands(self.0))
                .map(|at| self.operand(at))
                .collect()
        }
    }

    /// Sets a call's calling convention to that of another call.
    pub fn copy_call_convention(self, other: Value) {
        unsafe { LLVMSetInstructionCallConv(self.0, LLVMGetInstructionCallConv(other.0)) }
    }

    /// Sets a call's calling convention to that of a function.
    pub fn use_convention_of(self, function: Value) {
        unsafe { LLVMSetInstructionCallConv(self.0, LLVMGetFunctionCallConv(function.0)) }
    }

    /// Removes an attribute from all arguments of a call.
    pub fn remove_argument_attribute(self, name: &str) {
        unsafe {
            for at in 1..=LLVMGetNumArgOperands(self.0) {
                LLVMRemoveCallSiteEnumAttribute(self.0, at as LLVMAttributeIndex, attribute(name));
            }
        }
    }

    /// Replaces every use of this value by another value.
    pub fn replace_uses(self, with: Value) {
        unsafe { LLVMReplaceAllUsesWith(self.0, with.0) }
    }

    /// Erases this instruction. If `by` is a value, it replaces every use of the instruction. The
    /// handle must not be used again.
    pub fn replace(self, by: Option<Value>) {
        if let Some(value) = by {
            self.replace_uses(value);
        }
        unsafe { LLVMInstructionEraseFromParent(self.0) }
    }
}

fn attribute(name: &str) -> u32 {
    unsafe { LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()) }
}
