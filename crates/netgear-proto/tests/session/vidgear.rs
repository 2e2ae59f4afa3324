//! A session with the Python original: what it says, and when, in its server's place and in its client's.

use std::time::Duration;

use netgear_proto::{
    Dialect, Mode, Multipart, Pattern, Role, Timestamp, Value, native,
    session::{
        Delivery, Ending, Event, Mismatch, Outgoing, Output, Peer, PeerViolation, SendError, Session,
        SessionConfig, SessionError,
    },
    vidgear::{FrameMessage, Message},
};

use crate::link::{BOTH_PATTERNS, frame_message, hello, outgoing, picture};

const BOTH_MODES: [Mode; 2] = [Mode::Bidirectional, Mode::Unidirectional];
const NOW: Timestamp = Timestamp::ZERO;

/// One end, and what it has said and seen since it was last asked.
struct End(Session);

impl End {
    /// An end that is connected to a VidGear peer, and knows it.
    fn connected(role: Role, pattern: Pattern, mode: Mode) -> Self {
        Self::greeting(config(role, pattern, mode).with_dialect(Dialect::VidGear))
    }

    fn greeting(config: SessionConfig) -> Self {
        let mut end = Self(Session::new(config));
        end.0.handle_connected(NOW);
        end
    }

    /// What it wants transmitted, and what happened.
    fn take(&mut self) -> (Vec<Message>, Vec<Event>) {
        let (messages, events) = self.take_raw();
        let limits = self.0.config().limits();
        (messages.into_iter().map(|message| Message::decode(message, limits).unwrap()).collect(), events)
    }

    fn take_raw(&mut self) -> (Vec<Multipart>, Vec<Event>) {
        let (mut messages, mut events) = (Vec::new(), Vec::new());
        while let Some(output) = self.0.poll_output(NOW) {
            match output {
                Output::Transmit(message) => messages.push(message),
                Output::Event(event) => events.push(event),
                other => panic!("{other:?}"),
            }
        }
        (messages, events)
    }

    fn said(&mut self) -> Vec<Message> {
        self.take().0
    }

    fn hear(&mut self, message: Message) -> Result<(), SessionError> {
        let message = message.encode(self.0.config().limits()).unwrap();
        self.0.handle_message(NOW, message)
    }

    fn send(&mut self, number: u64) {
        self.0.send(outgoing(number)).unwrap();
    }
}

fn config(role: Role, pattern: Pattern, mode: Mode) -> SessionConfig {
    SessionConfig::new(role).with_pattern(pattern).with_mode(mode)
}

fn frame(number: u64, mode: Mode) -> Message {
    Message::Frame(FrameMessage { mode, frame: picture(number), data: None })
}

/// The answer that a client of this mode gives to a frame when it has no data.
fn answer(mode: Mode) -> Message {
    match mode {
        Mode::Bidirectional => Message::Return(None),
        Mode::Unidirectional => Message::Acknowledgement,
    }
}

fn each(check: impl Fn(Pattern, Mode)) {
    for pattern in BOTH_PATTERNS {
        for mode in BOTH_MODES {
            check(pattern, mode);
        }
    }
}

#[test]
fn a_sender_can_send_as_soon_as_it_is_connected() {
    each(|pattern, mode| {
        let mut end = End::connected(Role::Sender, pattern, mode);
        let (said, events) = end.take();
        assert_eq!(said, []);
        let [Event::Connected(Peer { dialect, role, .. })] = events[..] else { panic!("{events:?}") };
        assert_eq!((dialect, role), (Dialect::VidGear, Role::Receiver));
        for number in 0..3 {
            assert!(end.0.can_send());
            end.send(number);
            assert_eq!(end.said(), [frame(number, mode)]);
            assert!(matches!(end.0.send(outgoing(9)), Err(SendError::Busy(_))), "in lock-step");
            end.hear(answer(mode)).unwrap();
            assert_eq!(end.take().1, [Event::Answered]);
        }
        assert_eq!(end.0.next_timeout(), None, "nothing idle is ever said");
    });
}

#[test]
fn a_receiver_says_nothing_before_the_first_frame() {
    each(|pattern, mode| {
        for dialect in [None, Some(Dialect::VidGear)] {
            let mut end = End::greeting(config(Role::Receiver, pattern, mode).with_dialect(dialect));
            assert_eq!(end.take(), (vec![], vec![]));
            assert_eq!(end.0.next_timeout(), None, "a server may take its time");
            for number in 0..3 {
                end.hear(frame(number, mode)).unwrap();
                let (said, events) = end.take();
                assert_eq!(said, []);
                match (number, &events[..]) {
                    (0, [Event::Connected(peer), Event::FrameArrived]) => {
                        assert_eq!((peer.dialect, peer.mode), (Dialect::VidGear, mode));
                    }
                    (_, [Event::FrameArrived]) if number > 0 => {}
                    _ => panic!("{events:?}"),
                }
                let Delivery { frame, sequence, captured_at, .. } = end.0.recv().unwrap();
                assert_eq!((frame, sequence, captured_at), (picture(number), number, None));
                if mode == Mode::Bidirectional {
                    end.0.reply(number + 1).unwrap();
                    assert_eq!(end.said(), [Message::Return(Some(Value::from(number + 1)))]);
                } else {
                    assert_eq!(end.said(), [Message::Acknowledgement]);
                }
            }
        }
    });
}

#[test]
fn data_goes_with_the_frame_and_comes_back_with_the_answer() {
    for pattern in BOTH_PATTERNS {
        let mut end = End::connected(Role::Sender, pattern, Mode::Bidirectional);
        end.0.send(outgoing(0).with_data("there")).unwrap();
        let Message::Frame(message) = end.said().remove(0) else { panic!("no frame") };
        assert_eq!(message.data, Some(Value::from("there")));
        end.hear(Message::Return(Some(Value::from(picture(7))))).unwrap();
        assert_eq!(end.0.recv_data(), Some(Value::from(picture(7))));
        end.send(1);
        end.take();
        end.hear(Message::Return(None)).unwrap();
        assert_eq!(end.0.recv_data(), None);
    }
}

/// The byte that a native message begins with is one that no map begins with.
#[test]
fn the_first_message_tells_a_receiver_which_dialect_its_peer_speaks() {
    each(|pattern, mode| {
        let config = config(Role::Receiver, pattern, mode);
        let limits = *config.limits();
        let mut end = End::greeting(config);
        let theirs = hello(Role::Sender, pattern, mode);
        end.0.handle_message(NOW, theirs.encode(&limits).unwrap()).unwrap();
        let (said, events) = end.take_raw();
        let [said] = &said[..] else { panic!("{said:?}") };
        let said = native::Message::decode(said.clone(), &limits).unwrap();
        assert_eq!(said, hello(Role::Receiver, pattern, mode));
        let [Event::Connected(peer)] = events[..] else { panic!("{events:?}") };
        assert_eq!(peer.dialect, Dialect::Native);
        end.0.handle_message(NOW, frame_message(0, None).encode(&limits).unwrap()).unwrap();
        assert_eq!(end.0.recv().unwrap().captured_at, Some(NOW));
    });
}

#[test]
fn a_dialect_that_was_forced_is_the_only_one_understood() {
    let native = frame_message(0, None).encode(SessionConfig::new(Role::Sender).limits()).unwrap();
    let mut end = End::connected(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
    let error = end.0.handle_message(NOW, native).unwrap_err();
    assert!(matches!(error, SessionError::Violation(PeerViolation::MalformedVidGear(_))), "{error}");

    let config = config(Role::Receiver, Pattern::Pair, Mode::Bidirectional).with_dialect(Dialect::Native);
    let error = End::greeting(config).hear(frame(0, Mode::Bidirectional)).unwrap_err();
    assert!(matches!(error, SessionError::Violation(PeerViolation::Malformed(_))), "{error}");
}

#[test]
fn one_end_bidirectional_and_the_other_not_is_found_by_the_first_message() {
    for pattern in BOTH_PATTERNS {
        for mode in BOTH_MODES {
            let mut receiver = End::connected(Role::Receiver, pattern, mode);
            let mismatch = Mismatch::Mode { role: Role::Receiver, ours: mode, theirs: mode.opposite() };
            assert_eq!(receiver.hear(frame(0, mode.opposite())), Err(mismatch.into()));
            assert_eq!(receiver.0.ending(), Some(Ending::Failed));
            assert!(!receiver.0.has_frame());

            let mut sender = End::connected(Role::Sender, pattern, mode);
            sender.send(0);
            sender.take();
            let mismatch = Mismatch::Mode { role: Role::Sender, ours: mode, theirs: mode.opposite() };
            assert_eq!(sender.hear(answer(mode.opposite())), Err(mismatch.into()));
        }
    }
}

/// VidGear's own client raises an error and is gone, which its server finds out by nothing but the silence.
#[test]
fn a_client_that_goes_at_the_first_frame_is_told_from_one_that_goes_later() {
    each(|pattern, mode| {
        let mut end = End::connected(Role::Sender, pattern, mode);
        end.send(0);
        end.take();
        assert!(end.0.awaits_first_answer());
        assert_eq!(end.0.handle_disconnected(), Err(SessionError::FirstFrameUnanswered { ours: mode }));
        assert_eq!(end.take().1, [Event::Over(Ending::LinkLost)]);

        let mut end = End::connected(Role::Sender, pattern, mode);
        end.send(0);
        end.take();
        end.hear(answer(mode)).unwrap();
        end.send(1);
        end.take();
        assert!(!end.0.awaits_first_answer());
        assert_eq!(end.0.handle_disconnected(), Ok(()));
        assert_eq!(end.take().1, [Event::Over(Ending::LinkLost)]);
    });
}

#[test]
fn a_sender_that_closes_terminates_and_waits_for_the_confirmation() {
    each(|pattern, mode| {
        for frames in 0..2 {
            let mut end = End::connected(Role::Sender, pattern, mode);
            for number in 0..frames {
                end.send(number);
            }
            end.take();
            end.0.close(NOW);
            if frames > 0 {
                assert_eq!(end.said(), [], "not before the answer");
                end.hear(answer(mode)).unwrap();
            }
            assert_eq!(end.said(), [Message::Terminate]);
            assert_eq!(end.0.ending(), None);
            end.hear(Message::Terminated).unwrap();
            assert_eq!(end.take(), (vec![], vec![Event::Over(Ending::Closed)]));
        }
    });
}

#[test]
fn a_confirmation_that_does_not_come_is_not_waited_for_without_end() {
    each(|pattern, mode| {
        let mut end = End::connected(Role::Sender, pattern, mode);
        end.0.close(NOW);
        assert_eq!(end.said(), [Message::Terminate]);
        let due = end.0.next_timeout().unwrap();
        assert_eq!(due, NOW + Duration::from_secs(16));
        end.0.handle_timeout(due).unwrap();
        assert_eq!(end.take(), (vec![], vec![Event::Over(Ending::Closed)]), "it is said once");

        // Or the client closes without a word.
        let mut end = End::connected(Role::Sender, pattern, mode);
        end.0.close(NOW);
        end.0.handle_disconnected().unwrap();
        assert_eq!(end.take().1.last(), Some(&Event::Over(Ending::Closed)));
    });
}

/// ZMQ_REQ_RELAXED lets the REQ of a REQ/REP say it without its turn.
#[test]
fn a_client_that_does_not_answer_is_told_all_the_same_that_the_sender_terminates() {
    each(|pattern, mode| {
        let mut end = End::connected(Role::Sender, pattern, mode);
        end.send(0);
        end.take();
        end.0.close(NOW);
        assert_eq!(end.take(), (vec![], vec![]));
        let due = end.0.next_timeout().unwrap();
        assert_eq!(due, NOW + Duration::from_secs(1));
        end.0.handle_timeout(due).unwrap();
        assert_eq!(end.take(), (vec![Message::Terminate], vec![]));
        end.hear(Message::Terminated).unwrap();
        assert_eq!(end.take(), (vec![], vec![Event::Over(Ending::Closed)]));
    });
}

#[test]
fn a_server_that_terminates_is_confirmed_to_whatever_waits_for_an_answer() {
    each(|pattern, mode| {
        // Before any frame.
        let mut end = End::connected(Role::Receiver, pattern, mode);
        end.hear(Message::Terminate).unwrap();
        assert_eq!(end.take(), (vec![Message::Terminated], vec![Event::Over(Ending::PeerLeft)]));

        // With a frame that was not taken yet, which is there all the same.
        let mut end = End::connected(Role::Receiver, pattern, mode);
        end.hear(frame(0, mode)).unwrap();
        end.take();
        end.hear(Message::Terminate).unwrap();
        assert_eq!(end.take(), (vec![Message::Terminated], vec![Event::Over(Ending::PeerLeft)]));
        assert_eq!(end.0.recv().unwrap().frame, picture(0));
        assert_eq!(end.0.recv(), None);
        assert_eq!(end.take(), (vec![], vec![]), "nobody waits for the answer to it");

        // With an answer that the link has not been given yet. A REP has one answer to give: that to the last
        // request.
        let mut end = End::connected(Role::Receiver, pattern, mode);
        end.hear(frame(0, mode)).unwrap();
        end.0.recv().unwrap();
        if mode == Mode::Bidirectional {
            end.0.reply("late").unwrap();
        }
        end.hear(Message::Terminate).unwrap();
        let said = end.said();
        match pattern {
            Pattern::Pair => assert_eq!((said.len(), said.last()), (2, Some(&Message::Terminated))),
            Pattern::ReqRep => assert_eq!(said, [Message::Terminated]),
        }
    });
}

/// A client has no word for its leaving. What its application has taken is answered; what it has not is not.
#[test]
fn a_receiver_that_closes_answers_what_was_taken_and_says_no_more() {
    each(|pattern, mode| {
        let mut end = End::connected(Role::Receiver, pattern, mode);
        end.0.close(NOW);
        assert_eq!(end.take(), (vec![], vec![Event::Over(Ending::Closed)]));

        let mut end = End::connected(Role::Receiver, pattern, mode);
        end.hear(frame(0, mode)).unwrap();
        end.0.recv().unwrap();
        end.0.close(NOW);
        let (said, events) = end.take();
        assert_eq!((said, events.last()), (vec![answer(mode)], Some(&Event::Over(Ending::Closed))));

        let mut end = End::connected(Role::Receiver, pattern, mode);
        end.hear(frame(0, mode)).unwrap();
        end.0.close(NOW);
        assert_eq!(end.said(), []);
    });
}

#[test]
fn what_breaks_the_rules_ends_the_session() {
    type Case = (Role, Mode, fn(&mut End), Message, fn(&PeerViolation) -> bool);
    let cases: [Case; 4] = [
        (
            Role::Sender,
            Mode::Bidirectional,
            |_| {},
            Message::Terminated,
            |found| matches!(found, PeerViolation::WrongRole { role: Role::Receiver, .. }),
        ),
        (
            Role::Sender,
            Mode::Bidirectional,
            |_| {},
            frame(0, Mode::Bidirectional),
            |found| matches!(found, PeerViolation::WrongRole { role: Role::Receiver, .. }),
        ),
        (
            Role::Receiver,
            Mode::Bidirectional,
            |_| {},
            Message::Return(None),
            |found| matches!(found, PeerViolation::WrongRole { role: Role::Sender, .. }),
        ),
        (
            Role::Receiver,
            Mode::Bidirectional,
            |end| end.hear(frame(0, Mode::Bidirectional)).unwrap(),
            frame(1, Mode::Bidirectional),
            |found| matches!(found, PeerViolation::FrameOutOfTurn { found: 1 }),
        ),
    ];
    for pattern in BOTH_PATTERNS {
        for (number, (role, mode, prepare, message, is_it)) in cases.iter().enumerate() {
            let mut end = End::connected(*role, pattern, *mode);
            prepare(&mut end);
            let error = end.hear(message.clone()).unwrap_err();
            let SessionError::Violation(violation) = &error else { panic!("case {number}: {error}") };
            assert!(is_it(violation), "case {number}: {error}");
            assert_eq!(end.0.ending(), Some(Ending::Failed));
        }
    }
}

#[test]
fn what_python_could_not_read_is_the_callers_error_and_the_session_goes_on() {
    for pattern in BOTH_PATTERNS {
        let mut end = End::connected(Role::Sender, pattern, Mode::Bidirectional);
        end.take();
        for data in [Value::from(picture(1)), Value::from([(1, 2)]), Value::from(i128::MAX)] {
            let refused = end.0.send(Outgoing { data: Some(data), ..outgoing(0) });
            assert!(matches!(refused, Err(SendError::Encode(_))), "{refused:?}");
        }
        assert_eq!(end.0.stats().frames_sent, 0);
        end.send(0);
        assert_eq!(end.said(), [frame(0, Mode::Bidirectional)]);
    }
}

/// A client whose server was killed before it could take the answer gives that to the next server.
#[test]
fn an_answer_before_the_first_frame_is_not_for_this_sender() {
    each(|pattern, mode| {
        for has_frame in [false, true] {
            let mut end = End::connected(Role::Sender, pattern, mode);
            end.take();
            if has_frame {
                end.send(0);
            }
            end.hear(answer(mode)).unwrap();
            assert_eq!(end.0.recv_data(), None);
            if !has_frame {
                end.send(0);
            }
            assert_eq!(end.said(), [frame(0, mode)]);
            end.hear(answer(mode)).unwrap();
            assert_eq!(end.take().1, [Event::Answered]);
        }
    });
}

/// Which answer is one too many cannot be told; one that comes when none is waited for is none.
#[test]
fn an_answer_too_many_spoils_neither_the_exchange_nor_its_end() {
    each(|pattern, mode| {
        let mut end = End::connected(Role::Sender, pattern, mode);
        for number in 0..2 {
            end.send(number);
            end.take();
            end.hear(answer(mode)).unwrap();
            end.hear(answer(mode)).unwrap();
            assert_eq!(end.take().1.last(), Some(&Event::Answered));
        }
        end.0.close(NOW);
        assert_eq!(end.said(), [Message::Terminate]);
        end.hear(answer(mode)).unwrap();
        end.hear(Message::Terminated).unwrap();
        assert_eq!(end.take().1.last(), Some(&Event::Over(Ending::Closed)));
    });
}

/// What is said to a frame whose server is gone is no answer to the next server's.
#[test]
fn the_answer_to_a_frame_of_a_former_connection_is_reported_and_not_said() {
    for pattern in BOTH_PATTERNS {
        let mode = Mode::Bidirectional;
        let config = config(Role::Receiver, pattern, mode).with_dialect(Dialect::VidGear);
        let mut end = End::greeting(config.with_reconnect(true));
        end.hear(frame(0, mode)).unwrap();
        end.0.handle_disconnected().unwrap();
        end.take();
        end.0.handle_connected(NOW);
        end.hear(frame(1, mode)).unwrap();
        assert_eq!(end.0.recv().unwrap().frame, picture(0));
        end.0.reply("to the former").unwrap();
        assert_eq!((end.said(), end.0.take_undelivered()), (vec![], vec!["to the former".into()]));
        assert_eq!(end.0.recv().unwrap().frame, picture(1));
        end.0.reply("to this one").unwrap();
        assert_eq!(end.said(), [Message::Return(Some("to this one".into()))]);
        end.hear(frame(2, mode)).unwrap();
    }
}
