//! Documentation and seeds that Anchor's IDL lacks.

use std::collections::BTreeMap;

use anchor_lang_idl::types::{
    Idl, IdlDefinedFields, IdlInstruction, IdlInstructionAccount, IdlInstructionAccountItem, IdlPda, IdlSeed,
    IdlSeedAccount, IdlSeedArg, IdlSeedConst, IdlTypeDefTy,
};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// The content of `idl-notes.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// The documentation of each argument, by instruction and name.
    arguments: BTreeMap<String, BTreeMap<String, String>>,
    /// Notes on accounts, by instruction and name. The instruction `*` stands for all instructions
    /// that have such an account.
    accounts: BTreeMap<String, BTreeMap<String, AccountNote>>,
}

/// What an account lacks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountNote {
    /// The documentation, if the sources have none.
    docs: Option<String>,
    /// The account's fixed address.
    address: Option<String>,
    /// The seeds of the address: `const:text`, `arg:path` or `account:path`.
    seeds: Option<Vec<String>>,
}

impl Notes {
    /// Adds the notes to the IDL.
    ///
    /// Returns an error if a note fits nothing, or if something has no documentation.
    pub fn apply(&self, idl: &mut Idl) -> Result<()> {
        for (name, arguments) in &self.arguments {
            let instruction = find(idl, name)?;
            for (name, docs) in arguments {
                let argument = instruction.args.iter_mut().find(|argument| argument.name == *name);
                let argument = argument
                    .with_context(|| format!("the instruction {} has no argument {name}", instruction.name))?;
                argument.docs = vec![docs.clone()];
            }
        }
        for (name, notes) in &self.accounts {
            for (account, note) in notes {
                let mut found = 0;
                for instruction in &mut idl.instructions {
                    if name == "*" || instruction.name == *name {
                        found += note.apply(instruction, account)?;
                    }
                }
                ensure!(found > 0, "no account is called {account} in the instruction {name}");
            }
        }
        check_complete(idl)
    }
}

fn find<'a>(idl: &'a mut Idl, name: &str) -> Result<&'a mut IdlInstruction> {
    let found = idl.instructions.iter_mut().find(|instruction| instruction.name == name);
    found.with_context(|| format!("there is no instruction {name}"))
}

impl AccountNote {
    /// Adds the note to the accounts with this name. Returns their number.
    fn apply(&self, instruction: &mut IdlInstruction, name: &str) -> Result<usize> {
        let mut found = 0;
        for account in accounts(instruction)? {
            if account.name != name {
                continue;
            }
            found += 1;
            if let (Some(docs), true) = (&self.docs, account.docs.is_empty()) {
                account.docs = vec![docs.clone()];
            }
            if account.address.is_none() {
                account.address.clone_from(&self.address);
            }
            if let (Some(seeds), None) = (&self.seeds, &account.pda) {
                account.pda = Some(IdlPda {
                    seeds: seeds.iter().map(|text| seed(text)).collect::<Result<_>>()?,
                    program: None,
                });
            }
        }
        Ok(found)
    }
}

fn seed(text: &str) -> Result<IdlSeed> {
    Ok(match text.split_once(':') {
        Some(("const", value)) => IdlSeed::Const(IdlSeedConst {
            value: value.as_bytes().to_vec(),
        }),
        Some(("arg", path)) => IdlSeed::Arg(IdlSeedArg { path: path.into() }),
        Some(("account", path)) => IdlSeed::Account(IdlSeedAccount {
            path: path.into(),
            account: None,
        }),
        _ => bail!("{text} is not a seed: write const:text, arg:path or account:path"),
    })
}

fn accounts(instruction: &mut IdlInstruction) -> Result<Vec<&mut IdlInstructionAccount>> {
    let name = instruction.name.clone();
    let items = instruction.accounts.iter_mut();
    items
        .map(|item| match item {
            IdlInstructionAccountItem::Single(account) => Ok(account),
            IdlInstructionAccountItem::Composite(group) => {
                bail!("the instruction {name} has the nested accounts {}", group.name)
            }
        })
        .collect()
}

/// Returns an error that names everything without documentation.
fn check_complete(idl: &mut Idl) -> Result<()> {
    let mut missing = vec![];
    let mut check = |docs: &[String], what: String| {
        if docs.iter().all(|line| line.trim().is_empty()) {
            missing.push(what);
        }
    };
    for instruction in &mut idl.instructions {
        let name = instruction.name.clone();
        check(&instruction.docs, format!("instruction {name}"));
        for argument in &instruction.args {
            check(&argument.docs, format!("argument {name}.{}", argument.name));
        }
        for account in accounts(instruction)? {
            check(&account.docs, format!("account {name}.{}", account.name));
        }
    }
    for ty in &idl.types {
        check(&ty.docs, format!("type {}", ty.name));
        if let IdlTypeDefTy::Struct {
            fields: Some(IdlDefinedFields::Named(fields)),
        } = &ty.ty
        {
            for field in fields {
                check(&field.docs, format!("field {}.{}", ty.name, field.name));
            }
        }
    }
    ensure!(missing.is_empty(), "no documentation for {}", missing.join(", "));
    Ok(())
}
