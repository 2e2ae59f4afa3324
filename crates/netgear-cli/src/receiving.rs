use std::{future::pending, path::PathBuf, time::Duration};

use netgear::{
    media::{RecordError, save_picture},
    prelude::{Delivery, Frame, FrameReceiver, Value},
    transport::{RecvError, ReplyError, WaitError},
};
use tokio::time::timeout;

use crate::{
    Failure,
    feed::Feed,
    live::LiveLine,
    print,
    recording::Recording,
    sending::Ended,
    shown::{Presence, Shown},
    stop::Stop,
    summary::Tally,
};

/// How a stream is received.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(crate) reply: Reply,
    pub(crate) frames: Option<u64>,
    pub(crate) snapshot: Option<PathBuf>,
    pub(crate) recording: Option<Recording>,
    pub(crate) shown: Shown,
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

impl Receiving {
    /// How long a recording may take to be whole before the user is told what is waited for.
    const SILENT_FOR: Duration = Duration::from_millis(1_500);

    /// Receives from one sender until it leaves, enough frames have come, or the user wants to stop.
    pub(crate) async fn run(
        &mut self,
        receiver: FrameReceiver,
        stop: &mut Stop,
        tally: &mut Tally,
        mut live: LiveLine,
    ) -> Result<Ended, Failure> {
        let received = tokio::select! {
            received = self.receive_all(&receiver, tally, &mut live) => received,
            () = stop.requested() => Ok(Ended::Done),
        };
        // The sender is told goodbye whatever went wrong here; what counts first is what went wrong. The frame
        // received last is answered by it.
        let closed = receiver.close().await;
        if let Ok(closed) = &closed {
            for data in &closed.untaken {
                self.take_data(data, tally, &live);
            }
            tally.note(closed.stats);
            print::undelivered(&closed.undelivered);
        }
        tally.end_session();
        let ended = received?;
        closed?;
        if ended == Ended::Done && tally.speaks_vidgear() {
            print::note(
                &"VidGear has no word for a receiver that leaves: its server waits until it times out, \
                  and then for somebody to confirm its end, as the next view at this endpoint does",
            );
        }
        Ok(ended)
    }

    /// Keeps what was recorded, and saves the snapshot.
    pub(crate) async fn finish(mut self, stop: &mut Stop, tally: &mut Tally) -> Result<(), Failure> {
        for remark in self.shown.last_remarks() {
            print::note(&remark);
        }
        let mut recorded = Ok(());
        if let Some(mut recording) = self.recording {
            recorded = tokio::select! {
                recorded = Self::finish_recording(&mut recording) => recorded,
                // Once more: at once. An ffmpeg finishes by itself.
                () = stop.requested() => Ok(()),
            };
            tally.recording = Some(recording.summary());
        }
        let saved = match (&self.snapshot, &self.last) {
            (Some(path), Some(frame)) => save_picture(frame, path)
                .inspect(|()| print::note(&format_args!("saved the last frame as {}", path.display()))),
            (Some(path), None) => {
                print::note(&format_args!("no frame came, and {} was not written", path.display()));
                Ok(())
            }
            (None, _) => Ok(()),
        };
        recorded?;
        Ok(saved?)
    }

    /// Waits until everything is written, and tells the user if that takes long.
    async fn finish_recording(recording: &mut Recording) -> Result<(), RecordError> {
        match timeout(Self::SILENT_FOR, recording.finish()).await {
            Ok(finished) => finished,
            Err(_) => {
                print::note(&"finishing the recording; Ctrl-C ends at once, without the rest of it");
                recording.finish().await
            }
        }
    }

    async fn receive_all(
        &mut self,
        receiver: &FrameReceiver,
        tally: &mut Tally,
        live: &mut LiveLine,
    ) -> Result<Ended, Failure> {
        let found = loop {
            tokio::select! {
                found = receiver.peer() => break found,
                remark = self.shown.remark() => live.suspend(|| print::note(&remark)),
            }
        };
        let peer = match found {
            Ok(peer) => peer,
            Err(WaitError::Over) => {
                live.suspend(|| print::note(&"a sender came and left again before its frames were taken"));
                return Ok(Ended::PeerLeft);
            }
            Err(error) => return Err(error.into()),
        };
        tally.peer(peer);
        self.shown.set_presence(Presence::There);
        let mut is_there = true;
        if let Some(recording) = &mut self.recording {
            recording.new_sender();
        }
        while self.frames.is_none_or(|frames| tally.frames() < frames) {
            // Data whose frames were dropped: there may be much of it before the next frame.
            while let Some(data) = receiver.try_recv_data() {
                self.take_data(&data, tally, live);
            }
            let received = tokio::select! {
                biased;
                // Before the frames: where there are always some, it would not be looked at.
                now_there = turn(receiver, is_there), if self.shown.is_any() => {
                    is_there = now_there;
                    self.shown.set_presence(if is_there { Presence::There } else { Presence::Lost });
                    continue;
                }
                remark = self.shown.remark() => {
                    live.suspend(|| print::note(&remark));
                    continue;
                }
                received = receiver.recv() => received,
                data = receiver.recv_data() => {
                    match data {
                        Ok(Some(data)) => self.take_data(&data, tally, live),
                        // While a frame is being decoded, it has time that data has not.
                        Ok(None) | Err(RecvError::Timeout(_) | RecvError::DataWaiting { .. }) => {}
                        Err(error) => return Err(error.into()),
                    }
                    continue;
                }
            };
            let delivery = match received {
                // The heartbeat says that the sender is alive; its source may be slow.
                Err(RecvError::Timeout(_) | RecvError::DataWaiting { .. }) => continue,
                Err(error @ RecvError::DecodingTimeout(_)) => {
                    live.suspend(|| print::note(&error));
                    continue;
                }
                Err(RecvError::Undecodable { delivery, error }) => {
                    live.suspend(|| {
                        print::note(&format_args!("frame {} is left out: {error}", delivery.sequence));
                    });
                    for data in delivery.earlier.iter().chain(&delivery.data) {
                        self.take_data(data, tally, live);
                    }
                    continue;
                }
                received => received?,
            };
            let Some(delivery) = delivery else {
                while let Some(data) = receiver.try_recv_data() {
                    self.take_data(&data, tally, live);
                }
                return Ok(Ended::PeerLeft);
            };
            tally.frame(&delivery.frame);
            let returns = tally.returns();
            tally.note(receiver.stats());
            if tally.returns() > returns {
                live.suspend(|| print::note(&"the sender is back"));
            }
            self.shown.frame(&delivery, tally);
            if self.snapshot.is_some() {
                self.last = Some(delivery.frame.clone());
            }
            for data in delivery.earlier.iter().chain(&delivery.data) {
                self.take_data(data, tally, live);
            }
            // Before the answer, which asks for the next frame.
            if let Some(recording) = &mut self.recording {
                recording.write(&delivery).await?;
                if let Some(remark) = recording.remark() {
                    live.suspend(|| print::note(&remark));
                }
            }
            match self.answer(receiver, &delivery, tally).await {
                // It has said goodbye meanwhile; the frame is ours all the same.
                Ok(()) | Err(Failure::Reply(ReplyError::PeerLeft)) => {}
                Err(failure) => return Err(failure),
            }
            live.update(tally, self.recording.as_ref());
        }
        Ok(Ended::Done)
    }

    fn take_data(&self, data: &Value, tally: &mut Tally, live: &LiveLine) {
        tally.data_received += 1;
        self.shown.received(data);
        if self.print_data {
            live.suspend(|| print::data(data, self.json));
        }
    }

    async fn answer(
        &mut self,
        receiver: &FrameReceiver,
        delivery: &Delivery,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        // What a person says goes before what is always said. That it cannot be sent is for that person to hear, and
        // ends nothing.
        #[cfg(feature = "web")]
        if let Some(typed) = self.shown.typed() {
            match receiver.reply(typed.value().clone()) {
                Ok(()) => {
                    self.shown.sent_as_typed(typed.value());
                    typed.sent();
                    tally.data_given += 1;
                    return Ok(());
                }
                Err(ReplyError::Refused(refusal)) => {
                    print::note(&format_args!("what was typed is not sent: {refusal}"));
                    typed.refused(refusal);
                }
                Err(error) => {
                    typed.refused(&error);
                    return Err(error.into());
                }
            }
        }
        let reply = match &mut self.reply {
            Reply::Nothing => None,
            Reply::Same(value) => Some(value.clone()),
            Reply::Frames(feed) => feed.next().await?.map(|timed| Value::Frame(timed.frame)),
            Reply::Echo { frames: true } => Some(Value::Frame(delivery.frame.clone())),
            Reply::Echo { frames: false } => delivery.data.clone(),
        };
        let Some(reply) = reply else { return Ok(()) };
        let frame = reply.as_frame().cloned();
        // A refusal ends the program, so nobody is left who would be misled.
        self.shown.sent(&reply);
        receiver.reply(reply)?;
        tally.data_given += 1;
        if let Some(frame) = frame {
            tally.returned_frame(&frame);
        }
        Ok(())
    }
}

/// Waits until a sender that was there is lost, or one that was not is back; says whether it is there.
async fn turn(receiver: &FrameReceiver, is_there: bool) -> bool {
    if is_there {
        receiver.lost().await;
        return false;
    }
    if receiver.peer().await.is_err() {
        // Receiving says so too, and with what error it ends.
        pending::<()>().await;
    }
    true
}
