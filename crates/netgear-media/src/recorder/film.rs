//! A film that an ffmpeg makes.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use netgear_proto::{ElementType, Frame, PixelFormat};

use super::{RecordError, RecordOptions, Recorded};
use crate::Y4mChroma;
use crate::ffmpeg::{self, Encoding, EncodingError, fourcc};

/// The unit of the times in the file, as a part of a second: that of video since MPEG-2.
const TIME_BASE: &str = "1:90000";

#[derive(Debug)]
pub(super) struct Film {
    container: Container,
    options: RecordOptions,
    /// The option that keeps ffmpeg from doubling and dropping frames for the sake of a constant rate.
    frames_as_they_are: [&'static str; 2],
    /// `None` until the first frame comes: what the file held before is gone only then.
    encoding: Option<Encoding>,
    has_ended: bool,
}

/// What the name's ending says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    /// MP4, and MOV, which is its mother.
    Mp4,
    Mkv,
    Ts,
    Webm,
    /// ffmpeg knows, or does not.
    Other,
}

impl Container {
    fn of(path: &Path) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("mp4" | "m4v" | "mov") => Self::Mp4,
            Some("mkv") => Self::Mkv,
            Some("ts" | "m2ts") => Self::Ts,
            Some("webm") => Self::Webm,
            _ => Self::Other,
        }
    }
}

impl Film {
    pub(super) fn new(path: &Path, options: &RecordOptions) -> Result<Self, RecordError> {
        let container = Container::of(path);
        if options.lossless() && !matches!(container, Container::Mp4 | Container::Mkv) {
            return Err(RecordError::NotLossless { path: path.to_owned() });
        }
        let knows = ffmpeg::knows_option(["-fps_mode", "passthrough"], options.ffmpeg_timeout());
        let frames_as_they_are = match knows.map_err(|error| ffmpeg_error(path, error))? {
            true => ["-fps_mode", "passthrough"],
            // Before ffmpeg 5.1.
            false => ["-vsync", "passthrough"],
        };
        let options = options.clone();
        Ok(Self { container, options, frames_as_they_are, encoding: None, has_ended: false })
    }

    pub(super) fn write(&mut self, frame: &Frame, time: Duration, path: &Path) -> Result<(), RecordError> {
        let error = |error| ffmpeg_error(path, error);
        if self.has_ended {
            return Err(error(EncodingError::Failed("it has ended".to_owned())));
        }
        let encoding = match &mut self.encoding {
            Some(encoding) => encoding,
            None => {
                let fourcc = fourcc(frame).ok_or_else(|| RecordError::Unsupported {
                    path: path.to_owned(),
                    pixel_format: frame.pixel_format(),
                    element_type: frame.element_type(),
                })?;
                if self.options.lossless() && self.container == Container::Mp4 && !is_exact_h264(frame) {
                    return Err(RecordError::NotLossless { path: path.to_owned() });
                }
                let arguments = self.arguments(frame, path);
                let size = (frame.width(), frame.height());
                let started = Encoding::start(arguments, fourcc, size, self.options.ffmpeg_timeout());
                self.encoding.insert(started.map_err(error)?)
            }
        };
        encoding.write(time, frame.pixels()).map_err(|failed| {
            self.has_ended = true;
            error(failed)
        })
    }

    pub(super) fn finish(&mut self, path: &Path) -> Result<(), RecordError> {
        match self.encoding.take() {
            Some(encoding) if !self.has_ended => encoding.finish().map_err(|error| ffmpeg_error(path, error)),
            _ => Ok(()),
        }
    }

    /// What stands behind the input.
    fn arguments(&self, frame: &Frame, path: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |more: &[&str]| arguments.extend(more.iter().map(OsString::from));
        add(&["-map", "0:v:0", "-an", "-flush_packets", "1"]);
        if self.container != Container::Other {
            // Without it, times are rounded to frames of the average rate, and frames that fall together are dropped.
            add(&["-enc_time_base", TIME_BASE]);
            add(&self.frames_as_they_are);
        }
        match (self.container, self.options.lossless()) {
            (Container::Other, _) => {}
            (Container::Mkv, true) => add(&[
                "-c:v",
                "ffv1",
                "-level",
                "3",
                "-g",
                "1",
                "-slices",
                "4",
                "-slicecrc",
                "1",
                "-pix_fmt",
                exact_ffv1(frame),
            ]),
            (_, true) => {
                // Gray as well: what range its levels are of, readers do not agree on.
                add(&["-c:v", "libx264rgb", "-qp", "0", "-preset", "ultrafast", "-pix_fmt", "bgr24"]);
            }
            (Container::Webm, false) => {
                add(&[
                    "-c:v",
                    "libvpx",
                    "-deadline",
                    "realtime",
                    "-cpu-used",
                    "8",
                    "-crf",
                    "10",
                    "-b:v",
                    "8M",
                ]);
                add(&["-pix_fmt", "yuv420p"]);
            }
            (_, false) => {
                add(&["-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]);
                // H.264 has no odd sides with shared colours.
                let is_odd = (frame.width() | frame.height()) & 1 == 1;
                let is_full = is_odd || self.options.chroma() == Y4mChroma::C444;
                add(&["-pix_fmt", if is_full { "yuv444p" } else { "yuv420p" }]);
            }
        }
        if !self.options.lossless() && self.container != Container::Other {
            // Said in the file as well: untagged, some players take large pictures for one matrix and others for the other.
            add(&[
                "-vf",
                "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int",
            ]);
            add(&[
                "-colorspace",
                "bt709",
                "-color_primaries",
                "bt709",
                "-color_trc",
                "bt709",
                "-color_range",
                "tv",
            ]);
        }
        if self.container != Container::Other {
            // Where one may begin, and what is on the disk as a whole, is no older than a second.
            add(&["-force_key_frames", "expr:gte(t,n_forced)"]);
        }
        match self.container {
            Container::Mp4 => add(&["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]),
            Container::Mkv | Container::Webm => add(&["-cluster_time_limit", "1000"]),
            Container::Ts | Container::Other => {}
        }
        // With `file:` before it, no name is taken for an option or for a protocol.
        let mut output = OsString::from("file:");
        output.push(path);
        arguments.push(output);
        arguments
    }
}

/// How FFV1 keeps every sample of such a frame.
fn exact_ffv1(frame: &Frame) -> &'static str {
    let is_deep = frame.element_type().byte_len() > 1;
    match (frame.pixel_format(), is_deep) {
        (PixelFormat::Gray, false) => "gray",
        (PixelFormat::Gray, true) => "gray16le",
        (PixelFormat::Bgra | PixelFormat::Rgba, false) => "bgra",
        (PixelFormat::Bgra | PixelFormat::Rgba, true) => "gbrap16le",
        (_, false) => "bgr0",
        (_, true) => "gbrp16le",
    }
}

/// H.264 has no opacity, and 8 bits here.
fn is_exact_h264(frame: &Frame) -> bool {
    frame.element_type() == ElementType::U8
        && matches!(frame.pixel_format(), PixelFormat::Gray | PixelFormat::Bgr | PixelFormat::Rgb)
}

fn ffmpeg_error(path: &Path, error: EncodingError) -> RecordError {
    let path = path.to_owned();
    match error {
        EncodingError::Missing => RecordError::FfmpegMissing { path },
        // How much there is, the recorder knows.
        EncodingError::Failed(log) => RecordError::Ffmpeg { path, recorded: Recorded::default(), log },
    }
}
