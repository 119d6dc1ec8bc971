//! Reads the contact for reports of vulnerabilities from the checked-in ELFs, as explorers do.

const BEGIN: &[u8] = b"=======BEGIN SECURITY.TXT V1=======\0";
const END: &[u8] = b"=======END SECURITY.TXT V1=======\0";

fn position(elf: &[u8], line: &[u8]) -> usize {
    let mut found = elf
        .windows(line.len())
        .enumerate()
        .filter(|(_, bytes)| *bytes == line);
    let (at, _) = found.next().expect("the ELF has the line");
    assert!(found.next().is_none(), "the ELF has the line once");
    at
}

#[test]
fn both_elfs_have_a_security_txt_with_the_required_fields() {
    let elfs: [&[u8]; 2] = [
        include_bytes!("../artifacts/bauta.so"),
        include_bytes!("../artifacts/bauta.v3.so"),
    ];
    for elf in elfs {
        let text = &elf[position(elf, BEGIN) + BEGIN.len()..position(elf, END)];
        let text = std::str::from_utf8(text).expect("the text is UTF-8");
        let parts: Vec<&str> = text.split_terminator('\0').collect();
        let fields: Vec<(&str, &str)> = parts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        assert_eq!(2 * fields.len(), parts.len(), "every name has a value");
        for required in ["name", "project_url", "contacts", "policy"] {
            let value = fields.iter().find(|(name, _)| *name == required);
            assert!(value.is_some_and(|(_, value)| !value.is_empty()), "{required}");
        }
        assert!(fields.contains(&("source_release", env!("CARGO_PKG_VERSION"))));
    }
}
