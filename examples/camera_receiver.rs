//! A camera's receiver: prints what comes with each frame, and sends back what it found in the frame.
//!
//! Run `camera_sender` in another terminal, before or after; or VidGear's server, `vidgear/camera_server.py`.
#![allow(clippy::print_stdout, reason = "an example shows what arrives")]

use std::error::Error;

use netgear::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::signal;

/// What comes with each frame.
#[derive(Debug, Deserialize)]
struct Shot {
    camera: String,
    number: u64,
}

/// What goes back: a dict in Python.
#[derive(Serialize)]
struct Finding {
    number: u64,
    brightness: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let receiver = netgear::receiver().bind(Endpoint::default_to_bind()).await?;

    tokio::select! {
        watched = watch(&receiver) => watched?,
        stopped = signal::ctrl_c() => stopped?,
    }
    receiver.close().await?;
    Ok(())
}

async fn watch(receiver: &FrameReceiver) -> Result<(), Box<dyn Error>> {
    while let Some(Delivery { frame, data, .. }) = receiver.recv().await? {
        let Shot { camera, number } = data.ok_or("a frame came without data")?.deserialize()?;
        println!("{camera}, frame {number}: {frame:?}");
        let sum: u64 = frame.pixels().iter().copied().map(u64::from).sum();
        let brightness = sum as f64 / frame.pixels().len() as f64;
        receiver.reply(Value::from_serde(&Finding { number, brightness })?)?;
    }
    Ok(())
}
