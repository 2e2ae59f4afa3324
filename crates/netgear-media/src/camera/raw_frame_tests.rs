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

/// The bytes that a camera would write, with rows of `stride` bytes, from the bytes without padding. The padding is
/// full of what would be seen.
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
                let bytes = if stride == 0 { buffer.clone() } else { padded(&buffer, format, size, stride) };
                let frame = frames(layout(format, size.0, size.1, stride as u32)).convert(&bytes).unwrap();
                assert_eq!((frame.width(), frame.height()), size, "{name}");
                assert_near(frame.pixels(), &expected, 1.0, 2, &format!("{name}, rows of {stride} bytes"));
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

/// The bars that the virtual camera of Linux shows, from left to right, as BGR; and as the gray that it makes of
/// them.
const RECORDED_BARS: [([u8; 3], u8); 8] = [
    ([191, 191, 191], 190),
    ([0, 191, 191], 176),
    ([191, 191, 0], 149),
    ([0, 191, 0], 136),
    ([191, 0, 191], 54),
    ([0, 0, 191], 40),
    ([191, 0, 0], 13),
    ([0, 0, 0], 0),
];

/// Buffers as its driver filled them, `cargo xtask camera-test --record`: each is kept as a gray picture with the
/// buffer's rows. The camera has two kinds of rows for every format, without padding and with 64 bytes.
#[test]
fn recorded_buffers_show_the_bars_and_short_ones_are_errors() {
    let size = (320, 180);
    for (format, _) in RAW {
        let row = rows(format, 320, 180)[0].1;
        for stride in [row, row + 64] {
            let name = format!("{format}-{stride}");
            let path = format!("{}/tests/data/camera/{name}.png", env!("CARGO_MANIFEST_DIR"));
            let buffer = image::open(path).unwrap().into_luma8().into_raw();
            let mut frames = frames(layout(format, size.0, size.1, stride as u32));
            let frame = frames.convert(&buffer).unwrap();
            let channels = frame.channels() as usize;
            // A row below the number of the frame, which stands at the top.
            let below = frame.pixels().chunks_exact(320 * channels).nth(150).unwrap();
            for (bar, (bgr, gray)) in RECORDED_BARS.iter().enumerate() {
                let found = &below[(bar * 40 + 20) * channels..][..channels];
                let expected = if channels == 1 { std::slice::from_ref(gray) } else { bgr.as_slice() };
                assert_near(found, expected, 5.0, 5, &format!("{name}, bar {bar}"));
            }
            // Where the driver was cut off: in the last row, after a plane, and before anything.
            let luma = stride * 180;
            for found in [buffer.len() - stride, luma.min(buffer.len() - stride), 1, 0] {
                let short = frames.convert(&buffer[..found]);
                assert!(matches!(short, Err(RawFrameError::Short { found: f, .. }) if f == found), "{name}");
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
    let source = "gradients=size=320x240:speed=0.01:x0=0:y0=0:x1=319:y1=239:c0=0x204080:c1=0xe0a020:n=2,format=yuvj422p";
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
