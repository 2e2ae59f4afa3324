//! A peer that takes a long message slowly is alive, and one that takes nothing is not: found out by virtual time
//! alone.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::time::Duration;

use bytes::{Buf, Bytes};
use netgear_proto::{
    BufferPool, Multipart, Timestamp,
    zmtp::{Connection, ConnectionConfig, Heartbeat, SocketType, ZmtpError},
};

const SECOND: Duration = Duration::from_secs(1);

fn busy_connection() -> Connection {
    let (mut ours, _) = established();
    ours.send(Multipart::from(Bytes::from(vec![0; 1 << 20]))).unwrap();
    ours
}

fn established() -> (Connection, Connection) {
    let heartbeat = Heartbeat { interval: SECOND, timeout: 5 * SECOND };
    let config = ConnectionConfig::new(SocketType::Pair).with_heartbeat(Some(heartbeat));
    let mut ours = Connection::new(config.clone(), Timestamp::ZERO);
    let mut theirs = Connection::new(config, Timestamp::ZERO);
    let mut pool = BufferPool::default();
    for _ in 0..2 {
        for (from, to) in [(true, false), (false, true)] {
            let from = if from { &mut ours } else { &mut theirs };
            let len = from.transmit().remaining();
            let bytes = from.transmit().copy_to_bytes(len);
            let to = if to { &mut ours } else { &mut theirs };
            to.handle_input(Timestamp::ZERO, &bytes, &mut pool).unwrap();
        }
    }
    (ours, theirs)
}

/// Whoever sends a long message may have given all of it to the system long before it arrives.
#[test]
fn a_peer_that_listens_to_a_long_message_gives_signs_of_life() {
    let (mut ours, mut theirs) = established();
    let mut pool = BufferPool::default();
    ours.send(Multipart::from(Bytes::from(vec![0; 1 << 20]))).unwrap();
    let mut now = Timestamp::ZERO;
    for _ in 0..1000 {
        now = now + SECOND / 10;
        let some = ours.transmit().remaining().min(1000);
        let bytes = ours.transmit().copy_to_bytes(some);
        theirs.handle_input(now, &bytes, &mut pool).unwrap();
        theirs.handle_timeout(now).unwrap();
        let len = theirs.transmit().remaining();
        assert!(len < 100, "one PING a second, and no more");
        let signs = theirs.transmit().copy_to_bytes(len);
        ours.handle_input(now, &signs, &mut pool).unwrap();
        // The sender is never asked to look at the time here, so that only what it hears counts: a second after that
        // it would ask for a sign of life.
        let heard = ours.next_timeout().unwrap();
        assert!(now.since(heard) < SECOND, "nothing was heard since {heard}");
    }
    assert!(ours.transmit().has_remaining());
}

/// Runs the connection for so many seconds, in each of which the peer takes so many bytes.
fn run(connection: &mut Connection, seconds: u32, taken_in_each: usize) -> Result<(), ZmtpError> {
    let mut now = Timestamp::ZERO;
    for _ in 0..seconds * 10 {
        now = now + SECOND / 10;
        let taken = (taken_in_each / 10).min(connection.transmit().remaining());
        connection.transmit().advance(taken);
        connection.handle_timeout(now)?;
    }
    Ok(())
}

#[test]
fn a_peer_that_takes_a_long_message_slowly_is_alive() {
    let mut connection = busy_connection();
    assert_eq!(run(&mut connection, 60, 10_000), Ok(()));
    assert!(connection.transmit().has_remaining());
}

#[test]
fn a_peer_that_takes_nothing_of_a_long_message_is_gone() {
    let error = run(&mut busy_connection(), 60, 0).unwrap_err();
    assert!(matches!(error, ZmtpError::PeerSilent { silence } if silence < 6 * SECOND));
}

/// What the system takes on behalf of a dead peer, PINGs among it, is no sign of life.
#[test]
fn a_peer_that_is_silent_is_gone_although_the_system_takes_everything() {
    let error = run(&mut busy_connection(), 60, 100 << 20).unwrap_err();
    assert!(matches!(error, ZmtpError::PeerSilent { silence } if silence < 6 * SECOND));
}
