//! What it costs to write and to read messages and values, without a network. `cargo xtask bench --only protocol`
//! runs it.

use std::time::Duration;

use clap::Parser;
use netgear_benches::{
    Error, Options, Selection,
    allocations::Counting,
    promises::{self, Promise},
    protocol::{Measured, Operation, Plan, measure, operations},
    tables,
};
use serde::Serialize;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Measure what the protocol costs.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    selection: Selection,
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
    let name = |operation: &Operation| format!("{}, {}", operation.subject, operation.step);
    let mut operations = arguments.selection.of(operations()?, name)?;
    let measured = measure(&mut operations, plan)?;
    let promises = promises::of_protocol(&measured);
    arguments.common.print_and_write(
        &Figures { operations: &measured, promises: &promises },
        &tables::of_protocol(&measured, &promises),
    )
}
