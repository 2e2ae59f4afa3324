use std::path::PathBuf;

use netgear_proto::{ElementType, PixelFormat, Shape};

use super::Recorded;
use crate::{PictureError, Y4mError};

/// Why a frame is not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The name says no format in which every frame can be kept, once.
    #[error(
        "cannot record to {}; give a name that ends in .y4m, .avi, or (through ffmpeg) .mp4, .m4v, .mov, .mkv, .webm, \
         .ts or .m2ts, a pattern of pictures such as 'frames/%06d.png' or '…%06d.jpg', or a folder, which is there or \
         ends in /",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// That kind of file always loses something.
    #[error(
        "{} would not keep every pixel; without loss there is .mkv, .mp4 and .mov (through ffmpeg), \
         and a folder of PNGs",
        path.display()
    )]
    NotLossless {
        /// The file.
        path: PathBuf,
    },
    /// There are pictures of these names.
    #[error(
        "{} is there already, and the pictures of a recording must not be mixed with others, nor take their place; \
         give another folder or pattern, or move it and those like it away",
        path.display()
    )]
    FolderInUse {
        /// The first file that is there.
        path: PathBuf,
    },
    /// The disk is full, or the file as large as it may be.
    #[error(
        "cannot write {}: {source}; what was written is kept: {recorded}",
        path.display()
    )]
    DiskFull {
        /// The file or folder.
        path: PathBuf,
        /// What it holds.
        recorded: Recorded,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The frame is not like those before it.
    #[error(
        "{}: a frame of {found} ({found_format}) follows frames of {expected} ({expected_format}), and a film has \
         frames of one kind; what was written is kept; a folder of PNGs takes any",
        path.display()
    )]
    FormatChanged {
        /// The file.
        path: PathBuf,
        /// The shape of the first frame.
        expected: Shape,
        /// Its pixel format.
        expected_format: PixelFormat,
        /// The shape of this frame.
        found: Shape,
        /// Its pixel format.
        found_format: PixelFormat,
    },
    /// ffmpeg is given no such pixels.
    #[error(
        "{} takes no {pixel_format} pixels of {element_type} elements; convert them to gray, BGR, RGB, BGRA or RGBA of \
         u8 or u16",
        path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The pixel format of the frame.
        pixel_format: PixelFormat,
        /// The elements of the frame.
        element_type: ElementType,
    },
    /// There is no ffmpeg.
    #[error(
        "{} is written through ffmpeg, and there is none on the PATH; install it, or record to a name that ends in .avi \
         or .y4m, to a pattern of pictures or to a folder",
        path.display()
    )]
    FfmpegMissing {
        /// The file.
        path: PathBuf,
    },
    /// ffmpeg gave up.
    #[error(
        "ffmpeg cannot write {}: {log}; of what it was given, some is kept: up to {recorded}; the last frames, perhaps many, \
         are not in the file",
        path.display()
    )]
    Ffmpeg {
        /// The file.
        path: PathBuf,
        /// The frames that ffmpeg was given, of which it had not written all, and the bytes that the file has.
        recorded: Recorded,
        /// The last lines that it said.
        log: String,
    },
    /// Y4M does not take such a frame.
    #[error(transparent)]
    Y4m(Y4mError),
    /// PNG or JPEG does not take such a frame.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl RecordError {
    /// Whether a library failed on this frame, which says nothing of the others: they may follow, and this one is
    /// left out.
    pub fn is_of_one_frame(&self) -> bool {
        matches!(self, Self::Picture(PictureError::Encoder { .. }) | Self::Y4m(Y4mError::Conversion { .. }))
    }
}
