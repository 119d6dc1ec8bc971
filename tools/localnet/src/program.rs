//! Deploys programs before the first slot.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use solana_account::Account;
use solana_address::Address;
use solana_loader_v3_interface::{get_program_data_address, state::UpgradeableLoaderState};
use solana_sdk_ids::bpf_loader_upgradeable;
use surfpool_core::surfnet::svm::SurfnetSvm;

use crate::settings::ProgramSource;

/// The largest ELF in bytes: the size limit of an account (`MAX_PERMITTED_DATA_LENGTH`) without the
/// fields of `ProgramData`.
const MAX_ELF: usize = 10 * 1024 * 1024 - UpgradeableLoaderState::size_of_programdata_metadata();
/// The values of `e_machine` in ELF files for Solana: `EM_BPF` and `EM_SBPF`.
const MACHINES: [u16; 2] = [247, 263];

/// A program to deploy.
pub struct Program {
    address: Address,
    upgrade_authority: Option<Address>,
    elf: Vec<u8>,
}

impl Program {
    /// Reads the ELF of each program.
    pub fn read_all(programs: &[ProgramSource], upgrade_authority: Option<Address>) -> Result<Vec<Self>> {
        let mut seen = HashSet::new();
        let read = |source: &ProgramSource| {
            ensure!(
                seen.insert(source.address),
                "--program names the address {} twice",
                source.address
            );
            Ok(Self {
                address: source.address,
                upgrade_authority,
                elf: read_elf(&source.elf)?,
            })
        };
        programs.iter().map(read).collect()
    }

    /// Deploys the program, and replaces the account at its address.
    ///
    /// The accounts have the form that the upgradeable loader creates: the program's account points
    /// to a `ProgramData` account, which contains the slot, the upgrade authority and the ELF.
    pub fn deploy(&self, svm: &mut SurfnetSvm) -> Result<()> {
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

        // The order matters: setting the program's account loads the ELF from the ProgramData
        // account.
        svm.set_account(&programdata_address, programdata)
            .and_then(|()| svm.set_account(&self.address, program))
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("the runtime refused the ELF of {}", self.address))
    }
}

/// Creates a rent-exempt account of the upgradeable loader.
fn account(svm: &SurfnetSvm, state: &UpgradeableLoaderState, space: usize) -> Result<Account> {
    let lamports = svm.inner.minimum_balance_for_rent_exemption(space);
    Account::new_data_with_space(lamports, state, space, &bpf_loader_upgradeable::id())
        .context("cannot serialize the loader's account")
}

fn read_elf(path: &Path) -> Result<Vec<u8>> {
    let elf = fs::read(path).with_context(|| format!("cannot read the ELF {}", path.display()))?;
    check_elf(&elf).with_context(|| format!("{} is not a Solana program", path.display()))?;
    Ok(elf)
}

/// Refuses files that are obviously not Solana programs. The runtime checks the rest.
fn check_elf(elf: &[u8]) -> Result<()> {
    ensure!(
        elf.starts_with(b"\x7fELF"),
        "it does not begin with the magic number of ELF files"
    );
    ensure!(
        elf.len() <= MAX_ELF,
        "it has {} bytes, but an account can contain at most {MAX_ELF}",
        elf.len()
    );
    // e_machine is the two bytes at offset 18.
    match elf.get(18..20) {
        Some(&[low, high]) => {
            let machine = u16::from_le_bytes([low, high]);
            ensure!(
                MACHINES.contains(&machine),
                "its machine is {machine}, but Solana's machines are {MACHINES:?}"
            );
            Ok(())
        }
        _ => bail!("it ends inside the ELF header"),
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
    fn the_machines_of_solana_are_accepted() {
        for machine in MACHINES {
            check_elf(&header(machine)).unwrap();
        }
    }

    #[test]
    fn each_refusal_names_the_reason() {
        let mut long = header(MACHINES[0]);
        long.resize(MAX_ELF + 1, 0);
        for (elf, expected) in [
            (b"#!/bin/sh".to_vec(), "begin"),
            (Vec::new(), "begin"),
            (b"\x7fELF".to_vec(), "header"),
            (header(62), "machine is 62"),
            (long, "at most"),
        ] {
            let error = check_elf(&elf).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
