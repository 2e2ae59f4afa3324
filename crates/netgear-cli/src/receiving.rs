use std::path::PathBuf;

use netgear::{
    media::{FrameRate, save_picture},
    prelude::{Delivery, Frame, FrameReceiver, Value},
    transport::{RecvError, ReplyError},
};

use crate::{Failure, feed::Feed, live::LiveLine, print, recording::Recording, stop::Stop, summary::Tally};

/// How a stream is received.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(crate) reply: Reply,
    pub(crate) frames: Option<u64>,
    pub(crate) snapshot: Option<PathBuf>,
    pub(crate) record: Option<PathBuf>,
    pub(crate) print_data: bool,
    pub(crate) json: bool,
}

/// What goes back for each frame.
#[derive(Debug)]
pub(crate) enum Reply {
    Nothing,
    Same(Value),
    Frames(Feed),
    /// The frame itself, or the data that came with it.
    Echo {
        frames: bool,
    },
}

impl Receiving {
    /// The rate that a recording is given, since the wire says nothing of one.
    const RECORDED_RATE: FrameRate = FrameRate::THIRTY;

    /// Receives until the sender leaves, enough frames have come, or the user wants to stop.
    pub(crate) async fn run(
        mut self,
        receiver: FrameReceiver,
        stop: &mut Stop,
        tally: &mut Tally,
        mut live: LiveLine,
    ) -> Result<(), Failure> {
        let mut recording =
            self.record.take().map(|path| Recording::create(path, Self::RECORDED_RATE)).transpose()?;
        let mut last = None;
        let received = {
            let receive_all = async {
                tally.peer = Some(receiver.peer().await?);
                self.receive_all(&receiver, tally, &mut live, &mut recording, &mut last).await
            };
            tokio::select! {
                received = receive_all => received,
                () = stop.requested() => Ok(()),
            }
        };
        // What was recorded is kept, and the sender is told goodbye, whatever went wrong.
        let recorded = match recording {
            Some(recording) => recording.finish().await,
            None => Ok(()),
        };
        let closed = receiver.close().await;
        if let (Some(path), Some(frame)) = (&self.snapshot, last) {
            save_picture(&frame, path)?;
        }
        received?;
        recorded?;
        closed?;
        Ok(())
    }

    async fn receive_all(
        &mut self,
        receiver: &FrameReceiver,
        tally: &mut Tally,
        live: &mut LiveLine,
        recording: &mut Option<Recording>,
        last: &mut Option<Frame>,
    ) -> Result<(), Failure> {
        while self.frames.is_none_or(|frames| tally.frames() < frames) {
            let delivery = match receiver.recv().await {
                // The heartbeat says that the sender is alive; its source may be slow.
                Err(RecvError::Timeout(_)) => continue,
                received => received?,
            };
            let Some(delivery) = delivery else { break };
            tally.frame(&delivery.frame, delivery.received_at.since(delivery.captured_at));
            if let Some(data) = &delivery.data {
                tally.data_received += 1;
                if self.print_data {
                    live.suspend(|| print::data(data, self.json));
                }
            }
            match self.answer(receiver, &delivery, tally).await {
                // It has said goodbye meanwhile; the frame is ours all the same.
                Err(Failure::Reply(ReplyError::PeerLeft)) => {}
                answered => answered?,
            }
            live.update(tally);
            if let Some(recording) = recording {
                recording.write(delivery.frame.clone()).await?;
            }
            if self.snapshot.is_some() {
                *last = Some(delivery.frame);
            }
        }
        Ok(())
    }

    async fn answer(
        &mut self,
        receiver: &FrameReceiver,
        delivery: &Delivery,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let reply = match &mut self.reply {
            Reply::Nothing => None,
            Reply::Same(value) => Some(value.clone()),
            Reply::Frames(feed) => feed.next().await?.map(|timed| Value::Frame(timed.frame)),
            Reply::Echo { frames: true } => Some(Value::Frame(delivery.frame.clone())),
            Reply::Echo { frames: false } => delivery.data.clone(),
        };
        let Some(reply) = reply else { return Ok(()) };
        let frame = reply.as_frame().cloned();
        receiver.reply(reply)?;
        tally.data_sent += 1;
        if let Some(frame) = frame {
            tally.returned_frame(&frame);
        }
        Ok(())
    }
}
