#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| netgear_proto_fuzz::session(input));
