//! Turns copies and fills of a constant length into calls, if that is shorter and no slower.
//!
//! The back end would inline up to 128 loads and stores for each of them. A call costs about as
//! many compute units as eight words do, and it has a quarter of their code.

use crate::llvm::{Builder, Module, Value};

/// The maximum number of bytes that stay inline.
const INLINE: u64 = 64;

/// Rewrites the whole program. `memcpy`, `memmove` and `memset` must be defined in it.
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
    let length = instruction.operand(2).constant_integer()?;
    (length > INLINE).then(|| module.function(name))?
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
