use std::{
    fmt,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use netgear::{
    prelude::{Dialect, Frame, Pattern},
    proto::session,
};
use serde::{Serialize, Serializer};
use xxhash_rust::xxh3::Xxh3;

/// What crossed, as it is counted while it does.
pub(crate) struct Tally {
    frames: u64,
    bytes: u64,
    first_and_last: Option<(Instant, Instant)>,
    pub(crate) data_sent: u64,
    pub(crate) data_received: u64,
    pub(crate) frames_returned: u64,
    pub(crate) dropped: u64,
    latency: Histogram<u64>,
    digest: Option<Xxh3>,
    returned_digest: Option<Xxh3>,
    peer: Option<session::Peer>,
    /// Peers that came after the first.
    reconnects: u64,
}

impl Tally {
    pub(crate) fn new(digest: bool) -> Self {
        Self {
            frames: 0,
            bytes: 0,
            first_and_last: None,
            data_sent: 0,
            data_received: 0,
            frames_returned: 0,
            dropped: 0,
            // An hour is more than any wait here; three digits make the percentiles right to a part in a thousand.
            latency: Histogram::new_with_max(3_600_000_000, 3)
                .unwrap_or_else(|_| unreachable!("the bounds are those that the crate documents")),
            digest: digest.then(Xxh3::new),
            returned_digest: digest.then(Xxh3::new),
            peer: None,
            reconnects: 0,
        }
    }

    /// A peer is there.
    pub(crate) fn peer(&mut self, peer: session::Peer) {
        self.reconnects += u64::from(self.peer.is_some());
        self.peer = Some(peer);
    }

    pub(crate) fn has_peer(&self) -> bool {
        self.peer.is_some()
    }

    /// A frame has crossed; `latency` is how long it took, where that is known.
    pub(crate) fn frame(&mut self, frame: &Frame, latency: Option<Duration>) {
        let now = Instant::now();
        self.frames += 1;
        self.bytes += frame.pixels().len() as u64;
        self.first_and_last = Some((self.first_and_last.map_or(now, |(first, _)| first), now));
        if let Some(latency) = latency {
            self.latency.saturating_record(latency.as_micros().try_into().unwrap_or(u64::MAX));
        }
        if let Some(digest) = &mut self.digest {
            digest.update(frame.pixels());
        }
    }

    /// A frame has crossed the other way.
    pub(crate) fn returned_frame(&mut self, frame: &Frame) {
        self.frames_returned += 1;
        if let Some(digest) = &mut self.returned_digest {
            digest.update(frame.pixels());
        }
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    pub(crate) fn summary(&self) -> Summary {
        let seconds = self.first_and_last.map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        // The first frame begins the time and does not count against it.
        let per_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
        let timed = self.frames.saturating_sub(1) as f64 / self.frames.max(1) as f64;
        Summary {
            frames: self.frames,
            bytes: self.bytes,
            seconds,
            fps: per_second(self.frames as f64 * timed),
            gigabytes_per_second: per_second(self.bytes as f64 * timed) / 1e9,
            data_sent: self.data_sent,
            data_received: self.data_received,
            frames_returned: self.frames_returned,
            dropped: self.dropped,
            reconnects: self.reconnects,
            latency_us: (!self.latency.is_empty()).then(|| Latency {
                p50: self.latency.value_at_quantile(0.5),
                p99: self.latency.value_at_quantile(0.99),
                max: self.latency.max(),
            }),
            digest: self.digest.as_ref().map(hexadecimal),
            returned_digest: self
                .returned_digest
                .as_ref()
                .filter(|_| self.frames_returned > 0)
                .map(hexadecimal),
            peer: self.peer.map(|peer| Peer { dialect: peer.dialect, pattern: peer.pattern }),
        }
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
    /// From the first of them to the last.
    pub(crate) seconds: f64,
    pub(crate) fps: f64,
    pub(crate) gigabytes_per_second: f64,
    pub(crate) data_sent: u64,
    pub(crate) data_received: u64,
    /// Frames that came back, or were sent back.
    pub(crate) frames_returned: u64,
    /// Frames that were sent and never answered.
    pub(crate) dropped: u64,
    /// Peers that came after the first had gone.
    pub(crate) reconnects: u64,
    /// At a receiver from capture to arrival, at a sender from sending to the answer. A VidGear server does not say when a
    /// frame was captured.
    pub(crate) latency_us: Option<Latency>,
    /// XXH3-64 over the pixels of all frames that crossed, in order.
    pub(crate) digest: Option<String>,
    /// The same of the frames that came back.
    pub(crate) returned_digest: Option<String>,
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
            "{} frames in {:.2} s: {:.1} fps, {:.3} GB/s",
            self.frames, self.seconds, self.fps, self.gigabytes_per_second
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
        write!(f, "\n  data: {} out, {} in", self.data_sent, self.data_received)?;
        if self.frames_returned > 0 {
            write!(f, "; {} frames back", self.frames_returned)?;
        }
        write!(f, "; {} frames dropped", self.dropped)?;
        if let Some(digest) = &self.digest {
            write!(f, "\n  digest: {digest}")?;
        }
        if let Some(digest) = &self.returned_digest {
            write!(f, ", of the frames back: {digest}")?;
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
            tally.frame(&Frame::gray8(2, 1, pixels).unwrap(), Some(Duration::from_micros(7)));
        }
        let summary = tally.summary();
        assert_eq!(summary.digest, Some(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&[1, 2, 3, 4]))));
        assert_eq!((summary.frames, summary.bytes), (2, 4));
        assert_eq!(summary.returned_digest, None);
    }

    #[test]
    fn json_has_every_field_even_when_nothing_crossed() {
        let json = serde_json::to_value(Tally::new(false).summary()).unwrap();
        for field in [
            "frames",
            "bytes",
            "seconds",
            "fps",
            "gigabytes_per_second",
            "data_sent",
            "data_received",
            "frames_returned",
            "dropped",
            "reconnects",
            "latency_us",
            "digest",
            "peer",
        ] {
            assert!(json.get(field).is_some(), "{field}");
        }
        assert_eq!(json["fps"], 0.0);
    }
}
