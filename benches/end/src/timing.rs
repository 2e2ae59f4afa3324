use std::{
    io::{self, BufRead as _},
    process::ExitCode,
};

use crate::Error;

/// Answers the lines of standard input, each with one, until there is none: how something that needs no other end is
/// timed.
///
/// A line is `time` and the words that `time` is given, which answers with the nanoseconds that each call took. What
/// goes wrong is the answer, too.
#[allow(clippy::print_stdout, reason = "the answers are what the program is for")]
pub fn answer_lines(mut time: impl FnMut(&[&str]) -> Result<String, Error>) -> ExitCode {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.split_first() {
            Some((&"time", words)) => time(words),
            _ => Err("a line begins with `time`".into()),
        };
        println!("{}", answer.unwrap_or_else(|error| error.to_string()));
    }
    ExitCode::SUCCESS
}

/// So many bytes of noise, always the same.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
