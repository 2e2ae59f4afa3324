//! The bare minimum: a sender that streams frames with a text, and prints the text that comes back.
//!
//! Run `bare_minimum_receiver` in another terminal, before or after; or VidGear's client,
//! `vidgear/bare_minimum_client.py`.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::error::Error;

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Any source will do: "film.mp4".parse::<Source>()?.open(&OpenOptions::new())? is a film. This one needs nothing.
    let mut film = TestPattern::new("640x480@30".parse()?).with_frames(90);
    let sender = netgear::sender().connect(Endpoint::default_to_connect()).await?;

    while let Some(next) = film.next_frame()? {
        sender.send(next.frame, Some(Value::from("hello, I am a sender"))).await?;
        // What the receiver answered to this very frame, if anything.
        if let Some(data) = sender.recv_data().await? {
            println!("the receiver says {data}");
        }
    }
    sender.close().await?;
    Ok(())
}
