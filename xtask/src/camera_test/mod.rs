//! Real cameras without hardware: a virtual machine whose kernel has the virtual camera `vivid`, and in it the tests
//! that want one.
//!
//! The kernel is Debian's own, and all it has for a disk is an archive in memory: busybox, the module, and the test
//! programs with their libraries. The machine is emulated, so that this needs no right that a container has not.

mod initramfs;
mod kernel;
mod machine;
mod programs;

use std::{
    fs,
    time::{Duration, Instant},
};

use self::{kernel::Kernel, machine::Machine, programs::Programs};
use crate::{
    Result,
    process::{Outcome, human},
    tools::{self, Tool},
    workspace::Workspace,
};

/// Until the guest's first process has its camera: ten times what it takes.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// All tests together. Those of them that wait have deadlines of their own, which say more.
const SUITE_LIMIT: Duration = Duration::from_secs(600);

/// What the test program is asked for that records buffers: they are in what it prints.
const RECORDING: [&str; 2] = ["recording::", "--nocapture"];

/// Where the unit tests have them.
const BUFFERS: &str = "crates/netgear-media/tests/data/camera";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Record anew what the unit tests take for a camera's buffers.
    #[arg(long, conflicts_with = "further")]
    record: bool,
    /// What the test programs get besides, like the name of a test.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    further: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Ok(Outcome::Skipped("the machine runs what is built for Linux on x86-64 with glibc".into()));
    }
    for tool in Tool::OF_THE_CAMERA_TEST {
        if !tools::require(tool)? {
            return Ok(Outcome::Skipped(format!("{} is missing", tool.name())));
        }
    }
    let kernel = match Kernel::fetch(workspace) {
        Ok(kernel) => kernel,
        Err(error) if tools::is_ci() => return Err(error),
        Err(error) => return Ok(Outcome::Skipped(format!("there is no kernel to boot: {error}"))),
    };
    let programs = Programs::build(workspace)?;
    let arguments =
        if options.record { RECORDING.map(String::from).to_vec() } else { options.further.clone() };
    let initramfs = initramfs::pack(workspace, &kernel, &programs, &arguments)?;

    let started = Instant::now();
    let machine = Machine { kernel: kernel.image(), initramfs: &initramfs };
    let report = machine.run(BOOT_LIMIT, SUITE_LIMIT)?;
    let (boot, all) = (human(report.boot), human(started.elapsed()));
    println!("the camera was there after {boot}, and all was over after {all}");
    if report.code != 0 {
        return Err(format!("the tests in the machine failed, with code {}", report.code).into());
    }
    // A test that was filtered out, or never built, shows nothing.
    let programs_that_passed = report.passed.iter().filter(|passed| **passed > 0).count();
    let enough = if arguments.is_empty() { programs.tests.len() } else { 1 };
    if programs_that_passed < enough {
        return Err(format!("tests ran in {programs_that_passed} programs of {enough}").into());
    }
    if options.record {
        for (name, picture) in &report.recorded {
            fs::write(workspace.path(BUFFERS).join(name).with_extension("png"), picture)?;
        }
        println!("{} buffers recorded into {BUFFERS}", report.recorded.len());
    }
    println!("{} tests passed in the machine", report.passed.iter().sum::<u64>());
    Ok(Outcome::Done)
}
