//! RFC 28, with scripted peers.

use bytes::Bytes;
use netgear_proto::zmtp::{Connection, Event, SendError, SocketType, Violation, ZmtpError};

use crate::wire::{config, established, events, input, message, multipart, next_message, take_transmit};

fn req(correlate: bool) -> Connection {
    established(config(SocketType::Req).with_correlation(correlate), "ROUTER")
}

fn rep() -> Connection {
    established(config(SocketType::Rep), "DEALER")
}

#[test]
fn a_rep_sends_back_everything_through_the_first_empty_part() {
    let envelopes: [&[&[u8]]; 5] = [
        &[b""],
        &[b"\0\0\0\x01", b""],
        &[b"router", b"\0\0\0\x01", b""],
        &[&[0xFF; 255], b"\0", b"\x01", b""],
        &[b"same", b"same", b""],
    ];
    for envelope in envelopes {
        let mut rep = rep();
        // An empty part behind the first is the application's.
        let request = [envelope, &[b"question", b""]].concat();
        input(&mut rep, &message(&request)).unwrap();
        assert_eq!(rep.poll_event(), Some(Event::Message(multipart(&[b"question", b""]))));
        rep.send(multipart(&[b"", b"answer"])).unwrap();
        assert_eq!(take_transmit(&mut rep), message(&[envelope, &[b"", b"answer"]].concat()));
    }
}

#[test]
fn a_rep_answers_each_request_once_and_not_before_it_was_taken() {
    let mut rep = rep();
    assert_eq!((rep.can_send(), rep.send(multipart(&[b"x"]))), (false, Err(SendError::OutOfTurn)));
    input(&mut rep, &message(&[b"", b"question"])).unwrap();
    assert_eq!((rep.can_send(), rep.send(multipart(&[b"x"]))), (false, Err(SendError::OutOfTurn)));
    assert_eq!(next_message(&mut rep), Some(vec![Bytes::from("question")]));
    assert!(rep.can_send());
    // What cannot be sent does not cost the turn.
    assert_eq!(rep.send(multipart(&[])), Err(SendError::Empty));
    rep.send(multipart(&[b"answer"])).unwrap();
    assert_eq!((rep.can_send(), rep.send(multipart(&[b"x"]))), (false, Err(SendError::OutOfTurn)));
    assert_eq!(take_transmit(&mut rep), message(&[b"", b"answer"]));
}

/// A relaxed REQ (ZMQ_REQ_RELAXED) asks again without waiting. An answer must never go out as that to another
/// question.
#[test]
fn a_second_request_supersedes_the_first() {
    // Neither taken yet: the first is gone.
    let mut rep = rep();
    input(&mut rep, &message(&[b"id 1", b"", b"question 1"])).unwrap();
    input(&mut rep, &message(&[b"id 2", b"", b"question 2"])).unwrap();
    assert_eq!(events(&mut rep), [Event::Message(multipart(&[b"question 2"]))]);
    rep.send(multipart(&[b"answer 2"])).unwrap();
    assert_eq!(take_transmit(&mut rep), message(&[b"id 2", b"", b"answer 2"]));
    assert!(!rep.can_send());

    // The first was taken: its answer goes out as such, and then the second is answered.
    input(&mut rep, &message(&[b"id 3", b"", b"question 3"])).unwrap();
    assert_eq!(events(&mut rep), [Event::Message(multipart(&[b"question 3"]))]);
    input(&mut rep, &message(&[b"id 4", b"", b"question 4"])).unwrap();
    rep.send(multipart(&[b"answer 3"])).unwrap();
    assert_eq!(take_transmit(&mut rep), message(&[b"id 3", b"", b"answer 3"]));
    assert!(!rep.can_send());
    assert_eq!(events(&mut rep), [Event::Message(multipart(&[b"question 4"]))]);
    rep.send(multipart(&[b"answer 4"])).unwrap();
    assert_eq!(take_transmit(&mut rep), message(&[b"id 4", b"", b"answer 4"]));

    // Both were taken: the answer is that to the second.
    for number in ["5", "6"] {
        let [id, question] = ["id", "question"].map(|word| format!("{word} {number}"));
        input(&mut rep, &message(&[id.as_bytes(), b"", question.as_bytes()])).unwrap();
        assert_eq!(events(&mut rep), [Event::Message(multipart(&[question.as_bytes()]))]);
    }
    rep.send(multipart(&[b"answer 6"])).unwrap();
    assert_eq!(take_transmit(&mut rep), message(&[b"id 6", b"", b"answer 6"]));
    assert!(!rep.can_send());
}

/// The news that the handshake is done is no request, and is not superseded by one.
#[test]
fn requests_with_the_handshake_leave_its_event_alone() {
    let mut rep = Connection::new(config(SocketType::Rep), crate::wire::NOW);
    let requests = [message(&[b"", b"1"]), message(&[b"", b"2"]), message(&[b"", b"3"])].concat();
    input(&mut rep, &[crate::wire::handshake("REQ"), requests].concat()).unwrap();
    assert_eq!(rep.poll_event(), Some(Event::Established));
    assert!(!rep.can_send());
    assert_eq!(events(&mut rep), [Event::Message(multipart(&[b"3"]))]);
    assert!(rep.can_send());
}

#[test]
fn a_req_waits_for_its_answer() {
    let mut req = req(false);
    assert!(req.can_send());
    req.send(multipart(&[b"question"])).unwrap();
    assert_eq!(take_transmit(&mut req), message(&[b"", b"question"]));
    assert_eq!((req.can_send(), req.send(multipart(&[b"x"]))), (false, Err(SendError::OutOfTurn)));
    assert_eq!(take_transmit(&mut req), b"");
    input(&mut req, &message(&[b"", b"answer", b""])).unwrap();
    assert_eq!(events(&mut req), [Event::Message(multipart(&[b"answer", b""]))]);
    assert!(req.can_send());
}

/// The message that comes is dropped, and whose turn it is stays.
#[track_caller]
fn drops(req: &mut Connection, parts: &[&[u8]]) {
    let turn = req.can_send();
    input(req, &message(parts)).expect("dropped, and no error");
    assert_eq!((events(req), req.can_send()), (vec![], turn), "{parts:?}");
}

#[test]
fn a_req_drops_what_is_not_the_answer_to_its_last_request() {
    let first: &[u8] = b"\0\0\0\x01";
    let second: &[u8] = b"\0\0\0\x02";
    for correlate in [false, true] {
        let mut req = req(correlate);
        let envelope = |id: &'static [u8]| if correlate { vec![id, b""] } else { vec![&b""[..]] };

        // None is outstanding.
        drops(&mut req, &[b"", b"unasked"]);
        drops(&mut req, &[first, b"", b"unasked"]);
        drops(&mut req, &[b"without an envelope"]);

        req.send(multipart(&[b"question"])).unwrap();
        assert_eq!(take_transmit(&mut req), message(&[envelope(first), vec![b"question"]].concat()));
        if !correlate {
            drops(&mut req, &[first, b"", b"an id"]);
            drops(&mut req, &[first, first, b"", b"two ids"]);
        }
        input(&mut req, &message(&[envelope(first), vec![b"answer"]].concat())).unwrap();
        assert_eq!(events(&mut req), [Event::Message(multipart(&[b"answer"]))]);

        // The same again: it has been answered.
        drops(&mut req, &[envelope(first), vec![b"again"]].concat());
        req.send(multipart(&[b"question 2"])).unwrap();
        take_transmit(&mut req);
        input(&mut req, &message(&[envelope(second), vec![b"answer 2"]].concat())).unwrap();
        assert_eq!(events(&mut req), [Event::Message(multipart(&[b"answer 2"]))]);
    }
}

/// Nobody who keeps the rules says this, and dropped it would be waited for without end.
#[test]
fn a_req_that_correlates_takes_no_answer_to_what_it_did_not_ask() {
    let answers: [&[&[u8]]; 7] = [
        &[b"\0\0\0\x03", b"", b"not asked yet"],
        &[b"\0\0\0\x01", b"", b"answered already"],
        &[b"\0\0\0\0", b"", b"no request had this id"],
        &[b"\x02", b"", b"short id"],
        &[b"\0\0\0\x02\0", b"", b"long id"],
        &[b"\0\0\0\x02", b"\0\0\0\x02", b"", b"two ids"],
        &[b"", b"no id"],
    ];
    for answer in answers {
        let mut req = req(true);
        req.send(multipart(&[b"question 1"])).unwrap();
        input(&mut req, &message(&[b"\0\0\0\x01", b"", b"answer 1"])).unwrap();
        req.send(multipart(&[b"question 2"])).unwrap();
        let error = input(&mut req, &message(answer)).unwrap_err();
        assert!(
            matches!(error, ZmtpError::Violation { violation: Violation::UnknownRequest, .. }),
            "{error}"
        );
    }
}

#[test]
fn nothing_is_sent_before_the_handshake_is_done() {
    for ours in [SocketType::Pair, SocketType::Req, SocketType::Rep] {
        let mut connection = Connection::new(config(ours), crate::wire::NOW);
        assert!(!connection.can_send());
        assert_eq!(connection.send(multipart(&[b"x"])), Err(SendError::NotEstablished));
    }
}

/// ZMQ_REQ_RELAXED: the answer to what it gave up on is no answer to what it asks now.
#[test]
fn a_relaxed_req_asks_again_without_an_answer() {
    let mut req = established(config(SocketType::Req).with_relaxed_requests(), "ROUTER");
    req.send(multipart(&[b"question 1"])).unwrap();
    assert!(req.can_send());
    req.send(multipart(&[b"question 2"])).unwrap();
    let questions =
        [message(&[b"\0\0\0\x01", b"", b"question 1"]), message(&[b"\0\0\0\x02", b"", b"question 2"])];
    assert_eq!(take_transmit(&mut req), questions.concat());
    drops(&mut req, &[b"\0\0\0\x01", b"", b"answer 1"]);
    input(&mut req, &message(&[b"\0\0\0\x02", b"", b"answer 2"])).unwrap();
    assert_eq!(events(&mut req), [Event::Message(multipart(&[b"answer 2"]))]);
}
