//! Signed division: BPF before v4 has unsigned division alone.

use llvm_sys::LLVMOpcode;

use crate::llvm::{Builder, Module};

/// Rewrite the whole program. Divisions wider than 64 bits are left to [`super::wide`].
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
            builder.before(instruction);
            let x = builder.extend_signed(instruction.operand(0), i64);
            let y = builder.extend_signed(instruction.operand(1), i64);
            // All ones where negative; (v ^ sign) - sign is then the magnitude of v, and gives it its sign again.
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
