//! The ffmpeg child process, and other formats against it.

mod common;

use std::time::{Duration, Instant};

use common::{assert_like_ffmpeg, built_in, difference, ffmpeg, film, has_ffmpeg, open};
use netgear_media::{Decoder, FrameStream, Looped, OpenError, OpenOptions, Source};

fn by_ffmpeg() -> OpenOptions {
    OpenOptions::new().with_decoder(Decoder::Ffmpeg)
}

#[test]
fn ffmpeg_gives_its_own_frames_and_describes_them() {
    if !has_ffmpeg("ffmpeg_gives_its_own_frames_and_describes_them") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A name that would be an option, and one that would be a protocol.
    for name in ["-i.mkv", "http:a.mkv"] {
        let film = film(folder.path(), "plain.mkv", "162x122", "1", "-c:v libx264 -pix_fmt yuv420p");
        let path = folder.path().join(name);
        std::fs::rename(film, &path).unwrap();
        let mut source = open(&path, &by_ffmpeg());
        let info = source.info().clone();
        assert_eq!((info.width, info.height, info.frames), (162, 122, Some(30)));
        assert_eq!((info.codec.as_str(), info.decoder.as_str()), ("h264", "ffmpeg"));
        assert_eq!(info.duration, Some(Duration::from_secs(1)));
        let mut frames = 0;
        while let Some(frame) = source.next_frame().unwrap() {
            // Matroska has milliseconds.
            let time = info.frame_rate.unwrap().time_of(frames);
            assert!(frame.time.abs_diff(time) < Duration::from_millis(1), "{:?}", frame.time);
            frames += 1;
        }
        assert_eq!(frames, 30);
        source.rewind().unwrap();
        assert!(source.next_frame().unwrap().is_some());
        // Past the end it is one of the last frames.
        source.seek(Duration::MAX).unwrap();
        assert_eq!(source.next_frame().unwrap().map(|frame| frame.time), Some(Duration::ZERO));
    }
}

#[test]
fn a_turned_film_has_its_turned_size() {
    if !has_ffmpeg("a_turned_film_has_its_turned_size") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let flat = film(folder.path(), "flat.mp4", "160x120", "0.2", "-c:v mpeg4");
    let turned = folder.path().join("turned.mp4");
    ffmpeg(&format!("-i {} -c copy -metadata:s:v:0 rotate=90", flat.display()), &turned);
    let info = Source::Path(turned).probe(&by_ffmpeg()).unwrap();
    assert_eq!((info.width, info.height), (120, 160));
}

#[test]
fn ffmpegs_reason_is_in_the_error() {
    if !has_ffmpeg("ffmpegs_reason_is_in_the_error") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    std::fs::write(&path, "not a video").unwrap();
    let error = Source::Path(path).open(&OpenOptions::new()).err().unwrap();
    assert!(matches!(&error, OpenError::Ffmpeg { log, .. } if log.contains("Invalid data")), "{error}");
    let url: Source = "http://127.0.0.1:1/none".parse().unwrap();
    let error = url.open(&OpenOptions::new()).err().unwrap();
    assert!(matches!(&error, OpenError::Ffmpeg { log, .. } if log.contains("refused")), "{error}");
}

/// A source that sends nothing: it is given up after the time set, and its process with it.
#[test]
fn a_source_that_does_not_answer_is_given_up() {
    if !has_ffmpeg("a_source_that_does_not_answer_is_given_up") {
        return;
    }
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/stream", silent.local_addr().unwrap());
    let options = OpenOptions::new().with_ffmpeg_timeout(Duration::from_millis(500));
    let started = Instant::now();
    let error = url.parse::<Source>().unwrap().open(&options).err().unwrap();
    assert!(matches!(&error, OpenError::Ffmpeg { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn dropping_a_stream_ends_ffmpeg_at_once() {
    if !has_ffmpeg("dropping_a_stream_ends_ffmpeg_at_once") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "film.mkv", "320x240", "2", "-c:v libx264 -pix_fmt yuv420p");
    let source = Looped::new(open(&path, &by_ffmpeg()));
    let mut stream = FrameStream::spawn(source);
    assert!(stream.next().unwrap().is_ok());
    let started = Instant::now();
    drop(stream);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_canceller_outlives_a_rewind_and_leaves_nothing_to_rewind() {
    if !has_ffmpeg("a_canceller_outlives_a_rewind_and_leaves_nothing_to_rewind") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "film.mkv", "320x240", "10", "-c:v mpeg4");
    let mut source = open(&path, &by_ffmpeg());
    let canceller = source.canceller().unwrap();
    source.rewind().unwrap();
    assert!(source.next_frame().unwrap().is_some());
    canceller.cancel();
    let mut frames = 0;
    while let Ok(Some(_)) = source.next_frame() {
        frames += 1;
    }
    assert!(frames < 299, "it went on to the end");
    assert!(source.rewind().is_err());
}

#[test]
fn y4m_of_every_chroma_is_as_ffmpeg_reads_it() {
    if !has_ffmpeg("y4m_of_every_chroma_is_as_ffmpeg_reads_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (pixel_format, size) in
        [("yuv420p", "320x240"), ("yuv422p", "320x240"), ("yuv444p", "320x240"), ("yuv420p", "318x238")]
    {
        let path = film(folder.path(), "film.y4m", size, "0.2", &format!("-pix_fmt {pixel_format}"));
        assert_eq!(open(&path, &built_in()).info().decoder, "y4m");
        let (frames, worst) = assert_like_ffmpeg(&path, &built_in());
        eprintln!("{pixel_format} {size}: worst {worst:?}");
        assert_eq!(frames, 6);
    }
    let gray = film(folder.path(), "gray.y4m", "320x240", "0.1", "-pix_fmt gray");
    let mut source = open(&gray, &built_in());
    let expected = common::Reference::new(&gray, "gray", 320 * 240).next().unwrap();
    assert_eq!(source.next_frame().unwrap().unwrap().frame.pixels(), &expected);
    let deep = film(folder.path(), "deep.y4m", "320x240", "0.1", "-pix_fmt yuv420p10le -strict -1");
    assert_eq!(Source::Path(deep).probe(&OpenOptions::new()).unwrap().decoder, "ffmpeg");
}

#[test]
fn a_gif_is_as_ffmpeg_reads_it() {
    if !has_ffmpeg("a_gif_is_as_ffmpeg_reads_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.gif");
    ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=10 -t 1", &path);
    let mut source = open(&path, &built_in());
    assert_eq!((source.info().frames, source.info().decoder.as_str()), (Some(10), "gif"));
    let mut reference = common::Reference::new(&path, "bgr24", 160 * 120 * 3);
    for number in 0..10 {
        let found = source.next_frame().unwrap().unwrap();
        assert_eq!(found.time, Duration::from_millis(100 * number));
        assert_eq!(difference(found.frame.pixels(), &reference.next().unwrap()).mean, 0.0, "frame {number}");
    }
    assert_eq!(source.next_frame().unwrap(), None);
}

#[test]
fn what_the_recorder_writes_ffmpeg_reads() {
    if !has_ffmpeg("what_the_recorder_writes_ffmpeg_reads") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.y4m");
    let mut pattern = netgear_media::TestPattern::new("322x242@25".parse().unwrap());
    let mut recorder = netgear_media::Recorder::create(&path, &netgear_media::RecordOptions::new()).unwrap();
    for number in 0..10 {
        recorder.write(&pattern.frame(number), std::time::Duration::from_millis(40 * number)).unwrap();
    }
    recorder.finish().unwrap();
    assert_eq!(assert_like_ffmpeg(&path, &built_in()).0, 10);
}
