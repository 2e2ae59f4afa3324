//! Frames that tell whether they are whole, and which they are.

use netgear_proto::Frame;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Names a frame or an item of data: the run of the program that sent it, and the how manieth of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Name {
    pub(crate) run: u64,
    pub(crate) number: u64,
}

/// Run, number and checksum, in front of the pixels that the checksum is of.
const HEADER: usize = 20;

/// A BGR picture that bears its name. Every byte of it is written anew, as by a camera.
pub(crate) fn draw(name: Name, width: u32, height: u32) -> Result<Frame> {
    let len = width as usize * height as usize * 3;
    let mut pixels = vec![(name.number % 251) as u8 + 1; len];
    let (header, rest) = pixels.split_at_mut_checked(HEADER).ok_or("a picture too small for its name")?;
    header[..8].copy_from_slice(&name.run.to_le_bytes());
    header[8..16].copy_from_slice(&name.number.to_le_bytes());
    header[16..].copy_from_slice(&crc32fast::hash(rest).to_le_bytes());
    Ok(Frame::bgr8(width, height, pixels)?)
}

/// The name of a picture; `None` if not all of its pixels are those that were drawn.
pub(crate) fn read(frame: &Frame) -> Option<Name> {
    let name = read_name(frame)?;
    let (header, rest) = frame.pixels().split_at_checked(HEADER)?;
    let is_whole = header.ends_with(&crc32fast::hash(rest).to_le_bytes())
        && rest.first() == Some(&((name.number % 251) as u8 + 1));
    is_whole.then_some(name)
}

/// The name that a picture bears, be that whole or not.
pub(crate) fn read_name(frame: &Frame) -> Option<Name> {
    let (run, rest) = frame.pixels().split_first_chunk()?;
    let (number, _) = rest.split_first_chunk()?;
    Some(Name { run: u64::from_le_bytes(*run), number: u64::from_le_bytes(*number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_with_a_part_of_another_is_found_out() {
        let names = [Name { run: 3, number: 70_000 }, Name { run: 3, number: 70_001 }];
        let [one, other] = names.map(|name| draw(name, 64, 48).unwrap());
        assert_eq!((read(&one), read(&other)), (Some(names[0]), Some(names[1])));
        for cut in [1, 20, 21, 5_000, 64 * 48 * 3 - 1] {
            let torn = [&one.pixels()[..cut], &other.pixels()[cut..]].concat();
            // But for the number, which the cut may fall behind.
            let torn = read(&Frame::bgr8(64, 48, torn).unwrap());
            assert!(torn.is_none() || cut < HEADER && torn == Some(names[1]), "{cut}: {torn:?}");
        }
    }
}
