//! Our ends of an exchange: each says what the script has for it, and compares all that it receives.

use std::time::{Duration, Instant};

use netgear_proto::{Frame, Mode, Value, vidgear::is_falsy};
use netgear_transport::{FrameReceiver, FrameSender};

use super::content::{DataKind, FrameKind, canonical};
use crate::Result;

/// Returned data is made with other numbers than the data that goes out.
const RETURNED: usize = 1000;

/// What crosses in one exchange. Both ends know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) mode: Mode,
    pub(crate) frame: FrameKind,
    pub(crate) frames: usize,
    /// What goes with the frames, and what comes back for them.
    pub(crate) data: DataKind,
    pub(crate) returned: DataKind,
}

/// What crossed, as both ends count it, with CRC-32 checksums: over the pixels of all frames, over the canonical form
/// of all data as VidGear's user has it, and over that of all answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) frames: u64,
    pub(crate) pixels: u32,
    pub(crate) data: u32,
    pub(crate) answers: u32,
}

/// How an exchange went at our end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    /// From the first frame to the last.
    pub(crate) took: Duration,
}

impl Script {
    /// Sends every frame, and compares what comes back with what VidGear's receiver must have said: it answers before
    /// its user has seen the frame, so that what that one says comes with the answer to the next.
    pub(crate) async fn send(self, sender: FrameSender) -> Result<Done> {
        let mut tally = Tally::default();
        let mut started = None;
        for number in 0..self.frames {
            let (frame, data) = (self.frame.frame(number)?, self.data.value(number)?);
            tally.add_frame(&frame);
            if self.mode == Mode::Bidirectional {
                tally.add_data(data.as_ref());
            }
            sender.send(frame, data).await.map_err(|error| format!("frame {number}: {error}"))?;
            started.get_or_insert_with(Instant::now);
            if self.mode == Mode::Bidirectional {
                let answer = sender
                    .recv_data()
                    .await
                    .map_err(|error| format!("the answer to frame {number}: {error}"))?;
                let expected = match number.checked_sub(1) {
                    Some(before) => self.returned.value(RETURNED + before)?,
                    None => None,
                };
                let what = format!("the answer to frame {number}");
                compare(&what, answer.as_ref(), expected.as_ref())?;
                tally.add_answer(answer.as_ref());
            }
        }
        sender.flush().await.map_err(|error| format!("after the last frame: {error}"))?;
        let took = started.map_or(Duration::ZERO, |started| started.elapsed());
        sender.close().await.map_err(|error| format!("when closing: {error}"))?;
        Ok(Done { tally, took })
    }

    /// Receives until the sender leaves, compares every frame and every value, and answers.
    pub(crate) async fn receive(self, receiver: FrameReceiver) -> Result<Done> {
        let mut tally = Tally::default();
        let (mut started, mut took) = (None, Duration::ZERO);
        for number in 0.. {
            let received = receiver.recv().await.map_err(|error| format!("frame {number}: {error}"))?;
            let Some(delivery) = received else { break };
            took = started.get_or_insert_with(Instant::now).elapsed();
            compare_frames(number, &delivery.frame, &self.frame.frame(number)?)?;
            tally.add_frame(&delivery.frame);
            if self.mode == Mode::Bidirectional {
                let what = format!("the data with frame {number}");
                // VidGear writes an empty text where there is no data.
                let data = self.data.value(number)?.filter(|data| data.as_str() != Some(""));
                compare(&what, delivery.data.as_ref(), data.as_ref())?;
                tally.add_data(delivery.data.as_ref());
                let answer = self.returned.value(RETURNED + number)?;
                tally.add_answer(answer.as_ref());
                if let Some(answer) = answer {
                    receiver
                        .reply(answer)
                        .map_err(|error| format!("the answer to frame {number}: {error}"))?;
                }
            }
        }
        receiver.close().await.map_err(|error| format!("when closing: {error}"))?;
        if tally.frames != self.frames as u64 {
            return Err(format!("the sender left after {} frames", tally.frames).into());
        }
        Ok(Done { tally, took })
    }
}

impl Tally {
    fn add_frame(&mut self, frame: &Frame) {
        self.frames += 1;
        add(&mut self.pixels, frame.pixels());
    }

    fn add_data(&mut self, data: Option<&Value>) {
        add(&mut self.data, &canonical(truthy(data)));
    }

    fn add_answer(&mut self, answer: Option<&Value>) {
        add(&mut self.answers, &canonical(truthy(answer)));
    }
}

/// What VidGear gives its user of a value.
fn truthy(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !is_falsy(value))
}

fn add(checksum: &mut u32, bytes: &[u8]) {
    let mut hasher = crc32fast::Hasher::new_with_initial(*checksum);
    hasher.update(bytes);
    *checksum = hasher.finalize();
}

fn compare_frames(number: usize, found: &Frame, expected: &Frame) -> Result {
    if (found.shape(), found.element_type()) != (expected.shape(), expected.element_type()) {
        return Err(format!("frame {number} is {} {}", found.shape(), found.element_type()).into());
    }
    if found.pixel_format() != expected.pixel_format() {
        return Err(format!("frame {number} is {}", found.pixel_format()).into());
    }
    if found.pixels() != expected.pixels() {
        let first =
            found.pixels().iter().zip(expected.pixels()).position(|(found, expected)| found != expected);
        return Err(format!("frame {number} differs from byte {} on", first.unwrap_or_default()).into());
    }
    Ok(())
}

fn compare(what: &str, found: Option<&Value>, expected: Option<&Value>) -> Result {
    if canonical(found) == canonical(expected) {
        return Ok(());
    }
    let short = |value: Option<&Value>| {
        let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
        text.chars().take(200).collect::<String>()
    };
    Err(format!("{what} is {} and not {}", short(found), short(expected)).into())
}
