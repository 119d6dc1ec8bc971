//! Turns copies and fills into calls.
//!
//! The back end would inline up to 128 loads and stores for a constant length. A call costs about
//! as many compute units as eight words do, and it has a quarter of their code. Shorter copies and
//! fills stay inline.
//!
//! No copy calls `memcpy`: each call is one of `memmove`, also for an `llvm.memcpy` of a variable
//! length. The two ranges of an `llvm.memcpy` may be equal, but the system call behind `memcpy`
//! refuses ranges that overlap. The one behind `memmove` costs the same.

use crate::llvm::{Builder, Module, Value};

/// The maximum constant number of bytes that stays inline.
const INLINE: u64 = 64;

/// Rewrites the whole program. `memmove` and `memset` must be defined in it.
pub fn rewrite(module: Module) {
    let builder = Builder::new(module);
    for function in module.functions() {
        // The routines are not rewritten, because they would call themselves.
        if ROUTINES.contains(&function.name().as_str()) {
            continue;
        }
        for instruction in function.instructions() {
            if let Some(routine) = routine(module, instruction) {
                call(&builder, routine, instruction);
            }
        }
    }
}

const ROUTINES: [&str; 3] = ["memcpy", "memmove", "memset"];

/// Returns the routine that replaces an instruction, if one does.
fn routine(module: Module, instruction: Value) -> Option<Value> {
    if !instruction.is_call() {
        return None;
    }
    let callee = instruction.callee();
    if !callee.is_function() || !callee.is_intrinsic() {
        return None;
    }
    let name = callee.name();
    let name = name.strip_prefix("llvm.")?.split('.').next()?;
    if !ROUTINES.contains(&name) {
        return None;
    }
    let length = instruction.operand(2).constant_integer();
    let routine = match (name, length) {
        (_, Some(..=INLINE)) => return None,
        ("memcpy", _) | ("memmove", Some(_)) => "memmove",
        ("memset", Some(_)) => "memset",
        _ => return None,
    };
    module.function(routine)
}

fn call(builder: &Builder, routine: Value, instruction: Value) {
    builder.position_before(instruction);
    let ty = routine.function_type();
    let arguments: Vec<Value> = instruction
        .arguments()
        .into_iter()
        .zip(ty.parameters())
        .map(|(argument, parameter)| {
            if argument.ty() == parameter {
                argument
            } else {
                // memset takes the byte as a 32-bit integer.
                builder.extend(argument, parameter)
            }
        })
        .collect();
    builder.call(ty, routine, &arguments);
    instruction.replace(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = r"
        declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
        declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
        declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
        define ptr @memcpy(ptr %to, ptr %from, i64 %length) { ret ptr %to }
        define ptr @memmove(ptr %to, ptr %from, i64 %length) { ret ptr %to }
        define ptr @memset(ptr %to, i32 %byte, i64 %length) { ret ptr %to }
        define void @program(ptr %to, ptr %from, i64 %length) {
            call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 65, i1 false)
            call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %length, i1 false)
            call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 64, i1 false)
            call void @llvm.memmove.p0.p0.i64(ptr %to, ptr %from, i64 65, i1 false)
            call void @llvm.memmove.p0.p0.i64(ptr %to, ptr %from, i64 %length, i1 false)
            call void @llvm.memset.p0.i64(ptr %to, i8 7, i64 65, i1 false)
            call void @llvm.memset.p0.i64(ptr %to, i8 7, i64 64, i1 false)
            ret void
        }";

    /// The system call behind `memcpy` refuses equal ranges, which an `llvm.memcpy` may have.
    #[test]
    fn no_copy_that_may_have_equal_ranges_calls_memcpy() {
        let module = Module::new();
        module.link_text(PROGRAM).expect("the program is valid");
        rewrite(module);
        module.verify().expect("the rewritten program is valid");
        let program = module.function("program").expect("it is defined");
        let calls = program.instructions().into_iter().filter(|at| at.is_call());
        let callees: Vec<String> = calls.map(|call| call.callee().name()).collect();
        assert_eq!(
            callees,
            [
                "memmove",
                "memmove",
                "llvm.memcpy.p0.p0.i64",
                "memmove",
                "llvm.memmove.p0.p0.i64",
                "memset",
                "llvm.memset.p0.i64",
            ]
        );
    }
}
