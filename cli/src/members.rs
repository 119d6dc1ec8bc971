//! Files with the members of a managed or an attested registry: one line `commitment,entry,track`
//! for each.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use bauta_primitives::{Attributes, Commitment, EntryId, Leaf};

use crate::values::element;

/// The largest file that is read, in bytes. The members of a full tree fit.
const MAX_BYTES: u64 = 256 << 20;

/// Reads the leaves of a file in its order. Empty lines, and the line `commitment,entry,track`, are
/// ignored.
pub fn read(file: &Path) -> Result<Vec<Leaf>> {
    let text = read_text(file)?;
    parse(&text).with_context(|| format!("can't read the members in {}", file.display()))
}

/// Reads a text of at most [`MAX_BYTES`].
pub fn read_text(file: &Path) -> Result<String> {
    let context = || format!("can't read {}", file.display());
    let bytes = fs::metadata(file).with_context(context)?.len();
    ensure!(
        bytes <= MAX_BYTES,
        "{} has {bytes} bytes: the limit is {MAX_BYTES}",
        file.display()
    );
    let mut text = String::new();
    File::open(file)
        .and_then(|opened| opened.take(MAX_BYTES).read_to_string(&mut text))
        .with_context(context)?;
    Ok(text)
}

fn parse(text: &str) -> Result<Vec<Leaf>> {
    let mut leaves = Vec::new();
    let mut lines = HashMap::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line == "commitment,entry,track" {
            continue;
        }
        let leaf = leaf(line).with_context(|| format!("line {number}"))?;
        if let Some(first) = lines.insert(leaf, number) {
            bail!("line {number} repeats the member of line {first}");
        }
        leaves.push(leaf);
    }
    ensure!(!leaves.is_empty(), "the file has no members");
    Ok(leaves)
}

fn leaf(line: &str) -> Result<Leaf> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [commitment, entry, track] = fields[..] else {
        bail!("it has {} fields: expected commitment,entry,track", fields.len());
    };
    let value =
        |name: &'static str, text: &str| element(text).map_err(|error| anyhow::anyhow!("{name}: {error}"));
    let track = track.parse().context("track: expected a number")?;
    Ok(Leaf::of(
        Commitment::new(value("commitment", commitment)?),
        EntryId::new(value("entry", entry)?),
        Attributes::of_track(track),
    ))
}

#[cfg(test)]
mod tests {
    use bauta_primitives::FieldElement;

    use super::*;

    #[test]
    fn each_line_is_a_leaf() {
        let digits = format!("0x{:064x}", 5);
        let text = format!("commitment,entry,track\n{digits}, 7, 3\n\n6,8,4\r\n");
        let leaf = |commitment, entry, track| {
            Leaf::of(
                Commitment::new(FieldElement::from_u64(commitment)),
                EntryId::new(FieldElement::from_u64(entry)),
                Attributes::of_track(track),
            )
        };
        assert_eq!(parse(&text).unwrap(), [leaf(5, 7, 3), leaf(6, 8, 4)]);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, expected) in [
            ("5,7,3\n5,7", "line 2"),
            ("5,7,x", "track"),
            ("x,7,3", "commitment"),
            ("5,7,3\n6,7,3\n5,7,3", "line 3 repeats the member of line 1"),
            ("\n", "no members"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
