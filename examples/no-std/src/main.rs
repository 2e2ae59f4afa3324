//! netgear-proto in a program without std: two ends of a session, each over a ZMTP connection of its own, joined in
//! memory.
//!
//! ```text
//! cargo run --manifest-path examples/no-std/Cargo.toml; echo $?     0: everything came as it should
//! ```
//!
//! A system with sockets replaces [`carry`] by its own writes and reads, and [`NOW`] by its own clock.
#![no_std]
#![no_main]

extern crate alloc;

mod runtime;

use alloc::{boxed::Box, vec};
use core::error::Error;

use bytes::Buf;
use netgear_proto::{
    BufferPool, Frame, Pattern, Role, Timestamp, Value,
    native::{READY_PROPERTY, READY_VALUE},
    session::{Ending, Outgoing, Output, Session, SessionConfig},
    zmtp::{self, Connection, ConnectionConfig, SocketType},
};

type Result<T = ()> = core::result::Result<T, Box<dyn Error>>;

/// Nothing in here takes time.
const NOW: Timestamp = Timestamp::ZERO;

/// The C runtime calls it; with std, Rust's own would stand in between.
#[expect(unsafe_code, reason = "the linker looks for this very name")]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    for pattern in [Pattern::Pair, Pattern::ReqRep] {
        if let Err(error) = exchange(pattern) {
            panic!("{pattern}: {error}");
        }
    }
    0
}

/// Greets, sends a frame with data, answers it with a frame, and says goodbye.
fn exchange(pattern: Pattern) -> Result {
    let mut sender = End::new(Role::Sender, pattern)?;
    let mut receiver = End::new(Role::Receiver, pattern)?;
    settle(&mut sender, &mut receiver)?;
    assert!(sender.session.can_send(), "both ends have said hello");

    let frame = Frame::bgr8(64, 48, vec![7; 64 * 48 * 3])?;
    sender.session.send(Outgoing::new(frame.clone(), NOW).with_data("left"))?;
    settle(&mut sender, &mut receiver)?;
    let delivery = receiver.session.recv().ok_or("no frame arrived")?;
    assert_eq!(delivery.frame, frame);
    assert_eq!(delivery.data, Some(Value::from("left")));

    let back = Value::from([("seen", Value::from(delivery.sequence)), ("picture", Value::Frame(frame))]);
    receiver.session.reply(back.clone())?;
    settle(&mut sender, &mut receiver)?;
    assert_eq!(sender.session.recv_data(), Some(back));

    sender.session.close(NOW);
    settle(&mut sender, &mut receiver)?;
    assert_eq!(sender.session.ending(), Some(Ending::Closed));
    assert_eq!(receiver.session.ending(), Some(Ending::PeerLeft));
    Ok(())
}

/// What a program holds for each peer: what is said, how it is framed, and memory for the frames that arrive.
struct End {
    session: Session,
    connection: Connection,
    pool: BufferPool,
}

impl End {
    fn new(role: Role, pattern: Pattern) -> Result<Self> {
        let socket_type = SocketType::of(role, pattern);
        let config = ConnectionConfig::new(socket_type).with_property(READY_PROPERTY, READY_VALUE)?;
        Ok(Self {
            session: Session::new(SessionConfig::new(role).with_pattern(pattern)),
            connection: Connection::new(config, NOW),
            pool: BufferPool::default(),
        })
    }

    /// Gives the session what the connection has for it, and the other way round.
    fn turn(&mut self) -> Result {
        while let Some(event) = self.connection.poll_event() {
            match event {
                zmtp::Event::Established => self.session.handle_connected(NOW),
                zmtp::Event::Message(message) => self.session.handle_message(NOW, message)?,
                _ => {}
            }
        }
        while let Some(output) = self.session.poll_output(NOW) {
            if let Output::Transmit(message) = output {
                self.connection.send(message)?;
            }
        }
        Ok(())
    }
}

/// Carries bytes to and fro until neither end has anything more to say.
fn settle(sender: &mut End, receiver: &mut End) -> Result {
    loop {
        sender.turn()?;
        receiver.turn()?;
        if !carry(sender, receiver)? & !carry(receiver, sender)? {
            return Ok(());
        }
    }
}

/// The wire: whether there was anything to carry.
fn carry(from: &mut End, to: &mut End) -> Result<bool> {
    let transmit = from.connection.transmit();
    let carried = transmit.has_remaining();
    while transmit.has_remaining() {
        let chunk = transmit.chunk();
        to.connection.handle_input(NOW, chunk, &mut to.pool)?;
        let len = chunk.len();
        transmit.advance(len);
    }
    Ok(carried)
}
