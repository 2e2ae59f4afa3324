mod destination;
mod disk;
mod error;
mod film;
mod free_space;
mod jpeg;
mod motion_jpeg;
mod options;
mod pace;
mod pictures;
mod y4m;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netgear_proto::{ElementType, Frame, PixelFormat, Shape};

use self::destination::Destination;
pub use self::error::RecordError;
use self::film::Film;
use self::jpeg::Jpeg;
use self::motion_jpeg::AviFile;
pub use self::options::RecordOptions;
use self::pace::Pace;
use self::pictures::{Coding, Name, Pictures};
use self::y4m::Y4mTarget;

/// Writes frames as they come: to a Y4M file, as Motion JPEG to an AVI file, as numbered pictures, or through ffmpeg
/// to MP4, MOV, MKV, WebM and TS.
///
/// ```no_run
/// use std::time::Duration;
///
/// use netgear_media::{RecordOptions, Recorder};
///
/// let mut recorder = Recorder::create("session.avi", &RecordOptions::new())?;
/// # let frame = netgear_proto::Frame::gray8(1, 1, vec![0])?;
/// recorder.write(&frame, Duration::ZERO)?;
/// recorder.write(&frame, Duration::from_millis(40))?;
/// let recorded = recorder.finish()?;
/// assert_eq!((recorded.frames, recorded.duration), (2, Duration::from_millis(80)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Each frame is written once, and is in the file when [`write`](Self::write) returns, but for ffmpeg, which has some
/// in the making: a program that is killed leaves a file that plays. (A machine that loses its power may lose more:
/// nothing is forced to the disk.)
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    target: Target,
    pace: Pace,
    /// What the first frame was.
    kind: Option<(Shape, PixelFormat, ElementType)>,
}

#[derive(Debug)]
enum Target {
    Y4m(Y4mTarget),
    Avi(AviFile),
    Pictures(Pictures),
    Film(Film),
}

/// What a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recorded {
    /// Frames.
    pub frames: u64,
    /// What they take on the disk. ffmpeg may still have some in the making.
    pub bytes: u64,
    /// How long it plays.
    pub duration: Duration,
}

impl Recorder {
    /// A recorder to `path`, by the ending of its name:
    ///
    /// * `.y4m`: uncompressed, with its colours at half the resolution ([`RecordOptions::with_chroma`]) and in
    ///   another colour space, so they come back nearly the same;
    /// * `.avi`: Motion JPEG, of any length;
    /// * a pattern such as `frames/%06d.png` or `%06d.jpg`: a picture for each frame, numbered from 0;
    /// * a folder, which is one that is there or a name that ends in `/`: `frame_000000.png` and so on in it. PNG
    ///   keeps every pixel of 8 and 16 bits;
    /// * through ffmpeg: `.mp4`, `.m4v`, `.mov`, `.mkv`, `.ts` and `.m2ts` as H.264, `.webm` as VP8.
    ///
    /// Files and folders are made when the first frame comes, and a file that is there is written over then. That
    /// they can be is tried out at once.
    ///
    /// No program runs before the first frame is written, so this takes no longer than the disk does.
    ///
    /// MP4, MOV and TS keep the time of each frame to 1/90,000 s, and MKV and WebM to a millisecond; frames that are
    /// nearer to each other than that are moved apart. Y4M and AVI have one rate for all: that at which the whole
    /// takes as long as it took. Pictures have no times.
    ///
    /// # Errors
    /// [`RecordError::UnknownFormat`] for the name of a single picture, for one without an ending, and for endings
    /// that are not named above; [`RecordError::NotLossless`]; [`RecordError::FolderInUse`] for a folder or a pattern
    /// with a picture of such a name, of any number: it would be written over, or seem to belong to this recording;
    /// [`RecordError::FfmpegMissing`]; [`RecordError::Io`].
    pub fn create(path: impl AsRef<Path>, options: &RecordOptions) -> Result<Self, RecordError> {
        let path = path.as_ref().to_owned();
        let target = Target::create(&path, options)?;
        Ok(Self { path, target, pace: Pace::new(options.rate()), kind: None })
    }

    /// Writes the next frame, of this time: since when does not matter, only how far it is from the others. A time
    /// that is not after the last one counts as a microsecond after it.
    ///
    /// # Errors
    /// [`RecordError`]. What was written before is kept, and frames may follow one that was refused; none after
    /// [`RecordError::Ffmpeg`].
    pub fn write(&mut self, frame: &Frame, time: Duration) -> Result<(), RecordError> {
        let kind = (frame.shape(), frame.pixel_format(), frame.element_type());
        if let Some(first) = self.kind.filter(|&first| first != kind && !self.target.takes_any_kind()) {
            return Err(RecordError::FormatChanged {
                path: self.path.clone(),
                expected: first.0,
                expected_format: first.1,
                found: kind.0,
                found_format: kind.1,
            });
        }
        let before = self.pace;
        self.pace.add(time);
        let path = &self.path;
        let written = match &mut self.target {
            Target::Y4m(file) => file.write(frame, self.pace.rate(), path),
            Target::Avi(file) => file.write(frame, self.pace.rate(), path),
            Target::Pictures(pictures) => pictures.write(frame),
            Target::Film(film) => film.write(frame, self.pace.last(), path),
        };
        if let Err(error) = written {
            self.pace = before;
            return Err(self.explain(error));
        }
        self.kind.get_or_insert(kind);
        Ok(())
    }

    /// What is written so far.
    pub fn recorded(&self) -> Recorded {
        let bytes = match &self.target {
            Target::Y4m(file) => file.bytes(),
            Target::Avi(file) => file.bytes(),
            Target::Pictures(pictures) => pictures.bytes(),
            Target::Film(_) if self.pace.frames() == 0 => 0,
            Target::Film(_) => self.path.metadata().map_or(0, |file| file.len()),
        };
        Recorded { frames: self.pace.frames(), bytes, duration: self.pace.duration() }
    }

    /// The bytes that are left on the disk that it writes to; `None` where the system does not tell.
    pub fn free_space(&self) -> Option<u64> {
        free_space::free_space(&self.path)
    }

    /// Writes what is still in memory, and the index of an AVI file, waits for ffmpeg, and tells whether all went
    /// well. A recorder that is dropped does it too, and tells nobody.
    ///
    /// # Errors
    /// [`RecordError`]. The frames are there all the same, but for some of the last with ffmpeg.
    pub fn finish(mut self) -> Result<Recorded, RecordError> {
        let finished = self.end();
        finished.map_err(|error| self.explain(error))?;
        Ok(self.recorded())
    }

    fn end(&mut self) -> Result<(), RecordError> {
        if self.pace.frames() == 0 {
            self.target.remove_if_empty();
        }
        match &mut self.target {
            Target::Avi(file) => file.finish(&self.path),
            Target::Film(film) => film.finish(&self.path),
            Target::Y4m(_) | Target::Pictures(_) => Ok(()),
        }
    }

    /// Adds what is there to errors that leave it there.
    fn explain(&self, error: RecordError) -> RecordError {
        match error {
            RecordError::Io { path, source } if is_full(&source) => {
                RecordError::DiskFull { path, recorded: self.recorded(), source }
            }
            RecordError::Ffmpeg { path, log, .. } => {
                RecordError::Ffmpeg { path, recorded: self.recorded(), log }
            }
            error => error,
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Again after `finish` it does nothing.
        let _ = self.end();
    }
}

impl Target {
    fn create(path: &Path, options: &RecordOptions) -> Result<Self, RecordError> {
        let jpeg = || Jpeg::new(options);
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let name = path.file_name().and_then(|name| name.to_str()).and_then(Name::parse);
        let folder = destination::folder_of(path).to_owned();
        let is_folder =
            path.is_dir() || path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        let lossy = |target| {
            if options.lossless() {
                Err(RecordError::NotLossless { path: path.to_owned() })
            } else {
                Ok(target)
            }
        };
        match (ending.as_deref(), name) {
            _ if is_folder => {
                let (folder, coding) = (path.to_owned(), Coding::Png(Vec::new()));
                Ok(Self::Pictures(Pictures::new(folder, Name::in_folder(), coding)?))
            }
            (Some("png"), Some(name)) => {
                Ok(Self::Pictures(Pictures::new(folder, name, Coding::Png(Vec::new()))?))
            }
            (Some("jpg" | "jpeg"), Some(name)) => {
                lossy(())?;
                Ok(Self::Pictures(Pictures::new(folder, name, Coding::Jpeg(jpeg()))?))
            }
            (None | Some("png" | "jpg" | "jpeg" | ""), _) => {
                Err(RecordError::UnknownFormat { path: path.to_owned() })
            }
            (Some("y4m"), _) => {
                lossy(())?;
                Ok(Self::Y4m(Y4mTarget::new(Destination::new(path)?, options.chroma())))
            }
            (Some("avi"), _) => {
                lossy(())?;
                Ok(Self::Avi(AviFile::new(Destination::new(path)?, jpeg())))
            }
            (Some(_), _) => {
                let film = Film::new(path, options)?;
                // ffmpeg would say so only once the first frame is there.
                Destination::new(path)?;
                Ok(Self::Film(film))
            }
        }
    }

    /// No frame was written: what was made for one goes.
    fn remove_if_empty(&self) {
        match self {
            Self::Y4m(file) => file.remove_if_empty(),
            Self::Avi(file) => file.remove_if_empty(),
            Self::Pictures(_) | Self::Film(_) => {}
        }
    }

    /// Whether frames may follow that are not like the first.
    fn takes_any_kind(&self) -> bool {
        matches!(self, Self::Pictures(_))
    }
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> RecordError {
    move |source| RecordError::Io { path: path.to_owned(), source }
}

/// Whether there is no room for more: on the disk, of the user's share of it, or in a file.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// `312 frames, 10.4 s, 48.1 MB`.
impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.bytes as f64 / 1e6;
        let frames = if self.frames == 1 { "frame" } else { "frames" };
        write!(f, "{} {frames}, {:.1} s, {megabytes:.1} MB", self.frames, self.duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use netgear_proto::{ElementType, PixelFormat, Shape};

    use super::*;
    use crate::contained::failing;
    use crate::{FrameRate, FrameSource, OpenOptions, Source, TestPattern, Y4mChroma, Y4mError, Y4mWriter};

    fn recorded(path: &Path) -> Box<dyn FrameSource> {
        Source::Path(path.to_owned()).open(&OpenOptions::new()).unwrap()
    }

    #[test]
    fn a_folder_gives_back_every_pixel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/frames/");
        let mut pattern = TestPattern::new("64x48".parse().unwrap());
        let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
        for number in 0..12 {
            recorder.write(&pattern.frame(number), Duration::from_millis(40 * number)).unwrap();
        }
        assert_eq!(recorder.recorded().frames, 12);
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
            let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
            for number in 0..5 {
                recorder.write(&pattern.frame(number), Duration::from_millis(40 * number)).unwrap();
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
        let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
        let gray = Frame::gray8(4, 2, vec![9; 8]).unwrap();
        recorder.write(&gray, Duration::ZERO).unwrap();
        let other = Frame::gray8(2, 4, vec![9; 8]).unwrap();
        assert!(matches!(recorder.write(&other, Duration::ZERO), Err(RecordError::FormatChanged { .. })));
        let shape = Shape::new(2, 4, 1).unwrap();
        let deep = Frame::new(vec![0; 16], shape, ElementType::U16, PixelFormat::Gray).unwrap();
        assert!(matches!(recorder.write(&deep, Duration::ZERO), Err(RecordError::FormatChanged { .. })));
        recorder.write(&gray, Duration::ZERO).unwrap();
        drop(recorder);
        assert_eq!(recorded(&path).info().frames, Some(2));
        let other = folder.path().join("b.y4m");
        let mut recorder = Recorder::create(&other, &RecordOptions::new()).unwrap();
        let refused = recorder.write(&deep, Duration::ZERO);
        assert!(matches!(refused, Err(RecordError::Y4m(Y4mError::Unsupported { .. }))));
        for name in ["a.png", "a.jpg", "%s.png", "%d.bmp", "-", "noending", "%d"] {
            let refused = Recorder::create(folder.path().join(name), &RecordOptions::new());
            let said = refused.as_ref().unwrap_err().to_string();
            assert!(matches!(refused, Err(RecordError::UnknownFormat { .. })), "{name}");
            assert!(
                [".y4m", ".avi", ".mp4", "'frames/%06d.png'"].iter().all(|known| said.contains(known)),
                "{said}"
            );
        }
        for name in ["a.y4m", "a.avi", "%d.jpg", "a.webm"] {
            let refused =
                Recorder::create(folder.path().join(name), &RecordOptions::new().with_lossless(true));
            assert!(matches!(refused, Err(RecordError::NotLossless { .. })), "{name}");
        }
    }

    #[test]
    fn a_file_is_written_over_by_a_frame_and_not_by_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.y4m");
        std::fs::write(&path, [7; 100_000]).unwrap();
        Recorder::create(&path, &RecordOptions::new()).unwrap().finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 100_000);
        let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
        recorder.write(&Frame::bgr8(16, 16, vec![0; 16 * 16 * 3]).unwrap(), Duration::ZERO).unwrap();
        recorder.finish().unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 1_000);
    }

    #[test]
    fn nothing_is_made_before_the_first_frame() {
        let folder = tempfile::tempdir().unwrap();
        let content = || std::fs::read_dir(folder.path()).unwrap().count();
        let films = ["new/deep/a.mp4", "a.mkv"];
        let films = if crate::ffmpeg::is_there() { &films[..] } else { &[] };
        let names = ["a.y4m", "new/deep/a.avi", "new/%d.png", "new/deep/"];
        for name in names.iter().chain(films) {
            let path = folder.path().join(name);
            let recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
            assert_eq!(content(), 0, "{name}");
            assert_eq!(recorder.finish().unwrap().frames, 0);
            assert_eq!(content(), 0, "{name}");
        }
        // A frame that the format does not take is none.
        let deep = Shape::new(2, 4, 1).unwrap();
        let deep = Frame::new(vec![0; 16], deep, ElementType::U16, PixelFormat::Gray).unwrap();
        for name in ["a.y4m", "a.avi", "new/%d.jpg"] {
            let mut recorder = Recorder::create(folder.path().join(name), &RecordOptions::new()).unwrap();
            recorder.write(&deep, Duration::ZERO).unwrap_err();
            drop(recorder);
            assert_eq!(content(), 0, "{name}");
        }
        // With it, all is made.
        let path = folder.path().join("new/deep/a.avi");
        let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
        recorder.write(&Frame::gray8(2, 2, vec![0; 4]).unwrap(), Duration::ZERO).unwrap();
        assert!(path.metadata().unwrap().len() > 0);
    }

    #[test]
    fn what_cannot_be_written_is_said_before_the_first_frame() {
        let folder = tempfile::tempdir().unwrap();
        // A file stands where a folder is to be.
        std::fs::write(folder.path().join("file"), "").unwrap();
        for name in ["file/a.y4m", "file/deep/a.avi", "file/%d.png", "file/deep/"] {
            let refused = Recorder::create(folder.path().join(name), &RecordOptions::new());
            assert!(matches!(refused, Err(RecordError::Io { .. })), "{name}: {refused:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_with_a_recording_takes_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(folder.path(), &RecordOptions::new()).unwrap();
        recorder.write(&Frame::gray8(2, 2, vec![0; 4]).unwrap(), Duration::ZERO).unwrap();
        recorder.finish().unwrap();
        let again = Recorder::create(folder.path(), &RecordOptions::new());
        assert!(matches!(again, Err(RecordError::FolderInUse { .. })));
    }

    #[test]
    fn no_picture_that_is_there_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let frame = Frame::gray8(2, 2, vec![0; 4]).unwrap();
        // The first of them was deleted; or the program was killed over one.
        for name in ["frame_000002.png", "frame_000000.png.part", "frame_7.PNG"] {
            let theirs = folder.path().join(name);
            std::fs::write(&theirs, "theirs").unwrap();
            for path in [folder.path().to_owned(), folder.path().join("frame_%04d.png")] {
                let refused = Recorder::create(&path, &RecordOptions::new()).unwrap_err();
                let said = refused.to_string();
                assert!(matches!(refused, RecordError::FolderInUse { path } if path == theirs), "{said}");
                assert!(said.contains(name) && said.contains("another folder"), "{said}");
            }
            assert_eq!(std::fs::read(&theirs).unwrap(), b"theirs");
            std::fs::remove_file(&theirs).unwrap();
        }
        // Others do not matter.
        std::fs::write(folder.path().join("frame_000000.txt"), "").unwrap();
        let mut recorder = Recorder::create(folder.path(), &RecordOptions::new()).unwrap();
        recorder.write(&frame, Duration::ZERO).unwrap();
        // They came since.
        for name in ["frame_000001.png", "frame_000001.png.part"] {
            let theirs = folder.path().join(name);
            std::fs::write(&theirs, "theirs").unwrap();
            let refused = recorder.write(&frame, Duration::ZERO);
            assert!(matches!(refused, Err(RecordError::FolderInUse { .. })), "{refused:?}");
            assert_eq!(std::fs::read(&theirs).unwrap(), b"theirs");
            std::fs::remove_file(&theirs).unwrap();
        }
        recorder.write(&frame, Duration::ZERO).unwrap();
        assert_eq!(recorder.finish().unwrap().frames, 2);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_says_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.y4m");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
        let frame = Frame::gray8(2, 2, vec![0; 4]).unwrap();
        let full = recorder.write(&frame, Duration::ZERO).unwrap_err();
        let said = full.to_string();
        assert!(matches!(full, RecordError::DiskFull { recorded: Recorded { frames: 0, .. }, .. }), "{said}");
        assert!(said.contains("full.y4m") && said.contains("kept: 0 frames"), "{said}");
    }

    #[test]
    fn pictures_that_cannot_be_written_leave_nothing_and_the_next_has_their_number() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("pictures/");
        let mut recorder = Recorder::create(&pictures, &RecordOptions::new()).unwrap();
        let frame = Frame::gray8(2, 2, vec![0; 4]).unwrap();
        recorder.write(&frame, Duration::ZERO).unwrap();
        // A folder stands where the unfinished picture is to be.
        std::fs::create_dir(pictures.join("frame_000001.png.part")).unwrap();
        assert!(matches!(recorder.write(&frame, Duration::ZERO), Err(RecordError::FolderInUse { .. })));
        std::fs::remove_dir(pictures.join("frame_000001.png.part")).unwrap();
        recorder.write(&frame, Duration::ZERO).unwrap();
        assert_eq!(recorder.finish().unwrap().frames, 2);
        let mut names: Vec<_> =
            std::fs::read_dir(&pictures).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["frame_000000.png", "frame_000001.png"]);
    }

    #[test]
    fn a_library_that_panics_costs_its_frame_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut pattern = TestPattern::new("64x48".parse().unwrap());
        for name in ["a.y4m", "a.avi", "jpeg/%d.jpg", "png/%d.png"] {
            let path = folder.path().join(name);
            let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
            for number in 0..6 {
                let (frame, time) = (pattern.frame(number), Duration::from_millis(40 * number));
                if number % 3 > 0 {
                    recorder.write(&frame, time).unwrap();
                    continue;
                }
                let failed = failing::libraries(|| recorder.write(&frame, time)).unwrap_err();
                assert!(failed.is_of_one_frame(), "{name}: {failed}");
            }
            assert_eq!(recorder.finish().unwrap().frames, 4, "{name}");
            let mut source = recorded(if name.contains('%') { path.parent().unwrap() } else { &path });
            for number in [1, 2, 4, 5] {
                let found = source.next_frame().unwrap().unwrap().frame;
                assert_eq!(TestPattern::read_number(&found), Some(number), "{name}");
            }
            assert_eq!(source.next_frame().unwrap(), None);
        }
    }

    #[test]
    fn it_says_how_much_room_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::create(folder.path().join("a/b.y4m"), &RecordOptions::new()).unwrap();
        assert_eq!(recorder.free_space().is_some(), cfg!(unix));
        assert_ne!(recorder.free_space(), Some(0));
    }
}
