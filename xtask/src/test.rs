//! All tests of the workspace, with cargo alone.
//!
//! cargo builds the test programs. They are run from here, several at a time: most of them wait most of the time, for
//! a deadline or for one another's processes, and one after the other they would leave the processor idle for half of
//! it.

use std::{
    collections::BTreeMap,
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    parallel::in_parallel,
    process::{self, Logged, Outcome, human},
    workspace::{Executable, Workspace},
};

/// What takes longest begins first, so that nothing long is left to run alone.
const LONG: [&str; 6] = ["recording", "clip", "netgear_media", "web_page", "ending", "idle"];

/// What keeps all cores busy by itself, or holds a pace against the clock: run alone, behind the others.
const ALONE: [&str; 7] = ["chaos", "ffmpeg", "floods", "large_files", "playback", "sessions", "staying"];

/// No test program takes longer, on however busy a machine; one that hangs is killed, and what it said is shown.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Below the target directory, where what each printed remains.
const LOGS: &str = "test-logs";

/// How many lines of a failed program are shown again at the end, if it does not list its failures.
const LAST_LINES: usize = 60;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Test programs that run at the same time. Default: one more than there are cores.
    #[arg(long)]
    jobs: Option<usize>,
    /// Only the tests of this package; may be given several times.
    #[arg(short, long, value_name = "NAME")]
    package: Vec<String>,
    /// What `cargo test` gets besides, like the name of a test; it then runs the programs itself, one after the
    /// other.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, conflicts_with = "jobs")]
    further: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    // Features only add, so that what passes with all of them says most.
    let mut selection = workspace.features()?;
    if options.package.is_empty() {
        selection.push("--workspace".to_owned());
    }
    selection.extend(options.package.iter().map(|name| format!("--package={name}")));
    if !options.further.is_empty() {
        let mut command = workspace.cargo(&["test", "--no-fail-fast"]);
        process::run(command.args(selection).args(&options.further))?;
        return Ok(Outcome::Done);
    }
    let mut build = workspace.cargo(&["test", "--no-run"]);
    let mut programs = workspace.executables(build.args(&selection))?;
    programs.retain(|program| program.is_test);
    if options.package.is_empty() {
        check_names(&programs)?;
    }
    programs.sort_by_key(|program| LONG.iter().position(|name| *name == program.name).unwrap_or(LONG.len()));
    let (alone, together): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| ALONE.contains(&program.name.as_str()));
    let alone: Vec<Job> = alone.into_iter().map(Job::Program).collect();
    let together = [Job::DocTests { selection }].into_iter().chain(together.into_iter().map(Job::Program));
    let together: Vec<Job> = together.collect();

    fs::create_dir_all(workspace.target(LOGS))?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let at_once = options.jobs.unwrap_or(cores + 1).max(1);
    let mut reports = in_parallel(at_once, &together, |job| job.run(workspace));
    reports.extend(alone.iter().map(|job| job.run(workspace)));
    summary(&reports)?;
    Ok(Outcome::Done)
}

/// A program that was renamed would run beside others, and no longer be held against the clock alone.
fn check_names(programs: &[Executable]) -> Result {
    let is_there = |name: &&str| programs.iter().any(|program| program.name == *name);
    match LONG.iter().chain(&ALONE).find(|name| !is_there(name)) {
        Some(name) => {
            Err(format!("no test program is called {name}: mend the lists in xtask/src/test.rs").into())
        }
        None => Ok(()),
    }
}

#[derive(Debug)]
enum Job {
    Program(Executable),
    /// Those of all these packages.
    DocTests {
        selection: Vec<String>,
    },
}

/// How a job went.
#[derive(Debug)]
struct Report {
    name: String,
    /// Why it failed.
    failure: Option<String>,
    /// All that it printed.
    output: String,
    took: Duration,
}

impl Job {
    fn name(&self) -> String {
        match self {
            Self::Program(program) => {
                let package = program.package.file_name().unwrap_or_default().to_string_lossy();
                format!("{package} {} {}", program.kind, program.name)
            }
            Self::DocTests { .. } => "doc tests".to_owned(),
        }
    }

    fn command(&self, workspace: &Workspace) -> Command {
        match self {
            Self::Program(program) => {
                let mut command = Command::new(&program.path);
                // As cargo does it.
                command.current_dir(&program.package).env("CARGO_MANIFEST_DIR", &program.package);
                // What a test says that was skipped is seen, though it passes.
                command.arg("--show-output");
                command
            }
            Self::DocTests { selection } => {
                let mut command = workspace.cargo(&["test", "--doc", "--no-fail-fast"]);
                command.args(selection);
                command
            }
        }
    }

    /// Runs it, and prints what it printed once it has ended.
    fn run(&self, workspace: &Workspace) -> Report {
        let name = self.name();
        let log = workspace.target(LOGS).join(name.replace(' ', "-")).with_extension("log");
        let started = Instant::now();
        let ended = Logged::start(&mut self.command(workspace), &log).and_then(|job| job.wait(TIME_LIMIT));
        let failure = match ended {
            Ok(Some(status)) if status.success() => None,
            Ok(Some(status)) => Some(status.to_string()),
            Ok(None) => Some(format!("had not ended after {}, and was killed", human(TIME_LIMIT))),
            Err(error) => Some(error.to_string()),
        };
        // There is none where it could not start, which is the failure.
        let output = fs::read(&log).unwrap_or_default();
        let report = Report {
            name,
            failure,
            output: String::from_utf8_lossy(&output).into_owned(),
            took: started.elapsed(),
        };
        println!("\n     Running {}\n{}    after {}", report.name, report.shown(), human(report.took));
        report
    }
}

impl Report {
    /// What it printed, without what the tests have said that passed, and without their names once more.
    fn shown(&self) -> String {
        let heading = "\nsuccesses:\n";
        let Some((before, _)) = self.output.split_once(heading) else { return self.output.clone() };
        // Their names come last, behind whatever they have said.
        let passed = self.output.rsplit(heading).next().unwrap_or_default();
        let ends = ["\nfailures:\n", "\ntest result: "].iter().filter_map(|end| passed.find(end)).min();
        format!("{before}{}", &passed[ends.unwrap_or(passed.len())..])
    }

    /// What tests said that lacked something: `SKIPPED: the test: what is missing`.
    fn skipped(&self) -> impl Iterator<Item = &str> {
        self.output.lines().filter(|line| line.starts_with("SKIPPED: "))
    }

    /// Why tests were not to be run here, each for itself.
    fn ignored(&self) -> impl Iterator<Item = &str> {
        self.output.lines().filter_map(|line| {
            let (_, why) = line.strip_prefix("test ")?.split_once(" ... ignored")?;
            Some(why.strip_prefix(", ").unwrap_or("without a reason"))
        })
    }

    /// The tests that failed, by their names.
    fn failed(&self) -> Vec<&str> {
        let failed =
            self.output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        failed.collect()
    }

    /// What the failed tests printed; of a program that did not come to say which those are, its last words.
    fn last_words(&self) -> String {
        let lines: Vec<&str> = self.output.lines().collect();
        let listed = lines.iter().position(|line| *line == "failures:");
        lines[listed.unwrap_or(lines.len().saturating_sub(LAST_LINES))..].join("\n")
    }

    /// Of all test results in it, a number with this word behind it. What a test has printed is none.
    fn count(&self, word: &str) -> u64 {
        let shown = self.shown();
        let results = shown.lines().filter_map(|line| line.strip_prefix("test result: "));
        let numbers =
            results.flat_map(|line| line.split(['.', ';'])).filter_map(|part| part.trim().strip_suffix(word));
        numbers.filter_map(|number| number.trim().parse::<u64>().ok()).sum()
    }
}

/// Shows again what failed, so that it is found at the end of the output, and counts the tests.
fn summary(reports: &[Report]) -> Result {
    let mut slowest: Vec<&Report> = reports.iter().collect();
    slowest.sort_by_key(|report| std::cmp::Reverse(report.took));
    let slowest = slowest.iter().take(5).map(|report| format!("{} {}", report.name, human(report.took)));
    println!("\nslowest: {}", slowest.collect::<Vec<_>>().join(", "));
    let mut failed = Vec::new();
    for report in reports {
        let Some(failure) = &report.failure else { continue };
        println!("\n--- FAILED: {}: {failure}\n{}", report.name, report.last_words());
        match report.failed().as_slice() {
            [] => failed.push(format!("{}: {failure}", report.name)),
            tests => failed.extend(tests.iter().map(|test| format!("{}: {test}", report.name))),
        }
    }
    let count = |word| reports.iter().map(|report| report.count(word)).sum::<u64>();
    println!("\n{} passed, {} failed, {} ignored", count("passed"), count("failed"), count("ignored"));
    for (why, tests) in counted(reports.iter().flat_map(Report::ignored)) {
        println!("  {tests} ignored: {why}");
    }
    for (what, _) in counted(reports.iter().flat_map(Report::skipped)) {
        println!("!!! {what}");
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("these tests failed:\n  {}", failed.join("\n  ")).into())
    }
}

/// Each of them once, with how often it is there, in order.
fn counted<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counted = BTreeMap::new();
    for line in lines {
        *counted.entry(line).or_default() += 1;
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(output: &str, failure: Option<&str>) -> Report {
        Report {
            name: "a".into(),
            failure: failure.map(str::to_owned),
            output: output.into(),
            took: Duration::ZERO,
        }
    }

    const FAILED: &str = "\nrunning 3 tests\ntest good ... ok\ntest a::bad ... FAILED\ntest slow ... ignored\n\n\
        failures:\n\n---- a::bad stdout ----\nthread 'a::bad' panicked at x.rs:1:2:\nno\n\n\n\
        failures:\n    a::bad\n\n\
        test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\n";

    #[test]
    fn what_failed_is_named_and_what_it_said_is_shown_again() {
        let report = report(FAILED, Some("exit status: 101"));
        assert_eq!(report.failed(), ["a::bad"]);
        assert!(report.last_words().starts_with("failures:\n\n---- a::bad stdout"));
        assert!(report.last_words().contains("x.rs:1:2:\nno"));
        let error = summary(&[report]).unwrap_err().to_string();
        assert_eq!(error, "these tests failed:\n  a: a::bad");
    }

    #[test]
    fn a_program_that_was_killed_has_last_words_and_fails() {
        let lines: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
        let report = report(&lines.join("\n"), Some("signal: 9 (SIGKILL)"));
        assert!(report.last_words().starts_with("line 40\n") && report.last_words().ends_with("line 99"));
        assert_eq!(
            summary(&[report]).unwrap_err().to_string(),
            "these tests failed:\n  a: signal: 9 (SIGKILL)"
        );
    }

    #[test]
    fn the_results_of_all_programs_are_added_up() {
        let twice = report(&FAILED.repeat(2), None);
        assert_eq!((twice.count("passed"), twice.count("failed"), twice.count("ignored")), (2, 2, 2));
    }
    #[test]
    fn what_is_skipped_is_told_of_and_what_passes_says_nothing_else() {
        let output = "test wants_ffmpeg ... ok\ntest wants_a_camera ... ignored, wants a camera\n\n\
            successes:\n\n---- wants_ffmpeg stdout ----\nSKIPPED: wants_ffmpeg: there is none\nand more\nfailures:\n\ntest result: FAILED. 7 failed\n\n\n\
            successes:\n    wants_ffmpeg\n\n";
        for (end, failure) in
            [("test result: ok. 1 passed;\n", None), ("failures:\n    bad\n", Some("exit status: 101"))]
        {
            let report = report(&format!("{output}{end}"), failure);
            assert_eq!(report.skipped().collect::<Vec<_>>(), ["SKIPPED: wants_ffmpeg: there is none"]);
            assert_eq!(counted(report.ignored()), BTreeMap::from([("wants a camera", 1)]));
            let shown = report.shown();
            assert!(shown.starts_with("test wants_ffmpeg ... ok\n") && shown.ends_with(end), "{shown}");
            assert!(!shown.contains("and more"), "{shown}");
            assert_eq!(report.count("failed"), 0);
        }
    }
}
