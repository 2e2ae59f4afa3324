//! What proves the workspace: `cargo xtask --help`. CI only calls `cargo xtask ci`.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

mod bench;
mod camera_test;
mod ci;
mod dependencies;
mod docs;
mod endurance;
mod examples;
mod fuzz;
mod interop;
mod lint;
mod media_alone;
mod msrv;
mod no_std;
mod opencv;
mod parallel;
mod process;
mod simulate;
mod test;
mod tools;
mod viewer_bench;
mod viewer_test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::{process::Outcome, workspace::Workspace};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What proves the workspace. Run it as `cargo xtask`.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All that CI proves, in order, up to the first step that fails.
    Ci(ci::Options),
    /// Formatting, the width of comments, and clippy.
    Lint,
    /// Licences and origins of all that is depended on, with cargo-deny, and the Rust that it asks for.
    Dependencies(dependencies::Options),
    /// What is published, with the oldest Rust that it is promised to compile with.
    Msrv,
    /// All tests of the workspace, with cargo alone. Tests that need more, like ffmpeg, say so and pass.
    Test(test::Options),
    /// The API's documentation without warnings, and the links between the Markdown files.
    Docs,
    /// A program without std that links netgear-proto and runs two sessions in memory.
    NoStd,
    /// netgear-media without its features, and without anything of the network in what it depends on.
    MediaAlone,
    /// Our ZMTP connections against libzmq, by way of pyzmq in a virtual environment under the target directory.
    Interop(interop::Options),
    /// Our resizing against OpenCV's, with every filter, element and border.
    Opencv(opencv::Options),
    /// The tests that want a camera, in a virtual machine that has one.
    CameraTest(camera_test::Options),
    /// The tests of the viewers: a window on a screen without hardware, a page in a browser.
    ViewerTest(viewer_test::Options),
    /// Builds every example, and runs those that finish by themselves.
    Examples,
    /// Hostile messages and files by the million, with cargo-fuzz and a nightly compiler.
    Fuzz(fuzz::Options),
    /// Two sessions over a simulated link that fails in every way, by seeds.
    Simulate(simulate::Options),
    /// Sessions between real processes: either end killed again and again, a receiver that is slow, a flood of
    /// strangers.
    Endurance(endurance::Options),
    /// The benches of the workspace.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    match run(&command) {
        Ok(Outcome::Done) => println!("\nxtask {}: passed", command.name()),
        Ok(Outcome::Skipped(reason)) => println!("\nxtask {}: SKIPPED: {reason}", command.name()),
        Err(error) => {
            println!("\nxtask {}: FAILED: {error}", command.name());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(command: &Command) -> Result<Outcome> {
    let workspace = Workspace::load()?;
    match command {
        Command::Ci(options) => ci::run(&workspace, options),
        Command::Lint => lint::run(&workspace),
        Command::Dependencies(options) => dependencies::run(&workspace, options),
        Command::Msrv => msrv::run(&workspace),
        Command::Test(options) => test::run(&workspace, options),
        Command::Docs => docs::run(&workspace),
        Command::NoStd => no_std::run(&workspace),
        Command::MediaAlone => media_alone::run(&workspace),
        Command::Interop(options) => interop::run(&workspace, options),
        Command::Opencv(options) => opencv::run(&workspace, options),
        Command::CameraTest(options) => camera_test::run(&workspace, options),
        Command::ViewerTest(options) => viewer_test::run(&workspace, options),
        Command::Examples => examples::run(&workspace),
        Command::Fuzz(options) => fuzz::run(&workspace, options),
        Command::Simulate(options) => simulate::run(&workspace, options),
        Command::Endurance(options) => endurance::run(&workspace, options),
        Command::Bench(options) => bench::run(&workspace, options),
    }
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Ci(_) => "ci",
            Self::Lint => "lint",
            Self::Dependencies(_) => "dependencies",
            Self::Msrv => "msrv",
            Self::Test(_) => "test",
            Self::Docs => "docs",
            Self::NoStd => "no-std",
            Self::MediaAlone => "media-alone",
            Self::Interop(_) => "interop",
            Self::Opencv(_) => "opencv",
            Self::CameraTest(_) => "camera-test",
            Self::ViewerTest(_) => "viewer-test",
            Self::Examples => "examples",
            Self::Fuzz(_) => "fuzz",
            Self::Simulate(_) => "simulate",
            Self::Endurance(_) => "endurance",
            Self::Bench(_) => "bench",
        }
    }
}
