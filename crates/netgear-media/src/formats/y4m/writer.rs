use std::io::{self, Write};

use netgear_proto::{ElementType, Frame, PixelFormat, Shape};
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut};

use crate::FrameRate;
use crate::contained::contained;
use crate::yuv_to_bgr::{ChromaSampling, ColourSpace};

/// How much of the colour a Y4M file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Y4mChroma {
    /// One colour for two by two pixels, their mean, as nearly all video has it. The default: every program reads it,
    /// and it takes half of what the frames take.
    #[default]
    C420,
    /// A colour for each pixel. It takes as much as the frames.
    C444,
}

/// The bytes of the longest rate: two numbers of 32 bits.
const LONGEST_RATE: usize = "4294967295:4294967295".len();

/// Writes frames as Y4M, in BT.601 of limited range, which is how untagged files are read everywhere.
///
/// The first frame sets the size and whether the file is gray; all others must be like it. Frames are of 8 bits:
/// gray, BGR, RGB, BGRA or RGBA, whose opacity is left out.
#[derive(Debug)]
pub struct Y4mWriter<W> {
    to: W,
    rate: FrameRate,
    chroma: Y4mChroma,
    written: Option<(Shape, PixelFormat)>,
    /// Whether a frame was written in part.
    is_torn: bool,
    planes: [Vec<u8>; 3],
}

impl<W: Write> Y4mWriter<W> {
    /// A writer that has written nothing. Give it something buffered.
    pub fn new(to: W, rate: FrameRate, chroma: Y4mChroma) -> Self {
        Self { to, rate, chroma, written: None, is_torn: false, planes: Default::default() }
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// [`Y4mError`]. Nothing is written of a frame that is refused. After [`Y4mError::Io`] a frame may be there in
    /// part, and no further one is written.
    pub fn write(&mut self, frame: &Frame) -> Result<(), Y4mError> {
        let (shape, format) = (frame.shape(), frame.pixel_format());
        Self::check(frame)?;
        if let Some((expected, expected_format)) = self.written.filter(|first| *first != (shape, format)) {
            let (found, found_format) = (shape, format);
            return Err(Y4mError::FormatChanged { expected, expected_format, found, found_format });
        }
        if self.is_torn {
            return Err(io::Error::other("an earlier frame was written in part").into());
        }
        // Before anything is written, so that nothing is of a frame that cannot be converted.
        if format != PixelFormat::Gray {
            self.fill_planes(frame)?;
        }
        self.is_torn = true;
        if self.written.is_none() {
            let header = self.header(format, shape, self.rate);
            self.to.write_all(header.as_bytes())?;
        }
        self.to.write_all(b"FRAME\n")?;
        if format == PixelFormat::Gray {
            self.to.write_all(frame.pixels())?;
        } else {
            for plane in &self.planes {
                self.to.write_all(plane)?;
            }
        }
        (self.written, self.is_torn) = (Some((shape, format)), false);
        Ok(())
    }

    /// Writes what is still in buffers, and gives back what was written to.
    ///
    /// # Errors
    /// [`Y4mError::Io`].
    pub fn finish(mut self) -> Result<W, Y4mError> {
        self.to.flush()?;
        Ok(self.to)
    }

    /// Writes what is still in buffers.
    ///
    /// # Errors
    /// [`Y4mError::Io`].
    pub fn flush(&mut self) -> Result<(), Y4mError> {
        Ok(self.to.flush()?)
    }

    /// Whether there are such pixels in Y4M.
    pub(crate) fn check(frame: &Frame) -> Result<(), Y4mError> {
        let (pixel_format, element_type) = (frame.pixel_format(), frame.element_type());
        if element_type != ElementType::U8 || pixel_format == PixelFormat::Unspecified {
            return Err(Y4mError::Unsupported { pixel_format, element_type });
        }
        Ok(())
    }

    /// The header with another rate, of the same length; `None` while none is written.
    pub(crate) fn header_with(&self, rate: FrameRate) -> Option<String> {
        self.written.map(|(shape, format)| self.header(format, shape, rate))
    }

    /// What it writes to.
    pub(crate) fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    fn header(&self, format: PixelFormat, shape: Shape, rate: FrameRate) -> String {
        let pixels = match (format, self.chroma) {
            (PixelFormat::Gray, _) => "mono",
            // The mean of four pixels lies between them, which is what the name says.
            (_, Y4mChroma::C420) => "420jpeg XCOLORRANGE=LIMITED",
            (_, Y4mChroma::C444) => "444 XCOLORRANGE=LIMITED",
        };
        let (width, height) = (shape.width(), shape.height());
        let rate = format!("{}:{}", rate.frames(), rate.seconds());
        // A comment makes it as long for each rate, so that a recorder can put another in its place.
        let padding = "-".repeat(LONGEST_RATE.saturating_sub(rate.len()));
        format!("YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C{pixels} X{padding}\n")
    }

    fn fill_planes(&mut self, frame: &Frame) -> Result<(), Y4mError> {
        let (width, height) = (frame.width(), frame.height());
        let sampling = match self.chroma {
            Y4mChroma::C420 => ChromaSampling::C420,
            Y4mChroma::C444 => ChromaSampling::C444,
        };
        let (chroma_width, chroma_height) = sampling.chroma_size(width, height);
        let chroma_len = chroma_width as usize * chroma_height as usize;
        let [y, u, v] = &mut self.planes;
        y.resize(width as usize * height as usize, 0);
        u.resize(chroma_len, 0);
        v.resize(chroma_len, 0);
        let mut image = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(y),
            y_stride: width,
            u_plane: BufferStoreMut::Borrowed(u),
            u_stride: chroma_width,
            v_plane: BufferStoreMut::Borrowed(v),
            v_stride: chroma_width,
            width,
            height,
        };
        let convert = match (self.chroma, frame.pixel_format()) {
            (Y4mChroma::C420, PixelFormat::Rgb) => yuv::rgb_to_yuv420,
            (Y4mChroma::C420, PixelFormat::Bgra) => yuv::bgra_to_yuv420,
            (Y4mChroma::C420, PixelFormat::Rgba) => yuv::rgba_to_yuv420,
            (Y4mChroma::C420, _) => yuv::bgr_to_yuv420,
            (Y4mChroma::C444, PixelFormat::Rgb) => yuv::rgb_to_yuv444,
            (Y4mChroma::C444, PixelFormat::Bgra) => yuv::bgra_to_yuv444,
            (Y4mChroma::C444, PixelFormat::Rgba) => yuv::rgba_to_yuv444,
            (Y4mChroma::C444, _) => yuv::bgr_to_yuv444,
        };
        let ColourSpace { matrix, range } = ColourSpace::UNTAGGED;
        let stride = width.saturating_mul(frame.channels().into());
        let mode = YuvConversionMode::Balanced;
        match contained(|| convert(&mut image, frame.pixels(), stride, range, matrix, mode)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Y4mError::Conversion { reason: error.to_string() }),
            Err(panic) => Err(Y4mError::Conversion { reason: panic }),
        }
    }
}

/// Why a frame is not written as Y4M.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Y4mError {
    /// Y4M has no such pixels.
    #[error(
        "Y4M takes no {pixel_format} pixels of {element_type} elements; record to a folder of PNGs instead"
    )]
    Unsupported {
        /// The pixel format of the frame.
        pixel_format: PixelFormat,
        /// The elements of the frame.
        element_type: ElementType,
    },
    /// The frame is not like those before it.
    #[error(
        "a frame of {found} ({found_format}) follows frames of {expected} ({expected_format}), \
         and a Y4M file has frames of one kind; record to a folder of PNGs instead"
    )]
    FormatChanged {
        /// The shape of the first frame.
        expected: Shape,
        /// Its pixel format.
        expected_format: PixelFormat,
        /// The shape of this frame.
        found: Shape,
        /// Its pixel format.
        found_format: PixelFormat,
    },
    /// The library that converts gave up or panicked, which no frame should make it do.
    #[error(
        "a frame could not be converted to YUV: {reason}; this is a fault of the library's, please report it"
    )]
    Conversion {
        /// What it says.
        reason: String,
    },
    /// The bytes cannot be written.
    #[error("cannot write Y4M: {0}")]
    Io(#[from] io::Error),
}
