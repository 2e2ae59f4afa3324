//! Frames both ways, as in a video chat: a sender whose frames come back made smaller by 30 per cent.
//!
//! Run `frames_both_ways_receiver` in another terminal, before or after.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::error::Error;

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut source = TestPattern::new("1280x720@30".parse()?).with_frames(90);
    let sender =
        FrameSender::builder().pattern(Pattern::ReqRep).connect("tcp://127.0.0.1:5556".parse()?).await?;

    while let Some(next) = source.next_frame()? {
        // Any serde type goes with a frame; here it is a map, made by hand.
        let data = Value::from([
            ("seconds", Value::from(next.time.as_secs_f64())),
            ("camera", Value::from("front")),
        ]);
        sender.send(next.frame, Some(data)).await?;

        // What comes back is any value, and a frame is one.
        if let Some(Value::Frame(smaller)) = sender.recv_data().await? {
            println!("came back as {smaller:?}");
        }
    }
    sender.close().await?;
    Ok(())
}
