use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use netgear::{
    media::{FrameRate, RecordError, RecordOptions, Y4mChroma},
    proto::JpegQuality,
};

use crate::{
    options::seconds,
    recording::{Behind, Recording},
};

/// What is recorded, and how.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// Record the frames, by the ending of the name: .y4m (uncompressed), .avi (Motion JPEG), a pattern of pictures
    /// such as 'frames/%06d.png' or '%06d.jpg', a folder, as in 'frames/' (numbered PNGs, every pixel), and through
    /// ffmpeg .mp4, .mkv and others.
    #[arg(long, value_name = "FILE|PATTERN|DIR")]
    pub(crate) record: Option<PathBuf>,
    /// Record as so many frames a second, whatever their times are. Default: as they were captured; Y4M and AVI,
    /// which have one rate for all, are marked with the mean.
    #[arg(long, value_name = "F", requires = "record", allow_negative_numbers = true)]
    record_fps: Option<FrameRate>,
    /// Colour for each pixel (444), or one for two by two (420): of Y4M, JPEG and H.264.
    #[arg(long, value_name = "420|444", requires = "record", default_value = "420")]
    record_chroma: ChromaOption,
    /// Quality of the JPEG pictures of AVI and of patterns, and of H.264 and VP8, of 1 to 100. Default: 90.
    #[arg(long, value_name = "Q", requires = "record", conflicts_with = "record_lossless")]
    record_quality: Option<JpegQuality>,
    /// Keep every pixel: FFV1 in .mkv, H.264 without loss in .mp4 and .mov, PNG.
    #[arg(long, requires = "record")]
    record_lossless: bool,
    /// What becomes of frames that the disk or the encoder is too slow for: drop (they are left out of the recording
    /// and counted, and the session goes on at its pace), block (they wait, and so does the sender, which by its
    /// --policy waits or drops some).
    #[arg(long, value_name = "drop|block", requires = "record", default_value = "drop")]
    record_policy: BehindOption,
    /// How long an ffmpeg may take no frame, or take to finish its file, before it is ended.
    #[arg(long, value_name = "SECONDS", requires = "record", default_value = "30", value_parser = seconds)]
    record_timeout: Duration,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ChromaOption {
    #[value(name = "420")]
    C420,
    #[value(name = "444")]
    C444,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BehindOption {
    Drop,
    Block,
}

impl Record {
    /// Begins, if anything is to be recorded.
    pub(crate) async fn start(&self) -> Result<Option<Recording>, RecordError> {
        let Some(path) = &self.record else { return Ok(None) };
        let mut options = RecordOptions::new()
            .with_ffmpeg_timeout(self.record_timeout)
            .with_lossless(self.record_lossless)
            .with_chroma(match self.record_chroma {
                ChromaOption::C420 => Y4mChroma::C420,
                ChromaOption::C444 => Y4mChroma::C444,
            });
        if let Some(rate) = self.record_fps {
            options = options.with_rate(rate);
        }
        if let Some(quality) = self.record_quality {
            options = options.with_jpeg_quality(quality);
        }
        let behind = match self.record_policy {
            BehindOption::Drop => Behind::Drop,
            BehindOption::Block => Behind::Block,
        };
        Recording::create(path.clone(), options, behind).await.map(Some)
    }
}
