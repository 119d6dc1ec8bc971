//! Clusters, their nodes and their tags.

use std::{fmt, str::FromStr};

use bauta_client::ClusterTag;
use reqwest::Url;

/// The clusters that have a name: the name, the URL of its public node, and the tag.
const NAMED: [(&str, &str, ClusterTag); 4] = [
    ("local", "http://127.0.0.1:8899", ClusterTag::LOCAL),
    ("devnet", "https://api.devnet.solana.com", ClusterTag::DEVNET),
    ("testnet", "https://api.testnet.solana.com", ClusterTag::TESTNET),
    (
        "mainnet",
        "https://api.mainnet-beta.solana.com",
        ClusterTag::MAINNET,
    ),
];

/// Other names that Solana's tools use.
const ALIASES: [(&str, &str); 8] = [
    ("l", "local"),
    ("localhost", "local"),
    ("localnet", "local"),
    ("d", "devnet"),
    ("t", "testnet"),
    ("m", "mainnet"),
    ("mainnet-beta", "mainnet"),
    ("mainnet_beta", "mainnet"),
];

/// A cluster: the URL of a node, and the pinned tag if the choice determines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The URL of the node. It may contain a key of a provider.
    pub url: String,
    /// The tag. `None` for a URL of a node on another machine without a chosen tag.
    pub tag: Option<ClusterTag>,
}

impl Cluster {
    /// Resolves a name or a URL, and a chosen tag.
    pub fn resolve(name: &str, tag: Option<ClusterTag>) -> Self {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        let name = alias.map_or(name, |(_, name)| name);
        let named = NAMED
            .iter()
            .find(|(known, url, _)| *known == name || name.trim_end_matches('/') == *url);
        let (url, found) = match named {
            Some((_, url, tag)) => ((*url).to_owned(), Some(*tag)),
            None => (name.to_owned(), is_loopback(name).then_some(ClusterTag::LOCAL)),
        };
        Self {
            url,
            tag: tag.or(found),
        }
    }
}

/// Returns the name of a tag, or its hexadecimal digits.
pub fn tag_name(tag: ClusterTag) -> String {
    let named = NAMED.iter().find(|(_, _, known)| *known == tag);
    named.map_or_else(|| hex::encode(tag.to_bytes()), |(name, _, _)| (*name).to_owned())
}

/// Returns whether the tag is the genesis hash of a public cluster.
pub fn is_public(tag: ClusterTag) -> bool {
    [ClusterTag::DEVNET, ClusterTag::TESTNET, ClusterTag::MAINNET].contains(&tag)
}

/// Returns whether the URL names this machine.
pub fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| bauta_rpc::is_loopback(&url))
}

/// A tag on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagChoice {
    /// The genesis hash that the node reports. Only `initialize` accepts it.
    Genesis,
    /// A pinned tag.
    Pinned(ClusterTag),
}

impl FromStr for TagChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "genesis" {
            return Ok(Self::Genesis);
        }
        if let Some((_, _, tag)) = NAMED.iter().find(|(name, _, _)| *name == text) {
            return Ok(Self::Pinned(*tag));
        }
        let mut tag = [0; 32];
        hex::decode_to_slice(text, &mut tag)
            .map_err(|_| r#"expected "local", "devnet", "testnet", "mainnet", or 64 hexadecimal digits"#)?;
        Ok(Self::Pinned(ClusterTag::new(tag)))
    }
}

impl fmt::Display for TagChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis => out.write_str("genesis"),
            Self::Pinned(tag) => out.write_str(&tag_name(*tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_tag_is_a_name_genesis_or_32_bytes() {
        assert_eq!("genesis".parse(), Ok(TagChoice::Genesis));
        assert_eq!("devnet".parse(), Ok(TagChoice::Pinned(ClusterTag::DEVNET)));
        let digits = "07".repeat(32);
        assert_eq!(digits.parse(), Ok(TagChoice::Pinned(ClusterTag::new([7; 32]))));
        let Ok(TagChoice::Pinned(local)) = "local".parse() else {
            panic!("the tag of local chains is fixed");
        };
        assert!(local.to_bytes().starts_with(b"bauta local chain\0"));
        for wrong in ["", "main", "07", &"07".repeat(33), &"0g".repeat(32)] {
            assert!(TagChoice::from_str(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_names_and_nodes_of_this_machine_determine_a_tag() {
        let tag = |name| Cluster::resolve(name, None).tag;
        assert_eq!(tag("mainnet-beta"), Some(ClusterTag::MAINNET));
        assert_eq!(tag("https://api.devnet.solana.com/"), Some(ClusterTag::DEVNET));
        for local in ["http://127.0.0.1:1", "http://localhost:1/", "http://[::1]:1"] {
            assert_eq!(tag(local), Some(ClusterTag::LOCAL), "{local}");
        }
        for other in [
            "https://node.example/127.0.0.1",
            "https://localhost.example",
            "http://127.0.0.1.example.org",
            "http://127.example.org",
            "http://localhost:x@example.org",
            "http://127.0.0.1@example.org",
            "http://[::1]@example.org/",
            "x",
        ] {
            assert_eq!(tag(other), None, "{other}");
        }
        let chosen = Some(ClusterTag::DEVNET);
        assert_eq!(Cluster::resolve("https://node.example", chosen).tag, chosen);
    }
}
