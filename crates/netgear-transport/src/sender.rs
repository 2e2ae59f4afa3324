use netgear_proto::{
    Dialect, Frame, Role, Timestamp, Value,
    session::{self, Outgoing, Peer, ResumeToken, Session, Stats},
    vidgear,
};

use crate::{
    Builder, CloseError, Closed, Endpoint, SendError, WaitError,
    encoding::Encoder,
    handle::{End, Handle, Unmet, Waited, private::Sealed},
    shared::State,
};

/// The end that has the frames: sends each with data of any type, and takes the data or frames that come back.
///
/// VidGear calls it the server. By default it connects, and waits there for a receiver to appear.
///
/// All methods take `&self`, so that one task may send while another takes what comes back. Dropping a sender says
/// goodbye in the background; [`FrameSender::close`] does it and waits.
///
/// ```
/// use netgear_transport::{FrameReceiver, FrameSender, proto::{Frame, Value}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = FrameReceiver::builder().bind("tcp://127.0.0.1:0".parse()?).await?;
/// let endpoint = receiver.endpoint().expect("it is bound").clone();
/// let sender = FrameSender::builder().connect(endpoint).await?;
///
/// sender.send(Frame::bgr8(2, 2, vec![0; 12])?, Some(Value::from("hello"))).await?;
///
/// let delivery = receiver.recv().await?.expect("the sender has not left");
/// assert_eq!(delivery.data, Some(Value::from("hello")));
/// receiver.reply("and back")?;
/// assert_eq!(sender.recv_data().await?, Some(Value::from("and back")));
/// sender.close().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "Server")]
#[doc(alias = "NetGear_Async")]
#[derive(Debug)]
pub struct FrameSender {
    handle: Handle,
    /// What the frames are encoded by, if they are.
    encoder: Option<Encoder>,
}

impl Sealed for FrameSender {}

impl End for FrameSender {
    const ROLE: Role = Role::Sender;

    fn from_handle(handle: Handle, encoder: Option<Encoder>) -> Self {
        Self { handle, encoder }
    }
}

impl FrameSender {
    /// Options, and then the way to the receiver.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Where it is bound, with the port that the system chose; `None` if it connects.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.handle.endpoint()
    }

    /// Waits for a receiver to appear, and says what it is.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`WaitError`] if none appears within [`Builder::wait_for_peer`], or one that does not fit.
    pub async fn peer(&self) -> Result<Peer, WaitError> {
        self.handle.peer().await
    }

    /// Sends a frame that was captured just now, and data with it if there is any.
    ///
    /// It returns when the session has taken the frame. By [`FramePolicy::Block`](session::FramePolicy::Block) that
    /// is when no more than [`Builder::window`] are on their way and none waits; by the others at once, from when the
    /// first peer was there; with a VidGear client, when the frame before it has been answered. What comes back for
    /// this frame is had later, from [`FrameSender::recv_data`] or [`FrameSender::try_recv_data`].
    ///
    /// While the receiver is gone, this waits for it to come back, if the frame is one to wait:
    /// [`Builder::wait_for_peer`]. Data is taken until 256 items wait, or as much as two messages may hold.
    ///
    /// With [`Builder::encoding`] the frame is encoded first, on another thread: when there is room for it and
    /// nothing else to refuse it for, so that it is known who gets it. Which receiver cannot decode it gets it raw.
    /// All that one call waits for, room, encoding and room again, is within one [`Builder::timeout`].
    ///
    /// If the future is dropped before it is done, the frame is not sent. What it was encoded to meanwhile is used if
    /// the same frame is sent next.
    ///
    /// A VidGear client gets every falsy value (`0`, `false`, an empty text, list or map) as `None`; that is logged
    /// once as a warning.
    ///
    /// # Errors
    /// [`SendError`]. After [`SendError::Timeout`], [`SendError::FirstFrameUnanswered`],
    /// [`SendError::EncodingTimeout`], [`SendError::ReturnedDataWaiting`], [`SendError::Encode`] and
    /// [`SendError::Unidirectional`] the session goes on.
    #[doc(alias = "transceive_data")]
    pub async fn send(&self, frame: Frame, data: Option<Value>) -> Result<(), SendError> {
        let captured_at = self.handle.clock().now();
        let mut outgoing = Outgoing::new(frame, captured_at);
        outgoing.data = data;
        self.send_outgoing(outgoing).await
    }

    /// Sends a frame with its own time of capture, or one that is encoded already; otherwise as
    /// [`FrameSender::send`].
    ///
    /// # Errors
    /// As [`FrameSender::send`]; and [`SendError::EncodedOtherwise`] if what was given as encoded is not that of the
    /// frame beside it. Nothing is sent then, and the session goes on.
    pub async fn send_outgoing(&self, outgoing: Outgoing) -> Result<(), SendError> {
        let is_falsy = outgoing.data.as_ref().is_some_and(|data| !data.is_null() && vidgear::is_falsy(data));
        let mut waited = Waited::default();
        let outgoing = match &self.encoder {
            Some(encoder) if outgoing.encoded.is_none() => {
                self.encode(encoder, outgoing, &mut waited).await?
            }
            _ => outgoing,
        };
        self.offer(outgoing, &mut waited, Session::send).await?;
        if is_falsy {
            self.handle.note_falsy_data();
        }
        Ok(())
    }

    /// Encodes a frame, once it is known that it can go and to whom.
    async fn encode(
        &self,
        encoder: &Encoder,
        outgoing: Outgoing,
        waited: &mut Waited,
    ) -> Result<Outgoing, SendError> {
        let ask = |session: &mut Session, outgoing| {
            let outgoing = session.ask_to_send(outgoing)?;
            Ok((outgoing, session.peer().map(|peer| peer.encodings)))
        };
        let (outgoing, decodes) = self.offer(outgoing, waited, ask).await?;
        if !encoder.suits(decodes.unwrap_or_default()) {
            return Ok(outgoing);
        }
        let encoded = self.handle.in_time(waited, encoder.encode(&outgoing.frame)).await;
        Ok(outgoing.with_encoded(encoded.map_err(SendError::EncodingTimeout)?))
    }

    /// Offers a frame to the session, again and again while that is busy.
    async fn offer<R>(
        &self,
        outgoing: Outgoing,
        waited: &mut Waited,
        mut act: impl FnMut(&mut Session, Outgoing) -> Result<R, session::SendError>,
    ) -> Result<R, SendError> {
        let mut waiting = Some(outgoing);
        let mut attempt = |state: &mut State| {
            if let Some(over) = state.over() {
                return Some(Err(over.map_or_else(SendError::from, |_| SendError::PeerLeft)));
            }
            if state.session.ending().is_some() {
                // It failed just now. The driver is about to say why, or to look for another peer.
                return None;
            }
            match act(&mut state.session, waiting.take()?) {
                Ok(taken) => Some(Ok(taken)),
                Err(session::SendError::Busy(outgoing)) => {
                    waiting = Some(*outgoing);
                    None
                }
                Err(error) => Some(Err(refused(error))),
            }
        };
        let offered = self.handle.until_found(waited, |state| attempt(state).into()).await;
        offered.unwrap_or_else(|unmet| Err(self.unmet(unmet)))
    }

    /// The next item of data that has come back, without waiting.
    pub fn try_recv_data(&self) -> Option<Value> {
        self.handle.with(|state| state.session.recv_data())
    }

    /// Waits for the next item of data to come back; `None` if none can come any more, since every frame sent has
    /// been answered.
    ///
    /// Cancel-safe: an item is either returned or still there.
    ///
    /// # Errors
    /// [`SendError`] if the session fails first, or the answer takes longer than [`Builder::timeout`].
    pub async fn recv_data(&self) -> Result<Option<Value>, SendError> {
        let received = self.handle.until(|state| {
            if let Some(data) = state.session.recv_data() {
                return Some(Ok(Some(data)));
            }
            match state.over() {
                Some(Err(failure)) => Some(Err(failure.into())),
                Some(Ok(_)) => Some(Ok(None)),
                None => (!state.session.awaits_answer()).then_some(Ok(None)),
            }
        });
        received.await.unwrap_or_else(|unmet| Err(self.unmet(unmet)))
    }

    /// Waits until every frame sent has been answered.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`SendError`] if the session fails or the receiver leaves first.
    pub async fn flush(&self) -> Result<(), SendError> {
        let flushed = self.handle.until(|state| match state.over() {
            _ if !state.session.awaits_answer() => Some(Ok(())),
            Some(Err(failure)) => Some(Err(failure.into())),
            Some(Ok(_)) => Some(Err(SendError::PeerLeft)),
            None => None,
        });
        flushed.await.unwrap_or_else(|unmet| Err(self.unmet(unmet)))
    }

    /// What has crossed so far.
    pub fn stats(&self) -> Stats {
        self.handle.stats()
    }

    /// The time by which frames are stamped: microseconds since 1970-01-01 00:00 UTC.
    pub fn now(&self) -> Timestamp {
        self.handle.clock().now()
    }

    /// What this application has taken of the receiver's data, to be kept over a restart: [`Builder::resume`].
    ///
    /// An item counts as taken from when it was returned. An application that records the token when it is done with
    /// an item and before it takes the next misses none, and sees none again but one that it was killed over. `None`
    /// if nothing was taken yet.
    pub fn resume_token(&self) -> Option<ResumeToken> {
        self.handle.resume_token()
    }

    /// Data of which it is not known whether a VidGear client got it, since its connection broke. What a native
    /// receiver did not get is had from [`FrameSender::close`], or here once the session is over.
    pub fn take_undelivered(&self) -> Vec<Value> {
        self.handle.take_undelivered()
    }

    /// Waits until every frame is answered and all data received, says goodbye, and gives the connection up: within
    /// the linger time and a second. A receiver that was there and is gone is waited for as long, to be told. A
    /// VidGear client, which would hang without somebody to confirm its end to, has 15 s more for that.
    ///
    /// What this end sent and is not known to have been received is returned, and so is data that came back and was
    /// not taken.
    ///
    /// # Errors
    /// [`CloseError`] if the session had failed.
    pub async fn close(self) -> Result<Closed, CloseError> {
        self.handle.close().await
    }

    fn unmet(&self, unmet: Unmet) -> SendError {
        match unmet {
            Unmet::NoPeer(wait) => SendError::NoPeer(wait),
            Unmet::Timeout(waited) | Unmet::Decoding(waited) => self.handle.with(|state| {
                let is_vidgear = state.session.peer().is_some_and(|peer| peer.dialect == Dialect::VidGear);
                if is_vidgear && state.session.awaits_first_answer() {
                    SendError::FirstFrameUnanswered { waited, ours: state.session.config().mode() }
                } else {
                    SendError::Timeout(waited)
                }
            }),
        }
    }
}

fn refused(error: session::SendError) -> SendError {
    match error {
        session::SendError::ReturnedDataWaiting { items, outgoing } => {
            SendError::ReturnedDataWaiting { items, outgoing }
        }
        session::SendError::Encode(error) => SendError::Encode(error),
        session::SendError::EncodedOtherwise { encoded } => SendError::EncodedOtherwise { encoded },
        session::SendError::Unidirectional => SendError::Unidirectional,
        // Busy was waited out, a sender is one, and a session that is over is found out before.
        _ => SendError::PeerLeft,
    }
}
