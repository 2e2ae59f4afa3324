//! Frames both ways, as in a video chat: each end sends the other its own picture, made smaller by 30 per cent.
//!
//! Run `frames_both_ways_sender` in another terminal, before or after; or VidGear's server,
//! `vidgear/frames_both_ways_server.py`.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::error::Error;

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut film = TestPattern::new("320x240@30".parse()?);
    let receiver = netgear::receiver().pattern(Pattern::ReqRep).bind(Endpoint::default_to_bind()).await?;
    // Kept and used again, so that resizing allocates nothing from frame to frame.
    let mut resizer = Resizer::new();
    let percent = Percent::new(30.0)?;

    while let Some(Delivery { frame: theirs, data, .. }) = receiver.recv().await? {
        if let Some(data) = data {
            println!("the sender looks like {theirs:?} and says {data}");
        }
        if let Some(next) = film.next_frame()? {
            receiver.reply(resizer.reduce(&next.frame, percent, Filter::Lanczos4)?)?;
        }
    }
    receiver.close().await?;
    Ok(())
}
