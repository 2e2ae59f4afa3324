//! The only place that writes to the standard output and error.
//!
//! A reader that goes away, such as `head`, does not end the stream: what it would have read is dropped.

use std::{
    fmt::Display,
    io::{self, Write},
};

use netgear::prelude::Value;
use serde::Serialize;

use crate::counted::Counted;

/// A result: JSON if asked for, else for people.
pub(crate) fn result(result: &(impl Serialize + Display), json: bool) {
    match serde_json::to_string_pretty(result) {
        Ok(text) if json => line(io::stdout(), &text),
        _ => line(io::stdout(), result),
    }
}

/// An item of data. With `--json` the standard output holds one object, and nothing else.
pub(crate) fn data(data: &Value, json: bool) {
    if json {
        line(io::stderr(), data);
    } else {
        line(io::stdout(), data);
    }
}

/// Something to know, beside the result.
pub(crate) fn note(note: &dyn Display) {
    line(io::stderr(), note);
}

/// What the other end did not get. A long list is cut short.
pub(crate) fn undelivered(data: &[Value]) {
    const SHOWN: usize = 3;
    if data.is_empty() {
        return;
    }
    let shown: Vec<_> = data.iter().take(SHOWN).map(Value::to_string).collect();
    let more = if data.len() > SHOWN { ", …" } else { "" };
    let were = if data.len() == 1 { "was" } else { "were" };
    let items = Counted::items_of_data(data.len() as u64);
    note(&format_args!("{items} {were} not delivered: {}{more}", shown.join(", ")));
}

/// Why the program failed.
pub(crate) fn error(error: &dyn Display) {
    line(io::stderr(), &format_args!("error: {error}"));
}

fn line(mut to: impl Write, what: &(impl Display + ?Sized)) {
    let _ = writeln!(to, "{what}");
}
