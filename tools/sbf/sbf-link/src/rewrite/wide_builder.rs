//! Creates wide arithmetic from operations that the back end can compile.

use anyhow::{Context, Result, ensure};

use crate::llvm::{Builder, Module, Type, Value};

/// Creates wide arithmetic from 64-bit operations and calls of compiler-builtins.
pub struct WideBuilder {
    pub builder: Builder,
    pub i64: Type,
    pub i128: Type,
    module: Module,
}

impl WideBuilder {
    pub fn new(module: Module) -> Self {
        let builder = Builder::new(module);
        Self {
            i64: builder.integer(64),
            i128: builder.integer(128),
            builder,
            module,
        }
    }

    pub fn int(&self, value: u64) -> Value {
        self.i64.constant(value)
    }

    /// Returns bits 0 to 63.
    pub fn low(&self, x: Value) -> Value {
        self.builder.truncate(x, self.i64)
    }

    /// Returns bits 64 to 127 of a 128-bit value.
    pub fn high(&self, x: Value) -> Value {
        let shifted = self.builder.lshr(x, self.wide(self.int(64)));
        self.builder.truncate(shifted, self.i64)
    }

    /// Extends a 64-bit value to 128 bits, with zeros.
    pub fn wide(&self, x: Value) -> Value {
        self.builder.extend(x, self.i128)
    }

    /// Creates a 128-bit value from its two halves.
    pub fn join(&self, low: Value, high: Value) -> Value {
        let high = self.builder.shl(self.wide(high), self.wide(self.int(64)));
        self.builder.or(high, self.wide(low))
    }

    /// Calls a 128-bit routine. The linked routine may take its operands in registers or through
    /// pointers.
    pub fn call(&self, routine: &str, x: Value, y: Value) -> Result<Value> {
        let function = self.module.function(routine).with_context(|| {
            format!(
                "{routine} is needed but is not among the inputs; the program must depend on solana-compiler-builtins and use it in lib.rs"
            )
        })?;
        let ty = function.function_type();
        let mut parameters = ty.parameters();
        let mut arguments = vec![];
        let result = self.builder.alloca(self.i128);
        if ty.result().is_void() && !parameters.is_empty() {
            arguments.push(result);
            parameters.remove(0);
        }
        ensure!(
            parameters.len() == 2,
            "{routine} takes {} operands instead of 2",
            parameters.len()
        );
        for (value, parameter) in [x, y].into_iter().zip(parameters) {
            if parameter == self.builder.pointer() {
                let address = self.builder.alloca(self.i128);
                self.builder.store(value, address);
                arguments.push(address);
            } else {
                arguments.push(value);
            }
        }
        let call = self.builder.call(ty, function, &arguments);
        call.use_convention_of(function);
        Ok(if ty.result().is_void() {
            self.builder.load(self.i128, result)
        } else {
            call
        })
    }
}
