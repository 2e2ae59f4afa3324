#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    netgear_media_fuzz::encoded_frame(input);
});
