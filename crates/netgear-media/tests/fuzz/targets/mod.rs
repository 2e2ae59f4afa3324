//! What is fuzzed, each target a function of any bytes. A panic is a finding.
//!
//! The fuzz targets of libFuzzer (`fuzz/fuzz_targets`) and the ordinary tests that replay their corpora both call
//! these.

#[path = "../../../../netgear-proto/tests/common/counting_allocator.rs"]
mod counting_allocator;
pub(crate) mod encoded_frame;
mod film;
pub(crate) mod source_texts;

pub(crate) use film::Played;
use film::{Film, Seeking, play};

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;

/// The boxes and tables of an MP4 file: it is opened, and nothing is decoded.
pub(crate) mod mp4 {
    use super::{Film, Played, film::open};

    pub(crate) fn run(input: &[u8]) -> Played {
        open(&Film { start: b"\0\0\0\x08ftyp", input, end: b"", decoder_memory: 0 })
    }
}

/// An MP4 file with its pictures, by way of the H.264 decoder.
pub(crate) mod mp4_frames {
    use super::{Film, Played, Seeking, film::contain_panics_of, play};

    pub(crate) fn run(input: &[u8]) -> Played {
        contain_panics_of("rust_h264");
        // What a picture with damage looks like depends on those before it.
        play(&Film { start: b"\0\0\0\x08ftyp", input, end: b"", decoder_memory: 0 }, Seeking::MayDiffer)
    }
}

/// A Y4M file.
pub(crate) mod y4m {
    use super::{Film, Played, Seeking, play};

    pub(crate) fn run(input: &[u8]) -> Played {
        play(&Film { start: b"YUV4MPEG2 ", input, end: b"", decoder_memory: 0 }, Seeking::IsExact)
    }
}

/// An AVI file.
pub(crate) mod avi {
    use super::{Film, Played, Seeking, play};

    pub(crate) fn run(input: &[u8]) -> Played {
        let (len, rest) = input.split_at(input.len().min(4));
        let start = [b"RIFF", len, &b"\0\0\0\0AVI "[len.len()..]].concat();
        play(&Film { start: &start, input: rest, end: b"", decoder_memory: 0 }, Seeking::IsExact)
    }
}

/// Pictures one behind the other.
pub(crate) mod mjpeg {
    use super::{Film, Played, Seeking, play};

    pub(crate) fn run(input: &[u8]) -> Played {
        play(&Film { start: b"\xff\xd8\xff", input, end: b"", decoder_memory: 0 }, Seeking::IsExact)
    }
}

/// A single JPEG picture, as a camera or a file delivers it, with its tables or without.
pub(crate) mod jpeg {
    use super::{Film, Played, Seeking, play};

    /// An AVI file up to the length of its only picture.
    const AVI: &[u8] = include_bytes!("one_picture.avi.start");

    pub(crate) fn run(input: &[u8]) -> Played {
        // The first two bytes are looked at before anything else is.
        let picture = [b"\xff\xd8", input].concat();
        let start = [AVI, &u32::try_from(picture.len()).unwrap_or(u32::MAX).to_le_bytes()].concat();
        play(
            &Film { start: &start, input: &picture, end: &b"\0"[..picture.len() % 2], decoder_memory: 0 },
            Seeking::IsExact,
        )
    }
}

/// A GIF, and how its parts are put together.
pub(crate) mod gif {
    use super::{Film, Played, Seeking, play};

    pub(crate) fn run(input: &[u8]) -> Played {
        play(&Film { start: b"GIF89a", input, end: b"", decoder_memory: 0 }, Seeking::IsExact)
    }
}

/// A PNG, animated or not. When fuzzing, checksums are not looked at.
pub(crate) mod png {
    use super::{Film, Played, Seeking, film::contain_panics_of, play};

    pub(crate) fn run(input: &[u8]) -> Played {
        contain_panics_of("/png-");
        play(&Film { start: b"\x89PNG\r\n\x1a\n", input, end: b"", decoder_memory: 0 }, Seeking::IsExact)
    }
}

/// A WebP, animated or not.
pub(crate) mod webp {
    use super::{Film, Played, Seeking, play};

    /// The decoder of lossy pictures takes memory for a partition before it is there. Its length has 24 bits.
    const LARGEST_PARTITION: usize = 1 << 24;

    pub(crate) fn run(input: &[u8]) -> Played {
        let (len, rest) = input.split_at(input.len().min(4));
        let start = [b"RIFF", len, &b"\0\0\0\0WEBP"[len.len()..]].concat();
        play(
            &Film { start: &start, input: rest, end: b"", decoder_memory: LARGEST_PARTITION },
            Seeking::IsExact,
        )
    }
}
