use std::io;
use std::time::Duration;

use crate::{CameraError, ScreenError};

/// Why a source cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be opened or read.
    #[error("cannot open {origin}: {error}")]
    Io {
        /// The file.
        origin: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The file has not a single byte.
    #[error("{origin} is empty; was it written to the end?")]
    Empty {
        /// The file.
        origin: String,
    },
    /// The bytes are not what the start of the file promises.
    #[error("{origin} is damaged: {reason}")]
    Damaged {
        /// The file.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no built-in decoder for this, and no `ffmpeg` that could be asked.
    #[error(
        "{origin} needs ffmpeg ({reason}), and there is no ffmpeg on the PATH; \
         install it (apt install ffmpeg, brew install ffmpeg, winget install ffmpeg)"
    )]
    FfmpegMissing {
        /// The file or URL.
        origin: String,
        /// Why no built-in decoder will do.
        reason: String,
    },
    /// There is no built-in decoder for this, and only those were allowed.
    #[error("no built-in decoder reads {origin} ({reason}); allow ffmpeg, or convert it to H.264 in MP4")]
    Unsupported {
        /// The file or URL.
        origin: String,
        /// Why no built-in decoder will do.
        reason: String,
    },
    /// ffmpeg was asked, and refused.
    #[error("ffmpeg cannot open {origin} as a film or a picture: {log}")]
    Ffmpeg {
        /// The file or URL.
        origin: String,
        /// What ffmpeg last wrote that says why.
        log: String,
    },
    /// The frames are larger than the options allow.
    #[error(
        "{origin} has frames of {width}×{height} pixels, more than {max_frame_bytes} bytes each; \
         make them smaller, or allow more with OpenOptions::with_max_frame_bytes"
    )]
    TooLarge {
        /// The file or URL.
        origin: String,
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit.
        max_frame_bytes: usize,
    },
    /// The screen cannot be captured.
    #[error("cannot capture {origin}: {error}")]
    Screen {
        /// The screen.
        origin: String,
        /// Why.
        #[source]
        error: ScreenError,
    },
    /// A file of a pattern or a folder is no picture that is read as one of many.
    #[error(
        "{origin} cannot be one of a sequence of pictures ({reason}); PNG, JPEG and WebP can; convert it, or give a \
         pattern that does not match it"
    )]
    NotInSequence {
        /// The file.
        origin: String,
        /// Why it is not read.
        reason: String,
    },
    /// No picture has such a name.
    #[error(
        "no picture matches {origin}; check the pattern, as in frames/*.png or img%04d.png, or that the folder has PNG, JPEG or \
         WebP pictures in it"
    )]
    NoMatch {
        /// The pattern or folder.
        origin: String,
    },
    /// The pattern of a sequence is malformed.
    #[error("`{origin}` is not a pattern of file names: {reason}")]
    Pattern {
        /// The pattern.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is a camera, and gives no frames.
    #[error(transparent)]
    Camera(#[from] CameraError),
}

/// Why the next frame cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {origin}: {error}")]
    Io {
        /// The file.
        origin: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The file is damaged or ends too early.
    #[error("{origin} is damaged near frame {frame}: {reason}")]
    Damaged {
        /// The file.
        origin: String,
        /// The number of the frame, counted from 0, in the order in which the file has them.
        frame: u64,
        /// What is wrong.
        reason: String,
    },
    /// The decoder gave up in a way that it should not. Whatever the file is, this is a bug of the decoder.
    #[error("the decoder {decoder} failed on {origin} near frame {frame}; try ffmpeg as the decoder")]
    DecoderFailed {
        /// The file.
        origin: String,
        /// The decoder.
        decoder: String,
        /// The number of the frame, counted from 0.
        frame: u64,
    },
    /// A frame has another size or other pixels than those before it.
    #[error("{origin} has {found}, and the frames before it have {expected}; all must be alike")]
    FormatChanged {
        /// The file, or the picture within the sequence.
        origin: String,
        /// What the first frame has.
        expected: String,
        /// What this one has.
        found: String,
    },
    /// ffmpeg ended with an error, or its output ended in the middle of a frame.
    #[error("ffmpeg failed on {origin} after {frames} frames: {log}")]
    Ffmpeg {
        /// The file or URL.
        origin: String,
        /// The frames that came.
        frames: u64,
        /// The last lines that ffmpeg wrote.
        log: String,
    },
    /// No frame came for so long that the source was given up: a camera or a server has gone silent.
    #[error(
        "{origin} has sent nothing for {:.1} s, after {frames} frames; check the camera and the network, or wait longer with \
         OpenOptions::with_stall_timeout", timeout.as_secs_f64()
    )]
    Stalled {
        /// The file or URL.
        origin: String,
        /// The frames that came.
        frames: u64,
        /// How long was waited for the next.
        timeout: Duration,
    },
    /// A section of the source would begin after its end.
    #[error(
        "the start, {:.3} s, is past the end of the source, which has {:.3} s; start earlier",
        start.as_secs_f64(), end.as_secs_f64()
    )]
    PastEnd {
        /// The start asked for.
        start: Duration,
        /// When the last frame is over.
        end: Duration,
    },
    /// The camera gives no more frames.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// The screen gives no more frames.
    #[error("cannot capture {origin}: {error}")]
    Screen {
        /// The screen.
        origin: String,
        /// Why.
        #[source]
        error: ScreenError,
    },
    /// The source cannot be opened again for rewinding.
    #[error(transparent)]
    Rewind(#[from] OpenError),
}
