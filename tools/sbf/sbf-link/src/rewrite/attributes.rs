//! Removes attributes and lists that the back end cannot compile, or that keep unused symbols.

use crate::llvm::Module;

/// Removes rustc's lists of symbols to keep. The only export is the entrypoint, which the linker
/// knows.
pub fn drop_used(module: Module) {
    for list in ["llvm.used", "llvm.compiler.used"] {
        module.delete_global(list);
    }
}

/// Removes rustc's processor settings from each function. They would override the settings of the
/// linker.
pub fn drop_processor(module: Module) {
    for function in module.functions() {
        for key in ["target-cpu", "target-features", "probe-stack"] {
            function.remove_text_attribute(key);
        }
    }
}

/// Removes `sret`, which the back end cannot compile. Such a parameter is an ordinary pointer to
/// it.
pub fn drop_sret(module: Module) {
    for function in module.functions() {
        function.remove_parameter_attribute("sret");
        for call in function
            .instructions()
            .into_iter()
            .filter(|instruction| instruction.is_call())
        {
            call.remove_argument_attribute("sret");
        }
    }
}
