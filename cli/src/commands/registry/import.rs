//! `bauta registry import`: makes the tree of an attested registry from a CSV file.

use std::{collections::HashSet, fmt::Write, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use bauta_primitives::{Leaf, tree::Depth};

use crate::{
    csv,
    failure::{Failure, Kind},
    members, new_file,
    report::Report,
    tree::Changes,
};

#[derive(clap::Args)]
pub struct Args {
    /// CSV file. Its header names the columns: commitment, entry or asset, and track
    file: PathBuf,
    /// File of the members to create, for `bauta registry publish --members` and `bauta prove
    /// --members`
    #[arg(long, value_name = "FILE", default_value = "members.csv")]
    out: PathBuf,
    /// Depth of the registry's tree: 10 or 16
    #[arg(long, default_value_t = 10)]
    depth: u8,
    /// Track of all members, if the file has no such column
    #[arg(long, value_name = "NUMBER")]
    track: Option<u64>,
}

/// Makes the file of the members. It needs no node.
pub fn run(args: &Args) -> Result<Report> {
    let depth = Depth::try_from(args.depth)?;
    ensure!(
        !args.out.exists(),
        "{} exists and is never replaced: choose another file with --out",
        args.out.display()
    );
    let text = members::read_text(&args.file)?;
    let members = csv::parse(&text, args.track).map_err(|errors| {
        let message = format!("{} has errors:\n  {}", args.file.display(), errors.join("\n  "));
        Failure::new(Kind::Other, message)
            .next("correct the lines, and repeat the command. No file was written")
    })?;
    ensure!(
        members.len() as u64 <= depth.capacity(),
        "{} has {} members, but a tree of depth {} has room for {}: choose --depth 16",
        args.file.display(),
        members.len(),
        args.depth,
        depth.capacity()
    );
    let leaves: Vec<Leaf> = members.iter().map(csv::Member::leaf).collect();
    let distinct: HashSet<&Leaf> = leaves.iter().collect();
    ensure!(
        distinct.len() == leaves.len(),
        "{} has two members with the same leaf",
        args.file.display()
    );
    let root = Changes::of_leaves(depth, leaves)?.last_root()?;
    let mut out = String::from("commitment,entry,track\n");
    for member in &members {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{},{},{}", member.commitment, member.entry, member.track);
    }
    new_file::create(&args.out, out.as_bytes())
        .with_context(|| format!("can't write {}", args.out.display()))?;
    let out = args.out.display().to_string();
    Ok(Report::new()
        .fact("members_file", &out)
        .value("members", members.len())
        .value("depth", args.depth)
        .fact("root", root)
        .next(format!(
            "publish the root and upload the leaves: `bauta registry publish REGISTRY --members {out} --upload \
             URL --api-key-file FILE`"
        )))
}
