//! Rewrites signed division, because BPF before v4 has only unsigned division.

use llvm_sys::LLVMOpcode;

use crate::llvm::{Builder, Module};

/// Rewrites the whole program. [`super::wide`] rewrites divisions wider than 64 bits.
pub fn rewrite(module: Module) {
    let builder = Builder::new(module);
    let i64 = builder.integer(64);
    let sign_bit = i64.constant(63);
    for function in module.functions() {
        for instruction in function.instructions() {
            let remainder = match instruction.opcode() {
                LLVMOpcode::LLVMSRem => true,
                LLVMOpcode::LLVMSDiv => false,
                _ => continue,
            };
            let ty = instruction.ty();
            if ty.integer_bits().is_none_or(|bits| bits > 64) {
                continue;
            }
            builder.position_before(instruction);
            let x = builder.extend_signed(instruction.operand(0), i64);
            let y = builder.extend_signed(instruction.operand(1), i64);
            // The sign has all bits set if the value is negative, and is zero otherwise. (v ^ sign)
            // - sign is the magnitude of v. The same operation gives a magnitude its sign.
            let x_sign = builder.ashr(x, sign_bit);
            let y_sign = builder.ashr(y, sign_bit);
            let x = builder.sub(builder.xor(x, x_sign), x_sign);
            let y = builder.sub(builder.xor(y, y_sign), y_sign);
            // A remainder has the sign of the dividend.
            let (result, sign) = if remainder {
                (builder.urem(x, y), x_sign)
            } else {
                (builder.udiv(x, y), builder.xor(x_sign, y_sign))
            };
            let result = builder.sub(builder.xor(result, sign), sign);
            instruction.replace(Some(builder.truncate(result, ty)));
        }
    }
}
