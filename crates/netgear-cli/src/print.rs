//! The only place that writes to the standard output and error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a program is for")]

use std::fmt::Display;

use netgear::prelude::Value;
use serde::Serialize;

/// A result: JSON if asked for, else for people.
pub(crate) fn result(result: &(impl Serialize + Display), json: bool) {
    match serde_json::to_string_pretty(result) {
        Ok(text) if json => println!("{text}"),
        _ => println!("{result}"),
    }
}

/// An item of data. With `--json` the standard output holds one object, and nothing else.
pub(crate) fn data(data: &Value, json: bool) {
    if json {
        eprintln!("{data}");
    } else {
        println!("{data}");
    }
}

/// Why the program failed.
pub(crate) fn error(error: &dyn Display) {
    eprintln!("error: {error}");
}
