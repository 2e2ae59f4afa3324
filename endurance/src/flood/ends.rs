//! The session that is flooded: the end at the open port, and its peer.

use std::{collections::VecDeque, future::pending, net::Ipv4Addr, time::Duration};

use netgear_transport::{FrameReceiver, FrameSender};
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    time::{MissedTickBehavior, interval},
};

use crate::{
    Result,
    end::Setup,
    picture::{self, Name},
    program::{Orders, say},
};

const SIZE: (u32, u32) = (1280, 720);

/// How often the server says how many frames it has had.
const COUNT_INTERVAL: Duration = Duration::from_millis(50);

/// The end at the open port: a receiver, which waits for the next sender when one has left.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(super) setup: Setup,
}

/// What it says.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum ServerEvent {
    Bound,
    /// So many frames were received up to now.
    Count(u64),
    /// A frame of another sender has arrived.
    FirstFrame {
        of_run: u64,
    },
}

impl Server {
    pub(crate) async fn run(self) -> Result {
        // Without its parent it ends.
        let _orders = Orders::<()>::listen();
        let (mut frames, mut run) = (0, None);
        let mut ticks = interval(COUNT_INTERVAL);
        loop {
            let receiver = self.setup.builder(FrameReceiver::builder()).bind(self.setup.endpoint()?).await?;
            say(&ServerEvent::Bound);
            loop {
                let received = tokio::select! {
                    received = receiver.recv() => received?,
                    _ = ticks.tick() => {
                        say(&ServerEvent::Count(frames));
                        continue;
                    }
                };
                let Some(delivery) = received else { break };
                frames += 1;
                let name = picture::read_name(&delivery.frame).ok_or("a frame without a name")?;
                if run != Some(name.run) {
                    picture::read(&delivery.frame).ok_or("a partial frame")?;
                    run = Some(name.run);
                    say(&ServerEvent::FirstFrame { of_run: name.run });
                }
            }
            receiver.close().await?;
        }
    }
}

/// The sender.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(super) setup: Setup,
    pub(super) run: u64,
    /// As many as go, if none.
    pub(super) frames_per_second: Option<u32>,
}

/// What it is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum PeerOrder {
    /// To say goodbye.
    Leave,
}

impl Peer {
    pub(crate) async fn run(self) -> Result {
        let mut orders = Orders::listen();
        let sender = self.setup.builder(FrameSender::builder()).connect(self.setup.endpoint()?).await?;
        let frame = picture::draw(Name { run: self.run, number: 0 }, SIZE.0, SIZE.1)?;
        let mut ticks = self.frames_per_second.map(|rate| {
            let mut ticks = interval(Duration::from_secs(1) / rate);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            ticks
        });
        loop {
            let next = async {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                sender.send(frame.clone(), None).await
            };
            tokio::select! {
                sent = next => sent?,
                Ok(PeerOrder::Leave) = orders.next() => break,
            }
        }
        sender.close().await?;
        say(&());
        pending().await
    }
}

/// A port where everybody is accepted and nothing else happens: what a flood costs the machine by itself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Decoy {
    pub(super) port: u16,
}

impl Decoy {
    pub(crate) async fn run(self) -> Result {
        let _orders = Orders::<()>::listen();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        say(&());
        // As many as a session greets at once.
        let mut held = VecDeque::new();
        loop {
            held.push_back(listener.accept().await?);
            if held.len() > 64 {
                held.pop_front();
            }
        }
    }
}
