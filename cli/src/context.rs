//! What a command uses: the options, the cluster with its node, and the keypairs.

use std::{cell::Cell, path::PathBuf};

use anyhow::{Result, anyhow, ensure};
use bauta_client::ClusterTag;
use bauta_rpc::Rpc;
use solana_address::Address;
use solana_keypair::Keypair;

use crate::{
    cluster::{Cluster, TagChoice, is_public, tag_name},
    commands::keypair,
    failure::{Failure, Kind},
    key::{self, Key},
    options::Options,
    solana_config::{SolanaConfig, home},
};

/// The options, the cluster with its node, and the paths of the keypairs.
pub struct Context {
    pub options: Options,
    pub cluster: Cluster,
    pub rpc: Rpc,
    keypair: Option<PathBuf>,
    /// The lamports that the user has approved for a series of transactions and that are not spent.
    approved: Cell<u64>,
}

/// The keypairs that sign a transaction.
pub struct Signers {
    /// The signer of the command: an admin, an authority, a creator, an owner.
    pub signer: Key,
    payer: Option<Key>,
}

impl Signers {
    /// Returns the payer of fees and rent.
    pub fn payer(&self) -> &Key {
        self.payer.as_ref().unwrap_or(&self.signer)
    }

    /// Returns the number of signatures of a transaction that both sign.
    pub fn count(&self) -> u64 {
        1 + u64::from(self.payer.is_some())
    }
}

impl Context {
    /// Resolves the options and the configuration of Solana's tools. Does not connect.
    pub fn new(options: Options) -> Result<Self> {
        let config = SolanaConfig::read(options.config.as_deref())?;
        let name = options.cluster.clone().or(config.json_rpc_url);
        let tag = match options.cluster_tag {
            Some(TagChoice::Pinned(tag)) => Some(tag),
            Some(TagChoice::Genesis) | None => None,
        };
        let cluster = Cluster::resolve(name.as_deref().unwrap_or("local"), tag);
        let default = || home().map(|home| home.join(".config/solana/id.json"));
        let keypair = options.keypair.clone();
        let keypair = keypair.or_else(|| config.keypair_path.map(PathBuf::from));
        Ok(Self {
            rpc: Rpc::new(&cluster.url)?,
            keypair: keypair.or_else(default),
            options,
            cluster,
            approved: Cell::new(0),
        })
    }

    /// Returns the same context at another node of the cluster: a name or a URL.
    pub fn at_node(&self, node: &str) -> Result<Self> {
        let url = Cluster::resolve(node, None).url;
        Ok(Self {
            rpc: Rpc::new(&url)?,
            cluster: Cluster {
                url,
                tag: self.cluster.tag,
            },
            options: self.options.clone(),
            keypair: self.keypair.clone(),
            approved: Cell::new(0),
        })
    }

    /// Remembers what the user has approved for a series of transactions, in lamports.
    pub fn set_approved(&self, lamports: u64) {
        self.approved.set(lamports);
    }

    /// Takes the cost of a transaction from what the user has approved. Returns whether it is enough.
    pub fn take_approved(&self, lamports: u64) -> bool {
        let left = self.approved.get().checked_sub(lamports);
        if let Some(left) = left {
            self.approved.set(left);
        }
        left.is_some()
    }

    /// Returns the path of the signer's keypair file.
    pub fn keypair_path(&self) -> Result<&PathBuf> {
        self.keypair
            .as_ref()
            .ok_or_else(|| no_keypair(&anyhow!("no keypair is configured")))
    }

    /// Returns the address of the signer.
    pub fn signer_address(&self) -> Result<Address> {
        Ok(self.signer()?.pubkey())
    }

    /// Reads the signer's key: a keypair file, or the name of a key in a key store.
    fn signer(&self) -> Result<Key> {
        match key::stored(self.keypair_path()?)? {
            Some(_) => Key::read(self.keypair_path()?),
            None => self.keypair().map(Key::File),
        }
    }

    /// Reads the signer's keypair file.
    pub fn keypair(&self) -> Result<Keypair> {
        let path = self.keypair_path()?;
        ensure!(
            key::stored(path)?.is_none(),
            "this command signs with a keypair file only, and not with a key store"
        );
        if let Some(scheme) = path.to_str().and_then(|text| text.split_once("://")) {
            let message = format!("the keypair is {}://…, which is not a file", scheme.0);
            return Err(Failure::new(Kind::Other, message)
                .next("give the path of a keypair file with --keypair")
                .into());
        }
        keypair::read(path).map_err(|error| no_keypair(&error))
    }

    /// Reads the keypairs of the signer and of the payer.
    pub fn signers(&self) -> Result<Signers> {
        let payer = self.options.fee_payer.as_deref().map(Key::read).transpose()?;
        let signer = self.signer()?;
        Ok(Signers {
            payer: payer.filter(|payer| payer.pubkey() != signer.pubkey()),
            signer,
        })
    }

    /// Returns the pinned tag of the cluster.
    pub fn tag(&self) -> Result<ClusterTag> {
        if self.options.cluster_tag == Some(TagChoice::Genesis) {
            return Err(Failure::new(
                Kind::Other,
                "the tag \"genesis\" comes from the node, and a node can name the tag of another cluster",
            )
            .next("give --cluster-tag a name or 64 hexadecimal digits")
            .into());
        }
        self.cluster.tag.ok_or_else(|| {
            Failure::new(
                Kind::Other,
                format!("the tag of the cluster of {} is unknown", self.rpc.host()),
            )
            .next("name the cluster with --cluster-tag, for example --cluster-tag devnet")
            .into()
        })
    }

    /// Compares the node's genesis hash with the pinned tag, and returns whether the node serves
    /// mainnet.
    pub async fn check_genesis(&self) -> Result<bool> {
        let genesis = ClusterTag::new(self.rpc.genesis_hash().await?.to_bytes());
        if let Some(tag) = self.cluster.tag.filter(|tag| is_public(*tag) && *tag != genesis) {
            let message = format!(
                "the node at {} serves a cluster other than {}: its genesis hash is {}",
                self.rpc.host(),
                tag_name(tag),
                tag_name(genesis)
            );
            return Err(Failure::new(Kind::Node, message)
                .next("use another node, or correct --cluster or --cluster-tag")
                .into());
        }
        Ok(genesis == ClusterTag::MAINNET)
    }
}

impl Context {
    /// Refuses a node whose cluster is not the pinned one, for commands that only read. A node of
    /// a cluster without a known genesis hash can't be compared.
    pub async fn check_pinned(&self) -> Result<()> {
        if self.cluster.tag.is_some_and(is_public) {
            self.check_genesis().await?;
        }
        Ok(())
    }
}

fn no_keypair(error: &anyhow::Error) -> anyhow::Error {
    let next = "create a keypair with `bauta keypair FILE`, and give its path with --keypair";
    Failure::new(Kind::Other, format!("{error:#}")).next(next).into()
}
