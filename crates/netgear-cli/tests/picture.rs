//! What `serve` does with the pictures arrives at the other end, pixel by pixel.
#![allow(clippy::unwrap_used, reason = "it is part of the tests")]

mod common;

use common::{folder, same_frames, stream, text};
use netgear::media::{
    Annotation, Filter, Fit, Flip, FrameSource, OpenOptions, Pipeline, Region, Rotation, Source, TestPattern,
};
use netgear::prelude::{Frame, PixelFormat};

/// The frame of that number of the pattern that is served here.
fn pattern(number: u64) -> Frame {
    TestPattern::new("200x120@25".parse().unwrap()).frame(number)
}

/// What a receiver records as pictures of such a stream.
fn received(options: &[&str]) -> Vec<Frame> {
    let folder = folder();
    let pictures = folder.path().join("pictures/");
    let serve = ["test:200x120@25", "--fps", "max", "--frames", "3", "--digest"];
    let view = ["--record", text(&pictures), "--digest"];
    let (serve, view) = stream(&[&serve, options].concat(), &view);
    assert_eq!(same_frames(&serve.ok().json(), &view.ok().json()), 3, "{options:?}");
    let source: Source = text(&pictures).parse().unwrap();
    let mut source = source.open(&OpenOptions::new()).unwrap();
    let mut frames = Vec::new();
    while let Some(next) = source.next_frame().unwrap() {
        frames.push(next.frame);
    }
    frames
}

#[test]
fn frames_arrive_as_the_options_made_them() {
    let part = Region::new(30, 10, 100, 80);
    let cases: [(&[&str], (u32, u32), Pipeline); 4] = [
        (
            &["--crop", "100x80+30+10", "--flip", "v"],
            (100, 80),
            Pipeline::new().crop(part).flip(Flip::Vertical),
        ),
        (
            &["--rotate", "90", "--size", "64x64", "--fit", "letterbox:#102030", "--filter", "area"],
            (64, 64),
            Pipeline::new().rotate(Rotation::Clockwise90).fit(
                64,
                64,
                Fit::Letterbox("#102030".parse().unwrap()),
                Filter::Area,
            ),
        ),
        (
            &["--size", "100x100", "--fit", "fit", "--gray"],
            (100, 60),
            Pipeline::new().fit(100, 100, Fit::Inside, Filter::Lanczos4).convert(PixelFormat::Gray),
        ),
        (
            &["--annotate", "number", "--annotate", "größer {time}"],
            (200, 120),
            // 25 frames a second.
            Pipeline::new().draw(|canvas, stamp| {
                let text = format!("{}\ngrößer 0:00:00.{:03}", stamp.number, stamp.number * 40);
                canvas.text(&text, (5, 5), netgear::media::TextStyle::default());
            }),
        ),
    ];
    for (options, size, mut pipeline) in cases {
        let frames = received(options);
        assert_eq!(frames.len(), 3);
        for (number, frame) in (0..).zip(&frames) {
            let expected = pipeline.run(&pattern(number)).unwrap();
            assert_eq!((frame.width(), frame.height()), size, "{options:?}");
            assert_eq!(frame.channels(), expected.channels(), "{options:?}");
            assert!(frame.pixels() == expected.pixels(), "{options:?}, frame {number}");
        }
    }
}

/// What differs from frame to frame differs from frame to frame.
#[test]
fn an_annotation_is_another_one_on_each_frame() {
    let frames = received(&["--annotate", "{number}"]);
    let mut pipeline = Pipeline::new().annotate(Annotation::text("1"));
    assert!(frames[1] == pipeline.run(&pattern(1)).unwrap());
    assert!(frames[2] != pipeline.run(&pattern(2)).unwrap());
}

#[test]
fn a_part_that_the_frames_have_not_is_an_error_that_names_it() {
    let (serve, _view) = stream(&["test:200x120", "--crop", "100x100+150+0"], &["--wait", "5"]);
    serve.fails(1, &["crop", "100×100 at 150,0", "120×200×3"]);
}
