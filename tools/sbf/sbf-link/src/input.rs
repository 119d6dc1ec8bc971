//! Reads the files that rustc passes to the linker: objects and libraries of LLVM bitcode.

use std::{fs, io::Read, path::Path};

use anyhow::{Context, Result};

use crate::llvm::Module;

/// Links a file into the program. The file holds bitcode or is an archive of bitcode.
pub fn link(module: Module, path: &Path) -> Result<()> {
    let data = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    if !data.starts_with(b"!<arch>\n") {
        return link_bitcode(module, &data).with_context(|| path.display().to_string());
    }
    let mut archive = ar::Archive::new(&data[..]);
    while let Some(entry) = archive.next_entry() {
        let mut entry = entry.with_context(|| format!("{}: broken archive", path.display()))?;
        let name = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        if name.ends_with(".rmeta") {
            continue;
        }
        let mut data = vec![];
        entry
            .read_to_end(&mut data)
            .with_context(|| format!("{}: broken archive", path.display()))?;
        link_bitcode(module, &data).with_context(|| format!("{}({name})", path.display()))?;
    }
    Ok(())
}

/// Links bitcode. Files that are not bitcode, for example rustc's list of symbols, hold no code and
/// are ignored.
fn link_bitcode(module: Module, data: &[u8]) -> Result<()> {
    if matches!(data.get(..4), Some(b"BC\xC0\xDE" | b"\xDE\xC0\x17\x0B")) {
        module.link(data)?;
    }
    Ok(())
}
