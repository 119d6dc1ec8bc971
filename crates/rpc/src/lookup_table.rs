//! Reads address lookup tables.

use solana_address::Address;
use solana_message::AddressLookupTableAccount;

/// The program that owns lookup tables.
const LOOKUP_TABLE_PROGRAM: Address = Address::from_str_const("AddressLookupTab1e1111111111111111111111111");
/// The type of an initialized table, at the beginning of its account.
const TABLE: [u8; 4] = [1, 0, 0, 0];
/// The slot of the deactivation of a table that is not deactivated. It follows the type.
const NOT_DEACTIVATED: [u8; 8] = [0xff; 8];
/// Bytes of an account before the addresses.
const ADDRESSES_AT: usize = 56;
/// The largest number of addresses of a table.
const MAX_ADDRESSES: usize = 256;

/// Reads the account of an address lookup table. Returns `None` if the account is no table, or if
/// the table is deactivated.
///
/// A transaction can use the addresses that were added before the slot that executes it.
#[must_use]
pub fn read_lookup_table(key: Address, owner: &Address, data: &[u8]) -> Option<AddressLookupTableAccount> {
    let (head, addresses) = data.split_at_checked(ADDRESSES_AT)?;
    let (addresses, rest) = addresses.as_chunks::<32>();
    let is_table = *owner == LOOKUP_TABLE_PROGRAM
        && head.starts_with(&TABLE)
        && head[TABLE.len()..].starts_with(&NOT_DEACTIVATED)
        && rest.is_empty()
        && addresses.len() <= MAX_ADDRESSES;
    is_table.then(|| AddressLookupTableAccount {
        key,
        addresses: addresses.iter().copied().map(Address::new_from_array).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<u8> {
        let head = [&TABLE[..], &NOT_DEACTIVATED, &[0; 44]].concat();
        [head, vec![7; 32], vec![8; 32]].concat()
    }

    fn read(owner: &Address, data: &[u8]) -> Option<Vec<Address>> {
        let table = read_lookup_table(Address::default(), owner, data)?;
        Some(table.addresses)
    }

    #[test]
    fn only_an_active_and_well_formed_table_of_its_program_is_read() {
        let owner = LOOKUP_TABLE_PROGRAM;
        let addresses = [[7; 32], [8; 32]].map(Address::new_from_array).to_vec();
        assert_eq!(read(&owner, &table()), Some(addresses));
        assert_eq!(read(&owner, &table()[..ADDRESSES_AT]), Some(vec![]));
        assert_eq!(read(&Address::default(), &table()), None);
        for length in [0, 4, ADDRESSES_AT - 1, ADDRESSES_AT + 31] {
            assert_eq!(read(&owner, &table()[..length]), None, "{length}");
        }
        for position in [0, 4, 11] {
            let mut other = table();
            other[position] ^= 1;
            assert_eq!(read(&owner, &other), None, "{position}");
        }
        let full = |addresses: usize| [&table()[..ADDRESSES_AT], &vec![1; 32 * addresses]].concat();
        assert!(read(&owner, &full(MAX_ADDRESSES)).is_some());
        assert_eq!(read(&owner, &full(MAX_ADDRESSES + 1)), None);
    }
}
