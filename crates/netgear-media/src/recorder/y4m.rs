//! Y4M: each frame is written at once, and the header again when the rate is another.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use netgear_proto::Frame;

use super::{RecordError, file_error};
use crate::{FrameRate, Y4mChroma, Y4mError, Y4mWriter};

#[derive(Debug)]
pub(super) struct Y4mFile {
    file: File,
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
    pub(super) fn new(file: File, chroma: Y4mChroma) -> io::Result<Self> {
        let is_regular = file.metadata()?.is_file();
        Ok(Self { file, chroma, writer: None, end: 0, rate: FrameRate::THIRTY, is_regular })
    }

    pub(super) fn write(&mut self, frame: &Frame, rate: FrameRate, path: &Path) -> Result<(), RecordError> {
        if self.writer.is_none() {
            Y4mWriter::<Vec<u8>>::check(frame).map_err(RecordError::Y4m)?;
            if self.is_regular {
                self.file.set_len(0).map_err(file_error(path))?;
            }
            self.rate = rate;
        }
        let (chroma, first_rate) = (self.chroma, self.rate);
        let writer = self.writer.get_or_insert_with(|| Y4mWriter::new(Vec::new(), first_rate, chroma));
        writer.write(frame).map_err(|error| match error {
            Y4mError::Io(source) => RecordError::Io { path: path.to_owned(), source },
            error => RecordError::Y4m(error),
        })?;
        let written = self.file.write_all(writer.get_mut());
        let len = writer.get_mut().len() as u64;
        writer.get_mut().clear();
        if let Err(error) = written {
            self.cut_off();
            return Err(file_error(path)(error));
        }
        self.end += len;
        self.set_rate(rate).map_err(file_error(path))
    }

    /// What it holds of whole frames.
    pub(super) fn bytes(&self) -> u64 {
        self.end
    }

    fn set_rate(&mut self, rate: FrameRate) -> io::Result<()> {
        if rate == self.rate || !self.is_regular {
            return Ok(());
        }
        let Some(header) = self.writer.as_ref().and_then(|writer| writer.header_with(rate)) else {
            return Ok(());
        };
        self.file.seek(SeekFrom::Start(0))?;
        let written = self.file.write_all(header.as_bytes());
        self.file.seek(SeekFrom::Start(self.end))?;
        written?;
        self.rate = rate;
        Ok(())
    }

    /// Takes away what was written of a frame.
    fn cut_off(&mut self) {
        if self.end == 0 {
            self.writer = None;
        }
        if self.is_regular {
            // The error that led here says more than these could.
            let _ = self.file.set_len(self.end);
            let _ = self.file.seek(SeekFrom::Start(self.end));
        }
    }
}
