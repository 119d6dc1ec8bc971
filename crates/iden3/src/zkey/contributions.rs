//! Section 10 of a `.zkey`. It contains 64 bytes circuit hash and the number of contributions
//! (u32). Each contribution consists of `delta_after`, `g1_s`, `g1_sx`, `g2_spx`, 64 bytes
//! transcript, the kind (u32, 0 is entropy and 1 is a beacon), the length of the parameters (u32)
//! and the parameters.
//!
//! A parameter is a byte that identifies it, followed by its content. Parameters are in ascending
//! order. Parameter 1 is the name: a length byte and UTF-8. Parameter 2 is the number of a beacon's
//! iterations, as the exponent of two in one byte. Parameter 3 is a beacon's value: a length byte
//! and the bytes.

use super::{Contribution, ContributionKind};
use crate::{
    container::Cursor,
    encoding::{G1_BYTES, G2_BYTES, Infinity, g1_montgomery, g2_montgomery},
    error::{Error, Location},
};

const NAME: u8 = 1;
const ITERATIONS: u8 = 2;
const BEACON: u8 = 3;

const KIND_ENTROPY: u32 = 0;
const KIND_BEACON: u32 = 1;

/// Size of a contribution without parameters, in bytes.
const MIN_BYTES: usize = 3 * G1_BYTES + G2_BYTES + 64 + 4 + 4;

pub(super) fn read(mut section: Cursor<'_>) -> Result<([u8; 64], Vec<Contribution>), Error> {
    let cs_hash = section.at("circuit hash").array()?;
    let count = section.at("contributions").count(MIN_BYTES)?;
    let mut contributions = Vec::with_capacity(count);
    for index in 0..count {
        contributions.push(contribution(&mut section, index)?);
    }
    section.finish()?;
    Ok((cs_hash, contributions))
}

fn contribution(section: &mut Cursor<'_>, index: usize) -> Result<Contribution, Error> {
    let delta_after = section
        .nth("contributions' delta_after", index)
        .g1(Infinity::Refused)?;
    let g1_s = section.nth("contributions' g1_s", index).g1(Infinity::Refused)?;
    let g1_sx = section.nth("contributions' g1_sx", index).g1(Infinity::Refused)?;
    let g2_spx = section
        .nth("contributions' g2_spx", index)
        .g2(Infinity::Refused)?;
    section.nth("contributions", index);
    let transcript = section.array()?;
    let kind = section.u32()?;
    let length = section.u32()? as usize;
    let content = section.bytes(length)?;
    let location = section.location();

    let mut parameters = Cursor::new(location.file, location.section.unwrap_or_default(), content);
    parameters.nth("contributions' parameters", index);
    let (name, iterations_exp, hash) = read_parameters(&mut parameters)?;
    let kind = match (kind, iterations_exp, hash) {
        (KIND_ENTROPY, None, None) => ContributionKind::Entropy,
        (KIND_BEACON, Some(iterations_exp), Some(hash)) if !hash.is_empty() => {
            ContributionKind::Beacon { hash, iterations_exp }
        }
        _ => {
            let rule = "the kind must be 0 without a beacon's value and iterations, or 1 with both";
            return Err(Error::ContributionParameters { location, rule });
        }
    };
    Ok(Contribution {
        delta_after,
        g1_s,
        g1_sx,
        g2_spx,
        transcript,
        name,
        kind,
    })
}

type Parameters = (Option<String>, Option<u8>, Option<Vec<u8>>);

fn read_parameters(parameters: &mut Cursor<'_>) -> Result<Parameters, Error> {
    let location = parameters.location();
    let refuse = |rule| Err(Error::ContributionParameters { location, rule });
    let (mut name, mut iterations_exp, mut hash) = (None, None, None);
    let mut last = 0;
    while parameters.left() > 0 {
        let which = parameters.u8()?;
        if which <= last {
            return refuse("the parameters must be in ascending order, each at most once");
        }
        last = which;
        match which {
            NAME => {
                let length = parameters.u8()?.into();
                match std::str::from_utf8(parameters.bytes(length)?) {
                    Ok(text) => name = Some(text.to_owned()),
                    Err(_) => return refuse("the name must be UTF-8"),
                }
            }
            ITERATIONS => iterations_exp = Some(parameters.u8()?),
            BEACON => {
                let length = parameters.u8()?.into();
                hash = Some(parameters.bytes(length)?.to_vec());
            }
            _ => return refuse("the parameters are 1 (name), 2 (iterations) and 3 (beacon)"),
        }
    }
    Ok((name, iterations_exp, hash))
}

pub(super) fn write(cs_hash: &[u8; 64], contributions: &[Contribution]) -> Result<Vec<u8>, Error> {
    let refuse = |index, problem| {
        let location = Location {
            file: ".zkey",
            section: Some(10),
            item: "contributions",
            index,
        };
        Error::NotWritable { location, problem }
    };
    let count = u32::try_from(contributions.len())
        .map_err(|_| refuse(None, "there are more than 2^32 - 1 contributions"))?;
    let mut bytes = cs_hash.to_vec();
    bytes.extend(count.to_le_bytes());
    for (index, contribution) in contributions.iter().enumerate() {
        bytes.extend(g1_montgomery(&contribution.delta_after));
        bytes.extend(g1_montgomery(&contribution.g1_s));
        bytes.extend(g1_montgomery(&contribution.g1_sx));
        bytes.extend(g2_montgomery(&contribution.g2_spx));
        bytes.extend(contribution.transcript);

        let mut parameters = Vec::new();
        let short = |what: &[u8], problem| u8::try_from(what.len()).map_err(|_| refuse(Some(index), problem));
        if let Some(name) = &contribution.name {
            parameters.extend([NAME, short(name.as_bytes(), "the name has more than 255 bytes")?]);
            parameters.extend(name.as_bytes());
        }
        let kind = match &contribution.kind {
            ContributionKind::Entropy => KIND_ENTROPY,
            ContributionKind::Beacon { hash, iterations_exp } => {
                if hash.is_empty() {
                    return Err(refuse(Some(index), "the beacon's value is empty"));
                }
                parameters.extend([ITERATIONS, *iterations_exp]);
                parameters.extend([BEACON, short(hash, "the beacon's value has more than 255 bytes")?]);
                parameters.extend(hash);
                KIND_BEACON
            }
        };
        bytes.extend(kind.to_le_bytes());
        let length = u32::try_from(parameters.len()).expect("a few hundred bytes");
        bytes.extend(length.to_le_bytes());
        bytes.extend(parameters);
    }
    Ok(bytes)
}
