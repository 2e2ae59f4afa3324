//! H.264 in MP4 and QuickTime files.
//!
//! The boxes are read here, by a few functions that check every length; `rust_h264` decodes the pictures, several at a
//! time. Samples are read from the file one by one.

mod boxes;
mod h264;
mod video_track;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use netgear_proto::{ElementType, PixelFormat};

use self::boxes::{MoovError, read_moov};
use self::h264::{H264Decoder, H264Error, StreamError};
use self::video_track::{Sample, Shown, TrackError, VideoTrack};
use crate::OpenOptions;
use crate::{FrameRate, FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

const DECODER: &str = "rust_h264";

/// The frames of the first video track of an MP4 file, in the order of presentation.
pub(crate) struct Mp4Source {
    origin: String,
    info: SourceInfo,
    file: File,
    file_len: u64,
    samples: Vec<Sample>,
    /// When each frame is shown, in the order of presentation, and whether the edit list shows it at all.
    times: Vec<(Duration, bool)>,
    avcc: Vec<u8>,
    threads: usize,
    max_frame_bytes: usize,

    decoder: H264Decoder,
    next_sample: usize,
    /// Frames that the decoder has given out.
    decoded: usize,
    ready: VecDeque<TimedFrame>,
    /// The decoder has been flushed.
    is_flushed: bool,
    /// What is to be told after the frames before it.
    error: Option<ReadError>,
    sample_buffer: Vec<u8>,
}

impl Mp4Source {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = path.display().to_string();
        let io = |error| OpenError::Io { origin: origin.clone(), error };
        let damaged = |reason: &str| OpenError::Damaged { origin: origin.clone(), reason: reason.to_owned() };
        let unsupported = |reason| OpenError::Unsupported { origin: origin.clone(), reason };

        let mut file = File::open(path).map_err(io)?;
        let file_len = file.seek(SeekFrom::End(0)).map_err(io)?;
        let moov = read_moov(&mut file).map_err(|error| match error {
            MoovError::Io(error) => io(error),
            MoovError::Malformed(reason) => damaged(reason),
        })?;
        let track = VideoTrack::parse(&moov, file_len).map_err(|error| match error {
            TrackError::Unsupported(reason) => unsupported(reason),
            TrackError::Malformed(reason) => damaged(reason),
        })?;
        drop(moov);

        let (decoder, stream) = H264Decoder::new(&track.avcc, options.threads(), options.max_frame_bytes())
            .map_err(|error| match error {
            StreamError::Unsupported(reason) => unsupported(reason.to_owned()),
            StreamError::Malformed => damaged("the H.264 configuration is malformed"),
            StreamError::TooLarge { width, height } => OpenError::TooLarge {
                origin: origin.clone(),
                width,
                height,
                max_frame_bytes: options.max_frame_bytes(),
            },
        })?;
        let times = presentation_times(&track);
        let shown = times.iter().filter(|(_, is_shown)| *is_shown).count() as u64;
        let frame_rate = average_rate(&track.samples, track.timescale);
        let info = SourceInfo {
            width: stream.width,
            height: stream.height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate,
            frames: Some(shown),
            duration: frame_rate.map(|rate| rate.time_of(shown)),
            codec: "h264".to_owned(),
            decoder: DECODER.to_owned(),
        };
        Ok(Self {
            origin,
            info,
            file,
            file_len,
            samples: track.samples,
            times,
            avcc: track.avcc,
            threads: options.threads(),
            max_frame_bytes: options.max_frame_bytes(),
            decoder,
            next_sample: 0,
            decoded: 0,
            ready: VecDeque::new(),
            is_flushed: false,
            error: None,
            sample_buffer: Vec::new(),
        })
    }

    /// Gives the decoder its next sample, or tells it that there are no more.
    fn advance(&mut self) {
        let (frames, error) = match self.samples.get(self.next_sample).copied() {
            Some(sample) if self.error.is_none() => {
                self.next_sample += 1;
                match self.read_sample(sample) {
                    Ok(()) => self.decoder.decode(&self.sample_buffer),
                    Err(error) => {
                        self.error = Some(error);
                        return;
                    }
                }
            }
            // What came before an error is still shown.
            _ => {
                self.is_flushed = true;
                self.decoder.flush()
            }
        };
        for frame in frames {
            let (time, is_shown) = self.times.get(self.decoded).copied().unwrap_or_default();
            self.decoded += 1;
            if is_shown {
                self.ready.push_back(TimedFrame::new(frame, time));
            }
        }
        if let Some(error) = error
            && self.error.is_none()
        {
            self.error = Some(self.read_error(error));
        }
        if self.is_flushed
            && self.error.is_none()
            && self.decoded < self.samples.len()
            && self.decoder.is_progressive()
        {
            let missing = self.samples.len() - self.decoded;
            self.error = Some(self.damaged(format!("{missing} of its frames cannot be decoded")));
        }
    }

    fn read_sample(&mut self, sample: Sample) -> Result<(), ReadError> {
        let is_inside = sample.offset.checked_add(sample.len.into()).is_some_and(|end| end <= self.file_len);
        if !is_inside {
            return Err(self.damaged("the file ends before this frame".to_owned()));
        }
        // Not longer than the file.
        self.sample_buffer.resize(sample.len as usize, 0);
        let read = self
            .file
            .seek(SeekFrom::Start(sample.offset))
            .and_then(|_| self.file.read_exact(&mut self.sample_buffer));
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("the file ends before this frame".to_owned()),
            _ => ReadError::Io { origin: self.origin.clone(), error },
        })
    }

    fn read_error(&self, error: H264Error) -> ReadError {
        match error {
            H264Error::Malformed(reason) => self.damaged(reason),
            H264Error::DecoderFailed => ReadError::DecoderFailed {
                origin: self.origin.clone(),
                decoder: DECODER,
                frame: self.near_frame(),
            },
            H264Error::SizeChanged { width, height } => ReadError::FormatChanged {
                origin: self.origin.clone(),
                expected: format!("{}×{} pixels", self.info.width, self.info.height),
                found: format!("{width}×{height} pixels"),
            },
        }
    }

    fn damaged(&self, reason: String) -> ReadError {
        ReadError::Damaged { origin: self.origin.clone(), frame: self.near_frame(), reason }
    }

    fn near_frame(&self) -> u64 {
        self.next_sample.saturating_sub(1) as u64
    }
}

impl FrameSource for Mp4Source {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            if self.is_flushed {
                return self.error.take().map_or(Ok(None), Err);
            }
            self.advance();
        }
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        let (decoder, _) =
            H264Decoder::new(&self.avcc, self.threads, self.max_frame_bytes).map_err(|_| {
                // It was accepted before.
                self.damaged("the H.264 configuration is malformed".to_owned())
            })?;
        self.decoder = decoder;
        self.next_sample = 0;
        self.decoded = 0;
        self.ready.clear();
        self.is_flushed = false;
        self.error = None;
        Ok(())
    }
}

/// When each frame is shown, in the order of presentation. The first that is shown is shown at 0.
fn presentation_times(track: &VideoTrack) -> Vec<(Duration, bool)> {
    let mut times: Vec<i64> = track.samples.iter().map(|sample| sample.composition_time).collect();
    times.sort_unstable();
    let Shown { start, end } = track.shown;
    let is_shown = |time: i64| time >= start && time < end;
    let first = times.iter().copied().find(|&time| is_shown(time)).unwrap_or_default();
    let since_first = |time: i64| {
        let units = time.saturating_sub(first).max(0).unsigned_abs();
        let scale = u64::from(track.timescale);
        let nanoseconds = u128::from(units % scale) * 1_000_000_000 / u128::from(scale);
        // Less than 10⁹, so it fits.
        Duration::new(units / scale, nanoseconds as u32)
    };
    times.into_iter().map(|time| (since_first(time), is_shown(time))).collect()
}

/// The frames in the time from the first to the last. Exact if they are evenly spaced.
fn average_rate(samples: &[Sample], timescale: u32) -> Option<FrameRate> {
    let times = || samples.iter().map(|sample| sample.composition_time);
    let span = times().max()?.checked_sub(times().min()?)?.unsigned_abs();
    let intervals = samples.len() as u64 - 1;
    if span == 0 || intervals == 0 {
        return None;
    }
    // intervals * timescale / span, in the lowest terms that fit.
    let frames = intervals * u64::from(timescale);
    let (mut a, mut b) = (frames, span);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let (mut frames, mut seconds) = (frames / a, span / a);
    while frames > u64::from(u32::MAX) || seconds > u64::from(u32::MAX) {
        (frames, seconds) = (frames / 2, seconds / 2);
    }
    FrameRate::new(frames as u32, seconds as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(times: &[i64]) -> Vec<Sample> {
        times.iter().map(|&composition_time| Sample { offset: 0, len: 0, composition_time }).collect()
    }

    #[test]
    fn times_are_those_of_presentation_within_the_edit() {
        // I P B B, with the delay that B-frames bring.
        let track = VideoTrack {
            avcc: Vec::new(),
            timescale: 1000,
            samples: samples(&[100, 400, 200, 300]),
            shown: Shown { start: 200, end: 400 },
        };
        let times = presentation_times(&track);
        let ms = Duration::from_millis;
        assert_eq!(times, [(ms(0), false), (ms(0), true), (ms(100), true), (ms(200), false)]);
    }

    #[test]
    fn the_average_rate_is_exact_for_even_frames() {
        let even: Vec<i64> = (0..300).map(|n| n * 1001).collect();
        assert_eq!(average_rate(&samples(&even), 30_000), FrameRate::new(30_000, 1001));
        assert_eq!(average_rate(&samples(&[7]), 1000), None);
        assert_eq!(average_rate(&samples(&[i64::MIN, i64::MAX]), 1000), None);
        // The lowest terms are too large for a FrameRate, and the value is what counts.
        let slow = average_rate(&samples(&[0, i64::MAX]), u32::MAX).unwrap();
        assert!(slow.frames_per_second() < 1e-8, "{slow}");
    }
}
