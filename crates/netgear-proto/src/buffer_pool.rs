use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Frame buffers that are used again once nobody holds them any more.
///
/// Fresh memory for each frame means a page fault for every 4 KiB of it; at video rates that costs more than the copy
/// through the kernel. The pool remembers the buffers that it has handed out. When the last `Bytes` that the application
/// holds of one is dropped, the pool gives the same memory out again. Nothing needs to be given back by hand.
///
/// ```
/// use netgear_proto::BufferPool;
///
/// let mut pool = BufferPool::new(2);
/// let mut buffer = pool.take(1 << 20);
/// buffer.resize(1 << 20, 0);
/// let pixels = pool.freeze(buffer);
/// let address = pixels.as_ptr();
/// drop(pixels);
/// assert_eq!(pool.take(1 << 20).as_ptr(), address);
/// ```
#[derive(Debug)]
pub struct BufferPool {
    handed_out: VecDeque<Bytes>,
    most: usize,
}

impl BufferPool {
    /// Buffers smaller than this are left to the allocator, which does well with them.
    const SMALLEST: usize = 64 << 10;

    /// A pool that remembers the `most` buffers handed out last.
    pub const fn new(most: usize) -> Self {
        Self { handed_out: VecDeque::new(), most }
    }

    /// An empty buffer with room for `len` bytes: one that is free again, else a new one.
    pub fn take(&mut self, len: usize) -> BytesMut {
        while let Some(at) = self.handed_out.iter().position(Bytes::is_unique) {
            let Some(Ok(mut buffer)) = self.handed_out.remove(at).map(Bytes::try_into_mut) else { continue };
            buffer.clear();
            // One much larger than asked for would be held for a small frame as long as that lives.
            if buffer.capacity() >= len && buffer.capacity() / 2 <= len {
                return buffer;
            }
        }
        BytesMut::with_capacity(len)
    }

    /// Makes the bytes shareable, and remembers the buffer.
    pub fn freeze(&mut self, buffer: BytesMut) -> Bytes {
        let bytes = buffer.freeze();
        if bytes.len() >= Self::SMALLEST && self.most > 0 {
            if self.handed_out.len() == self.most {
                self.handed_out.pop_front();
            }
            self.handed_out.push_back(bytes.clone());
        }
        bytes
    }
}

/// A pool of 4 buffers: one being filled, one on its way, one in the application's hands and one to spare.
impl Default for BufferPool {
    fn default() -> Self {
        Self::new(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 1 << 20;

    fn filled(pool: &mut BufferPool, len: usize) -> Bytes {
        let mut buffer = pool.take(len);
        buffer.resize(len, 1);
        pool.freeze(buffer)
    }

    #[test]
    fn a_buffer_that_is_held_is_not_used_again() {
        let mut pool = BufferPool::default();
        let first = filled(&mut pool, LEN);
        let second = filled(&mut pool, LEN);
        assert_ne!(first.as_ptr(), second.as_ptr());
        let part = first.slice(10..20);
        let address = first.as_ptr();
        drop(first);
        assert_ne!(filled(&mut pool, LEN).as_ptr(), address);
        drop(part);
        drop(second);
        let again = [filled(&mut pool, LEN).as_ptr(), filled(&mut pool, LEN).as_ptr()];
        assert!(again.contains(&address) || pool.handed_out.iter().any(|bytes| bytes.as_ptr() == address));
    }

    #[test]
    fn the_same_memory_serves_frame_after_frame() {
        let mut pool = BufferPool::default();
        let address = filled(&mut pool, LEN).as_ptr();
        for _ in 0..100 {
            assert_eq!(filled(&mut pool, LEN).as_ptr(), address);
        }
        assert_eq!(pool.handed_out.len(), 1);
    }

    #[test]
    fn buffers_of_another_size_are_let_go() {
        let mut pool = BufferPool::default();
        drop(filled(&mut pool, 8 * LEN));
        let small = filled(&mut pool, LEN);
        assert!(pool.handed_out.iter().all(|bytes| bytes.len() == LEN));
        drop(small);
    }

    #[test]
    fn it_remembers_no_more_than_it_was_told() {
        let mut pool = BufferPool::new(2);
        let held: [Bytes; 5] = core::array::from_fn(|_| filled(&mut pool, LEN));
        assert_eq!(pool.handed_out.len(), 2);
        drop(held);
    }
}
