//! A session over `std::net::TcpStream`: no tokio, no async, one thread for each end.
//!
//! ```text
//! cargo run -p netgear-proto --example std_tcp                              both ends, in two threads
//! cargo run -p netgear-proto --example std_tcp -- receive 127.0.0.1:5555    or each in a program of its own,
//! cargo run -p netgear-proto --example std_tcp -- send 127.0.0.1:5555       started in any order
//! ```
//!
//! Three things are stacked, and none knows the one above it:
//!
//! * the stream, which carries bytes;
//! * [`Link`](link::Link), which drives a ZMTP connection over the stream: messages (`link.rs`);
//! * [`End`], which drives a session over the link: frames and data (this file).
//!
//! Everything waits with a deadline: nobody who connects and falls silent can hold this program up.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

mod link;

use std::{
    env,
    error::Error,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use netgear_proto::{
    Frame, Pattern, Role, Value,
    native::{READY_PROPERTY, READY_VALUE},
    session::{Ending, Outgoing, Output, Session, SessionConfig},
    zmtp::{ConnectionConfig, SocketType},
};

use self::link::{Clock, Link, Received, Stream};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const PATTERN: Pattern = Pattern::Pair;
const FRAMES: u64 = 100;
const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

/// How long anything may take that the peer has to do.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => both(),
        ["send", address] => send_frames(connect(address.parse()?)?),
        ["receive", address] => receive_frames(&TcpListener::bind(address)?),
        _ => {
            Err("usage: std_tcp [send ADDRESS | receive ADDRESS], where an address is like 127.0.0.1:5555"
                .into())
        }
    }
}

fn both() -> Result {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let receiver = thread::spawn(move || receive_frames(&listener));
    send_frames(connect(address)?)?;
    receiver.join().map_err(|_| "the receiver panicked")?
}

/// Sends each frame with its number, and expects the number back, doubled.
fn send_frames(stream: TcpStream) -> Result {
    let mut end = End::open(stream, Role::Sender)?;
    for number in 0..FRAMES {
        end.run_until(Session::can_send)?;
        let captured_at = end.clock.now();
        end.session.send(Outgoing::new(picture(number)?, captured_at).with_data(number))?;
        // More than one may be on its way; here the next goes once this one is answered.
        end.run_until(|session| !session.awaits_answer())?;
        let returned = end.session.recv_data();
        if returned != Some(Value::from(number * 2)) {
            return Err(format!("frame {number} was answered with {returned:?}").into());
        }
    }
    end.session.close(end.clock.now());
    end.run_until(|session| session.ending().is_some())?;
    end.link.close()?;
    println!("sent {FRAMES} frames, and each came back with its own data");
    Ok(())
}

/// Checks each frame and the number that came with it, and answers until the sender says goodbye.
fn receive_frames(listener: &TcpListener) -> Result {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut end = End::open(stream, Role::Receiver)?;
    let mut received = 0;
    loop {
        end.run_until(|session| session.has_frame() || session.ending().is_some())?;
        // A frame that arrived before the goodbye is still there after it.
        let Some(delivery) = end.session.recv() else { break };
        let number =
            delivery.data.as_ref().and_then(Value::as_u64).ok_or("a frame came without its number")?;
        if number != received || delivery.frame != picture(number)? {
            return Err(format!("frame {number} came where {received} was due, or with other pixels").into());
        }
        received += 1;
        end.session.reply(number * 2)?;
    }
    if end.session.ending() != Some(Ending::PeerLeft) || received != FRAMES {
        return Err(format!("{received} frames came, and then: {:?}", end.session.ending()).into());
    }
    end.link.close()?;
    println!("received {received} frames, each with its own data");
    Ok(())
}

/// One end of a session, and the link under it.
struct End<S> {
    link: Link<S>,
    session: Session,
    clock: Clock,
}

impl<S: Stream> End<S> {
    fn open(stream: S, role: Role) -> Result<Self> {
        let clock = Clock::new();
        let config = ConnectionConfig::new(SocketType::of(role, PATTERN))
            // By this property in READY two NetGear peers know each other. Other ZeroMQ programs ignore it.
            .with_property(READY_PROPERTY, READY_VALUE)?;
        let link = Link::handshake(stream, config, clock)?;
        if link.peer().and_then(|peer| peer.property(READY_PROPERTY)).is_none() {
            return Err("the peer is some other ZeroMQ program, not NetGear".into());
        }
        let mut session = Session::new(SessionConfig::new(role).with_pattern(PATTERN));
        session.handle_connected(clock.now());
        Ok(Self { link, session, clock })
    }

    /// Carries messages between link and session until the session is in the state that is waited for.
    fn run_until(&mut self, done: impl Fn(&Session) -> bool) -> Result {
        let deadline = self.clock.now() + PATIENCE;
        loop {
            self.transmit()?;
            if done(&self.session) {
                return Ok(());
            }
            if let Some(ending) = self.session.ending() {
                return Err(format!("the session is over: {ending:?}").into());
            }
            if self.clock.now() >= deadline {
                return Err(format!("the peer has been idle for {} s", PATIENCE.as_secs()).into());
            }
            let until = self.session.next_timeout().map_or(deadline, |due| due.min(deadline));
            let received = self.link.receive(until)?;
            let now = self.clock.now();
            let handled = match received {
                Received::Message(message) => self.session.handle_message(now, message),
                Received::Nothing => self.session.handle_timeout(now),
                Received::Closed => self.session.handle_disconnected(),
            };
            if let Err(error) = handled {
                // What the session still has to say lets the peer find out why as well.
                self.transmit()?;
                return Err(error.into());
            }
        }
    }

    /// Sends what the session wants sent. Its events are not looked at: its getters tell all that this program needs.
    fn transmit(&mut self) -> Result {
        while let Some(output) = self.session.poll_output(self.clock.now()) {
            if let Output::Transmit(message) = output {
                self.link.send(message)?;
            }
        }
        Ok(())
    }
}

/// Connects, and waits for a receiver that is not there yet.
fn connect(address: SocketAddr) -> Result<TcpStream> {
    let clock = Clock::new();
    let deadline = clock.now() + PATIENCE;
    loop {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                // A small message must not wait for the acknowledgement of the one before.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) if clock.now() >= deadline => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// A picture that no other number gives.
fn picture(number: u64) -> Result<Frame> {
    let pixels: Vec<u8> = (0..u64::from(WIDTH * HEIGHT * 3)).map(|at| (at + number) as u8).collect();
    Ok(Frame::bgr8(WIDTH, HEIGHT, pixels)?)
}
