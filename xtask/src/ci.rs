//! All that CI proves: commands of xtask, each a process of its own.

use std::{
    env,
    env::consts::EXE_SUFFIX,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    process::{Logged, Outcome, human},
    tools,
    workspace::Workspace,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Install what is missing of ffmpeg, Python, Chromium and the tools of the camera test with apt-get, as is done
    /// when CI=true.
    #[arg(long)]
    install: bool,
}

/// Cheap steps first. Those of one line run beside one another: each of them keeps one core busy, or mostly waits.
/// What is measured against the clock runs alone. All debug builds are of the whole workspace with all features, so
/// that little is built twice.
const STEPS: [&[&str]; 11] = [
    &["lint"],
    &["dependencies"],
    &["docs"],
    &["no-std"],
    &["test"],
    &["media-alone"],
    &["camera-test", "simulate", "opencv --debug"],
    &["interop", "simulate --hours 24"],
    &["endurance --quick"],
    &["examples"],
    &["bench --once", "bench --once --only functions", "bench --once --only viewers"],
];

/// No step takes longer, on however busy a machine.
const STEP_LIMIT: Duration = Duration::from_secs(40 * 60);

/// How many lines of a step that failed are shown again, if others ran beside it.
const LAST_LINES: usize = 60;

/// Runs every step up to the first that fails, and prints how each went.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let started = Instant::now();
    if options.install || tools::is_ci() {
        heading("tools");
        tools::install_missing()?;
    }
    let folder = workspace.target("ci");
    fs::create_dir_all(&folder)?;
    // A copy: the tests' build writes this very program anew, with the features of the whole workspace.
    let xtask = folder.join(format!("xtask{EXE_SUFFIX}"));
    fs::copy(env::current_exe()?, &xtask)?;

    let mut summary: Vec<(&str, Ending)> = Vec::new();
    let mut failures: Vec<String> = Vec::new();
    for group in STEPS {
        if !failures.is_empty() {
            summary.extend(
                group.iter().map(|name| (*name, Ending { how: "not run".into(), took: Duration::ZERO })),
            );
            continue;
        }
        let mut steps =
            group.iter().map(|name| Step::start(name, &xtask, &folder)).collect::<Result<Vec<_>>>()?;
        for (name, ending) in group.iter().zip(watch(&mut steps)?) {
            if let Some(error) = ending.how.strip_prefix(FAILED) {
                failures.push(format!("{name}: {error}"));
            }
            summary.push((name, ending));
        }
        for step in steps.iter().filter(|step| group.len() > 1 && step.failed()) {
            heading(&format!("{} failed: its last lines", step.name));
            println!("{}", last_lines(&fs::read_to_string(&step.log)?));
        }
    }
    heading("summary");
    for (name, Ending { how, took }) in summary {
        let how = how.lines().next().unwrap_or_default();
        println!("{name:<28} {:>12}   {how}", human(took));
    }
    println!("{:<28} {:>12}", "in all", human(started.elapsed()));
    if failures.is_empty() { Ok(Outcome::Done) } else { Err(failures.join("\n").into()) }
}

/// How the verdict of a step begins that failed, as `main` prints it.
const FAILED: &str = "FAILED: ";

/// A command of xtask that runs.
#[derive(Debug)]
struct Step {
    name: &'static str,
    process: Logged,
    started: Instant,
    log: PathBuf,
    /// So many bytes of it were shown.
    shown: u64,
    ending: Option<Ending>,
}

/// How a step ended.
#[derive(Debug, Clone)]
struct Ending {
    how: String,
    took: Duration,
}

impl Step {
    fn start(name: &'static str, xtask: &Path, folder: &Path) -> Result<Self> {
        let log = folder.join(name.replace(' ', "-")).with_extension("log");
        let process = Logged::start(Command::new(xtask).args(name.split(' ')), &log)?;
        Ok(Self { name, process, started: Instant::now(), log, shown: 0, ending: None })
    }

    /// Looks whether it has ended.
    fn look(&mut self) -> Result {
        if self.ending.is_some() {
            return Ok(());
        }
        let took = self.started.elapsed();
        let how = match self.process.ended()? {
            None if took < STEP_LIMIT => return Ok(()),
            None => format!("{FAILED}it had not ended after {}", human(STEP_LIMIT)),
            Some(status) => match verdict(&String::from_utf8_lossy(&fs::read(&self.log)?)) {
                Some(how) if status.success() != how.starts_with(FAILED) => how.to_owned(),
                _ => format!("{FAILED}{status}"),
            },
        };
        self.ending = Some(Ending { how, took });
        Ok(())
    }

    /// Shows what it has printed since.
    fn show(&mut self) -> Result {
        let mut log = File::open(&self.log)?;
        log.seek(SeekFrom::Start(self.shown))?;
        let mut new = Vec::new();
        self.shown += log.read_to_end(&mut new)? as u64;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&new)?;
        stdout.flush()?;
        Ok(())
    }

    fn failed(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| ending.how.starts_with(FAILED))
    }
}

/// Waits until all have ended. The output of the first is shown as it comes, then that of the next, so that no two
/// mix.
fn watch(steps: &mut [Step]) -> Result<Vec<Ending>> {
    let mut endings: Vec<Ending> = Vec::new();
    let mut is_new = true;
    while endings.len() < steps.len() {
        steps.iter_mut().try_for_each(Step::look)?;
        let step = &mut steps[endings.len()];
        if is_new {
            heading(step.name);
        }
        step.show()?;
        is_new = step.ending.is_some();
        match &step.ending {
            Some(ending) => {
                println!("--- {} ended after {}", step.name, human(ending.took));
                endings.push(ending.clone());
            }
            None => thread::sleep(Duration::from_millis(100)),
        }
    }
    Ok(endings)
}

/// What a command of xtask says last of how it went: "passed", "SKIPPED: " or "FAILED: ", and why.
fn verdict(log: &str) -> Option<&str> {
    let (_, last) = log.rsplit_once("\nxtask ")?;
    Some(last.split_once(": ")?.1.trim_end())
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

fn heading(name: &str) {
    println!("\n=== {name} {}", "=".repeat(100_usize.saturating_sub(name.len())));
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Arguments;

    #[test]
    fn every_step_is_a_command_of_xtask() {
        for name in STEPS.concat() {
            let words = ["xtask"].into_iter().chain(name.split(' '));
            assert!(Arguments::try_parse_from(words).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_verdict_is_the_last_thing_said_with_all_its_lines() {
        assert_eq!(verdict("a\nxtask ci: no\n\nxtask lint: passed\n"), Some("passed"));
        assert_eq!(verdict("\nxtask test: FAILED: these:\n  a\n  b\n"), Some("FAILED: these:\n  a\n  b"));
        assert_eq!(verdict("killed amid\nits work"), None);
    }
}
