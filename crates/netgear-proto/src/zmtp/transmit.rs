use alloc::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::framing::FrameHeader;
use crate::Part;

/// Bytes on their way to the peer, in order.
///
/// Headers and small parts are gathered into small buffers; a large part stands here as the very bytes that were
/// given to [`Connection::send`](super::Connection::send). Write [`Transmit::slices`] to the socket, all in one call
/// where the system can (`writev`), then [`Buf::advance`] by what it took.
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

    /// A part with its header.
    pub(super) fn push_part(&mut self, part: Part, more: bool) {
        self.gather_header(false, more, part.len());
        for piece in part.into_pieces() {
            self.push(piece);
        }
    }

    /// A part of a few bytes, with its header, and more behind it.
    pub(super) fn gather_part(&mut self, bytes: &[u8]) {
        self.gather_header(false, true, bytes.len());
        self.gather(bytes);
    }

    /// A command with its header. Its body is told in pieces, since one that comes every second is not put together
    /// in memory of its own.
    pub(super) fn gather_command<const PIECES: usize>(&mut self, body: [&[u8]; PIECES]) {
        self.gather_header(true, false, body.iter().map(|piece| piece.len()).sum());
        for piece in body {
            self.gather(piece);
        }
    }

    fn gather_header(&mut self, command: bool, more: bool, length: usize) {
        let (header, header_len) = FrameHeader::write(command, more, length);
        self.gather(&header[..header_len]);
    }

    pub(super) fn gather(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
    }

    fn push(&mut self, part: Bytes) {
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
