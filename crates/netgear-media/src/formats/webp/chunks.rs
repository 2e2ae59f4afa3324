//! The chunks of a WebP file (RFC 9649, section 2.7).

use std::fs::File;
use std::io;

use crate::formats::canvas::{Area, Blend, Disposal};
use crate::formats::delays::Delays;
use crate::formats::riff::{ChunkHeader, chunks, read_at, u24};

/// The bytes before the first chunk: `RIFF`, a length, `WEBP`.
const FILE_HEADER: u64 = 12;
/// The bytes of an `ANMF` chunk before those of the picture.
const FRAME_HEADER: usize = 16;

/// What the chunks say of an animation.
#[derive(Debug)]
pub(super) struct Animation {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of all its frames.
    pub(super) delays: Delays,
    pub(super) place: Place,
}

/// Where its frames are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Where the first chunk behind those of the header begins.
    pub(super) start: u64,
    /// Where the file ends by its own account.
    pub(super) end: u64,
}

/// Reads what the chunks say; `None` if it is a single picture. A damaged end counts as the end: reading will tell.
pub(super) fn read(file: &mut File) -> io::Result<Option<Animation>> {
    let mut header = [0; 30];
    if !read_at(file, 0, &mut header)? {
        return Ok(None);
    }
    let (Some(riff), Some(extended)) = (
        ChunkHeader::parse(&header).filter(|riff| riff.kind == *b"RIFF"),
        header
            .get(FILE_HEADER as usize..)
            .and_then(ChunkHeader::parse)
            .filter(|chunk| chunk.kind == *b"VP8X"),
    ) else {
        return Ok(None);
    };
    let is_animated = header.get(20).is_some_and(|flags| flags & 2 != 0);
    let size = |at: usize| Some(header.get(at..).and_then(u24)? + 1);
    let (Some(width), Some(height)) = (size(24).filter(|_| is_animated), size(27)) else { return Ok(None) };
    let start = FILE_HEADER + extended.whole_len();
    let place = Place { start, end: ChunkHeader::LEN + u64::from(riff.len) };

    let mut delays = Delays::default();
    let mut at = start;
    while let Some(chunk) = next(file, at, place)? {
        if chunk.kind == *b"ANMF" {
            let mut header = [0; FRAME_HEADER];
            if !read_at(file, at + ChunkHeader::LEN, &mut header)? {
                break;
            }
            delays.push(header.get(12..).and_then(u24).unwrap_or_default(), 1000);
        }
        at += chunk.whole_len();
    }
    Ok(Some(Animation { width, height, delays, place }))
}

/// The header of the chunk at this place; `None` behind the last.
pub(super) fn next(file: &mut File, at: u64, place: Place) -> io::Result<Option<ChunkHeader>> {
    if at.saturating_add(ChunkHeader::LEN) > place.end { Ok(None) } else { ChunkHeader::read(file, at) }
}

/// The content of an `ANMF` chunk.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) area: Area,
    pub(super) milliseconds: u32,
    pub(super) blend: Blend,
    pub(super) disposal: Disposal,
    /// A WebP file of its own, of this picture alone.
    pub(super) picture: Vec<u8>,
}

impl Part {
    pub(super) fn parse(content: &[u8]) -> Result<Self, &'static str> {
        let (header, parts) = content.split_first_chunk::<FRAME_HEADER>().ok_or("a frame is cut short")?;
        let number = |at: usize| header.get(at..).and_then(u24).unwrap_or_default();
        let area =
            Area { left: 2 * number(0), top: 2 * number(3), width: number(6) + 1, height: number(9) + 1 };
        let flags = header[FRAME_HEADER - 1];
        Ok(Self {
            area,
            milliseconds: number(12),
            blend: if flags & 2 == 0 { Blend::Over } else { Blend::Replace },
            disposal: if flags & 1 == 0 { Disposal::Keep } else { Disposal::Clear },
            picture: picture(parts, area)?,
        })
    }
}

/// A file with the picture of these chunks.
fn picture(parts: &[u8], area: Area) -> Result<Vec<u8>, &'static str> {
    let mut opacity = None;
    for (kind, content) in chunks(parts) {
        match &kind {
            b"ALPH" => opacity = Some(content),
            b"VP8 " | b"VP8L" => {
                // The decoder takes memory for what this header says.
                if bitstream_size(kind, content) != Some((area.width, area.height)) {
                    return Err("a picture has not the size of its frame");
                }
                let opacity = opacity.filter(|_| kind == *b"VP8 ");
                let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
                if let Some(opacity) = opacity {
                    let [width, height] = [area.width, area.height].map(|side| (side - 1).to_le_bytes());
                    let header = [&[0x10, 0, 0, 0], &width[..3], &height[..3]].concat();
                    push_chunk(&mut file, *b"VP8X", &header);
                    push_chunk(&mut file, *b"ALPH", opacity);
                }
                push_chunk(&mut file, kind, content);
                let len =
                    u32::try_from(file.len()).map_err(|_| "a picture is longer than a file can be")? - 8;
                file.splice(4..8, len.to_le_bytes());
                return Ok(file);
            }
            _ => {}
        }
    }
    Err("a frame has no picture, or it is cut short")
}

fn push_chunk(file: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    file.extend(kind);
    // It was as long in a chunk before.
    file.extend((content.len() as u32).to_le_bytes());
    file.extend(content);
    if !content.len().is_multiple_of(2) {
        file.push(0);
    }
}

/// The size that the header of a `VP8 ` (RFC 6386, 9.1) or `VP8L` (RFC 9649, 3.4) chunk has.
fn bitstream_size(kind: [u8; 4], content: &[u8]) -> Option<(u32, u32)> {
    if kind == *b"VP8L" {
        let [0x2f, a, b, c, d] = *content.first_chunk()? else { return None };
        let bits = u32::from_le_bytes([a, b, c, d]);
        Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
    } else {
        let [_, _, _, 0x9d, 0x01, 0x2a, a, b, c, d] = *content.first_chunk()? else { return None };
        let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
        Some((side([a, b]), side([c, d])))
    }
}

/// Looks through the chunks of a still picture before a decoder takes memory for what they claim. Gives the size that
/// the picture itself has, which is to be that of the file; `None` if there is no picture, a chunk ends behind the
/// file, or it is an animation.
pub(crate) fn picture_size(file: &mut File) -> io::Result<Option<(u32, u32)>> {
    let file_len = file.metadata()?.len();
    let place = Place { start: FILE_HEADER, end: u64::MAX };
    let (mut at, mut size) = (place.start, None);
    while let Some(chunk) = next(file, at, place)? {
        let content = at + ChunkHeader::LEN;
        if content + u64::from(chunk.len) > file_len || chunk.kind == *b"ANMF" {
            return Ok(None);
        }
        if size.is_none() && matches!(&chunk.kind, b"VP8 " | b"VP8L") {
            let mut header = [0; 10];
            // Of a lossless picture 5 bytes are looked at, and its chunk may be as short as the rest of the file.
            let header_len = header.len().min(chunk.len as usize);
            let header = header.get_mut(..header_len).unwrap_or_default();
            read_at(file, content, header)?;
            size = bitstream_size(chunk.kind, header);
        }
        at += chunk.whole_len();
    }
    Ok(size)
}
