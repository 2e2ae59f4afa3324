//! Frames both ways, as in a video chat: a receiver that sends each frame back, made smaller by 30 per cent.
//!
//! Run `frames_both_ways_sender` in another terminal, before or after.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::error::Error;

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let receiver =
        FrameReceiver::builder().pattern(Pattern::ReqRep).bind("tcp://127.0.0.1:5556".parse()?).await?;
    // Kept and used again, so that resizing allocates nothing from frame to frame.
    let mut resizer = Resizer::new();
    let percent = Percent::new(30.0)?;

    while let Some(delivery) = receiver.recv().await? {
        let smaller = resizer.reduce(&delivery.frame, percent, Filter::default())?;
        println!("{:?} goes back as {smaller:?}", delivery.frame);
        receiver.reply(smaller)?;
    }
    receiver.close().await?;
    Ok(())
}
