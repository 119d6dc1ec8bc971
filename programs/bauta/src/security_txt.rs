//! The contact for reports of vulnerabilities, inside the ELF.
//!
//! The format is that of the crate `solana-security-txt`: pairs of zero-terminated texts between a
//! first and a last line. Explorers search the deployed ELF for these lines.

/// The contacts: a comma-separated list of type and address, for example
/// `email:security@example.org`. The repository has no address of its own. The operator of a public
/// deployment sets one before the build.
macro_rules! contacts {
    () => {
        "other:SECURITY.md of the repository that contains programs/bauta of this version"
    };
}

/// The contents. `tests/security_txt.rs` reads them from the ELFs.
const TEXT: &str = concat!(
    "=======BEGIN SECURITY.TXT V1=======\0",
    "name\0",
    "Bauta\0",
    "project_url\0",
    "the repository that contains programs/bauta of this version\0",
    "contacts\0",
    contacts!(),
    "\0",
    "policy\0",
    "docs/security.md of that repository\0",
    "source_release\0",
    env!("CARGO_PKG_VERSION"),
    "\0",
    "auditors\0",
    "none\0",
    "=======END SECURITY.TXT V1=======\0",
);

/// A static whose name the linker knows (`tools/sbf/sbf-link`): nothing refers to it, so it would
/// be removed otherwise.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static security_txt: [u8; TEXT.len()] = {
    let mut bytes = [0; TEXT.len()];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = TEXT.as_bytes()[at];
        at += 1;
    }
    bytes
};
