use std::{
    io::{self, BufRead, Write},
    thread,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What the bench tells an end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A sender: send so many frames, as fast as the window and the answers let it.
    Run {
        /// How many.
        frames: u64,
    },
    /// A sender: send frames in lock-step at a pace, each with its time of capture.
    Pace {
        /// Frames a second.
        fps: f64,
        /// How many.
        frames: u64,
    },
    /// A receiver: say what was counted.
    Report,
}

/// What an end says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It is bound here, or connected there.
    Ready {
        /// Where.
        endpoint: String,
    },
    /// The sender has done what it was told.
    Ran(Ran),
    /// What a receiver has counted.
    Report(Report),
    /// Sessions are held there, in the order of the command.
    Held(Vec<String>),
    /// It is over, and why.
    Failed(String),
}

/// What a command came to at the sender.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// From the first frame until the last answer was in.
    pub seconds: f64,
    /// The processor time of the sender's process, of all its threads.
    pub cpu_seconds: f64,
    /// How long each item of data took from the receiver's application to here, in microseconds; of paced frames
    /// only.
    #[serde(default)]
    pub back_us: Vec<f64>,
}

/// What a receiver has counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Since it was started.
    pub frames: u64,
    /// Of pixels, since it was started.
    pub bytes: u64,
    /// The processor time of the receiver's process, of all its threads, since it was started.
    pub cpu_seconds: f64,
    /// How long each frame with a time of capture took to the application, in microseconds, since the report before.
    #[serde(default)]
    pub latencies_us: Vec<f64>,
}

/// Writes one line.
pub(crate) fn say(said: &Said) {
    let Ok(mut line) = serde_json::to_vec(said) else { return };
    line.push(b'\n');
    let mut output = io::stdout().lock();
    // Nobody is left to tell if the bench is gone; the input ends then, too.
    let _ = output.write_all(&line).and_then(|()| output.flush());
}

/// Reads commands on a thread of their own, so that what drives a session meanwhile goes on. The end of the input is
/// that of the process: whoever started it needs it no longer, or is gone.
pub(crate) fn read_commands<C: DeserializeOwned>(mut handle: impl FnMut(C) + Send + 'static) {
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            match line.map(|line| serde_json::from_str(&line)) {
                Ok(Ok(command)) => handle(command),
                Ok(Err(error)) => say(&Said::Failed(format!("not a command: {error}"))),
                Err(_) => break,
            }
        }
        std::process::exit(0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that the ends in Python read and write, too.
    #[test]
    fn commands_and_answers_are_these_lines() {
        let commands = [
            (Command::Run { frames: 100 }, r#"{"run":{"frames":100}}"#),
            (Command::Pace { fps: 30.0, frames: 60 }, r#"{"pace":{"fps":30.0,"frames":60}}"#),
            (Command::Report, r#""report""#),
        ];
        for (command, line) in commands {
            assert_eq!(serde_json::to_string(&command).unwrap(), line);
            assert_eq!(serde_json::from_str::<Command>(line).unwrap(), command);
        }
        let said = [
            (Said::Ready { endpoint: "ipc:///a".into() }, r#"{"ready":{"endpoint":"ipc:///a"}}"#),
            (
                Said::Ran(Ran { seconds: 0.5, cpu_seconds: 0.25, back_us: vec![] }),
                r#"{"ran":{"seconds":0.5,"cpu_seconds":0.25,"back_us":[]}}"#,
            ),
            (Said::Failed("it is so".into()), r#"{"failed":"it is so"}"#),
        ];
        for (said, line) in said {
            assert_eq!(serde_json::to_string(&said).unwrap(), line);
            assert_eq!(serde_json::from_str::<Said>(line).unwrap(), said);
        }
        let short = r#"{"report":{"frames":1,"bytes":2,"cpu_seconds":0.5}}"#;
        let report = Report { frames: 1, bytes: 2, cpu_seconds: 0.5, latencies_us: vec![] };
        assert_eq!(serde_json::from_str::<Said>(short).unwrap(), Said::Report(report));
    }
}
