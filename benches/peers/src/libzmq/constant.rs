//! Messages that point to bytes which never change and are never freed, so that the same frame can be sent again and
//! again without a copy. The `zmq` crate makes messages without a copy of memory that they then own, which would take
//! new memory for each.
#![allow(
    unsafe_code,
    reason = "zmq_msg_init_data has no safe wrapper that leaves the memory with the caller"
)]

use std::{ffi::c_void, mem::MaybeUninit};

use zmq::Socket;
use zmq_sys::{zmq_errno, zmq_msg_close, zmq_msg_init_data, zmq_msg_send, zmq_msg_t};

/// Sends these bytes as a message, in place.
pub(super) fn send(socket: &mut Socket, bytes: &'static [u8]) -> Result<(), zmq::Error> {
    let mut message = MaybeUninit::<zmq_msg_t>::uninit();
    // SAFETY: libzmq initialises the message. It only reads the bytes, which live as long as the program, and without
    // a function to free them it leaves them alone.
    let initialised = unsafe {
        let data = bytes.as_ptr().cast_mut().cast::<c_void>();
        zmq_msg_init_data(message.as_mut_ptr(), data, bytes.len(), None, std::ptr::null_mut())
    };
    if initialised != 0 {
        return Err(error());
    }
    // SAFETY: the message is initialised, and the socket lives, as it is borrowed. What could be sent is libzmq's
    // from then on; what could not is closed, once.
    unsafe {
        if zmq_msg_send(message.as_mut_ptr(), socket.as_mut_ptr(), 0) >= 0 {
            return Ok(());
        }
        let error = error();
        zmq_msg_close(message.as_mut_ptr());
        Err(error)
    }
}

fn error() -> zmq::Error {
    // SAFETY: it reads a number that belongs to this thread.
    zmq::Error::from_raw(unsafe { zmq_errno() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_place_arrives_whole_and_twice() {
        static BYTES: [u8; 100_000] = [42; 100_000];
        let context = zmq::Context::new();
        let (mut from, to) = (context.socket(zmq::PAIR).unwrap(), context.socket(zmq::PAIR).unwrap());
        to.bind("tcp://127.0.0.1:*").unwrap();
        to.set_rcvtimeo(30_000).unwrap();
        from.connect(&to.get_last_endpoint().unwrap().unwrap()).unwrap();
        for _ in 0..2 {
            send(&mut from, &BYTES).unwrap();
            assert_eq!(to.recv_bytes(0).unwrap(), BYTES);
        }
    }
}
