//! Boxes, as ISO/IEC 14496-12 defines them: a length, a type, a content.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The largest `moov` box that is read into memory: the tables of some days of video.
const LARGEST_MOOV: u64 = 64 << 20;

/// The largest `moof` box: the tables of an hour of video.
const LARGEST_MOOF: u64 = 4 << 20;

/// The content of the file's `moov` box, which describes the tracks, and where the box ends. The media data is
/// skipped, not read.
pub(super) fn read_moov(file: &mut File) -> Result<(Vec<u8>, u64), MoovError> {
    let file_len = file.seek(SeekFrom::End(0))?;
    let mut at = 0_u64;
    let mut is_fragmented = false;
    while file_len - at >= 8 {
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 16];
        let header_len = if file_len - at >= 16 { 16 } else { 8 };
        file.read_exact(header.get_mut(..header_len).unwrap_or_default())?;
        let (content, len) = box_extent(&header, file_len - at)
            .ok_or(MoovError::Malformed("a box is longer than the file"))?;
        match box_type(&header) {
            b"moov" => {
                if len - content > LARGEST_MOOV {
                    return Err(MoovError::Malformed("the moov box is larger than 64 MiB"));
                }
                file.seek(SeekFrom::Start(at + content))?;
                let mut moov = vec![0; (len - content) as usize];
                file.read_exact(&mut moov)?;
                return Ok((moov, at + len));
            }
            b"moof" => is_fragmented = true,
            _ => {}
        }
        at += len;
    }
    Err(MoovError::Malformed(if is_fragmented {
        "there are movie fragments and no moov box"
    } else {
        "there is no moov box; the recording was perhaps cut off"
    }))
}

/// What comes next in a file in fragments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextMoof {
    /// A `moof` box, and where it begins.
    Whole { content: Vec<u8>, at: u64 },
    /// The file ends within a `moof` box, or before a box has told what it is.
    CutOff,
    /// There is none.
    End,
}

/// Looks for a `moof` box from there on; `from` is moved behind it. Past a box of another kind that is cut off there
/// is none: samples in it that are missing are missed when their `moof` box is read.
pub(super) fn next_moof(file: &mut File, from: &mut u64) -> Result<NextMoof, MoovError> {
    let file_len = file.seek(SeekFrom::End(0))?;
    while *from < file_len {
        let at = *from;
        let room = file_len - at;
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 16];
        let header_len = room.min(16) as usize;
        file.read_exact(header.get_mut(..header_len).unwrap_or_default())?;
        if room < 8 {
            // Zeros may be padding.
            return Ok(if header == [0; 16] { NextMoof::End } else { NextMoof::CutOff });
        }
        let is_moof = box_type(&header) == b"moof";
        let Some((content, len)) = box_extent(&header, room) else {
            return Ok(if is_moof { NextMoof::CutOff } else { NextMoof::End });
        };
        *from = at + len;
        if !is_moof {
            continue;
        }
        if len - content > LARGEST_MOOF {
            return Err(MoovError::Malformed("a moof box is larger than 4 MiB"));
        }
        file.seek(SeekFrom::Start(at + content))?;
        let mut moof = vec![0; (len - content) as usize];
        file.read_exact(&mut moof)?;
        return Ok(NextMoof::Whole { content: moof, at });
    }
    Ok(NextMoof::End)
}

#[derive(Debug)]
pub(super) enum MoovError {
    Io(io::Error),
    Malformed(&'static str),
}

impl From<io::Error> for MoovError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The boxes in a content, one after the other, as type and content. It ends at the first that is malformed.
pub(super) fn boxes(mut content: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let kind = content.get(4..8)?.first_chunk()?;
        let (start, len) = box_extent(content, content.len() as u64)?;
        // No longer than the content, so they fit.
        let inner = content.get(start as usize..len as usize)?;
        content = content.get(len as usize..)?;
        Some((kind, inner))
    })
}

/// The content of the first box of this path, as `["mdia", "minf", "stbl"]`.
pub(super) fn find<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(content, |content, wanted| {
        boxes(content).find(|(kind, _)| kind == wanted).map(|(_, inner)| inner)
    })
}

/// Where the content of a box begins and where the box ends, counted from its start; `None` if it would end past
/// `room`.
fn box_extent(bytes: &[u8], room: u64) -> Option<(u64, u64)> {
    let (content, len) = match u32_at(bytes, 0)? {
        0 => (8, room),
        1 => (16, u64_at(bytes, 8)?),
        len => (8, len.into()),
    };
    (content <= len && len <= room).then_some((content, len))
}

fn box_type(header: &[u8; 16]) -> &[u8] {
    header.get(4..8).unwrap_or_default()
}

/// The big-endian number at this offset.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The big-endian number at this offset.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The rows of a table: after version and flags comes the number of rows, then the rows. A table cut short is
/// malformed.
pub(super) fn rows(table: &[u8], row_len: usize) -> Option<std::slice::ChunksExact<'_, u8>> {
    rows_at(table, 4, row_len)
}

/// As [`rows`], where the number of rows is at this offset.
pub(super) fn rows_at(
    table: &[u8],
    count_at: usize,
    row_len: usize,
) -> Option<std::slice::ChunksExact<'_, u8>> {
    let count = u32_at(table, count_at)? as usize;
    let start = count_at + 4;
    let end = count.checked_mul(row_len)?.checked_add(start)?;
    Some(table.get(start..end)?.chunks_exact(row_len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_walked_to_the_first_malformed_one() {
        let mut bytes = b"\0\0\0\x0cfreeabcd".to_vec();
        bytes.extend(b"\0\0\0\x01wide\0\0\0\0\0\0\0\x12xy");
        bytes.extend(b"\0\0\0\x00last!");
        let found: Vec<_> = boxes(&bytes).collect();
        assert_eq!(found, [(b"free", &b"abcd"[..]), (b"wide", b"xy"), (b"last", b"!")]);
        for malformed in [&b"\0\0\0\x07free"[..], b"\0\0\0\x09free", b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f"] {
            assert_eq!(boxes(malformed).count(), 0);
        }
    }

    #[test]
    fn a_moof_box_that_the_file_does_not_hold_whole_is_no_end() {
        use std::io::Write;
        let moof = [b"\0\0\0\x0dmoof", &b"first"[..]].concat();
        let long = [b"\0\0\0\x01moof\0\0\0\0\0\0\0\x12", &b"xy"[..]].concat();
        let next = |tail: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&moof).unwrap();
            file.write_all(tail).unwrap();
            let mut from = 0;
            let first = next_moof(&mut file, &mut from).unwrap();
            assert_eq!(first, NextMoof::Whole { content: b"first".to_vec(), at: 0 });
            next_moof(&mut file, &mut from).unwrap()
        };
        let second = b"\0\0\0\x0cfreeabcd\0\0\0\x0emoofsecond";
        assert_eq!(next(second), NextMoof::Whole { content: b"second".to_vec(), at: 25 });
        assert_eq!(next(&long), NextMoof::Whole { content: b"xy".to_vec(), at: 13 });
        for cut in 16..second.len() {
            assert_eq!(next(&second[..cut]), NextMoof::CutOff, "{cut}");
        }
        for cut in 4..long.len() {
            assert_eq!(next(&long[..cut]), NextMoof::CutOff, "{cut}");
        }
        // Of the first bytes, which are zeros, nobody can tell.
        for tail in [&b""[..], &second[..12], &second[..14], &[0; 7], &[0; 20], b"\0\0\0\x10mfra"] {
            assert_eq!(next(tail), NextMoof::End, "{tail:?}");
        }
    }

    #[test]
    fn a_table_has_all_its_rows() {
        let table = b"\0\0\0\0\0\0\0\x02aabb";
        assert_eq!(rows(table, 2).unwrap().collect::<Vec<_>>(), [b"aa", b"bb"]);
        assert!(rows(table, 3).is_none());
        assert!(rows(b"\0\0\0\0\xff\xff\xff\xff", 8).is_none());
    }
}
