//! A file of any bytes, opened and played as an application would.
//!
//! Whatever the bytes are: nothing panics; memory is bounded by what the options allow and by the length of the file;
//! a frame has the size that was said; times rise; behind an error comes the end; and after a rewind it all comes
//! again.

use std::cell::OnceCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, panic};

use netgear_media::{Decoder, FrameSource, OpenOptions, Source, TimedFrame};
use tempfile::NamedTempFile;

use super::counting_allocator::measure;

/// The largest frame that is allowed: small, so that inputs of a few bytes go past it.
const MAX_FRAME_BYTES: usize = 16 << 10;

/// What may be allocated at once: buffers for reading and the tables of the decoders, some frames on the way, and a
/// few bytes for each byte of the file.
const MOST_MEMORY: usize = (2 << 20) + 24 * MAX_FRAME_BYTES;
const MEMORY_FOR_EACH_BYTE: usize = 64;

/// A file in three parts.
pub(crate) struct Film<'a> {
    /// What makes it a file of its kind.
    pub(crate) start: &'a [u8],
    pub(crate) input: &'a [u8],
    pub(crate) end: &'a [u8],
    /// What its decoder takes at once besides, whatever the file and the options.
    pub(crate) decoder_memory: usize,
}

/// What came of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) is_open: bool,
    pub(crate) frames: usize,
    pub(crate) has_failed: bool,
    /// What decoded it was found out.
    pub(crate) is_moving: bool,
}

/// Whether the frames behind a place that was sought are those that were there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seeking {
    IsExact,
    MayDiffer,
}

/// Opens it, and reads no frame.
pub(crate) fn open(film: &Film<'_>) -> Played {
    let path = write(film);
    bounded(film, || {
        let source = open_path(path);
        Played { is_open: source.is_some(), ..Played::default() }
    })
}

/// Plays it to its end, plays it again, and goes to one of its frames.
pub(crate) fn play(film: &Film<'_>, seeking: Seeking) -> Played {
    let path = write(film);
    bounded(film, || {
        let Some(mut source) = open_path(path) else { return Played::default() };
        let (frames, has_failed) = read(&mut *source);
        if source.rewind().is_ok() {
            assert_eq!(
                read(&mut *source),
                (frames.clone(), has_failed),
                "it was another film after a rewind"
            );
        }
        // Somewhere, but at the same place each time.
        let place = frames.last().map_or(0, |(_, checksum)| *checksum as usize % frames.len());
        if let Some(&(time, _)) = frames.get(place)
            && source.seek(time).is_ok()
        {
            let (after, failed) = read(&mut *source);
            let first = after.first().map_or(time, |(time, _)| *time);
            assert!(first <= time, "it went to {first:?}, past {time:?}");
            if seeking == Seeking::IsExact {
                assert_eq!(
                    (frames.ends_with(&after), failed),
                    (true, has_failed),
                    "it was another film from {time:?}"
                );
                assert!(!after.is_empty());
            }
        }
        Played { is_open: true, frames: frames.len(), has_failed, is_moving: source.info().frames != Some(1) }
    })
}

/// Fails if `code` allocates more than a file of this length may make it.
fn bounded<R>(film: &Film<'_>, code: impl FnOnce() -> R) -> R {
    let len = film.start.len() + film.input.len() + film.end.len();
    let (result, usage) = measure(code);
    let most = MOST_MEMORY + film.decoder_memory + MEMORY_FOR_EACH_BYTE * len;
    assert!(usage.peak <= most, "{} bytes were allocated for a file of {len} bytes", usage.peak);
    result
}

fn open_path(path: PathBuf) -> Option<Box<dyn FrameSource>> {
    let options = OpenOptions::new()
        .with_decoder(Decoder::BuiltIn)
        .with_threads(1)
        .with_max_frame_bytes(MAX_FRAME_BYTES);
    match Source::Path(path).open(&options) {
        Ok(source) => {
            let info = source.info();
            let bytes = u64::from(info.width) * u64::from(info.height) * info.element_type.byte_len() as u64;
            assert!(bytes > 0 && bytes <= MAX_FRAME_BYTES as u64, "{}×{}", info.width, info.height);
            Some(source)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// The times of the frames with a checksum of each, and whether an error came behind them.
fn read(source: &mut dyn FrameSource) -> (Vec<(Duration, u64)>, bool) {
    let info = source.info().clone();
    let mut frames: Vec<(Duration, u64)> = Vec::new();
    loop {
        match source.next_frame() {
            Ok(Some(TimedFrame { frame, time, .. })) => {
                assert_eq!((frame.width(), frame.height()), (info.width, info.height));
                assert_eq!(frame.pixel_format(), info.pixel_format);
                assert_eq!(frame.element_type(), info.element_type);
                assert!(frames.last().is_none_or(|(before, _)| *before <= time), "it went back to {time:?}");
                let mut checksum = DefaultHasher::new();
                checksum.write(frame.pixels());
                frames.push((time, checksum.finish()));
            }
            Ok(None) => return (frames, false),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(
                    matches!(source.next_frame(), Ok(None)),
                    "there was something behind the error: {error}"
                );
                return (frames, true);
            }
        }
    }
}

/// Writes it to a file of this thread, in memory where there is a file system for that.
fn write(film: &Film<'_>) -> PathBuf {
    thread_local! {
        // Removed when the thread ends.
        static FILE: OnceCell<NamedTempFile> = const { OnceCell::new() };
    }
    let path = FILE.with(|file| {
        let file = file.get_or_init(|| {
            let memory = PathBuf::from("/dev/shm");
            let folder = if memory.is_dir() { memory } else { env::temp_dir() };
            NamedTempFile::with_prefix_in("netgear-media-", folder).expect("the folder can be written to")
        });
        file.path().to_owned()
    });
    let mut file = fs::File::create(&path).expect("the folder can be written to");
    for part in [film.start, film.input, film.end] {
        file.write_all(part).expect("the disk is not full");
    }
    path
}

/// What the decoder of this name panics with is contained by the source, and is no finding. It would be one to a
/// fuzzer, which looks at each panic before anybody can contain it.
#[allow(clippy::print_stdout, reason = "it was asked for")]
pub(crate) fn contain_panics_of(decoder: &'static str) {
    static IS_DONE: std::sync::Once = std::sync::Once::new();
    IS_DONE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|location| location.file().contains(decoder)) {
                before(info);
            } else if env::var_os("FUZZ_TRACE").is_some() {
                println!("contained: {info}");
            }
        }));
    });
}
