//! A codec as small as one can be: runs of the same byte. As JPEG it also drops the lower half of each, so that what
//! comes back is near the picture, and not it.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use netgear_transport::{
    Builder, FrameReceiver, FrameSender,
    proto::{
        Codec, ElementType, EncodedFrame, Encoding, EncodingChoice, Encodings, Frame, FrameDecodeError,
        FrameEncodeError,
    },
};

use super::PATIENCE;

#[derive(Debug, Default)]
pub(crate) struct RunLengths {
    gate: Mutex<bool>,
    opened: Condvar,
    at_work: AtomicUsize,
    most_at_work: AtomicUsize,
    done: AtomicUsize,
    /// Every so many-th frame is encoded as something else; 0 for none.
    lies_every: usize,
    panics: bool,
}

impl RunLengths {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Of every so many frames one is encoded as what it is not.
    pub(crate) fn lying(lies_every: usize) -> Arc<Self> {
        Arc::new(Self { lies_every, ..Self::default() })
    }

    pub(crate) fn panicking() -> Arc<Self> {
        Arc::new(Self { panics: true, ..Self::default() })
    }

    /// From now on nothing comes to its end.
    pub(crate) fn shut(&self) {
        *self.gate.lock().unwrap() = true;
    }

    pub(crate) fn open(&self) {
        *self.gate.lock().unwrap() = false;
        self.opened.notify_all();
    }

    /// How many frames it was at together.
    pub(crate) fn most_at_work(&self) -> usize {
        self.most_at_work.load(Ordering::SeqCst)
    }

    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::SeqCst)
    }

    /// How many frames it has encoded and decoded.
    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    fn work<R>(&self, work: impl FnOnce(usize) -> R) -> R {
        let at_work = 1 + self.at_work.fetch_add(1, Ordering::SeqCst);
        self.most_at_work.fetch_max(at_work, Ordering::SeqCst);
        let gate = self.gate.lock().unwrap();
        let (gate, timeout) = self.opened.wait_timeout_while(gate, PATIENCE, |shut| *shut).unwrap();
        assert!(!timeout.timed_out(), "nobody opened the gate");
        drop(gate);
        let result = work(self.done.fetch_add(1, Ordering::SeqCst));
        self.at_work.fetch_sub(1, Ordering::SeqCst);
        assert!(!self.panics, "as the test wants it");
        result
    }
}

impl Codec for RunLengths {
    fn encodings(&self) -> Encodings {
        Encodings::ALL
    }

    fn encode(
        &self,
        frame: &Frame,
        choice: EncodingChoice,
    ) -> Result<Option<EncodedFrame>, FrameEncodeError> {
        self.work(|done| {
            let mask = match choice.encoding() {
                _ if frame.element_type() != ElementType::U8 => return Ok(None),
                Encoding::Jpeg => 0xF0,
                _ => 0xFF,
            };
            let mut bytes: Vec<u8> = Vec::new();
            for byte in frame.pixels().iter().map(|byte| byte & mask) {
                match bytes.as_chunks_mut().0.last_mut() {
                    Some([count, last]) if *last == byte && *count < u8::MAX => *count += 1,
                    _ => bytes.extend([1, byte]),
                }
            }
            if self.lies_every > 0 && done.is_multiple_of(self.lies_every) {
                bytes.truncate(1);
            }
            let small = bytes.len() < frame.pixels().len();
            Ok(small.then(|| EncodedFrame::of(frame, bytes, choice.encoding()).unwrap()))
        })
    }

    fn decode(&self, frame: &EncodedFrame) -> Result<Frame, FrameDecodeError> {
        self.work(|_| {
            let (runs, rest) = frame.bytes().as_chunks();
            let length: usize = runs.iter().map(|[count, _]| usize::from(*count)).sum();
            if !rest.is_empty() || length != frame.decoded_len() {
                let (encoding, reason) = (frame.encoding(), format!("{length} bytes and half a run"));
                return Err(FrameDecodeError::Malformed { encoding, reason });
            }
            let pixels: Vec<u8> =
                runs.iter().flat_map(|[count, byte]| vec![*byte; usize::from(*count)]).collect();
            Ok(Frame::new(pixels, frame.shape(), frame.element_type(), frame.pixel_format()).unwrap())
        })
    }
}

/// What a frame is like when it has been there and back: what is had by decoding the very bytes that were sent.
pub(crate) fn came_back(frame: &Frame, choice: EncodingChoice) -> Frame {
    if choice == EncodingChoice::Raw {
        return frame.clone();
    }
    let codec = RunLengths::new();
    match codec.encode(frame, choice).unwrap() {
        Some(encoded) => codec.decode(&encoded).unwrap(),
        None => frame.clone(),
    }
}

/// A sender that encodes so; as it was for raw frames.
pub(crate) fn encoding(sender: Builder<FrameSender>, choice: EncodingChoice) -> Builder<FrameSender> {
    match choice {
        EncodingChoice::Raw => sender,
        choice => sender.codec(RunLengths::new()).encoding(choice),
    }
}

/// A receiver that decodes that; as it was for raw frames.
pub(crate) fn decoding(receiver: Builder<FrameReceiver>, choice: EncodingChoice) -> Builder<FrameReceiver> {
    match choice {
        EncodingChoice::Raw => receiver,
        _ => receiver.codec(RunLengths::new()),
    }
}

/// A small frame that says which it is, also when it has been there and back, and is never quite the same then as
/// JPEG.
pub(crate) fn banded(number: u64) -> Frame {
    let nibbles = (0..16).map(|at| ((number >> (4 * at)) as u8) << 4 | 5);
    Frame::gray8(64, 1, nibbles.flat_map(|band| [band; 4]).collect::<Vec<_>>()).unwrap()
}

pub(crate) const RAW_AND_ENCODED: [EncodingChoice; 3] =
    [EncodingChoice::Raw, EncodingChoice::JPEG, EncodingChoice::Lossless];

pub(crate) const CHOICES: [EncodingChoice; 2] = [EncodingChoice::JPEG, EncodingChoice::Lossless];

/// Long enough that what was going to happen has happened, where nothing tells.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(100);
