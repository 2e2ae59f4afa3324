//! Two ends that were set up for different things: both find out, at once, and are told which end to change.

use std::time::{Duration, Instant};

use netgear_transport::{
    Builder, Endpoint, FrameReceiver, FrameSender, LinkError, RecvError, SendError, SessionFailure,
    WaitError,
    proto::{
        Mode, Pattern, Role,
        session::{Mismatch, SessionError},
        zmtp::ZmtpError,
    },
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::common::{PATTERNS, TRANSPORTS, Transport, numbered, receiver, sender, within};

/// Either end, as far as a mismatch goes.
enum End {
    Sender(FrameSender),
    Receiver(FrameReceiver),
}

#[derive(Debug, Clone, Copy)]
struct Setup {
    role: Role,
    pattern: Pattern,
    mode: Mode,
}

impl Setup {
    async fn start(self, bind: bool, endpoint: Endpoint) -> End {
        async fn build<E: netgear_transport_end::Any>(
            builder: Builder<E>,
            bind: bool,
            endpoint: Endpoint,
        ) -> E {
            E::start(builder, bind, endpoint).await
        }
        match self.role {
            Role::Sender => End::Sender(build(sender(self.pattern).mode(self.mode), bind, endpoint).await),
            Role::Receiver => {
                End::Receiver(build(receiver(self.pattern).mode(self.mode), bind, endpoint).await)
            }
        }
    }
}

/// Both builders bind and connect alike.
mod netgear_transport_end {
    use super::*;

    pub(super) trait Any: Sized {
        async fn start(builder: Builder<Self>, bind: bool, endpoint: Endpoint) -> Self;
    }

    impl Any for FrameSender {
        async fn start(builder: Builder<Self>, bind: bool, endpoint: Endpoint) -> Self {
            if bind {
                builder.bind(endpoint).await.unwrap()
            } else {
                builder.connect(endpoint).await.unwrap()
            }
        }
    }

    impl Any for FrameReceiver {
        async fn start(builder: Builder<Self>, bind: bool, endpoint: Endpoint) -> Self {
            if bind {
                builder.bind(endpoint).await.unwrap()
            } else {
                builder.connect(endpoint).await.unwrap()
            }
        }
    }
}

impl End {
    /// What the application learns, from each of the calls that could tell it.
    async fn failure(self) -> SessionFailure {
        match self {
            Self::Sender(sender) => {
                let waited = sender.peer().await.unwrap_err();
                let WaitError::Failed(failure) = waited else { panic!("{waited}") };
                let sent = sender.send(numbered(0), None).await.unwrap_err();
                assert!(
                    matches!(&sent, SendError::Failed(f) if f.to_string() == failure.to_string()),
                    "{sent}"
                );
                assert_eq!(sender.close().await.unwrap_err().to_string(), failure.to_string());
                failure
            }
            Self::Receiver(receiver) => {
                let received = receiver.recv().await.unwrap_err();
                let RecvError::Failed(failure) = received else { panic!("{received}") };
                assert_eq!(receiver.close().await.unwrap_err().to_string(), failure.to_string());
                failure
            }
        }
    }
}

fn mismatch(failure: &SessionFailure) -> Mismatch {
    let SessionFailure::Session(SessionError::Mismatch(mismatch)) = failure else { panic!("{failure}") };
    *mismatch
}

/// Starts the two and gives what each learned: first the one that was bound, then the one that connected.
async fn failures(transport: Transport, bound: Setup, connecting: Setup) -> [SessionFailure; 2] {
    let started = Instant::now();
    let endpoint = transport.endpoint();
    let what = format!("{transport:?}: {bound:?} against {connecting:?}");
    let bound = bound.start(true, endpoint.clone()).await;
    let connecting = connecting.start(false, endpoint).await;
    let (bound, connecting) =
        within(&what, async { tokio::join!(bound.failure(), connecting.failure()) }).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{what}: neither waits for a deadline");
    [bound, connecting]
}

const SENDER: Setup = Setup { role: Role::Sender, pattern: Pattern::Pair, mode: Mode::Bidirectional };
const RECEIVER: Setup = Setup { role: Role::Receiver, ..SENDER };

#[tokio::test]
async fn one_end_bidirectional_and_the_other_not() {
    for transport in TRANSPORTS {
        for pattern in PATTERNS {
            let one_way = Setup { pattern, mode: Mode::Unidirectional, ..SENDER };
            let both_ways = Setup { pattern, ..RECEIVER };
            for [a, b] in [[one_way, both_ways], [both_ways, one_way]] {
                for (setup, failure) in [a, b].into_iter().zip(failures(transport, a, b).await) {
                    let (role, ours) = (setup.role, setup.mode);
                    let theirs =
                        if ours == Mode::Bidirectional { Mode::Unidirectional } else { Mode::Bidirectional };
                    assert_eq!(mismatch(&failure), Mismatch::Mode { role, ours, theirs });
                    let other = role.opposite();
                    assert_eq!(
                        failure.to_string(),
                        format!(
                            "this {role} is {ours} and the {other} is {theirs}; \
                             make the {other} {ours}, or this {role} {theirs}"
                        )
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn two_ends_of_the_same_role() {
    for pattern in PATTERNS {
        for role in [Role::Sender, Role::Receiver] {
            let setup = Setup { role, pattern, ..SENDER };
            for failure in failures(Transport::Tcp, setup, setup).await {
                assert_eq!(mismatch(&failure), Mismatch::SameRole(role));
                let text = failure.to_string();
                assert!(text.ends_with(&format!("make the other end a {}", role.opposite())), "{text}");
            }
        }
    }
}

/// A peer that says no more than that it refuses, in its own words: whoever chose it is told these.
#[tokio::test]
async fn a_peer_that_only_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let sender = sender(Pattern::Pair).connect(endpoint).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1];
    bytes.extend_from_slice(b"NULL");
    bytes.resize(64, 0);
    bytes.extend_from_slice(b"\x04\x1A\x05ERROR\x13Invalid socket type");
    stream.write_all(&bytes).await.unwrap();
    let started = Instant::now();
    let failure = within("refusal", End::Sender(sender).failure()).await;
    assert!(
        matches!(&failure, SessionFailure::Link(LinkError::Zmtp(ZmtpError::Refused { reason })) if reason == "Invalid socket type"),
        "{failure}"
    );
    assert!(failure.to_string().contains("refused the connection: Invalid socket type"), "{failure}");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn pair_against_reqrep() {
    let reqrep = |setup| Setup { pattern: Pattern::ReqRep, ..setup };
    for [a, b] in [
        [SENDER, reqrep(RECEIVER)],
        [reqrep(RECEIVER), SENDER],
        [reqrep(SENDER), RECEIVER],
        [RECEIVER, reqrep(SENDER)],
    ] {
        for (setup, failure) in [a, b].into_iter().zip(failures(Transport::Tcp, a, b).await) {
            let Mismatch::Pattern { role, ours, theirs } = mismatch(&failure) else { panic!("{failure}") };
            assert_eq!((role, ours), (setup.role, setup.pattern));
            assert_ne!(ours, theirs);
            let other = role.opposite();
            assert!(failure.to_string().contains(&format!("make the {other} use {ours}")), "{failure}");
        }
    }
}
