//! Damaged files: errors or wrong pictures, never a panic here, never an end that does not come, never unbounded
//! memory.
//!
//! The files are read in a child process, this test again, which has a hard limit of memory: 512 MiB, address space
//! and all.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is test code, outside the test functions too"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs, panic, process, thread};

use common::{built_in, ffmpeg, film, has_ffmpeg};
use netgear_media::{OpenOptions, Recorder, Source, TestPattern, TimedFrame, save_picture, write_jpeg};

/// How a child is told what to read.
const CHILD: &str = "NETGEAR_DAMAGED_FILES";
/// No file takes a second; other programs may take the machine.
const DEADLINE: Duration = Duration::from_secs(120);
const MOST_MEMORY_KIB: u64 = 512 << 10;

/// A small generator of numbers, the same in each run (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// What is done to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// It is cut to this share of its length, of so many.
    Cut { part: usize, of: usize },
    /// So many bits are turned over, between these places.
    Flips { seed: u64, flips: usize, from: usize, to: usize },
}

impl Damage {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Cut { part, of } => bytes.truncate(bytes.len() * part / of),
            Self::Flips { seed, flips, from, to } => {
                let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
                (0..8).for_each(|_| numbers.0 = numbers.0.rotate_left(numbers.next(64) as u32));
                for _ in 0..flips {
                    let at = from + numbers.next(to.min(bytes.len()) - from);
                    bytes[at] ^= 1 << numbers.next(8);
                }
            }
        }
    }
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    frames: u64,
    error: Option<String>,
}

/// Reads what is there, to the end or the first error, behind which there must be nothing. No more frames come than
/// `most`.
fn read(path: &Path, options: &OpenOptions, most: u64) -> Read {
    let mut source = match Source::Path(path.to_owned()).open(options) {
        Ok(source) => source,
        Err(error) => return Read { frames: 0, error: Some(error.to_string()) },
    };
    let mut frames = 0;
    loop {
        match source.next_frame() {
            Ok(Some(_)) => frames += 1,
            Ok(None) => return Read { frames, error: None },
            Err(error) => {
                assert_eq!(source.next_frame().unwrap(), None, "there was something behind the error");
                return Read { frames, error: Some(error.to_string()) };
            }
        }
        assert!(frames <= most, "more frames than the file has");
    }
}

/// A folder with damaged files. Each is named by the most frames that can come, a number, and what was done to which
/// file.
struct Damaged {
    folder: tempfile::TempDir,
    files: usize,
}

impl Damaged {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: 0 }
    }

    /// Adds damaged variants of a file, of which no more than so many frames can come.
    fn add(&mut self, path: &Path, most: u64, damages: impl IntoIterator<Item = Damage>) {
        let original = fs::read(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        for damage in damages {
            let mut bytes = original.clone();
            damage.apply(&mut bytes);
            let name = format!("{most}-{:04} {name} {damage:?}", self.files);
            fs::write(self.folder.path().join(name), bytes).unwrap();
            self.files += 1;
        }
    }

    /// Has them read by a child process, and gives what came of each.
    fn read(&self) -> Vec<Read> {
        let program = env::current_exe().unwrap();
        let mut command = if cfg!(unix) {
            // What a limit of the shell holds, its child cannot raise.
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -v {MOST_MEMORY_KIB} && exec \"$0\" \"$@\"")]).arg(program);
            shell
        } else {
            Command::new(program)
        };
        command.args(["--ignored", "--exact", "in_a_child", "--nocapture", "--test-threads=1"]);
        // Each thread would set aside 64 MiB of addresses for an arena of its own.
        command.env(CHILD, self.folder.path()).env("MALLOC_ARENA_MAX", "1").env("RUST_BACKTRACE", "0");
        let output = command.output().unwrap();
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let last = said.lines().last().unwrap_or_default();
        assert!(output.status.success(), "{}; it came to {last}\n{complained}", output.status);
        let read: Vec<Read> = said
            .lines()
            .filter_map(|line| line.strip_prefix("READ ")?.split_once(' '))
            .map(|(frames, error)| Read {
                frames: frames.parse().unwrap(),
                error: error.strip_prefix("ERROR ").map(str::to_owned),
            })
            .collect();
        assert_eq!(read.len(), self.files);
        let memory = said.lines().find_map(|line| line.strip_prefix("MEMORY ")).unwrap_or("unknown");
        let failed = read.iter().filter(|read| read.error.is_some()).count();
        eprintln!("{} files, {failed} with an error, at most {memory} in use", self.files);
        if let Some(kib) = memory.strip_suffix(" kB").and_then(|kib| kib.trim().parse::<u64>().ok()) {
            assert!(kib <= MOST_MEMORY_KIB, "{memory}");
        }
        read
    }
}

/// Not a test of its own: the tests below run it, in a process with little memory.
#[test]
#[ignore = "the other tests run it, with files to read"]
fn in_a_child() {
    let Some(folder) = env::var_os(CHILD) else { return };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_by_key(|path| number(path));
    let (begun, heard) = mpsc::channel::<String>();
    thread::spawn(move || {
        let mut last = String::new();
        loop {
            match heard.recv_timeout(DEADLINE) {
                Ok(name) => last = name,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    println!("no end of {last} in {DEADLINE:?}");
                    process::exit(1);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        println!("reading {name}");
        begun.send(name.clone()).unwrap();
        let most = name.split_once('-').unwrap().0.parse().unwrap();
        // One thread and several: they are different decoders.
        for threads in [2, 1] {
            let read = panic::catch_unwind(|| read(&path, &built_in().with_threads(threads), most));
            let read = read.unwrap_or_else(|_| {
                println!("a panic on {name}");
                process::exit(1);
            });
            if threads == 1 {
                match read.error {
                    Some(error) => println!("READ {} ERROR {}", read.frames, error.replace('\n', " ")),
                    None => println!("READ {} ", read.frames),
                }
            }
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(memory) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        println!("MEMORY {}", memory.trim());
    }
}

fn number(path: &Path) -> usize {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.split_once('-').unwrap().1.split_once(' ').unwrap().0.parse().unwrap()
}

fn cuts(of: usize) -> impl Iterator<Item = Damage> {
    (0..of).map(move |part| Damage::Cut { part, of })
}

fn flips(count: usize, seed: u64, flips: usize, from: usize, to: usize) -> impl Iterator<Item = Damage> {
    (0..count).map(move |number| Damage::Flips { seed: seed + number as u64, flips, from, to })
}

fn errors(read: &[Read]) -> usize {
    read.iter().filter(|read| read.error.is_some()).count()
}

/// That the child can fail: without the limit this would mean nothing.
#[test]
#[cfg(target_os = "linux")]
fn the_limit_of_memory_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.y4m");
    // A frame of a gigabyte, which is there as far as the file system knows.
    let file = fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut &file, b"YUV4MPEG2 W32768 H32768 F25:1 Cmono\nFRAME\n").unwrap();
    file.set_len((1 << 30) + 100).unwrap();
    let result = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MOST_MEMORY_KIB} && exec \"$0\" \"$@\"")])
        .arg(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "read_a_large_frame", "--nocapture"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    assert!(!result.status.success(), "{}", String::from_utf8_lossy(&result.stdout));
}

#[test]
#[ignore = "the test above runs it"]
fn read_a_large_frame() {
    let Some(path) = env::var_os(CHILD) else { return };
    read(Path::new(&path), &built_in().with_max_frame_bytes(usize::MAX), 1);
}

#[test]
fn two_hundred_damaged_mp4s() {
    if !has_ffmpeg("two_hundred_damaged_mp4s") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut damaged = Damaged::new();
    let x264 = "-c:v libx264 -movflags +faststart";
    let mut whole = Vec::new();
    for (number, (name, arguments)) in [
        // CABAC, B frames, an edit list.
        ("b-frames", "-pix_fmt yuv420p -profile:v main -bf 3 -b_strategy 0 -refs 4 -g 8"),
        // CAVLC, several slices.
        ("baseline", "-pix_fmt yuv420p -profile:v baseline -x264-params slices=3:keyint=6"),
        ("high-cavlc", "-pix_fmt yuv420p -profile:v high -coder 0 -bf 2 -x264-params 8x8dct=1:weightp=2"),
        ("ten-bits", "-pix_fmt yuv420p10le -bf 2 -g 8"),
        ("half-chroma", "-pix_fmt yuv422p -bf 2 -g 8"),
        ("interlaced", "-pix_fmt yuv420p -flags +ildct+ilme -x264-params tff=1:keyint=8"),
        ("intra", "-pix_fmt yuv420p -g 1"),
        ("open-gop", "-pix_fmt yuv420p -bf 3 -x264-params open_gop=1:keyint=6:b-pyramid=normal"),
        ("behind", "-pix_fmt yuv420p -bf 2 -movflags -faststart+negative_cts_offsets"),
        ("edited", "-pix_fmt yuv420p -bf 2 -ss 0.1 -g 4"),
    ]
    .into_iter()
    .enumerate()
    {
        let path =
            film(folder.path(), &format!("{name}.mp4"), "96x64", "0.5", &format!("{x264} {arguments}"));
        let Read { frames, error } = read(&path, &built_in(), 20);
        assert!(frames > 10 && error.is_none(), "{name}: {frames} frames, {error:?}");
        whole.push(frames);
        let bytes = fs::read(&path).unwrap();
        let media = bytes.windows(4).position(|window| window == b"mdat").unwrap();
        let tables = bytes.windows(4).position(|window| window == b"moov").unwrap();
        let tables_end = if tables < media { media } else { usize::MAX };
        let seed = 1000 * number as u64;
        damaged.add(&path, frames, cuts(6));
        // The tables: a flip may well be in a field that nobody reads, and one that is read may add frames.
        damaged.add(&path, u64::MAX, flips(6, seed, 1, tables, tables_end));
        damaged.add(&path, u64::MAX, flips(2, seed + 100, 12, tables, tables_end));
        damaged.add(&path, u64::MAX, flips(4, seed + 200, 1, media, usize::MAX));
        damaged.add(&path, u64::MAX, flips(2, seed + 300, 20, media, usize::MAX));
    }
    assert_eq!(damaged.files, 200);
    let read = damaged.read();
    assert!(errors(&read) > 100, "{}", errors(&read));
    for (variants, whole) in read.chunks(20).zip(whole) {
        // Nothing is a whole film, and of what is cut behind its tables the first frames are there.
        assert!(variants[..6].iter().all(|read| read.error.is_some() && read.frames < whole));
    }
    let partial = read.iter().filter(|read| read.frames > 0 && read.error.is_some()).count();
    assert!(partial > 30, "{partial}");
}

#[test]
fn damaged_y4m_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    let mut pattern = TestPattern::new("32x24".parse().unwrap());
    let mut recorder = Recorder::create(&path, &netgear_media::RecordOptions::new()).unwrap();
    for number in 0..4 {
        recorder.write(&pattern.frame(number), Duration::from_millis(40 * number)).unwrap();
    }
    recorder.finish().unwrap();
    assert_eq!(read(&path, &built_in(), 4), Read { frames: 4, error: None });
    let mut damaged = Damaged::new();
    damaged.add(&path, 4, cuts(97));
    damaged.add(&path, u64::MAX, flips(100, 1, 1, 0, 70));
    let read = damaged.read();
    // All but those that are cut between frames.
    assert!(errors(&read[..97]) >= 93);
    assert!(errors(&read[97..]) > 15, "{}", errors(&read[97..]));
}

#[test]
fn damaged_motion_jpeg() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("film.mjpeg");
    let mut pattern = TestPattern::new("64x48".parse().unwrap());
    let mut bytes = Vec::new();
    for number in 0..5 {
        write_jpeg(&pattern.frame(number), 80, &mut bytes).unwrap();
    }
    fs::write(&raw, bytes).unwrap();
    let mut films = vec![raw];
    if has_ffmpeg("damaged_motion_jpeg") {
        let avi = folder.path().join("film.avi");
        ffmpeg(
            "-f lavfi -i sine -f lavfi -i testsrc2=size=64x48:rate=10:duration=0.5 -t 0.5 -c:v mjpeg",
            &avi,
        );
        films.push(avi);
    }
    for path in films {
        let whole = read(&path, &built_in(), 5);
        assert_eq!(whole, Read { frames: 5, error: None }, "{}", path.display());
        let mut damaged = Damaged::new();
        damaged.add(&path, 5, cuts(60));
        damaged.add(&path, u64::MAX, flips(60, 7, 1, 0, usize::MAX));
        damaged.add(&path, u64::MAX, flips(60, 8000, 10, 0, usize::MAX));
        let read = damaged.read();
        // Cut between two pictures, a raw file is a shorter one; and one that has but its first is a picture.
        assert!(errors(&read[..60]) >= 55, "{}", errors(&read[..60]));
        assert!(read[..60].iter().any(|read| read.frames == 4 && read.error.is_some()));
        assert!(errors(&read[60..]) > 25, "{}", errors(&read[60..]));
    }
}

#[test]
fn damaged_pictures_and_animations() {
    let folder = tempfile::tempdir().unwrap();
    let mut pattern = TestPattern::new("32x24".parse().unwrap());
    let mut damaged = Damaged::new();
    for name in ["a.png", "a.jpg"] {
        let path = folder.path().join(name);
        save_picture(&pattern.frame(1), &path).unwrap();
        damaged.add(&path, 1, cuts(40));
        damaged.add(&path, 1, flips(60, 3, 1, 0, usize::MAX));
    }
    let read = damaged.read();
    assert!(errors(&read[..40]) == 40 && errors(&read[40..100]) > 45, "{}", errors(&read[..100]));
    if !has_ffmpeg("damaged_pictures_and_animations") {
        return;
    }
    for (name, arguments) in [
        ("film.gif", ""),
        ("film.apng", "-f apng"),
        ("lossless.webp", "-vf hue=h=n*40 -c:v libwebp_anim -lossless 1 -pix_fmt bgra"),
        ("lossy.webp", "-vf hue=h=n*40 -c:v libwebp_anim -pix_fmt yuva420p"),
        ("still.webp", "-c:v libwebp -frames:v 1"),
    ] {
        let path = film(folder.path(), name, "32x24", "0.2", arguments);
        let frames = self::read(&path, &built_in(), 6).frames;
        assert_eq!(frames, if name == "still.webp" { 1 } else { 6 }, "{name}");
        let mut damaged = Damaged::new();
        damaged.add(&path, frames, cuts(50));
        damaged.add(&path, u64::MAX, flips(50, 5, 1, 0, usize::MAX));
        damaged.add(&path, u64::MAX, flips(50, 6000, 10, 0, usize::MAX));
        let read = damaged.read();
        assert!(errors(&read[..50]) >= 48, "{name}: {}", errors(&read[..50]));
        if frames > 1 {
            assert!(read[..50].iter().any(|read| read.frames > 2 && read.error.is_some()), "{name}");
        }
    }
}

/// What was there before the damage is what would have been there without it.
#[test]
fn the_frames_before_the_damage_are_whole() {
    if !has_ffmpeg("the_frames_before_the_damage_are_whole") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("film.avi", "-c:v mjpeg"),
        ("film.mjpeg", "-c:v mjpeg -f mjpeg"),
        ("film.apng", "-f apng"),
        ("film.webp", "-vf hue=h=n*40 -c:v libwebp_anim -lossless 1 -pix_fmt bgra"),
        ("film.gif", ""),
        ("film.y4m", "-pix_fmt yuv420p"),
        ("film.mp4", "-c:v libx264 -pix_fmt yuv420p -bf 2 -g 5 -movflags +faststart"),
    ] {
        let path = film(folder.path(), name, "64x48", "1", arguments);
        let whole = frames(&path);
        assert_eq!(whole.len(), 30, "{name}");
        let bytes = fs::read(&path).unwrap();
        // In the middle of the pictures: of an AVI file the index comes behind them, of others headers before.
        fs::write(&path, &bytes[..bytes.len() * 7 / 10]).unwrap();
        let cut = frames(&path);
        assert!(cut.len() > 4 && cut.len() < 30, "{name}: {}", cut.len());
        // The last few of a film may be shown without those that they refer to.
        let sound = if name == "film.mp4" { cut.len() - 5 } else { cut.len() };
        assert_eq!(cut[..sound], whole[..sound], "{name}");
    }
}

fn frames(path: &Path) -> Vec<TimedFrame> {
    let mut source = Source::Path(path.to_owned()).open(&built_in()).unwrap();
    std::iter::from_fn(|| source.next_frame().ok().flatten()).collect()
}
