//! Compares the accounts that the real program wrote with those that the other tests write.

use bauta_program_test::{AccountLengths, MetadataSpec, Nft, TestChain};
use mpl_token_metadata::accounts::MasterEdition;
use mpl_token_metadata::types::{Key, TokenStandard, TokenState};
use solana_address::Address;

use super::super::Fixture;
use super::{chain, fixture, issuer, printer};

/// Returns a chain in which the accounts of a token are written as in the other tests.
fn written(chain: &TestChain, nft: &Nft, spec: &MetadataSpec, state: TokenState) -> TestChain {
    let mut written = chain.clone();
    written.write_metadata(&nft.mint, spec);
    written.write_edition(&nft.mint, spec);
    if nft.token_metadata.token_record.is_some() {
        written.write_token_record(nft, state);
    }
    written
}

/// Asserts that the real program and the other tests write the same owner and data.
#[track_caller]
fn assert_same(chain: &TestChain, nft: &Nft, spec: &MetadataSpec, state: TokenState) {
    let written = written(chain, nft, spec, state);
    let given = nft.token_metadata;
    for (name, address) in [
        ("metadata", given.metadata),
        ("edition", given.edition),
        ("token record", given.token_record),
    ] {
        let Some(address) = address else { continue };
        let [real, own] = [chain, &written].map(|chain| {
            let account = chain.account(&address).expect("the account exists");
            (account.owner, account.data)
        });
        assert_eq!(real, own, "{name} of {:?}", spec.standard);
    }
}

fn spec(standard: TokenStandard, collection: &Nft, verified: bool) -> MetadataSpec {
    MetadataSpec {
        standard: Some(standard),
        collection: Some((collection.mint, verified)),
        lengths: AccountLengths::Former,
        ..MetadataSpec::default()
    }
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn token_metadata_writes_the_accounts_that_the_tests_write() {
    let (Fixture { mut chain, .. }, collection) = fixture(0);
    for standard in [TokenStandard::NonFungible, TokenStandard::ProgrammableNonFungible] {
        let owner = chain.funded_keypair("holder");
        let token = issuer::Token::of(standard, &collection);
        let nft = issuer::mint(&mut chain, &owner, &token);
        assert_same(
            &chain,
            &nft,
            &spec(standard, &collection, false),
            TokenState::Unlocked,
        );
        issuer::verify(&mut chain, &nft, &collection);
        let verified = spec(standard, &collection, true);
        assert_same(&chain, &nft, &verified, TokenState::Unlocked);
        let buyer = chain.funded_keypair("buyer");
        let sold = issuer::transfer(&mut chain, &nft, &buyer);
        assert_same(&chain, &sold, &verified, TokenState::Unlocked);
        if let Some(record) = nft.token_metadata.token_record {
            assert_eq!(chain.account(&record), None);
        }
        issuer::lock(&mut chain, &sold);
        assert_same(&chain, &sold, &verified, TokenState::Locked);
    }
}

#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn token_metadata_writes_the_prints_that_the_tests_write() {
    let mut chain = chain();
    let holder = chain.funded_keypair("holder");
    let token = issuer::Token::master(TokenStandard::NonFungible);
    let master = issuer::mint(&mut chain, &holder, &token);
    let print = printer::print(&mut chain, &master);
    let spec = MetadataSpec {
        lengths: AccountLengths::Former,
        ..MetadataSpec::print(&master.mint)
    };
    assert_same(&chain, &print, &spec, TokenState::Unlocked);
    let edition = issuer::derived(&master.mint).1;
    let edition = chain.account(&edition).expect("the edition exists").data;
    assert_eq!(
        MasterEdition::from_bytes(&edition).expect("the edition of a master"),
        MasterEdition {
            key: Key::MasterEditionV2,
            supply: 1,
            max_supply: Some(10),
        }
    );
}

/// The edition is the authority of the mint, the supply is 1, and only programmable tokens are
/// frozen, in real tokens and in those of the other tests.
#[test]
#[ignore = "`cargo xtask drill collections` builds the program"]
fn mints_and_token_accounts_of_real_tokens_are_those_of_the_tests() {
    let (Fixture { mut chain, .. }, collection) = fixture(0);
    for standard in [TokenStandard::NonFungible, TokenStandard::ProgrammableNonFungible] {
        let real = issuer::member(&mut chain, standard, &collection);
        let own = chain.mint_with_metadata(&real.owner, &spec(standard, &collection, true));
        let [real_mint, own_mint] = [&real, &own].map(|nft| {
            let edition = issuer::derived(&nft.mint).1;
            let mut data = data(&chain, &nft.mint);
            // The mint authority. The freeze authority is at the end, and the program doesn't read
            // it.
            assert_eq!(data[4..36], edition.to_bytes());
            data[4..36].fill(0);
            data.truncate(46);
            data
        });
        assert_eq!(real_mint, own_mint);
        let [real_account, own_account] = [&real, &own].map(|nft| {
            let mut data = data(&chain, &nft.account);
            assert_eq!(data[..32], nft.mint.to_bytes());
            data[..32].fill(0);
            data
        });
        assert_eq!(real_account, own_account);
    }
}

fn data(chain: &TestChain, address: &Address) -> Vec<u8> {
    chain.account(address).expect("the account exists").data
}
