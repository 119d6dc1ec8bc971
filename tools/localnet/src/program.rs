//! Programs that are there from the first slot.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use solana_account::Account;
use solana_address::Address;
use solana_loader_v3_interface::{get_program_data_address, state::UpgradeableLoaderState};
use solana_sdk_ids::bpf_loader_upgradeable;
use surfpool_core::surfnet::svm::SurfnetSvm;

use crate::settings::ProgramAt;

/// What an account holds at most (`MAX_PERMITTED_DATA_LENGTH`), less `ProgramData`'s own fields.
const MAX_ELF: usize = 10 * 1024 * 1024 - UpgradeableLoaderState::size_of_programdata_metadata();
/// `e_machine` of ELF files for Solana: `EM_BPF` and `EM_SBPF`.
const MACHINES: [u16; 2] = [247, 263];

/// A program to put in.
pub struct Program {
    address: Address,
    upgrade_authority: Option<Address>,
    elf: Vec<u8>,
}

impl Program {
    /// Reads every program's ELF.
    pub fn read_all(programs: &[ProgramAt], upgrade_authority: Option<Address>) -> Result<Vec<Self>> {
        let mut seen = HashSet::new();
        let read = |at: &ProgramAt| {
            ensure!(
                seen.insert(at.address),
                "--program gives address {} twice",
                at.address
            );
            Ok(Self {
                address: at.address,
                upgrade_authority,
                elf: read_elf(&at.elf)?,
            })
        };
        programs.iter().map(read).collect()
    }

    /// Puts the program in, in place of what is at its address.
    ///
    /// As the upgradeable loader leaves it: the program's account points to a `ProgramData` account, which holds the
    /// slot, the upgrade authority and the ELF.
    pub fn put_in(&self, svm: &mut SurfnetSvm) -> Result<()> {
        let programdata_address = get_program_data_address(&self.address);
        let metadata = UpgradeableLoaderState::size_of_programdata_metadata();
        let mut programdata = account(
            svm,
            &UpgradeableLoaderState::ProgramData {
                slot: svm.get_latest_absolute_slot(),
                upgrade_authority_address: self.upgrade_authority,
            },
            metadata + self.elf.len(),
        )?;
        programdata.data[metadata..].copy_from_slice(&self.elf);
        let mut program = account(
            svm,
            &UpgradeableLoaderState::Program { programdata_address },
            UpgradeableLoaderState::size_of_program(),
        )?;
        program.executable = true;

        // In this order: setting the program's account loads the ELF from the other.
        svm.set_account(&programdata_address, programdata)
            .and_then(|()| svm.set_account(&self.address, program))
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("the runtime refuses the ELF for {}", self.address))
    }
}

/// A rent-exempt account of the upgradeable loader.
fn account(svm: &SurfnetSvm, state: &UpgradeableLoaderState, space: usize) -> Result<Account> {
    let lamports = svm.inner.minimum_balance_for_rent_exemption(space);
    Account::new_data_with_space(lamports, state, space, &bpf_loader_upgradeable::id())
        .context("can't write the loader's account")
}

fn read_elf(path: &Path) -> Result<Vec<u8>> {
    let elf = fs::read(path).with_context(|| format!("can't read the ELF {}", path.display()))?;
    check_elf(&elf).with_context(|| format!("{} is not a Solana program", path.display()))?;
    Ok(elf)
}

/// Refuses what is plainly no program; the runtime checks the rest.
fn check_elf(elf: &[u8]) -> Result<()> {
    ensure!(
        elf.starts_with(b"\x7fELF"),
        "it doesn't begin as an ELF file does"
    );
    ensure!(
        elf.len() <= MAX_ELF,
        "it has {} bytes; an account holds at most {MAX_ELF}",
        elf.len()
    );
    // e_machine: two bytes at offset 18
    match elf.get(18..20) {
        Some(&[low, high]) => {
            let machine = u16::from_le_bytes([low, high]);
            ensure!(
                MACHINES.contains(&machine),
                "its machine is {machine}; Solana's are {MACHINES:?}"
            );
            Ok(())
        }
        _ => bail!("it ends within the ELF header"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(machine: u16) -> Vec<u8> {
        let mut elf = b"\x7fELF".to_vec();
        elf.resize(18, 0);
        elf.extend(machine.to_le_bytes());
        elf
    }

    #[test]
    fn solana_s_machines_pass() {
        for machine in MACHINES {
            check_elf(&header(machine)).unwrap();
        }
    }

    #[test]
    fn each_refusal_says_what_is_wrong() {
        let mut long = header(MACHINES[0]);
        long.resize(MAX_ELF + 1, 0);
        for (elf, said) in [
            (b"#!/bin/sh".to_vec(), "begin"),
            (Vec::new(), "begin"),
            (b"\x7fELF".to_vec(), "header"),
            (header(62), "machine is 62"),
            (long, "at most"),
        ] {
            let error = check_elf(&elf).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
