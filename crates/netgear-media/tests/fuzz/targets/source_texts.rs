//! Texts that come from command lines: any is read or refused, and what is read is written so that it is read as the
//! same.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use netgear_media::{Filter, FrameRate, Percent, Source, TestPatternSpec};

/// Gives how many of the types it was a text of.
pub(crate) fn run(input: &[u8]) -> usize {
    let Ok(text) = str::from_utf8(input) else { return 0 };
    [
        source_comes_back(text),
        comes_back::<TestPatternSpec>(text),
        comes_back::<FrameRate>(text),
        comes_back::<Filter>(text),
        comes_back::<Percent>(text),
    ]
    .into_iter()
    .map(usize::from)
    .sum()
}

/// Whether it is a source's. A URL is written without its password, and then always so.
fn source_comes_back(text: &str) -> bool {
    match text.parse() {
        Ok(url @ Source::Url(_)) => {
            let written = url.to_string();
            assert_eq!(
                written.parse::<Source>().map(|again| again.to_string()).ok(),
                Some(written),
                "{text:?}"
            );
            true
        }
        _ => comes_back::<Source>(text),
    }
}

/// Whether it is a text of this type.
fn comes_back<T: FromStr<Err: Display> + Display + Debug + PartialEq>(text: &str) -> bool {
    match text.parse::<T>() {
        Ok(read) => {
            assert_eq!(read.to_string().parse().ok().as_ref(), Some(&read), "{text:?}");
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}
