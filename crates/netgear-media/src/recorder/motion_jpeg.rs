//! Motion JPEG in an AVI file.

use std::fs::File;
use std::io;
use std::path::Path;

use netgear_proto::Frame;

use super::destination::Destination;
use super::disk::Disk;
use super::{RecordError, file_error, jpeg::Jpeg};
use crate::FrameRate;
use crate::formats::avi::AviWriter;

#[derive(Debug)]
pub(super) struct AviFile {
    jpeg: Jpeg,
    destination: Destination,
    /// `None` until the first picture is there.
    pictures: Option<JpegFile<File>>,
}

impl AviFile {
    pub(super) fn new(destination: Destination, jpeg: Jpeg) -> Self {
        Self { jpeg, destination, pictures: None }
    }

    pub(super) fn write(&mut self, frame: &Frame, rate: FrameRate, path: &Path) -> Result<(), RecordError> {
        let jpeg = self.jpeg.encode(frame)?;
        let pictures = match &mut self.pictures {
            Some(pictures) => pictures,
            None => self.pictures.insert(JpegFile::New(self.destination.open()?)),
        };
        pictures.write(jpeg, (frame.width(), frame.height()), rate).map_err(file_error(path))
    }

    /// What it holds of whole frames.
    pub(super) fn bytes(&self) -> u64 {
        self.pictures.as_ref().map_or(0, JpegFile::bytes)
    }

    pub(super) fn remove_if_empty(&self) {
        self.destination.remove_if_empty();
    }

    /// Writes the index.
    pub(super) fn finish(&mut self, path: &Path) -> Result<(), RecordError> {
        self.pictures.as_mut().map_or(Ok(()), JpegFile::finish).map_err(file_error(path))
    }
}

/// An AVI file that ends where its last whole chunk does, whatever went wrong.
#[derive(Debug)]
enum JpegFile<F> {
    /// What the file held before is gone only when the first frame comes.
    New(F),
    Open(AviWriter<F>),
    /// Between the two.
    Opening,
}

impl<F: Disk> JpegFile<F> {
    fn write(&mut self, jpeg: &[u8], (width, height): (u32, u32), rate: FrameRate) -> io::Result<()> {
        if let Self::New(file) = self {
            file.set_len(0)?;
            if let Self::New(file) = std::mem::replace(self, Self::Opening) {
                *self = Self::Open(AviWriter::new(file, width, height));
            }
        }
        let Self::Open(writer) = self else { return Ok(()) };
        writer.write(jpeg, rate).inspect_err(|_| cut_off(writer))
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Open(writer) => writer.end(),
            Self::New(_) | Self::Opening => 0,
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        let Self::Open(writer) = self else { return Ok(()) };
        writer.finish().inspect_err(|_| cut_off(writer))
    }
}

/// Takes away what was written of a frame or an index that is not there whole.
fn cut_off<F: Disk>(writer: &mut AviWriter<F>) {
    let end = writer.end();
    // The error that led here says more than this could.
    let _ = writer.get_mut().set_len(end);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::recorder::disk::failing::{FailingDisk, Failure, failures};
    use crate::{OpenOptions, Source, write_jpeg};

    const FRAMES: u8 = 8;

    fn jpeg(level: u8) -> Vec<u8> {
        let mut jpeg = Vec::new();
        write_jpeg(&Frame::gray8(8, 8, vec![level; 64]).unwrap(), 95, &mut jpeg).unwrap();
        jpeg
    }

    /// What becomes of a film whose pictures are given again where they failed, or not. Gives the levels that were
    /// taken.
    fn recorded(failure: Failure, pictures: &[Vec<u8>]) -> (JpegFile<FailingDisk>, Vec<u8>) {
        let disk = FailingDisk { failure, ..FailingDisk::default() };
        // Of three frames each, so that boundaries are among what fails.
        let mut file =
            JpegFile::Open(AviWriter::new(disk, 8, 8).with_riffs_of(1 << 30, 3).with_super_index_of(2));
        let mut taken = Vec::new();
        for (number, picture) in pictures.iter().enumerate() {
            let rate = FrameRate::new(20 + number as u32, 1).unwrap();
            let mut write = || file.write(picture, (8, 8), rate);
            // Once more, and then it is left out.
            if write().is_ok() || write().is_ok() {
                taken.push(number as u8);
            }
        }
        (file, taken)
    }

    /// The entries of all indexes together, each of which leads to a picture.
    fn indexed(bytes: &[u8]) -> usize {
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let indexes = bytes.windows(4).enumerate().filter(|(_, kind)| kind == b"ix00").map(|(at, _)| at);
        let entries =
            indexes.flat_map(|at| (0..u32_at(at + 12)).map(move |number| (at, at + 32 + 8 * number)));
        let lead = entries.inspect(|&(ix, entry)| {
            let picture = u32_at(ix + 20) + u32_at(entry);
            assert_eq!(&bytes[picture - 8..picture - 4], b"00dc");
            assert_eq!(u32_at(picture - 4), u32_at(entry + 4));
        });
        lead.count()
    }

    fn content(file: &JpegFile<FailingDisk>) -> &FailingDisk {
        match file {
            JpegFile::Open(writer) => writer.get_ref(),
            _ => unreachable!(),
        }
    }

    #[test]
    fn whenever_the_disk_fails_the_film_has_what_was_taken_and_says_so() {
        let level = |number: u8| 40 + 20 * number;
        let pictures: Vec<_> = (0..FRAMES).map(|number| jpeg(level(number))).collect();
        let (mut whole, taken) = recorded(Failure::Never, &pictures);
        whole.finish().unwrap();
        assert_eq!(taken.len(), pictures.len());
        let (written, len) = (content(&whole).written, content(&whole).content.get_ref().len());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.avi");
        let mut seen = HashSet::new();
        for failure in failures(written, len) {
            let (mut file, taken) = recorded(failure, &pictures);
            let finished = file.finish();
            let is_lasting = !matches!(failure, Failure::OnceAfter(_));
            assert!(is_lasting || taken.len() == pictures.len(), "{failure:?}: {taken:?}");
            assert!(is_lasting || finished.is_ok() || file.finish().is_ok(), "{failure:?}");
            let bytes = content(&file).content.get_ref();
            assert_eq!(file.bytes(), bytes.len() as u64, "{failure:?}");
            if !is_lasting {
                assert_eq!(indexed(bytes), taken.len(), "{failure:?}");
                let riffs = bytes.windows(4).filter(|kind| kind == b"RIFF").count();
                assert_eq!(riffs, taken.len().div_ceil(3), "{failure:?}");
            }
            // Many fail with the same left on the disk.
            if taken.is_empty() || !seen.insert((bytes.clone(), taken.clone())) {
                continue;
            }
            std::fs::write(&path, bytes).unwrap();
            let mut source = Source::Path(path.clone()).open(&OpenOptions::new()).unwrap();
            // Where the disk gives up amid the headers, the count is perhaps of one frame more.
            let said = source.info().frames.unwrap() as usize;
            let most = taken.len() + usize::from(matches!(failure, Failure::After(_)));
            assert!((taken.len()..=most).contains(&said), "{failure:?}: {said} for {taken:?}");
            let mut found = Vec::new();
            while let Some(next) = source.next_frame().unwrap_or_else(|error| panic!("{failure:?}: {error}"))
            {
                found.push(next.frame.pixels()[0]);
            }
            let is_near = |(found, number): (&u8, &u8)| found.abs_diff(level(*number)) <= 3;
            let is_right = found.len() == taken.len() && found.iter().zip(&taken).all(is_near);
            assert!(is_right, "{failure:?}: {found:?} for {taken:?}");
        }
        assert!(seen.len() > 20, "{}", seen.len());
    }
}
