//! The program that is killed, and the one that survives it: the same, in either role.

use std::{path::PathBuf, time::Duration};

use netgear_proto::{
    Role, Value,
    session::{self, ResumeToken},
};
use netgear_transport::{FrameReceiver, FrameSender, ReplyError, SendError};
use serde::{Deserialize, Serialize};

use super::{
    arrivals::Arrivals,
    ledger::{Ledger, Record, item, name_of},
};
use crate::{
    Result,
    end::Setup,
    picture::{self, Name},
    program::{Orders, say},
};

/// Large enough for a moment to fall within a frame.
const SIZE: (u32, u32) = (640, 480);

/// How long closing waits for the other end to have taken everything.
const LINGER: Duration = Duration::from_secs(5);

/// One run of one of the two programs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(super) setup: Setup,
    pub(super) role: Role,
    pub(super) binds: bool,
    pub(super) run: u64,
    pub(super) ledger: PathBuf,
}

/// What a run says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Event {
    /// The first frame of a run of the sender has arrived at the receiver that says this.
    FirstFrame { of_run: u64 },
    /// It has ended in good order.
    Ended,
}

/// What it is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Order {
    /// To close its session.
    Close,
}

impl Program {
    pub(crate) fn name(&self) -> &'static str {
        match self.role {
            Role::Sender => "the sender",
            Role::Receiver => "the receiver",
        }
    }

    pub(crate) async fn run(self) -> Result {
        let mut ledger = Ledger::open(&self.ledger)?;
        ledger.record(&Record::Began { run: self.run })?;
        match self.role {
            Role::Sender => self.send(ledger).await?,
            Role::Receiver => self.receive(ledger).await?,
        }
        say(&Event::Ended);
        Ok(())
    }

    /// Sends numbered frames with numbered data as fast as they are taken, and records what comes back.
    async fn send(&self, mut ledger: Ledger) -> Result {
        let builder = self.setup.builder(FrameSender::builder()).resume(ledger.token()).linger(LINGER);
        let endpoint = self.setup.endpoint()?;
        let sender =
            if self.binds { builder.bind(endpoint).await? } else { builder.connect(endpoint).await? };
        let mut orders = Orders::<Order>::listen();
        let (width, height) = SIZE;
        let mut name = Name { run: self.run, number: 0 };
        loop {
            record_returned(&sender, &mut ledger)?;
            let frame = picture::draw(name, width, height)?;
            let sent = tokio::select! {
                sent = sender.send(frame, Some(item(name))) => sent,
                Ok(Order::Close) = orders.next() => break,
            };
            match sent {
                Ok(()) => {
                    ledger.record(&Record::Accepted(name))?;
                    name.number += 1;
                }
                Err(SendError::ReturnedDataWaiting { .. }) => {}
                Err(SendError::PeerLeft) => break,
                Err(error) => return Err(error.into()),
            }
        }
        match sender.flush().await {
            Ok(()) | Err(SendError::PeerLeft) => {}
            Err(error) => return Err(error.into()),
        }
        record_returned(&sender, &mut ledger)?;
        let closed = sender.close().await?;
        let undelivered = closed.undelivered.iter().map(name_of).collect::<Result<_>>()?;
        ledger.record(&Record::Undelivered(undelivered))
    }

    /// Records each frame and its data, and answers it with a number.
    async fn receive(&self, mut ledger: Ledger) -> Result {
        let builder = self.setup.builder(FrameReceiver::builder()).resume(ledger.token()).linger(LINGER);
        let endpoint = self.setup.endpoint()?;
        let receiver =
            if self.binds { builder.bind(endpoint).await? } else { builder.connect(endpoint).await? };
        let mut orders = Orders::<Order>::listen();
        let mut arrivals = Arrivals::default();
        let mut name = Name { run: self.run, number: 0 };
        loop {
            let received = tokio::select! {
                received = receiver.recv() => received?,
                // Frames may stay out while data comes whose frames were dropped.
                Ok(Some(value)) = receiver.recv_data() => {
                    record_taken(&mut ledger, &value, receiver.resume_token())?;
                    continue;
                }
                Ok(Order::Close) = orders.next() => break,
            };
            let Some(delivery) = received else { break };
            let frame = match arrivals.check(&delivery) {
                Ok(frame) => Some(frame),
                Err(broken) => {
                    ledger.record(&Record::Broken(broken))?;
                    None
                }
            };
            let items = delivery.earlier.iter().chain(&delivery.data).map(name_of).collect::<Result<_>>()?;
            ledger.record(&Record::Taken { frame, items, token: receiver.resume_token() })?;
            if let Some(of_run) = arrivals.take_new_run() {
                say(&Event::FirstFrame { of_run });
            }
            match receiver.reply(item(name)) {
                Ok(()) => {
                    ledger.record(&Record::Accepted(name))?;
                    name.number += 1;
                }
                // The next frame's turn.
                Err(ReplyError::Refused(session::ReplyError::Busy(_)) | ReplyError::PeerLeft) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Data whose frames were dropped may have come behind the last frame.
        while let Some(value) = receiver.try_recv_data() {
            record_taken(&mut ledger, &value, receiver.resume_token())?;
        }
        let closed = receiver.close().await?;
        let undelivered = closed.undelivered.iter().map(name_of).collect::<Result<_>>()?;
        ledger.record(&Record::Undelivered(undelivered))
    }
}

fn record_returned(sender: &FrameSender, ledger: &mut Ledger) -> Result {
    while let Some(value) = sender.try_recv_data() {
        record_taken(ledger, &value, sender.resume_token())?;
    }
    Ok(())
}

/// Data without a frame.
fn record_taken(ledger: &mut Ledger, value: &Value, token: Option<ResumeToken>) -> Result {
    ledger.record(&Record::Taken { frame: None, items: vec![name_of(value)?], token })
}
