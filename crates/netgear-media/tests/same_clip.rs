//! One clip in every format that is decoded here: as many frames, at the same times, of the same pictures.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Difference, Reference, built_in, difference, ffmpeg, has_ffmpeg};
use netgear_media::{FrameRate, OpenOptions, Source, TimedFrame};

const WIDTH: usize = 160;
const HEIGHT: usize = 120;
const FRAMES: usize = 25;

/// A clip in one format, and how far its pictures may be from others.
struct Format {
    name: &'static str,
    /// What it is to be known as.
    codec: &'static str,
    /// The arguments of ffmpeg, and the name of what it writes.
    arguments: &'static str,
    file: &'static str,
    /// What is opened, if that is not the file.
    pattern: Option<&'static str>,
    /// From the clip itself: the largest mean difference, in levels, and the smallest share of samples within 2
    /// levels.
    clip: Difference,
    /// From what ffmpeg decodes of the same file; `None` where it decodes none.
    ffmpeg: Option<Difference>,
}

const EXACT: Difference = Difference { mean: 0.0, near: 1.0 };

/// The tolerances are half as much again as was measured, both in the mean and in what the share lacks of 1.
///
/// Where colours have half the resolution (4:2:0), JPEG and WebP decoders blend them between pixels and FFmpeg
/// repeats them, as the H.264 path here does to be like it: that is what these rows have more than the others.
const FORMATS: [Format; 11] = [
    Format {
        name: "sequence of PNG",
        codec: "png",
        arguments: "",
        file: "png/%02d.png",
        pattern: Some("png/*.png"),
        clip: EXACT,
        ffmpeg: Some(EXACT),
    },
    Format {
        name: "sequence of lossless WebP",
        codec: "webp",
        arguments: "-c:v libwebp -lossless 1",
        file: "webp/%02d.webp",
        pattern: Some("webp/%02d.webp"),
        clip: EXACT,
        ffmpeg: Some(EXACT),
    },
    Format {
        name: "animated PNG",
        codec: "apng",
        arguments: "-f apng -plays 0",
        file: "clip.apng",
        pattern: None,
        clip: EXACT,
        ffmpeg: Some(EXACT),
    },
    Format {
        name: "animated WebP, lossless",
        codec: "webp",
        arguments: "-c:v libwebp_anim -lossless 1 -pix_fmt bgra",
        file: "clip.webp",
        pattern: None,
        clip: EXACT,
        // It writes what it cannot read.
        ffmpeg: None,
    },
    Format {
        name: "animated WebP, lossy",
        codec: "webp",
        arguments: "-c:v libwebp_anim -quality 100 -pix_fmt yuv420p",
        file: "lossy.webp",
        pattern: None,
        clip: Difference { mean: 7.00, near: 0.405 },
        ffmpeg: None,
    },
    Format {
        name: "GIF",
        codec: "gif",
        arguments: "-filter_complex split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none",
        file: "clip.gif",
        pattern: None,
        clip: Difference { mean: 5.60, near: 0.374 },
        ffmpeg: Some(EXACT),
    },
    Format {
        name: "Y4M, 4:4:4",
        codec: "rawvideo",
        arguments: "-pix_fmt yuv444p",
        file: "clip.y4m",
        pattern: None,
        clip: Difference { mean: 0.63, near: 0.998 },
        ffmpeg: Some(Difference { mean: 0.41, near: 0.998 }),
    },
    Format {
        name: "MP4, H.264 4:2:0",
        codec: "h264",
        arguments: "-c:v libx264 -bf 3 -crf 4 -pix_fmt yuv420p",
        file: "clip.mp4",
        pattern: None,
        clip: Difference { mean: 1.80, near: 0.818 },
        ffmpeg: Some(Difference { mean: 1.42, near: 0.941 }),
    },
    Format {
        name: "AVI, Motion JPEG 4:4:4",
        codec: "mjpeg",
        arguments: "-c:v mjpeg -q:v 2 -pix_fmt yuvj444p",
        file: "clip.avi",
        pattern: None,
        clip: Difference { mean: 1.77, near: 0.795 },
        ffmpeg: Some(Difference { mean: 0.07, near: 0.999 }),
    },
    Format {
        name: "AVI, Motion JPEG 4:2:0",
        codec: "mjpeg",
        arguments: "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p",
        file: "420.avi",
        pattern: None,
        clip: Difference { mean: 5.37, near: 0.434 },
        ffmpeg: Some(Difference { mean: 5.08, near: 0.459 }),
    },
    Format {
        name: "raw Motion JPEG 4:4:4",
        codec: "mjpeg",
        arguments: "-c:v mjpeg -f mjpeg -q:v 2 -pix_fmt yuvj444p",
        file: "clip.mjpeg",
        pattern: None,
        clip: Difference { mean: 1.77, near: 0.795 },
        ffmpeg: Some(Difference { mean: 0.07, near: 0.999 }),
    },
];

impl Format {
    /// Makes it of the clip, and gives what is to be opened.
    fn encode(&self, clip: &Path) -> PathBuf {
        let folder = clip.parent().unwrap();
        let path = folder.join(self.file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        ffmpeg(&format!("-i {} {}", clip.display(), self.arguments), &path);
        folder.join(self.pattern.unwrap_or(self.file))
    }

    /// What ffmpeg is given to read it.
    fn reference(&self, folder: &Path) -> Option<Reference> {
        self.ffmpeg.map(|_| Reference::new(&folder.join(self.file), "bgr24", WIDTH * HEIGHT * 3))
    }
}

fn options() -> OpenOptions {
    built_in().with_sequence_rate(FrameRate::new(25, 1).unwrap())
}

fn frames(source: &Path) -> Vec<TimedFrame> {
    let mut source = source.to_str().unwrap().parse::<Source>().unwrap().open(&options()).unwrap();
    std::iter::from_fn(|| source.next_frame().unwrap()).collect()
}

fn worst(pairs: impl Iterator<Item = Difference>) -> Difference {
    pairs.fold(EXACT, |worst, next| Difference {
        mean: worst.mean.max(next.mean),
        near: worst.near.min(next.near),
    })
}

#[test]
fn a_clip_is_the_same_in_every_format() {
    if !has_ffmpeg("a_clip_is_the_same_in_every_format") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.nut");
    // Blurred as a camera's picture is: what a coding does to edges of one pixel is not what is compared here.
    ffmpeg(
        &format!(
            "-f lavfi -i testsrc2=size={WIDTH}x{HEIGHT}:rate=25 -frames:v {FRAMES} -vf gblur=sigma=1.5,format=bgr24 -c:v rawvideo"
        ),
        &clip,
    );
    let original: Vec<_> = Reference::new(&clip, "bgr24", WIDTH * HEIGHT * 3).collect();
    assert_eq!(original.len(), FRAMES);
    let times: Vec<_> = (0..FRAMES as u64).map(|number| Duration::from_millis(40 * number)).collect();

    for format in &FORMATS {
        let name = format.name;
        let source = format.encode(&clip);
        let info = source.to_str().unwrap().parse::<Source>().unwrap().probe(&options()).unwrap();
        assert_eq!((info.width as usize, info.height as usize), (WIDTH, HEIGHT), "{name}");
        assert_eq!((info.frame_rate, info.codec.as_str()), (FrameRate::new(25, 1), format.codec), "{name}");
        // Motion JPEG alone has no place to say how many there are.
        if format.file != "clip.mjpeg" {
            assert_eq!(info.frames, Some(FRAMES as u64), "{name}");
            assert_eq!(info.duration, Some(Duration::from_secs(1)), "{name}");
        }
        let found = frames(&source);
        assert_eq!(found.iter().map(|frame| frame.time).collect::<Vec<_>>(), times, "{name}");

        let compared = found.iter().zip(&original);
        let from_clip = worst(compared.map(|(found, original)| difference(found.frame.pixels(), original)));
        let reference: Option<Vec<_>> = format.reference(folder.path()).map(Iterator::collect);
        let from_ffmpeg = reference.map(|reference| {
            assert_eq!(reference.len(), FRAMES, "{name}: ffmpeg finds others");
            worst(found.iter().zip(&reference).map(|(found, other)| difference(found.frame.pixels(), other)))
        });
        eprintln!("{name}: from the clip {from_clip:?}, from ffmpeg {from_ffmpeg:?}");
        let is_within =
            |found: Difference, allowed: Difference| found.mean <= allowed.mean && found.near >= allowed.near;
        assert!(is_within(from_clip, format.clip), "{name}: {from_clip:?} from the clip");
        if let (Some(found), Some(allowed)) = (from_ffmpeg, format.ffmpeg) {
            assert!(is_within(found, allowed), "{name}: {found:?} from ffmpeg");
        }
    }
}
