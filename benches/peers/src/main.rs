//! One end of a bench, of another library: `netgear-bench-peers zeromq JOB`. What a job is stands in
//! `netgear-bench-end`. `hold omq` and `hold libzmq` hold idle sockets, and `pic-scale` resizes.

#[cfg(feature = "libzmq")]
mod libzmq;
mod omq;
mod pic_scale;
mod zeromq;

use std::process::ExitCode;

use netgear_bench_end::{hold, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["zeromq", job] => run(job, zeromq::send, zeromq::receive),
        ["omq", job] => run(job, omq::send, omq::receive),
        #[cfg(feature = "libzmq")]
        ["libzmq", job] => run(
            job,
            |job, end| libzmq::send(job, end, libzmq::Copying::Each),
            |job, end| libzmq::receive(job, end, libzmq::Copying::Each),
        ),
        #[cfg(feature = "libzmq")]
        ["libzmq-without-copies", job] => run(
            job,
            |job, end| libzmq::send(job, end, libzmq::Copying::None),
            |job, end| libzmq::receive(job, end, libzmq::Copying::None),
        ),
        ["hold", "omq"] => hold(omq::Idle::default()),
        #[cfg(feature = "libzmq")]
        ["hold", "libzmq"] => hold(libzmq::Idle::new()),
        ["pic-scale"] => pic_scale::answer_lines(),
        // What this program has, for whoever asks.
        ["--list"] => {
            let libzmq = if cfg!(feature = "libzmq") { "libzmq libzmq-without-copies " } else { "" };
            println!("{libzmq}omq zeromq pic-scale");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "usage: netgear-bench-peers zeromq|omq|libzmq|libzmq-without-copies JOB, hold omq|libzmq, or pic-scale"
            );
            ExitCode::FAILURE
        }
    }
}
