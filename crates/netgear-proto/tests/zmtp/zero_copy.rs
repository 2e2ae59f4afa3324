//! A large part is never copied: not from the application to the socket, and not from the socket to the application.

use bytes::{Buf, BufMut, Bytes};
use netgear_proto::{
    BufferPool,
    zmtp::{Connection, ConnectionConfig, SocketType},
};

use crate::wire::{
    LONG, MORE, NOW, command, established, frame, header, message, multipart, next_message, take_transmit,
};

fn pair() -> Connection {
    established(ConnectionConfig::new(SocketType::Pair), "PAIR")
}

#[test]
fn a_long_body_is_received_where_it_stays() {
    let mut pair = pair();
    let mut pool = BufferPool::default();
    for len in [256, 257, 4096, 70_000, 1 << 20] {
        pair.handle_input(NOW, &header(LONG, len as u64), &mut pool).unwrap();
        let mut room = pair.receive_buffer();
        assert_eq!(room.remaining_mut(), len);
        let address = room.chunk_mut().as_mut_ptr().cast_const();
        // In two reads, the second right behind the first.
        room.put_bytes(1, 100);
        pair.handle_received(NOW, &mut pool).unwrap();
        let mut room = pair.receive_buffer();
        assert_eq!(room.remaining_mut(), len - 100);
        assert_eq!(room.chunk_mut().as_mut_ptr().cast_const(), address.wrapping_add(100));
        room.put_bytes(2, len - 100);
        pair.handle_received(NOW, &mut pool).unwrap();

        let parts = next_message(&mut pair).expect("a message");
        assert_eq!((parts[0].as_ptr(), parts[0].len()), (address, len));
        // Its memory serves the next of its size, once nobody holds it.
        if len >= 65536 {
            drop(parts);
            pair.handle_input(NOW, &header(LONG, len as u64), &mut pool).unwrap();
            assert_eq!(pair.receive_buffer().chunk_mut().as_mut_ptr().cast_const(), address);
            pair.receive_buffer().put_bytes(3, len);
            pair.handle_received(NOW, &mut pool).unwrap();
            assert_eq!(next_message(&mut pair).map(|parts| parts[0].as_ptr()), Some(address));
        }
    }
}

/// A socket that fills all the room it is given, from a stream that always has more, puts a long body into the memory
/// that becomes the part, but for a few bytes at its beginning that may come with its header.
#[test]
fn a_greedy_socket_reads_few_bytes_past_a_long_header() {
    let mut stream = Vec::new();
    for short in [0, 1, 5, 6, 7, 8, 9, 100, 254, 255] {
        for long in [256, 300, 5000, 100_000] {
            stream.extend(message(&[&vec![1; short], &vec![2; long], &vec![3; long / 2]]));
            stream.extend(message(&[&vec![4; long]]));
            stream.extend(message(&[&vec![5; short], b"", b"x"]));
            stream.extend(command(b"PING", b"\0\0"));
            stream.extend([frame(MORE, &vec![6; short]), frame(LONG, &vec![7; long])].concat());
        }
    }

    let mut pair = pair();
    let mut pool = BufferPool::default();
    // Where in the stream each read began, where it went, and how long it was.
    let mut reads: Vec<(usize, usize, usize)> = Vec::new();
    let mut long_parts = 0;
    let mut read = 0;
    let mut position = 0;
    while read < stream.len() {
        let mut room = pair.receive_buffer();
        let len = room.remaining_mut().min(stream.len() - read);
        assert!(len > 0 && room.chunk_mut().len() >= len, "the room is in one piece");
        reads.push((read, room.chunk_mut().as_mut_ptr().addr(), len));
        room.put_slice(&stream[read..read + len]);
        read += len;
        pair.handle_received(NOW, &mut pool).unwrap();

        while let Some(parts) = next_message(&mut pair) {
            for part in parts {
                // The part's place in the stream: behind the next header that has its length, past any command.
                while stream[position] & 4 != 0 {
                    position += 2 + usize::from(stream[position + 1]);
                }
                position += if stream[position] & LONG == 0 { 2 } else { 9 };
                assert_eq!(stream[position..position + part.len()], part);
                if part.len() > 255 {
                    long_parts += 1;
                    let overlapping = reads
                        .iter()
                        .filter(|(at, _, len)| *at < position + part.len() && position < at + len);
                    for &(at, address, len) in overlapping {
                        let stays = address.wrapping_sub(at) == part.as_ptr().addr().wrapping_sub(position);
                        // A short part with its header, and the nine bytes of a long one.
                        assert!(stays || (at < position && len <= 266), "{len} bytes from {at}");
                    }
                }
                position += part.len();
            }
            reads.retain(|(at, _, len)| at + len > position);
        }
    }
    // Half of 256 and half of 300 are no long parts.
    assert_eq!(long_parts, 10 * (4 * 4 - 2));
    assert_eq!(pair.handle_eof(), Ok(()));
}

/// Frames of one kind have headers of one length. After the first, their headers are read at once, and no byte
/// beyond.
#[test]
fn what_stands_before_a_long_body_is_read_at_once_if_it_is_as_long_as_the_last_time() {
    for short in [0, 1, 50, 200, 255] {
        let one = message(&[&vec![1; short], &vec![2; 5000], b"behind it"]);
        let lead = 2 + short + 9;
        let mut pair = pair();
        let mut pool = BufferPool::default();
        pair.handle_input(NOW, &one, &mut pool).unwrap();
        assert!(next_message(&mut pair).is_some());
        for _ in 0..3 {
            assert_eq!(pair.receive_buffer().remaining_mut(), lead);
            pair.receive_buffer().put_slice(&one[..lead]);
            pair.handle_received(NOW, &mut pool).unwrap();
            assert_eq!(pair.receive_buffer().remaining_mut(), 5000);
            pair.receive_buffer().put_slice(&one[lead..lead + 5000]);
            pair.handle_received(NOW, &mut pool).unwrap();
            pair.handle_input(NOW, &one[lead + 5000..], &mut pool).unwrap();
            assert!(next_message(&mut pair).is_some());
            // A heartbeat in between changes nothing.
            pair.handle_input(NOW, &command(b"PING", b"\0\0"), &mut pool).unwrap();
        }
        // Where the last message was short, so may the next be: all there is room for.
        pair.handle_input(NOW, &message(&[b"short"]), &mut pool).unwrap();
        assert_eq!(pair.receive_buffer().remaining_mut(), 266);
    }
}

#[test]
fn a_large_part_is_sent_from_where_it_stands() {
    let mut pair = pair();
    let large = [256, 4096, 1 << 20].map(|len| Bytes::from(vec![9; len]));
    pair.send([Bytes::from("small"), large[0].clone(), large[1].clone()].into_iter().collect()).unwrap();
    pair.send(multipart(&[b"between"])).unwrap();
    pair.send(large[2].clone().into()).unwrap();
    let slices = pair.transmit().slices().map(|slice| (slice.as_ptr(), slice.len())).collect::<Vec<_>>();
    for part in &large {
        assert!(slices.contains(&(part.as_ptr(), part.len())), "{}", part.len());
    }
    // Headers and small parts share what is between them.
    assert_eq!(slices.len(), 6);
    let sent: Vec<u8> = pair.transmit().slices().flatten().copied().collect();
    assert_eq!(pair.transmit().remaining(), sent.len());
    let expected =
        [message(&[b"small", &large[0], &large[1]]), message(&[b"between"]), message(&[&large[2]])];
    assert_eq!(sent, expected.concat());

    // Half of it taken, the rest still stands where it stood.
    let before = slices[0].1;
    pair.transmit().advance(before + 100);
    assert_eq!(pair.transmit().chunk().as_ptr(), large[0].as_ptr().wrapping_add(100));
    assert_eq!(take_transmit(&mut pair), sent[before + 100..]);
    assert!(large.iter().all(Bytes::is_unique), "nothing of what was sent is held");
}
