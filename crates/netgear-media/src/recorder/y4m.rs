//! Y4M: each frame is written at once, and the header again when the rate is another.

use std::fs::File;
use std::io::{self, SeekFrom};
use std::path::Path;

use netgear_proto::Frame;

use super::destination::Destination;
use super::disk::Disk;
use super::{RecordError, file_error};
use crate::{FrameRate, Y4mChroma, Y4mError, Y4mWriter};

#[derive(Debug)]
pub(super) struct Y4mTarget {
    destination: Destination,
    chroma: Y4mChroma,
    /// `None` until a frame is there that can be written.
    file: Option<Y4mFile>,
}

impl Y4mTarget {
    pub(super) fn new(destination: Destination, chroma: Y4mChroma) -> Self {
        Self { destination, chroma, file: None }
    }

    /// As [`Y4mFile::write`].
    pub(super) fn write(&mut self, frame: &Frame, rate: FrameRate, path: &Path) -> Result<(), RecordError> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                Y4mWriter::<Vec<u8>>::check(frame).map_err(RecordError::Y4m)?;
                let file = Y4mFile::new(self.destination.open()?, self.chroma);
                self.file.insert(file.map_err(file_error(path))?)
            }
        };
        file.write(frame, rate, path)
    }

    /// What it holds of whole frames.
    pub(super) fn bytes(&self) -> u64 {
        self.file.as_ref().map_or(0, Y4mFile::bytes)
    }

    pub(super) fn remove_if_empty(&self) {
        self.destination.remove_if_empty();
    }
}

#[derive(Debug)]
struct Y4mFile<F = File> {
    file: F,
    chroma: Y4mChroma,
    /// `None` until the first frame comes: what the file held before is gone only then.
    writer: Option<Y4mWriter<Vec<u8>>>,
    /// Where the last whole frame ends.
    end: u64,
    /// What the header says.
    rate: FrameRate,
    /// A pipe has nothing to empty, to cut off or to write again.
    is_regular: bool,
}

impl Y4mFile {
    fn new(file: File, chroma: Y4mChroma) -> io::Result<Self> {
        let is_regular = file.metadata()?.is_file();
        Ok(Self::on(file, is_regular, chroma))
    }
}

impl<F: Disk> Y4mFile<F> {
    fn on(file: F, is_regular: bool, chroma: Y4mChroma) -> Self {
        Self { file, chroma, writer: None, end: 0, rate: FrameRate::THIRTY, is_regular }
    }

    /// After an error the file has what it had before, and the same frame or another may be given again.
    fn write(&mut self, frame: &Frame, rate: FrameRate, path: &Path) -> Result<(), RecordError> {
        if self.writer.is_none() {
            Y4mWriter::<Vec<u8>>::check(frame).map_err(RecordError::Y4m)?;
            if self.is_regular {
                self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(file_error(path))?;
            }
            self.rate = rate;
        }
        let (chroma, first_rate) = (self.chroma, self.rate);
        let writer = self.writer.get_or_insert_with(|| Y4mWriter::new(Vec::new(), first_rate, chroma));
        writer.get_mut().clear();
        let before = self.end;
        if let Err(error) = writer.write(frame) {
            self.cut_off(before);
            return Err(match error {
                Y4mError::Io(source) => file_error(path)(source),
                error => RecordError::Y4m(error),
            });
        }
        let len = writer.get_mut().len() as u64;
        let written = self.file.write_all(writer.get_mut());
        self.end += len;
        written.and_then(|()| self.set_rate(rate)).map_err(|error| {
            self.cut_off(before);
            file_error(path)(error)
        })
    }

    /// What it holds of whole frames.
    fn bytes(&self) -> u64 {
        self.end
    }

    fn set_rate(&mut self, rate: FrameRate) -> io::Result<()> {
        if rate == self.rate || !self.is_regular {
            return Ok(());
        }
        let Some(header) = self.writer.as_ref().and_then(|writer| writer.header_with(rate)) else {
            return Ok(());
        };
        self.file.rewind()?;
        // In one block of the disk: it is written, or it is not.
        self.file.write_all(header.as_bytes())?;
        self.rate = rate;
        self.file.seek(SeekFrom::Start(self.end)).map(drop)
    }

    /// Takes away what is behind the frames before.
    fn cut_off(&mut self, end: u64) {
        self.end = end;
        if end == 0 {
            self.writer = None;
        }
        if self.is_regular {
            // The error that led here says more than these could.
            let _ = self.file.set_len(end);
            let _ = self.file.seek(SeekFrom::Start(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::recorder::disk::failing::{FailingDisk, Failure, failures};
    use crate::{OpenOptions, Source};

    /// What becomes of a film whose frames are given again where they failed, or not. Gives the levels that were
    /// taken, and the rate that was stated with the last.
    fn recorded(failure: Failure) -> (Y4mFile<FailingDisk>, Vec<u8>, FrameRate) {
        let disk = FailingDisk { failure, ..FailingDisk::default() };
        let mut file = Y4mFile::on(disk, true, Y4mChroma::C420);
        let (mut taken, mut stated) = (Vec::new(), FrameRate::THIRTY);
        for number in 0..6 {
            let frame = Frame::gray8(20, 10, vec![number; 200]).unwrap();
            // Another one with each second frame, of more digits and of fewer.
            let rate = [(30, 1), (30_000, 1001), (7, 1)][usize::from(number) / 2];
            let rate = FrameRate::new(rate.0, rate.1).unwrap();
            let mut write = || file.write(&frame, rate, Path::new("a.y4m"));
            if write().is_ok() || write().is_ok() {
                taken.push(number);
                stated = rate;
            }
        }
        (file, taken, stated)
    }

    #[test]
    fn whenever_the_disk_fails_the_film_has_what_was_taken_and_says_so() {
        let (whole, taken, _) = recorded(Failure::Never);
        assert_eq!(taken.len(), 6);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.y4m");
        let mut seen = HashSet::new();
        for failure in failures(whole.file.written, whole.file.content.get_ref().len()) {
            let (file, taken, stated) = recorded(failure);
            assert!(!matches!(failure, Failure::OnceAfter(_)) || taken.len() == 6, "{failure:?}: {taken:?}");
            let bytes = file.file.content.get_ref();
            assert_eq!(file.bytes(), bytes.len() as u64, "{failure:?}");
            if taken.is_empty() || !seen.insert((bytes.clone(), taken.clone())) {
                continue;
            }
            std::fs::write(&path, bytes).unwrap();
            let mut source = Source::Path(path.clone()).open(&OpenOptions::new()).unwrap();
            assert_eq!(source.info().frames, Some(taken.len() as u64), "{failure:?}");
            assert_eq!(source.info().frame_rate, Some(stated), "{failure:?}");
            let mut found = Vec::new();
            while let Some(next) = source.next_frame().unwrap_or_else(|error| panic!("{failure:?}: {error}"))
            {
                found.push(next.frame.pixels()[0]);
            }
            assert_eq!(found, taken, "{failure:?}");
        }
        assert!(seen.len() >= 6, "{}", seen.len());
    }
}
