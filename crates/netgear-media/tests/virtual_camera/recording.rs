//! What the camera's driver writes into its buffers, as it is: for the tests that run without one.

use std::{fs, process::Command};

use crate::{
    FORMATS,
    media::{proto::Frame, save_picture},
    vivid,
};

const SIZE: (u32, u32) = (320, 180);

/// The bytes of a row in the first plane, without padding.
fn row(fourcc: &str) -> u32 {
    match fourcc {
        "YUYV" | "UYVY" => SIZE.0 * 2,
        "RGB3" | "BGR3" => SIZE.0 * 3,
        _ => SIZE.0,
    }
}

/// A buffer of the format with rows of so many bytes, recorded by a program that knows nothing of ours.
fn record(fourcc: &str, stride: u32) -> Vec<u8> {
    let (width, height) = SIZE;
    let format =
        format!("--set-fmt-video=width={width},height={height},pixelformat={fourcc},bytesperline={stride}");
    let output = Command::new("v4l2-ctl")
        // The first buffers are as the camera was when it was plugged in.
        .args([&format, "--stream-mmap", "--stream-skip=2", "--stream-count=1", "--stream-to=/tmp/buffer"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{fourcc}: {errors}");
    fs::read("/tmp/buffer").unwrap()
}

/// `cargo xtask camera-test --record` keeps what this prints: each buffer as a gray picture whose rows are the
/// buffer's.
#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn buffers_have_the_rows_that_the_driver_was_told() {
    for (format, fourcc) in FORMATS {
        for padding in [0, 64] {
            vivid::plug_in_anew();
            let stride = row(fourcc) + padding;
            let buffer = record(fourcc, stride);
            let chroma_rows = if matches!(format, "nv12" | "i420" | "yv12") { SIZE.1 / 2 } else { 0 };
            assert_eq!(
                buffer.len(),
                (stride * (SIZE.1 + chroma_rows)) as usize,
                "{format}, rows of {stride}"
            );
            let picture = Frame::gray8(stride, SIZE.1 + chroma_rows, buffer).unwrap();
            save_picture(&picture, "/tmp/buffer.png").unwrap();
            let hex: String =
                fs::read("/tmp/buffer.png").unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
            println!("RECORDED {format}-{stride} {hex}");
        }
    }
}
