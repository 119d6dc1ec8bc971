//! The container of all four binary formats. It consists of four magic bytes, the version (u32) and
//! the number of sections (u32). Then each section follows with its number (u32), its length in
//! bytes (u64) and its content. Integers are little-endian.

use std::{
    io::{Cursor as IoCursor, Read, Seek, SeekFrom},
    ops::RangeInclusive,
};

use crate::error::{Error, Location};

/// Size of magic, version and number of sections.
const HEADER_BYTES: u64 = 12;
/// Size of a section's number and length, which precede its content.
const ENTRY_BYTES: u64 = 12;

/// The properties that identify a format.
pub(crate) struct Format {
    /// The name of the format in error messages.
    pub(crate) file: &'static str,
    pub(crate) magic: [u8; 4],
    pub(crate) version: u32,
    /// The section numbers of the format. A file with any other section is refused.
    pub(crate) sections: RangeInclusive<u32>,
}

/// The position of a section's content. It lies within the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) number: u32,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// The sections of a file. Each occurs at most once.
#[derive(Debug)]
pub(crate) struct Table {
    file: &'static str,
    sections: Vec<Section>,
}

impl Table {
    /// Reads the table by skipping from section to section. The file must end with the last
    /// section.
    pub(crate) fn read(format: &Format, input: &mut (impl Read + Seek)) -> Result<Self, Error> {
        let file = format.file;
        let io = |source| Error::Io { file, source };
        let end = input.seek(SeekFrom::End(0)).map_err(io)?;
        input.rewind().map_err(io)?;
        if end < HEADER_BYTES {
            let location = Location {
                file,
                section: None,
                item: "header",
                index: None,
            };
            return Err(Error::Truncated {
                location,
                needed: HEADER_BYTES,
                left: end,
            });
        }
        let (mut word, mut long) = ([0; 4], [0; 8]);
        input.read_exact(&mut word).map_err(io)?;
        if word != format.magic {
            return Err(Error::Magic {
                file,
                expected: format.magic,
                found: word,
            });
        }
        input.read_exact(&mut word).map_err(io)?;
        let version = u32::from_le_bytes(word);
        if version != format.version {
            return Err(Error::Version {
                file,
                found: version,
                supported: format.version,
            });
        }
        input.read_exact(&mut word).map_err(io)?;
        let count = u32::from_le_bytes(word);

        let mut sections: Vec<Section> = Vec::new();
        let mut offset = HEADER_BYTES;
        for _ in 0..count {
            let location = Location {
                file,
                section: None,
                item: "section table",
                index: Some(sections.len()),
            };
            if end - offset < ENTRY_BYTES {
                return Err(Error::Truncated {
                    location,
                    needed: ENTRY_BYTES,
                    left: end - offset,
                });
            }
            input.seek(SeekFrom::Start(offset)).map_err(io)?;
            input.read_exact(&mut word).map_err(io)?;
            input.read_exact(&mut long).map_err(io)?;
            let (number, len) = (u32::from_le_bytes(word), u64::from_le_bytes(long));
            offset += ENTRY_BYTES;
            if !format.sections.contains(&number) {
                return Err(Error::UnknownSection {
                    file,
                    section: number,
                });
            }
            if sections.iter().any(|known| known.number == number) {
                return Err(Error::DuplicateSection {
                    file,
                    section: number,
                });
            }
            if end - offset < len {
                let location = Location {
                    section: Some(number),
                    item: "content",
                    index: None,
                    ..location
                };
                return Err(Error::Truncated {
                    location,
                    needed: len,
                    left: end - offset,
                });
            }
            sections.push(Section { number, offset, len });
            offset += len;
        }
        if offset != end {
            let location = Location {
                file,
                section: None,
                item: "last section",
                index: None,
            };
            return Err(Error::TrailingBytes {
                location,
                extra: end - offset,
            });
        }
        Ok(Self { file, sections })
    }

    pub(crate) fn section(&self, number: u32) -> Result<Section, Error> {
        self.optional(number).ok_or(Error::MissingSection {
            file: self.file,
            section: number,
        })
    }

    pub(crate) fn optional(&self, number: u32) -> Option<Section> {
        self.sections
            .iter()
            .find(|section| section.number == number)
            .copied()
    }
}

/// A file that is completely in memory.
pub(crate) struct Sections<'a> {
    table: Table,
    bytes: &'a [u8],
}

impl<'a> Sections<'a> {
    pub(crate) fn parse(format: &Format, bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self {
            table: Table::read(format, &mut IoCursor::new(bytes))?,
            bytes,
        })
    }

    pub(crate) fn section(&self, number: u32) -> Result<Cursor<'a>, Error> {
        self.table.section(number).map(|section| self.cursor(section))
    }

    pub(crate) fn optional(&self, number: u32) -> Option<Cursor<'a>> {
        self.table.optional(number).map(|section| self.cursor(section))
    }

    fn cursor(&self, section: Section) -> Cursor<'a> {
        let position = |n| usize::try_from(n).expect("the table's positions lie within the slice");
        let content = &self.bytes[position(section.offset)..position(section.offset + section.len)];
        Cursor::new(self.table.file, section.number, content)
    }
}

/// Reads a section from front to back and tracks the position for error messages.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    location: Location,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(file: &'static str, section: u32, content: &'a [u8]) -> Self {
        let location = Location {
            file,
            section: Some(section),
            item: "content",
            index: None,
        };
        Self {
            rest: content,
            location,
        }
    }

    /// Sets the name of the item that is read next, for error messages.
    pub(crate) fn at(&mut self, item: &'static str) -> &mut Self {
        (self.location.item, self.location.index) = (item, None);
        self
    }

    /// Sets the name and the index of the list element that is read next, for error messages.
    pub(crate) fn nth(&mut self, item: &'static str, index: usize) -> &mut Self {
        (self.location.item, self.location.index) = (item, Some(index));
        self
    }

    pub(crate) fn location(&self) -> Location {
        self.location
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let Some((head, rest)) = self.rest.split_at_checked(count) else {
            let (needed, left) = (count as u64, self.rest.len() as u64);
            return Err(Error::Truncated {
                location: self.location,
                needed,
                left,
            });
        };
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        Ok(self
            .bytes(N)?
            .try_into()
            .expect("bytes returns the requested number of bytes"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads the number of the following elements. Returns an error if elements of at least `size`
    /// bytes do not fit into the rest of the section.
    pub(crate) fn count(&mut self, size: usize) -> Result<usize, Error> {
        let count = self.u32()?;
        self.fits(u64::from(count), size)
    }

    /// Checks that elements of at least `size` bytes fit into the rest of the section. Call this
    /// before you allocate memory for `count` elements.
    pub(crate) fn fits(&self, count: u64, size: usize) -> Result<usize, Error> {
        let (needed, left) = (count.saturating_mul(size as u64), self.rest.len() as u64);
        if needed > left {
            return Err(Error::Truncated {
                location: self.location,
                needed,
                left,
            });
        }
        Ok(usize::try_from(count).expect("no more than the bytes of the section"))
    }

    /// Returns an error if the section's length differs from the length that follows from the
    /// header's counts.
    pub(crate) fn expect_size(&self, expected: u64) -> Result<(), Error> {
        let found = self.rest.len() as u64;
        if found == expected {
            Ok(())
        } else {
            Err(Error::SectionSize {
                location: self.location,
                expected,
                found,
            })
        }
    }

    /// Returns an error if any bytes follow the last element.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.rest.len() as u64 {
            0 => Ok(()),
            extra => Err(Error::TrailingBytes {
                location: self.location,
                extra,
            }),
        }
    }
}

/// Writes the container.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Creates a writer with capacity for `content` bytes in `sections` sections.
    pub(crate) fn with_capacity(format: &Format, sections: u32, content: usize) -> Self {
        let table = HEADER_BYTES + u64::from(sections) * ENTRY_BYTES;
        let mut bytes = Vec::with_capacity(content + usize::try_from(table).expect("few sections"));
        bytes.extend(format.magic);
        bytes.extend(format.version.to_le_bytes());
        bytes.extend(sections.to_le_bytes());
        Self { bytes }
    }

    pub(crate) fn section(&mut self, number: u32, content: &[u8]) {
        self.bytes.extend(number.to_le_bytes());
        self.bytes.extend((content.len() as u64).to_le_bytes());
        self.bytes.extend(content);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
