//! The result of a command, as text for people or as JSON for programs.

use std::{
    fmt::Display,
    io::{self, Write},
};

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::{
    failure::{Failure, Kind},
    printable::{indented, one_line, printable},
};

/// The result of a command: facts, a list, warnings and next steps.
///
/// As text, each fact is a line; names are shown with spaces instead of underscores. As JSON, facts
/// are the fields of one object; the list is its field `items`.
#[derive(Default)]
pub struct Report {
    is_bare: bool,
    facts: Vec<(&'static str, Value)>,
    items: Option<Vec<Report>>,
    warnings: Vec<String>,
    next: Vec<String>,
    failed: Option<Kind>,
}

impl Report {
    /// Creates a report without facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a report of one fact, whose text is only its value.
    pub fn bare(name: &'static str, value: impl Display) -> Self {
        Self {
            is_bare: true,
            ..Self::new().fact(name, value)
        }
    }

    /// Creates a report of a list.
    pub fn list(items: Vec<Self>) -> Self {
        Self {
            items: Some(items),
            ..Self::new()
        }
    }

    /// Adds a fact that is text.
    pub fn fact(self, name: &'static str, value: impl Display) -> Self {
        self.value(name, value.to_string())
    }

    /// Adds a fact that is a number, a boolean or another JSON value.
    pub fn value(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// Adds a fact if there is one.
    pub fn optional(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self.value(name, Value::Null),
        }
    }

    /// Adds the list of a report that also has facts.
    pub fn with_items(mut self, items: Vec<Self>) -> Self {
        self.items = Some(items);
        self
    }

    /// Adds the facts of another report, and its list if this one has none.
    pub fn and(mut self, other: Self) -> Self {
        self.facts.extend(other.facts);
        self.items = self.items.or(other.items);
        self.warnings.extend(other.warnings);
        self
    }

    /// Adds a warning. As text, it goes to the standard error.
    pub fn warning(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }

    /// Adds a next step.
    pub fn next(mut self, text: impl Into<String>) -> Self {
        self.next.push(text.into());
        self
    }

    /// Returns whether the report has a fact.
    pub fn has(&self, name: &str) -> bool {
        self.facts.iter().any(|(known, _)| *known == name)
    }

    /// Writes the report to the standard error, where it does not disturb a script.
    pub fn print_to_standard_error(&self) {
        eprint!("{}", printable(&self.text()));
    }

    /// Returns only one of the facts, as a bare report. Warnings stay.
    pub fn only(self, name: &str) -> Result<Self> {
        let names: Vec<&str> = self.facts.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        let fact = self.facts.into_iter().find(|(known, _)| *known == name);
        let kind = self.failed.unwrap_or(Kind::Other);
        let fact = fact.ok_or_else(|| {
            Failure::new(
                kind,
                format!("the command was executed, but its result has no fact {name:?}: it has {names}"),
            )
            .next("do not repeat a command that sent a transaction: its result is on the standard error")
        })?;
        Ok(Self {
            is_bare: true,
            facts: vec![fact],
            warnings: self.warnings,
            failed: self.failed,
            ..Self::new()
        })
    }

    /// Says that the command failed, although it has a report.
    pub fn failed(mut self, kind: Kind) -> Self {
        self.failed = Some(kind);
        self
    }

    /// Returns the kind of the failure. `None` if the command succeeded.
    pub const fn failure(&self) -> Option<Kind> {
        self.failed
    }

    /// Writes the report to the standard output.
    pub fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            writeln!(out, "{:#}", self.json())?;
            return out.flush();
        }
        for warning in &self.warnings {
            eprintln!("WARNING: {}", indented(warning));
        }
        out.write_all(printable(&self.text()).as_bytes())?;
        out.flush()
    }

    fn json(&self) -> Value {
        let mut object: Map<String, Value> = self
            .facts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        if let Some(items) = &self.items {
            object.insert("items".into(), items.iter().map(Self::json).collect());
        }
        for (name, texts) in [("warnings", &self.warnings), ("next", &self.next)] {
            if !texts.is_empty() {
                object.insert(name.into(), json!(texts));
            }
        }
        object.into()
    }

    fn text(&self) -> String {
        if self.is_bare {
            let values: Vec<String> = self.facts.iter().map(|(_, value)| shown(value)).collect();
            return values.join("\n") + "\n";
        }
        let width = self.facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut lines: Vec<String> = self
            .facts
            .iter()
            .map(|(name, value)| format!("{:width$}  {}", name.replace('_', " "), one_line(&shown(value))))
            .collect();
        if let Some(items) = &self.items {
            lines.extend(table(items));
        }
        for step in &self.next {
            lines.push(format!("next: {}", one_line(step)));
        }
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        lines.join("\n") + "\n"
    }
}

/// Returns the lines of a table with a column for each fact of the first item.
fn table(items: &[Report]) -> Vec<String> {
    let Some(first) = items.first() else {
        return vec!["none".into()];
    };
    let mut rows: Vec<Vec<String>> = vec![
        first
            .facts
            .iter()
            .map(|(name, _)| name.replace('_', " "))
            .collect(),
    ];
    rows.extend(items.iter().map(|item| {
        item.facts
            .iter()
            .map(|(_, value)| one_line(&shown(value)))
            .collect()
    }));
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_have_the_same_facts() {
        let report = Report::new()
            .fact("cluster_tag", "local")
            .value("paused", false)
            .optional("gate", None::<String>)
            .next("create a registry");
        assert_eq!(
            report.text(),
            "cluster tag  local\npaused       no\ngate         none\nnext: create a registry\n"
        );
        let expected =
            json!({ "cluster_tag": "local", "paused": false, "gate": null, "next": ["create a registry"] });
        assert_eq!(report.json(), expected);
    }

    #[test]
    fn a_fact_with_line_breaks_adds_no_line() {
        let report = Report::list(vec![Report::new().fact("name", "x\nnext: y")]).fact("name", "x\nkey  z");
        assert_eq!(report.text(), "name  x\\nkey  z\nname\nx\\nnext: y\n");
    }

    #[test]
    fn one_fact_is_printed_alone_and_an_unknown_one_is_an_error() {
        let report = || {
            Report::new()
                .fact("registry", "R")
                .value("nonce", 0)
                .next("go on")
        };
        assert_eq!(report().only("registry").unwrap().text(), "R\n");
        let error = report().only("tree").err().unwrap().to_string();
        assert!(error.contains("it has registry, nonce"), "{error}");
    }

    #[test]
    fn a_list_is_a_table_whose_columns_are_aligned() {
        let item = |name: &str, count: u64| Report::new().fact("name", name).value("leaf_count", count);
        let report = Report::list(vec![item("a", 1), item("longer", 20)]);
        assert_eq!(report.text(), "name    leaf count\na       1\nlonger  20\n");
        assert_eq!(Report::list(Vec::new()).text(), "none\n");
        assert_eq!(Report::list(Vec::new()).json(), json!({ "items": [] }));
    }
}
