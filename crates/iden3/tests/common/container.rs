//! Splits binary files into sections and joins them again, so that tests can damage them.

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ec::AffineRepr;

/// The sections of a file, and its first eight bytes: the magic and the version.
#[derive(Clone)]
pub struct Container {
    pub head: [u8; 8],
    pub sections: Vec<(u32, Vec<u8>)>,
}

impl Container {
    pub fn parse(bytes: &[u8]) -> Self {
        let head = bytes[..8].try_into().expect("eight bytes");
        let mut sections = Vec::new();
        let mut rest = &bytes[12..];
        while !rest.is_empty() {
            let number = u32::from_le_bytes(rest[..4].try_into().expect("four bytes"));
            let length = u64::from_le_bytes(rest[4..12].try_into().expect("eight bytes"));
            let (content, after) = rest[12..].split_at(usize::try_from(length).expect("a small file"));
            sections.push((number, content.to_vec()));
            rest = after;
        }
        Self { head, sections }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.to_vec();
        bytes.extend(u32::try_from(self.sections.len()).expect("few").to_le_bytes());
        for (number, content) in &self.sections {
            bytes.extend(number.to_le_bytes());
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
        }
        bytes
    }

    pub fn section(&mut self, number: u32) -> &mut Vec<u8> {
        let found = self.sections.iter_mut().find(|(other, _)| *other == number);
        &mut found.expect("the section is there").1
    }

    /// Overwrites bytes of a section.
    pub fn put(&mut self, number: u32, offset: usize, content: &[u8]) {
        self.section(number)[offset..offset + content.len()].copy_from_slice(content);
    }
}

fn coordinate(value: Fq) -> Vec<u8> {
    value.0.0.iter().flat_map(|limb| limb.to_le_bytes()).collect()
}

/// Encodes a point as in the files.
pub fn g1_bytes(point: &G1Affine) -> Vec<u8> {
    let (x, y) = point.xy().expect("not infinity");
    [x, y].map(coordinate).concat()
}

/// Encodes a point as in the files.
pub fn g2_bytes(point: &G2Affine) -> Vec<u8> {
    let (x, y) = point.xy().expect("not infinity");
    [x.c0, x.c1, y.c0, y.c1].map(coordinate).concat()
}
