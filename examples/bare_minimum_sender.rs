//! The bare minimum: a sender that streams frames with a text, and prints the text that comes back.
//!
//! Run `bare_minimum_receiver` in another terminal, before or after.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::{error::Error, time::Duration};

use netgear::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Any source will do: a file, a URL, a picture sequence. This one needs nothing.
    let mut source = TestPattern::new("640x480@30".parse()?).with_frames(90);

    let sender = FrameSender::builder().connect(Endpoint::default_to_connect()).await?;
    println!("waiting for a receiver");

    while let Some(next) = source.next_frame()? {
        sender.send(next.frame, Some(Value::from("hello, I am a sender"))).await?;
        while let Some(data) = sender.try_recv_data() {
            println!("the receiver says {data}");
        }
        tokio::time::sleep(Duration::from_millis(33)).await;
    }

    // The last answer is still on its way.
    sender.flush().await?;
    while let Some(data) = sender.try_recv_data() {
        println!("the receiver says {data}");
    }
    let stats = sender.close().await?;
    println!("{} frames sent, {} items of data came back", stats.frames_sent, stats.data_received);
    Ok(())
}
