use std::ops::Range;
use std::time::Duration;

use netgear_proto::{ElementType, Frame, PixelFormat, Timestamp};
use serde::{Serialize, Serializer};

use crate::{Canceller, FrameRate, ReadError};

/// Where frames come from: a file, a sequence of pictures, a camera, a screen, a test pattern, a child process.
///
/// A source is blocking: [`next_frame`](Self::next_frame) takes as long as the next frame takes to decode or to
/// arrive, and does not wait until the frame is due, but for a screen's, which is captured then. Run it on a thread
/// of its own; [`FrameStream`](crate::FrameStream) does.
pub trait FrameSource: Send {
    /// What is known of the source.
    fn info(&self) -> &SourceInfo;

    /// The next frame, in the order of presentation, or `None` at the end.
    ///
    /// Frames are 8-bit BGR, or gray or 16-bit where the source is: [`SourceInfo::pixel_format`] and
    /// [`SourceInfo::element_type`] say which; every frame of a source has the same shape.
    ///
    /// # Errors
    /// [`ReadError`]. After an error the source is at its end, until it is rewound.
    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError>;

    /// Goes back to the first frame.
    ///
    /// # Errors
    /// [`ReadError`], among others for sources that cannot be played again, such as a camera's URL that no longer
    /// answers.
    fn rewind(&mut self) -> Result<(), ReadError>;

    /// Goes to the frame that is shown at `time`, or to one before it from which decoding can begin. The frames from
    /// there to `time` come too, and are the caller's to pass over; [`Section`](crate::Section) does.
    ///
    /// The default is to begin again at the first frame, which is right for all, and fast for none. Past the end of a
    /// source it leads to one of the last frames, or to none.
    ///
    /// # Errors
    /// As [`rewind`](Self::rewind).
    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        let _ = time;
        self.rewind()
    }

    /// How many frames are shown, if only in part, within that time. `None`, the default, where that is not known
    /// without reading them.
    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        let _ = time;
        None
    }

    /// A second source of the same frames, at their beginning, which costs little until it is read.
    /// [`Looped`](crate::Looped) prepares the next round with it while the last frames of this one are shown.
    ///
    /// `None`, the default, for sources that [`rewind`](Self::rewind) at once, and for those that there can be only
    /// one of, such as a camera.
    fn duplicate(&self) -> Option<Box<dyn FrameSource>> {
        None
    }

    /// What is not as it was asked for, in a sentence for the user: a camera that has another size, say.
    fn remark(&self) -> Option<&str> {
        None
    }

    /// What ends a [`next_frame`](Self::next_frame) that waits, from another thread. `None`, the default, for sources
    /// that wait for no one.
    fn canceller(&self) -> Option<Canceller> {
        None
    }
}

impl<S: FrameSource + ?Sized> FrameSource for Box<S> {
    fn info(&self) -> &SourceInfo {
        (**self).info()
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        (**self).next_frame()
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        (**self).rewind()
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        (**self).seek(time)
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        (**self).frames_within(time)
    }

    fn duplicate(&self) -> Option<Box<dyn FrameSource>> {
        (**self).duplicate()
    }

    fn remark(&self) -> Option<&str> {
        (**self).remark()
    }

    fn canceller(&self) -> Option<Canceller> {
        (**self).canceller()
    }
}

/// A frame, and when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedFrame {
    /// The frame.
    pub frame: Frame,
    /// The time of presentation, since the start of the source.
    pub time: Duration,
    /// How long it is shown. `None` where that is not known before the next frame comes.
    pub duration: Option<Duration>,
    /// When a device captured it: microseconds since 1970-01-01 00:00 UTC by this machine's clock. `None` for what is
    /// played rather than captured.
    pub captured_at: Option<Timestamp>,
}

impl TimedFrame {
    /// A frame that is played.
    pub const fn new(frame: Frame, time: Duration) -> Self {
        Self { frame, time, duration: None, captured_at: None }
    }

    /// A frame that a device captured at that moment.
    pub const fn captured(frame: Frame, time: Duration, moment: Timestamp) -> Self {
        Self { frame, time, duration: None, captured_at: Some(moment) }
    }

    /// The same, shown for so long.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }
}

/// What a source is, as far as it is known before it is read.
///
/// Serialised, `frame_rate` is a number of frames per second and `duration` is `seconds`, a number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SourceInfo {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The type of the elements.
    pub element_type: ElementType,
    /// What the channels mean.
    pub pixel_format: PixelFormat,
    /// Frames per second: the average, if they vary. `None` if unknown, as for some cameras.
    pub frame_rate: Option<FrameRate>,
    /// Whether frames are known to be shown for longer and shorter times, so that `frame_rate` is an average, if it
    /// is known. What is played keeps the time of each.
    pub rate_varies: bool,
    /// The number of frames. `None` if unknown or without end.
    pub frames: Option<u64>,
    /// How long it takes to play, to the end of the last frame. `None` if unknown or without end.
    #[serde(rename = "seconds", serialize_with = "serialize_seconds")]
    pub duration: Option<Duration>,
    /// What the frames are coded in: `h264`, `mjpeg`, `gif`, `png`, `yuyv`, `rawvideo`, …
    pub codec: String,
    /// What decodes them: `rust_h264`, `gif`, `image`, `v4l2`, `ffmpeg`, `netgear`, …
    pub decoder: String,
}

fn serialize_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}
