//! The fuzz targets of netgear-proto, as functions. Their code is in `tests/fuzz`, where the corpora are replayed by
//! ordinary tests.

#[path = "../../tests/fuzz/targets/mod.rs"]
#[allow(dead_code, reason = "what the targets give is for the tests that replay the corpora")]
mod targets;

macro_rules! targets {
    ($($name:ident),*) => {
        $(
            /// The target of this name.
            pub fn $name(input: &[u8]) {
                targets::$name::run(input);
            }
        )*
    };
}

targets!(native_message, session, session_pair, texts, vidgear_message, zmtp_connection);
