//! What a hostile message makes its receiver allocate: never more than the limit on data, and a little.

mod common;

use bytes::Bytes;
use common::{
    counting_allocator::{CountingAllocator, measure},
    random::random,
};
use netgear_proto::{
    LimitExceeded, Limits, Multipart, NdArrayError, Value,
    native::{DecodeError, Message, ValueDecodeError},
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const DATA: usize = 256 << 10;
const FRAME: usize = 64 << 10;
const SLACK: usize = 64 << 10;

const NULL: u8 = 0;
const STR: u8 = 5;
const BYTES: u8 = 6;
const APART: u8 = 7;
const LIST: u8 = 8;
const MAP: u8 = 9;
const FRAME_VALUE: u8 = 10;
const ARRAY: u8 = 11;

/// The number of the wire for elements of one byte.
const U8: u8 = 1;

/// Reads a message and holds what that allocated against the limit.
fn decode_counted(what: &str, message: Multipart, limits: &Limits) -> Result<Message, DecodeError> {
    let (decoded, usage) = measure(|| Message::decode(message, limits));
    assert!(usage.peak <= limits.data_bytes() + SLACK, "{what}: {} bytes were allocated", usage.peak);
    decoded
}

/// An answer with this data.
fn answer(data: &[u8], parts: Vec<Bytes>) -> Multipart {
    let first = Bytes::from([b"\xc1\x02\x00\x00\x00\x00\x00\x01\x01\x00", data].concat());
    std::iter::once(first).chain(parts).collect()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A tag, a length or count, and what follows it.
fn tagged(tag: u8, count: usize, rest: impl AsRef<[u8]>) -> Vec<u8> {
    [&[tag], &varint(count as u64)[..], rest.as_ref()].concat()
}

/// The header of a gray 8-bit frame of one row.
fn gray_row(width: usize) -> Vec<u8> {
    [&[FRAME_VALUE, 1], &varint(width as u64)[..], &[1, 0, 1, 0]].concat()
}

/// The header of an array of 8-bit elements.
fn array(sides: &[u64]) -> Vec<u8> {
    let sides_bytes: Vec<u8> = sides.iter().flat_map(|side| varint(*side)).collect();
    [&[ARRAY, U8], &varint(sides.len() as u64)[..], &sides_bytes].concat()
}

fn is_over(decoded: &Result<Message, DecodeError>, limit: LimitExceeded) -> bool {
    match decoded {
        Err(DecodeError::Limit(source)) => *source == limit,
        Err(DecodeError::Value(ValueDecodeError::Limit { source, .. })) => *source == limit,
        _ => false,
    }
}

#[test]
fn a_hostile_message_allocates_no_more_than_the_limit() {
    let limits = Limits::default().with_data_bytes(DATA).with_frame_bytes(FRAME);
    exactly_at_the_limit(&limits);
    claims_that_are_not_kept(&limits);
    much_in_little(&limits);
    nested(&limits);
    many_parts(&limits);
    anything(&limits);
}

/// One value more than allowed, one less, and just as many.
fn exactly_at_the_limit(limits: &Limits) {
    let data = LimitExceeded::Data { limit: DATA };
    let frame = LimitExceeded::Frame { limit: FRAME };
    // 64 bytes of the limit are for the value that holds the others.
    let most = DATA - 64;
    let parts = |length: usize| vec![Bytes::from(vec![1; length])];
    for (off, outcome) in [(-1, true), (0, true), (1, false)] {
        let count = (most / 64).saturating_add_signed(off);
        let pairs = (most / 128).saturating_add_signed(off);
        let length = most.saturating_add_signed(off);
        let width = FRAME.saturating_add_signed(off);
        // An array of 32 sides counts with 64 bytes, and 16 for each side.
        let arrays = (most / (64 + 32 * 16)).saturating_add_signed(off);
        let many_sided = tagged(LIST, arrays, array(&[1; 32]).repeat(arrays));
        for (what, message, limit) in [
            ("nulls", answer(&tagged(LIST, count, vec![NULL; count]), vec![]), data),
            ("pairs of null", answer(&tagged(MAP, pairs, vec![NULL; 2 * pairs]), vec![]), data),
            ("a text", answer(&tagged(STR, length, vec![b'x'; length]), vec![]), data),
            ("bytes", answer(&tagged(BYTES, length, vec![1; length]), vec![]), data),
            ("bytes apart", answer(&[APART], parts(length)), data),
            ("a frame", answer(&gray_row(width), parts(width)), frame),
            ("an array", answer(&array(&[1, width as u64]), parts(width)), frame),
            ("arrays of many sides", answer(&many_sided, vec![Bytes::from(vec![1]); arrays]), data),
        ] {
            let decoded = decode_counted(what, message, limits);
            assert_eq!(decoded.is_ok(), outcome, "{what} {off:+}: {decoded:?}");
            assert!(outcome || is_over(&decoded, limit), "{what} {off:+}: {decoded:?}");
        }
    }
    for (depth, outcome) in [(63, true), (64, true), (65, false)] {
        let data = [tagged(LIST, 1, []).repeat(depth), vec![NULL]].concat();
        let decoded = decode_counted("nested lists", answer(&data, vec![]), limits);
        assert_eq!(decoded.is_ok(), outcome);
        assert!(outcome || is_over(&decoded, LimitExceeded::Depth { limit: 64 }));
    }
}

/// Lengths and counts that nothing stands behind, with little and with much after them.
fn claims_that_are_not_kept(limits: &Limits) {
    for tag in [STR, BYTES, LIST, MAP] {
        for claim in [1 << 20, 1 << 31, 1 << 32, 1 << 58, u64::MAX / 64 + 1, u64::MAX / 2 + 1, u64::MAX] {
            for behind in [0, 1, 5000, DATA * 2] {
                let data = [&[tag], &varint(claim)[..], &vec![NULL; behind]].concat();
                assert!(decode_counted("a claim", answer(&data, vec![]), limits).is_err());
            }
        }
    }
    for side in [u32::MAX, 1 << 16] {
        let header = [&[FRAME_VALUE], &varint(side.into())[..], &varint(side.into()), &[4, 6, 5, 0]].concat();
        assert!(decode_counted("a huge frame", answer(&header, vec![Bytes::new()]), limits).is_err());
    }
    // One side beyond memory, a product beyond it, and one that is 0 in 64 bits.
    for sides in [&[u64::MAX][..], &[u64::MAX; 32], &[1 << 20; 4], &[1 << 32, 1 << 32], &[1 << 40, 3]] {
        for length in [0, 1, FRAME] {
            let message = answer(&array(sides), vec![Bytes::from(vec![1; length])]);
            assert!(decode_counted("a huge array", message, limits).is_err());
        }
    }
    for claim in [33, 1 << 20, 1 << 32, 1 << 60, u64::MAX] {
        for behind in [0, 1, 5000, DATA * 2] {
            let data = [&[ARRAY, U8], &varint(claim)[..], &vec![1; behind]].concat();
            let decoded =
                decode_counted("a claim of sides", answer(&data, vec![Bytes::from(vec![1])]), limits);
            let refused = matches!(
                decoded,
                Err(DecodeError::Value(ValueDecodeError::Array {
                    source: NdArrayError::Dimensions { found },
                    ..
                })) if found as u64 == claim
            );
            assert!(refused, "{claim} sides with {behind} behind: {decoded:?}");
        }
    }
}

/// What costs few bytes on the wire and many in memory.
fn much_in_little(limits: &Limits) {
    let room = DATA * 4;
    for (what, unit) in [
        ("empty lists", vec![LIST, 0]),
        ("empty maps", vec![MAP, 0]),
        ("empty texts", vec![STR, 0]),
        ("short texts", vec![STR, 1, b'x']),
        ("short bytes", vec![BYTES, 1, 1]),
        ("lists of a null", vec![LIST, 1, NULL]),
        ("maps of nulls", vec![MAP, 1, NULL, NULL]),
    ] {
        // As many as the limit allows, as one fewer than the bytes could hold, and half of each.
        for count in [DATA / 64 / 2, DATA / 64 - 1, DATA / 64, room / unit.len()] {
            let decoded =
                decode_counted(what, answer(&tagged(LIST, count, unit.repeat(count)), vec![]), limits);
            assert!(count < DATA / 64 || is_over(&decoded, LimitExceeded::Data { limit: DATA }), "{what}");
        }
    }
    // Each list takes what the one before left, down to nothing.
    let mut data = tagged(LIST, 60, []);
    for count in (1..60).map(|index| DATA / 64 / (index + 1)) {
        data.extend(tagged(LIST, count, vec![NULL; count]));
    }
    data.push(NULL);
    drop(decode_counted("lists of every size", answer(&data, vec![]), limits));
}

/// Lists and maps in one another, each with a claim as large as the bytes behind it bear.
fn nested(limits: &Limits) {
    for limits in [*limits, limits.with_depth(Value::MAX_DEPTH)] {
        for (tag, each) in [(LIST, 1), (MAP, 2)] {
            for levels in [1, 2, 10, 127, 128, 129, 100_000] {
                for claim in [1, 2, 100, 4000, DATA / 64] {
                    let data = [tagged(tag, claim, []).repeat(levels), vec![NULL; claim * each]].concat();
                    drop(decode_counted("nested claims", answer(&data, vec![]), &limits));
                }
            }
        }
    }
}

/// Parts of every number and size, spoken of and not.
fn many_parts(limits: &Limits) {
    for count in [1, 63, 64, 65, 10_000] {
        for length in [0, 1, 64 << 10] {
            let parts = vec![Bytes::from(vec![1; length]); count];
            let apart = tagged(LIST, count, vec![APART; count]);
            drop(decode_counted("bytes apart", answer(&apart, parts.clone()), limits));
            let frames = tagged(LIST, count, gray_row(length).repeat(count));
            drop(decode_counted("frames", answer(&frames, parts.clone()), limits));
            let arrays = tagged(LIST, count, array(&[length as u64]).repeat(count));
            drop(decode_counted("arrays", answer(&arrays, parts.clone()), limits));
            let surplus = decode_counted("surplus parts", answer(&[NULL], parts), limits);
            assert_eq!(surplus, Err(DecodeError::SurplusParts { surplus: count }));
        }
    }
}

/// Bytes that look like values more often than chance would have it.
fn anything(limits: &Limits) {
    let mut random = random();
    for _ in 0..20_000 {
        let mut data = Vec::new();
        for _ in 0..random(40) {
            data.push(random(13) as u8);
            match random(4) {
                0 => data.extend(varint(random(1 << 20))),
                1 => data.extend(vec![NULL; random(2000) as usize]),
                _ => data.push(random(6) as u8),
            }
        }
        let parts = (0..random(4)).map(|_| Bytes::from(vec![0; random(100) as usize])).collect();
        drop(decode_counted("anything", answer(&data, parts), limits));
    }
}
