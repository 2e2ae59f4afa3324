//! Texts that come from files, command lines and other programs: any is read or refused, and what is read is written so that
//! it is read as the same.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use netgear_proto::{Dialect, Pattern, native::SessionId, session::ResumeToken};

/// Gives how many of the types it was a text of.
pub(crate) fn run(input: &[u8]) -> usize {
    let Ok(text) = str::from_utf8(input) else { return 0 };
    [
        comes_back::<ResumeToken>(text),
        comes_back::<SessionId>(text),
        comes_back::<Pattern>(text),
        comes_back::<Dialect>(text),
    ]
    .into_iter()
    .map(usize::from)
    .sum()
}

fn comes_back<T: FromStr<Err: Display> + Display + Debug + PartialEq>(text: &str) -> bool {
    match text.parse::<T>() {
        Ok(read) => {
            assert_eq!(read.to_string().parse().ok(), Some(read));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}
