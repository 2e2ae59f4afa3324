//! Address, port, protocol and pattern: a sender on REQ/REP, to wherever the command line says.
//!
//! ```text
//! cargo run -p netgear-examples --example variable_parameters_sender -- tcp://192.168.0.10:5454
//! ```
//!
//! Without an argument it looks for `variable_parameters_receiver`, or VidGear's
//! `vidgear/variable_parameters_client.py`, on this machine.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::{env, error::Error, time::Duration};

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Where the receiver is: address, port and protocol in one.
    let endpoint: Endpoint = env::args().nth(1).as_deref().unwrap_or("tcp://127.0.0.1:5454").parse()?;
    let sender =
        netgear::sender().pattern(Pattern::ReqRep).timeout(Duration::from_secs(10)).connect(endpoint).await?;
    let mut film = TestPattern::new("640x480@30".parse()?).with_frames(90);

    while let Some(next) = film.next_frame()? {
        sender.send(next.frame, Some(Value::from("hello, I am a sender"))).await?;
        if let Some(data) = sender.recv_data().await? {
            println!("the receiver says {data}");
        }
    }
    sender.close().await?;
    Ok(())
}
