//! Rewrites products with an overflow bit: `llvm.umul.with.overflow` and `llvm.smul.with.overflow`
//! of 64 and 128 bits.

use anyhow::Result;
use llvm_sys::LLVMIntPredicate;

use super::wide_builder::WideBuilder;
use crate::llvm::Value;

/// Returns the replacement of a call, or `None` if the call is not such a product.
pub fn replacement(wide: &WideBuilder, call: Value) -> Result<Option<Value>> {
    let name = call.callee().name();
    let Some((sign, bits)) = name
        .strip_prefix("llvm.")
        .and_then(|name| name.split_once("mul.with.overflow.i"))
    else {
        return Ok(None);
    };
    let bits = match bits {
        "64" => 64,
        "128" => 128,
        _ => return Ok(None),
    };
    let (x, y) = (call.operand(0), call.operand(1));
    let (product, overflow) = if sign == "s" {
        wide.signed(bits, x, y)?
    } else {
        wide.unsigned(bits, x, y)?
    };
    let pair = wide.builder.insert(call.ty().undefined(), product, 0);
    Ok(Some(wide.builder.insert(pair, overflow, 1)))
}

/// Each method returns the product and whether it overflowed.
impl WideBuilder {
    fn unsigned(&self, bits: u64, x: Value, y: Value) -> Result<(Value, Value)> {
        if bits == 64 {
            Ok(self.unsigned_64(x, y))
        } else {
            self.unsigned_128(x, y)
        }
    }

    fn signed(&self, bits: u64, x: Value, y: Value) -> Result<(Value, Value)> {
        let b = &self.builder;
        let ty = x.ty();
        let top = ty.constant(bits - 1);
        let magnitude = |value| {
            let sign = b.ashr(value, top);
            b.sub(b.xor(value, sign), sign)
        };
        let (product, overflow) = self.unsigned(bits, magnitude(x), magnitude(y))?;
        // All bits are set if the product is negative.
        let sign = b.ashr(b.xor(x, y), top);
        let result = b.sub(b.xor(product, sign), sign);
        // The largest magnitude that fits is 2^(bits-1) - 1, and 2^(bits-1) for a negative product.
        let limit = b.lshr(ty.all_ones(), ty.constant(1));
        let limit = b.sub(limit, sign);
        let over = b.compare(LLVMIntPredicate::LLVMIntUGT, product, limit);
        Ok((result, b.or(overflow, over)))
    }

    fn unsigned_64(&self, x: Value, y: Value) -> (Value, Value) {
        let b = &self.builder;
        let product = b.mul(x, y);
        // For x != 0, the product is exact if and only if (x * y) / x = y. For x = 0 it is always
        // exact.
        let zero = self.is_zero(x);
        let divisor = b.select(zero, self.int(1), x);
        let quotient = b.udiv(product, divisor);
        let lost = b.compare(LLVMIntPredicate::LLVMIntNE, quotient, y);
        (product, b.select(zero, lost.ty().null(), lost))
    }

    fn unsigned_128(&self, x: Value, y: Value) -> Result<(Value, Value)> {
        let b = &self.builder;
        let (x_low, x_high, y_low, y_high) = (self.low(x), self.high(x), self.low(y), self.high(y));
        // The product is (x_high 2^64 + x_low)(y_high 2^64 + y_low). It overflows if both operands
        // have a high part, if a cross product needs more than 64 bits, or if the sum of the cross
        // product and the high part of the low product does.
        let x_narrow = self.is_zero(x_high);
        let y_narrow = self.is_zero(y_high);
        let both = b.not(b.or(x_narrow, y_narrow));
        let (cross_1, lost_1) = self.unsigned_64(x_high, y_low);
        let (cross_2, lost_2) = self.unsigned_64(y_high, x_low);
        let cross = b.add(cross_1, cross_2);
        let low = self.call("__multi3", self.wide(x_low), self.wide(y_low))?;
        let high = b.add(self.high(low), cross);
        let carry = b.compare(LLVMIntPredicate::LLVMIntULT, high, cross);
        let product = self.join(self.low(low), high);
        let lost = [lost_1, lost_2, carry]
            .into_iter()
            .fold(both, |lost, more| b.or(lost, more));
        Ok((product, lost))
    }

    fn is_zero(&self, x: Value) -> Value {
        self.builder
            .compare(LLVMIntPredicate::LLVMIntEQ, x, x.ty().null())
    }
}
