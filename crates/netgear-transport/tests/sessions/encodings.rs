//! Frames that are encoded on their way: who gets them so, what comes out, and that nobody is held up.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use netgear_transport::{
    BindError, Builder, ConnectError, Endpoint, FrameReceiver, FrameSender, RecvError, SendError,
    proto::{
        Dialect, ElementType, Encoding, EncodingChoice, Encodings, Frame, FrameDecodeError, Limits, Mode,
        Pattern, PixelFormat, Shape, Value, WireFrame,
    },
};
use tokio::time::sleep;

use crate::common::{
    PATTERNS, Transport,
    codec::{A_MOMENT, CHOICES, RunLengths, came_back},
    connected_with, frame_of, free_port, large, numbered, receiver, sender, within,
};

fn encoding_sender(
    pattern: Pattern,
    codec: &Arc<RunLengths>,
    choice: EncodingChoice,
) -> Builder<FrameSender> {
    sender(pattern).codec(Arc::clone(codec) as _).encoding(choice)
}

fn decoding_receiver(pattern: Pattern, codec: &Arc<RunLengths>) -> Builder<FrameReceiver> {
    receiver(pattern).codec(Arc::clone(codec) as _)
}

async fn connected(pattern: Pattern, choice: EncodingChoice) -> (FrameSender, FrameReceiver) {
    let codec = RunLengths::new();
    connected_with(encoding_sender(pattern, &codec, choice), decoding_receiver(pattern, &codec)).await
}

/// A picture with something to save, and its number.
fn striped(number: u64) -> Frame {
    let pixels = (0..64_u64).flat_map(|row| vec![(row * 3 + number) as u8; 192]).collect::<Vec<_>>();
    Frame::bgr8(64, 64, pixels).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_every_kind_cross_encoded_or_raw_with_data_both_ways() {
    const FRAMES: u64 = 42;
    for pattern in PATTERNS {
        for transport in [Transport::Tcp, Transport::Ipc] {
            for choice in CHOICES {
                let (to, from) = (RunLengths::new(), RunLengths::new());
                let receiver = decoding_receiver(pattern, &from).bind(transport.endpoint()).await.unwrap();
                let endpoint = receiver.endpoint().unwrap().clone();
                let sender = encoding_sender(pattern, &to, choice).connect(endpoint).await.unwrap();
                let picture = |number: u64| {
                    if number.is_multiple_of(2) { striped(number) } else { frame_of(number as usize) }
                };
                let receiving = tokio::spawn(async move {
                    for number in 0..FRAMES {
                        let delivery = receiver.recv().await.unwrap().unwrap();
                        assert_eq!(delivery.sequence, number);
                        assert!(delivery.frame == came_back(&picture(number), choice), "frame {number}");
                        assert_eq!(delivery.data, Some(Value::from(number)));
                        receiver.reply(number).unwrap();
                    }
                    assert_eq!(receiver.recv().await.unwrap(), None);
                    receiver.stats()
                });
                for number in 0..FRAMES {
                    within("send", sender.send(picture(number), Some(number.into()))).await.unwrap();
                    while sender.try_recv_data().is_some() {}
                }
                within("flush", sender.flush()).await.unwrap();
                let closed = within("close", sender.close()).await.unwrap();
                let received = within("receiving", receiving).await.unwrap();
                for stats in [closed.stats, received] {
                    assert!((FRAMES / 2..FRAMES).contains(&stats.frames_encoded), "{stats:?}");
                    assert!(stats.frame_bytes < stats.pixel_bytes, "{stats:?}");
                }
                assert_eq!(closed.stats.frames_delivered, FRAMES);
                assert_eq!((to.most_at_work(), from.most_at_work()), (1, 1), "one at a time");
            }
        }
    }
}

#[tokio::test]
async fn a_receiver_that_decodes_nothing_gets_raw_frames() {
    for pattern in PATTERNS {
        for choice in CHOICES {
            let codec = RunLengths::new();
            let sender = encoding_sender(pattern, &codec, choice);
            let (sender, receiver) = connected_with(sender, receiver(pattern)).await;
            assert_eq!(sender.peer().await.unwrap().encodings, Encodings::RAW);
            for number in 0..3 {
                within("send", sender.send(striped(number), None)).await.unwrap();
                let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
                assert_eq!(delivery.frame, striped(number));
            }
            assert_eq!((sender.stats().frames_encoded, codec.most_at_work()), (0, 0));
        }
    }
}

#[tokio::test]
async fn a_vidgear_peer_gets_raw_frames() {
    for pattern in PATTERNS {
        let codec = RunLengths::new();
        let sender = encoding_sender(pattern, &codec, EncodingChoice::JPEG).dialect(Dialect::VidGear);
        let receiver = decoding_receiver(pattern, &codec).dialect(Dialect::VidGear);
        let receiver = receiver.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let sender = sender.connect(receiver.endpoint().unwrap().clone()).await.unwrap();
        within("send", sender.send(striped(1), None)).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, striped(1));
        assert_eq!(codec.most_at_work(), 0);
    }
}

/// The first frame, too, is encoded as its receiver can have it, though the receiver comes late.
#[tokio::test]
async fn the_first_frame_waits_for_the_hello() {
    for pattern in PATTERNS {
        let codec = RunLengths::new();
        let endpoint: netgear_transport::Endpoint =
            format!("tcp://127.0.0.1:{}", free_port()).parse().unwrap();
        let sender = encoding_sender(pattern, &codec, EncodingChoice::Lossless);
        let sender = Arc::new(sender.connect(endpoint.clone()).await.unwrap());
        let sending = tokio::spawn({
            let sender = Arc::clone(&sender);
            async move { sender.send(striped(0), None).await }
        });
        sleep(A_MOMENT).await;
        assert_eq!(codec.most_at_work(), 0);
        let receiver = decoding_receiver(pattern, &codec).bind(endpoint).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, striped(0));
        within("send", sending).await.unwrap().unwrap();
        assert_eq!(receiver.stats().frames_encoded, 1);
    }
}

#[tokio::test]
async fn a_receiver_may_have_the_bytes_as_they_came() {
    for choice in CHOICES {
        let codec = RunLengths::new();
        let sender = encoding_sender(Pattern::Pair, &codec, choice);
        let receiver = receiver(Pattern::Pair).encodings(Encodings::ALL);
        let (sender, receiver) = connected_with(sender, receiver).await;
        let depth = Shape::new(2, 2, 1).unwrap();
        let depth = Frame::new(vec![0; 8], depth, ElementType::U16, PixelFormat::Gray).unwrap();
        within("send", sender.send(striped(0), Some("beside".into()))).await.unwrap();
        within("send", sender.send(depth.clone(), None)).await.unwrap();
        let delivery = within("recv", receiver.recv_undecoded()).await.unwrap().unwrap();
        let WireFrame::Encoded(encoded) = &delivery.frame else { panic!("{delivery:?}") };
        assert_eq!(encoded.encoding(), choice.encoding());
        assert!(encoded.promises(&striped(0)));
        assert_eq!(delivery.data, Some("beside".into()));
        receiver.reply("seen").unwrap();
        let delivery = within("recv", receiver.recv_undecoded()).await.unwrap().unwrap();
        assert_eq!(delivery.frame, WireFrame::Raw(depth));
        assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some("seen".into()));
        // And what it has no codec for it does not get as a frame.
        within("send", sender.send(striped(2), Some("kept".into()))).await.unwrap();
        let error = within("recv", receiver.recv()).await.unwrap_err();
        let RecvError::Undecodable { delivery, error } = error else { panic!("{error}") };
        assert!(matches!(error, FrameDecodeError::UnsupportedEncoding { .. }));
        assert_eq!((delivery.sequence, delivery.data), (2, Some("kept".into())));
    }
}

#[tokio::test]
async fn a_frame_that_cannot_be_decoded_is_an_error_and_the_next_is_had() {
    const FRAMES: u64 = 12;
    for pattern in PATTERNS {
        for as_stream in [false, true] {
            let sender = encoding_sender(pattern, &RunLengths::lying(3), EncodingChoice::Lossless);
            let (sender, mut receiver) =
                connected_with(sender, decoding_receiver(pattern, &RunLengths::new())).await;
            let receiving = tokio::spawn(async move {
                for number in 0..FRAMES {
                    let received = if as_stream {
                        receiver.next().await.unwrap().map(Some)
                    } else {
                        receiver.recv().await
                    };
                    let data = match received {
                        Err(RecvError::Undecodable { delivery, error }) => {
                            assert!(matches!(error, FrameDecodeError::Malformed { .. }), "{error}");
                            assert_eq!((number % 3, delivery.sequence), (0, number));
                            delivery.data
                        }
                        received => {
                            let delivery = received.unwrap().unwrap();
                            assert_eq!((delivery.sequence, &delivery.frame), (number, &striped(number)));
                            assert_ne!(number % 3, 0);
                            delivery.data
                        }
                    };
                    assert_eq!(data, Some(number.into()));
                    receiver.reply(number).unwrap();
                }
                receiver
            });
            for number in 0..FRAMES {
                within("send", sender.send(striped(number), Some(number.into()))).await.unwrap();
                assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some(number.into()));
            }
            let receiver = within("receiving", receiving).await.unwrap();
            assert_eq!(receiver.stats().frames_undecodable, FRAMES / 3);
        }
    }
}

#[tokio::test]
async fn a_codec_that_panics_costs_its_frame_and_no_more() {
    let (panicking, sound) = (RunLengths::panicking(), RunLengths::new());
    let decoding = decoding_receiver(Pattern::Pair, &panicking);
    let (sender, receiver) =
        connected_with(encoding_sender(Pattern::Pair, &sound, EncodingChoice::Lossless), decoding).await;
    for number in 0..2 {
        within("send", sender.send(striped(number), None)).await.unwrap();
        let error = within("recv", receiver.recv()).await.unwrap_err();
        assert!(matches!(error, RecvError::Undecodable { error: FrameDecodeError::Failed { .. }, .. }));
    }
    let encoding = encoding_sender(Pattern::Pair, &panicking, EncodingChoice::Lossless);
    let (sender, receiver) = connected_with(encoding, decoding_receiver(Pattern::Pair, &sound)).await;
    for number in 0..2 {
        within("send", sender.send(striped(number), None)).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, striped(number));
    }
    assert_eq!(sender.stats().frames_encoded, 0, "they went raw");
}

/// While a frame is being decoded the session goes on, a call may be given up, and a later one has the frame.
#[tokio::test]
async fn a_long_decoding_holds_up_nobody() {
    for pattern in PATTERNS {
        let slow = RunLengths::new();
        let sender = encoding_sender(pattern, &RunLengths::new(), EncodingChoice::Lossless);
        let receiver = decoding_receiver(pattern, &slow);
        let (sender, receiver) = connected_with(sender, receiver).await;
        slow.shut();
        within("send", sender.send(striped(0), Some("with it".into()))).await.unwrap();
        for _ in 0..5 {
            let given_up = tokio::time::timeout(Duration::from_millis(20), receiver.recv()).await;
            assert!(given_up.is_err(), "{given_up:?}");
        }
        assert_eq!(slow.at_work(), 1, "and it is not begun anew");
        assert_eq!(receiver.try_recv_data(), None, "its data stays with it");
        assert!(receiver.reply("to nothing").is_err());
        assert_eq!(receiver.stats().frames_waiting, 1);
        let opening = async {
            sleep(A_MOMENT).await;
            slow.open();
        };
        let (received, ()) = within("recv", async { tokio::join!(receiver.recv(), opening) }).await;
        let delivery = received.unwrap().unwrap();
        assert_eq!((delivery.frame, delivery.data), (striped(0), Some("with it".into())));
        receiver.reply("to it").unwrap();
        assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some("to it".into()));
    }
}

/// A codec that does not come back is told of in time, as what it is and not as a sender that is silent, and the
/// frame is not lost.
#[tokio::test]
async fn a_decoder_that_is_stuck_is_an_error_and_the_frame_stays() {
    for pattern in PATTERNS {
        let stuck = RunLengths::new();
        let sender = encoding_sender(pattern, &RunLengths::new(), EncodingChoice::Lossless);
        let receiver = decoding_receiver(pattern, &stuck).timeout(A_MOMENT);
        let (sender, mut receiver) = connected_with(sender, receiver).await;
        stuck.shut();
        within("send", sender.send(striped(0), Some("with it".into()))).await.unwrap();
        within("the frame", async {
            while receiver.stats().frames_waiting == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        for as_stream in [false, true, true, false] {
            let received = if as_stream {
                within("next", receiver.next()).await.expect("it is not the last").map(Some)
            } else {
                within("recv", receiver.recv()).await
            };
            assert!(matches!(received, Err(RecvError::DecodingTimeout(A_MOMENT))), "{received:?}");
        }
        let delivery = within("recv", receiver.recv_undecoded()).await.unwrap().unwrap();
        assert!(matches!(&delivery.frame, WireFrame::Encoded(_)), "{delivery:?}");
        assert_eq!((delivery.sequence, delivery.data), (0, Some("with it".into())));
        receiver.reply("seen").unwrap();
        assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some("seen".into()));
        // Raw frames need no codec.
        within("send", sender.send(frame_of(1), None)).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, frame_of(1));
        stuck.open();
        within("send", sender.send(striped(2), None)).await.unwrap();
        let received = loop {
            match within("recv", receiver.recv()).await {
                Err(RecvError::DecodingTimeout(_) | RecvError::Timeout(_)) => {}
                received => break received,
            }
        };
        assert_eq!(received.unwrap().unwrap().frame, striped(2));
    }
}

#[tokio::test]
async fn an_encoder_that_is_stuck_is_an_error_and_the_frame_can_be_sent_again() {
    for pattern in PATTERNS {
        let stuck = RunLengths::new();
        let sender = encoding_sender(pattern, &stuck, EncodingChoice::Lossless).timeout(A_MOMENT);
        let (sender, receiver) = connected_with(sender, decoding_receiver(pattern, &RunLengths::new())).await;
        stuck.shut();
        let frame = striped(0);
        for frame in [&frame, &striped(1), &frame] {
            let refused = within("send", sender.send(frame.clone(), None)).await.unwrap_err();
            assert!(matches!(refused, SendError::EncodingTimeout(A_MOMENT)), "{refused}");
        }
        assert_eq!((stuck.at_work(), sender.stats().frames_offered), (1, 0), "none was sent");
        stuck.open();
        while let Err(error) = within("send", sender.send(frame.clone(), None)).await {
            assert!(matches!(error, SendError::EncodingTimeout(_)), "{error}");
        }
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, frame);
    }
}

/// While the application is at one frame the next is decoded, and that one alone; and none for an application that
/// takes them as they come.
#[tokio::test]
async fn the_next_frame_is_decoded_ahead_if_they_are_taken_decoded() {
    let codec = RunLengths::new();
    let sender = encoding_sender(Pattern::Pair, &RunLengths::new(), EncodingChoice::Lossless).window(4);
    let receiver = decoding_receiver(Pattern::Pair, &codec).window(4);
    let (sender, receiver) = connected_with(sender, receiver).await;
    let arrived = async |frames| {
        while receiver.stats().frames_received < frames {
            sleep(Duration::from_millis(1)).await;
        }
    };
    within("send", sender.send(striped(0), None)).await.unwrap();
    within("the frame", arrived(1)).await;
    sleep(A_MOMENT).await;
    assert_eq!(codec.done(), 0, "nobody has come for frames yet");
    assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, striped(0));
    for number in 1..4 {
        within("send", sender.send(striped(number), None)).await.unwrap();
    }
    within("the frames", arrived(4)).await;
    let decoding = async {
        while codec.done() < 2 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    within("decoding without recv", decoding).await;
    sleep(A_MOMENT).await;
    assert_eq!(codec.done(), 2, "one ahead");
    for number in 1..4 {
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, striped(number));
    }
    assert_eq!(codec.done(), 4, "none twice");
    within("send", sender.send(striped(4), None)).await.unwrap();
    assert!(within("recv", receiver.recv_undecoded()).await.unwrap().is_some());
    let before = codec.done();
    within("send", sender.send(striped(5), None)).await.unwrap();
    within("the frame", arrived(6)).await;
    sleep(A_MOMENT).await;
    assert_eq!(codec.done(), before, "they are taken as they come");
}

/// A refusal that needs no encoding comes before it.
#[tokio::test]
async fn what_is_refused_is_not_encoded_first() {
    let codec = RunLengths::new();
    let encoding = || encoding_sender(Pattern::Pair, &codec, EncodingChoice::Lossless);
    let nobody: Endpoint = format!("tcp://127.0.0.1:{}", free_port()).parse().unwrap();
    let sender = encoding().mode(Mode::Unidirectional).connect(nobody).await.unwrap();
    let refused = within("send", sender.send(striped(0), Some("data".into()))).await.unwrap_err();
    assert!(matches!(refused, SendError::Unidirectional), "without a peer: {refused}");

    let limits = Limits::DEFAULT.with_frame_bytes(12_000).with_data_bytes(2048);
    let (sender, receiver) =
        connected_with(encoding().limits(limits), decoding_receiver(Pattern::Pair, &RunLengths::new())).await;
    let too_much = Value::Bytes(vec![0; 4096].into());
    for (frame, data) in [(large(12_001), None), (striped(0), Some(too_much))] {
        let refused = within("send", sender.send(frame, data)).await.unwrap_err();
        assert!(matches!(refused, SendError::Encode(_)), "{refused}");
    }
    assert_eq!(codec.done(), 0);

    let refused = loop {
        match within("send", sender.send(numbered(0), None)).await {
            Ok(()) => {
                within("recv", receiver.recv()).await.unwrap().unwrap();
                receiver.reply("back").unwrap();
                within("flush", sender.flush()).await.unwrap();
            }
            Err(refused) => break refused,
        }
    };
    let SendError::ReturnedDataWaiting { outgoing, .. } = refused else { panic!("{refused}") };
    assert_eq!(outgoing.encoded, None);
    let before = codec.done();
    assert!(within("send", sender.send(striped(0), None)).await.is_err());
    assert_eq!(codec.done(), before);
}

/// What a receiver says that it decodes is what was set, before or behind its codec.
#[tokio::test]
async fn the_order_of_options_does_not_matter() {
    let only = Encodings::RAW.with(Encoding::Lossless);
    let codec = || RunLengths::new() as _;
    for (receiver, expected) in [
        (receiver(Pattern::Pair).codec(codec()), Encodings::ALL),
        (receiver(Pattern::Pair).codec(codec()).encodings(only), only),
        (receiver(Pattern::Pair).encodings(only).codec(codec()), only),
        (receiver(Pattern::Pair).encodings(only), only),
    ] {
        let (sender, _receiver) = connected_with(sender(Pattern::Pair), receiver).await;
        assert_eq!(sender.peer().await.unwrap().encodings, expected);
    }
}

/// Sending is given up again and again while its frame is being encoded: it is encoded once, and then sent.
#[tokio::test]
async fn a_long_encoding_is_not_begun_anew() {
    let slow = RunLengths::new();
    let sender = encoding_sender(Pattern::Pair, &slow, EncodingChoice::Lossless);
    let (sender, receiver) =
        connected_with(sender, decoding_receiver(Pattern::Pair, &RunLengths::new())).await;
    slow.shut();
    let frame = striped(5);
    for _ in 0..5 {
        let given_up =
            tokio::time::timeout(Duration::from_millis(20), sender.send(frame.clone(), None)).await;
        assert!(given_up.is_err(), "{given_up:?}");
    }
    assert_eq!((slow.at_work(), sender.stats().frames_offered), (1, 0), "none was sent");
    slow.open();
    within("send", sender.send(frame.clone(), None)).await.unwrap();
    // Another frame than was given up is encoded as itself.
    slow.shut();
    let _ = tokio::time::timeout(Duration::from_millis(20), sender.send(striped(6), None)).await;
    slow.open();
    within("send", sender.send(striped(7), None)).await.unwrap();
    for number in [5, 7] {
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, striped(number));
    }
    assert_eq!(slow.most_at_work(), 1);
}

/// With [`netgear_transport::proto::session::FramePolicy::Block`] all arrive, whoever the receiver is by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_receiver_gets_raw_what_it_does_not_decode() {
    for pattern in PATTERNS {
        let codec = RunLengths::new();
        let endpoint: netgear_transport::Endpoint =
            format!("tcp://127.0.0.1:{}", free_port()).parse().unwrap();
        let sender = encoding_sender(pattern, &codec, EncodingChoice::Lossless);
        let sender = sender.connect(endpoint.clone()).await.unwrap();
        let lives =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let first = lives
            .spawn({
                let (codec, endpoint) = (Arc::clone(&codec), endpoint.clone());
                async move {
                    loop {
                        match decoding_receiver(pattern, &codec).bind(endpoint.clone()).await {
                            Ok(receiver) => break receiver,
                            Err(_) => sleep(Duration::from_millis(5)).await,
                        }
                    }
                }
            })
            .await
            .unwrap();
        for number in 1..3 {
            within("send", sender.send(striped(number), Some(number.into()))).await.unwrap();
        }
        tokio::task::spawn_blocking(move || lives.shutdown_timeout(Duration::from_secs(3))).await.unwrap();
        drop(first);
        let second = async {
            loop {
                match receiver(pattern).bind(endpoint.clone()).await {
                    Ok(receiver) => break receiver,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let second = within("bind", second).await;
        for number in 1..3 {
            let delivery = within("recv", second.recv()).await.unwrap().unwrap();
            assert_eq!((delivery.sequence, delivery.frame), (number - 1, striped(number)));
            assert_eq!(delivery.data, Some(number.into()));
            second.reply(number).unwrap();
        }
        assert_eq!(second.stats().frames_encoded, 0);
        assert_eq!(sender.stats().frames_dropped.total(), 0);
    }
}

#[tokio::test]
async fn closing_gives_back_the_data_of_frames_that_nobody_decoded() {
    let (sender, receiver) = connected(Pattern::Pair, EncodingChoice::Lossless).await;
    within("send", sender.send(striped(0), Some("untaken".into()))).await.unwrap();
    within("the frame", async {
        while receiver.stats().frames_received == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let closed = within("close", receiver.close()).await.unwrap();
    assert_eq!(closed.untaken, [Value::from("untaken")]);
}

/// Frames that were to be encoded do not go raw because of a line that was forgotten.
#[tokio::test]
async fn an_encoding_without_a_codec_is_an_error() {
    for pattern in PATTERNS {
        let builder = || sender(pattern).encoding(EncodingChoice::JPEG);
        let refused = builder().bind(Transport::Tcp.endpoint()).await.unwrap_err();
        assert!(matches!(refused, BindError::NoCodec { encoding: Encoding::Jpeg }), "{refused}");
        let refused = builder().connect("tcp://127.0.0.1:5555".parse().unwrap()).await.unwrap_err();
        assert!(matches!(refused, ConnectError::NoCodec { encoding: Encoding::Jpeg }), "{refused}");
        sender(pattern).encoding(EncodingChoice::Raw).bind(Transport::Tcp.endpoint()).await.unwrap();
    }
}

/// What an application has encoded itself goes as it is, without a codec.
#[tokio::test]
async fn an_application_may_encode_its_frames_itself() {
    use netgear_transport::proto::{EncodedFrame, session::Outgoing};
    let receiver = receiver(Pattern::Pair).encodings(Encodings::RAW.with(Encoding::Jpeg));
    let (sender, receiver) = connected_with(sender(Pattern::Pair), receiver).await;
    let encoded = EncodedFrame::of(&numbered(1), vec![1, 2, 3], Encoding::Jpeg).unwrap();
    let outgoing = Outgoing::new(numbered(1), sender.now()).with_encoded(encoded.clone());
    within("send", sender.send_outgoing(outgoing)).await.unwrap();
    let delivery = within("recv", receiver.recv_undecoded()).await.unwrap().unwrap();
    assert_eq!(delivery.frame, WireFrame::Encoded(encoded.clone()));
    let other = Outgoing::new(striped(1), sender.now()).with_encoded(encoded);
    let refused = within("send", sender.send_outgoing(other)).await.unwrap_err();
    assert!(matches!(refused, netgear_transport::SendError::EncodedOtherwise { .. }), "{refused}");
}
