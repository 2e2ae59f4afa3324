use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What one end is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Which end.
    pub side: Side,
    /// Where a receiver binds, with port 0 for any; where a sender finds it.
    pub endpoint: String,
    /// The pattern of the sockets; those without any do not care.
    pub pattern: Pattern,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What comes back for a frame.
    pub returned: Returned,
    /// The bytes of a small item of data, at least 8: with the frames, where there is a place for it, and back.
    pub item_bytes: usize,
    /// How many frames may be unanswered; 1 is lock-step.
    pub window: u16,
}

/// An end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It connects, and has the frames.
    Sender,
    /// It binds, and answers them.
    Receiver,
}

/// A pattern that carries messages both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pattern {
    /// Either end may send at any time.
    #[serde(rename = "PAIR")]
    Pair,
    /// Strictly in turns.
    #[serde(rename = "REQ/REP")]
    ReqRep,
}

/// What comes back for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returned {
    /// A small item of data.
    Data,
    /// A frame of the same size.
    Frame,
}

impl Job {
    /// The bytes of one BGR frame.
    pub fn frame_bytes(&self) -> usize {
        self.width as usize * self.height as usize * 3
    }

    /// The bytes of an answer.
    pub fn answer_bytes(&self) -> usize {
        match self.returned {
            Returned::Data => self.item_bytes,
            Returned::Frame => self.frame_bytes(),
        }
    }

    /// Pixels that are not all alike, and begin with no time of capture.
    pub fn pixels(&self) -> Bytes {
        let mut pixels: Vec<u8> = (0..self.frame_bytes()).map(|at| (at % 251) as u8).collect();
        let stamp = pixels.len().min(8);
        pixels[..stamp].fill(0);
        Bytes::from(pixels)
    }

    /// A small item of data.
    pub fn item(&self) -> Bytes {
        Bytes::from(vec![7; self.item_bytes])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_reads_as_it_is_written() {
        let job = Job {
            side: Side::Receiver,
            endpoint: "tcp://127.0.0.1:0".into(),
            pattern: Pattern::ReqRep,
            width: 640,
            height: 480,
            returned: Returned::Frame,
            item_bytes: 32,
            window: 1,
        };
        let line = r#"{"side":"receiver","endpoint":"tcp://127.0.0.1:0","pattern":"REQ/REP","width":640,"height":480,"returned":"frame","item_bytes":32,"window":1}"#;
        assert_eq!(serde_json::to_string(&job).unwrap(), line);
        assert_eq!(serde_json::from_str::<Job>(line).unwrap(), job);
        assert_eq!((job.frame_bytes(), job.answer_bytes()), (921_600, 921_600));
        assert_eq!(Job { returned: Returned::Data, ..job }.answer_bytes(), 32);
    }
}
