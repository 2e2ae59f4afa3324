//! Strangers: some say nothing, the others say what nobody understands.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use netgear_proto::native::{READY_PROPERTY, READY_VALUE};
use serde::{Deserialize, Serialize};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    Result,
    program::{Orders, say},
};

/// How often some come.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long they wait to get through.
const PATIENCE: Duration = Duration::from_millis(900);

/// Connection attempts at once, beyond which nobody new sets out.
const MOST_ON_THEIR_WAY: usize = 2_000;

/// One program that plays all of them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Strangers {
    pub(super) port: u16,
    /// Connections that say nothing: so many a second, and so many kept open at once.
    pub(super) silent_per_second: u32,
    pub(super) silent_at_once: usize,
    /// Handshakes that are garbage, a second.
    pub(super) garbage_per_second: u32,
}

/// What it is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum StrangersOrder {
    Come,
    /// Nobody new comes.
    Pause,
    /// All go.
    Go,
}

/// What it says when it is told to pause or to go: what there was since it began.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Came {
    pub(super) silent: u64,
    pub(super) garbage: u64,
    /// They did not get through in time.
    pub(super) failed: u64,
    /// The most silent ones that were open at once, be it that the other end had closed them.
    pub(super) open_at_most: usize,
}

impl Strangers {
    pub(crate) async fn run(self) -> Result {
        let mut orders = Orders::listen();
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (mut coming, mut came) = (false, Came::default());
        let mut on_their_way: JoinSet<io::Result<(TcpStream, bool)>> = JoinSet::new();
        let (mut silent, mut garbage) = (VecDeque::new(), VecDeque::new());
        let mut due = [0.0, 0.0];
        let mut number = 0_u32;
        loop {
            tokio::select! {
                order = orders.next() => {
                    match order? {
                        StrangersOrder::Come => {
                            ticks.reset();
                            coming = true;
                            continue;
                        }
                        StrangersOrder::Pause => coming = false,
                        StrangersOrder::Go => {
                            coming = false;
                            on_their_way = JoinSet::new();
                            silent.clear();
                            garbage.clear();
                        }
                    }
                    say(&came);
                }
                _ = ticks.tick(), if coming => {
                    let rates = [self.silent_per_second, self.garbage_per_second];
                    for ((due, rate), says) in due.iter_mut().zip(rates).zip([false, true]) {
                        *due += f64::from(rate) * INTERVAL.as_secs_f64();
                        while *due >= 1.0 {
                            *due -= 1.0;
                            if on_their_way.len() < MOST_ON_THEIR_WAY {
                                number = number.wrapping_add(1);
                                on_their_way.spawn(come(self.port, number, says));
                            }
                        }
                    }
                }
                Some(Ok(arrived)) = on_their_way.join_next() => match arrived {
                    Ok((stream, false)) => {
                        came.silent += 1;
                        silent.push_back(stream);
                        if silent.len() > self.silent_at_once {
                            silent.pop_front();
                        }
                        came.open_at_most = came.open_at_most.max(silent.len());
                    }
                    Ok((stream, true)) => {
                        came.garbage += 1;
                        garbage.push_back(stream);
                        // What it said should have time to arrive.
                        if garbage.len() > 256 {
                            garbage.pop_front();
                        }
                    }
                    Err(_) => {
                        came.failed += 1;
                        // If it is that this program has too many open.
                        silent.pop_front();
                    }
                },
            }
        }
    }
}

async fn come(port: u16, number: u32, says: bool) -> io::Result<(TcpStream, bool)> {
    let socket = TcpSocket::new_v4()?;
    // Each address has some 28,000 ports to come from, some of which wait for a minute after they were used.
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, (number % 16) as u8 + 1), 0)))?;
    let connecting = socket.connect((Ipv4Addr::LOCALHOST, port).into());
    let mut stream = timeout(PATIENCE, connecting).await.map_err(|_| io::ErrorKind::TimedOut)??;
    if says {
        // Whoever was turned away at once may find its connection closed.
        let _ = timeout(PATIENCE, stream.write_all(&garbage(number))).await;
    }
    Ok((stream, says))
}

/// What nobody understands, of one kind after another.
fn garbage(number: u32) -> Vec<u8> {
    let random = |len| -> Vec<u8> { (0..len).map(|_| fastrand::u8(..)).collect() };
    match number % 7 {
        0 => random(1_000),
        1 => b"GET / HTTP/1.1\r\nHost: camera\r\n\r\n".to_vec(),
        // A part of a greeting.
        2 => greeting().into_iter().take(11).collect(),
        3 => [greeting(), random(1_000)].concat(),
        // A command that would be as long as can be.
        4 => [greeting(), vec![0x06], vec![0x7f; 8], random(1_000)].concat(),
        // A socket that fits, whose first message is nothing.
        5 => [greeting(), ready(false), message(&random(200))].concat(),
        // One that says that it is NetGear.
        _ => [greeting(), ready(true), message(&random(200))].concat(),
    }
}

/// RFC 37: signature, version, mechanism, and the rest zero.
fn greeting() -> Vec<u8> {
    let mut greeting = vec![0; 64];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[11] = 1;
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

/// RFC 37: a READY command with the metadata of a PAIR socket.
fn ready(announces_netgear: bool) -> Vec<u8> {
    let property = |name: &str, value: &[u8]| {
        [&[name.len() as u8], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value].concat()
    };
    let mut body = [&[5], &b"READY"[..], &property("Socket-Type", b"PAIR")].concat();
    if announces_netgear {
        body.extend(property(READY_PROPERTY, READY_VALUE));
    }
    [&[0x04, body.len() as u8], &body[..]].concat()
}

/// RFC 37: a short message of one part.
fn message(body: &[u8]) -> Vec<u8> {
    [&[0x00, body.len() as u8], body].concat()
}
