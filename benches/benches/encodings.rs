//! What a frame takes to encode and to decode, as JPEG and without loss. The names have the bytes of the encoded frame.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netgear_media::proto::{ChromaSubsampling, Codec, EncodingChoice, Frame, JpegQuality};
use netgear_media::{FrameCodec, TestPattern};

const SIZES: [(&str, u32, u32); 2] = [("720p", 1280, 720), ("1080p", 1920, 1080)];

fn choices() -> [EncodingChoice; 5] {
    let jpeg = |quality, subsampling| EncodingChoice::Jpeg {
        quality: JpegQuality::new(quality).expect("it is a quality"),
        subsampling,
    };
    [
        jpeg(80, ChromaSubsampling::Quarter),
        jpeg(90, ChromaSubsampling::Quarter),
        jpeg(80, ChromaSubsampling::Half),
        jpeg(80, ChromaSubsampling::Full),
        EncodingChoice::Lossless,
    ]
}

/// Hills of all sizes, and grain: as much detail as a photograph has, which is what costs.
fn photograph(width: u32, height: u32) -> Frame {
    let hash = |x: u32, y: u32, seed: u32| {
        let mixed = (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b)).wrapping_add(seed);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
        f32::from(((mixed ^ (mixed >> 13)) >> 16) as u16) / 65_535.0
    };
    // Between four corners, without an edge.
    let hills = |x: u32, y: u32, size: u32, seed: u32| {
        let (column, row) = (x / size, y / size);
        let (across, down) = ((x % size) as f32 / size as f32, (y % size) as f32 / size as f32);
        let top = hash(column, row, seed) * (1.0 - across) + hash(column + 1, row, seed) * across;
        let below = hash(column, row + 1, seed) * (1.0 - across) + hash(column + 1, row + 1, seed) * across;
        top * (1.0 - down) + below * down
    };
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            let octaves = [(256, 90.0), (64, 60.0), (16, 36.0), (5, 22.0)];
            let light: f32 = octaves.iter().map(|&(size, high)| hills(x, y, size, size) * high).sum();
            for channel in 0..3 {
                let tint = hills(x, y, 120, 1000 + channel) * 40.0;
                let grain = hash(x, y, 2000 + channel) * 7.0;
                pixels.push((light + tint + grain).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Frame::bgr8(width, height, pixels).expect("the bytes fit the size")
}

fn encodings(c: &mut Criterion) {
    for (size, width, height) in SIZES {
        let pattern = TestPattern::new(format!("{width}x{height}").parse().expect("it is a size"));
        for (content, frame) in
            [("test pattern", pattern.frame(0)), ("photograph", photograph(width, height))]
        {
            for choice in choices() {
                let codec = FrameCodec::new();
                let encode = || codec.encode(black_box(&frame), choice).expect("the encoder works");
                let encoded = encode().expect("it becomes smaller");
                let mut group = c.benchmark_group(format!(
                    "{size} {content} as {choice} of {} bytes",
                    encoded.bytes().len()
                ));
                group.throughput(Throughput::Elements(1));
                group.bench_function("encode", |b| b.iter(encode));
                group.bench_function("decode", |b| {
                    b.iter(|| codec.decode(black_box(&encoded)).expect("it is whole"));
                });
                group.finish();
            }
        }
    }
}

criterion_group!(benches, encodings);
criterion_main!(benches);
