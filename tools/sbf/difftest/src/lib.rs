//! A test program whose results on chain are compared with its results on the host
//! (`tests/difference.rs`).
//!
//! It uses every construct that `sbf-link` rewrites because the BPF back end cannot compile it:
//! products with overflow, 128-bit and 256-bit arithmetic, signed division, floats, atomics, many
//! arguments and wide results. It also uses the parts that come from the patched standard library:
//! the memory routines, the allocator, collections and formatting.

mod arithmetic;
mod calls;
mod memory;

#[cfg(all(target_os = "solana", target_arch = "bpf"))]
use solana_compiler_builtins as _;

use solana_account_info::AccountInfo;
use solana_address::Address;
use solana_program_error::{ProgramError, ProgramResult};

#[cfg(not(feature = "no-entrypoint"))]
solana_program_entrypoint::entrypoint!(process);

/// The operands of one comparison. They are encoded in 53 bytes, little-endian.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    /// The family of operations to run.
    pub family: Family,
    /// The first 64-bit operand.
    pub a: i64,
    /// The second 64-bit operand.
    pub b: i64,
    /// The first 128-bit operand.
    pub c: u128,
    /// The second 128-bit operand.
    pub d: u128,
    /// A number of bits to shift by, or a length in bytes.
    pub s: u32,
}

/// A family of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Integers and floats.
    Arithmetic,
    /// Copying, moving, filling and comparing memory.
    Memory,
    /// Many arguments, wide results, function pointers, atomics, collections, formatting.
    Calls,
    /// A panic.
    Panic,
}

impl Family {
    /// All families that return a result.
    pub const RETURNING: [Self; 3] = [Self::Arithmetic, Self::Memory, Self::Calls];
}

impl Operands {
    /// Encodes the operands as instruction data.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![self.family as u8];
        bytes.extend(self.a.to_le_bytes());
        bytes.extend(self.b.to_le_bytes());
        bytes.extend(self.c.to_le_bytes());
        bytes.extend(self.d.to_le_bytes());
        bytes.extend(self.s.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first()?;
        let family = match family {
            0 => Family::Arithmetic,
            1 => Family::Memory,
            2 => Family::Calls,
            3 => Family::Panic,
            _ => return None,
        };
        let (a, rest) = rest.split_first_chunk()?;
        let (b, rest) = rest.split_first_chunk()?;
        let (c, rest) = rest.split_first_chunk()?;
        let (d, rest) = rest.split_first_chunk()?;
        Some(Self {
            family,
            a: i64::from_le_bytes(*a),
            b: i64::from_le_bytes(*b),
            c: u128::from_le_bytes(*c),
            d: u128::from_le_bytes(*d),
            s: u32::from_le_bytes(rest.try_into().ok()?),
        })
    }
}

/// Computes the results of a family of operations, as bytes.
pub fn results(operands: &Operands) -> Vec<u8> {
    let mut results = Results::default();
    match operands.family {
        Family::Arithmetic => arithmetic::results(operands, &mut results),
        Family::Memory => memory::results(operands, &mut results),
        Family::Calls => calls::results(operands, &mut results),
        Family::Panic => panic!("a panic was requested with {}", operands.a),
    }
    results.0
}

/// Collects results as bytes.
#[derive(Default)]
struct Results(Vec<u8>);

impl Results {
    fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.extend(bytes);
    }

    fn option<const N: usize>(&mut self, bytes: Option<[u8; N]>) {
        self.0.push(u8::from(bytes.is_some()));
        self.push(bytes.unwrap_or([0; N]));
    }
}

/// Computes the results for the operands in the instruction data and sets them as return data.
pub fn process(_program: &Address, _accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
    let operands = Operands::from_bytes(data).ok_or(ProgramError::InvalidInstructionData)?;
    let mut results = results(&operands);
    // The runtime removes trailing zeros from return data.
    results.push(1);
    solana_cpi::set_return_data(&results);
    Ok(())
}
