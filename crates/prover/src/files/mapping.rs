//! Tables in memory, or in a file that is mapped into it. The only unsafe code of this crate is the mapping.

use std::{fs::File, io, ops::Deref, path::Path, sync::Arc};

use bauta_packed_field::Line;
use memmap2::Mmap;

/// Maps a file for reading.
///
/// Whoever changes the file while it is mapped changes the tables under the engine: proofs then come out wrong, and reading a part
/// that was cut off ends the process. Files of tables are written under another name and renamed, never changed.
pub(super) fn map(path: &Path) -> io::Result<Arc<Mmap>> {
    let file = File::open(path)?;
    // SAFETY: the memory is only ever read, as bytes and words, for which every value is valid; what a concurrent
    // change of the file does is said above.
    let mapped = unsafe { Mmap::map(&file)? };
    // Tables are read in random order, which page tables of 4 kB pages slow down. Systems that can't do better for files say so.
    #[cfg(target_os = "linux")]
    drop(mapped.advise(memmap2::Advice::HugePage));
    Ok(Arc::new(mapped))
}

/// Lines that are owned, or part of a mapped file.
pub(crate) enum Lines {
    Owned(Vec<Line>),
    Mapped {
        file: Arc<Mmap>,
        /// In bytes; a multiple of a line.
        start: usize,
        lines: usize,
    },
}

impl From<Vec<Line>> for Lines {
    fn from(lines: Vec<Line>) -> Self {
        Self::Owned(lines)
    }
}

impl Deref for Lines {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        match self {
            Self::Owned(lines) => lines,
            Self::Mapped { file, start, lines } => {
                bytemuck::cast_slice(&file[*start..*start + lines * size_of::<Line>()])
            }
        }
    }
}
