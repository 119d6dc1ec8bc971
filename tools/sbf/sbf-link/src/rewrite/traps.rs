//! Replaces `llvm.trap` by a call of the `abort` system call.

use crate::llvm::{Builder, Module, Value};

/// Rewrites the whole program.
pub fn rewrite(module: Module) {
    let is_trap = |function: &Value| {
        matches!(
            function.name().as_str(),
            "llvm.trap" | "llvm.debugtrap" | "llvm.ubsantrap"
        )
    };
    let traps: Vec<Value> = module.functions().into_iter().filter(is_trap).collect();
    if traps.is_empty() {
        return;
    }
    let builder = Builder::new(module);
    let ty = builder.function(&[], builder.void());
    let abort = module
        .function("abort")
        .unwrap_or_else(|| module.declare("abort", ty));
    for function in module.functions() {
        for instruction in function.instructions() {
            if instruction.is_call() && traps.contains(&instruction.callee()) {
                builder.position_before(instruction);
                builder.call(ty, abort, &[]);
                instruction.replace(None);
            }
        }
    }
}
