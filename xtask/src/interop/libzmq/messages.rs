//! What crosses the wire, the same in each run.

use bytes::Bytes;
use netgear_proto::Multipart;

/// The largest part.
pub(crate) const LARGEST: usize = 8 << 20;

/// Lengths where something changes: empty, the end of the short frame, of libzmq's own messages and buffers, of a
/// pipe.
const EDGES: [usize; 14] = [0, 1, 2, 28, 33, 34, 254, 255, 256, 257, 8191, 8192, 8193, 65536];

/// Messages of 1 to 5 parts and of 0 to 8 MiB. Most are small, one in a hundred is of some hundred KiB, and in the
/// middle stands one with a part of 8 MiB.
pub(crate) fn messages(seed: u64, count: usize) -> Vec<Multipart> {
    let mut random = Random(seed | 1);
    let noise: Bytes = (0..LARGEST / 4).flat_map(|_| random.next().to_le_bytes()).collect();
    let slice = |random: &mut Random, length: usize| {
        let start = random.below(noise.len() - length + 1);
        noise.slice(start..start + length)
    };
    (0..count)
        .map(|number| {
            let parts = 1 + random.below(5);
            let mut message: Vec<Bytes> = (0..parts)
                .map(|_| {
                    let length = match random.below(100) {
                        0..40 => EDGES[random.below(EDGES.len())],
                        40..99 => random.below(2048),
                        _ => random.below(512 << 10),
                    };
                    slice(&mut random, length)
                })
                .collect();
            if number == count / 2 {
                message[random.below(parts)] = slice(&mut random, LARGEST);
            }
            message.into()
        })
        .collect()
}

/// What an end has received, as both ends count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) messages: u64,
    pub(crate) parts: u64,
    pub(crate) bytes: u64,
    /// Over each part's length, in 8 bytes, and then its bytes.
    pub(crate) crc32: u32,
}

impl Tally {
    pub(crate) fn of(messages: &[Multipart]) -> Self {
        let mut tally = Self { messages: messages.len() as u64, parts: 0, bytes: 0, crc32: 0 };
        let mut checksum = crc32fast::Hasher::new();
        for part in messages.iter().flat_map(Multipart::parts) {
            tally.parts += 1;
            tally.bytes += part.len() as u64;
            checksum.update(&(part.len() as u64).to_le_bytes());
            part.pieces().into_iter().for_each(|piece| checksum.update(piece));
        }
        tally.crc32 = checksum.finalize();
        tally
    }
}

/// xorshift64*: good enough to be no pattern.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 32) as usize) % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_have_every_length_that_matters() {
        let messages = messages(7, 2000);
        let lengths =
            |wanted: usize| messages.iter().flat_map(Multipart::parts).any(|part| part.len() == wanted);
        assert!(EDGES.into_iter().all(lengths));
        assert!(lengths(LARGEST));
        assert!((1..=5).all(|parts| messages.iter().any(|message| message.len() == parts)));
        assert_eq!(messages, super::messages(7, 2000));
    }
}
