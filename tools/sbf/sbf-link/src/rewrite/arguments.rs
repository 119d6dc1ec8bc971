//! Rewrites calls that need more registers than BPF has: five for arguments and one for the result.
//!
//! Arguments beyond the fifth register are stored in a structure in the caller's frame. The address
//! of the structure is the last argument. A result that needs several registers is stored through a
//! pointer, which is the first argument. The new form depends only on a function's type, so callers
//! and callees agree, even across function pointers.
//!
//! ```text
//!   u128 f(a, b, c, d, e, f)   becomes   void f.packed(out: *u128, a, b, c, rest: *{d, e, f})
//! ```

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};
use llvm_sys::{LLVMOpcode, LLVMTypeKind};

use crate::llvm::{Builder, Module, Type, Value};

/// The number of registers for arguments.
const REGISTERS: u64 = 5;

/// Rewrites the whole program. The next `always-inline` pass inlines each original function into
/// the function with the new type.
pub fn rewrite(module: Module) -> Result<()> {
    let builder = Builder::new(module);
    let mut packed = vec![];
    for function in module.functions() {
        let name = function.name();
        if name.starts_with("llvm.") {
            continue;
        }
        let Some(packing) = Packing::of(&builder, function.function_type()) else {
            continue;
        };
        ensure!(
            !function.is_declaration(),
            "{name}: an external function can have at most {REGISTERS} argument registers and one result register"
        );
        let new = module.declare(&format!("{name}.packed"), packing.ty);
        new.internalize();
        function.replace_uses(new);
        packed.push((function, new, packing));
    }
    for function in module.functions() {
        rewrite_calls(&builder, function)?;
    }
    for (function, new, packing) in packed {
        forward(&builder, function, new, &packing);
    }
    Ok(())
}

/// How the functions of a type change.
struct Packing {
    /// The result, if it is stored through an added first parameter instead of being returned.
    result: Option<Type>,
    /// The number of parameters that do not change.
    kept: usize,
    /// The structure of the remaining parameters, to which the added last parameter points.
    rest: Option<Type>,
    /// The new function type.
    ty: Type,
}

impl Packing {
    /// Returns `None` if functions of the type do not change.
    fn of(builder: &Builder, ty: Type) -> Option<Self> {
        if ty.is_variadic() {
            return None;
        }
        let result = Some(ty.result()).filter(|result| registers(*result) > 1);
        let parameters = ty.parameters();
        let hidden = u64::from(result.is_some());
        let total = parameters
            .iter()
            .map(|parameter| registers(*parameter))
            .sum::<u64>()
            + hidden;
        if total <= REGISTERS && result.is_none() {
            return None;
        }
        let mut changed = vec![];
        if result.is_some() {
            changed.push(builder.pointer());
        }
        let mut kept = parameters.len();
        let mut rest = None;
        if total > REGISTERS {
            kept = 0;
            let mut used = 0;
            while used + registers(parameters[kept]) < REGISTERS - hidden {
                used += registers(parameters[kept]);
                kept += 1;
            }
            rest = Some(builder.structure(&parameters[kept..]));
        }
        changed.extend(&parameters[..kept]);
        if rest.is_some() {
            changed.push(builder.pointer());
        }
        let returned = if result.is_some() {
            builder.void()
        } else {
            ty.result()
        };
        Some(Self {
            result,
            kept,
            rest,
            ty: builder.function(&changed, returned),
        })
    }
}

/// Returns the number of registers that a value of the type needs.
fn registers(ty: Type) -> u64 {
    if let Some(bits) = ty.integer_bits() {
        return bits.div_ceil(64).into();
    }
    if let Some((element, length)) = ty.elements() {
        return length * registers(element);
    }
    match ty.kind() {
        LLVMTypeKind::LLVMVoidTypeKind => 0,
        LLVMTypeKind::LLVMStructTypeKind => ty.fields().into_iter().map(registers).sum(),
        LLVMTypeKind::LLVMFP128TypeKind => 2,
        _ => 1,
    }
}

/// Rewrites the calls in a function.
fn rewrite_calls(builder: &Builder, function: Value) -> Result<()> {
    // One allocation in the frame for each type is enough: a call has returned before the next one
    // is prepared.
    let mut allocations = HashMap::new();
    for call in function.instructions() {
        let opcode = call.opcode();
        if opcode == LLVMOpcode::LLVMInvoke {
            bail!(
                "{}: a call can unwind; build the program with panic = \"abort\"",
                function.name()
            );
        }
        if opcode != LLVMOpcode::LLVMCall {
            continue;
        }
        let callee = call.callee();
        if callee.is_inline_assembly() || (callee.is_function() && callee.is_intrinsic()) {
            continue;
        }
        let Some(packing) = Packing::of(builder, call.called_type()) else {
            continue;
        };
        builder.position_before(call);
        let mut allocate = |ty: Type| *allocations.entry(ty).or_insert_with(|| builder.alloca(ty));
        let result = packing.result.map(|ty| (ty, allocate(ty)));
        let rest = packing.rest.map(|ty| (ty, allocate(ty)));
        let mut arguments: Vec<Value> = result.iter().map(|(_, address)| *address).collect();
        for (at, value) in call.arguments().into_iter().enumerate() {
            match rest {
                Some((ty, address)) if at >= packing.kept => {
                    builder.store(value, builder.field(ty, address, at - packing.kept));
                }
                _ => arguments.push(value),
            }
        }
        arguments.extend(rest.map(|(_, address)| address));
        let changed = builder.call(packing.ty, callee, &arguments);
        changed.copy_call_convention(call);
        let value = match result {
            Some((ty, address)) => Some(builder.load(ty, address)),
            None => Some(changed).filter(|_| !call.ty().is_void()),
        };
        call.replace(value);
    }
    Ok(())
}

/// Gives the new function its body: a call of the original function.
fn forward(builder: &Builder, function: Value, new: Value, packing: &Packing) {
    new.copy_convention(function);
    for attribute in ["noinline", "optnone"] {
        function.remove_attribute(attribute);
    }
    function.add_attribute("alwaysinline");
    function.internalize();
    builder.start_body(new);
    let ty = function.function_type();
    let hidden = usize::from(packing.result.is_some());
    let parameters = ty.parameters();
    let mut arguments = vec![];
    for (at, parameter) in parameters.into_iter().enumerate() {
        arguments.push(match packing.rest {
            Some(rest) if at >= packing.kept => {
                let last = new.parameter(hidden + packing.kept);
                builder.load(parameter, builder.field(rest, last, at - packing.kept))
            }
            _ => new.parameter(hidden + at),
        });
    }
    let call = builder.call(ty, function, &arguments);
    call.use_convention_of(function);
    if packing.result.is_some() {
        builder.store(call, new.parameter(0));
        builder.return_from(None);
    } else {
        builder.return_from(Some(call).filter(|call| !call.ty().is_void()));
    }
}
