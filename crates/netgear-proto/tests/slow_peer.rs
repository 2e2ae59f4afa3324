//! A peer that takes a long message slowly is alive, and one that takes nothing is not: found out by virtual time alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::{Buf, Bytes};
use netgear_proto::{
    BufferPool, Multipart, Timestamp,
    zmtp::{Connection, ConnectionConfig, Heartbeat, SocketType, ZmtpError},
};

const SECOND: Duration = Duration::from_secs(1);

fn busy_connection() -> Connection {
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
    ours.send(Multipart::from(Bytes::from(vec![0; 1 << 20]))).unwrap();
    ours
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
