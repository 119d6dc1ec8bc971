//! Assets of Metaplex Core.
//!
//! Core does not run here: its accounts are written into the chain, as its official client crate
//! encodes them.

use bauta::core_asset::CORE_PROGRAM;
use bauta_client::instructions::{self, TokenMetadataAccounts};
use borsh::BorshDeserialize;
use mpl_core::accounts::{BaseAssetV1, BaseCollectionV1, PluginHeaderV1, PluginRegistryV1};
use mpl_core::types::{
    ExternalRegistryRecord, Key, Plugin, PluginAuthority, PluginType, RegistryRecord, UpdateAuthority,
};
use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{Member, Nft, Receipt, Refusal, TestChain, TestRegistry};

/// An asset of Core and its owner.
pub struct CoreAsset {
    /// The address of the asset account.
    pub address: Address,
    /// The keypair of the owner.
    pub owner: Keypair,
    /// The Core collection, if the asset has one.
    pub collection: Option<Address>,
}

impl Clone for CoreAsset {
    fn clone(&self) -> Self {
        Self {
            owner: self.owner.insecure_clone(),
            ..*self
        }
    }
}

impl CoreAsset {
    /// Returns the asset as a token whose mint is the asset's address.
    #[must_use]
    pub fn as_token(&self) -> Nft {
        Nft {
            mint: self.address,
            account: self.address,
            owner: self.owner.insecure_clone(),
            program: CORE_PROGRAM,
            token_metadata: TokenMetadataAccounts::default(),
        }
    }
}

/// Returns an account of Core: `fields` and the plugins behind them. Each plugin has the authority
/// that Core gives it by default.
///
/// # Panics
/// Never, because writing to memory succeeds.
#[must_use]
pub fn core_account(fields: Vec<u8>, plugins: &[Plugin], external: &[ExternalRegistryRecord]) -> Vec<u8> {
    let mut data = fields;
    if plugins.is_empty() && external.is_empty() {
        return data;
    }
    let encoded = "writing to memory succeeds";
    let header_at = data.len();
    data.extend([0; PluginHeaderV1::LEN]);
    let mut registry = vec![];
    for plugin in plugins {
        let bytes = borsh::to_vec(plugin).expect(encoded);
        registry.push(RegistryRecord {
            plugin_type: PluginType::try_from_slice(&bytes[..1]).expect("a plugin begins with its type"),
            authority: manager(plugin),
            offset: data.len() as u64,
        });
        data.extend(bytes);
    }
    let header = PluginHeaderV1 {
        key: Key::PluginHeaderV1,
        plugin_registry_offset: data.len() as u64,
    };
    let header = borsh::to_vec(&header).expect(encoded);
    data[header_at..header_at + header.len()].copy_from_slice(&header);
    let list = PluginRegistryV1 {
        key: Key::PluginRegistryV1,
        registry,
        external_registry: external.to_vec(),
    };
    data.extend(borsh::to_vec(&list).expect(encoded));
    data
}

/// Returns the authority that Core gives a plugin if the creator of the asset names none.
fn manager(plugin: &Plugin) -> PluginAuthority {
    match plugin {
        Plugin::FreezeDelegate(_)
        | Plugin::BurnDelegate(_)
        | Plugin::TransferDelegate(_)
        | Plugin::Autograph(_)
        | Plugin::FreezeExecute(_) => PluginAuthority::Owner,
        _ => PluginAuthority::UpdateAuthority,
    }
}

impl TestChain {
    /// Creates a Core collection with plugins.
    pub fn core_collection(&mut self, plugins: &[Plugin]) -> Address {
        let address = self.new_keypair("core collection").pubkey();
        self.write_core_collection(&address, plugins);
        address
    }

    /// Writes a Core collection with plugins.
    pub fn write_core_collection(&mut self, address: &Address, plugins: &[Plugin]) {
        let fields = BaseCollectionV1 {
            key: Key::CollectionV1,
            update_authority: [8; 32].into(),
            name: "Collection".into(),
            uri: "https://example.com/collection.json".into(),
            num_minted: 1,
            current_size: 1,
        };
        let fields = borsh::to_vec(&fields).expect("writing to memory succeeds");
        self.set_core_data(address, core_account(fields, plugins, &[]));
    }

    /// Creates a Core asset with plugins.
    pub fn core_asset(
        &mut self,
        owner: &Keypair,
        collection: Option<Address>,
        plugins: &[Plugin],
    ) -> CoreAsset {
        let asset = CoreAsset {
            address: self.new_keypair("core asset").pubkey(),
            owner: owner.insecure_clone(),
            collection,
        };
        self.write_core_asset(&asset, plugins, &[]);
        asset
    }

    /// Writes a Core asset with plugins.
    pub fn write_core_asset(
        &mut self,
        asset: &CoreAsset,
        plugins: &[Plugin],
        external: &[ExternalRegistryRecord],
    ) {
        let authority = asset
            .collection
            .map_or(UpdateAuthority::Address([8; 32].into()), |collection| {
                UpdateAuthority::Collection(collection.to_bytes().into())
            });
        let data = core_account(core_asset_fields(asset, authority), plugins, external);
        self.set_core_data(&asset.address, data);
    }

    /// Transfers an asset as Core does, without its plugins. Returns the asset with its new owner.
    #[must_use]
    pub fn transfer_core_asset(&mut self, asset: &CoreAsset, to: &Keypair) -> CoreAsset {
        let sold = CoreAsset {
            owner: to.insecure_clone(),
            ..*asset
        };
        self.write_core_asset(&sold, &[], &[]);
        sold
    }

    /// Burns an asset as Core does: one byte remains, which is 0.
    pub fn burn_core_asset(&mut self, asset: &CoreAsset) {
        self.set_core_data(&asset.address, vec![0]);
    }

    /// Writes the data of an account of Core.
    pub fn set_core_data(&mut self, address: &Address, data: Vec<u8>) {
        let account = Account {
            lamports: self.rent(data.len()),
            data,
            owner: CORE_PROGRAM,
            ..Account::default()
        };
        self.set_account(address, account);
    }

    /// Registers an asset with a new secret. The collection with this key must exist. In the
    /// result, the asset's address is the token's mint.
    pub fn register_core(
        &mut self,
        registry: &mut TestRegistry,
        asset: &CoreAsset,
        key: &Address,
        track: u64,
    ) -> Result<(Member, Receipt), Refusal> {
        let holding = self.holding(registry, &asset.address);
        let member = self.new_member(registry, &asset.as_token(), track);
        let register = instructions::RegisterCoreHolder {
            registry: registry.address,
            tree: registry.tree_account,
            collection_key: *key,
            asset: asset.address,
            core_collection: asset.collection,
            owner: asset.owner.pubkey(),
            payer: self.payer.pubkey(),
            commitment: member.commitment(),
            path: holding.map(|holding| self.on_chain_path(registry, holding.index)),
        };
        let receipt = self.send(&[register.instruction()], &[&asset.owner])?;
        registry.set_leaf(member.index, member.leaf());
        Ok((member, receipt))
    }
}

/// Returns the fields of an asset, without plugins.
fn core_asset_fields(asset: &CoreAsset, update_authority: UpdateAuthority) -> Vec<u8> {
    let fields = BaseAssetV1 {
        key: Key::AssetV1,
        owner: asset.owner.pubkey().to_bytes().into(),
        update_authority,
        name: "Asset".into(),
        uri: "https://example.com/asset.json".into(),
        seq: None,
    };
    borsh::to_vec(&fields).expect("writing to memory succeeds")
}
