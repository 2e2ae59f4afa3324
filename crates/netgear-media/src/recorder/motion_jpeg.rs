//! Motion JPEG in an AVI file.

use std::fs::File;
use std::path::Path;

use netgear_proto::Frame;

use super::{RecordError, file_error, jpeg::Jpeg};
use crate::FrameRate;
use crate::formats::avi::AviWriter;

#[derive(Debug)]
pub(super) struct AviFile {
    jpeg: Jpeg,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What the file held before is gone only when the first frame comes.
    New(File),
    Open(AviWriter<File>),
}

impl AviFile {
    pub(super) fn new(file: File, jpeg: Jpeg) -> Self {
        Self { jpeg, state: State::New(file) }
    }

    pub(super) fn write(&mut self, frame: &Frame, rate: FrameRate, path: &Path) -> Result<(), RecordError> {
        let jpeg = self.jpeg.encode(frame)?;
        if let State::New(file) = &self.state {
            let file = file.try_clone().and_then(|file| file.set_len(0).map(|()| file));
            let file = file.map_err(file_error(path))?;
            self.state = State::Open(AviWriter::new(file, frame.width(), frame.height()));
        }
        let State::Open(writer) = &mut self.state else { return Ok(()) };
        let written = writer.write(jpeg, rate);
        cut_off(writer, written, path)
    }

    /// What it holds of whole frames.
    pub(super) fn bytes(&self) -> u64 {
        match &self.state {
            State::New(_) => 0,
            State::Open(writer) => writer.end(),
        }
    }

    /// Writes the index.
    pub(super) fn finish(&mut self, path: &Path) -> Result<(), RecordError> {
        let State::Open(writer) = &mut self.state else { return Ok(()) };
        let finished = writer.finish();
        cut_off(writer, finished, path)
    }
}

/// Takes away what was written of a frame or an index, if it was not written whole.
fn cut_off(
    writer: &mut AviWriter<File>,
    written: std::io::Result<()>,
    path: &Path,
) -> Result<(), RecordError> {
    written.map_err(|error| {
        let end = writer.end();
        // The error that led here says more than this could.
        let _ = writer.get_mut().set_len(end);
        file_error(path)(error)
    })
}
