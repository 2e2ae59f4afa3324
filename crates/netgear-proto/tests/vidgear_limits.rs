//! What a hostile message of VidGear's dialect makes its receiver allocate: never more than the limits, and a little.

mod common;

use bytes::Bytes;
use common::{
    counting_allocator::{CountingAllocator, measure},
    random::random,
};
use netgear_proto::{
    LimitExceeded, Limits, Multipart, Value,
    vidgear::{ArrayError, DecodeError, Message, MsgpackError},
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const DATA: usize = 256 << 10;
const FRAME: usize = 64 << 10;
/// What an error may take besides.
const SLACK: usize = 4 << 10;

const NIL: u8 = 0xc0;

/// Reads a message and holds what that allocated against the limits: data, and the elements of a big-endian array.
fn decode_counted(what: &str, message: Multipart, limits: &Limits) -> Result<Message, DecodeError> {
    let (decoded, usage) = measure(|| Message::decode(message, limits));
    let allowed = limits.data_bytes() + limits.frame_bytes() + SLACK;
    assert!(usage.peak <= allowed, "{what}: {} bytes were allocated", usage.peak);
    decoded
}

/// A return message with this data.
fn returned(data: impl AsRef<[u8]>) -> Multipart {
    Bytes::from([b"\x82\xabreturn_type\xa1x\xabreturn_data", data.as_ref()].concat()).into()
}

/// A frame of one pixel with this data.
fn framed(data: impl AsRef<[u8]>) -> Multipart {
    let header = [b"\x83\xa9terminate\xc2\xa7bi_mode\xc3\xa4data", data.as_ref()].concat();
    [Bytes::from(header), array_part(b"|u1", &[1, 1], 1)].into_iter().collect()
}

/// The first part of a message whose second is an array.
fn array_header() -> Bytes {
    Bytes::from_static(b"\x82\xabreturn_type\xa7ndarray\xabreturn_data\xc0")
}

/// An array of this type and shape, with so many bytes.
fn array(dtype: &[u8], sides: &[u64], length: usize) -> Multipart {
    [array_header(), array_part(dtype, sides, length)].into_iter().collect()
}

fn array_part(dtype: &[u8], sides: &[u64], length: usize) -> Bytes {
    let mut part = b"\x85\xc4\x02nd\xc3\xc4\x04type".to_vec();
    part.push(0xa0 | dtype.len() as u8);
    part.extend(dtype);
    part.extend(b"\xc4\x04kind\xc4\x00\xc4\x05shape");
    part.extend(head(0xdd, sides.len()));
    for side in sides {
        part.push(0xcf);
        part.extend(side.to_be_bytes());
    }
    part.extend(b"\xc4\x04data");
    part.extend(head(0xc6, length));
    part.extend(vec![1; length]);
    part.into()
}

/// The first byte of a text (0xdb), bytes (0xc6), a list (0xdd) or a map (0xdf), and its length or count.
fn head(kind: u8, count: usize) -> Vec<u8> {
    [&[kind][..], &(count as u32).to_be_bytes()].concat()
}

fn with_head(kind: u8, count: usize, rest: impl AsRef<[u8]>) -> Vec<u8> {
    [&head(kind, count)[..], rest.as_ref()].concat()
}

fn is_over(decoded: &Result<Message, DecodeError>, limit: LimitExceeded) -> bool {
    match decoded {
        Err(DecodeError::Header(MsgpackError::Limit { source, .. })) => *source == limit,
        Err(DecodeError::Array(ArrayError::Limit(source))) => *source == limit,
        Err(DecodeError::Array(ArrayError::Msgpack(MsgpackError::Limit { source, .. }))) => *source == limit,
        _ => false,
    }
}

#[test]
fn a_hostile_message_allocates_no_more_than_the_limits() {
    let limits = Limits::default().with_data_bytes(DATA).with_frame_bytes(FRAME);
    exactly_at_the_limit(&limits);
    claims_that_are_not_kept(&limits);
    arrays(&limits);
    much_in_little(&limits);
    keys_that_nobody_knows(&limits);
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
    for (off, outcome) in [(-1, true), (0, true), (1, false)] {
        let count = (most / 64).saturating_add_signed(off);
        let pairs = (most / 128).saturating_add_signed(off);
        let length = most.saturating_add_signed(off);
        // Each of a frame's two sides counts with 16 bytes.
        let beside_sides = length - 2 * 16;
        let elements = FRAME.saturating_add_signed(off);
        for (what, message, limit) in [
            ("nils", returned(with_head(0xdd, count, vec![NIL; count])), data),
            ("pairs of nil", returned(with_head(0xdf, pairs, vec![NIL; 2 * pairs])), data),
            ("a text", returned(with_head(0xdb, length, vec![b'x'; length])), data),
            ("bytes", returned(with_head(0xc6, length, vec![1; length])), data),
            ("sides of a frame", framed(with_head(0xdb, beside_sides, vec![b'x'; beside_sides])), data),
            ("an array", array(b"|u1", &[elements as u64], elements), frame),
        ] {
            let decoded = decode_counted(what, message, limits);
            assert_eq!(decoded.is_ok(), outcome, "{what} {off:+}: {decoded:?}");
            assert!(outcome || is_over(&decoded, limit), "{what} {off:+}: {decoded:?}");
        }
    }
    for (depth, outcome) in [(63, true), (64, true), (65, false)] {
        let decoded =
            decode_counted("nested lists", returned([&vec![0x91; depth][..], &[NIL]].concat()), limits);
        assert_eq!(decoded.is_ok(), outcome);
        assert!(outcome || is_over(&decoded, LimitExceeded::Depth { limit: 64 }));
    }
}

/// Lengths and counts that nothing stands behind, with little and with much after them.
fn claims_that_are_not_kept(limits: &Limits) {
    let claims = [1 << 20, 1 << 24, 1 << 31, u32::MAX as usize / 64 + 1, u32::MAX as usize];
    for claim in claims {
        for behind in [0, 1, 5000, DATA * 2] {
            for kind in [0xc6, 0xc9, 0xdb, 0xdd, 0xdf] {
                let data = with_head(kind, claim, vec![NIL; behind]);
                assert!(decode_counted("a claim", returned(data), limits).is_err());
            }
            // The map of the header itself.
            let header = Bytes::from(with_head(0xdf, claim, vec![NIL; behind]));
            assert!(decode_counted("a claim of keys", header.clone().into(), limits).is_err());
            let part = [array_header(), header].into_iter().collect();
            assert!(decode_counted("a claim of keys", part, limits).is_err());
        }
    }
}

/// Shapes beyond every memory, and arrays whose byte order has to be turned.
fn arrays(limits: &Limits) {
    for sides in [
        vec![u64::MAX],
        vec![1 << 62, 4],
        vec![u64::MAX, 0, 3],
        vec![1; 33],
        vec![1; 60_000],
        vec![1 << 33; 32],
    ] {
        for dtype in [&b"|u1"[..], b"<f8", b">c16"] {
            for length in [0, 1, FRAME] {
                drop(decode_counted("a huge array", array(dtype, &sides, length), limits));
            }
        }
    }
    let big_endian = array(b">u2", &[FRAME as u64 / 2], FRAME);
    assert!(decode_counted("a big-endian array", big_endian, limits).is_ok());
    let over = decode_counted("a larger one", array(b">u2", &[FRAME as u64 / 2 + 1], FRAME + 2), limits);
    assert!(is_over(&over, LimitExceeded::Frame { limit: FRAME }));
}

/// What costs few bytes on the wire and many in memory.
fn much_in_little(limits: &Limits) {
    let room = DATA * 4;
    for (what, unit) in [
        ("nils", &[NIL][..]),
        ("empty lists", &[0x90]),
        ("empty maps", &[0x80]),
        ("empty texts", &[0xa0]),
        ("short texts", &[0xa1, b'x']),
        ("short bytes", &[0xc4, 1, 1]),
        ("lists of a nil", &[0x91, NIL]),
        ("maps of nils", &[0x81, NIL, NIL]),
    ] {
        for count in [DATA / 64 / 2, DATA / 64 - 1, DATA / 64, room / unit.len()] {
            let data = with_head(0xdd, count, unit.repeat(count));
            let decoded = decode_counted(what, returned(data), limits);
            assert!(count < DATA / 64 || is_over(&decoded, LimitExceeded::Data { limit: DATA }), "{what}");
        }
    }
    // Each list takes what the one before left, down to nothing.
    let mut data = head(0xdd, 60);
    for count in (1..60).map(|index| DATA / 64 / (index + 1)) {
        data.extend(with_head(0xdd, count, vec![NIL; count]));
    }
    data.push(NIL);
    drop(decode_counted("lists of every size", returned(data), limits));
}

/// What is read only to be passed over costs as much as what is kept.
fn keys_that_nobody_knows(limits: &Limits) {
    let text = with_head(0xdb, DATA / 4, vec![b'x'; DATA / 4]);
    for pairs in [1, 4, 100, DATA / 128, DATA] {
        for (key, value) in [(&[NIL][..], &[NIL][..]), (&[0xa1, b'x'], &text[..]), (&text[..], &[0x90])] {
            if pairs > 100 && key.len() + value.len() > 100 {
                continue;
            }
            let map = with_head(0xdf, pairs, [key, value].concat().repeat(pairs));
            let header = Bytes::from(map);
            assert!(decode_counted("keys", header.clone().into(), limits).is_err());
            let part = [array_header(), header].into_iter().collect();
            assert!(decode_counted("keys of an array", part, limits).is_err());
        }
    }
}

/// Lists and maps in one another, each with a claim as large as the bytes behind it bear.
fn nested(limits: &Limits) {
    for limits in [*limits, limits.with_depth(Value::MAX_DEPTH)] {
        for (kind, each) in [(0xdd, 1), (0xdf, 2)] {
            for levels in [1, 2, 10, 127, 128, 129, 100_000] {
                for claim in [1, 2, 100, 4000, DATA / 64] {
                    let data = [head(kind, claim).repeat(levels), vec![NIL; claim * each]].concat();
                    drop(decode_counted("nested claims", returned(&data), &limits));
                    let key = [&[0x81], &data[..]].concat();
                    drop(decode_counted("nested keys", Bytes::from(key).into(), &limits));
                }
            }
        }
    }
}

/// More parts than the header speaks of.
fn many_parts(limits: &Limits) {
    for count in [1, 63, 10_000] {
        let surplus = vec![Bytes::from(vec![1; 64 << 10]); count];
        let message =
            returned([NIL; 1]).into_parts().into_iter().chain(surplus.iter().cloned().map(Into::into));
        drop(decode_counted("surplus parts", message.collect::<Vec<_>>().into(), limits));
        let terminate = Bytes::from_static(b"\x81\xa9terminate\xc3");
        let message = [terminate].into_iter().chain(surplus).collect();
        let decoded = decode_counted("surplus parts", message, limits);
        assert_eq!(decoded, Err(DecodeError::SurplusParts { surplus: count }));
    }
}

/// Bytes that look like values more often than chance would have it.
fn anything(limits: &Limits) {
    let mut random = random();
    for _ in 0..20_000 {
        let mut data = Vec::new();
        for _ in 0..random(40) {
            data.push(0xc0 | random(32) as u8);
            match random(4) {
                0 => data.extend((random(1 << 20) as u32).to_be_bytes()),
                1 => data.extend(vec![NIL; random(2000) as usize]),
                _ => data.push(random(256) as u8),
            }
        }
        drop(decode_counted("anything", returned(&data), limits));
        let part = [array_header(), data.into()].into_iter().collect();
        drop(decode_counted("any array", part, limits));
    }
}
