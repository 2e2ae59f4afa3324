use std::time::Duration;

use netgear_proto::JpegQuality;

use crate::{FrameRate, JPEG_QUALITY, Y4mChroma};

/// What a [`Recorder`](crate::Recorder) is to make of the frames.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    rate: Option<FrameRate>,
    chroma: Y4mChroma,
    jpeg_quality: JpegQuality,
    lossless: bool,
    ffmpeg_timeout: Duration,
}

impl Default for RecordOptions {
    fn default() -> Self {
        Self {
            rate: None,
            chroma: Y4mChroma::default(),
            jpeg_quality: JpegQuality::new(JPEG_QUALITY).unwrap_or_default(),
            lossless: false,
            ffmpeg_timeout: Duration::from_secs(30),
        }
    }
}

impl RecordOptions {
    /// The defaults: the frames' own times, colours at half the resolution, JPEG of quality 90, not lossless.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frames are that far apart, whatever their times are. Default: they keep their times where the file can say
    /// them, and where it has one rate for all, that is the mean.
    pub fn with_rate(mut self, rate: FrameRate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// How much of the colour is kept by Y4M, by JPEG, and by H.264 in MP4, MOV, MKV and TS. Default:
    /// [`Y4mChroma::C420`].
    pub fn with_chroma(mut self, chroma: Y4mChroma) -> Self {
        self.chroma = chroma;
        self
    }

    /// The quality of JPEG pictures, also in AVI, and on the same scale that of H.264 and VP8: at the default,
    /// [`JPEG_QUALITY`], `-crf 20` and `-crf 10`. What keeps every pixel has none.
    pub fn with_jpeg_quality(mut self, quality: JpegQuality) -> Self {
        self.jpeg_quality = quality;
        self
    }

    /// Every pixel is kept. PNG does so anyway; MKV gets FFV1 and MP4 and MOV get H.264 without loss. A file of which
    /// that cannot be had is an error. Default: no.
    pub fn with_lossless(mut self, lossless: bool) -> Self {
        self.lossless = lossless;
        self
    }

    /// How long an ffmpeg may take no frame, or take to finish its file, before it is ended. Default: 30 s.
    pub fn with_ffmpeg_timeout(mut self, timeout: Duration) -> Self {
        self.ffmpeg_timeout = timeout;
        self
    }

    pub(super) fn rate(&self) -> Option<FrameRate> {
        self.rate
    }

    pub(super) fn chroma(&self) -> Y4mChroma {
        self.chroma
    }

    pub(super) fn jpeg_quality(&self) -> JpegQuality {
        self.jpeg_quality
    }

    pub(super) fn lossless(&self) -> bool {
        self.lossless
    }

    pub(super) fn ffmpeg_timeout(&self) -> Duration {
        self.ffmpeg_timeout
    }
}
