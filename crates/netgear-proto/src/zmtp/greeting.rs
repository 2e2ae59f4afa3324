use super::{ZmtpError, command::printable};

/// A greeting is always this long (RFC 37).
pub(super) const LEN: usize = 64;

/// What this end sends first: signature, version 3.1, mechanism NULL, as-server 0, padding.
pub(super) const NULL_3_1: [u8; LEN] = {
    let mut greeting = [0; LEN];
    greeting[0] = 0xFF;
    greeting[9] = 0x7F;
    greeting[10] = 3;
    greeting[11] = 1;
    let mechanism = *b"NULL";
    let mut at = 0;
    while at < mechanism.len() {
        greeting[12 + at] = mechanism[at];
        at += 1;
    }
    greeting
};

/// Checks as much of the peer's greeting as has come, so that a peer of another kind is found out at once. Gives the
/// minor version once the greeting is whole.
///
/// The padding is never looked at: libzmq's is not zero.
pub(super) fn check(bytes: &[u8]) -> Result<Option<u8>, ZmtpError> {
    match bytes.first() {
        Some(0xFF) | None => {}
        Some(&first) => return Err(ZmtpError::NotZmtp { guess: guess(first) }),
    }
    // An even byte here is the flags of a ZMTP 1.0 frame with a long length.
    if bytes.get(9).is_some_and(|byte| byte & 1 == 0) {
        return Err(ZmtpError::Version { major: 1 });
    }
    if let Some(&major @ 0..=2) = bytes.get(10) {
        // RFC 15: 1 on the wire is ZMTP 2.0; 0 is what some spoke before it.
        return Err(ZmtpError::Version { major: if major == 0 { 1 } else { 2 } });
    }
    let Some(greeting) = bytes.first_chunk::<LEN>() else { return Ok(None) };
    let mechanism = &greeting[12..32];
    if mechanism != b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" {
        let name_len = mechanism.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        return Err(ZmtpError::Mechanism { theirs: printable(&mechanism[..name_len]) });
    }
    // A peer of a higher major version speaks 3.1 to us.
    Ok(Some(if greeting[10] == 3 { greeting[11] } else { 1 }))
}

/// By its first byte alone, so that the guess does not depend on how the bytes were cut.
fn guess(first: u8) -> &'static str {
    match first {
        0x16 => "TLS",
        b'S' => "SSH",
        b'C' | b'D' | b'G' | b'H' | b'O' | b'P' | b'T' => "HTTP",
        0x00..=0x01 => "ZMTP 1.0, or nothing known",
        _ => "something unknown",
    }
}
