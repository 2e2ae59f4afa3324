use std::{
    future::{Future, poll_fn},
    path::PathBuf,
    pin::pin,
    task::Poll,
};

use netgear::{
    media::{FrameRate, save_picture},
    prelude::{Delivery, Dialect, Frame, FrameReceiver, Mode, Value},
    transport::{RecvError, ReplyError, WaitError},
};

use crate::{
    Failure, feed::Feed, live::LiveLine, print, recording::Recording, sending::Ended, stop::Stop,
    summary::Tally,
};

/// How a stream is received.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(crate) reply: Reply,
    pub(crate) frames: Option<u64>,
    pub(crate) snapshot: Option<PathBuf>,
    pub(crate) recording: Option<Recording>,
    pub(crate) print_data: bool,
    pub(crate) json: bool,
    /// The frame received last, if a snapshot is wanted.
    pub(crate) last: Option<Frame>,
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

/// What the end of the loop leaves to do.
#[derive(Debug, Default)]
struct Unfinished {
    /// The frame received last was not answered yet.
    unanswered: bool,
    /// Whether this sender is a VidGear server.
    speaks_vidgear: bool,
}

impl Receiving {
    /// The rate that a recording is given, since the wire says nothing of one.
    pub(crate) const RECORDED_RATE: FrameRate = FrameRate::THIRTY;

    /// Receives from one sender until it leaves, enough frames have come, or the user wants to stop.
    pub(crate) async fn run(
        &mut self,
        receiver: FrameReceiver,
        stop: &mut Stop,
        tally: &mut Tally,
        mut live: LiveLine,
    ) -> Result<Ended, Failure> {
        let mut unfinished = Unfinished::default();
        let received = tokio::select! {
            received = self.receive_all(&receiver, tally, &mut live, &mut unfinished) => received,
            () = stop.requested() => Ok(Ended::Done),
        };
        if unfinished.unanswered {
            answer_without_data(&receiver).await;
        }
        // The sender is told goodbye whatever went wrong here; what counts first is what went wrong.
        let closed = receiver.close().await;
        let ended = received?;
        closed?;
        if ended == Ended::Done && unfinished.speaks_vidgear {
            print::note(
                &"VidGear has no word for a receiver that leaves: its server waits until it times out, \
                  and then for somebody to confirm its end, as the next view at this endpoint does",
            );
        }
        Ok(ended)
    }

    /// Keeps what was recorded, and saves the snapshot.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        let recorded = match self.recording {
            Some(recording) => recording.finish().await,
            None => Ok(()),
        };
        if let (Some(path), Some(frame)) = (&self.snapshot, &self.last) {
            save_picture(frame, path)?;
        }
        Ok(recorded?)
    }

    async fn receive_all(
        &mut self,
        receiver: &FrameReceiver,
        tally: &mut Tally,
        live: &mut LiveLine,
        unfinished: &mut Unfinished,
    ) -> Result<Ended, Failure> {
        let peer = match receiver.peer().await {
            Ok(peer) => peer,
            Err(WaitError::Over) => {
                live.suspend(|| print::note(&"a sender came and left again before its frames were taken"));
                return Ok(Ended::PeerLeft);
            }
            Err(error) => return Err(error.into()),
        };
        tally.peer(peer);
        unfinished.speaks_vidgear = peer.dialect == Dialect::VidGear;
        while self.frames.is_none_or(|frames| tally.frames() < frames) {
            unfinished.unanswered = false;
            let delivery = match receiver.recv().await {
                // The heartbeat says that the sender is alive; its source may be slow.
                Err(RecvError::Timeout(_)) => continue,
                received => received?,
            };
            let Some(delivery) = delivery else { return Ok(Ended::PeerLeft) };
            // A unidirectional session answers as it delivers.
            unfinished.unanswered = peer.mode == Mode::Bidirectional;
            let latency = delivery.captured_at.map(|captured_at| delivery.received_at.since(captured_at));
            tally.frame(&delivery.frame, latency);
            if self.snapshot.is_some() {
                self.last = Some(delivery.frame.clone());
            }
            if let Some(data) = &delivery.data {
                tally.data_received += 1;
                if self.print_data {
                    live.suspend(|| print::data(data, self.json));
                }
            }
            match self.answer(receiver, &delivery, tally).await {
                Ok(true) => unfinished.unanswered = false,
                Ok(false) => {}
                // It has said goodbye meanwhile; the frame is ours all the same.
                Err(Failure::Reply(ReplyError::PeerLeft)) => {}
                Err(failure) => return Err(failure),
            }
            live.update(tally);
            if let Some(recording) = &mut self.recording {
                recording.write(delivery.frame).await?;
            }
        }
        Ok(Ended::Done)
    }

    /// Whether there was anything to answer.
    async fn answer(
        &mut self,
        receiver: &FrameReceiver,
        delivery: &Delivery,
        tally: &mut Tally,
    ) -> Result<bool, Failure> {
        let reply = match &mut self.reply {
            Reply::Nothing => None,
            Reply::Same(value) => Some(value.clone()),
            Reply::Frames(feed) => feed.next().await?.map(|timed| Value::Frame(timed.frame)),
            Reply::Echo { frames: true } => Some(Value::Frame(delivery.frame.clone())),
            Reply::Echo { frames: false } => delivery.data.clone(),
        };
        let Some(reply) = reply else { return Ok(false) };
        let frame = reply.as_frame().cloned();
        receiver.reply(reply)?;
        tally.data_sent += 1;
        if let Some(frame) = frame {
            tally.returned_frame(&frame);
        }
        Ok(true)
    }
}

/// Answers the frame received last, so that the sender counts it as arrived, as this end does.
async fn answer_without_data(receiver: &FrameReceiver) {
    // To receive is to answer what was received before. The next frame cannot be there yet, and is not waited for.
    let mut next = pin!(receiver.recv());
    poll_fn(|cx| {
        let _ = next.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}
