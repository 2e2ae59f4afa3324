//! A camera: a sender that streams until Ctrl-C, says with each frame which it is, and prints what the receiver found
//! in it.
//!
//! ```text
//! cargo run -p netgear-examples --features netgear/camera --example camera_sender -- camera:0
//! ```
//!
//! Run `camera_receiver` in another terminal, before or after; or VidGear's client, `vidgear/camera_client.py`.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::{env, error::Error};

use netgear::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::signal;

/// What goes with each frame: a dict in Python.
#[derive(Serialize)]
struct Shot {
    camera: String,
    number: u64,
}

/// What comes back.
#[derive(Debug, Deserialize)]
struct Finding {
    number: u64,
    brightness: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let camera = match env::args().nth(1) {
        Some(source) => source.parse::<Source>()?.open(&OpenOptions::new())?,
        // Three seconds of a test pattern, where there is no camera.
        None => Box::new(TestPattern::new("640x480@30".parse()?).with_frames(90)),
    };
    let sender = netgear::sender().connect(Endpoint::default_to_connect()).await?;

    tokio::select! {
        streamed = stream(&sender, camera) => streamed?,
        stopped = signal::ctrl_c() => stopped?,
    }
    // Without it the receiver would not know that this was the end.
    sender.close().await?;
    Ok(())
}

async fn stream(sender: &FrameSender, mut camera: Box<dyn FrameSource>) -> Result<(), Box<dyn Error>> {
    let mut number = 0;
    while let Some(next) = camera.next_frame()? {
        let shot = Shot { camera: "front door".to_owned(), number };
        sender.send(next.frame, Some(Value::from_serde(&shot)?)).await?;
        if let Some(data) = sender.recv_data().await? {
            let Finding { number, brightness } = data.deserialize()?;
            println!("frame {number} has a brightness of {brightness:.1}");
        }
        number += 1;
    }
    Ok(())
}
