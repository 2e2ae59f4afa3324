//! What a frame takes to resize, beside `fast_image_resize` with the kernels nearest to ours. The pictures are not
//! the same: at the rims, and for the nearest pixel and the mean everywhere, only ours are OpenCV's.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, images::Image};
use netgear_media::{Filter, Resizer, TestPattern};

/// 1080p, and 30 % off.
const FROM: (u32, u32) = (1920, 1080);
const TO: (u32, u32) = (1344, 756);

/// Each filter of ours, and what is nearest to it.
const FILTERS: [(Filter, ResizeAlg); 8] = [
    (Filter::Nearest, ResizeAlg::Nearest),
    (Filter::Linear, ResizeAlg::Interpolation(FilterType::Bilinear)),
    (Filter::Cubic, ResizeAlg::Interpolation(FilterType::CatmullRom)),
    (Filter::Area, ResizeAlg::Convolution(FilterType::Box)),
    (Filter::Lanczos4, ResizeAlg::Interpolation(FilterType::Lanczos3)),
    (Filter::AntialiasedLinear, ResizeAlg::Convolution(FilterType::Bilinear)),
    (Filter::AntialiasedCubic, ResizeAlg::Convolution(FilterType::CatmullRom)),
    (Filter::AntialiasedLanczos3, ResizeAlg::Convolution(FilterType::Lanczos3)),
];

fn filters(c: &mut Criterion) {
    let frame = TestPattern::new("1920x1080".parse().expect("it is a size")).frame(0);
    for (filter, algorithm) in FILTERS {
        let mut group = c.benchmark_group(format!("resize BGR from 1080p to 70 %: {filter}"));
        group.throughput(Throughput::Elements(1));

        let mut resizer = Resizer::new();
        group.bench_function("netgear", |b| {
            b.iter(|| resizer.resize(black_box(&frame), TO.0, TO.1, filter).expect("it can be resized"));
        });

        let source = Image::from_vec_u8(FROM.0, FROM.1, frame.pixels().to_vec(), PixelType::U8x3)
            .expect("the memory fits the size");
        let mut target = Image::new(TO.0, TO.1, PixelType::U8x3);
        let mut resizer = fast_image_resize::Resizer::new();
        let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
        group.bench_function("fast_image_resize", |b| {
            b.iter(|| {
                resizer.resize(black_box(&source), &mut target, &options).expect("it can be resized");
            });
        });
        group.finish();
    }
}

criterion_group!(benches, filters);
criterion_main!(benches);
