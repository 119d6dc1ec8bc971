//! Linker for `-Clinker-flavor=bpf`: links rustc's LLVM bitcode, makes it fit the BPF back end of
//! upstream LLVM 22 (no stack arguments, no atomics, no signed division), generates an object file
//! and turns that into a Solana SBPF ELF with the sbpf-linker library.

mod ir;

use std::{
    ffi::{c_void, CStr, CString},
    fs,
    io::Read,
    path::PathBuf,
    process::exit,
    ptr,
};

use llvm_sys::{
    bit_reader::LLVMParseBitcodeInContext2,
    core::*,
    error::*,
    linker::LLVMLinkModules2,
    prelude::*,
    support::LLVMParseCommandLineOptions,
    target::*,
    target_machine::*,
    transforms::pass_builder::*,
    LLVMDiagnosticSeverity, LLVMLinkage, LLVMVisibility,
};
use sbpf_linker::{OptimizationConfig, ProgramOptions, SbpfArch};

/// Functions the code generator may call by name. The ones that end up called are kept.
const LIBCALLS: &[&str] = &[
    "memcpy", "memmove", "memset", "memcmp", "bcmp", "__multi3", "__udivti3", "__umodti3", "__divti3",
    "__modti3", "__ashlti3", "__lshrti3", "__ashrti3", "__adddf3", "__subdf3", "__muldf3", "__divdf3",
    "__floatundidf", "__floatdidf", "__floatunsidf", "__floatsidf", "__fixunsdfdi", "__fixdfdi",
    "__fixunsdfsi", "__fixdfsi", "__eqdf2", "__nedf2", "__gedf2", "__ltdf2", "__ledf2", "__gtdf2",
    "__unorddf2", "__negdf2", "__addsf3", "__subsf3", "__mulsf3", "__divsf3", "__floatundisf",
    "__floatdisf", "__fixunssfdi", "__fixsfdi", "__extendsfdf2", "__truncdfsf2", "__eqsf2", "__nesf2",
    "__gesf2", "__ltsf2", "__lesf2", "__gtsf2", "__unordsf2",
];

pub fn die(msg: impl AsRef<str>) -> ! {
    eprintln!("sbf-link: {}", msg.as_ref());
    exit(1)
}

fn note(msg: impl AsRef<str>) {
    if std::env::var_os("SBF_LINK_VERBOSE").is_some() {
        eprintln!("sbf-link: {}", msg.as_ref());
    }
}

#[derive(Default)]
struct Diagnostics {
    libcalls: Vec<String>,
    errors: Vec<String>,
}

extern "C" fn on_diagnostic(info: LLVMDiagnosticInfoRef, data: *mut c_void) {
    unsafe {
        let diags = &mut *(data as *mut Diagnostics);
        if LLVMGetDiagInfoSeverity(info) as u32 != LLVMDiagnosticSeverity::LLVMDSError as u32 {
            return;
        }
        let raw = LLVMGetDiagInfoDescription(info);
        let text = CStr::from_ptr(raw).to_string_lossy().into_owned();
        LLVMDisposeMessage(raw);
        const MARK: &str = "A call to built-in function '";
        if let Some(at) = text.find(MARK) {
            let name = &text[at + MARK.len()..];
            let name = name.split('\'').next().unwrap_or("").to_owned();
            if !diags.libcalls.contains(&name) {
                diags.libcalls.push(name);
            }
            return;
        }
        diags.errors.push(text);
    }
}

pub unsafe fn name_of(v: LLVMValueRef) -> String {
    let mut len = 0;
    let p = LLVMGetValueName2(v, &mut len);
    String::from_utf8_lossy(std::slice::from_raw_parts(p as *const u8, len)).into_owned()
}

unsafe fn run_passes(module: LLVMModuleRef, tm: LLVMTargetMachineRef, passes: &str) {
    let opts = LLVMCreatePassBuilderOptions();
    let c = CString::new(passes).unwrap();
    let err = LLVMRunPasses(module, c.as_ptr(), tm, opts);
    LLVMDisposePassBuilderOptions(opts);
    if !err.is_null() {
        let m = LLVMGetErrorMessage(err);
        die(format!("passes {passes}: {}", CStr::from_ptr(m).to_string_lossy()));
    }
}

unsafe fn add_bitcode(ctx: LLVMContextRef, module: LLVMModuleRef, what: &str, data: &[u8]) {
    if !matches!(data.get(..4), Some(b"BC\xC0\xDE" | b"\xDE\xC0\x17\x0B")) {
        note(format!("{what}: not bitcode, ignored"));
        return;
    }
    let buf = LLVMCreateMemoryBufferWithMemoryRange(data.as_ptr().cast(), data.len(), c"in".as_ptr(), 0);
    let mut m = ptr::null_mut();
    if LLVMParseBitcodeInContext2(ctx, buf, &mut m) != 0 {
        die(format!("{what}: unreadable bitcode"));
    }
    LLVMDisposeMemoryBuffer(buf);
    if LLVMLinkModules2(module, m) != 0 {
        die(format!("{what}: link failed"));
    }
}

unsafe fn internalize(module: LLVMModuleRef, keep: &dyn Fn(&str) -> bool) {
    let hide = |v: LLVMValueRef| {
        if LLVMIsDeclaration(v) == 0 {
            let n = name_of(v);
            if !n.starts_with("llvm.") && !keep(&n) {
                LLVMSetLinkage(v, LLVMLinkage::LLVMInternalLinkage);
                LLVMSetVisibility(v, LLVMVisibility::LLVMDefaultVisibility);
            }
        }
    };
    let mut f = LLVMGetFirstFunction(module);
    while !f.is_null() {
        hide(f);
        f = LLVMGetNextFunction(f);
    }
    let mut g = LLVMGetFirstGlobal(module);
    while !g.is_null() {
        hide(g);
        g = LLVMGetNextGlobal(g);
    }
    let mut a = LLVMGetFirstGlobalAlias(module);
    while !a.is_null() {
        hide(a);
        a = LLVMGetNextGlobalAlias(a);
    }
}

unsafe fn emit(module: LLVMModuleRef, tm: LLVMTargetMachineRef) -> Vec<u8> {
    let copy = LLVMCloneModule(module);
    let mut err = ptr::null_mut();
    let mut buf = ptr::null_mut();
    if LLVMTargetMachineEmitToMemoryBuffer(tm, copy, LLVMCodeGenFileType::LLVMObjectFile, &mut err, &mut buf) != 0 {
        die(format!("code generation: {}", CStr::from_ptr(err).to_string_lossy()));
    }
    let out = std::slice::from_raw_parts(LLVMGetBufferStart(buf) as *const u8, LLVMGetBufferSize(buf)).to_vec();
    LLVMDisposeMemoryBuffer(buf);
    LLVMDisposeModule(copy);
    out
}

struct Cli {
    output: PathBuf,
    inputs: Vec<PathBuf>,
    cpu: CString,
    features: CString,
    level: String,
    llvm_args: Vec<String>,
    exports: Vec<String>,
    arch: SbpfArch,
    frame: i32,
}

fn cli() -> Cli {
    let mut c = Cli {
        output: PathBuf::new(),
        inputs: vec![],
        cpu: c"v2".into(),
        features: c"+allows-misaligned-mem-access".into(),
        level: "2".into(),
        llvm_args: vec![],
        exports: vec![],
        arch: SbpfArch::V0,
        frame: 4096,
    };
    let level = std::env::var("SBF_LINK_LEVEL").ok();
    let mut args = std::env::args().skip(1).peekable();
    while let Some(a) = args.next() {
        let (key, mut val) = match a.split_once('=') {
            Some((k, v)) if a.starts_with("--") => (k.to_owned(), Some(v.to_owned())),
            _ => (a.clone(), None),
        };
        let mut value = |args: &mut dyn Iterator<Item = String>| {
            val.take().or_else(|| args.next()).unwrap_or_else(|| die(format!("{key}: value missing")))
        };
        match key.as_str() {
            "-o" | "--output" => c.output = value(&mut args).into(),
            "-L" | "--target" | "--emit" | "-flavor" | "--flavor" | "--export-symbols" => {
                value(&mut args);
            }
            "--cpu" => {
                let v = value(&mut args);
                if v != "generic" {
                    c.cpu = CString::new(v).unwrap();
                }
            }
            "--cpu-features" => {
                let v = value(&mut args);
                if !v.is_empty() {
                    c.features = CString::new(format!("+allows-misaligned-mem-access,{v}")).unwrap();
                }
            }
            "--llvm-args" => c.llvm_args.extend(value(&mut args).split(',').map(str::to_owned)),
            "--export" => c.exports.extend(value(&mut args).split(',').map(str::to_owned)),
            "--level" => c.level = value(&mut args),
            "--arch" => {
                c.arch = match value(&mut args).as_str() {
                    "v0" => SbpfArch::V0,
                    "v3" => SbpfArch::V3,
                    other => die(format!("--arch {other}: v0 or v3")),
                }
            }
            "--frame" => c.frame = value(&mut args).parse().unwrap_or_else(|_| die("--frame: a number")),
            "--debug" | "--btf" | "--unroll-loops" | "--ignore-inline-never" => {}
            k if k.starts_with("-O") => c.level = k[2..].to_owned(),
            k if k.starts_with('-') => note(format!("option {a} ignored")),
            _ => c.inputs.push(a.into()),
        }
    }
    if let Some(level) = level {
        c.level = level;
    }
    c
}

fn main() {
    let c = cli();
    unsafe { link(c) }
}

unsafe fn link(c: Cli) {
    LLVMInitializeBPFTarget();
    LLVMInitializeBPFTargetMC();
    LLVMInitializeBPFTargetInfo();
    LLVMInitializeBPFAsmPrinter();
    let mut argv = vec![c"sbf-link".to_owned(), CString::new(format!("--bpf-stack-size={}", c.frame)).unwrap()];
    argv.extend(c.llvm_args.iter().map(|a| CString::new(a.as_str()).unwrap()));
    let ptrs: Vec<_> = argv.iter().map(|a| a.as_ptr()).collect();
    LLVMParseCommandLineOptions(ptrs.len() as i32, ptrs.as_ptr(), c"".as_ptr());

    let ctx = LLVMContextCreate();
    let diags = Box::leak(Box::new(Diagnostics::default())) as *mut Diagnostics;
    LLVMContextSetDiagnosticHandler(ctx, Some(on_diagnostic), diags.cast());
    let module = LLVMModuleCreateWithNameInContext(c"program".as_ptr(), ctx);

    for path in &c.inputs {
        let data = fs::read(path).unwrap_or_else(|e| die(format!("{}: {e}", path.display())));
        let shown = path.display().to_string();
        if data.starts_with(b"!<arch>\n") {
            let mut archive = ar::Archive::new(&data[..]);
            while let Some(entry) = archive.next_entry() {
                let mut entry = entry.unwrap_or_else(|e| die(format!("{shown}: {e}")));
                let name = String::from_utf8_lossy(entry.header().identifier()).into_owned();
                if name.ends_with(".rmeta") {
                    continue;
                }
                let mut bytes = vec![];
                entry.read_to_end(&mut bytes).unwrap_or_else(|e| die(format!("{shown}: {e}")));
                add_bitcode(ctx, module, &format!("{shown}({name})"), &bytes);
            }
        } else {
            add_bitcode(ctx, module, &shown, &data);
        }
    }

    let triple = LLVMGetTarget(module);
    let mut target = ptr::null_mut();
    let mut err = ptr::null_mut();
    if LLVMGetTargetFromTriple(triple, &mut target, &mut err) != 0 {
        die(format!("target: {}", CStr::from_ptr(err).to_string_lossy()));
    }
    let tm = LLVMCreateTargetMachine(
        target,
        triple,
        c.cpu.as_ptr(),
        c.features.as_ptr(),
        LLVMCodeGenOptLevel::LLVMCodeGenLevelAggressive,
        LLVMRelocMode::LLVMRelocStatic,
        LLVMCodeModel::LLVMCodeModelDefault,
    );

    let exported = |n: &str| n == "entrypoint" || c.exports.iter().any(|e| e == n);
    llvm_sys::debuginfo::LLVMStripModuleDebugInfo(module);
    ir::drop_used(module);
    internalize(module, &|n| exported(n) || LIBCALLS.contains(&n));
    run_passes(module, tm, "globaldce");
    ir::drop_attributes(module);
    run_passes(module, tm, "function(lower-atomic)");
    if c.level == "0" {
        run_passes(module, tm, "default<O1>");
    } else {
        run_passes(module, tm, &format!("default<O{}>", c.level));
    }
    run_passes(module, tm, "globaldce");
    ir::replace_traps(ctx, module);
    let wide = ir::expand_wide(ctx, module);
    let divs = ir::expand_signed_division(ctx, module);
    let packed = ir::pack_arguments(ctx, module);
    run_passes(module, tm, "always-inline,function(sroa,early-cse,instsimplify,simplifycfg,dce),globaldce");
    ir::drop_sret(module);
    note(format!("{wide} wide operations, {divs} signed divisions expanded, {packed} functions with packed arguments"));

    if let Some(path) = std::env::var_os("SBF_LINK_DUMP") {
        let p = CString::new(path.into_encoded_bytes()).unwrap();
        let mut e = ptr::null_mut();
        LLVMPrintModuleToFile(module, p.as_ptr(), &mut e);
    }
    if llvm_sys::analysis::LLVMVerifyModule(
        module,
        llvm_sys::analysis::LLVMVerifierFailureAction::LLVMPrintMessageAction,
        ptr::null_mut(),
    ) != 0
    {
        die("module verification failed");
    }

    // Find out which library calls are needed, drop the others, generate the real object.
    let mut kept: Vec<String> = LIBCALLS.iter().map(|s| s.to_string()).collect();
    let mut object;
    loop {
        *diags = Diagnostics::default();
        object = emit(module, tm);
        let needed: Vec<String> = (*diags).libcalls.clone();
        if needed.len() == kept.len() || kept.iter().all(|k| needed.contains(k)) {
            break;
        }
        kept = needed;
        let before = count(module);
        internalize(module, &|n| exported(n) || kept.iter().any(|k| k == n));
        run_passes(module, tm, "globaldce");
        if count(module) == before {
            break;
        }
    }
    note(format!("library calls: {}", kept.join(" ")));
    for k in &kept {
        let n = CString::new(k.as_str()).unwrap();
        let f = LLVMGetNamedFunction(module, n.as_ptr());
        if f.is_null() || LLVMIsDeclaration(f) != 0 {
            (*diags).errors.push(format!("library call {k} has no definition"));
        }
    }
    ir::check_globals(module, &mut (*diags).errors);
    if !(*diags).errors.is_empty() {
        for e in &(*diags).errors {
            eprintln!("sbf-link: error: {}", e.trim_end());
        }
        die(format!("{} errors", (*diags).errors.len()));
    }
    if let Some(path) = std::env::var_os("SBF_LINK_OBJ") {
        fs::write(path, &object).unwrap();
    }
    let optimization = if std::env::var_os("SBF_LINK_NO_ASM_OPT").is_some() {
        OptimizationConfig::disabled()
    } else {
        OptimizationConfig::enabled()
    };
    let to_elf = |arch| {
        sbpf_linker::link_program(&object, ProgramOptions::new(optimization.clone(), arch, c.frame))
            .unwrap_or_else(|e| die(sbpf_linker::SbpfLinkerError::format_errors(&e)))
    };
    // libname.so is SBPF v0; libname.v3.so beside it is v3.
    let v3 = c.output.with_extension("v3.so");
    fs::write(&v3, to_elf(SbpfArch::V3)).unwrap_or_else(|e| die(format!("{}: {e}", v3.display())));
    let elf = to_elf(c.arch);
    fs::write(&c.output, &elf).unwrap_or_else(|e| die(format!("{}: {e}", c.output.display())));
    note(format!("{} ({} bytes)", c.output.display(), elf.len()));
}

unsafe fn count(module: LLVMModuleRef) -> usize {
    let mut n = 0;
    let mut f = LLVMGetFirstFunction(module);
    while !f.is_null() {
        n += 1;
        f = LLVMGetNextFunction(f);
    }
    n
}
