//! What ffmpeg says of itself on its standard error.

use std::collections::VecDeque;
use std::io::BufRead;
use std::time::Duration;

use crate::FrameRate;

/// The longest line that is kept of it.
const LINE_LEN: usize = 512;

/// The start of the next line, without its end; the rest of a long one is left out.
pub(super) fn read_line(lines: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let available = lines.fill_buf().ok()?;
        if available.is_empty() {
            return (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned());
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let room = LINE_LEN.saturating_sub(line.len());
        line.extend(part.iter().take(room));
        let consumed = end.map_or(available.len(), |end| end + 1);
        lines.consume(consumed);
        if end.is_some() {
            return Some(String::from_utf8_lossy(&line).into_owned());
        }
    }
}

/// Of the last lines, the last one that says what went wrong, without the name of the part that says it.
pub(super) fn cause(lines: &VecDeque<String>) -> Option<String> {
    // What only follows from that, or is advice on options which nobody here has given.
    const ECHOES: [&str; 4] =
        ["To ignore this,", "Conversion failed!", "Error marking filters", "Error opening input files"];
    let says_why = |line: &&String| !ECHOES.iter().any(|echo| line.starts_with(echo));
    let line = lines.iter().rev().find(says_why).or_else(|| lines.back())?;
    if line.contains("matches no streams") {
        return Some("there is no video in it".to_owned());
    }
    // `[mov,mp4,m4a @ 0x55a5a5022a40] moov atom not found`
    let said = match line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
        Some((part, said)) if part.contains(" @ 0x") => said,
        _ => line,
    };
    Some(said.to_owned())
}

/// What ffmpeg says that it will put out.
#[derive(Debug, PartialEq)]
pub(super) struct Output {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rate: Option<FrameRate>,
    pub(super) rate_varies: bool,
    pub(super) duration: Option<Duration>,
    pub(super) codec: String,
}

/// What the log has said so far.
#[derive(Default)]
pub(super) struct Description {
    is_output: bool,
    duration: Option<Duration>,
    codec: Option<String>,
    /// Of the input: its frames over the time that they take.
    average: Option<FrameRate>,
    /// Of the input: the rate that all times of its frames fit, which is the unit of the times where they fit no
    /// other.
    common: Option<FrameRate>,
}

impl Description {
    /// Takes in a line; the one that describes the output completes the description.
    pub(super) fn line(&mut self, line: &str) -> Option<Output> {
        let line = line.trim_start();
        // ffmpeg forgets to end some of its lines, so it may not be at the start of one.
        if line.contains("Output #0, nut, to 'pipe:1'") {
            self.is_output = true;
        }
        if let Some(duration) = line.strip_prefix("Duration: ") {
            self.duration = duration.split(',').next().and_then(parse_duration);
        }
        let (_, video) = line.split_once(" Video: ").filter(|_| line.starts_with("Stream #"))?;
        if !self.is_output {
            let codec = video.split([' ', ',']).next().unwrap_or_default();
            if self.codec.is_none() {
                self.codec = Some(codec.to_owned());
                (self.average, self.common) = (rate_in(video, " fps"), rate_in(video, " tbr"));
            }
            return None;
        }
        // `rawvideo (BGR[24] / 0x18524742), bgr24(progressive), 1280x720 [SAR 1:1 DAR 16:9], q=2-31, 663552 kb/s, 30
        // fps, …`
        let fields = || video.split(',').map(str::trim);
        let (width, height) = fields().find_map(|field| {
            let (width, height) = field.split(' ').next()?.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        })?;
        // Where no rate fits all frames, ffmpeg gives the unit of their times as one: 90k in MP4, 1k in Matroska.
        let is_unit = |rate: FrameRate| rate.frames_per_second() >= 1000.0 && self.average != Some(rate);
        let (rate, rate_varies) = (rate_in(video, " fps"), self.common.is_some_and(is_unit));
        let rate = if rate.is_some_and(is_unit) { self.average } else { rate };
        let codec = self.codec.clone().unwrap_or_else(|| "unknown".to_owned());
        Some(Output { width, height, rate, rate_varies, duration: self.duration, codec })
    }
}

/// The rate of this unit in the description of a stream.
fn rate_in(video: &str, unit: &str) -> Option<FrameRate> {
    video.split(',').find_map(|field| parse_rate(field.trim().strip_suffix(unit)?))
}

/// `00:01:02.50`, or `N/A`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let minutes = hours.trim().parse::<u32>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?;
    let seconds = f64::from(minutes) * 60.0 + seconds.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// ffmpeg rounds to two decimals and shortens thousands to `k`; the rates of NTSC are put right again.
fn parse_rate(text: &str) -> Option<FrameRate> {
    match text {
        "23.98" => FrameRate::new(24_000, 1001),
        "29.97" => FrameRate::new(30_000, 1001),
        "59.94" => FrameRate::new(60_000, 1001),
        "119.88" => FrameRate::new(120_000, 1001),
        _ => match text.strip_suffix('k') {
            Some(thousands) => FrameRate::new(thousands.parse::<u32>().ok()?.checked_mul(1000)?, 1),
            None => text.parse().ok(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn the_log_describes_the_output() {
        let mut description = Description::default();
        for line in [
            "Input #0, mov,mp4, from 'file:a Video: 7x7.mp4':",
            "  Duration: 00:01:02.50, start: 0.000000, bitrate: 3099 kb/s",
            "  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 1920x1080, 30 fps",
            "  Stream #0:1[0x2](und): Audio: aac (LC), 44100 Hz, mono",
            "Stream mapping:",
            "(ffmpeg-devel@ffmpeg.org)Output #0, nut, to 'pipe:1':",
        ] {
            assert_eq!(description.line(line), None, "{line}");
        }
        let line = "  Stream #0:0(und): Video: rawvideo (BGR[24] / 0x18524742), bgr24(progressive), \
                    1080x1920 [SAR 1:1 DAR 9:16], q=2-31, 1491 kb/s, 29.97 fps, 29.97 tbn";
        let expected = Output {
            width: 1080,
            height: 1920,
            rate: FrameRate::new(30_000, 1001),
            rate_varies: false,
            duration: Some(Duration::from_millis(62_500)),
            codec: "h264".to_owned(),
        };
        assert_eq!(description.line(line), Some(expected));
    }

    /// As ffmpeg 5.1 describes recordings of a wavering pace.
    #[test]
    fn the_unit_of_time_is_no_rate() {
        let average = |text: &str| text.parse::<FrameRate>().ok();
        for (input, output, rate, rate_varies) in [
            ("1942.45 fps, 90k tbr, 90k tbn", "90k fps", average("1942.45"), true),
            ("84.2 fps, 90k tbr, 90k tbn", "90k fps", average("84.2"), true),
            ("19.99 fps, 90k tbr, 90k tbn", "19.99 fps", average("19.99"), true),
            ("1k tbr, 1k tbn", "1k fps", None, true),
            ("1k fps, 1k tbr, 16k tbn", "1k fps", average("1000"), false),
            ("19.97 fps, 20 tbr, 90k tbn", "20 fps", average("20"), false),
        ] {
            let mut description = Description::default();
            description.line(&format!("  Stream #0:0: Video: h264 (High), yuv420p(tv), 160x120, {input}"));
            description.line("Output #0, nut, to 'pipe:1':");
            let found = description
                .line(&format!("  Stream #0:0: Video: rawvideo, bgr24(pc), 160x120 [SAR 1:1], {output}"))
                .unwrap();
            assert_eq!((found.rate, found.rate_varies), (rate, rate_varies), "{input}");
        }
    }

    /// As ffmpeg 5.1 says it of texts.
    #[test]
    fn the_cause_is_one_line() {
        for (lines, expected) in [
            (&[][..], None),
            (
                &[
                    "[lrc @ 0x55e5a5022a40] Format lrc detected only with low score of 5, misdetection possible!",
                    "Stream map '0:v:0' matches no streams.",
                    "To ignore this, add a trailing '?' to the map.",
                ],
                Some("there is no video in it"),
            ),
            (
                &[
                    "[sunrast @ 0x55ef067bc5c0] this is not sunras encoded data",
                    "Cannot determine format of input stream 0:0 after EOF",
                    "Error marking filters as finished",
                    "Conversion failed!",
                ],
                Some("Cannot determine format of input stream 0:0 after EOF"),
            ),
            (&["[mp4 @ 0x5612dcc44a40] moov atom not found"], Some("moov atom not found")),
            (&["[1] Invalid data found"], Some("[1] Invalid data found")),
            (&["Conversion failed!"], Some("Conversion failed!")),
        ] {
            let lines = lines.iter().map(|&line| line.to_owned()).collect();
            assert_eq!(cause(&lines).as_deref(), expected);
        }
    }

    #[test]
    fn long_lines_are_cut_and_the_next_one_found() {
        let text = format!("{}\nshort\nlast", "x".repeat(100_000));
        let mut lines = BufReader::new(text.as_bytes());
        assert_eq!(read_line(&mut lines).unwrap().len(), LINE_LEN);
        assert_eq!(read_line(&mut lines).unwrap(), "short");
        assert_eq!(read_line(&mut lines).unwrap(), "last");
        assert_eq!(read_line(&mut lines), None);
    }
}
