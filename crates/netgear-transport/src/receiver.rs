use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use netgear_proto::{
    EncodedFrame, Frame, FrameDecodeError, Role, Timestamp, Value, WireFrame,
    session::{self, Delivery, Peer, ResumeToken, Stats},
    vidgear,
};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    Builder, CloseError, Closed, Endpoint, RecvError, ReplyError, WaitError,
    encoding::Encoder,
    handle::{End, Handle, Look, Unmet, Waited, private::Sealed},
    shared::State,
};

/// The end that takes the frames, and answers each with data or a frame of its own.
///
/// VidGear calls it the client. By default it binds, and waits there for a sender to appear.
///
/// All methods take `&self`. It is also a [`Stream`] of deliveries, for loops over `next()`; the stream waits for
/// frames without the deadline that [`FrameReceiver::recv`] has. Dropping a receiver says goodbye in the background;
/// [`FrameReceiver::close`] does it and waits.
#[doc(alias = "Client")]
#[doc(alias = "NetGear_Async")]
#[derive(Debug)]
pub struct FrameReceiver {
    handle: Handle,
    /// The stream has given its last item.
    stream_is_over: bool,
    /// How long the stream has waited for what it gives next.
    waited: Waited,
    /// Until when it waits, for a peer or the codec.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Sealed for FrameReceiver {}

impl End for FrameReceiver {
    const ROLE: Role = Role::Receiver;

    fn from_handle(handle: Handle, _: Option<Encoder>) -> Self {
        Self { handle, stream_is_over: false, waited: Waited::default(), alarm: None }
    }
}

impl FrameReceiver {
    /// Options, and then the way to the sender.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Where it is bound, with the port that the system chose; `None` if it connects.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.handle.endpoint()
    }

    /// Waits for a sender to appear, and says what it is.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`WaitError`] if none appears within [`Builder::wait_for_peer`], or one that does not fit.
    pub async fn peer(&self) -> Result<Peer, WaitError> {
        self.handle.peer().await
    }

    /// Waits until the sender, having been there, is not: it was lost, and is waited for. For an application that
    /// says so to somebody. What has come of it is still had from [`FrameReceiver::recv`].
    ///
    /// It is ready at once for as long as the sender is away: wait for [`FrameReceiver::peer`] next, and then for
    /// this again. Before there was a sender, and once the session is over, this waits for ever: a session that ends
    /// with the loss is for [`FrameReceiver::recv`] to report.
    ///
    /// Cancel-safe.
    pub async fn lost(&self) {
        self.handle.lost().await;
    }

    /// The next frame and the data that came with it; `None` once the sender has left.
    ///
    /// A frame that came encoded is decoded first, on another thread, by the [`Builder::codec`]. Without one, none
    /// comes encoded, unless [`Builder::encodings`] says so: then take it by [`FrameReceiver::recv_undecoded`]. A
    /// frame that has come is waited for until it is decoded, for [`Builder::timeout`] from when this call found it,
    /// whatever becomes of the sender meanwhile.
    ///
    /// If the frame received before was not replied to, it is answered without data now, so that the sender goes on.
    ///
    /// Cancel-safe: a frame is either returned or still there.
    ///
    /// # Errors
    /// [`RecvError`]. After [`RecvError::Timeout`] and [`RecvError::DataWaiting`] receiving may be tried again, and
    /// after [`RecvError::Undecodable`] the next frame is had. After [`RecvError::DecodingTimeout`] the frame is
    /// still there: this may be tried again, and [`FrameReceiver::recv_undecoded`] gives it as it came.
    #[doc(alias = "recv_generator")]
    pub async fn recv(&self) -> Result<Option<Delivery>, RecvError> {
        self.until_received(take).await
    }

    /// The next frame as it came, encoded or not; otherwise as [`FrameReceiver::recv`]. Nothing is decoded: for an
    /// application that records or passes on what comes.
    ///
    /// Cancel-safe: a frame is either returned or still there.
    ///
    /// # Errors
    /// As [`FrameReceiver::recv`], without [`RecvError::Undecodable`] and [`RecvError::DecodingTimeout`].
    pub async fn recv_undecoded(&self) -> Result<Option<Delivery<WireFrame>>, RecvError> {
        self.until_received(|state| take_undecoded(state).into()).await
    }

    /// Answers the frame received last with data of any type, or with a frame.
    ///
    /// It does not wait: the answer is on its way when this returns.
    ///
    /// A VidGear server gets every falsy value (`0`, `false`, an empty text, list or map) as `None`; that is logged
    /// once as a warning.
    ///
    /// # Errors
    /// [`ReplyError`]. After [`ReplyError::Refused`] the session goes on.
    #[doc(alias = "transceive_data")]
    pub fn reply(&self, data: impl Into<Value>) -> Result<(), ReplyError> {
        // The conversion is the caller's code, and must not run under the lock.
        let data = data.into();
        let is_falsy = !data.is_null() && vidgear::is_falsy(&data);
        let replied = self.handle.with(|state| match state.over() {
            Some(Err(failure)) => Err(failure.into()),
            Some(Ok(_)) => Err(ReplyError::PeerLeft),
            None => match state.session.reply(data) {
                Err(session::ReplyError::Over) => Err(ReplyError::PeerLeft),
                replied => Ok(replied?),
            },
        });
        if is_falsy && replied.is_ok() {
            self.handle.note_falsy_data();
        }
        replied
    }

    /// What has crossed so far.
    pub fn stats(&self) -> Stats {
        self.handle.stats()
    }

    /// The time by which frames are stamped as received: microseconds since 1970-01-01 00:00 UTC.
    pub fn now(&self) -> Timestamp {
        self.handle.clock().now()
    }

    /// The next item of data whose frame was dropped on its way, without waiting. What comes before the next frame is
    /// had with that one as well ([`Delivery::earlier`]), so that only an application whose frames may stay out needs
    /// this.
    pub fn try_recv_data(&self) -> Option<Value> {
        self.handle.with(|state| state.session.recv_data())
    }

    /// Waits for the next item of data whose frame was dropped; `None` once the sender has left. With
    /// [`FrameReceiver::recv`], as in `tokio::select!`, it gives data at once also while no frame comes.
    ///
    /// Cancel-safe: an item is either returned or still there.
    ///
    /// # Errors
    /// [`RecvError`]. After [`RecvError::Timeout`] receiving may be tried again.
    pub async fn recv_data(&self) -> Result<Option<Value>, RecvError> {
        self.until(|state| match state.session.recv_data() {
            Some(data) => Some(Ok(Some(data))),
            None => state.over().map(|over| Ok(over.map(|_ending| None)?)),
        })
        .await
    }

    /// What this application has taken of the sender's data, to be kept over a restart: [`Builder::resume`].
    ///
    /// An item counts as taken from when it was returned. An application that records the token when it is done with
    /// an item and before it takes the next misses none, and sees none again but those that it was killed over: one,
    /// or those that came with one frame. `None` if nothing was taken yet.
    pub fn resume_token(&self) -> Option<ResumeToken> {
        self.handle.resume_token()
    }

    /// Replies of which it is not known whether a VidGear server got them, since its connection broke. What a native
    /// sender did not get is had from [`FrameReceiver::close`], or here once the session is over.
    pub fn take_undelivered(&self) -> Vec<Value> {
        self.handle.take_undelivered()
    }

    /// Waits until all data of this end is received, says goodbye and gives the connection up: within the linger time
    /// and a second. A sender that was there and is gone is waited for as long, to be told. What is not known to have
    /// been received is returned, and so is data that came and was not taken.
    ///
    /// # Errors
    /// [`CloseError`] if the session had failed.
    pub async fn close(self) -> Result<Closed, CloseError> {
        self.handle.close().await
    }

    async fn until_received<R>(
        &self,
        look: impl FnMut(&mut State) -> Look<Result<R, RecvError>>,
    ) -> Result<R, RecvError> {
        match self.handle.until_found(&mut Waited::default(), look).await {
            Ok(taken) => taken,
            Err(unmet @ Unmet::Timeout(_)) => {
                // It cannot come, or would have.
                Err(self.handle.with(|state| data_waiting(state)).unwrap_or_else(|| unmet.into()))
            }
            Err(unmet) => Err(unmet.into()),
        }
    }

    async fn until<R>(
        &self,
        attempt: impl FnMut(&mut State) -> Option<Result<R, RecvError>>,
    ) -> Result<R, RecvError> {
        self.handle.until(attempt).await?
    }
}

/// Gives the frames until the sender leaves; the last item is the error, if the session fails or no peer appears
/// within [`Builder::wait_for_peer`]. [`RecvError::DataWaiting`], [`RecvError::Undecodable`] and
/// [`RecvError::DecodingTimeout`] are not the last.
impl Stream for FrameReceiver {
    type Item = Result<Delivery, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.stream_is_over {
            return Poll::Ready(None);
        }
        let receiver = &mut *self;
        let item = loop {
            let due = match receiver.handle.poll_stream(cx, &mut receiver.waited, take) {
                Ok(taken) => break taken.transpose(),
                Err(None) => return Poll::Pending,
                Err(Some((due, unmet))) if due <= Instant::now() => break Some(Err(unmet.into())),
                Err(Some((due, _))) => due,
            };
            let alarm = receiver.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if alarm.deadline() != due {
                alarm.as_mut().reset(due);
            }
            // Once it has passed, there is one more look.
            ready!(alarm.as_mut().poll(cx));
        };
        receiver.waited = Waited::default();
        let goes_on = RecvError::is_passing;
        self.stream_is_over = !item.as_ref().is_some_and(|item| item.as_ref().err().is_none_or(goes_on));
        Poll::Ready(item)
    }
}

/// The frame that has arrived, decoded, or what comes in its place.
fn take(state: &mut State) -> Look<Result<Option<Delivery>, RecvError>> {
    state.decoding.set_wanted(true);
    let taken = if let Some(delivery) = state.session.recv() {
        Some(Ok(delivery))
    } else if let Some(encoded) = state.session.next_encoded().cloned() {
        let Some(decoded) = state.decoding.take(&encoded) else { return Look::InDecoding };
        decoded_delivery(state, encoded, decoded)
    } else {
        return nothing_to_take(state).into();
    };
    state.decode_ahead();
    taken.map(|taken| taken.map(Some)).into()
}

fn decoded_delivery(
    state: &mut State,
    encoded: EncodedFrame,
    decoded: Result<Frame, FrameDecodeError>,
) -> Option<Result<Delivery, RecvError>> {
    let delivery = state.session.recv_undecoded()?;
    Some(match decoded {
        Ok(frame) => Ok(delivery.exchange_frame(frame).0),
        Err(error) => {
            state.session.note_undecodable();
            Err(RecvError::Undecodable { delivery: Box::new(delivery.exchange_frame(encoded).0), error })
        }
    })
}

/// The frame that has arrived, as it came.
fn take_undecoded(state: &mut State) -> Option<Result<Option<Delivery<WireFrame>>, RecvError>> {
    state.decoding.set_wanted(false);
    match state.session.recv_undecoded() {
        Some(delivery) => Some(Ok(Some(delivery))),
        None => nothing_to_take(state),
    }
}

/// What comes in the place of a frame.
fn nothing_to_take<F>(state: &State) -> Option<Result<Option<Delivery<F>>, RecvError>> {
    match state.over() {
        Some(over) => Some(over.map(|_ending| None).map_err(RecvError::from)),
        // No peer is there, and none but the last would be let in.
        None if !state.session.is_open() => data_waiting(state).map(Err),
        None => None,
    }
}

fn data_waiting(state: &State) -> Option<RecvError> {
    let items = state.session.stats().data_to_take;
    (items > 0 && state.session.is_clogged()).then_some(RecvError::DataWaiting { items })
}
