//! Frames both ways, as in a video chat: each end sends the other its own picture, made smaller by 30 per cent.
//!
//! Run `frames_both_ways_receiver` in another terminal, before or after; or VidGear's client,
//! `vidgear/frames_both_ways_client.py`.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::error::Error;

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut film = TestPattern::new("320x240@30".parse()?).with_frames(90);
    let sender = netgear::sender().pattern(Pattern::ReqRep).connect(Endpoint::default_to_connect()).await?;
    // Kept and used again, so that resizing allocates nothing from frame to frame.
    let mut resizer = Resizer::new();
    let percent = Percent::new(30.0)?;

    while let Some(next) = film.next_frame()? {
        let smaller = resizer.reduce(&next.frame, percent, Filter::Lanczos4)?;
        sender.send(smaller, Some(Value::from("hello, I am a sender"))).await?;
        match sender.recv_data().await? {
            Some(Value::Frame(theirs)) => println!("the receiver looks like {theirs:?}"),
            Some(data) => println!("the receiver says {data}"),
            None => {}
        }
    }
    sender.close().await?;
    Ok(())
}
