//! Videos made with ffmpeg, where there is one.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "it is test code, outside the test functions")]

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use netgear_media::{Decoder, FrameSource, OpenOptions, Source};

/// Whether there is an ffmpeg; if not, says loudly that the test is skipped, which with `CI=true` is a failure.
pub(crate) fn has_ffmpeg(test: &str) -> bool {
    let is_there = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !is_there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: there is no ffmpeg on the PATH");
        eprintln!("SKIPPED: {test}: there is no ffmpeg on the PATH");
    }
    is_there
}

/// Runs ffmpeg with these arguments, separated by spaces, and the output path.
pub(crate) fn ffmpeg(arguments: &str, output: &Path) {
    let result = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .arg(output)
        .output()
        .unwrap();
    assert!(result.status.success(), "ffmpeg {arguments}: {}", String::from_utf8_lossy(&result.stderr));
}

/// A small test film: `arguments` say how it is coded.
pub(crate) fn film(
    folder: &Path,
    name: &str,
    size: &str,
    seconds: &str,
    arguments: &str,
) -> std::path::PathBuf {
    let path = folder.join(name);
    ffmpeg(&format!("-f lavfi -i testsrc2=size={size}:rate=30 -t {seconds} {arguments}"), &path);
    path
}

pub(crate) fn built_in() -> OpenOptions {
    OpenOptions::new().with_decoder(Decoder::BuiltIn)
}

pub(crate) fn open(path: &Path, options: &OpenOptions) -> Box<dyn FrameSource> {
    Source::Path(path.to_owned()).open(options).unwrap()
}

/// The frames that ffmpeg makes of a file, of so many bytes each, one at a time.
pub(crate) struct Reference {
    child: std::process::Child,
    frame_len: usize,
}

impl Reference {
    pub(crate) fn new(path: &Path, pixel_format: &str, frame_len: usize) -> Self {
        Self::run(&[], path, &[], pixel_format, frame_len)
    }

    /// With further arguments for what is made of it.
    pub(crate) fn with(arguments: &[&str], path: &Path, pixel_format: &str, frame_len: usize) -> Self {
        Self::run(&[], path, arguments, pixel_format, frame_len)
    }

    /// The BGR frames from `start` on for `length`, both in seconds.
    pub(crate) fn section(path: &Path, start: &str, length: &str, frame_len: usize) -> Self {
        Self::run(&["-ss", start, "-t", length], path, &[], "bgr24", frame_len)
    }

    fn run(options: &[&str], path: &Path, arguments: &[&str], pixel_format: &str, frame_len: usize) -> Self {
        let child = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error"])
            .args(options)
            .arg("-i")
            .arg(path)
            .args(arguments)
            .args(["-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", pixel_format, "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, frame_len }
    }
}

impl Iterator for Reference {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut frame = vec![0; self.frame_len];
        self.child.stdout.as_mut().unwrap().read_exact(&mut frame).ok().map(|()| frame)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How two pictures differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference {
    /// The mean of the absolute differences, in levels.
    pub(crate) mean: f64,
    /// The share of samples that are no more than 2 levels apart.
    pub(crate) near: f64,
}

pub(crate) fn difference(a: &[u8], b: &[u8]) -> Difference {
    assert_eq!(a.len(), b.len());
    let (mut sum, mut near) = (0_u64, 0_u64);
    for (a, b) in a.iter().zip(b) {
        let distance = a.abs_diff(*b);
        sum += u64::from(distance);
        near += u64::from(distance <= 2);
    }
    Difference { mean: sum as f64 / a.len() as f64, near: near as f64 / a.len() as f64 }
}

/// Compares every frame with ffmpeg's: mean difference under 1 level, 99 % of the samples within 2 for pictures of a
/// usual size, 96 % for small ones. Gives the number of frames and the worst that was found.
///
/// ffmpeg rounds down where we round to the nearest, in three places, so in saturated colours it is up to 3 levels
/// below the exact value; small test pictures have more of those.
pub(crate) fn assert_like_ffmpeg(path: &Path, options: &OpenOptions) -> (usize, Difference) {
    let mut source = open(path, options);
    let frame_len = source.info().width as usize * source.info().height as usize * 3;
    let mut reference = Reference::new(path, "bgr24", frame_len);
    let least_near = if source.info().height < 480 { 0.96 } else { 0.99 };
    let (mut frames, mut worst) = (0, Difference { mean: 0.0, near: 1.0 });
    while let Some(found) = source.next_frame().unwrap() {
        let expected =
            reference.next().unwrap_or_else(|| panic!("{} has more than {frames} frames", path.display()));
        let difference = difference(found.frame.pixels(), &expected);
        worst = Difference { mean: worst.mean.max(difference.mean), near: worst.near.min(difference.near) };
        assert!(
            difference.mean < 1.0 && difference.near >= least_near,
            "{} frame {frames}: {difference:?}",
            path.display()
        );
        frames += 1;
    }
    assert!(reference.next().is_none(), "{} has fewer frames than ffmpeg finds: {frames}", path.display());
    (frames, worst)
}
