//! What a camera writes into a buffer, to a frame.

use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat};
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvPackedImage, YuvPlanarImage};

use crate::CameraFormat;
use crate::jpeg::{JpegDecoder, JpegError};
use crate::yuv_to_bgr::ColourSpace;

/// How the pixels lie in a buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RawLayout {
    pub(crate) format: CameraFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The bytes from the start of a row to that of the next, in the first plane; 0 for rows without padding. It says nothing
    /// of JPEG. The planes of chroma have the same, or half of it where theirs are half as wide, as V4L2 has it.
    pub(crate) stride: u32,
    /// What YUV means; the rest knows it.
    pub(crate) colour: ColourSpace,
}

/// Why the bytes make no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RawFrameError {
    /// There are too few of them.
    #[error("it has {found} bytes of {expected}")]
    Short {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The rows would overlap, or the frame is larger than memory.
    #[error("frames of {width}×{height} pixels with rows of {stride} bytes cannot be")]
    Layout {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes in a row.
        stride: u32,
    },
    /// The library that converts does not take them.
    #[error("it cannot be converted: {reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// It is a JPEG picture, and a bad one.
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    /// It is a JPEG picture of another size.
    #[error("it has {}×{} pixels in place of {}×{}", found.0, found.1, expected.0, expected.1)]
    Size {
        /// The width and height that were agreed on.
        expected: (u32, u32),
        /// Those of the picture.
        found: (u32, u32),
    },
}

/// Turns buffers into frames: gray ones to gray, all others to BGR.
#[derive(Debug)]
pub(crate) struct RawFrames {
    layout: RawLayout,
    /// Those that there are; the others have no rows.
    planes: [Plane; 3],
    /// The bytes that a buffer has at least.
    expected: usize,
    frame_len: usize,
    pool: BufferPool,
    jpeg: JpegDecoder,
    /// A buffer without its padding.
    tight: Vec<u8>,
}

/// Where a plane lies in a buffer. All was checked once, so nothing overflows.
#[derive(Debug, Clone, Copy, Default)]
struct Plane {
    start: usize,
    stride: usize,
    /// The bytes of a row that are pixels.
    row: usize,
    rows: usize,
}

impl RawFrames {
    /// For buffers of this layout.
    pub(crate) fn new(layout: RawLayout, max_frame_bytes: usize) -> Result<Self, RawFrameError> {
        let RawLayout { width, height, stride, .. } = layout;
        let impossible = RawFrameError::Layout { width, height, stride };
        let (planes, expected, frame_len) = layout.planes().ok_or(impossible)?;
        let jpeg = JpegDecoder::new(max_frame_bytes);
        Ok(Self { layout, planes, expected, frame_len, pool: BufferPool::default(), jpeg, tight: Vec::new() })
    }

    /// The type of the elements and the meaning of the channels of the frames.
    pub(crate) const fn pixels(&self) -> (ElementType, PixelFormat) {
        let format = match self.layout.format {
            CameraFormat::Gray => PixelFormat::Gray,
            _ => PixelFormat::Bgr,
        };
        (ElementType::U8, format)
    }

    /// The frame in a buffer, of which only the bytes that were written are given.
    pub(crate) fn convert(&mut self, bytes: &[u8]) -> Result<Frame, RawFrameError> {
        let RawLayout { format, width, height, stride, colour } = self.layout;
        if format == CameraFormat::Mjpeg {
            let frame = self.jpeg.decode(bytes)?;
            let (expected, found) = ((width, height), (frame.width(), frame.height()));
            return if found == expected { Ok(frame) } else { Err(RawFrameError::Size { expected, found }) };
        }

        let short = RawFrameError::Short { expected: self.expected, found: bytes.len() };
        let bytes = bytes.get(..self.expected).ok_or(short)?;
        let tight = if self.planes.iter().all(|plane| plane.stride == plane.row) {
            bytes
        } else {
            // `yuv` takes padding for pixels at the end of a row (0.8.20), so it gets none.
            self.tight.clear();
            for plane in &self.planes {
                let rows = bytes.get(plane.start..).unwrap_or_default().chunks(plane.stride.max(1));
                for row in rows.take(plane.rows) {
                    self.tight.extend_from_slice(row.get(..plane.row).unwrap_or(row));
                }
            }
            &self.tight
        };
        let [first, second, third] = self.planes.map(|plane| plane.row * plane.rows);
        // The planes were laid out for that many bytes.
        let impossible = RawFrameError::Layout { width, height, stride };
        let (first, rest) = tight.split_at_checked(first).ok_or(impossible.clone())?;
        let (second, rest) = rest.split_at_checked(second).ok_or(impossible.clone())?;
        let third = rest.get(..third).ok_or(impossible.clone())?;

        let mut frame = self.pool.take(self.frame_len);
        frame.resize(self.frame_len, 0);
        let (range, matrix) = (colour.range, colour.matrix);
        let (out, out_stride) = (frame.as_mut(), width * 3);
        let columns = width.div_ceil(2);
        let converted = match format {
            CameraFormat::Gray | CameraFormat::Bgr => {
                out.copy_from_slice(first);
                Ok(())
            }
            CameraFormat::Rgb => yuv::rgb_to_bgr(first, out_stride, out, out_stride, width, height),
            CameraFormat::Yuyv | CameraFormat::Uyvy => {
                let image = YuvPackedImage { yuy: first, yuy_stride: columns * 4, width, height };
                let convert =
                    if format == CameraFormat::Yuyv { yuv::yuyv422_to_bgr } else { yuv::uyvy422_to_bgr };
                convert(&image, out, out_stride, range, matrix)
            }
            CameraFormat::Nv12 => {
                let (y_plane, uv_plane, uv_stride) = (first, second, columns * 2);
                let image = YuvBiPlanarImage { y_plane, y_stride: width, uv_plane, uv_stride, width, height };
                yuv::yuv_nv12_to_bgr(&image, out, out_stride, range, matrix, YuvConversionMode::Balanced)
            }
            CameraFormat::I420 | CameraFormat::Yv12 => {
                let (u_plane, v_plane) =
                    if format == CameraFormat::I420 { (second, third) } else { (third, second) };
                let image = YuvPlanarImage {
                    y_plane: first,
                    y_stride: width,
                    u_plane,
                    u_stride: columns,
                    v_plane,
                    v_stride: columns,
                    width,
                    height,
                };
                yuv::yuv420_to_bgr(&image, out, out_stride, range, matrix)
            }
            // Decoded above.
            CameraFormat::Mjpeg => return Err(impossible),
        };
        // All that the library asks for was checked, so it has no reason to refuse.
        converted.map_err(|error| RawFrameError::Refused { reason: error.to_string() })?;
        let pixels = self.pool.freeze(frame);
        let frame = match format {
            CameraFormat::Gray => Frame::gray8(width, height, pixels),
            _ => Frame::bgr8(width, height, pixels),
        };
        frame.map_err(|error| RawFrameError::Refused { reason: error.to_string() })
    }
}

impl RawLayout {
    /// The planes, the bytes that a buffer has at least, and those of the frame. `None` if rows would overlap, or the numbers
    /// are too large.
    fn planes(self) -> Option<([Plane; 3], usize, usize)> {
        let (width, height) = (usize::try_from(self.width).ok()?, usize::try_from(self.height).ok()?);
        let (columns, chroma_rows) = (width.div_ceil(2), height.div_ceil(2));
        let channels: u32 = if self.format == CameraFormat::Gray { 1 } else { 3 };
        self.width.checked_mul(4)?;
        let frame_len = self.width.checked_mul(channels)? as usize;
        let frame_len = frame_len.checked_mul(height)?;
        if frame_len == 0 {
            return None;
        }
        let row = match self.format {
            CameraFormat::Bgr | CameraFormat::Rgb => width * 3,
            CameraFormat::Yuyv | CameraFormat::Uyvy => columns * 4,
            CameraFormat::Nv12 | CameraFormat::I420 | CameraFormat::Yv12 | CameraFormat::Gray => width,
            CameraFormat::Mjpeg => return Some(([Plane::default(); 3], 0, frame_len)),
        };
        let stride = if self.stride == 0 { row } else { self.stride as usize };
        let chroma = match self.format {
            CameraFormat::Nv12 => Some((columns * 2, stride.max(columns * 2), 1)),
            CameraFormat::I420 | CameraFormat::Yv12 => Some((columns, stride.div_ceil(2), 2)),
            _ => None,
        };
        let mut planes = [Plane { start: 0, stride, row, rows: height }, Plane::default(), Plane::default()];
        if let Some((row, stride, count)) = chroma {
            let mut start = planes[0].len()?;
            for plane in planes.iter_mut().skip(1).take(count) {
                *plane = Plane { start, stride, row, rows: chroma_rows };
                start = start.checked_add(plane.len()?)?;
            }
        }
        // The last row of all needs no padding behind it.
        let last = planes.iter().rfind(|plane| plane.rows > 0)?;
        let end = last.start.checked_add(last.len()?)? - (last.stride - last.row);
        Some((planes, end, frame_len))
    }
}

impl Plane {
    /// With its padding. `None` if the rows would overlap, or the numbers are too large.
    fn len(self) -> Option<usize> {
        if self.stride < self.row { None } else { self.stride.checked_mul(self.rows) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    const MAX: usize = 64 << 20;
    /// The formats that are rows of bytes, and what ffmpeg calls them.
    const RAW: [(CameraFormat, &str); 8] = [
        (CameraFormat::Bgr, "bgr24"),
        (CameraFormat::Rgb, "rgb24"),
        (CameraFormat::Yuyv, "yuyv422"),
        (CameraFormat::Uyvy, "uyvy422"),
        (CameraFormat::Nv12, "nv12"),
        (CameraFormat::I420, "yuv420p"),
        // ffmpeg has no name for it; the test puts V and U in their places.
        (CameraFormat::Yv12, "yuv420p"),
        (CameraFormat::Gray, "gray"),
    ];

    fn layout(format: CameraFormat, width: u32, height: u32, stride: u32) -> RawLayout {
        RawLayout { format, width, height, stride, colour: ColourSpace::UNTAGGED }
    }

    fn frames(layout: RawLayout) -> RawFrames {
        RawFrames::new(layout, MAX).unwrap()
    }

    /// The rows of each plane: how many, and how long.
    fn rows(format: CameraFormat, width: usize, height: usize) -> Vec<(usize, usize)> {
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        match format {
            CameraFormat::Bgr | CameraFormat::Rgb => vec![(height, width * 3)],
            CameraFormat::Yuyv | CameraFormat::Uyvy => vec![(height, half_width * 4)],
            CameraFormat::Nv12 => vec![(height, width), (half_height, half_width * 2)],
            CameraFormat::I420 | CameraFormat::Yv12 => {
                vec![(height, width), (half_height, half_width), (half_height, half_width)]
            }
            CameraFormat::Gray => vec![(height, width)],
            CameraFormat::Mjpeg => unreachable!(),
        }
    }

    /// The bytes that a camera would write, with rows of `stride` bytes, from the bytes without padding. The padding is full of
    /// what would be seen.
    fn padded(tight: &[u8], format: CameraFormat, (width, height): (u32, u32), stride: usize) -> Vec<u8> {
        let (mut rest, mut buffer) = (tight, Vec::new());
        for (plane, (rows, len)) in rows(format, width as usize, height as usize).into_iter().enumerate() {
            let halved = plane > 0 && matches!(format, CameraFormat::I420 | CameraFormat::Yv12);
            let stride = if halved { stride / 2 } else { stride };
            for _ in 0..rows {
                let (row, after) = rest.split_at(len);
                buffer.extend_from_slice(row);
                buffer.resize(buffer.len() + stride - len, 0xA5);
                rest = after;
            }
        }
        assert!(rest.is_empty());
        buffer
    }

    /// A picture with every colour in it, as a buffer of that format without padding, by ffmpeg. `None` without ffmpeg.
    fn recorded(pixel_format: &str, (width, height): (u32, u32)) -> Option<Vec<u8>> {
        let source = format!("testsrc2=size={width}x{height}:rate=1");
        let arguments =
            ["-f", "lavfi", "-i", &source, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", pixel_format, "-"];
        ffmpeg(&arguments, &[])
    }

    /// What ffmpeg makes of those bytes.
    fn reference(bytes: &[u8], pixel_format: &str, (width, height): (u32, u32), to: &str) -> Option<Vec<u8>> {
        let size = format!("{width}x{height}");
        let input = ["-f", "rawvideo", "-pix_fmt", pixel_format, "-s", &size, "-i", "-"];
        // Its exact arithmetic: by default it rounds down in three places. Chroma is not interpolated, here or there.
        let output =
            ["-sws_flags", "neighbor+accurate_rnd+full_chroma_int", "-f", "rawvideo", "-pix_fmt", to, "-"];
        ffmpeg(&[input.as_slice(), &output].concat(), bytes)
    }

    fn ffmpeg(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        let child = Command::new("ffmpeg")
            .args(
                ["-nostdin", "-v", "error"]
                    .iter()
                    .filter(|argument| input.is_empty() || **argument != "-nostdin"),
            )
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no ffmpeg on the PATH");
            return None;
        };
        // Smaller than what ffmpeg writes before it has read all, or the pipe would fill on both sides.
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success(), "ffmpeg {arguments:?}");
        Some(output.stdout)
    }

    fn assert_near(found: &[u8], expected: &[u8], mean: f64, most: u8, name: &str) {
        assert_eq!(found.len(), expected.len(), "{name}");
        let apart = found.iter().zip(expected).map(|(found, expected)| found.abs_diff(*expected));
        let found_mean = apart.clone().map(f64::from).sum::<f64>() / found.len() as f64;
        let worst = apart.max().unwrap();
        assert!(found_mean <= mean && worst <= most, "{name}: mean {found_mean}, worst {worst}");
    }

    #[test]
    fn every_format_is_as_ffmpeg_converts_it_with_and_without_padding() {
        for (format, pixel_format) in RAW {
            // Widths that are a whole number of SIMD registers, and some over.
            for size in [(320, 240), (646, 62), (2, 2)] {
                let Some(tight) = recorded(pixel_format, size) else { return };
                let name = format!("{format} {size:?}");
                let to = if format == CameraFormat::Gray { "gray" } else { "bgr24" };
                let expected = reference(&tight, pixel_format, size, to).unwrap();
                let mut buffer = tight.clone();
                if format == CameraFormat::Yv12 {
                    let luma = (size.0 * size.1) as usize;
                    let (u, v) = tight[luma..].split_at(luma / 4);
                    buffer = [&tight[..luma], v, u].concat();
                }
                let row = rows(format, size.0 as usize, size.1 as usize)[0].1;
                for stride in [0, row, row + 2, row.next_multiple_of(256), row + 1022] {
                    let bytes =
                        if stride == 0 { buffer.clone() } else { padded(&buffer, format, size, stride) };
                    let frame =
                        frames(layout(format, size.0, size.1, stride as u32)).convert(&bytes).unwrap();
                    assert_eq!((frame.width(), frame.height()), size, "{name}");
                    assert_near(
                        frame.pixels(),
                        &expected,
                        1.0,
                        2,
                        &format!("{name}, rows of {stride} bytes"),
                    );
                }
            }
        }
    }

    type Bar = ([u8; 3], [u8; 3]);

    /// The eight colours of bars, as BT.601 of limited range has them in Y, U and V, and as blue, green and red.
    const BARS: [Bar; 8] = [
        ([235, 128, 128], [255, 255, 255]),
        ([210, 16, 146], [0, 255, 255]),
        ([170, 166, 16], [255, 255, 0]),
        ([145, 54, 34], [0, 255, 0]),
        ([106, 202, 222], [255, 0, 255]),
        ([81, 90, 240], [0, 0, 255]),
        ([41, 240, 110], [255, 0, 0]),
        ([16, 128, 128], [0, 0, 0]),
    ];

    /// Bars of two columns, in four rows.
    fn bars(format: CameraFormat) -> Vec<u8> {
        let row = |of_bar: fn(&Bar) -> Vec<u8>| BARS.iter().flat_map(of_bar).collect::<Vec<u8>>();
        let luma = row(|([y, _, _], _)| vec![*y; 2]).repeat(4);
        let (u, v) = (row(|([_, u, _], _)| vec![*u]).repeat(2), row(|([_, _, v], _)| vec![*v]).repeat(2));
        match format {
            CameraFormat::Bgr => row(|(_, bgr)| bgr.repeat(2)).repeat(4),
            CameraFormat::Rgb => row(|(_, [b, g, r])| [*r, *g, *b].repeat(2)).repeat(4),
            CameraFormat::Yuyv => row(|([y, u, v], _)| vec![*y, *u, *y, *v]).repeat(4),
            CameraFormat::Uyvy => row(|([y, u, v], _)| vec![*u, *y, *v, *y]).repeat(4),
            CameraFormat::Nv12 => [luma, row(|([_, u, v], _)| vec![*u, *v]).repeat(2)].concat(),
            CameraFormat::I420 => [luma, u, v].concat(),
            CameraFormat::Yv12 => [luma, v, u].concat(),
            CameraFormat::Gray => luma,
            CameraFormat::Mjpeg => unreachable!(),
        }
    }

    #[test]
    fn every_colour_comes_out_of_every_format_with_and_without_padding() {
        for (format, _) in RAW {
            let row = rows(format, 16, 4)[0].1;
            for stride in [row, row + 2, row + 48] {
                let bytes = padded(&bars(format), format, (16, 4), stride);
                let frame = frames(layout(format, 16, 4, stride as u32)).convert(&bytes).unwrap();
                let channels = frame.channels() as usize;
                for (index, pixel) in frame.pixels().chunks_exact(channels).enumerate() {
                    let ([y, _, _], bgr) = &BARS[index % 16 / 2];
                    let expected = if channels == 1 { std::slice::from_ref(y) } else { bgr.as_slice() };
                    let is_near =
                        pixel.iter().zip(expected).all(|(found, expected)| found.abs_diff(*expected) <= 2);
                    assert!(
                        is_near,
                        "{format}, rows of {stride} bytes, pixel {index}: {pixel:?} for {expected:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_short_buffer_is_an_error_and_one_without_the_last_padding_is_not() {
        for (format, _) in RAW {
            let size = (32, 8);
            let row = rows(format, 32, 8)[0].1;
            for stride in [row, row + 64] {
                let tight: Vec<u8> = (0..rows(format, 32, 8).iter().map(|(rows, len)| rows * len).sum())
                    .map(|index: usize| index as u8)
                    .collect();
                let whole = padded(&tight, format, size, stride);
                let mut frames = frames(layout(format, size.0, size.1, stride as u32));
                let frame = frames.convert(&whole).unwrap();
                // What a driver counts may end with the last pixel.
                let halved = matches!(format, CameraFormat::I420 | CameraFormat::Yv12);
                let padding = if halved { (stride - row) / 2 } else { stride - row };
                let end = whole.len() - padding;
                assert_eq!(frames.convert(&whole[..end]).as_ref(), Ok(&frame), "{format}");
                for found in [end - 1, end / 2, 1, 0] {
                    let error = RawFrameError::Short { expected: end, found };
                    assert_eq!(frames.convert(&whole[..found]), Err(error), "{format}");
                }
            }
        }
    }

    #[test]
    fn the_tags_of_the_colours_count() {
        let mut bt709 = layout(CameraFormat::Yuyv, 2, 2, 0);
        bt709.colour = ColourSpace::from_h273(1, false).unwrap();
        // Pure red, as BT.709 codes it.
        let red = [63, 102, 63, 240].repeat(2);
        let frame = frames(bt709).convert(&red).unwrap();
        let pixel = &frame.pixels()[..3];
        assert!(pixel[0] <= 1 && pixel[1] <= 1 && pixel[2] >= 254, "{pixel:?}");
        let untagged = frames(layout(CameraFormat::Yuyv, 2, 2, 0)).convert(&red).unwrap();
        assert!(untagged.pixels()[2].abs_diff(235) < 20 && untagged.pixels() != frame.pixels());
    }

    #[test]
    fn layouts_that_cannot_be_are_refused() {
        for bad in [
            layout(CameraFormat::Yuyv, 640, 480, 1279),
            layout(CameraFormat::Bgr, 640, 480, 640),
            layout(CameraFormat::Nv12, 640, 480, 639),
            layout(CameraFormat::Gray, 0, 480, 0),
            layout(CameraFormat::Gray, 640, 0, 0),
            layout(CameraFormat::Rgb, u32::MAX, 480, 0),
        ] {
            assert!(matches!(RawFrames::new(bad, MAX), Err(RawFrameError::Layout { .. })), "{bad:?}");
        }
    }

    #[test]
    fn odd_sides_have_room_for_their_chroma() {
        for (format, len) in [
            (CameraFormat::Yuyv, 3 * 8),
            (CameraFormat::Nv12, 9 + 2 * 4),
            (CameraFormat::I420, 9 + 4 + 4),
            (CameraFormat::Gray, 9),
        ] {
            let mut frames = frames(layout(format, 3, 3, 0));
            assert!(frames.convert(&vec![128; len]).is_ok(), "{format}");
            assert!(frames.convert(&vec![128; len - 1]).is_err(), "{format}");
        }
    }

    #[test]
    fn jpeg_is_as_ffmpeg_decodes_it_and_of_the_size_that_was_agreed_on() {
        // Soft colours: where chroma is half as wide, JPEG decoders smooth it, and ffmpeg's scaler does not.
        let source = "gradients=size=320x240:speed=0.01:x0=0:y0=0:x1=320:y1=240:c0=0x204080:c1=0xe0a020:n=2,format=yuvj422p";
        let arguments =
            ["-f", "lavfi", "-i", source, "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "2", "-f", "mjpeg", "-"];
        let Some(jpeg) = ffmpeg(&arguments, &[]) else { return };
        let expected =
            ffmpeg(&["-f", "mjpeg", "-i", "-", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"], &jpeg).unwrap();
        let found = frames(layout(CameraFormat::Mjpeg, 320, 240, 0)).convert(&jpeg).unwrap();
        assert_near(found.pixels(), &expected, 1.0, 4, "mjpeg");
        let other = frames(layout(CameraFormat::Mjpeg, 640, 480, 0)).convert(&jpeg);
        assert_eq!(other, Err(RawFrameError::Size { expected: (640, 480), found: (320, 240) }));
    }
}
