//! A film that an ffmpeg makes.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use netgear_proto::{ElementType, Frame, JpegQuality, PixelFormat};

use super::destination::{folder_of, make_folder};
use super::{RecordError, RecordOptions, Recorded};
use crate::ffmpeg::{self, Encoding, EncodingError, fourcc};
use crate::{JPEG_QUALITY, Y4mChroma};

/// The unit of the times in the file, as a part of a second: that of video since MPEG-2.
const TIME_BASE: &str = "1:90000";

#[derive(Debug)]
pub(super) struct Film {
    container: Container,
    options: RecordOptions,
    /// The option that keeps ffmpeg from doubling and dropping frames for the sake of a constant rate, once it is
    /// known which one this ffmpeg has.
    frames_as_they_are: Option<[&'static str; 2]>,
    /// `None` until the first frame comes: what the file held before is gone only then.
    encoding: Option<Encoding>,
    /// The time of the last frame, in the container's unit.
    last: Option<u64>,
    has_ended: bool,
}

/// What the name's ending says. Of others it is not known whether they take every frame at its time: many have one
/// rate for all, and ffmpeg doubles and drops frames to keep to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Mp4,
    /// The mother of MP4.
    Mov,
    Mkv,
    Ts,
    Webm,
}

impl Container {
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        Some(match ending?.as_str() {
            "mp4" | "m4v" => Self::Mp4,
            "mov" => Self::Mov,
            "mkv" => Self::Mkv,
            "ts" | "m2ts" => Self::Ts,
            "webm" => Self::Webm,
            _ => return None,
        })
    }

    /// As ffmpeg calls it. By the name's ending it would guess, and take some for another.
    const fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "matroska",
            Self::Ts => "mpegts",
            Self::Webm => "webm",
        }
    }

    /// Which part of a second its times are of.
    const fn ticks_per_second(self) -> u64 {
        match self {
            Self::Mp4 | Self::Mov | Self::Ts => 90_000,
            Self::Mkv | Self::Webm => 1_000,
        }
    }

    const fn is_mp4(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// The nearest time that it can say, and that is after the last: of two frames at one time, one would be dropped.
    fn tick(self, time: Duration, last: Option<u64>) -> u64 {
        let per_second = u128::from(self.ticks_per_second());
        let nearest = (time.as_micros() * per_second + 500_000) / 1_000_000;
        let nearest = u64::try_from(nearest).unwrap_or(u64::MAX >> 1);
        last.map_or(nearest, |last| nearest.max(last + 1))
    }

    fn time_of(self, tick: u64) -> Duration {
        let per_second = u128::from(self.ticks_per_second());
        let micros = (u128::from(tick) * 1_000_000 + per_second / 2) / per_second;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX >> 1))
    }
}

impl Film {
    /// Nothing runs yet: ffmpeg is asked what it knows when the first frame is written.
    pub(super) fn new(path: &Path, options: &RecordOptions) -> Result<Self, RecordError> {
        let container =
            Container::of(path).ok_or_else(|| RecordError::UnknownFormat { path: path.to_owned() })?;
        if options.lossless() && !(container.is_mp4() || container == Container::Mkv) {
            return Err(RecordError::NotLossless { path: path.to_owned() });
        }
        if !ffmpeg::is_there() {
            return Err(RecordError::FfmpegMissing { path: path.to_owned() });
        }
        let options = options.clone();
        Ok(Self {
            container,
            options,
            frames_as_they_are: None,
            encoding: None,
            last: None,
            has_ended: false,
        })
    }

    pub(super) fn write(&mut self, frame: &Frame, time: Duration, path: &Path) -> Result<(), RecordError> {
        if self.has_ended {
            return Err(ffmpeg_error(path, EncodingError::Failed("it has ended".to_owned())));
        }
        if self.encoding.is_none() {
            let fourcc = fourcc(frame).ok_or_else(|| RecordError::Unsupported {
                path: path.to_owned(),
                pixel_format: frame.pixel_format(),
                element_type: frame.element_type(),
            })?;
            if self.options.lossless() && self.container.is_mp4() && !is_exact_h264(frame) {
                return Err(RecordError::NotLossless { path: path.to_owned() });
            }
            make_folder(folder_of(path))?;
            let started = self.start(frame, fourcc, path).inspect_err(|_| self.has_ended = true);
            self.encoding = Some(started.map_err(|error| ffmpeg_error(path, error))?);
        }
        let Some(encoding) = &mut self.encoding else { return Ok(()) };
        let tick = self.container.tick(time, self.last);
        encoding.write(self.container.time_of(tick), frame.pixels()).map_err(|failed| {
            self.has_ended = true;
            ffmpeg_error(path, failed)
        })?;
        self.last = Some(tick);
        Ok(())
    }

    fn start(&mut self, frame: &Frame, fourcc: [u8; 4], path: &Path) -> Result<Encoding, EncodingError> {
        let patience = self.options.ffmpeg_timeout();
        let frames_as_they_are = match self.frames_as_they_are {
            Some(option) => option,
            None => match ffmpeg::knows_option(["-fps_mode", "passthrough"], patience)? {
                true => ["-fps_mode", "passthrough"],
                // Before ffmpeg 5.1.
                false => ["-vsync", "passthrough"],
            },
        };
        self.frames_as_they_are = Some(frames_as_they_are);
        let arguments = self.arguments(frame, frames_as_they_are, path);
        Encoding::start(arguments, fourcc, (frame.width(), frame.height()), patience)
    }

    pub(super) fn finish(&mut self, path: &Path) -> Result<(), RecordError> {
        match self.encoding.take() {
            Some(encoding) if !self.has_ended => encoding.finish().map_err(|error| ffmpeg_error(path, error)),
            _ => Ok(()),
        }
    }

    /// What stands behind the input.
    fn arguments(&self, frame: &Frame, frames_as_they_are: [&str; 2], path: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |more: &[&str]| arguments.extend(more.iter().map(OsString::from));
        add(&["-map", "0:v:0", "-an", "-flush_packets", "1"]);
        // Without it, times are rounded to frames of the average rate, and frames that fall together are dropped.
        add(&["-enc_time_base", TIME_BASE]);
        add(&frames_as_they_are);
        match (self.container, self.options.lossless()) {
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
                add(&["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]);
                add(&["-crf", &VP8.crf(self.options.jpeg_quality()), "-b:v", "8M"]);
                add(&["-pix_fmt", "yuv420p"]);
            }
            (_, false) => {
                let crf = H264.crf(self.options.jpeg_quality());
                add(&["-c:v", "libx264", "-preset", "veryfast", "-crf", &crf]);
                // H.264 has no odd sides with shared colours.
                let is_odd = (frame.width() | frame.height()) & 1 == 1;
                let is_full = is_odd || self.options.chroma() == Y4mChroma::C444;
                add(&["-pix_fmt", if is_full { "yuv444p" } else { "yuv420p" }]);
            }
        }
        if !self.options.lossless() {
            // Said in the file as well: untagged, some players take large pictures for one matrix and others for the
            // other.
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
        // Where one may begin, and what is on the disk as a whole, is no older than a second.
        add(&["-force_key_frames", "expr:gte(t,n_forced)"]);
        match self.container {
            Container::Mp4 | Container::Mov => {
                add(&["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]);
            }
            Container::Mkv | Container::Webm => add(&["-cluster_time_limit", "1000"]),
            Container::Ts => {}
        }
        add(&["-f", self.container.muxer()]);
        // With `file:` before it, no name is taken for an option or for a protocol.
        let mut output = OsString::from("file:");
        output.push(path);
        arguments.push(output);
        arguments
    }
}

/// What an encoder calls the quality, which falls as its number rises.
#[derive(Debug, Clone, Copy)]
struct RateFactors {
    /// For a quality of 100.
    finest: u8,
    /// For that of [`JPEG_QUALITY`], the default.
    usual: u8,
    /// For a quality of 1: the encoder's last.
    coarsest: u8,
}

const H264: RateFactors = RateFactors { finest: 10, usual: 20, coarsest: 51 };
const VP8: RateFactors = RateFactors { finest: 4, usual: 10, coarsest: 63 };

impl RateFactors {
    /// In even steps from one to the next of the three.
    fn crf(self, quality: JpegQuality) -> String {
        let quality = quality.get().clamp(1, 100);
        let between = |from: u8, to: u8, step: u8, steps: u8| {
            let steps = u16::from(steps);
            u16::from(from) + (u16::from(to - from) * u16::from(step) + steps / 2) / steps
        };
        let crf = match quality.checked_sub(JPEG_QUALITY) {
            Some(_) => between(self.finest, self.usual, 100 - quality, 100 - JPEG_QUALITY),
            None => between(self.usual, self.coarsest, JPEG_QUALITY - quality, JPEG_QUALITY - 1),
        };
        crf.to_string()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_has_a_time_of_its_own_that_the_container_can_say() {
        for container in [Container::Mp4, Container::Mov, Container::Mkv, Container::Ts, Container::Webm] {
            let mut last = None;
            for micros in [0, 1, 2, 3, 40, 900, 1_000, 33_333, 33_334, 66_667, 3_600_000_000] {
                let tick = container.tick(Duration::from_micros(micros), last);
                assert!(last < Some(tick), "{container:?} {micros}");
                // What ffmpeg makes of it again.
                assert_eq!(container.tick(container.time_of(tick), None), tick, "{container:?} {micros}");
                last = Some(tick);
            }
            let rate = container.ticks_per_second();
            assert_eq!(last, Some(3600 * rate), "{container:?}");
        }
    }

    #[test]
    fn a_quality_is_a_rate_factor_of_the_encoder() {
        let crf = |factors: RateFactors, quality| factors.crf(JpegQuality::new(quality).unwrap());
        let of = |factors| [1, 50, JPEG_QUALITY, 95, 100].map(|quality| crf(factors, quality));
        assert_eq!(of(H264), ["51", "34", "20", "15", "10"]);
        assert_eq!(of(VP8), ["63", "34", "10", "7", "4"]);
    }

    #[test]
    fn other_endings_are_refused() {
        for name in ["a.gif", "a.mpg", "a.flv", "a.nut", "a.wmv", "a.nothing"] {
            let refused = Film::new(Path::new(name), &RecordOptions::new()).unwrap_err();
            let said = refused.to_string();
            assert!(matches!(refused, RecordError::UnknownFormat { .. }), "{said}");
            assert!(said.contains(name) && said.contains(".mkv"), "{said}");
        }
    }
}
