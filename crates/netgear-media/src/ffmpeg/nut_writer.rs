//! Raw frames as NUT, which an ffmpeg reads on its standard input: each with its own time, in microseconds.
//!
//! What it is, and what the names mean, [`nut`](super::nut) says. This is its pipe mode (version 4, ffmpeg 2.2 and
//! later), in which a reader keeps no list of places to go to; else it would grow for as long as a recording lasts.

use std::time::Duration;

use netgear_proto::{ElementType, Frame, PixelFormat};

use super::nut::{FILE_ID, MAIN, STREAM, SYNCPOINT, flag};

const VERSION: u64 = 4;
/// No syncpoints are needed (`BROADCAST_MODE` and `PIPE_MODE` are the flags of version 4).
const PIPE_MODE: u64 = 2;
/// The byte that every frame begins with. All others begin none.
const FRAME_CODE: u8 = 1;
const MSB_PTS_SHIFT: u64 = 14;

/// The FourCC of such pixels; `None` for those that raw video in ffmpeg has none of.
pub(crate) fn fourcc(frame: &Frame) -> Option<[u8; 4]> {
    use ElementType::{U8, U16};
    use PixelFormat::{Bgr, Bgra, Gray, Rgb, Rgba};
    match (frame.pixel_format(), frame.element_type()) {
        (Gray, U8) => Some(*b"Y800"),
        (Bgr, U8) => Some(*b"BGR\x18"),
        (Rgb, U8) => Some(*b"RGB\x18"),
        (Bgra, U8) => Some(*b"BGRA"),
        (Rgba, U8) => Some(*b"RGBA"),
        (Gray, U16) => Some(*b"Y1\x00\x10"),
        (Bgr, U16) => Some(*b"BGR\x30"),
        (Rgb, U16) => Some(*b"RGB\x30"),
        (Bgra, U16) => Some(*b"BRA\x40"),
        (Rgba, U16) => Some(*b"RBA\x40"),
        _ => None,
    }
}

/// What stands before the first frame.
pub(super) fn header(fourcc: [u8; 4], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = FILE_ID.to_vec();

    let mut main = Vec::new();
    // One stream; its microseconds. No frame need be near a syncpoint, but the field must be there.
    put_all(&mut main, &[VERSION, 0, 1, 65_536, 1, 1, 1_000_000]);
    // Runs of frame codes: flags, six fields, and the fields: pts delta, multiplier, stream, size, reserved, count.
    put_all(&mut main, &[flag::INVALID, 6, 0, 1, 0, 0, 0, 1]);
    let flags = flag::KEY | flag::CODED_PTS | flag::SIZE_MSB | flag::CHECKSUM;
    put_all(&mut main, &[flags, 6, 0, 1, 0, 0, 0, 1]);
    // 256 but for those two and for the letter N, which no run has.
    put_all(&mut main, &[flag::INVALID, 6, 0, 1, 0, 0, 0, 253]);
    // No elided headers.
    put_all(&mut main, &[0, PIPE_MODE]);
    put_packet(&mut bytes, MAIN, &main);

    let mut stream = Vec::new();
    // Stream 0, of video.
    put_all(&mut stream, &[0, 0, 4]);
    stream.extend_from_slice(&fourcc);
    // The first unit of time, no reordering, no flags, no further data; square pixels.
    put_all(&mut stream, &[0, MSB_PTS_SHIFT, 65_536, 0, 0, 0, width.into(), height.into(), 1, 1, 0]);
    put_packet(&mut bytes, STREAM, &stream);

    put_packet(&mut bytes, SYNCPOINT, &[0, 0]);
    bytes
}

/// What stands before the bytes of a frame.
pub(super) fn frame_header(time: Duration, len: usize) -> Vec<u8> {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX >> 1);
    let mut bytes = vec![FRAME_CODE];
    put_all(&mut bytes, &[micros.saturating_add(1 << MSB_PTS_SHIFT), len as u64]);
    let checksum = crc(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes
}

/// All here are shorter than the 4096 bytes from which on a packet's header has a checksum too.
fn put_packet(to: &mut Vec<u8>, startcode: u64, content: &[u8]) {
    to.extend_from_slice(&startcode.to_be_bytes());
    put(to, content.len() as u64 + 4);
    to.extend_from_slice(content);
    to.extend_from_slice(&crc(content).to_be_bytes());
}

fn put_all(to: &mut Vec<u8>, values: &[u64]) {
    for &value in values {
        put(to, value);
    }
}

/// A number of variable length.
fn put(to: &mut Vec<u8>, value: u64) {
    let significant = u64::BITS - value.leading_zeros();
    for further in (1..significant.div_ceil(7)).rev() {
        to.push((value >> (7 * further)) as u8 | 0x80);
    }
    to.push((value & 0x7F) as u8);
}

/// CRC-32 with the highest bit first, from 0. A header has few bytes.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, &byte| {
        let mut crc = crc ^ u32::from(byte) << 24;
        for _ in 0..8 {
            crc = crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[0x7F]),
            (128, &[0x81, 0]),
            (705_600_000, &[0x82, 0xD0, 0xBA, 0xB4, 0]),
            (u64::MAX, &[0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        ] {
            let mut found = Vec::new();
            put(&mut found, value);
            assert_eq!(found, bytes);
        }
    }

    /// Against the stream header that an ffmpeg wrote of 16 × 2 pixels of bgr24.
    #[test]
    fn the_checksum_is_ffmpegs() {
        let content = [0, 0, 4, b'B', b'G', b'R', 24, 0, 14, 0x83, 0xE0, 0, 0, 0, 0, 16, 2, 1, 1, 0];
        assert_eq!(crc(&content), 0x14AB_3A98);
    }
}
