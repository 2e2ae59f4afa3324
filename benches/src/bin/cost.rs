//! What it costs to have NetGear: the time to build it, the crates that come with it, the size of the program, and
//! the memory of sessions that nothing crosses. `cargo xtask bench --only cost` runs it.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use clap::Parser;
use netgear_benches::{
    Error, Options,
    cell::Carrier,
    contender,
    cost::{
        builds::{self, Built, CRATES, CleanBuild, Program},
        idle::{self, Held, Holder, Idle, MANY},
    },
    promises::Promise,
    tables,
};
use serde::Serialize;

/// Measure what it costs to have NetGear.
#[derive(Debug, Parser)]
struct Arguments {
    /// The workspace's root.
    #[arg(long, value_name = "DIR")]
    workspace: PathBuf,
    /// Where things are kept meanwhile.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// What building a crate from nothing has cost, as JSON.
    #[arg(long, value_name = "FILE")]
    clean_build: Option<PathBuf>,
    /// The `netgear` program, as it is given to users.
    #[arg(long, value_name = "PATH")]
    netgear: Option<PathBuf>,
    /// The program with the ends of this package.
    #[arg(long, value_name = "PATH")]
    end: PathBuf,
    /// The program of benches/peers, which holds sessions of others.
    #[arg(long, value_name = "PATH")]
    peers: Option<PathBuf>,
    /// So many sessions are the many.
    #[arg(long, value_name = "N", default_value_t = MANY)]
    sessions: usize,
    #[command(flatten)]
    common: Options,
}

#[derive(Debug, Serialize)]
struct Figures {
    cores: usize,
    compiler: String,
    crates: Vec<Built>,
    program: Option<Program>,
    idle: Vec<Idle>,
    promises: Vec<Promise>,
}

/// Heartbeats cross once a second.
const REST: Duration = Duration::from_millis(1_500);

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let clean_build = match &arguments.clean_build {
        Some(file) => Some(serde_json::from_str::<CleanBuild>(&fs::read_to_string(file)?)?),
        None => None,
    };
    let many = idle::as_many_as_may_be(arguments.sessions)?;
    if many < arguments.sessions {
        eprintln!(
            "!!! only {many} sessions instead of {}: a process may have no more files open here (ulimit -Hn)",
            arguments.sessions
        );
    }
    let idle = hold(&arguments, many);
    let mut crates = Vec::new();
    for name in CRATES {
        // Those below the facade are built on the way to it.
        let clean_build = clean_build.clone().filter(|built| built.name == name);
        crates.push(Built { name, crates: builds::crates(&arguments.workspace, name)?, clean_build });
    }
    let program = arguments.netgear.as_ref().map(|path| Program::measure(path, &arguments.folder));
    let figures = Figures {
        cores: builds::cores(),
        compiler: builds::compiler(),
        crates,
        program: program.transpose()?,
        promises: idle::promise(&idle).into_iter().collect(),
        idle,
    };
    arguments.common.print_and_write(&figures, &markdown(&figures)?)?;
    let failed = figures.idle.iter().find(|idle| idle.holder == contender::OURS && idle.failed.is_some());
    match failed {
        Some(idle) => Err(format!("{idle}: {}", idle.failed.as_deref().unwrap_or_default()).into()),
        None => Ok(()),
    }
}

/// One session and many of ours, and as many of others.
#[allow(clippy::print_stderr, reason = "progress")]
fn hold(arguments: &Arguments, many: usize) -> Vec<Idle> {
    let holder = |id, title, path: &PathBuf, more: &[&str]| {
        let arguments = [&["hold"], more].concat().into_iter().map(str::to_owned).collect();
        Holder { id, title, program: contender::Program { path: path.clone(), arguments } }
    };
    let ours = holder(contender::OURS, "netgear", &arguments.end, &[]);
    let mut kinds = vec![(ours.clone(), Carrier::Tcp, 1), (ours.clone(), Carrier::Tcp, many)];
    if !arguments.common.quick {
        kinds.push((ours, Carrier::Ipc, many));
    }
    if let Some(peers) = &arguments.peers {
        for (id, title) in [("omq", "omq-tokio"), ("libzmq", "libzmq")] {
            kinds.push((holder(id, title, peers, &[id]), Carrier::Tcp, many));
        }
    }
    let measured = kinds.into_iter().map(|(holder, carrier, sessions)| {
        eprintln!("{sessions} idle sessions of {} over {} …", holder.title, carrier.name());
        idle::measure(&holder, carrier, sessions, REST, &arguments.folder)
    });
    measured.collect()
}

fn markdown(figures: &Figures) -> Result<String, Error> {
    let mut table = match figures.promises.as_slice() {
        [] => String::new(),
        promises => tables::of_promises(promises),
    };
    writeln!(
        table,
        "\n| sessions | of | carrier | end | base, MB | idle, MB above base | once each was used, MB above base | that is KiB a session |"
    )?;
    writeln!(table, "|--:|---|---|---|--:|--:|--:|--:|")?;
    for idle in &figures.idle {
        let row = format!("| {} | {} | {} |", idle.sessions, idle.title, idle.carrier.name());
        if let Some(why) = &idle.failed {
            writeln!(table, "{row} | failed: {} | | | |", why.replace(['|', '\n', '\r'], " "))?;
        }
        for (end, held) in [("sender", idle.sender), ("receiver", idle.receiver)] {
            let Some(held) = held else { continue };
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            let (base, idle_above, used) =
                (megabytes(held.base), megabytes(held.idle_above_base()), megabytes(held.used_above_base()));
            let each = Held::used_above_base(&held) as f64 / 1024.0 / idle.sessions as f64;
            writeln!(table, "{row} {end} | {base:.1} | {idle_above:.1} | {used:.1} | {each:.0} |")?;
        }
    }
    writeln!(
        table,
        "\n| crate | crates, with itself | built from nothing | processor time of it | what took longest |"
    )?;
    writeln!(table, "|---|--:|--:|--:|---|")?;
    for Built { name, crates, clean_build } in &figures.crates {
        let figures = clean_build.as_ref().map_or(" |  | ".to_owned(), |build| {
            let slowest = build.slowest.iter().map(|(name, seconds)| format!("`{name}` {seconds:.0} s"));
            let cpu = build.cpu_seconds.map_or(String::new(), |seconds| format!("{seconds:.0} s"));
            format!("{:.0} s | {cpu} | {}", build.seconds, slowest.collect::<Vec<_>>().join(", "))
        });
        writeln!(table, "| `{name}` | {crates} | {figures} |")?;
    }
    let (compiler, cores) = (&figures.compiler, figures.cores);
    if figures.crates.iter().any(|built| built.clean_build.is_some()) {
        writeln!(table, "\nBuilt once, for release, with {compiler} and {cores} cores.")?;
    } else {
        writeln!(table, "\nNothing was built from nothing, which `--quick` leaves out.")?;
    }
    if let Some(program) = &figures.program {
        write!(table, "The `netgear` program has {:.1} MB", program.bytes as f64 / 1e6)?;
        if let Some(stripped) = program.stripped_bytes {
            write!(table, ", and {:.1} MB without its symbols", stripped as f64 / 1e6)?;
        }
        writeln!(table, ".")?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_as_many_columns_as_its_heading() {
        let held = Held { base: 3_000_000, idle: 13_000_000, used: 23_480_000 };
        let whole = Idle {
            holder: "netgear",
            title: "netgear",
            carrier: Carrier::Tcp,
            sessions: 1_000,
            failed: None,
            sender: Some(held),
            receiver: Some(held),
        };
        let failed = Idle { failed: Some("a | b".into()), sender: None, receiver: None, ..whole.clone() };
        let clean_build = CleanBuild {
            name: "netgear".into(),
            seconds: 61.4,
            cpu_seconds: Some(99.6),
            slowest: vec![("yuv".into(), 40.0), ("a".into(), 2.0)],
        };
        let built = Built { name: "netgear", crates: 70, clean_build: Some(clean_build) };
        let figures = Figures {
            cores: 2,
            compiler: "rustc".into(),
            crates: vec![built],
            program: Some(Program { bytes: 9_000_000, stripped_bytes: Some(7_000_000) }),
            promises: Vec::new(),
            idle: vec![whole, failed],
        };
        let markdown = markdown(&figures).unwrap();
        for table in markdown.split("\n\n").filter(|table| table.starts_with('|')) {
            let columns: Vec<_> = table.trim_end().lines().filter(|line| line.starts_with('|')).collect();
            let columns: Vec<_> = columns.iter().map(|line| line.matches('|').count()).collect();
            assert!(columns.iter().all(|count| *count == columns[0]), "{table}");
        }
        for expected in [
            "| 1000 | netgear | tcp | sender | 3.0 | 10.0 | 20.5 | 20 |",
            "| `netgear` | 70 | 61 s | 100 s | `yuv` 40 s, `a` 2 s |",
            "The `netgear` program has 9.0 MB, and 7.0 MB without its symbols.",
        ] {
            assert!(markdown.lines().any(|line| line == expected), "{expected}\nis not in\n{markdown}");
        }
    }
}
