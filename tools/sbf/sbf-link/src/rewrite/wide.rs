//! Rewrites 128-bit and wider arithmetic, and products with an overflow bit. For these operations
//! the back end would call routines whose results it cannot receive, with arguments it cannot pass.

use anyhow::{Result, ensure};
use llvm_sys::{LLVMIntPredicate, LLVMOpcode};

use super::{overflow, wide_builder::WideBuilder};
use crate::llvm::{Module, Value};

/// Rewrites the whole program. No pass that combines instructions may run afterwards, because it
/// would create these operations again.
pub fn rewrite(module: Module) -> Result<()> {
    let wide = WideBuilder::new(module);
    for function in module.functions() {
        for instruction in function.instructions() {
            wide.builder.position_before(instruction);
            if let Some(result) = wide.replacement(function, instruction)? {
                instruction.replace(Some(result));
            }
        }
    }
    Ok(())
}

impl WideBuilder {
    /// Returns the replacement of an instruction, or `None` if the back end can compile the
    /// instruction.
    fn replacement(&self, function: Value, instruction: Value) -> Result<Option<Value>> {
        let ty = instruction.ty();
        let opcode = instruction.opcode();
        if ty == self.i128 {
            let (x, y) = match opcode {
                LLVMOpcode::LLVMMul
                | LLVMOpcode::LLVMUDiv
                | LLVMOpcode::LLVMURem
                | LLVMOpcode::LLVMSDiv
                | LLVMOpcode::LLVMSRem
                | LLVMOpcode::LLVMShl
                | LLVMOpcode::LLVMLShr
                | LLVMOpcode::LLVMAShr => (instruction.operand(0), instruction.operand(1)),
                _ => return Ok(None),
            };
            let routine = match opcode {
                LLVMOpcode::LLVMMul => "__multi3",
                LLVMOpcode::LLVMUDiv => "__udivti3",
                LLVMOpcode::LLVMURem => "__umodti3",
                LLVMOpcode::LLVMSDiv => "__divti3",
                LLVMOpcode::LLVMSRem => "__modti3",
                _ if y.is_constant() => return Ok(None),
                _ => return Ok(Some(self.shift(opcode, x, y))),
            };
            ensure!(function.name() != routine, "{routine} would call itself");
            return self.call(routine, x, y).map(Some);
        }
        if opcode == LLVMOpcode::LLVMMul && ty.integer_bits().is_some_and(|bits| bits > 64) {
            return self
                .product(instruction.operand(0), instruction.operand(1))
                .map(Some);
        }
        if opcode == LLVMOpcode::LLVMCall {
            return overflow::replacement(self, instruction);
        }
        Ok(None)
    }

    /// Creates a product of more than 128 bits, from products of 64-bit limbs.
    fn product(&self, x: Value, y: Value) -> Result<Value> {
        let ty = x.ty();
        let limbs = |value: Value| value.ty().integer_bits().unwrap_or_default().div_ceil(64);
        let count = limbs(x);
        let part = |value, at: u32| self.low(self.builder.lshr(value, ty.constant(64 * u64::from(at))));
        let parts = |value: Value| -> Vec<Value> {
            (0..value.zero_extended().map_or(count, limbs))
                .map(|at| part(value, at))
                .collect()
        };
        let (x, y) = (parts(x), parts(y));
        let mut sum = ty.null();
        for (i, a) in (0..).zip(&x) {
            for (j, b) in (0..).zip(&y) {
                if i + j >= count || a.is_null() || b.is_null() {
                    continue;
                }
                let product = self.call("__multi3", self.wide(*a), self.wide(*b))?;
                let product = self.builder.extend(product, ty);
                let product = self.builder.shl(product, ty.constant(64 * u64::from(i + j)));
                sum = self.builder.add(sum, product);
            }
        }
        Ok(sum)
    }

    /// Creates a 128-bit shift by a variable number of bits.
    fn shift(&self, opcode: LLVMOpcode, x: Value, by: Value) -> Value {
        let b = &self.builder;
        let (low, high, by) = (self.low(x), self.high(x), self.low(by));
        let large = b.compare(LLVMIntPredicate::LLVMIntUGE, by, self.int(64));
        let by = b.and(by, self.int(63));
        // Bits move from one half to the other by 64 - by positions. This is done in two steps, by
        // 1 and by 63 - by, because a shift by 64 is undefined.
        let rest = b.xor(by, self.int(63));
        if opcode == LLVMOpcode::LLVMShl {
            let low_shifted = b.shl(low, by);
            let crossing = b.lshr(b.lshr(low, self.int(1)), rest);
            let high_shifted = b.or(b.shl(high, by), crossing);
            let (low, high) = (
                b.select(large, self.int(0), low_shifted),
                b.select(large, low_shifted, high_shifted),
            );
            return self.join(low, high);
        }
        let (high_shifted, fill) = if opcode == LLVMOpcode::LLVMLShr {
            (b.lshr(high, by), self.int(0))
        } else {
            (b.ashr(high, by), b.ashr(high, self.int(63)))
        };
        let crossing = b.shl(b.shl(high, self.int(1)), rest);
        let low_shifted = b.or(b.lshr(low, by), crossing);
        let (low, high) = (
            b.select(large, high_shifted, low_shifted),
            b.select(large, fill, high_shifted),
        );
        self.join(low, high)
    }
}
