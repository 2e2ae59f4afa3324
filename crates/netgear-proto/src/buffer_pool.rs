use alloc::collections::VecDeque;
use core::mem;

use bytes::{Bytes, BytesMut};

/// Frame buffers that are used again once nobody holds them any more.
///
/// Fresh memory for each frame means a page fault for every 4 KiB of it; at video rates that costs more than the copy
/// through the kernel. The pool remembers the buffers that it has handed out. When the last `Bytes` that the
/// application holds of one is dropped, the pool gives the same memory out again. Nothing needs to be given back by
/// hand.
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
    handed_out: VecDeque<HandedOut>,
    most: usize,
}

#[derive(Debug)]
struct HandedOut {
    bytes: Bytes,
    /// Of the buffer, which may be larger than the bytes in it.
    capacity: usize,
    /// How often it was free and not of use.
    passed_over: u8,
}

impl BufferPool {
    /// Buffers smaller than this are left to the allocator, which does well with them.
    const SMALLEST: usize = 64 << 10;

    /// A pool that remembers the `most` buffers handed out last.
    pub const fn new(most: usize) -> Self {
        Self { handed_out: VecDeque::new(), most }
    }

    /// After being passed over so often, a free buffer is let go, but for one to spare of the size that is asked for.
    const PASSED_OVER: u8 = 32;

    /// An empty buffer with room for `len` bytes: one that is free again, else a new one.
    ///
    /// Before a new one is made, all that are free are let go: they are of another size, and what the pool keeps
    /// beside what is in use never adds to the most that was ever in use.
    pub fn take(&mut self, len: usize) -> BytesMut {
        let mut buffer = self.take_as_it_was(len);
        buffer.clear();
        buffer
    }

    /// As [`take`](Self::take), and `len` bytes long, for whoever writes all of them anyway: zeros where the memory
    /// is new, where it is not whatever it held.
    pub fn take_filled(&mut self, len: usize) -> BytesMut {
        let mut buffer = self.take_as_it_was(len);
        buffer.resize(len, 0);
        buffer
    }

    fn take_as_it_was(&mut self, len: usize) -> BytesMut {
        if len < Self::SMALLEST {
            return BytesMut::with_capacity(len);
        }
        // The one handed out last, of which the most is still in the processor's caches.
        if let Some(at) = self.handed_out.iter().rposition(|buffer| buffer.is_free() && buffer.fits(len))
            && let Some(Ok(buffer)) = self.handed_out.remove(at).map(|buffer| buffer.bytes.try_into_mut())
        {
            // Another of this size is kept, or one that is now and then needed for a moment would be made anew each
            // time.
            let mut has_spare = false;
            self.handed_out.retain_mut(|buffer| {
                if buffer.fits(len) && !mem::replace(&mut has_spare, true) {
                    return true;
                }
                buffer.passed_over += u8::from(buffer.is_free());
                buffer.passed_over < Self::PASSED_OVER
            });
            return buffer;
        }
        self.handed_out.retain(|buffer| !buffer.is_free());
        let mut buffer = BytesMut::with_capacity(len + 1);
        // From now on its memory is counted by reference, so that sharing it does not allocate the count each time.
        drop(buffer.split_off(len));
        buffer
    }

    /// Makes the bytes shareable, and remembers the buffer.
    pub fn freeze(&mut self, buffer: BytesMut) -> Bytes {
        let capacity = buffer.capacity();
        let bytes = buffer.freeze();
        if bytes.len() >= Self::SMALLEST && self.most > 0 {
            if self.handed_out.len() == self.most {
                self.handed_out.pop_front();
            }
            self.handed_out.push_back(HandedOut { bytes: bytes.clone(), capacity, passed_over: 0 });
        }
        bytes
    }
}

impl HandedOut {
    fn is_free(&self) -> bool {
        self.bytes.is_unique()
    }

    /// One much larger than asked for would be held for a small frame as long as that lives.
    fn fits(&self, len: usize) -> bool {
        self.capacity >= len && self.capacity / 2 <= len
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
        assert!(
            again.contains(&address) || pool.handed_out.iter().any(|buffer| buffer.bytes.as_ptr() == address)
        );
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
    fn a_filled_buffer_has_its_length_and_is_not_written_again() {
        let mut pool = BufferPool::default();
        assert!(pool.take_filled(LEN).iter().all(|&byte| byte == 0));
        let address = filled(&mut pool, LEN).as_ptr();
        let mut buffer = pool.take_filled(LEN - 10);
        assert_eq!((buffer.as_ptr(), buffer.len()), (address, LEN - 10));
        assert!(buffer.iter().all(|&byte| byte == 1));
        buffer.truncate(LEN / 2);
        drop(pool.freeze(buffer));
        // What was never there is zeros.
        let buffer = pool.take_filled(LEN - 10);
        assert_eq!(buffer.as_ptr(), address);
        assert!(buffer.iter().enumerate().all(|(at, &byte)| byte == u8::from(at < LEN / 2)));
    }

    #[test]
    fn buffers_of_another_size_are_let_go() {
        let mut pool = BufferPool::default();
        drop(filled(&mut pool, 8 * LEN));
        let small = filled(&mut pool, LEN);
        assert!(pool.handed_out.iter().all(|buffer| buffer.bytes.len() == LEN));
        drop(small);
    }

    #[test]
    fn sizes_that_alternate_each_keep_their_buffer() {
        let mut pool = BufferPool::default();
        let addresses = |pool: &mut BufferPool| {
            let message = [filled(pool, 6 * LEN), filled(pool, 1000), filled(pool, LEN)];
            [message[0].as_ptr(), message[2].as_ptr()]
        };
        let first = addresses(&mut pool);
        for _ in 0..100 {
            assert_eq!(addresses(&mut pool), first);
        }
    }

    #[test]
    fn a_free_buffer_that_is_of_no_more_use_is_let_go() {
        let mut pool = BufferPool::default();
        let large = filled(&mut pool, 8 * LEN);
        let other = filled(&mut pool, LEN);
        drop((large, other));
        for _ in 0..BufferPool::PASSED_OVER {
            assert!(pool.handed_out.iter().any(|buffer| buffer.bytes.len() == 8 * LEN));
            drop(filled(&mut pool, LEN));
        }
        assert!(pool.handed_out.iter().all(|buffer| buffer.bytes.len() == LEN));
    }

    #[test]
    fn one_buffer_to_spare_is_kept_and_the_last_one_used_is_given_out() {
        let mut pool = BufferPool::default();
        let held: [Bytes; 3] = core::array::from_fn(|_| filled(&mut pool, LEN));
        let last = held[2].as_ptr();
        drop(held);
        for _ in 0..100 {
            assert_eq!(filled(&mut pool, LEN).as_ptr(), last);
        }
        assert_eq!(pool.handed_out.len(), 2);
    }

    #[test]
    fn it_remembers_no_more_than_it_was_told() {
        let mut pool = BufferPool::new(2);
        let held: [Bytes; 5] = core::array::from_fn(|_| filled(&mut pool, LEN));
        assert_eq!(pool.handed_out.len(), 2);
        drop(held);
    }
}
