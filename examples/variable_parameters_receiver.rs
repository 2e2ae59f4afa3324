//! Address, port, protocol and pattern: a receiver on REQ/REP, bound to wherever the command line says.
//!
//! ```text
//! cargo run -p netgear-examples --example variable_parameters_receiver -- tcp://192.168.0.10:5454
//! ```
//!
//! Without an argument it waits for `variable_parameters_sender`, or VidGear's
//! `vidgear/variable_parameters_server.py`, on this machine.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::{env, error::Error, time::Duration};

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // An address of this machine, port and protocol in one; tcp://*:5454 for all its addresses.
    let endpoint: Endpoint = env::args().nth(1).as_deref().unwrap_or("tcp://127.0.0.1:5454").parse()?;
    let receiver =
        netgear::receiver().pattern(Pattern::ReqRep).timeout(Duration::from_secs(10)).bind(endpoint).await?;

    while let Some(delivery) = receiver.recv().await? {
        if let Some(data) = &delivery.data {
            println!("{:?}: the sender says {data}", delivery.frame);
        }
        receiver.reply("hello, I am a receiver")?;
    }
    receiver.close().await?;
    Ok(())
}
