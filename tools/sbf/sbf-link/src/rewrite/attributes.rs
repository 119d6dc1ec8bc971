//! Attributes and lists that would stop the back end, or keep what nothing uses.

use crate::llvm::Module;

/// rustc's lists of symbols to keep. The one export, the entrypoint, is known.
pub fn drop_used(module: Module) {
    for list in ["llvm.used", "llvm.compiler.used"] {
        module.delete_global(list);
    }
}

/// rustc's processor settings of each function, which would win over the linker's.
pub fn drop_processor(module: Module) {
    for function in module.functions() {
        for key in ["target-cpu", "target-features", "probe-stack"] {
            function.remove_text_attribute(key);
        }
    }
}

/// The back end refuses `sret`, though such a parameter is an ordinary pointer to it.
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
