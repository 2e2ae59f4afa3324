//! How much of what was sent the kernel holds for a peer on the same machine, who has not read it yet.
//!
//! Left to itself, Linux lets a TCP connection's buffers grow to megabytes, and by the time that the peer reads a
//! pixel it has long been driven out of the processor's caches. Over loopback there is no round trip to fill, so that
//! everything beyond what the caches hold is loss: docs/performance.md has the figures.

use std::net::SocketAddr;

use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// Of which Linux makes twice as much, for what it keeps with the bytes. Less makes smaller frames wait for their
/// reader, and more is slower for large ones.
///
/// The benches have it, too, for the sockets that sessions are held against.
#[cfg(target_os = "linux")]
const BYTES: usize = 512 * 1024;

/// Bounds the buffer if the peer is on this machine. Buffers towards another one follow the round trip, as only the
/// system can have them do.
#[cfg(target_os = "linux")]
pub(crate) fn bound_tcp(stream: &TcpStream) {
    let (Ok(ours), Ok(theirs)) = (stream.local_addr(), stream.peer_addr()) else { return };
    if is_one_machine(ours, theirs) && is_granted() {
        // It is as fast as the system makes it otherwise.
        let _ = socket2::SockRef::from(stream).set_send_buffer_size(BYTES);
    }
}

/// The system knows best.
#[cfg(not(target_os = "linux"))]
pub(crate) fn bound_tcp(_: &TcpStream) {}

/// A Unix socket's buffer is mostly smaller than that, and does not grow by itself: as much of it as is granted is
/// better.
#[cfg(target_os = "linux")]
pub(crate) fn bound_unix(stream: &UnixStream) {
    let socket = socket2::SockRef::from(stream);
    if socket.send_buffer_size().is_ok_and(|size| size < 2 * BYTES) {
        let _ = socket.set_send_buffer_size(BYTES);
    }
}

/// The system knows best.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn bound_unix(_: &UnixStream) {}

/// An address that is no loopback's is this machine's if both ends have it.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "what it is for is done on Linux alone"))]
fn is_one_machine(ours: SocketAddr, theirs: SocketAddr) -> bool {
    // As `tcp://*` sees it, 127.0.0.1 is ::ffff:127.0.0.1.
    let (ours, theirs) = (ours.ip().to_canonical(), theirs.ip().to_canonical());
    theirs.is_loopback() || ours == theirs
}

/// Whether a socket may have so much (`net.core.wmem_max`). One that gets less is slower with small frames than one
/// that the system sizes, and once a size was asked for there is no way back.
#[cfg(target_os = "linux")]
fn is_granted() -> bool {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    socket.is_ok_and(|socket| {
        socket.set_send_buffer_size(BYTES).is_ok()
            && socket.send_buffer_size().is_ok_and(|granted| granted >= 2 * BYTES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_loopback_or_one_address() {
        for (ours, theirs, expected) in [
            ("127.0.0.1:1", "127.0.0.1:2", true),
            ("127.0.0.1:1", "127.0.0.7:2", true),
            ("[::1]:1", "[::1]:2", true),
            ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:2", true),
            ("192.0.2.1:1", "192.0.2.1:2", true),
            ("[::ffff:192.0.2.1]:1", "192.0.2.1:2", true),
            ("192.0.2.1:1", "192.0.2.2:1", false),
            ("[2001:db8::1]:1", "[2001:db8::2]:1", false),
        ] {
            assert_eq!(
                is_one_machine(ours.parse().unwrap(), theirs.parse().unwrap()),
                expected,
                "{ours} {theirs}"
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn both_ends_of_a_loopback_connection_have_it_or_are_left_alone() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (connected, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        for stream in [connected.unwrap(), accepted.unwrap().0] {
            let size = || socket2::SockRef::from(&stream).send_buffer_size().unwrap();
            let before = size();
            bound_tcp(&stream);
            assert_eq!(size(), if is_granted() { 2 * BYTES } else { before });
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_unix_socket_never_has_less_than_before() {
        let (stream, _other) = UnixStream::pair().unwrap();
        let size = || socket2::SockRef::from(&stream).send_buffer_size().unwrap();
        let before = size();
        bound_unix(&stream);
        assert!(size() >= before, "{} bytes, {before} before", size());
        assert!(!is_granted() || size() >= 2 * BYTES);
    }
}
