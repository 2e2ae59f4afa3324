//! One end of a bench, ours or a raw socket: `end netgear JOB`, `end raw JOB`, `end raw-buffered JOB`; sessions that
//! are held and left alone, `end hold`; a film that is read and not sent, `end decode FILM`; and what resizes,
//! `end resizing`. The programs beside this one start it.

use std::process::ExitCode;

use netgear_bench_end::{hold, run};
use netgear_benches::ends::{decoding, idle::Idle, netgear, raw, raw::Buffers, resizing};

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "they are for whoever starts it")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["netgear", job] => run(job, netgear::send, netgear::receive),
        ["raw", job] => of_raw_sockets(job, Buffers::AsTheyCome),
        ["raw-buffered", job] => of_raw_sockets(job, Buffers::AsSessionsHave),
        ["hold"] => hold(Idle::default()),
        ["decode", film] => {
            match decoding::decode(film).and_then(|decoded| Ok(serde_json::to_string(&decoded)?)) {
                Ok(decoded) => {
                    println!("{decoded}");
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::FAILURE
                }
            }
        }
        ["resizing"] => resizing::answer_lines(),
        _ => {
            eprintln!("usage: end netgear|raw|raw-buffered JOB, end hold, end decode FILM, end resizing");
            ExitCode::FAILURE
        }
    }
}

fn of_raw_sockets(job: &str, buffers: Buffers) -> ExitCode {
    run(job, |job, end| raw::send(job, end, buffers), |job, end| raw::receive(job, end, buffers))
}
