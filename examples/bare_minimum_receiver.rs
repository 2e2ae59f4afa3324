//! The bare minimum: a receiver that takes frames, prints the text that comes with each, and answers.
//!
//! Run `bare_minimum_sender` in another terminal, before or after; or VidGear's server,
//! `vidgear/bare_minimum_server.py`.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::error::Error;

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let receiver = netgear::receiver().bind(Endpoint::default_to_bind()).await?;

    while let Some(delivery) = receiver.recv().await? {
        if let Some(data) = &delivery.data {
            println!("{:?}: the sender says {data}", delivery.frame);
        }
        receiver.reply("hello, I am a receiver")?;
    }
    receiver.close().await?;
    Ok(())
}
