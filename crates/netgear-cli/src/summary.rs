use std::{
    fmt,
    time::{Duration, Instant},
};

use netgear::{
    prelude::{Dialect, Frame, Pattern, Stats},
    proto::{
        Encoding,
        session::{self, LatencyPercentiles},
    },
};
use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::Xxh3;

use crate::{counted::Counted, recording::RecordingSummary};

/// What crossed, as it is counted while it does, over all peers that came.
pub(crate) struct Tally {
    frames: u64,
    bytes: u64,
    first_and_last: Option<(Instant, Instant)>,
    /// Items of data that this end has given to its sessions.
    pub(crate) data_given: u64,
    pub(crate) data_received: u64,
    pub(crate) frames_returned: u64,
    /// What each frame that is sent has of pixels.
    pub(crate) frame_bytes: usize,
    digest: Option<Xxh3>,
    returned_digest: Option<Xxh3>,
    /// What was recorded, once that is over.
    pub(crate) recording: Option<RecordingSummary>,
    peer: Option<session::Peer>,
    /// Peers that came.
    peers: u64,
    /// The session of this peer, so far.
    session: Stats,
    /// Of the sessions before.
    crossed: Crossed,
    dropped: u64,
    data_undelivered: u64,
    reconnects: u64,
}

impl Tally {
    pub(crate) fn new(digest: bool) -> Self {
        Self {
            frames: 0,
            bytes: 0,
            first_and_last: None,
            data_given: 0,
            data_received: 0,
            frames_returned: 0,
            frame_bytes: 0,
            digest: digest.then(Xxh3::new),
            returned_digest: digest.then(Xxh3::new),
            recording: None,
            peer: None,
            peers: 0,
            session: Stats::default(),
            crossed: Crossed::default(),
            dropped: 0,
            data_undelivered: 0,
            reconnects: 0,
        }
    }

    /// A peer is there.
    pub(crate) fn peer(&mut self, peer: session::Peer) {
        self.peers += 1;
        self.peer = Some(peer);
        self.session.latency = None;
    }

    pub(crate) fn has_peer(&self) -> bool {
        self.peer.is_some()
    }

    pub(crate) fn speaks_vidgear(&self) -> bool {
        self.peer.is_some_and(|peer| peer.dialect == Dialect::VidGear)
    }

    /// A frame has come.
    pub(crate) fn frame(&mut self, frame: &Frame) {
        self.count(1, frame.pixels().len());
        self.digest(frame);
    }

    /// The session stands so now. Gives how many frames of this end have arrived since it was last asked.
    pub(crate) fn note(&mut self, mut stats: Stats) -> u64 {
        // While nobody has come after the last peer, that one's is known.
        stats.latency = stats.latency.or(self.session.latency);
        let arrived = stats.frames_delivered - self.session.frames_delivered;
        self.count(arrived, self.frame_bytes);
        self.session = stats;
        arrived
    }

    /// How often the peer of this session has come back, so far.
    pub(crate) fn returns(&self) -> u64 {
        self.session.reconnects
    }

    /// The session is over, and another may come.
    pub(crate) fn end_session(&mut self) {
        let Stats { frames_dropped, data_undelivered, reconnects, .. } = self.session;
        self.crossed = self.crossed.with(&self.session);
        self.dropped += frames_dropped.total();
        self.data_undelivered += data_undelivered;
        self.reconnects += reconnects;
        // How long frames took is the last session's to say.
        let latency = self.session.latency;
        self.session = Stats::default();
        self.session.latency = latency;
        self.session.last_encoding = self.crossed.encoding;
    }

    /// Frames of this end that were given up are to be sent to the next peer.
    pub(crate) fn not_dropped(&mut self, frames: u64) {
        self.dropped = self.dropped.saturating_sub(frames);
    }

    /// The first frame is about to be sent: whatever comes of it, the time runs from here.
    pub(crate) fn begin(&mut self) {
        let now = Instant::now();
        self.first_and_last.get_or_insert((now, now));
    }

    fn count(&mut self, frames: u64, bytes: usize) {
        if frames == 0 {
            return;
        }
        let now = Instant::now();
        self.frames += frames;
        self.bytes += frames * bytes as u64;
        self.first_and_last = Some((self.first_and_last.map_or(now, |(first, _)| first), now));
    }

    /// A frame has crossed whose pixels are to be in the digest.
    pub(crate) fn digest(&mut self, frame: &Frame) {
        if let Some(digest) = &mut self.digest {
            digest.update(frame.pixels());
        }
    }

    /// Frames are dropped, and nobody says which: there is no digest of those that crossed.
    pub(crate) fn without_digest(&mut self) {
        self.digest = None;
    }

    /// A frame has crossed the other way.
    pub(crate) fn returned_frame(&mut self, frame: &Frame) {
        self.frames_returned += 1;
        if let Some(digest) = &mut self.returned_digest {
            digest.update(frame.pixels());
        }
    }

    pub(crate) fn has_digest(&self) -> bool {
        self.digest.is_some()
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that came, the bytes that came over the link, and frames that were dropped.
    #[cfg_attr(not(any(feature = "window", feature = "web")), expect(dead_code, reason = "only viewers ask"))]
    pub(crate) fn counted(&self) -> (u64, u64, u64) {
        let bytes = self.crossed.with(&self.session).received_bytes;
        (self.frames, bytes, self.dropped + self.session.frames_dropped.total())
    }

    pub(crate) fn summary(&self) -> Summary {
        let seconds = self.first_and_last.map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        // The first frame begins the time and does not count against it.
        let per_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
        let timed = self.frames.saturating_sub(1) as f64 / self.frames.max(1) as f64;
        let Stats { frames_dropped, data_undelivered, reconnects, latency, .. } = self.session;
        let data_undelivered = self.data_undelivered + data_undelivered;
        let crossed = self.crossed.with(&self.session);
        Summary {
            frames: self.frames,
            bytes: self.bytes,
            encoding: crossed.encoding,
            frames_encoded: crossed.encoded,
            wire_bytes: crossed.wire_bytes,
            ratio: if crossed.pixels > 0 { crossed.wire_bytes as f64 / crossed.pixels as f64 } else { 1.0 },
            undecodable: crossed.undecodable,
            seconds,
            fps: per_second(self.frames as f64 * timed),
            gigabytes_per_second: per_second(self.bytes as f64 * timed) / 1e9,
            data_sent: self.data_given.saturating_sub(data_undelivered),
            data_undelivered,
            data_received: self.data_received,
            frames_returned: self.frames_returned,
            dropped: self.dropped + frames_dropped.total(),
            reconnects: self.reconnects + reconnects + self.peers.saturating_sub(1),
            latency_us: latency.map(Latency::from),
            digest: self.digest.as_ref().map(hexadecimal),
            returned_digest: self
                .returned_digest
                .as_ref()
                .filter(|_| self.frames_returned > 0)
                .map(hexadecimal),
            recording: self.recording.clone(),
            peer: self.peer.map(|peer| Peer { dialect: peer.dialect, pattern: peer.pattern }),
        }
    }
}

/// What crossed the link, over all sessions, with the frames that were sent again.
#[derive(Debug, Clone, Copy, Default)]
struct Crossed {
    encoding: Encoding,
    encoded: u64,
    undecodable: u64,
    pixels: u64,
    wire_bytes: u64,
    /// All that came over the link: data as well, and a few bytes with each frame.
    received_bytes: u64,
}

impl Crossed {
    fn with(self, session: &Stats) -> Self {
        Self {
            encoding: session.last_encoding,
            encoded: self.encoded + session.frames_encoded,
            undecodable: self.undecodable + session.frames_undecodable,
            pixels: self.pixels + session.pixel_bytes,
            wire_bytes: self.wire_bytes + session.frame_bytes,
            received_bytes: self.received_bytes + session.bytes_received,
        }
    }
}

impl From<LatencyPercentiles> for Latency {
    fn from(latency: LatencyPercentiles) -> Self {
        let micros = |duration: Duration| duration.as_micros().try_into().unwrap_or(u64::MAX);
        Self { p50: micros(latency.p50), p99: micros(latency.p99), max: micros(latency.max) }
    }
}

fn hexadecimal(digest: &Xxh3) -> String {
    format!("{:016x}", digest.digest())
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Frames that crossed: received, or sent and answered.
    pub(crate) frames: u64,
    /// Their pixels.
    pub(crate) bytes: u64,
    /// How the last of them was encoded.
    #[serde(serialize_with = "encoding_name")]
    pub(crate) encoding: Encoding,
    /// Frames that went or came encoded, those that were sent again included.
    pub(crate) frames_encoded: u64,
    /// What all frames took on the link, and how much that is of their pixels.
    pub(crate) wire_bytes: u64,
    pub(crate) ratio: f64,
    /// Frames that came and could not be decoded.
    pub(crate) undecodable: u64,
    /// From the first of them to the last.
    pub(crate) seconds: f64,
    pub(crate) fps: f64,
    pub(crate) gigabytes_per_second: f64,
    /// Items of data that were delivered.
    pub(crate) data_sent: u64,
    /// Those that are not known to have been.
    pub(crate) data_undelivered: u64,
    pub(crate) data_received: u64,
    /// Frames that came back, or were sent back.
    pub(crate) frames_returned: u64,
    /// Frames that were read and never answered: by `--policy`, or because the end came first.
    pub(crate) dropped: u64,
    /// Connections after the first, and peers after the first.
    pub(crate) reconnects: u64,
    /// From capture to arrival, the same at both ends; of the last peer. VidGear does not say when a frame was
    /// captured.
    pub(crate) latency_us: Option<Latency>,
    /// XXH3-64 over the pixels of all frames that crossed, in order. None at a sender that drops frames.
    pub(crate) digest: Option<String>,
    /// The same of the frames that came back.
    pub(crate) returned_digest: Option<String>,
    /// What `--record` has written.
    pub(crate) recording: Option<RecordingSummary>,
    pub(crate) peer: Option<Peer>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub p50: u64,
    pub p99: u64,
    pub(crate) max: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Peer {
    #[serde(serialize_with = "dialect_name")]
    pub(crate) dialect: Dialect,
    #[serde(serialize_with = "pattern_name")]
    pub(crate) pattern: Pattern,
}

fn encoding_name<S: Serializer>(encoding: &Encoding, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(encoding)
}

/// As the options name it.
fn dialect_name<S: Serializer>(dialect: &Dialect, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match dialect {
        Dialect::Native => "native",
        Dialect::VidGear => "vidgear",
    })
}

/// As the options name it.
fn pattern_name<S: Serializer>(pattern: &Pattern, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match pattern {
        Pattern::Pair => "pair",
        Pattern::ReqRep => "reqrep",
    })
}

/// For people: two or three lines.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {:.2} s: {:.1} fps, {:.3} GB/s",
            Counted::frames(self.frames),
            self.seconds,
            self.fps,
            self.gigabytes_per_second
        )?;
        if let Some(latency) = &self.latency_us {
            write!(
                f,
                "; latency {} (99 %: {}, most: {})",
                Micros(latency.p50),
                Micros(latency.p99),
                Micros(latency.max)
            )?;
        }
        if self.frames_encoded > 0 {
            write!(
                f,
                "\n  {} as {}: {:.1} MB on the link, {:.1} % of the pixels",
                Counted::frames(self.frames_encoded),
                self.encoding,
                self.wire_bytes as f64 / 1e6,
                self.ratio * 100.0
            )?;
        }
        if self.undecodable > 0 {
            write!(f, "\n  {} could NOT be decoded", Counted::frames(self.undecodable))?;
        }
        write!(f, "\n  data: {} out, {} in", self.data_sent, self.data_received)?;
        if self.frames_returned > 0 {
            write!(f, "; {} back", Counted::frames(self.frames_returned))?;
        }
        write!(f, "; {} dropped", Counted::frames(self.dropped))?;
        if self.data_undelivered > 0 {
            write!(f, "; {} NOT delivered", Counted::items_of_data(self.data_undelivered))?;
        }
        if self.reconnects > 0 {
            write!(f, "; {}", Counted::reconnects(self.reconnects))?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "\n  digest: {digest}")?;
        }
        if let Some(digest) = &self.returned_digest {
            write!(f, ", of the frames back: {digest}")?;
        }
        if let Some(recording) = &self.recording {
            write!(f, "\n  {recording}")?;
        }
        Ok(())
    }
}

/// Microseconds as people read them.
pub(crate) struct Micros(pub u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            micros @ 0..1_000 => write!(f, "{micros} µs"),
            micros @ 1_000..1_000_000 => write!(f, "{:.1} ms", micros as f64 / 1e3),
            micros => write!(f, "{:.1} s", micros as f64 / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_xxh3_of_all_pixels_in_order() {
        let mut tally = Tally::new(true);
        for pixels in [vec![1, 2], vec![3, 4]] {
            tally.frame(&Frame::gray8(2, 1, pixels).unwrap());
        }
        let summary = tally.summary();
        assert_eq!(summary.digest, Some(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&[1, 2, 3, 4]))));
        assert_eq!((summary.frames, summary.bytes), (2, 4));
        assert_eq!(summary.returned_digest, None);
    }

    #[test]
    #[cfg(any(feature = "window", feature = "web"))]
    fn viewers_are_told_what_crossed_the_link() {
        let mut tally = Tally::new(false);
        tally.frame(&Frame::gray8(100, 100, vec![0; 10_000]).unwrap());
        let mut stats = Stats::default();
        stats.bytes_received = 700;
        tally.note(stats);
        assert_eq!(tally.counted(), (1, 700, 0));
        tally.end_session();
        stats.bytes_received = 50;
        tally.note(stats);
        assert_eq!(tally.counted(), (1, 750, 0));
    }

    #[test]
    fn people_are_told_of_one_and_of_several() {
        let mut tally = Tally::new(false);
        for (times, expected) in [
            (0, "0 frames in 0.00 s: 0.0 fps, 0.000 GB/s\n  data: 0 out, 0 in; 0 frames dropped"),
            (
                1,
                "1 frame in 0.00 s: 0.0 fps, 0.000 GB/s\n  data: 0 out, 0 in; 1 frame back; 1 frame dropped; \
                 1 item of data NOT delivered; 1 reconnect",
            ),
            (
                2,
                "2 frames in 0.00 s: 0.0 fps, 0.000 GB/s\n  data: 0 out, 0 in; 2 frames back; 2 frames dropped; \
                 2 items of data NOT delivered; 2 reconnects",
            ),
        ] {
            tally.frames = times;
            tally.frames_returned = times;
            tally.dropped = times;
            tally.data_undelivered = times;
            tally.reconnects = times;
            assert_eq!(tally.summary().to_string(), expected);
        }
    }

    #[test]
    fn json_has_every_field_even_when_nothing_crossed() {
        let json = serde_json::to_value(Tally::new(false).summary()).unwrap();
        for field in [
            "frames",
            "bytes",
            "encoding",
            "frames_encoded",
            "wire_bytes",
            "ratio",
            "undecodable",
            "seconds",
            "fps",
            "gigabytes_per_second",
            "data_sent",
            "data_undelivered",
            "data_received",
            "frames_returned",
            "dropped",
            "reconnects",
            "latency_us",
            "digest",
            "recording",
            "peer",
        ] {
            assert!(json.get(field).is_some(), "{field}");
        }
        assert_eq!(json["fps"], 0.0);
    }
}
