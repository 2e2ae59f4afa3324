use alloc::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// Bytes on their way to the peer, in order.
///
/// Headers and small parts are gathered into small buffers; a large part stands here as the very bytes that were given to
/// [`Connection::send`](super::Connection::send). Write [`Transmit::slices`] to the socket, all in one call where the
/// system can (`writev`), then [`Buf::advance`] by what it took.
#[derive(Debug, Default)]
pub struct Transmit {
    chunks: VecDeque<Bytes>,
    /// What was gathered behind the last chunk.
    gathered: BytesMut,
    taken: u64,
}

impl Transmit {
    /// Below this, copying a part into the gathered bytes costs less than a slice of its own.
    const GATHERED: usize = 256;

    /// What waits, in order, in pieces as large as they come.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let gathered = Some(&self.gathered[..]).filter(|gathered| !gathered.is_empty());
        self.chunks.iter().map(|chunk| &chunk[..]).chain(gathered)
    }

    /// How many bytes have been taken so far.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn gather(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
    }

    pub(super) fn push(&mut self, part: Bytes) {
        if part.len() < Self::GATHERED {
            self.gather(&part);
            return;
        }
        if !self.gathered.is_empty() {
            self.chunks.push_back(self.gathered.split().freeze());
        }
        self.chunks.push_back(part);
    }
}

impl Buf for Transmit {
    fn remaining(&self) -> usize {
        self.slices().map(<[u8]>::len).sum()
    }

    fn has_remaining(&self) -> bool {
        !self.chunks.is_empty() || !self.gathered.is_empty()
    }

    fn chunk(&self) -> &[u8] {
        self.slices().next().unwrap_or_default()
    }

    fn advance(&mut self, mut count: usize) {
        self.taken += count as u64;
        while let Some(first) = self.chunks.front_mut() {
            if count < first.len() {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.chunks.pop_front();
        }
        self.gathered.advance(count);
    }
}
