//! What a driver does on a port where anybody may come: first messages are held against the session, which meets but
//! one.

use netgear_proto::{
    Limits, Mode, Multipart, Pattern, Role, Timestamp, Value,
    native::{Hello, Message, SessionId},
    session::{Ending, Mismatch, Outgoing, Output, PeerViolation, Session, SessionError},
    vidgear,
};

use crate::link::{BOTH_PATTERNS, End, frame_message, lasting, outgoing, picture};

const NOW: Timestamp = Timestamp::ZERO;

fn encoded(message: Message) -> Multipart {
    message.encode(&Limits::DEFAULT).unwrap()
}

fn hello_of(id: u8, role: Role, pattern: Pattern, mode: Mode) -> Multipart {
    let id = SessionId::from_bytes([id; 16]);
    encoded(Message::Hello(Hello { id, ..Hello::new(role, pattern, mode) }))
}

/// What it says, up to where it has nothing to say.
fn said(session: &mut Session) -> Vec<Message> {
    let mut said = Vec::new();
    while let Some(output) = session.poll_output(NOW) {
        if let Output::Transmit(message) = output {
            said.push(Message::decode(message, &Limits::DEFAULT).unwrap());
        }
    }
    said
}

#[test]
fn a_hello_is_judged_and_nothing_changes() {
    for pattern in BOTH_PATTERNS {
        let mut session = Session::new(lasting(Role::Receiver, pattern, Mode::Bidirectional));
        let stats = session.stats();
        let fits = hello_of(7, Role::Sender, pattern, Mode::Bidirectional);
        assert_eq!(session.check_hello(fits), Ok(SessionId::from_bytes([7; 16])));
        let other_mode = hello_of(7, Role::Sender, pattern, Mode::Unidirectional);
        assert!(matches!(
            session.check_hello(other_mode),
            Err(SessionError::Mismatch(Mismatch::Mode { role: Role::Receiver, .. }))
        ));
        assert_eq!(
            session.check_hello(encoded(frame_message(0, None))),
            Err(PeerViolation::HelloMissing.into())
        );
        let nonsense = Multipart::from(bytes::Bytes::from_static(b"\xC1nonsense"));
        assert!(matches!(session.check_hello(nonsense), Err(SessionError::Violation(_))));
        assert_eq!((session.stats(), session.ending(), session.peer()), (stats, None, None));
        assert_eq!(said(&mut session), []);
    }
}

#[test]
fn a_vidgear_frame_is_a_hello_where_the_peer_tells_the_dialect() {
    let session = Session::new(netgear_proto::session::SessionConfig::new(Role::Receiver));
    let frame =
        vidgear::FrameMessage { mode: Mode::Bidirectional, frame: picture(0), data: Some(Value::Null) };
    let frame = vidgear::Message::Frame(frame).encode(&Limits::DEFAULT).unwrap();
    let received: Multipart = frame.into_parts().into_iter().map(netgear_proto::Part::into_bytes).collect();
    assert_eq!(session.check_hello(received), Ok(SessionId::ANONYMOUS));
}

/// A REQ tells each stranger its hello; the one that is let in hears it once, and the session goes on from there.
#[test]
fn whoever_was_greeted_is_let_in_with_its_first_message() {
    for (role, pattern) in [
        (Role::Sender, Pattern::ReqRep),
        (Role::Receiver, Pattern::ReqRep),
        (Role::Sender, Pattern::Pair),
        (Role::Receiver, Pattern::Pair),
    ] {
        let mut session = Session::new(lasting(role, pattern, Mode::Bidirectional));
        let is_req = (role, pattern) == (Role::Sender, Pattern::ReqRep);
        let told = is_req.then(|| Message::decode(session.hello(), &Limits::DEFAULT).unwrap());
        let first = hello_of(7, role.opposite(), pattern, Mode::Bidirectional);
        session.handle_greeted(NOW, first).unwrap();
        assert!(session.is_open(), "{role} {pattern}");
        assert_eq!(session.peer_id(), SessionId::from_bytes([7; 16]));
        let hellos: Vec<_> = told.into_iter().chain(said(&mut session)).collect();
        assert!(matches!(hellos[..], [Message::Hello(_)]), "{role} {pattern}: {hellos:?}");
        if role == Role::Sender {
            session.send(outgoing(0)).unwrap();
            assert!(matches!(said(&mut session)[..], [Message::Frame(_)]));
        }
    }
}

/// Both ends find out: this one is over, and has said its hello.
#[test]
fn a_first_message_that_never_fits_ends_a_session_that_never_had_a_peer() {
    for pattern in BOTH_PATTERNS {
        let mut session = Session::new(lasting(Role::Receiver, pattern, Mode::Bidirectional));
        let first = hello_of(7, Role::Sender, pattern, Mode::Unidirectional);
        assert!(matches!(session.handle_greeted(NOW, first.clone()), Err(SessionError::Mismatch(_))));
        assert_eq!(session.ending(), Some(Ending::Failed));
        assert!(matches!(said(&mut session)[..], [Message::Hello(_)]));

        // Once there was one that fitted, it is a stranger.
        let mut session = Session::new(lasting(Role::Receiver, pattern, Mode::Bidirectional));
        session.handle_greeted(NOW, hello_of(1, Role::Sender, pattern, Mode::Bidirectional)).unwrap();
        said(&mut session);
        session.handle_disconnected().unwrap();
        assert!(session.handle_greeted(NOW, first).is_err());
        assert!(matches!(said(&mut session)[..], [Message::Hello(_)]));
        assert_eq!((session.ending(), session.is_connected()), (None, false));
    }
}

#[test]
fn what_an_aborted_session_had_to_say_is_undelivered() {
    let mut end = End::open(Role::Sender, Pattern::Pair, Mode::Bidirectional);
    end.session.send(Outgoing::new(picture(0), NOW).with_data("lost")).unwrap();
    end.session.abort();
    end.drain();
    assert_eq!(end.ended(), Some(Ending::LinkLost));
    assert_eq!(end.session.take_undelivered(), [Value::from("lost")]);
    end.session.abort();
    assert_eq!(end.session.ending(), Some(Ending::LinkLost), "once is enough");

    let mut closing = End::open(Role::Sender, Pattern::Pair, Mode::Bidirectional);
    closing.session.send(outgoing(0)).unwrap();
    closing.session.close(NOW);
    closing.session.abort();
    assert_eq!(closing.session.ending(), Some(Ending::Closed));
}
