//! The two ends: a camera, and a viewer that is slow.

use std::{future::pending, time::Duration};

use netgear_proto::session::Outgoing;
use netgear_transport::{FrameReceiver, FrameSender};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    Result,
    end::Setup,
    percentiles::Percentiles,
    picture::{self, Name},
    program::{Orders, say},
};

const SIZE: (u32, u32) = (1920, 1080);

pub(super) const FRAME_BYTES: u64 = SIZE.0 as u64 * SIZE.1 as u64 * 3;

const CAMERA_INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 60);

const VIEWER_INTERVAL: Duration = Duration::from_millis(100);

/// What either is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Order {
    /// To begin.
    Go,
}

/// 60 frames a second for some time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Camera {
    pub(super) setup: Setup,
    pub(super) seconds: u64,
}

/// What the sender counted.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) offered: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
}

impl Camera {
    pub(crate) async fn run(self) -> Result {
        let mut orders = Orders::listen();
        let sender = self.setup.builder(FrameSender::builder()).connect(self.setup.endpoint()?).await?;
        sender.peer().await?;
        say(&());
        let Order::Go = orders.next().await?;
        let mut ticks = interval(CAMERA_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for number in 0..self.seconds * 60 {
            ticks.tick().await;
            while sender.try_recv_data().is_some() {}
            let captured_at = sender.now();
            let frame = picture::draw(Name { run: 0, number }, SIZE.0, SIZE.1)?;
            sender.send_outgoing(Outgoing::new(frame, captured_at)).await?;
        }
        let stats = sender.close().await?.stats;
        say(&Sent {
            offered: stats.frames_offered,
            delivered: stats.frames_delivered,
            dropped: stats.frames_dropped.total(),
        });
        // Its memory is looked at.
        pending().await
    }
}

/// 10 frames a second.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Viewer {
    pub(super) setup: Setup,
    pub(super) answers_first: bool,
}

/// What the receiver saw.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Viewed {
    pub(super) frames: u64,
    pub(super) partial: u64,
    /// From its capture until the application has it, by the one clock that both ends have.
    pub(super) age: Percentiles,
    /// The same by the session's own estimate of the two clocks.
    pub(super) estimated_age: Percentiles,
}

impl Viewer {
    pub(crate) async fn run(self) -> Result {
        let mut orders = Orders::listen();
        let receiver = self.setup.builder(FrameReceiver::builder()).bind(self.setup.endpoint()?).await?;
        receiver.peer().await?;
        say(&());
        let Order::Go = orders.next().await?;
        let (mut ages, mut estimated) = (Vec::new(), Vec::new());
        let (mut frames, mut partial) = (0, 0);
        let mut ticks = interval(VIEWER_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let Some(delivery) = receiver.recv().await? else { break };
            let now = receiver.now();
            if self.answers_first {
                receiver.reply(frames)?;
            }
            frames += 1;
            ages.extend(delivery.captured_at.map(|captured_at| now.since(captured_at)));
            estimated.extend(delivery.age(now).map(|age| age.duration));
            partial += u64::from(picture::read(&delivery.frame).is_none());
            // It has the frame as long as it is busy with it.
            ticks.tick().await;
            drop(delivery);
        }
        receiver.close().await?;
        let (age, estimated_age) = (Percentiles::of(ages), Percentiles::of(estimated));
        say(&Viewed { frames, partial, age, estimated_age });
        // Its memory is looked at.
        pending().await
    }
}
