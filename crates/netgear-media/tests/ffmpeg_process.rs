//! What becomes of the ffmpeg child process: when its source goes silent, and when this program is killed.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "it is test code, outside the test functions too"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{ffmpeg, has_ffmpeg};
use netgear_media::{FrameSource, FrameStream, OpenError, OpenOptions, ReadError, Source};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An ffmpeg that serves a live stream to whoever connects first, with what must not be told to anyone in the URL.
struct Camera {
    child: Child,
    url: String,
}

impl Camera {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30"])
            .args(["-c:v", "mpeg2video", "-g", "10", "-f", "mpegts", "-listen", "1"])
            .arg(format!("http://127.0.0.1:{port}/live"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, url: format!("http://user:secret@127.0.0.1:{port}/live") }
    }

    /// Tries until it listens.
    fn open(&self, options: &OpenOptions) -> Box<dyn FrameSource> {
        let source: Source = self.url.parse().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match source.open(options) {
                Ok(source) => return source,
                Err(error) => {
                    assert!(matches!(error, OpenError::Ffmpeg { .. }), "{error}");
                    assert!(!error.to_string().contains("secret"), "{error}");
                    assert!(Instant::now() < deadline, "{error}");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes whose command line has this in it, this one and its like left out.
fn processes_with(text: &str) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
    processes
        .filter(|process| {
            let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(text)
        })
        .collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_live_stream_plays_and_one_that_goes_silent_is_an_error_in_time() {
    if !has_ffmpeg("a_live_stream_plays_and_one_that_goes_silent_is_an_error_in_time") {
        return;
    }
    let camera = Camera::start();
    let mut source = camera.open(&OpenOptions::new().with_stall_timeout(Duration::from_secs(2)));
    assert_eq!((source.info().width, source.info().duration), (320, None));
    let mut last = None;
    for _ in 0..10 {
        let frame = source.next_frame().unwrap().unwrap();
        assert!(last.is_none_or(|last| frame.time > last), "{:?} after {last:?}", frame.time);
        last = Some(frame.time);
    }
    camera.signal("-STOP");
    let stopped = Instant::now();
    let error = loop {
        match source.next_frame() {
            // What was on its way.
            Ok(frame) => assert!(frame.is_some()),
            Err(error) => break error,
        }
    };
    assert!(stopped.elapsed() >= Duration::from_millis(1900), "{:?}", stopped.elapsed());
    assert!(stopped.elapsed() < Duration::from_secs(30), "{:?}", stopped.elapsed());
    assert!(matches!(&error, ReadError::Stalled { frames: 10.., .. }), "{error}");
    assert!(
        error.to_string().contains("user:***@127.0.0.1") && !error.to_string().contains("secret"),
        "{error}"
    );
    assert_eq!(source.next_frame().unwrap(), None);
}

#[test]
fn a_stream_whose_server_dies_ends_and_a_silent_one_is_cancelled_at_once() {
    if !has_ffmpeg("a_stream_whose_server_dies_ends_and_a_silent_one_is_cancelled_at_once") {
        return;
    }
    let camera = Camera::start();
    let mut source = camera.open(&OpenOptions::new());
    assert!(source.next_frame().unwrap().is_some());
    camera.signal("-KILL");
    let ended = Instant::now();
    while let Ok(Some(_)) = source.next_frame() {}
    assert!(ended.elapsed() < Duration::from_secs(20));

    let camera = Camera::start();
    let mut stream = FrameStream::spawn(camera.open(&OpenOptions::new()));
    assert!(stream.next().unwrap().is_ok());
    camera.signal("-STOP");
    let url = camera.url.clone();
    // The server's own command line has no password.
    wait_until("ffmpeg", || !processes_with(&url).is_empty());
    drop(stream);
    wait_until("the end of ffmpeg", || processes_with(&url).is_empty());
}

/// Runs this test program again as the one that is killed.
#[test]
fn no_ffmpeg_outlives_a_killed_program_even_if_the_stream_is_silent() {
    if !has_ffmpeg("no_ffmpeg_outlives_a_killed_program_even_if_the_stream_is_silent") {
        return;
    }
    let camera = Camera::start();
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "plays_until_it_is_killed"])
        .env("NETGEAR_TEST_CAMERA", &camera.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("it plays")), "it did not play");
    camera.signal("-STOP");
    let url = camera.url.clone();
    assert!(!processes_with(&url).is_empty());
    // Silence, in which nothing happens of itself.
    std::thread::sleep(Duration::from_millis(500));
    assert!(!processes_with(&url).is_empty());
    program.kill().unwrap();
    program.wait().unwrap();
    wait_until("the end of ffmpeg", || processes_with(&url).is_empty());
}

#[test]
#[ignore = "the test above runs it, and kills it"]
fn plays_until_it_is_killed() {
    let url = std::env::var("NETGEAR_TEST_CAMERA").unwrap();
    let camera = Camera { child: Command::new("true").spawn().unwrap(), url };
    // The thread that opens the source ends; its process must not.
    let opened = std::thread::scope(|scope| scope.spawn(|| camera.open(&OpenOptions::new())).join().unwrap());
    let mut source = opened;
    for _ in 0..30 {
        assert!(source.next_frame().unwrap().is_some());
    }
    eprintln!("thirty frames");
    println!("it plays");
    while source.next_frame().unwrap().is_some() {}
    std::thread::sleep(PATIENCE);
}

/// Frames at uneven times, as they are, through ffmpeg and without it.
#[test]
fn uneven_times_are_kept_by_every_decoder() {
    if !has_ffmpeg("uneven_times_are_kept_by_every_decoder") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uneven.mp4");
    // Frames 0, 1, 4, 9, 16, 25, … of a hundred a second, each shown until the next, and the last one for a fifth of
    // a second.
    ffmpeg(
        "-f lavfi -t 1.02 -i testsrc2=size=160x120:rate=100 \
         -vf select='eq(mod(sqrt(n)\\,1)\\,0)' -vsync vfr -enc_time_base 1:100 -c:v libx264 -bf 2 -pix_fmt yuv420p",
        &path,
    );
    let expected: Vec<Duration> = (0..=10).map(|n| Duration::from_millis(10 * n * n)).collect();
    for decoder in [netgear_media::Decoder::BuiltIn, netgear_media::Decoder::Ffmpeg] {
        let options = OpenOptions::new().with_decoder(decoder);
        let mut source = Source::Path(path.clone()).open(&options).unwrap();
        let frames: Vec<_> = std::iter::from_fn(|| source.next_frame().unwrap()).collect();
        assert_eq!(frames.iter().map(|frame| frame.time).collect::<Vec<_>>(), expected, "{decoder:?}");
        for pair in frames.windows(2) {
            assert!(pair[0].duration.is_none_or(|duration| pair[0].time + duration == pair[1].time));
        }
        if decoder == netgear_media::Decoder::BuiltIn {
            let last = frames.last().unwrap();
            assert_eq!(Some(last.time + last.duration.unwrap()), source.info().duration);
        }
    }
}
