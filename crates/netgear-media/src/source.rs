use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::ffmpeg::FfmpegSource;
use crate::ffmpeg::credentials::without_passwords;
use crate::formats::apng::ApngSource;
use crate::formats::avi::AviSource;
use crate::formats::contained::contained;
use crate::formats::gif::GifSource;
use crate::formats::image_sequence::{ImageSequence, is_pattern};
use crate::formats::mjpeg::MjpegSource;
use crate::formats::mp4::Mp4Source;
use crate::formats::webp::WebpSource;
use crate::formats::y4m::Y4mSource;
use crate::{
    CameraSpec, CameraSpecError, Decoder, FrameSource, OpenError, OpenOptions, ScreenSpec, ScreenSpecError,
    SourceInfo, TestPattern, TestPatternSpec, TestPatternSpecError, camera, screen,
};

/// Where frames are to come from, as a user writes it.
///
/// | text | source |
/// | --- | --- |
/// | `test:1280x720@30`, `test:640x480`, `test:` | a [`TestPattern`] |
/// | `camera:0`, `camera:/dev/video2?fps=60`, `camera:NAME` | a camera: [`CameraSpec`] has the options; with the feature `camera` |
/// | `screen:0`, `screen:0?fps=30` | a monitor of an X display (feature `screen`) |
/// | `http://…`, `rtsp://…`, any `scheme://…` | a URL, through ffmpeg |
/// | `frames/*.png`, `img%04d.png` | a sequence of pictures, in the order of their numbers |
/// | anything else | a file, or a folder of pictures |
///
/// A file whose name looks like a pattern is opened as a file if it is there. What a file holds is told by its first
/// bytes, never by its name. These are decoded in this process:
///
/// | file | frames |
/// | --- | --- |
/// | MP4 or QuickTime with H.264 | at the times that the file has, which need not be even |
/// | AVI with Motion JPEG | at the rate that the file has; sound is passed over |
/// | JPEGs, one behind the other | at [`OpenOptions::with_sequence_rate`] |
/// | Y4M | at the rate that the file has |
/// | GIF, animated PNG, animated WebP | each for its time; how often the file says to repeat them does not count |
/// | PNG, JPEG, WebP | one |
///
/// The rest goes to `ffmpeg`, where one is on the PATH.
///
/// ```
/// use netgear_media::{OpenOptions, Source};
///
/// let source: Source = "test:320x240@25".parse()?;
/// let mut frames = source.open(&OpenOptions::new())?;
/// let first = frames.next_frame()?.expect("a test pattern has no end");
/// assert_eq!((first.frame.width(), first.frame.height()), (320, 240));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A test pattern.
    TestPattern(TestPatternSpec),
    /// A camera.
    Camera(CameraSpec),
    /// A monitor.
    Screen(ScreenSpec),
    /// A URL that ffmpeg understands.
    Url(String),
    /// A pattern of file names: `*`, `?` and `[…]` as in a shell, or one `%d` or `%04d`.
    Sequence(String),
    /// A file, or a folder of pictures.
    Path(PathBuf),
}

impl Source {
    /// Opens the source, as far as its first frame's size is known.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, options: &OpenOptions) -> Result<Box<dyn FrameSource>, OpenError> {
        match self {
            Self::TestPattern(spec) => open_test_pattern(*spec, options),
            Self::Camera(spec) => camera::open(spec, options),
            Self::Screen(spec) => screen::open(spec, options),
            Self::Url(url) if options.decoder() == Decoder::BuiltIn => {
                Err(OpenError::Unsupported { origin: self.to_string(), reason: "it is a URL".to_owned() })
            }
            Self::Url(url) => Ok(Box::new(FfmpegSource::open_url(url, "it is a URL", options)?)),
            Self::Sequence(pattern) if Path::new(pattern).is_file() => open_file(Path::new(pattern), options),
            Self::Sequence(pattern) => {
                contained(Path::new(pattern), || Ok(Box::new(ImageSequence::open_pattern(pattern, options)?)))
            }
            Self::Path(path) if path.is_dir() => {
                contained(path, || Ok(Box::new(ImageSequence::open_folder(path, options)?)))
            }
            Self::Path(path) => open_file(path, options),
        }
    }

    /// What the source is: it is opened, asked, and closed again.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn probe(&self, options: &OpenOptions) -> Result<SourceInfo, OpenError> {
        Ok(self.open(options)?.info().clone())
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if text.is_empty() {
            return Err(SourceError::Empty);
        }
        if let Some(spec) = text.strip_prefix("test:") {
            return Ok(Self::TestPattern(spec.parse()?));
        }
        if let Some(spec) = text.strip_prefix("camera:") {
            return Ok(Self::Camera(spec.parse()?));
        }
        if let Some(spec) = text.strip_prefix("screen:") {
            return Ok(Self::Screen(spec.parse()?));
        }
        if has_scheme(text) {
            return Ok(Self::Url(text.to_owned()));
        }
        if is_pattern(text) {
            return Ok(Self::Sequence(text.to_owned()));
        }
        Ok(Self::Path(text.into()))
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// As it is displayed: without a password.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?})", self.to_string())
    }
}

/// As it is parsed, but for the password of a URL: `rtsp://user:***@camera/1`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TestPattern(spec) => write!(f, "test:{spec}"),
            Self::Camera(spec) => write!(f, "camera:{spec}"),
            Self::Screen(spec) => write!(f, "screen:{spec}"),
            Self::Url(url) => f.write_str(&without_passwords(url)),
            Self::Sequence(text) => f.write_str(text),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Whether the text begins with a URL's scheme (RFC 3986) and `://`.
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// Why a text is no [`Source`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is no text.
    #[error(
        "a source is a file, a pattern like frames/*.png, a URL, camera:0, screen:0 or test:1280x720@30; nothing was given"
    )]
    Empty,
    /// What follows `test:` is malformed.
    #[error(transparent)]
    TestPattern(#[from] TestPatternSpecError),
    /// What follows `camera:` is malformed.
    #[error(transparent)]
    Camera(#[from] CameraSpecError),
    /// What follows `screen:` is malformed.
    #[error(transparent)]
    Screen(#[from] ScreenSpecError),
}

fn open_test_pattern(
    spec: TestPatternSpec,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, OpenError> {
    options.check_size(&format!("test:{spec}"), spec.shape().width(), spec.shape().height(), 3)?;
    Ok(Box::new(TestPattern::new(spec)))
}

/// What a file holds, by its first bytes.
enum FileKind {
    Mp4,
    Y4m,
    Pictures(PictureKind),
    Other,
}

/// One picture behind the other, each complete in itself or a change of the one before, or a single one.
enum PictureKind {
    Gif,
    Png,
    Jpeg,
    Webp,
    Avi,
}

impl FileKind {
    fn of(start: &[u8]) -> Self {
        match start {
            // MP4 begins with `ftyp`; QuickTime may begin with any of the others.
            [_, _, _, _, b'f', b't', b'y', b'p', ..]
            | [_, _, _, _, b'm', b'o', b'o', b'v', ..]
            | [_, _, _, _, b'm', b'd', b'a', b't', ..]
            | [_, _, _, _, b'w', b'i', b'd', b'e', ..] => Self::Mp4,
            _ if start.starts_with(b"YUV4MPEG2") => Self::Y4m,
            _ if start.starts_with(b"GIF87a") || start.starts_with(b"GIF89a") => {
                Self::Pictures(PictureKind::Gif)
            }
            _ if start.starts_with(b"\x89PNG\r\n\x1a\n") => Self::Pictures(PictureKind::Png),
            _ if start.starts_with(b"\xff\xd8\xff") => Self::Pictures(PictureKind::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
                Self::Pictures(PictureKind::Webp)
            }
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => {
                Self::Pictures(PictureKind::Avi)
            }
            _ => Self::Other,
        }
    }
}

fn open_file(path: &Path, options: &OpenOptions) -> Result<Box<dyn FrameSource>, OpenError> {
    let built_in = match options.decoder() {
        Decoder::Ffmpeg => {
            return Ok(Box::new(FfmpegSource::open_file(path, "ffmpeg was asked for", options)?));
        }
        Decoder::Auto | Decoder::BuiltIn => open_built_in(path, options),
    };
    // What the built-in decoders cannot make sense of, ffmpeg perhaps can; if it is not there or cannot either, the
    // first error says more of a file that they should be able to read.
    match built_in {
        Err(OpenError::Unsupported { reason, .. }) if options.decoder() == Decoder::Auto => {
            Ok(Box::new(FfmpegSource::open_file(path, &reason, options)?))
        }
        Err(OpenError::Damaged { origin, reason }) if options.decoder() == Decoder::Auto => {
            match FfmpegSource::open_file(path, &reason, options) {
                Ok(source) => Ok(Box::new(source)),
                Err(_) => Err(OpenError::Damaged { origin, reason }),
            }
        }
        other => other,
    }
}

fn open_built_in(path: &Path, options: &OpenOptions) -> Result<Box<dyn FrameSource>, OpenError> {
    let io = |error| OpenError::Io { origin: path.display().to_string(), error };
    let start = start_of(path).map_err(io)?;
    if start.is_empty() {
        return Err(OpenError::Empty { origin: path.display().to_string() });
    }
    match FileKind::of(&start) {
        FileKind::Mp4 => contained(path, || Ok(Box::new(Mp4Source::open(path, options)?))),
        FileKind::Y4m => contained(path, || Ok(Box::new(Y4mSource::open(path, options)?))),
        FileKind::Other => Err(OpenError::Unsupported {
            origin: path.display().to_string(),
            reason: "its first bytes are those of no format that is known here".to_owned(),
        }),
        FileKind::Pictures(kind) => contained(path, || open_pictures(kind, path, options)),
    }
}

fn open_pictures(
    kind: PictureKind,
    path: &Path,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, OpenError> {
    let moving: Option<Box<dyn FrameSource>> = match kind {
        PictureKind::Gif => Some(Box::new(GifSource::open(path, options)?)),
        PictureKind::Avi => Some(Box::new(AviSource::open(path, options)?)),
        PictureKind::Png => ApngSource::open(path, options)?.map(|source| Box::new(source) as _),
        PictureKind::Webp => WebpSource::open(path, options)?.map(|source| Box::new(source) as _),
        PictureKind::Jpeg => MjpegSource::open(path, options)?.map(|source| Box::new(source) as _),
    };
    match moving {
        Some(source) => Ok(source),
        None => Ok(Box::new(ImageSequence::open_single(path, options)?)),
    }
}

fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut start)?;
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadError;

    #[test]
    fn a_source_is_told_by_its_text() {
        let parse = |text: &str| text.parse::<Source>().unwrap();
        assert!(matches!(parse("test:"), Source::TestPattern(_)));
        assert!(matches!(parse("camera:0?size=640x480"), Source::Camera(_)));
        assert!(matches!(parse("camera:/dev/video*"), Source::Camera(_)));
        assert!(matches!(parse("rtsp://user@camera/1"), Source::Url(_)));
        assert!(matches!(parse("frames/*.png"), Source::Sequence(_)));
        assert!(matches!(parse("img%04d.png"), Source::Sequence(_)));
        for path in ["film.mp4", "-i", "C:\\film.mp4", "://x", "1a://x", "100%.mp4", "tests.mp4"] {
            assert!(matches!(parse(path), Source::Path(_)), "{path}");
        }
        for text in ["test:640x480@25", "camera:0?fps=25", "http://h/f.mp4", "a/*.png", "film.mp4"] {
            assert_eq!(parse(text).to_string(), text);
        }
        let camera = parse("rtsp://user:secret@camera/1");
        assert_eq!(camera.to_string(), "rtsp://user:***@camera/1");
        assert!(!format!("{camera:?}").contains("secret"));
        assert_eq!("".parse::<Source>(), Err(SourceError::Empty));
        assert!(matches!("test:x".parse::<Source>(), Err(SourceError::TestPattern(_))));
        assert!(matches!("camera:".parse::<Source>(), Err(SourceError::Camera(_))));
    }

    #[test]
    fn a_file_that_looks_like_a_pattern_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip [720p].png");
        crate::save_picture(&netgear_proto::Frame::gray8(3, 2, vec![0; 6]).unwrap(), &path).unwrap();
        let source: Source = path.to_str().unwrap().parse().unwrap();
        assert!(matches!(source, Source::Sequence(_)));
        let info = source.probe(&OpenOptions::new()).unwrap();
        assert_eq!((info.width, info.height, info.frames), (3, 2, Some(1)));
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let options = OpenOptions::new().with_decoder(Decoder::BuiltIn);
        let open = |text: &str| text.parse::<Source>().unwrap().open(&options).err().unwrap();
        assert!(matches!(open("/no/such/file"), OpenError::Io { .. }));
        assert!(matches!(open("/no/such/*.png"), OpenError::NoMatch { .. }));
        assert!(matches!(open("http://localhost/x"), OpenError::Unsupported { .. }));
        assert!(matches!(open("test:16384x16384"), OpenError::TooLarge { .. }));
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        std::fs::write(&text, "").unwrap();
        assert!(matches!(Source::Path(text.clone()).open(&options), Err(OpenError::Empty { .. })));
        std::fs::write(&text, "hello").unwrap();
        assert!(matches!(Source::Path(text).open(&options), Err(OpenError::Unsupported { .. })));
        let empty = folder.path().to_owned();
        assert!(matches!(
            Source::Path(empty).open(&options),
            Err(OpenError::Unsupported { .. } | OpenError::NoMatch { .. })
        ));
    }

    #[test]
    fn a_header_that_claims_more_than_memory_can_be_is_an_error_whatever_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.y4m");
        std::fs::write(&path, "YUV4MPEG2 W4294967295 H4294967295 F30:1 C444\nFRAME\n").unwrap();
        let options = OpenOptions::new().with_decoder(Decoder::BuiltIn).with_max_frame_bytes(usize::MAX);
        let opened = Source::Path(path).open(&options);
        assert!(matches!(opened, Err(OpenError::TooLarge { .. } | OpenError::Damaged { .. })));
    }

    /// The `png` crate (0.18.1) panics over a palette that ends in the middle of a colour.
    #[test]
    fn a_decoder_that_panics_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for frames in [1, 2] {
            let path = folder.path().join(format!("{frames}.png"));
            let mut encoder = png::Encoder::new(File::create(&path).unwrap(), 4, 4);
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette([0; 4].as_slice());
            if frames > 1 {
                encoder.set_animated(frames, 0).unwrap();
            }
            let mut writer = encoder.write_header().unwrap();
            for _ in 0..frames {
                writer.write_image_data(&[0; 16]).unwrap();
            }
            writer.finish().unwrap();
            let options = OpenOptions::new().with_decoder(Decoder::BuiltIn);
            match Source::Path(path).open(&options) {
                Ok(mut source) => {
                    let error = source.next_frame().unwrap_err();
                    assert!(matches!(error, ReadError::DecoderFailed { frame: 0, .. }), "{error}");
                }
                Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{error}"),
            }
        }
    }
}
