//! The memory of a table: owned, or part of a mapped file. The mapping is the only unsafe code of
//! this crate.

use std::{fs::File, io, ops::Deref, path::Path, sync::Arc};

use bauta_packed_field::CacheLine;
use memmap2::Mmap;

/// Maps a file for reading.
///
/// If another process changes the file while it is mapped, the tables of the engine change as well:
/// proofs become wrong, and reading a part that was truncated ends the process. For this reason,
/// files of tables are written under another name and then renamed, and they are never changed.
pub(crate) fn map(path: &Path) -> io::Result<Arc<Mmap>> {
    let file = File::open(path)?;
    // SAFETY: the memory is only read, as bytes and words, for which every value is valid. The
    // function's documentation describes the effect of a concurrent change of the file.
    let mapped = unsafe { Mmap::map(&file)? };
    // Tables are read in random order, which is slow with pages of 4 kB. The call fails on systems
    // without huge pages for files, and the error is ignored.
    #[cfg(target_os = "linux")]
    drop(mapped.advise(memmap2::Advice::HugePage));
    Ok(Arc::new(mapped))
}

/// The cache lines of a table.
pub(crate) enum TableMemory {
    Owned(Vec<CacheLine>),
    Mapped {
        file: Arc<Mmap>,
        /// Start of the table in the file, in bytes. It is a multiple of the size of a cache line.
        start: usize,
        lines: usize,
    },
}

impl From<Vec<CacheLine>> for TableMemory {
    fn from(lines: Vec<CacheLine>) -> Self {
        Self::Owned(lines)
    }
}

impl Deref for TableMemory {
    type Target = [CacheLine];

    fn deref(&self) -> &[CacheLine] {
        match self {
            Self::Owned(lines) => lines,
            Self::Mapped { file, start, lines } => {
                bytemuck::cast_slice(&file[*start..*start + lines * size_of::<CacheLine>()])
            }
        }
    }
}
