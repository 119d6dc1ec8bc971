//! The routines that the back end calls by name although the program does not: memory, 128-bit
//! integers, floats.
//!
//! Only code generation shows which routines are called. All of them are kept at first. After each
//! generation, the routines without a call are removed and code is generated again, until the set
//! of routines no longer changes.

use anyhow::{Result, bail};

use crate::{
    ENTRYPOINT, SECURITY_TXT,
    llvm::{Module, Target},
};

/// All routines that the back end may call.
pub const ALL: &[&str] = &[
    "memcpy",
    "memmove",
    "memset",
    "memcmp",
    "bcmp",
    "__multi3",
    "__udivti3",
    "__umodti3",
    "__divti3",
    "__modti3",
    "__ashlti3",
    "__lshrti3",
    "__ashrti3",
    "__adddf3",
    "__subdf3",
    "__muldf3",
    "__divdf3",
    "__negdf2",
    "__eqdf2",
    "__nedf2",
    "__gedf2",
    "__ltdf2",
    "__ledf2",
    "__gtdf2",
    "__unorddf2",
    "__floatundidf",
    "__floatdidf",
    "__floatunsidf",
    "__floatsidf",
    "__fixunsdfdi",
    "__fixdfdi",
    "__fixunsdfsi",
    "__fixdfsi",
    "__addsf3",
    "__subsf3",
    "__mulsf3",
    "__divsf3",
    "__eqsf2",
    "__nesf2",
    "__gesf2",
    "__ltsf2",
    "__lesf2",
    "__gtsf2",
    "__unordsf2",
    "__floatundisf",
    "__floatdisf",
    "__fixunssfdi",
    "__fixsfdi",
    "__extendsfdf2",
    "__truncdfsf2",
];

/// Generates the object file with only the routines that it calls.
pub fn generate(module: Module, target: &Target) -> Result<Vec<u8>> {
    let mut kept: Vec<String> = ALL.iter().map(ToString::to_string).collect();
    let generated = loop {
        let generated = target.generate(module)?;
        if kept.iter().all(|routine| generated.routines.contains(routine)) {
            break generated;
        }
        kept.clone_from(&generated.routines);
        let before = module.functions().len();
        internalize(module, &kept);
        module.run(target, "globaldce")?;
        if module.functions().len() == before {
            break generated;
        }
    };
    let mut errors = generated.errors;
    for routine in &kept {
        if module
            .function(routine)
            .is_none_or(|function| function.is_declaration())
        {
            errors.push(format!("{routine} is called but is not among the inputs"));
        }
    }
    if !errors.is_empty() {
        let errors: Vec<&str> = errors.iter().map(|error| error.trim_end()).collect();
        bail!("the back end cannot generate code:\n{}", errors.join("\n"));
    }
    Ok(generated.object)
}

/// Makes every symbol private except the entrypoint, the contact for reports and `routines`, so that
/// unused symbols can be removed.
pub fn internalize<T: AsRef<str>>(module: Module, routines: &[T]) {
    let values = [module.functions(), module.globals(), module.aliases()].concat();
    for value in values.into_iter().filter(|value| !value.is_declaration()) {
        let name = value.name();
        let kept = [ENTRYPOINT, SECURITY_TXT].contains(&&*name)
            || routines.iter().any(|routine| routine.as_ref() == name);
        if !kept && !name.starts_with("llvm.") {
            value.internalize();
        }
    }
}
