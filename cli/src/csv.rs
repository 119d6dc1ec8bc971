//! Reads members from CSV files of other systems, and names each wrong field by line and column.
//!
//! ```text
//!   header: the names of the columns, in any order
//!   rows:   commitment, entry or asset, track ──> leaves in the order of the rows
//! ```

use std::{collections::HashMap, str::FromStr};

use bauta_primitives::{Attributes, Commitment, EntryId, FieldElement, Leaf};
use solana_address::Address;

use crate::values::element;

/// The errors that are shown. A file can have the same error in each line.
const MAX_ERRORS: usize = 20;

/// A member of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub commitment: FieldElement,
    pub entry: FieldElement,
    pub track: u64,
}

impl Member {
    /// Returns the leaf of the member.
    pub fn leaf(&self) -> Leaf {
        Leaf::of(
            Commitment::new(self.commitment),
            EntryId::new(self.entry),
            Attributes::of_track(self.track),
        )
    }
}

/// The positions of the columns.
struct Columns {
    count: usize,
    commitment: usize,
    entry: Entry,
    track: Option<usize>,
}

enum Entry {
    /// A field element.
    Element(usize),
    /// The address of an asset, of which the entry is a hash.
    Asset(usize),
}

/// Reads the members. `track` is that of all members if the file has no such column. Returns all
/// errors, at most [`MAX_ERRORS`].
pub fn parse(text: &str, track: Option<u64>) -> Result<Vec<Member>, Vec<String>> {
    // Spreadsheets begin a file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let Some((number, header)) = lines.next() else {
        return Err(vec!["the file is empty".into()]);
    };
    let columns = fields(header)
        .and_then(|names| Columns::find(&names, track))
        .map_err(|error| vec![format!("line {number}: {error}")])?;
    let (mut members, mut errors) = (Vec::new(), Vec::new());
    let mut seen: HashMap<FieldElement, u64> = HashMap::new();
    for (number, line) in lines {
        match member(line, &columns, track) {
            Ok(member) => {
                // Two members with one entry have one nullifier in each scope.
                if let Some(first) = seen.insert(member.entry, number) {
                    errors.push(format!("line {number}: it has the same entry as line {first}"));
                }
                members.push(member);
            }
            Err(found) => errors.extend(found.into_iter().map(|error| format!("line {number}, {error}"))),
        }
        if errors.len() >= MAX_ERRORS {
            errors.truncate(MAX_ERRORS);
            errors.push("the rest of the file is not checked".into());
            break;
        }
    }
    if errors.is_empty() && members.is_empty() {
        errors.push("the file has no members".into());
    }
    if errors.is_empty() {
        Ok(members)
    } else {
        Err(errors)
    }
}

impl Columns {
    fn find(names: &[String], track: Option<u64>) -> Result<Self, String> {
        let names: Vec<String> = names
            .iter()
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        let known = ["commitment", "entry", "asset", "track"];
        if let Some((column, name)) = (1..)
            .zip(&names)
            .find(|(_, name)| !known.contains(&name.as_str()))
        {
            return Err(format!(
                "column {column} has the name {name:?}: the names are commitment, entry or asset, and track"
            ));
        }
        let position = |name: &str| -> Result<Option<usize>, String> {
            let mut found = names.iter().enumerate().filter(|(_, known)| *known == name);
            let first = found.next();
            match found.next() {
                None => Ok(first.map(|(index, _)| index)),
                Some((again, _)) => Err(format!("column {} repeats the name {name:?}", again + 1)),
            }
        };
        let missing = |name: &str| format!("there is no column {name:?}");
        let entry = match (position("entry")?, position("asset")?) {
            (Some(entry), None) => Entry::Element(entry),
            (None, Some(asset)) => Entry::Asset(asset),
            (None, None) => return Err("there is no column \"entry\" and no column \"asset\"".into()),
            (Some(_), Some(_)) => {
                return Err("there is a column \"entry\" and a column \"asset\": use one of them".into());
            }
        };
        let found_track = position("track")?;
        match (found_track, track) {
            (None, None) => return Err(format!("{}: add it, or give --track", missing("track"))),
            (Some(_), Some(_)) => return Err("there is a column \"track\", and --track is given".into()),
            _ => {}
        }
        Ok(Self {
            count: names.len(),
            commitment: position("commitment")?.ok_or_else(|| missing("commitment"))?,
            entry,
            track: found_track,
        })
    }
}

fn member(line: &str, columns: &Columns, track: Option<u64>) -> Result<Member, Vec<String>> {
    let fields = fields(line).map_err(|error| vec![error])?;
    if fields.len() != columns.count {
        return Err(vec![format!(
            "column {}: the line has {} fields, but the header has {}",
            fields.len().min(columns.count) + 1,
            fields.len(),
            columns.count
        )]);
    }
    let mut errors = Vec::new();
    let mut keep = |index: usize, name: &str, value: Result<FieldElement, String>| {
        value.unwrap_or_else(|error| {
            errors.push(format!("column {} ({name}): {error}", index + 1));
            FieldElement::from_u64(0)
        })
    };
    let text = |index: usize| fields[index].trim();
    let commitment = keep(
        columns.commitment,
        "commitment",
        element(text(columns.commitment)),
    );
    let entry = match columns.entry {
        Entry::Element(index) => keep(index, "entry", element(text(index))),
        Entry::Asset(index) => {
            let address = Address::from_str(text(index));
            let entry = address.map(|asset| EntryId::of_mint(asset.as_array()).element());
            keep(
                index,
                "asset",
                entry.map_err(|_| format!("{:?} is not an address", text(index))),
            )
        }
    };
    let own_track = columns.track.map(|index| (index, text(index).parse::<u64>()));
    let track = match own_track {
        None => track.unwrap_or_default(),
        Some((_, Ok(track))) => track,
        Some((index, Err(_))) => {
            errors.push(format!(
                "column {} (track): {:?} is not a number",
                index + 1,
                text(index)
            ));
            0
        }
    };
    if errors.is_empty() {
        Ok(Member {
            commitment,
            entry,
            track,
        })
    } else {
        Err(errors)
    }
}

/// Splits a line at its commas. A field in quotation marks can have commas, and marks in pairs.
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let column = fields.len() + 1;
        let trimmed = rest.trim_start();
        let Some(mut quoted) = trimmed.strip_prefix('"') else {
            match rest.split_once(',') {
                None => {
                    fields.push(rest.to_owned());
                    return Ok(fields);
                }
                Some((field, after)) => {
                    fields.push(field.to_owned());
                    rest = after;
                    continue;
                }
            }
        };
        let mut field = String::new();
        loop {
            let Some((part, after)) = quoted.split_once('"') else {
                return Err(format!(
                    "column {column}: a quotation mark is not closed in this line"
                ));
            };
            field.push_str(part);
            let Some(more) = after.strip_prefix('"') else {
                quoted = after;
                break;
            };
            field.push('"');
            quoted = more;
        }
        fields.push(field);
        let after = quoted.trim_start();
        if after.is_empty() {
            return Ok(fields);
        }
        rest = after
            .strip_prefix(',')
            .ok_or_else(|| format!("column {column}: there is text after the closing quotation mark"))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(commitment: u64, entry: u64, track: u64) -> Member {
        Member {
            commitment: FieldElement::from_u64(commitment),
            entry: FieldElement::from_u64(entry),
            track,
        }
    }

    #[test]
    fn columns_have_any_order_and_fields_can_be_in_quotation_marks() {
        let text = "\u{feff}track, Entry,commitment\r\n3,\"7\", \"5\" \r\n\r\n4,8,6\n";
        assert_eq!(parse(text, None).unwrap(), [member(5, 7, 3), member(6, 8, 4)]);
        let text = "entry,commitment\n7,5";
        assert_eq!(parse(text, Some(3)).unwrap(), [member(5, 7, 3)]);
    }

    #[test]
    fn an_asset_gives_the_entry_of_its_address() {
        let asset = Address::from([9; 32]);
        let found = parse(&format!("commitment,asset,track\n5,{asset},3"), None).unwrap();
        assert_eq!(found[0].entry, EntryId::of_mint(asset.as_array()).element());
    }

    #[test]
    fn each_wrong_field_is_named_by_line_and_column() {
        let errors = |text: &str| parse(text, None).unwrap_err().join("\n");
        let text = "commitment,entry,track\nx,7,3\n5,y,z\n5,7\n6,9,1\n7,9,1\n\"5,7,3\n\"5\"x,7,3";
        assert_eq!(
            errors(text)
                .lines()
                .map(|line| line.split(": ").next().unwrap())
                .collect::<Vec<_>>(),
            [
                "line 2, column 1 (commitment)",
                "line 3, column 2 (entry)",
                "line 3, column 3 (track)",
                "line 4, column 3",
                "line 6",
                "line 7, column 1",
                "line 8, column 1",
            ]
        );
        assert!(errors(text).contains("line 6: it has the same entry as line 5"));
        for (text, expected) in [
            ("", "empty"),
            ("commitment,entry,track\n", "no members"),
            ("commitment,entry\n", "no column \"track\""),
            ("commitment,track\n", "no column \"entry\""),
            ("commitment,entry,asset,track\n", "one of them"),
            ("commitment,entry,entry,track\n", "column 3 repeats"),
            ("commitment,entry,name,track\n", "column 3 has the name"),
        ] {
            assert!(errors(text).contains(expected), "{text:?}: {}", errors(text));
        }
    }

    #[test]
    fn only_the_first_errors_of_a_file_are_collected() {
        let text = format!("commitment,entry,track\n{}", "x,y,z\n".repeat(100));
        let errors = parse(&text, None).unwrap_err();
        assert_eq!(errors.len(), MAX_ERRORS + 1);
        assert!(errors[MAX_ERRORS].contains("not checked"));
    }
}
