//! Texts that come from files, command lines and other programs: any is read or refused, and what is read is written
//! so that it is read as the same. Of what names a session there is one form, but for the case of its letters.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use netgear_proto::{Dialect, Pattern, native::SessionId, session::ResumeToken};

/// Gives how many of the types it was a text of.
pub(crate) fn run(input: &[u8]) -> usize {
    let Ok(text) = str::from_utf8(input) else { return 0 };
    let token = comes_back::<ResumeToken>(text);
    let id = comes_back::<SessionId>(text);
    for written in token.iter().chain(&id) {
        assert!(text.eq_ignore_ascii_case(written), "{text} was read as {written}");
    }
    let names = [comes_back::<Pattern>(text), comes_back::<Dialect>(text)];
    [token, id].into_iter().chain(names).flatten().count()
}

/// How it is written again, if it is a text of this type.
fn comes_back<T: FromStr<Err: Display> + Display + Debug + PartialEq>(text: &str) -> Option<String> {
    match text.parse::<T>() {
        Ok(read) => {
            let written = read.to_string();
            assert_eq!(written.parse().ok(), Some(read));
            Some(written)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}
