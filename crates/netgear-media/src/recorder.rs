use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use netgear_proto::Frame;

use crate::still::{Picture, PngSpeed};
use crate::{FrameRate, PictureError, Y4mChroma, Y4mError, Y4mWriter};

/// Writes frames as they come: to a Y4M file, or to a folder as numbered PNGs.
///
/// ```no_run
/// use netgear_media::{FrameRate, Recorder};
///
/// let mut recorder = Recorder::create("session.y4m", FrameRate::THIRTY)?;
/// # let frame = netgear_proto::Frame::gray8(1, 1, vec![0])?;
/// recorder.write(&frame)?;
/// recorder.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    target: Target,
    frames: u64,
}

#[derive(Debug)]
enum Target {
    /// What the file held before is gone only when the first frame comes.
    NewY4m(File, FrameRate),
    Y4m(Y4mWriter<BufWriter<File>>),
    Folder,
}

impl Recorder {
    /// A recorder to `path`: a file if that ends in `.y4m`, and else a folder, which is made if it is not there and gets
    /// `frame_000000.png`, `frame_000001.png`, and so on. The rate is written into the Y4M file.
    ///
    /// A folder keeps every pixel of 8 and 16 bits. A Y4M file has its colours at half the resolution (4:2:0) and in another
    /// colour space, so they come back nearly the same. A file that is there is written over once the first frame comes.
    ///
    /// # Errors
    /// [`RecordError::UnknownFormat`] for a name with any other ending that is not a folder; [`RecordError::FolderInUse`] for a
    /// folder with a recording, whose further frames would seem to belong to this one; [`RecordError::Io`].
    pub fn create(path: impl AsRef<Path>, rate: FrameRate) -> Result<Self, RecordError> {
        let path = path.as_ref().to_owned();
        let io = |source| RecordError::Io { path: path.clone(), source };
        let target = match path.extension() {
            _ if path.join(picture_name(0)).exists() => return Err(RecordError::FolderInUse { path }),
            _ if path.is_dir() => Target::Folder,
            Some(ending) if ending.eq_ignore_ascii_case("y4m") => {
                let file = File::options().write(true).create(true).truncate(false).open(&path);
                Target::NewY4m(file.map_err(io)?, rate)
            }
            Some(_) => return Err(RecordError::UnknownFormat { path }),
            None => {
                std::fs::create_dir_all(&path).map_err(io)?;
                Target::Folder
            }
        };
        Ok(Self { path, target, frames: 0 })
    }

    /// Writes the next frame.
    ///
    /// # Errors
    /// [`RecordError`]. What was written before is kept, and frames may follow one that was refused.
    pub fn write(&mut self, frame: &Frame) -> Result<(), RecordError> {
        match &mut self.target {
            Target::NewY4m(file, rate) => {
                let mut writer = begin_y4m(file, *rate)
                    .map_err(|source| RecordError::Io { path: self.path.clone(), source })?;
                let written = writer.write(frame).map_err(|error| y4m_error(&self.path, error));
                self.target = Target::Y4m(writer);
                written?;
            }
            Target::Y4m(writer) => writer.write(frame).map_err(|error| y4m_error(&self.path, error))?,
            Target::Folder => {
                let picture = Picture::new(frame)?;
                let path = self.path.join(picture_name(self.frames));
                let written = File::create(&path).map(BufWriter::new).and_then(|mut file| {
                    picture.write_png(&mut file, PngSpeed::Fast)?;
                    // Dropped, it would keep a full disk to itself.
                    file.flush()
                });
                written.map_err(|source| RecordError::Io { path, source })?;
            }
        }
        self.frames += 1;
        Ok(())
    }

    /// The frames written so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes what is still in memory, and tells whether all went well. A recorder that is dropped writes it too, and tells
    /// nobody.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn finish(mut self) -> Result<(), RecordError> {
        match &mut self.target {
            Target::Y4m(writer) => writer.flush().map_err(|error| y4m_error(&self.path, error)),
            Target::NewY4m(..) | Target::Folder => Ok(()),
        }
    }
}

fn picture_name(number: u64) -> String {
    format!("frame_{number:06}.png")
}

/// Empties a file that was there. A pipe has nothing to empty.
fn begin_y4m(file: &File, rate: FrameRate) -> io::Result<Y4mWriter<BufWriter<File>>> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    let file = BufWriter::with_capacity(1 << 20, file.try_clone()?);
    Ok(Y4mWriter::new(file, rate, Y4mChroma::C420))
}

fn y4m_error(path: &Path, error: Y4mError) -> RecordError {
    match error {
        Y4mError::Io(source) => RecordError::Io { path: path.to_owned(), source },
        error => RecordError::Y4m(error),
    }
}

/// Why a frame is not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The name's ending is of no format that can be recorded.
    #[error("cannot record to {}; give a name that ends in .y4m, or a folder", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The folder has a recording.
    #[error("{} has a recording already; give another folder, or empty this one", path.display())]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Y4M does not take such a frame.
    #[error(transparent)]
    Y4m(Y4mError),
    /// PNG does not take such a frame.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

#[cfg(test)]
mod tests {
    use netgear_proto::{ElementType, PixelFormat, Shape};

    use super::*;
    use crate::{FrameSource, OpenOptions, Source, TestPattern};

    fn recorded(path: &Path) -> Box<dyn FrameSource> {
        Source::Path(path.to_owned()).open(&OpenOptions::new()).unwrap()
    }

    #[test]
    fn a_folder_gives_back_every_pixel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/frames");
        let mut pattern = TestPattern::new("64x48".parse().unwrap());
        let mut recorder = Recorder::create(&path, FrameRate::THIRTY).unwrap();
        for number in 0..12 {
            recorder.write(&pattern.frame(number)).unwrap();
        }
        assert_eq!(recorder.frames(), 12);
        recorder.finish().unwrap();
        let mut source = recorded(&path);
        for number in 0..12 {
            assert_eq!(source.next_frame().unwrap().unwrap().frame, pattern.frame(number));
        }
        assert_eq!(source.next_frame().unwrap(), None);
    }

    #[test]
    fn a_y4m_file_gives_back_the_picture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.y4m");
        for size in ["320x240@25", "65x49@25"] {
            let mut pattern = TestPattern::new(size.parse().unwrap());
            let mut recorder = Recorder::create(&path, FrameRate::new(25, 1).unwrap()).unwrap();
            for number in 0..5 {
                recorder.write(&pattern.frame(number)).unwrap();
            }
            recorder.finish().unwrap();
            let mut source = recorded(&path);
            assert_eq!(source.info().frames, Some(5));
            for number in 0..5 {
                let found = source.next_frame().unwrap().unwrap();
                let expected = pattern.frame(number);
                assert_eq!(found.frame.shape(), expected.shape());
                assert_eq!(found.time, pattern.info().frame_rate.unwrap().time_of(number));
                assert_eq!(TestPattern::read_number(&found.frame), Some(number));
                let differences = found.frame.pixels().iter().zip(expected.pixels());
                let far = differences.filter(|(a, b)| a.abs_diff(**b) > 8).count();
                // Colours blend at edges, and nowhere else.
                assert!(far < expected.pixels().len() / 4, "{size}: {far} of {}", expected.pixels().len());
            }
            assert_eq!(source.next_frame().unwrap(), None);
            source.rewind().unwrap();
            assert_eq!(TestPattern::read_number(&source.next_frame().unwrap().unwrap().frame), Some(0));
        }
    }

    #[test]
    fn full_chroma_and_gray_lose_next_to_nothing() {
        let mut pattern = TestPattern::new("97x64".parse().unwrap());
        let frame = pattern.frame(3);
        let gray = Frame::gray8(97, 64, frame.pixels().slice(..97 * 64)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.y4m");
        for (frame, tolerance) in [(frame, 2), (gray, 0)] {
            let mut writer = Y4mWriter::new(File::create(&path).unwrap(), FrameRate::THIRTY, Y4mChroma::C444);
            writer.write(&frame).unwrap();
            writer.finish().unwrap();
            let found = recorded(&path).next_frame().unwrap().unwrap().frame;
            assert_eq!(found.pixel_format(), frame.pixel_format());
            for (found, expected) in found.pixels().iter().zip(frame.pixels()) {
                assert!(found.abs_diff(*expected) <= tolerance, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_the_rest_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.y4m");
        let mut recorder = Recorder::create(&path, FrameRate::THIRTY).unwrap();
        let gray = Frame::gray8(4, 2, vec![9; 8]).unwrap();
        recorder.write(&gray).unwrap();
        let other = Frame::gray8(2, 4, vec![9; 8]).unwrap();
        assert!(matches!(recorder.write(&other), Err(RecordError::Y4m(Y4mError::FormatChanged { .. }))));
        let shape = Shape::new(2, 4, 1).unwrap();
        let deep = Frame::new(vec![0; 16], shape, ElementType::U16, PixelFormat::Gray).unwrap();
        assert!(matches!(recorder.write(&deep), Err(RecordError::Y4m(Y4mError::Unsupported { .. }))));
        recorder.write(&gray).unwrap();
        drop(recorder);
        assert_eq!(recorded(&path).info().frames, Some(2));
        assert!(matches!(
            Recorder::create(folder.path().join("a.mp4"), FrameRate::THIRTY),
            Err(RecordError::UnknownFormat { .. })
        ));
    }

    #[test]
    fn a_file_is_written_over_by_a_frame_and_not_by_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.y4m");
        std::fs::write(&path, [7; 100_000]).unwrap();
        Recorder::create(&path, FrameRate::THIRTY).unwrap().finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 100_000);
        let mut recorder = Recorder::create(&path, FrameRate::THIRTY).unwrap();
        recorder.write(&Frame::bgr8(16, 16, vec![0; 16 * 16 * 3]).unwrap()).unwrap();
        recorder.finish().unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 1_000);
    }

    #[test]
    fn a_folder_with_a_recording_takes_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(folder.path(), FrameRate::THIRTY).unwrap();
        recorder.write(&Frame::gray8(2, 2, vec![0; 4]).unwrap()).unwrap();
        recorder.finish().unwrap();
        let again = Recorder::create(folder.path(), FrameRate::THIRTY);
        assert!(matches!(again, Err(RecordError::FolderInUse { .. })));
    }
}
