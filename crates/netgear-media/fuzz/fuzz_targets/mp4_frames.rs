#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| netgear_media_fuzz::mp4_frames(input));
