//! Our ZMTP connections against libzmq, which every ZeroMQ program out there speaks through.
//!
//! For each pairing of socket types, over TCP and Unix sockets, either end binding: messages go to a pyzmq program
//! and come back, with heartbeats on at both ends. We compare every byte; the peer counts what it received and takes
//! a checksum.

mod cell;
#[path = "../../../../crates/netgear-proto/examples/std_tcp/link.rs"]
mod link;
mod messages;

use std::{process::Command, time::Instant};

use netgear_proto::zmtp::SocketType;

use self::{
    cell::{Cell, Sockets, Transport},
    messages::Tally,
};
use crate::{
    Result,
    interop::environment,
    parallel::in_parallel,
    process::{self, human},
    workspace::Workspace,
};

/// The release of pyzmq. Its wheels bring a libzmq of their own.
const PYZMQ: &str = "27.3.0";

/// Our socket, theirs, and whether the REQ among them numbers its requests. ROUTER and DEALER do not hide the
/// envelope of RFC 28, so that the peer checks ours byte by byte.
const SOCKETS: [Sockets; 8] = [
    Sockets { ours: SocketType::Pair, theirs: "PAIR", correlate: false },
    Sockets { ours: SocketType::Req, theirs: "REP", correlate: false },
    Sockets { ours: SocketType::Req, theirs: "REP", correlate: true },
    Sockets { ours: SocketType::Req, theirs: "ROUTER", correlate: false },
    Sockets { ours: SocketType::Req, theirs: "ROUTER", correlate: true },
    Sockets { ours: SocketType::Rep, theirs: "REQ", correlate: false },
    Sockets { ours: SocketType::Rep, theirs: "REQ", correlate: true },
    Sockets { ours: SocketType::Rep, theirs: "DEALER", correlate: false },
];

/// Cells that run beside one another: each is silent for a third of its time, and else one of its two ends waits for
/// the other.
const AT_ONCE: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many messages go to the peer and come back, in each of the 32 cells.
    #[arg(long, default_value_t = Options::default().messages, value_parser = clap::value_parser!(u16).range(2..))]
    messages: u16,
}

/// What a peer of ours must stand in every one of them.
impl Default for Options {
    fn default() -> Self {
        Self { messages: 10_000 }
    }
}

pub(super) fn run(workspace: &Workspace, options: &Options) -> Result {
    let packages = [format!("pyzmq=={PYZMQ}")];
    let python = environment::python(
        workspace,
        &format!("pyzmq-{PYZMQ}"),
        &packages.each_ref().map(String::as_str),
        "import zmq",
    )?;
    let version = "import zmq; print(f'pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}')";
    print!("{}", process::output(Command::new(&python).args(["-c", version]))?);

    let messages = messages::messages(0x4E65_7447_6561_7232, options.messages.into());
    let expected = Tally::of(&messages);
    println!(
        "\nours  theirs  REQ        we       over  X-NetGear   messages   MiB each way  seconds  result"
    );
    let (started, cells) = (Instant::now(), cells());
    let equal = in_parallel(AT_ONCE, &cells, |cell| {
        let started = Instant::now();
        let result = cell.run(&python, &messages, expected);
        let is_equal = result.is_ok();
        println!(
            "{cell} {:>10} {:>14.1} {:>8.1}  {}",
            expected.messages,
            expected.bytes as f64 / f64::from(1 << 20),
            started.elapsed().as_secs_f64(),
            result.map_or_else(|error| format!("FAILED: {error}"), |()| "equal".into()),
        );
        is_equal
    });
    let failed = equal.into_iter().filter(|is_equal| !is_equal).count();
    println!(
        "{} messages there and back in {}",
        expected.messages * cells.len() as u64,
        human(started.elapsed())
    );
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of {} cells failed", cells.len()).into()),
    }
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for sockets in SOCKETS {
        for (transport, we_bind) in
            [(Transport::Tcp, true), (Transport::Tcp, false), (Transport::Ipc, true), (Transport::Ipc, false)]
        {
            // Half of the cells, and of each kind both.
            let announce = we_bind == (transport == Transport::Tcp);
            cells.push(Cell { sockets, transport, we_bind, announce });
        }
    }
    cells
}
