use alloc::{string::String, vec::Vec};

use super::{Violation, properties::Properties};

/// RFC 37: the longest context that a PING may carry.
pub(super) const LONGEST_CONTEXT: usize = 16;

/// A command of the peer, read from its frame.
#[derive(Debug, PartialEq)]
pub(super) enum Command<'a> {
    Ready(Properties),
    Error {
        reason: String,
    },
    Ping {
        context: &'a [u8],
    },
    Pong,
    /// RFC 37: a command that is not known is ignored.
    Unknown,
}

impl<'a> Command<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Violation> {
        let (&name_len, rest) = body.split_first().ok_or(Violation::CommandName)?;
        if name_len == 0 {
            return Err(Violation::CommandName);
        }
        let (name, data) = rest.split_at_checked(name_len.into()).ok_or(Violation::CommandName)?;
        match name {
            b"READY" => Ok(Self::Ready(Properties::read(data)?)),
            b"ERROR" => {
                let (&len, reason) = data.split_first().ok_or(Violation::ErrorReason)?;
                let reason = reason.get(..len.into()).ok_or(Violation::ErrorReason)?;
                Ok(Self::Error { reason: printable(reason) })
            }
            b"PING" => {
                let (_ttl, context) = data.split_first_chunk::<2>().ok_or(Violation::Ping)?;
                if context.len() > LONGEST_CONTEXT {
                    return Err(Violation::Ping);
                }
                Ok(Self::Ping { context })
            }
            b"PONG" => Ok(Self::Pong),
            _ => Ok(Self::Unknown),
        }
    }
}

/// A stranger's words go into logs and onto terminals: only what prints. Neither control characters nor the invisible
/// ones that turn the direction of what follows.
pub(super) fn printable(bytes: &[u8]) -> String {
    let prints = |c: char| matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
    String::from_utf8_lossy(bytes).chars().map(|c| if prints(c) { c } else { '.' }).collect()
}

pub(super) fn ready(properties: &Properties) -> Vec<u8> {
    let mut body = named(b"READY");
    properties.write(&mut body);
    body
}

/// The reason is cut to the 255 bytes that its length can say, and to the ASCII that RFC 37 has there.
pub(super) fn error(reason: &str) -> Vec<u8> {
    let reason = reason.chars().take(255).map(|c| if matches!(c, ' '..='~') { c as u8 } else { b'.' });
    let reason = reason.collect::<Vec<u8>>();
    let mut body = named(b"ERROR");
    body.push(reason.len() as u8);
    body.extend_from_slice(&reason);
    body
}

/// A PING without a time to live. With one, libzmq closes the connection when nothing more comes from us within it,
/// even while we are busy receiving; and it multiplies the number by 100 in 16 bits, so that above 655 it means
/// something else.
pub(super) const PING: &[u8] = b"\x04PING\0\0";

/// Behind it comes the context of the PING that it answers.
pub(super) const PONG: &[u8] = b"\x04PONG";

fn named(name: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(64);
    body.push(name.len() as u8);
    body.extend_from_slice(name);
    body
}
