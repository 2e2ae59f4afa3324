//! One end of a bench, ours or a raw socket: `end netgear JOB` and `end raw JOB`. The programs beside this one start it.

use std::process::ExitCode;

use netgear_bench_end::run;
use netgear_benches::ends::{netgear, raw};

#[allow(clippy::print_stderr, reason = "it is for whoever starts it by hand")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["netgear", job] => run(job, netgear::send, netgear::receive),
        ["raw", job] => run(job, raw::send, raw::receive),
        _ => {
            eprintln!("usage: end netgear|raw JOB");
            ExitCode::FAILURE
        }
    }
}
