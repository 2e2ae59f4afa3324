use std::fs::File;
use std::io::{self, Seek, Write};

/// A file on a disk, whose end can be taken away.
pub(super) trait Disk: Write + Seek {
    /// Its length from now on.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
}

impl Disk for File {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }
}

/// Disks that fail, for tests of what is left on them.
#[cfg(test)]
pub(super) mod failing {
    use std::io::{Cursor, SeekFrom};

    use super::*;

    /// A file on a disk that gives up.
    #[derive(Debug, Default)]
    pub(in crate::recorder) struct FailingDisk {
        pub(in crate::recorder) content: Cursor<Vec<u8>>,
        pub(in crate::recorder) failure: Failure,
        /// The bytes that were written, those that took the place of others included.
        pub(in crate::recorder) written: usize,
        pub(in crate::recorder) has_failed: bool,
    }

    #[derive(Debug, Clone, Copy, Default)]
    pub(in crate::recorder) enum Failure {
        #[default]
        Never,
        /// It takes so many bytes, and none from then on.
        After(usize),
        /// It takes so many bytes, then fails once, and then goes on: somebody has made room.
        OnceAfter(usize),
        /// It has room for so many: what is there can be written over.
        Full(usize),
    }

    impl Write for FailingDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let position = self.content.position() as usize;
            let room = match self.failure {
                Failure::Never => usize::MAX,
                Failure::OnceAfter(_) if self.has_failed => usize::MAX,
                Failure::After(most) | Failure::OnceAfter(most) => most.saturating_sub(self.written),
                Failure::Full(room) => room.saturating_sub(position),
            };
            // A disk writes blocks: what fits into one of them is written whole or not at all.
            let len = if bytes.len() <= 128 && room < bytes.len() { 0 } else { bytes.len().min(room) };
            if len == 0 {
                self.has_failed = true;
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written += len;
            self.content.write(&bytes[..len])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for FailingDisk {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.content.seek(to)
        }
    }

    impl Disk for FailingDisk {
        fn set_len(&mut self, len: u64) -> io::Result<()> {
            self.content.get_mut().resize(len as usize, 0);
            Ok(())
        }
    }

    /// Every way in which a disk can fail over a recording that writes so many bytes, and has so many in the end.
    pub(in crate::recorder) fn failures(written: usize, len: usize) -> impl Iterator<Item = Failure> {
        let after = (0..written).flat_map(|most| [Failure::After(most), Failure::OnceAfter(most)]);
        after.chain((0..len).map(Failure::Full))
    }
}
