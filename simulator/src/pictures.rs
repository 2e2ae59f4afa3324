use bytes::Bytes;
use netgear_proto::{EncodedFrame, Encoding, Frame};

/// Pictures that name themselves: by the run of the program that sends them, and their place among those that it was
/// offered.
#[derive(Debug, Clone)]
pub(crate) enum Pictures {
    /// A few bytes each, and so many more, at random or always.
    Small { padding: Padding },
    /// Large ones, all out of the same bytes.
    Large(Bytes),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Padding {
    UpTo(usize),
    Always(usize),
}

const PADDING: [u8; 256] = [0xee; 256];

/// How many runs and numbers the large ones tell apart.
const RUNS: u64 = 64;
const NUMBERS: u64 = 4096;

/// The bytes of a large one.
const LARGE: usize = 1 << 20;

impl Pictures {
    pub(crate) fn large() -> Self {
        let words = RUNS * NUMBERS + LARGE as u64 / 8;
        Self::Large((0..words).flat_map(u64::to_le_bytes).collect::<Vec<u8>>().into())
    }

    pub(crate) fn picture(&self, rng: &mut fastrand::Rng, run: u64, sequence: u64) -> Frame {
        let pixels = match self {
            Self::Small { padding } => {
                let padding = match padding {
                    Padding::UpTo(most) => rng.usize(..*most),
                    Padding::Always(bytes) => *bytes,
                };
                let mut pixels = Vec::with_capacity(16 + padding);
                pixels.extend(run.to_le_bytes());
                pixels.extend(sequence.to_le_bytes());
                pixels.resize(16 + padding, PADDING[0]);
                pixels.into()
            }
            Self::Large(all) => {
                let begin = 8 * ((run % RUNS) * NUMBERS + sequence % NUMBERS) as usize;
                all.slice(begin..begin + LARGE)
            }
        };
        let width = pixels.len() as u32;
        Frame::gray8(width, 1, pixels).expect("it has the bytes of its shape")
    }

    /// A small picture without its padding, which stands for any encoding; two in three are marked as JPEG.
    pub(crate) fn encode(&self, frame: &Frame, sequence: u64) -> Option<EncodedFrame> {
        let Self::Small { .. } = self else { return None };
        let encoding = if sequence.is_multiple_of(3) { Encoding::Lossless } else { Encoding::Jpeg };
        EncodedFrame::of(frame, frame.pixels().slice(..16), encoding).ok()
    }

    /// The picture again; `None` if it is none.
    pub(crate) fn decode(&self, encoded: &EncodedFrame) -> Option<Frame> {
        let length = encoded.decoded_len();
        let mut pixels = encoded.bytes().to_vec();
        if pixels.len() > length {
            return None;
        }
        pixels.resize(length, PADDING[0]);
        Frame::new(pixels, encoded.shape(), encoded.element_type(), encoded.pixel_format()).ok()
    }

    /// The run and the number that a picture names. `runs` are there so far, and it came as this number.
    pub(crate) fn name(&self, frame: &Frame, runs: u64, sequence: u64) -> Option<(u64, u64)> {
        let pixels = frame.pixels();
        let first = u64::from_le_bytes(*pixels.first_chunk()?);
        match self {
            Self::Small { .. } => {
                let second = u64::from_le_bytes(*pixels.get(8..)?.first_chunk()?);
                // In pieces, since byte by byte a day of it takes seconds.
                let is_whole = pixels.get(16..)?.chunks(256).all(|piece| PADDING.starts_with(piece));
                is_whole.then_some((first, second))
            }
            Self::Large(_) => {
                let last = u64::from_le_bytes(*pixels.last_chunk()?);
                let run = (0..=runs).rev().find(|run| run % RUNS == first / NUMBERS)?;
                let is_whole = pixels.len() == LARGE && last == first + LARGE as u64 / 8 - 1;
                (is_whole && sequence % NUMBERS == first % NUMBERS).then_some((run, sequence))
            }
        }
    }
}
