use std::net::{Ipv4Addr, TcpListener};

use crate::Result;

/// A TCP port that is free now, and that the system chooses for nobody by itself: so that it is still free when an
/// end is started that binds it, be that again and again.
pub(crate) fn free() -> Result<u16> {
    for _ in 0..100 {
        // Below those that Linux chooses from.
        let port = fastrand::u16(15_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port was found".into())
}
