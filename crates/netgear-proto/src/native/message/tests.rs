extern crate std;

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use proptest::prelude::*;

use super::*;
use crate::{
    DType, ElementType, EncodedFrame, Frame, FrameError, LimitExceeded, NdArray, PixelFormat, Shape,
    budget::cost,
    native::{
        READY_PROPERTY, READY_VALUE, ValueDecodeError, ValueEncodeError,
        value::tests::{any_frame, any_value, same},
    },
    session::SessionConfig,
};

const LIMITS: Limits = Limits::DEFAULT;

/// One message and its parts in hex, where `07*1024` stands for a byte so many times. The wire never changes, so
/// neither may these. docs/wire.md has each of them under its name.
struct Golden {
    name: &'static str,
    message: Message,
    parts: &'static [&'static str],
}

/// 2 pixels beside each other.
fn bgr_frame() -> Frame {
    Frame::bgr8(2, 1, vec![1, 2, 3, 0xfd, 0xfe, 0xff]).unwrap()
}

/// A depth picture: 300 columns, so that one side takes 2 bytes.
fn depth_frame() -> Frame {
    let shape = Shape::new(1, 300, 1).unwrap();
    Frame::new(vec![9; 600], shape, ElementType::U16, PixelFormat::Gray).unwrap()
}

/// 1 row of 2 numbers: 1.5 and -2.
fn row() -> NdArray {
    let elements: Vec<u8> = [1.5_f64, -2.0].into_iter().flat_map(f64::to_le_bytes).collect();
    NdArray::new(elements, &[1, 2], DType::F64).unwrap()
}

fn item(number: u64, value: Option<Value>) -> Option<Item> {
    value.map(|value| Item { number, value })
}

/// As bytes of a JPEG: its beginning and its end alone, since nobody decodes it here.
fn jpeg_frame() -> EncodedFrame {
    EncodedFrame::of(&bgr_frame(), vec![0xff, 0xd8, 0xff, 0xd9], Encoding::Jpeg).unwrap()
}

fn frame_message(sequence: u64, frame: impl Into<WireFrame>, data: Option<Value>) -> Message {
    let captured_at = Timestamp::from_micros(1_700_000_000_000_000);
    let message = FrameMessage::new(sequence, captured_at, frame);
    let sent_at = Timestamp::from_micros(1_700_000_000_000_004);
    Message::Frame(FrameMessage { sent_at, item: item(0, data), ..message })
}

fn answer(sequence: u64, data: Option<Value>) -> Message {
    let next_item = u64::from(data.is_some());
    Message::Answer(Answer { next_item, item: item(0, data), ..Answer::new(sequence) })
}

fn golden() -> Vec<Golden> {
    let id = SessionId::from_bytes(core::array::from_fn(|at| at as u8));
    let acknowledgement = Acknowledgement { received: 7, taken: 5 };
    let room = Room { frames: 2, frame_bytes: 128 << 20, items: 128, item_bytes: 301_989_888 };
    let first = Hello { id, room, ..Hello::new(Role::Sender, Pattern::Pair, Mode::Bidirectional) };
    let resume = Resume { peer: id, data: acknowledgement, next_frame: 300, next_answer: 299 };
    let again = Hello::new(Role::Receiver, Pattern::ReqRep, Mode::Unidirectional);
    let room = Room { frames: 1, ..room };
    let again = Hello {
        id: SessionId::from_bytes([0xee; 16]),
        room,
        first_item: 3,
        next_item: 200,
        resume: Some(resume),
        ..again
    };
    let decodes = Encodings::RAW.with(Encoding::Jpeg).with(Encoding::Lossless);
    let decoding = Hello::new(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
    let decoding = Hello {
        id: SessionId::from_bytes([0xee; 16]),
        room: Room { frames: 2, ..room },
        encodings: decodes,
        ..decoding
    };
    let timed = Message::Frame(FrameMessage {
        sequence: 300,
        captured_at: Timestamp::from_micros(1_700_000_000_000_000),
        sent_at: Timestamp::from_micros(1_700_000_000_000_004),
        clock: Some(ClockOffset { micros: -150, uncertainty_micros: 40 }),
        acknowledgement,
        frame: bgr_frame().into(),
        item: item(12, Some(Value::from([("speed", 12)]))),
    });
    let timed_answer = Message::Answer(Answer {
        sequence: 0,
        arrived_at: Timestamp::from_micros(1_700_000_000_000_000),
        sent_at: Timestamp::from_micros(1_700_000_000_000_004),
        acknowledgement,
        next_item: 200,
        item: None,
    });
    let every_kind = Value::List(vec![
        Value::Null,
        Value::Bool(false),
        Value::Bool(true),
        Value::Int(-1),
        Value::from(u64::MAX),
        Value::Float(1.5),
        Value::from("é!"),
        Value::Bytes(Bytes::from_static(&[0, 0xff])),
        Value::from([(5, "a")]),
    ]);
    let apart = Value::from([("mask", Value::from(vec![7; 1024])), ("depth", Value::from(depth_frame()))]);
    vec![
        Golden {
            name: "hello of a PAIR sender",
            message: Message::Hello(first),
            parts: &[
                "c1 00 01 00 00 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 02 80 80 80 40 80 01 80 80 80 90 01 00 00 00",
            ],
        },
        Golden {
            name: "hello of a unidirectional REQ/REP receiver that was there before",
            message: Message::Hello(again),
            parts: &[
                "c1 00 01 01 01 01 ee*16 01 80 80 80 40 80 01 80 80 80 90 01 03 c8 01 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 07 05 ac 02 ab 02",
            ],
        },
        Golden {
            name: "hello of a PAIR receiver that decodes JPEG and lossless frames",
            message: Message::Hello(decoding),
            parts: &["c1 00 01 01 00 00 ee*16 02 80 80 80 40 80 01 80 80 80 90 01 00 00 00 07"],
        },
        Golden {
            name: "frame without data",
            message: frame_message(0, bgr_frame(), None),
            parts: &[
                "c1 01 00 80 80 f9 c0 c1 c4 82 03 84 80 f9 c0 c1 c4 82 03 00 00 00 01 02 03 00 00 00 00",
                "01 02 03 fd fe ff",
            ],
        },
        Golden {
            name: "frame as JPEG",
            message: frame_message(0, jpeg_frame(), None),
            parts: &[
                "c1 01 00 80 80 f9 c0 c1 c4 82 03 84 80 f9 c0 c1 c4 82 03 00 00 00 01 02 03 00 00 01 00",
                "ff d8 ff d9",
            ],
        },
        Golden {
            name: "frame with data",
            message: timed,
            parts: &[
                "c1 01 ac 02 80 80 f9 c0 c1 c4 82 03 84 80 f9 c0 c1 c4 82 03 01 ab 02 28 07 05 01 02 03 00 00 00 01 0c 09 01 05 05 73 70 65 65 64 03 18",
                "01 02 03 fd fe ff",
            ],
        },
        Golden {
            name: "frame with parts in its data",
            message: frame_message(1, bgr_frame(), Some(apart)),
            parts: &[
                "c1 01 01 80 80 f9 c0 c1 c4 82 03 84 80 f9 c0 c1 c4 82 03 00 00 00 01 02 03 00 00 00 01 00 09 02 05 04 6d 61 73 6b 07 05 05 64 65 70 74 68 0a 01 ac 02 01 01 01 00",
                "01 02 03 fd fe ff",
                "07*1024",
                "09*600",
            ],
        },
        Golden {
            name: "answer without data",
            message: timed_answer,
            parts: &["c1 02 00 80 80 f9 c0 c1 c4 82 03 84 80 f9 c0 c1 c4 82 03 07 05 c8 01 00"],
        },
        Golden {
            name: "answer with data of every kind",
            message: answer(128, Some(every_kind)),
            parts: &[
                "c1 02 80 01 00 00 00 00 01 01 00 08 09 00 01 02 03 01 03 fe ff ff ff ff ff ff ff ff 03 04 00 00 00 00 00 00 f8 3f 05 03 c3 a9 21 06 02 00 ff 09 01 03 0a 05 01 61",
            ],
        },
        Golden {
            name: "answer with a frame",
            message: answer(1, Some(bgr_frame().into())),
            parts: &["c1 02 01 00 00 00 00 01 01 00 0a 01 02 03 00 00 00", "01 02 03 fd fe ff"],
        },
        Golden {
            name: "answer with an array",
            message: answer(2, Some(row().into())),
            parts: &[
                "c1 02 02 00 00 00 00 01 01 00 0b 0b 02 01 02",
                "00 00 00 00 00 00 f8 3f 00 00 00 00 00 00 00 c0",
            ],
        },
        Golden { name: "idle", message: Message::Idle(acknowledgement), parts: &["c1 03 07 05"] },
        Golden {
            name: "goodbye",
            message: Message::Goodbye(Goodbye { acknowledgement, next_frame: 300 }),
            parts: &["c1 04 07 05 ac 02"],
        },
        Golden {
            name: "data",
            message: Message::Data(DataMessage {
                acknowledgement,
                item: Item { number: 12, value: "late".into() },
            }),
            parts: &["c1 05 07 05 0c 05 04 6c 61 74 65"],
        },
    ]
}

fn bytes_of(hex: &str) -> Bytes {
    let byte = |digits: &str| u8::from_str_radix(digits, 16).unwrap();
    hex.split_whitespace()
        .flat_map(|word| match word.split_once('*') {
            Some((digits, count)) => vec![byte(digits); count.parse().unwrap()],
            None => vec![byte(word)],
        })
        .collect()
}

fn multipart_of(parts: &[&str]) -> Multipart {
    parts.iter().map(|part| bytes_of(part)).collect()
}

fn part_bytes(message: Multipart) -> Vec<Bytes> {
    message.into_parts().into_iter().map(Part::into_bytes).collect()
}

fn decode(message: Multipart) -> Result<Message, DecodeError> {
    Message::decode(message, &LIMITS)
}

fn same_message(a: &Message, b: &Message) -> bool {
    let same_data = |a: &Option<Item>, b: &Option<Item>| match (a, b) {
        (Some(a), Some(b)) => a.number == b.number && same(&a.value, &b.value),
        _ => a == b,
    };
    match (a, b) {
        (Message::Frame(a), Message::Frame(b)) => {
            let without = |message: &FrameMessage| FrameMessage { item: None, ..message.clone() };
            without(a) == without(b) && same_data(&a.item, &b.item)
        }
        (Message::Answer(a), Message::Answer(b)) => {
            let without = |answer: &Answer| Answer { item: None, ..answer.clone() };
            without(a) == without(b) && same_data(&a.item, &b.item)
        }
        (Message::Data(a), Message::Data(b)) => {
            a.acknowledgement == b.acknowledgement && same_data(&Some(a.item.clone()), &Some(b.item.clone()))
        }
        _ => a == b,
    }
}

#[test]
fn golden_bytes() {
    for Golden { name, message, parts } in golden() {
        let parts = multipart_of(parts);
        assert_eq!(message.clone().encode(&LIMITS).unwrap(), parts, "{name}");
        assert_eq!(decode(parts), Ok(message), "{name}");
    }
}

/// docs/wire.md, which is no part of the published crate.
fn docs_wire_md() -> Option<String> {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/wire.md");
    std::fs::read_to_string(page).ok()
}

/// The examples of the page are these bytes, all of them and no others.
#[test]
fn docs_wire_md_shows_the_golden_bytes() {
    let Some(page) = docs_wire_md() else { return };
    let mut examples: Vec<(String, Vec<Bytes>)> = Vec::new();
    for block in page.split("```").skip(1).step_by(2) {
        let Some(example) = block.strip_prefix("text\n# ") else { continue };
        let (name, lines) = example.split_once('\n').unwrap();
        let mut parts: Vec<String> = Vec::new();
        for line in lines.lines() {
            // What follows two spaces and a semicolon explains the bytes.
            let hex = line.split(';').next().unwrap();
            match hex.strip_prefix("part ") {
                Some(numbered) => {
                    let (number, hex) = numbered.split_once(':').unwrap();
                    assert_eq!(number.parse(), Ok(parts.len()), "{name}");
                    parts.push(hex.to_string());
                }
                None => parts.last_mut().unwrap().push_str(&format!(" {hex}")),
            }
        }
        examples.push((name.to_string(), parts.iter().map(|part| bytes_of(part)).collect()));
    }
    let golden: Vec<_> = golden()
        .into_iter()
        .map(|golden| (golden.name.to_string(), part_bytes(golden.message.encode(&LIMITS).unwrap())))
        .collect();
    assert_eq!(examples, golden);
}

#[test]
fn docs_wire_md_has_the_numbers_of_every_dtype() {
    let Some(page) = docs_wire_md() else { return };
    for (number, dtype) in (0_u8..).zip(DType::ALL) {
        assert_eq!(postcard::from_bytes(&[number]), Ok(dtype));
        let row = format!("| {number} | {dtype} | {} |", dtype.byte_len());
        assert!(page.contains(&row), "the page lacks {row}");
    }
    assert!(postcard::from_bytes::<DType>(&[DType::ALL.len() as u8]).is_err());
    let sides = format!("at most {} sides", NdArray::MAX_DIMENSIONS);
    assert!(page.contains(&sides), "the page lacks \"{sides}\"");
}

/// A row of a table that gives each variant of an enum under its number.
fn row_of<T: serde::de::DeserializeOwned>(name: &str, show: impl Fn(T) -> String) -> String {
    let variants: Vec<_> =
        (0..7_u8).map(|number| postcard::from_bytes(&[number]).map(&show).unwrap_or_default()).collect();
    format!("| `{name}` | {} |", variants.join(" | ")).replace("|  ", "| ")
}

#[test]
fn docs_wire_md_has_the_numbers_of_every_enum_and_the_defaults() {
    let Some(page) = docs_wire_md() else { return };
    let session = SessionConfig::new(Role::Sender);
    for row in [
        row_of("Role", |role: Role| role.to_string()),
        row_of("Pattern", |pattern: Pattern| pattern.to_string()),
        row_of("Mode", |mode: Mode| mode.to_string()),
        row_of("ElementType", |element: ElementType| element.to_string()),
        row_of("PixelFormat", |format: PixelFormat| format.to_string()),
        row_of("Encoding", |encoding: Encoding| format!("{encoding:?}").to_lowercase()),
        format!("| `{READY_PROPERTY}` | `{}` |", String::from_utf8_lossy(READY_VALUE)),
        format!("| pixels | {} MiB |", LIMITS.frame_bytes() >> 20),
        format!("| data | {} MiB |", LIMITS.data_bytes() >> 20),
        format!("| depth | {} |", LIMITS.depth()),
        format!("| parts | {} |", LIMITS.parts()),
        format!("| metadata | {} KiB |", LIMITS.metadata_bytes() >> 10),
        format!("from link up to its hello | {:?} |", session.greeting_timeout()),
        format!("waits before it sends idle | {:?} |", session.idle_interval()).replace("ms", " ms"),
        format!("its turn to say goodbye | {:?} |", session.linger()),
    ] {
        let row = row.replace("5s", "5 s").replace("1s", "1 s");
        assert!(page.contains(&row), "the page lacks {row}");
    }
}

#[test]
fn what_is_cut_short_is_an_error_at_every_byte() {
    for Golden { name, message, parts } in golden() {
        let whole = part_bytes(multipart_of(parts));
        // Without its encodings a hello is whole: as it was said before there were any.
        let of_hello = match &message {
            Message::Hello(hello) if hello.encodings != Encodings::RAW => 1,
            _ => 0,
        };
        for end in 0..whole[0].len() - of_hello {
            let mut cut = whole.clone();
            cut[0].truncate(end);
            let error = decode(cut.into()).unwrap_err();
            assert_eq!(error == DecodeError::Empty, end == 0, "{name} cut to {end}: {error}");
        }
        for count in 1..whole.len() {
            let error = decode(whole[..count].to_vec().into()).unwrap_err();
            assert!(
                matches!(
                    error,
                    DecodeError::MissingPart | DecodeError::Value(ValueDecodeError::MissingPart { .. })
                ),
                "{name} without part {count}: {error}"
            );
        }
    }
}

#[test]
fn pixels_are_as_many_as_the_header_says() {
    for found in [0, 5, 7] {
        let parts = multipart_of(&["c1 01 00 00 00 00 00 00 01 02 03 00 00 00 00", &"00 ".repeat(found)]);
        let error = decode(parts).unwrap_err();
        assert!(
            matches!(error, DecodeError::Frame(FrameError::Length { expected: 6, found: f, .. }) if f == found)
        );
    }
}

#[test]
fn a_frame_header_that_makes_no_frame_is_an_error() {
    for (header, why) in [
        ("c1 01 00 00 00 00 00 00 00 02 03 00 00 00 00", "an empty side"),
        ("c1 01 00 00 00 00 00 00 ff ff ff ff 0f ff ff ff ff 0f ff ff 03 06 05 00 00", "larger than memory"),
        ("c1 01 00 00 00 00 00 00 01 02 04 00 00 00 00", "BGR of 4 channels"),
    ] {
        let error = decode(multipart_of(&[header, "00*6"])).unwrap_err();
        assert!(matches!(error, DecodeError::Frame(_)), "{why}: {error}");
    }
    for header in [
        "c1 01 00 00 00 00 00 00 01 02 03 07 00 00 00",
        "c1 01 00 00 00 00 00 00 01 02 03 00 06 00 00",
        "c1 01 00 00 00 00 00 00 01 02 03 00 00 03 00",
        "c1 01 00 00 00 00 00 00 01 02 03 00 00 00 02",
        "c1 00 01 02 00 00",
        "c1 00 01 00 02 00",
        "c1 00 01 00 00 02",
        "c1 06",
        "c1",
    ] {
        assert_eq!(decode(multipart_of(&[header, "00*6"])), Err(DecodeError::Header), "{header}");
    }
}

#[test]
fn parts_that_the_header_does_not_speak_of_are_an_error() {
    for Golden { name, parts, .. } in golden() {
        for surplus in [1, 2, 1000] {
            let mut message = multipart_of(parts);
            for _ in 0..surplus {
                message.push(Bytes::new());
            }
            assert_eq!(decode(message), Err(DecodeError::SurplusParts { surplus }), "{name}");
        }
    }
}

/// What a VidGear peer sends begins with a MessagePack map, 0x80 to 0x8f, 0xde or 0xdf; and a string is never this
/// byte.
#[test]
fn every_other_first_byte_is_of_another_dialect() {
    for found in (0..=u8::MAX).filter(|byte| *byte != FIRST_BYTE) {
        for rest in [&b""[..], b"\x00\x01\x00\x00\x00"] {
            let part = Bytes::from([&[found], rest].concat());
            assert_eq!(decode(part.into()), Err(DecodeError::FirstByte { found }));
        }
    }
    assert_eq!(decode(Multipart::new()), Err(DecodeError::Empty));
    assert_eq!(decode(Bytes::new().into()), Err(DecodeError::Empty));
}

#[test]
fn any_byte_may_change_and_what_comes_is_a_message_or_an_error() {
    for Golden { name, parts, .. } in golden() {
        let whole = part_bytes(multipart_of(parts));
        for at in 0..whole[0].len() {
            for byte in 0..=u8::MAX {
                let mut changed = whole.clone();
                let mut header = changed[0].to_vec();
                header[at] = byte;
                changed[0] = header.into();
                // Longer ways to write a number are read, and written again the short way.
                let Ok(message) = decode(changed.into()) else { continue };
                let encoded = message.clone().encode(&LIMITS).unwrap();
                let again = decode(encoded).unwrap();
                assert!(same_message(&again, &message), "{name}, byte {at} is {byte:#04x}");
            }
        }
    }
}

#[test]
fn what_a_newer_peer_says_behind_is_left_unread() {
    for Golden { name, message, parts } in golden() {
        let mut longer = part_bytes(multipart_of(parts));
        // A newer peer says its encodings before anything else.
        let encodings: &[u8] = match &message {
            Message::Hello(hello) if hello.encodings == Encodings::RAW => b"\x01",
            _ => b"",
        };
        longer[0] = Bytes::from([&longer[0][..], encodings, b"\xff\xff\x00"].concat());
        assert_eq!(decode(longer.into()), Ok(message), "{name}");
    }
}

#[test]
fn encodings_that_this_version_does_not_know_are_as_good_as_not_there() {
    let hello = "c1 00 01 01 00 00 ee*16 02 80 80 80 40 80 01 80 80 80 90 01 00 00 00";
    let encodings = |behind: &str| match decode(multipart_of(&[&format!("{hello} {behind}")])) {
        Ok(Message::Hello(hello)) => Ok(hello.encodings),
        Ok(message) => panic!("{message:?}"),
        Err(error) => Err(error),
    };
    assert_eq!(encodings(""), Ok(Encodings::RAW));
    for (behind, expected) in [
        ("00", Encodings::RAW),
        ("01", Encodings::RAW),
        ("02", Encodings::RAW.with(Encoding::Jpeg)),
        ("05", Encodings::RAW.with(Encoding::Lossless)),
        ("f8 01", Encodings::RAW),
        ("ff ff ff ff ff ff ff ff ff 01", Encodings::ALL),
        ("83 00 12", Encodings::RAW.with(Encoding::Jpeg)),
    ] {
        assert_eq!(encodings(behind), Ok(expected), "{behind}");
    }
    for behind in ["80", "ff ff ff ff ff ff ff ff ff 02", "80 80 80 80 80 80 80 80 80 80 00"] {
        assert_eq!(encodings(behind), Err(DecodeError::Header), "{behind}");
    }
}

#[test]
fn an_encoded_frame_counts_for_what_it_decodes_to() {
    let limits = LIMITS.with_frame_bytes(5);
    let exceeded = LimitExceeded::Frame { limit: 5 };
    let message = frame_message(0, jpeg_frame(), None);
    assert_eq!(message.clone().encode(&limits), Err(EncodeError::Limit(exceeded)));
    let received = Message::decode(message.encode(&LIMITS).unwrap(), &limits);
    assert_eq!(received, Err(DecodeError::Limit(exceeded)), "4 bytes that claim 6");
    let longer = EncodedFrame::of(&bgr_frame(), vec![0; 7], Encoding::Lossless).unwrap();
    let received =
        Message::decode(frame_message(0, longer, None).encode(&LIMITS).unwrap(), &limits.with_frame_bytes(6));
    assert!(matches!(received, Err(DecodeError::Limit(_))), "6 that take 7");
    // One that claims all memory is refused before anybody decodes it.
    let huge = "c1 01 00 00 00 00 00 00 ff ff ff ff 0f ff ff ff ff 07 03 00 00 01 00";
    assert!(matches!(
        decode(multipart_of(&[huge, "00*6"])),
        Err(DecodeError::Limit(_) | DecodeError::Frame(_))
    ));
}

#[test]
fn an_encoded_frame_is_not_empty_and_none_comes_as_data() {
    let empty = decode(multipart_of(&["c1 01 00 00 00 00 00 00 01 02 03 00 00 01 00", ""]));
    let expected = EncodedFrameError::Empty { encoding: Encoding::Jpeg };
    assert_eq!(empty, Err(DecodeError::EncodedFrame(expected)));
    let data = decode(multipart_of(&["c1 02 01 00 00 00 00 01 01 00 0a 01 02 03 00 00 01", "01 02 03"]));
    assert!(matches!(
        data,
        Err(DecodeError::Value(ValueDecodeError::EncodedFrame { encoding: Encoding::Jpeg, .. }))
    ));
}

#[test]
fn the_header_and_the_frame_count_among_the_parts() {
    let limits = LIMITS.with_parts(4);
    let frames = |count| {
        let values = [Value::from(bgr_frame()), Value::from(row())].into_iter().cycle();
        Some(values.take(count).collect())
    };
    let most = frame_message(0, bgr_frame(), frames(2)).encode(&limits).unwrap();
    assert_eq!(most.len(), 4);
    let refused = frame_message(0, bgr_frame(), frames(3)).encode(&limits);
    let expected = ValueEncodeError::Parts { frames: 3, room: 2 };
    assert_eq!(refused, Err(EncodeError::Value(expected)));
    let answer = |count| answer(0, frames(count)).encode(&limits);
    assert_eq!(answer(3).unwrap().len(), 4);
    assert!(answer(4).is_err());
}

#[test]
fn the_frame_and_those_in_its_data_share_one_limit() {
    let limits = LIMITS.with_frame_bytes(12);
    let exceeded = LimitExceeded::Frame { limit: 12 };
    let message =
        |count: usize| frame_message(0, bgr_frame(), Some(Value::List(vec![bgr_frame().into(); count])));
    assert!(Message::decode(message(1).encode(&limits).unwrap(), &limits).is_ok());
    assert!(message(2).encode(&limits).is_err());
    let received = Message::decode(message(2).encode(&LIMITS).unwrap(), &limits);
    assert!(
        matches!(received, Err(DecodeError::Value(ValueDecodeError::Limit { source, .. })) if source == exceeded)
    );
    let alone = frame_message(0, Frame::gray8(13, 1, vec![0; 13]).unwrap(), None);
    assert_eq!(alone.clone().encode(&limits), Err(EncodeError::Limit(exceeded)));
    let received = Message::decode(alone.encode(&LIMITS).unwrap(), &limits);
    assert_eq!(received, Err(DecodeError::Limit(exceeded)));
}

#[test]
fn pixels_are_not_copied() {
    let frame = bgr_frame();
    let address = frame.pixels().as_ptr();
    let encoded = frame_message(0, frame, None).encode(&LIMITS).unwrap();
    assert_eq!(encoded.parts()[1].pieces()[1].as_ptr(), address);
    let Ok(Message::Frame(message)) = decode(encoded) else { panic!("not a frame") };
    assert_eq!(message.frame.bytes().as_ptr(), address);
    let frame = jpeg_frame();
    let address = frame.bytes().as_ptr();
    let encoded = frame_message(0, frame, None).encode(&LIMITS).unwrap();
    let Ok(Message::Frame(message)) = decode(encoded) else { panic!("not a frame") };
    assert_eq!(message.frame.bytes().as_ptr(), address);
}

fn any_wire_frame() -> impl Strategy<Value = WireFrame> {
    let encoded = prop::option::of((prop::bool::ANY, 1..300_usize));
    (any_frame(), encoded).prop_map(|(frame, encoded)| match encoded {
        None => frame.into(),
        Some((is_jpeg, length)) => {
            let encoding = if is_jpeg { Encoding::Jpeg } else { Encoding::Lossless };
            EncodedFrame::of(&frame, vec![7; length], encoding).unwrap().into()
        }
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    let role = prop_oneof![Just(Role::Sender), Just(Role::Receiver)];
    let pattern = prop_oneof![Just(Pattern::Pair), Just(Pattern::ReqRep)];
    let mode = prop_oneof![Just(Mode::Bidirectional), Just(Mode::Unidirectional)];
    let acknowledgement =
        || any::<(u64, u64)>().prop_map(|(received, taken)| Acknowledgement { received, taken });
    let item = || (any::<u64>(), any_value()).prop_map(|(number, value)| Item { number, value });
    let id = || any::<[u8; 16]>().prop_map(SessionId::from_bytes);
    let resume = (id(), acknowledgement(), any::<u64>(), any::<u64>())
        .prop_map(|(peer, data, next_frame, next_answer)| Resume { peer, data, next_frame, next_answer });
    let room = any::<(u16, u64, u32, u64)>().prop_map(|(frames, frame_bytes, items, item_bytes)| Room {
        frames,
        frame_bytes,
        items,
        item_bytes,
    });
    let clock = any::<(i64, u64)>()
        .prop_map(|(micros, uncertainty_micros)| ClockOffset { micros, uncertainty_micros });
    let items = any::<(u64, u64, u64)>();
    let hello = (any::<u16>(), role, pattern, mode, id(), room, items, prop::option::of(resume)).prop_map(
        |(version, role, pattern, mode, id, room, (first_item, next_item, bits), resume)| {
            let encodings = Encodings::from_bits(bits);
            Message::Hello(Hello {
                version,
                role,
                pattern,
                mode,
                id,
                room,
                first_item,
                next_item,
                resume,
                encodings,
            })
        },
    );
    let times = || {
        (any::<u64>(), any::<u64>()).prop_map(|(a, b)| (Timestamp::from_micros(a), Timestamp::from_micros(b)))
    };
    prop_oneof![
        2 => hello,
        4 => (any::<u64>(), times(), prop::option::of(clock), acknowledgement(), any_wire_frame(), prop::option::of(item()))
            .prop_map(|(sequence, (captured_at, sent_at), clock, acknowledgement, frame, item)| {
                Message::Frame(FrameMessage { sequence, captured_at, sent_at, clock, acknowledgement, frame, item })
            }),
        4 => (any::<u64>(), times(), acknowledgement(), prop::option::of(item())).prop_map(
            |(sequence, (arrived_at, sent_at), acknowledgement, item)| {
                let next_item = sequence;
                Message::Answer(Answer { sequence, arrived_at, sent_at, acknowledgement, next_item, item })
            }
        ),
        1 => acknowledgement().prop_map(Message::Idle),
        1 => (acknowledgement(), any::<u64>())
            .prop_map(|(acknowledgement, next_frame)| Message::Goodbye(Goodbye { acknowledgement, next_frame })),
        2 => (acknowledgement(), item())
            .prop_map(|(acknowledgement, item)| Message::Data(DataMessage { acknowledgement, item })),
    ]
}

proptest! {
    #[test]
    fn any_message_comes_back_to_the_bit(message in any_message()) {
        let encoded = message.clone().encode(&LIMITS.with_parts(usize::MAX)).unwrap();
        prop_assert_eq!(encoded.parts()[0].pieces()[1][0], FIRST_BYTE);
        let decoded = decode(encoded).unwrap();
        prop_assert!(same_message(&decoded, &message), "{decoded:?} and not {message:?}");
    }

    /// A link that holds whole messages against [`Limits::message_bytes`] lets each of them through: the 64 bytes
    /// that a value counts for cover its header, and 160 more that of the message.
    #[test]
    fn a_message_within_the_limits_takes_no_more_bytes_than_they_allow(message in any_message()) {
        let (data, pixels) = match &message {
            Message::Frame(FrameMessage { frame, item, .. }) => {
                let (data, pixels) = item.as_ref().map(|item| cost(&item.value)).unwrap_or_default();
                (data, pixels + frame.counted_bytes())
            }
            Message::Answer(Answer { item, .. }) => item.as_ref().map(|item| cost(&item.value)).unwrap_or_default(),
            Message::Data(DataMessage { item, .. }) => cost(&item.value),
            _ => (0, 0),
        };
        let limits = LIMITS.with_parts(usize::MAX).with_data_bytes(data).with_frame_bytes(pixels);
        let encoded = message.encode(&limits).unwrap();
        prop_assert!(encoded.byte_len() <= limits.message_bytes());
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(
        kind in 0..7_u8,
        header in prop::collection::vec(any::<u8>(), 0..60),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..4),
    ) {
        let first = Bytes::from([&[FIRST_BYTE, kind], &header[..]].concat());
        let message: Multipart = [first].into_iter().chain(parts.into_iter().map(Bytes::from)).collect();
        if let Ok(message) = decode(message) {
            let again = decode(message.clone().encode(&LIMITS).unwrap()).unwrap();
            prop_assert!(same_message(&again, &message));
        }
    }
}

#[test]
fn memory_is_used_again_once_a_message_is_gone() {
    let mut scratch = Scratch::default();
    let message = frame_message(7, bgr_frame(), Some(Value::from(7)));
    let expected = message.clone().encode(&LIMITS).unwrap();
    let mut addresses = Vec::new();
    for _ in 0..100 {
        let encoded = message.encode_with(&LIMITS, &mut scratch).unwrap();
        assert_eq!(encoded, expected);
        let mut parts = encoded.into_parts();
        assert_eq!(Message::take_from(&mut parts, &LIMITS).unwrap(), message);
        assert!(parts.is_empty());
        addresses.push(parts.as_ptr());
        scratch.give_back(parts);
    }
    assert!(addresses.iter().all(|address| *address == addresses[0]), "{addresses:?}");
}
