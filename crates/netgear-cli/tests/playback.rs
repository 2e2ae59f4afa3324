//! Parts of films, films of uneven pace, and loops, from the program to a receiver.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use std::{path::PathBuf, time::Duration};

use common::{Program, film, folder, has, run, same_frames, stream, text};
use netgear::{
    media::{FrameSource, OpenOptions, Section, Source},
    prelude::{Frame, FrameReceiver},
};

fn clip() -> PathBuf {
    film(
        "section.mp4",
        "-f lavfi -i testsrc2=size=160x120:rate=30 -t 3 -c:v libx264 -bf 2 -g 20 -pix_fmt yuv420p",
    )
}

#[test]
fn a_part_of_a_film_is_sent_and_probed() {
    if !has("ffmpeg", "a_part_of_a_film_is_sent_and_probed") {
        return;
    }
    let clip = clip();
    let part = ["--start", "0:00:01.1", "--duration", "0.5"];
    let probed = run(&[&["probe", text(&clip), "--json"], &part[..]].concat()).ok().json();
    assert_eq!((probed["frames"].as_u64(), probed["seconds"].as_f64()), (Some(15), Some(0.5)));

    let folder = folder();
    let snapshot = folder.path().join("last.png");
    let (serve, view) = stream(
        &[&[text(&clip), "--fps", "max", "--digest"], &part[..]].concat(),
        &["--digest", "--snapshot", text(&snapshot)],
    );
    assert_eq!(same_frames(&serve.ok().json(), &view.ok().json()), 15);
    // The last frame of the part is the 48th of the film.
    let mut whole = Source::Path(clip).open(&OpenOptions::new()).unwrap();
    let last = std::iter::from_fn(|| whole.next_frame().unwrap()).nth(47).unwrap();
    let mut found = Source::Path(snapshot).open(&OpenOptions::new()).unwrap();
    assert!(found.next_frame().unwrap().unwrap().frame == last.frame);
}

#[test]
fn a_start_past_the_end_and_a_time_that_is_none_are_errors() {
    if !has("ffmpeg", "a_start_past_the_end_and_a_time_that_is_none_are_errors") {
        return;
    }
    let clip = clip();
    for command in ["probe", "serve"] {
        run(&[command, text(&clip), "--start", "3"]).fails(1, &["section.mp4", "past the end", "3.000 s"]);
        run(&[command, text(&clip), "--start", "1:75"]).fails(2, &["--start", "1:75", "1:01:30.250"]);
        run(&[command, text(&clip), "--duration", "0"]).fails(1, &["nothing to show"]);
    }
}

/// When each of the first frames was sent, after the first.
fn sent(arguments: &[&str], frames: usize) -> (Vec<Duration>, Vec<Frame>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let receiver = FrameReceiver::builder().bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let endpoint = receiver.endpoint().unwrap().to_string();
        let _serve = Program::start(&[&["serve", "--connect", &endpoint], arguments].concat());
        let (mut times, mut pictures) = (Vec::new(), Vec::new());
        while times.len() < frames {
            let delivery = receiver.recv().await.unwrap().unwrap();
            times.push(delivery.captured_at.unwrap().as_micros());
            pictures.push(delivery.frame);
        }
        let first = times[0];
        (times.iter().map(|&time| Duration::from_micros(time.saturating_sub(first))).collect(), pictures)
    })
}

/// A film whose frames last 100, 800, 100, 700 and 300 ms, sent over and over: each goes out when it is due, and the
/// first one of a round when the last is over.
#[test]
fn frames_go_out_at_the_pace_of_the_film_and_a_loop_keeps_it() {
    if !has("ffmpeg", "frames_go_out_at_the_pace_of_the_film_and_a_loop_keeps_it") {
        return;
    }
    let uneven = film(
        "uneven.gif",
        "-f lavfi -t 1.75 -i testsrc2=size=64x48:rate=10 -vf select='eq(n\\,0)+eq(n\\,1)+eq(n\\,9)+eq(n\\,10)+eq(n\\,17)' \
         -vsync vfr -final_delay 30",
    );
    let mut source = Source::Path(uneven.clone()).open(&OpenOptions::new()).unwrap();
    let frames: Vec<_> = std::iter::from_fn(|| source.next_frame().unwrap()).collect();
    let times: Vec<_> = frames.iter().map(|frame| frame.time.as_millis()).collect();
    assert_eq!(times, [0, 100, 900, 1000, 1700]);
    assert_eq!(source.info().duration, Some(Duration::from_millis(2000)));
    let due = [0, 100, 900, 1000, 1700, 2000, 2100, 2900].map(Duration::from_millis);

    // A busy machine may be late, but not each time.
    let is_punctual = (0..5).any(|_| {
        let (sent, pictures) = sent(&[text(&uneven), "--loop"], due.len());
        for (number, picture) in pictures.iter().enumerate() {
            assert!(*picture == frames[number % 5].frame, "frame {number}");
        }
        println!("sent at {sent:?}");
        sent.iter().zip(due).all(|(sent, due)| sent.abs_diff(due) < Duration::from_millis(120))
    });
    assert!(is_punctual);

    // A part of it has the same pace, from the middle of a frame on.
    let mut part = Section::new(source, Duration::from_millis(500), None).unwrap();
    part.rewind().unwrap();
    let times: Vec<_> =
        std::iter::from_fn(|| part.next_frame().unwrap()).map(|frame| frame.time.as_millis()).collect();
    assert_eq!(times, [0, 400, 500, 1200]);
}
