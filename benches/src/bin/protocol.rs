//! What it costs to write and to read messages and values, without a network. `cargo xtask bench --only protocol`
//! runs it.

use std::time::Duration;

use clap::Parser;
use netgear_benches::{
    Error, Options,
    allocations::Counting,
    promises::{self, Promise},
    protocol::{Measured, Plan, measure, operations},
    tables,
};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Measure what the protocol costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only what has all of these words in its line of the table, such as header,decode.
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    cells: Vec<String>,
    #[command(flatten)]
    common: Options,
}

#[derive(Debug, Serialize)]
struct Figures<'a> {
    operations: &'a [Measured],
    promises: &'a [Promise],
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let (rounds, milliseconds) = if arguments.common.quick { (3, 10) } else { (11, 50) };
    let plan = Plan { rounds, turn: Duration::from_millis(milliseconds) };
    let mut operations = operations()?;
    operations.retain(|operation| {
        let has =
            |word: &String| [operation.subject, operation.step].iter().any(|of| of.contains(word.as_str()));
        arguments.cells.iter().all(has)
    });
    let measured = measure(&mut operations, plan)?;
    let promises = promises::of_protocol(&measured);
    arguments.common.print_and_write(
        &Figures { operations: &measured, promises: &promises },
        &tables::of_protocol(&measured, &promises),
    )
}
