//! All that CI proves.

use std::time::{Duration, Instant};

use crate::{
    Result, bench, camera_test, docs, endurance, examples, interop, lint, media_alone, no_std, opencv,
    process::{Outcome, human},
    simulate, test, tools,
    workspace::Workspace,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Install what is missing of ffmpeg, Python, Chromium and the tools of the camera test with apt-get, as is done when CI=true.
    #[arg(long)]
    install: bool,
}

type Step = fn(&Workspace) -> Result<Outcome>;

/// Cheap steps first. All debug builds are of the whole workspace with all features, so that little is built twice.
const STEPS: [(&str, Step); 17] = [
    ("format", lint::format),
    ("clippy", lint::clippy),
    ("docs", docs::run),
    ("no-std", no_std::run),
    ("media-alone", media_alone::run),
    ("test", |workspace| test::run(workspace, &test::Options::default())),
    ("camera-test", |workspace| camera_test::run(workspace, &camera_test::Options::default())),
    ("simulate", |workspace| simulate::run(workspace, &simulate::Options::default())),
    ("simulate a day", |workspace| simulate::run(workspace, &simulate::Options::DAY)),
    ("endurance --quick", |workspace| {
        endurance::run(workspace, &endurance::Options { quick: true, ..Default::default() })
    }),
    ("examples", examples::run),
    ("interop", |workspace| interop::run(workspace, &interop::Options::default())),
    ("opencv", |workspace| opencv::run(workspace, &opencv::Options::default())),
    ("bench --quick", |workspace| {
        bench::run(workspace, &bench::Options { quick: true, ..Default::default() })
    }),
    ("bench --vidgear", |workspace| {
        bench::run(workspace, &bench::Options { quick: true, vidgear: true, ..Default::default() })
    }),
    ("bench --resize", |workspace| {
        bench::run(workspace, &bench::Options { quick: true, resize: true, ..Default::default() })
    }),
    ("bench --viewers", |workspace| {
        bench::run(workspace, &bench::Options { quick: true, viewers: true, ..Default::default() })
    }),
];

/// Runs every step up to the first that fails, and prints how each went.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let started = Instant::now();
    if options.install || tools::is_ci() {
        heading("tools");
        tools::install_missing()?;
    }
    let mut summary: Vec<(&str, String, Duration)> = Vec::new();
    let mut failure = None;
    for (name, step) in STEPS {
        if failure.is_some() {
            summary.push((name, "not run".into(), Duration::ZERO));
            continue;
        }
        heading(name);
        let step_started = Instant::now();
        let result = step(workspace);
        let took = step_started.elapsed();
        let how = match result {
            Ok(Outcome::Done) => "passed".into(),
            Ok(Outcome::Skipped(reason)) => format!("SKIPPED: {reason}"),
            Err(error) => {
                failure = Some(format!("{name}: {error}"));
                "FAILED".into()
            }
        };
        println!("--- {name}: {how} after {}", human(took));
        summary.push((name, how, took));
    }
    heading("summary");
    for (name, how, took) in summary {
        println!("{name:<17} {:>12}   {how}", human(took));
    }
    println!("{:<17} {:>12}", "in all", human(started.elapsed()));
    failure.map_or(Ok(Outcome::Done), |failure| Err(failure.into()))
}

fn heading(name: &str) {
    println!("\n=== {name} {}", "=".repeat(100_usize.saturating_sub(name.len())));
}
