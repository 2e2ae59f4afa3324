//! What a frame takes to encode and to decode, as JPEG and without loss. The names have the bytes of the encoded
//! frame.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netgear_benches::Content;
use netgear_media::FrameCodec;
use netgear_media::proto::{ChromaSubsampling, Codec, EncodingChoice, JpegQuality};

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

fn encodings(c: &mut Criterion) {
    for (size, width, height) in SIZES {
        for content in [Content::TestPattern, Content::Photograph] {
            let frames = content.frames(width, height, 1).expect("it is a size");
            let frame = frames.first().expect("there is one");
            let content = content.name();
            for choice in choices() {
                let codec = FrameCodec::new();
                let encode = || codec.encode(black_box(frame), choice).expect("the encoder works");
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
