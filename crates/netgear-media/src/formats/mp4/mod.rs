//! H.264 in MP4 and QuickTime files, in fragments or not.
//!
//! The boxes are read here, by a few functions that check every length; `rust_h264` decodes the pictures, several at
//! a time. Samples are read from the file one by one.

mod boxes;
mod fragments;
mod h264;
mod timeline;
mod video_track;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use netgear_proto::{ElementType, PixelFormat};

use self::boxes::{MoovError, NextMoof, next_moof, read_moov};
use self::fragments::{Defaults, Fragments};
use self::h264::{H264Decoder, H264Error, StreamError};
use self::timeline::{Span, Timeline};
use self::video_track::{Sample, TrackError, VideoTrack};
use crate::OpenOptions;
use crate::formats::read_at::read_exact_at;
use crate::orientation::Orientation;
use crate::{FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

const DECODER: &str = "rust_h264";

/// The frames of the first video track of an MP4 file, in the order of presentation.
pub(crate) struct Mp4Source {
    film: Arc<Film>,
    decoder: H264Decoder,
    next_sample: usize,
    /// Samples that are shown before this, in the file's time, are passed over: what they are made of was passed over
    /// too.
    first_composition_time: i64,
    presentation: Presentation,
    ready: VecDeque<TimedFrame>,
    /// The decoder has been flushed.
    is_flushed: bool,
    /// What is to be told after the frames before it.
    error: Option<ReadError>,
    sample_buffer: Vec<u8>,
}

/// What the file says, which all sources of its frames share.
struct Film {
    origin: String,
    info: SourceInfo,
    file: File,
    file_len: u64,
    samples: Vec<Sample>,
    sync_samples: Option<Vec<u32>>,
    timeline: Arc<Timeline>,
    orientation: Orientation,
    avcc: Vec<u8>,
    threads: usize,
    max_frame_bytes: usize,
    longest_sample: u64,
    is_cut_off: bool,
}

/// The pictures, one by one as the decoder gives them out, and when each is shown.
struct Presentation {
    timeline: Arc<Timeline>,
    next: usize,
    /// Those before it are decoded because others refer to them, and not shown.
    first_shown: usize,
}

impl Presentation {
    fn new(timeline: &Arc<Timeline>) -> Self {
        Self { timeline: Arc::clone(timeline), next: 0, first_shown: 0 }
    }

    /// When the next picture is shown, if it is.
    fn next(&mut self) -> Option<Span> {
        let picture = self.next;
        self.next += 1;
        if picture < self.first_shown { None } else { self.timeline.span(picture) }
    }
}

impl Mp4Source {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = path.display().to_string();
        let io = |error| OpenError::Io { origin: origin.clone(), error };
        let damaged = |reason: &str| OpenError::Damaged { origin: origin.clone(), reason: reason.to_owned() };
        let unsupported = |reason| OpenError::Unsupported { origin: origin.clone(), reason };

        let mut file = File::open(path).map_err(io)?;
        let file_len = file.seek(SeekFrom::End(0)).map_err(io)?;
        let box_error = |error| match error {
            MoovError::Io(error) => io(error),
            MoovError::Malformed(reason) => damaged(reason),
        };
        let track_error = |error| match error {
            TrackError::Unsupported(reason) => unsupported(reason),
            TrackError::Malformed(reason) => damaged(reason),
        };
        let (moov, mut at) = read_moov(&mut file).map_err(box_error)?;
        let mut track = VideoTrack::parse(&moov, file_len).map_err(track_error)?;
        if let Some(defaults) = Defaults::of_track(&moov, track.id) {
            let mut fragments = Fragments::new(&mut track, defaults, file_len);
            loop {
                match next_moof(&mut file, &mut at).map_err(box_error)? {
                    NextMoof::Whole { content, at } => {
                        if !fragments.add(&content, at).map_err(track_error)? {
                            break;
                        }
                    }
                    NextMoof::CutOff => {
                        fragments.cut_off();
                        break;
                    }
                    NextMoof::End => break,
                }
            }
            fragments.finish().map_err(track_error)?;
        }
        if track.samples.is_empty() {
            return Err(damaged("the video track has no samples"));
        }
        drop(moov);

        let new_decoder =
            H264Decoder::new(&track.avcc, track.orientation, options.threads(), options.max_frame_bytes());
        let (decoder, stream) = new_decoder.map_err(|error| match error {
            StreamError::Unsupported(reason) => unsupported(reason.to_owned()),
            StreamError::Malformed => damaged("the H.264 configuration is malformed"),
            StreamError::TooLarge { width, height } => OpenError::TooLarge {
                origin: origin.clone(),
                width,
                height,
                max_frame_bytes: options.max_frame_bytes(),
            },
        })?;
        let timeline = Arc::new(Timeline::new(&track));
        let (width, height) = track.orientation.size(stream.width, stream.height);
        let info = SourceInfo {
            width,
            height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: timeline.average_rate(),
            rate_varies: timeline.is_uneven(),
            frames: Some(timeline.shown().len() as u64),
            duration: Some(timeline.duration()),
            codec: "h264".to_owned(),
            decoder: DECODER.to_owned(),
        };
        let film = Film {
            origin,
            info,
            file,
            file_len,
            samples: track.samples,
            sync_samples: track.sync_samples,
            timeline,
            orientation: track.orientation,
            avcc: track.avcc,
            threads: options.threads(),
            is_cut_off: track.is_cut_off,
            max_frame_bytes: options.max_frame_bytes(),
            // Twice what the worst samples have as they are, and then something for what goes with a picture.
            longest_sample: u64::from(stream.coded_width) * u64::from(stream.coded_height) * 5 + (1 << 20),
        };
        Ok(Self::new(Arc::new(film), decoder))
    }

    fn new(film: Arc<Film>, decoder: H264Decoder) -> Self {
        Self {
            decoder,
            next_sample: 0,
            first_composition_time: i64::MIN,
            presentation: Presentation::new(&film.timeline),
            ready: VecDeque::new(),
            is_flushed: false,
            error: None,
            sample_buffer: Vec::new(),
            film,
        }
    }

    /// Gives the decoder its next sample, or tells it that there are no more.
    fn advance(&mut self) {
        let (frames, error) = match self.film.samples.get(self.next_sample).copied() {
            Some(sample) if self.error.is_none() => {
                self.next_sample += 1;
                if sample.composition_time < self.first_composition_time {
                    return;
                }
                match self.read_sample(sample) {
                    Ok(()) => self.decoder.decode(&self.sample_buffer, &mut self.presentation),
                    Err(error) => {
                        self.error = Some(error);
                        return;
                    }
                }
            }
            // What came before an error is still shown.
            _ => {
                self.is_flushed = true;
                self.decoder.flush(&mut self.presentation)
            }
        };
        self.ready.extend(frames);
        if let Some(error) = error
            && self.error.is_none()
        {
            self.error = Some(self.read_error(error));
        }
        let pictures = self.presentation.timeline.pictures();
        if self.is_flushed
            && self.error.is_none()
            && self.presentation.next < pictures
            && self.decoder.is_progressive()
        {
            let missing = pictures - self.presentation.next;
            self.error = Some(self.damaged(format!("{missing} of its frames cannot be decoded")));
        }
        if self.is_flushed && self.error.is_none() && self.film.is_cut_off {
            self.error = Some(self.damaged("the file ends before the next frame".to_owned()));
        }
    }

    fn read_sample(&mut self, sample: Sample) -> Result<(), ReadError> {
        let end = sample.offset.checked_add(sample.len.into());
        let is_inside = end.is_some_and(|end| end <= self.film.file_len);
        if !is_inside {
            return Err(self.damaged("the file ends before this frame".to_owned()));
        }
        if u64::from(sample.len) > self.film.longest_sample {
            return Err(self.damaged(format!("a frame of {} bytes is too long for its size", sample.len)));
        }
        self.sample_buffer.resize(sample.len as usize, 0);
        let read = read_exact_at(&self.film.file, &mut self.sample_buffer, sample.offset);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("the file ends before this frame".to_owned()),
            _ => ReadError::Io { origin: self.film.origin.clone(), error },
        })
    }

    fn read_error(&self, error: H264Error) -> ReadError {
        let size = |width, height| format!("{width}×{height} pixels");
        match error {
            H264Error::Malformed(reason) => self.damaged(reason),
            H264Error::DecoderFailed => ReadError::DecoderFailed {
                origin: self.film.origin.clone(),
                decoder: DECODER.to_owned(),
                frame: self.near_frame(),
            },
            H264Error::SizeChanged { width, height } => ReadError::FormatChanged {
                origin: self.film.origin.clone(),
                expected: size(self.film.info.width, self.film.info.height),
                found: {
                    let (width, height) = self.film.orientation.size(width, height);
                    size(width, height)
                },
            },
        }
    }

    fn damaged(&self, reason: String) -> ReadError {
        ReadError::Damaged { origin: self.film.origin.clone(), frame: self.near_frame(), reason }
    }

    fn near_frame(&self) -> u64 {
        self.next_sample.saturating_sub(1) as u64
    }
}

impl FrameSource for Mp4Source {
    fn info(&self) -> &SourceInfo {
        &self.film.info
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
        self.begin_at(EntryPoint::START, 0)
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        let picture = self.film.timeline.picture_at(time);
        self.begin_at(self.film.entry_point(picture), picture)
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        Some(self.film.timeline.frames_within(&time))
    }

    fn duplicate(&self) -> Option<Box<dyn FrameSource>> {
        let decoder = self.film.decoder().ok()?;
        Some(Box::new(Self::new(Arc::clone(&self.film), decoder)))
    }
}

impl Mp4Source {
    /// Decodes from there on, and gives out what is shown from this picture on.
    fn begin_at(&mut self, entry: EntryPoint, first_shown: usize) -> Result<(), ReadError> {
        // It was accepted before.
        self.decoder = (self.film.decoder())
            .map_err(|_| self.damaged("the H.264 configuration is malformed".to_owned()))?;
        self.next_sample = entry.sample;
        self.first_composition_time = entry.composition_time;
        self.presentation = Presentation {
            next: self.film.timeline.picture_from(entry.composition_time),
            first_shown,
            ..Presentation::new(&self.film.timeline)
        };
        self.ready.clear();
        self.is_flushed = false;
        self.error = None;
        Ok(())
    }
}

/// A sample from which decoding can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EntryPoint {
    sample: usize,
    /// What is shown before it, and comes after it in the order of decoding, refers to what came before it: the
    /// leading pictures of an open group.
    composition_time: i64,
}

impl EntryPoint {
    const START: Self = Self { sample: 0, composition_time: i64::MIN };
}

impl Film {
    fn decoder(&self) -> Result<H264Decoder, StreamError> {
        let decoder = H264Decoder::new(&self.avcc, self.orientation, self.threads, self.max_frame_bytes);
        decoder.map(|(decoder, _)| decoder)
    }

    /// Where to begin so that this picture and all after it can be decoded: the last sync sample that is not after
    /// it, neither in the order of decoding nor in that of presentation, and that nothing decoded earlier is shown
    /// after.
    fn entry_point(&self, picture: usize) -> EntryPoint {
        let Some(wanted) = self.timeline.composition_time(picture) else { return EntryPoint::START };
        let mut sync_samples = self.sync_samples.as_ref().map(|samples| samples.iter().peekable());
        let mut entry = EntryPoint::START;
        let mut latest = i64::MIN;
        for (number, sample) in self.samples.iter().enumerate() {
            let is_sync = match &mut sync_samples {
                None => true,
                Some(samples) => samples.next_if(|&&sync| sync as usize == number).is_some(),
            };
            if is_sync && number > 0 && latest < sample.composition_time && sample.composition_time <= wanted
            {
                entry = EntryPoint { sample: number, composition_time: sample.composition_time };
            }
            if sample.composition_time == wanted {
                break;
            }
            latest = latest.max(sample.composition_time);
        }
        entry
    }
}
