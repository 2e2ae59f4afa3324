//! The chunks of a PNG, as far as they tell how long its frames are shown (PNG, third edition, 5 and 11.3.6).

use std::io::{self, BufRead, Seek};

use crate::formats::delays::Delays;

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// What the chunks say of an animation.
#[derive(Debug)]
pub(super) struct Animation {
    pub(super) width: u32,
    pub(super) height: u32,
    /// As many frames as it claims to have.
    pub(super) frames: u64,
    /// Of all the frames that are there.
    pub(super) delays: Delays,
}

/// Reads the chunks; `None` if it is a single picture. A damaged end counts as the end: reading will tell.
pub(super) fn read(file: &mut (impl BufRead + Seek)) -> io::Result<Option<Animation>> {
    let mut start = [0; 24];
    if !fill(file, &mut start)? || !start.starts_with(SIGNATURE) || start.get(12..16) != Some(b"IHDR") {
        return Ok(None);
    }
    let [.., a, b, c, d, e, f, g, h] = start;
    let (width, height) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    file.seek_relative(5 + CHECKSUM)?;

    let mut frames = None;
    let mut delays = Delays::default();
    let mut header = [0; 8];
    while fill(file, &mut header)? {
        let [a, b, c, d, kind @ ..] = header;
        let mut left = i64::from(u32::from_be_bytes([a, b, c, d])) + CHECKSUM;
        match &kind {
            b"acTL" if left == 8 + CHECKSUM => {
                let mut control = [0; 8];
                if !fill(file, &mut control)? {
                    break;
                }
                left = CHECKSUM;
                frames = control.first_chunk().map(|frames| u64::from(u32::from_be_bytes(*frames)));
            }
            b"fcTL" if left == 26 + CHECKSUM => {
                let mut control = [0; 26];
                if !fill(file, &mut control)? {
                    break;
                }
                left = CHECKSUM;
                let [.., a, b, c, d, _, _] = control;
                delays.push(u16::from_be_bytes([a, b]).into(), per_second(u16::from_be_bytes([c, d])));
            }
            // Only before the picture does it make an animation, and one frame moves no more than a picture.
            b"IDAT" if frames.is_none_or(|frames| frames < 2) => return Ok(None),
            b"IEND" => break,
            _ => {}
        }
        if frames.is_some_and(|frames| delays.frames() >= frames) {
            break;
        }
        file.seek_relative(left)?;
    }
    Ok(frames.map(|frames| Animation { width, height, frames, delays }))
}

/// The units of a delay in a second; 0 means 100.
pub(super) const fn per_second(denominator: u16) -> u32 {
    if denominator == 0 { 100 } else { denominator as u32 }
}

/// The bytes behind the content of a chunk.
const CHECKSUM: i64 = 4;

/// Whether there were as many bytes.
fn fill(file: &mut impl BufRead, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
