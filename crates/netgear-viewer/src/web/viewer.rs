//! One who looks: a WebSocket.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use netgear_media::proto::Value;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{
        broadcast::{self, error::TryRecvError},
        mpsc, watch,
    },
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Bytes, Message,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    patience::Patient,
    shared::{Item, Shared},
    typed::{Answer, Typed},
};
use crate::statistics::Statistics;

/// A viewer's place, which is given back when this is dropped.
pub(super) struct Place(pub(super) Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.viewers.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The most that a viewer may say in one message. What it may type is a little less.
const MESSAGE: usize = 64 * 1024;

/// Pictures that are on their way to a viewer and not acknowledged.
const UNACKNOWLEDGED: u32 = 2;

/// How long a viewer may take nothing of what is being sent to it. How long all of a picture takes is for its link to
/// say.
const STALLED: Duration = Duration::from_secs(20);

/// How long a viewer has to hear why its connection is closed.
pub(super) const LEAVING: Duration = Duration::from_secs(2);

/// How often data goes to a viewer; statistics and pings are multiples.
const TICK: Duration = Duration::from_millis(100);
const TICKS_OF_STATISTICS: u64 = 10;
const TICKS_OF_PING: u64 = 150;

/// How long a viewer may say nothing, not even that it hears the ping, and take nothing.
const SILENCE: Duration = Duration::from_secs(45);

/// What goes to the page besides pictures.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Told {
    Data {
        items: Vec<Item>,
        /// Items that were left out before these, as there were too many at a time.
        missed: u64,
    },
    Statistics {
        width: u32,
        height: u32,
        frames: u64,
        dropped: u64,
        bytes: u64,
        fps: f64,
        bytes_per_second: f64,
        latency_us: Option<u64>,
        viewers: usize,
        /// Milliseconds since the newest frame was shown.
        age_ms: Option<u64>,
        /// Why none come, if the sender is known to be gone.
        absence: Option<&'static str>,
    },
    /// What was typed under that number waits for the next frame.
    Taken { id: u64 },
    /// It went with the answer to a frame.
    Sent { id: u64 },
    /// It does not, and why.
    Refused { id: u64, why: String },
}

impl From<Answer> for Told {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Sent { id } => Self::Sent { id },
            Answer::Refused { id, why } => Self::Refused { id, why },
        }
    }
}

/// What comes from the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Heard {
    /// A picture was shown.
    Shown,
    /// Data to send back, under a number of the page's: what is no JSON is text.
    Send { id: u64, text: String },
}

/// One who looks, until it leaves or is taken to be gone.
struct Viewer<S> {
    shared: Arc<Shared>,
    socket: WebSocketStream<Patient<S>>,
    takes_data: bool,
    /// Given with what is typed, so that it is said here what became of it.
    typist: mpsc::Sender<Answer>,
    answers: mpsc::Receiver<Answer>,
    unacknowledged: u32,
    /// The picture that was sent last.
    last: u64,
}

/// The viewer is gone.
struct Gone;

/// Serves one who looks, to its end. The end of everything is told to it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    place: Place,
    socket: S,
    takes_data: bool,
    mut stopped: watch::Receiver<()>,
) {
    let socket = opened(Patient::new(socket, STALLED)).await;
    let shared = Arc::clone(&place.0);
    // Of what may be typed before it is sent, with room to spare.
    let (typist, answers) = mpsc::channel(2 * Shared::TYPED);
    let mut viewer = Viewer { shared, socket, takes_data, typist, answers, unacknowledged: 0, last: 0 };
    let over = tokio::select! {
        over = viewer.run() => over,
        _ = stopped.changed() => Ok(()),
    };
    if over.is_ok() {
        take_leave(&mut viewer.socket, CloseCode::Away, "the program has ended").await;
    }
}

/// Tells one for whom there is no place why. A browser shows its page nothing of an answer that is no socket.
pub(super) async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(socket: S) {
    let mut socket = opened(socket).await;
    let reason = "all places are taken, and one of the viewers has to leave first";
    take_leave(&mut socket, CloseCode::Again, reason).await;
}

/// Closes a socket with a reason, and hears the viewer out: a connection that is closed over what came and was not
/// read is reset, and the reason lost with it.
async fn take_leave<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &'static str,
) {
    // It is over either way.
    let _ = timeout(LEAVING, async {
        socket.close(Some(CloseFrame { code, reason: reason.into() })).await?;
        while socket.next().await.is_some_and(|heard| heard.is_ok()) {}
        Ok::<_, tungstenite::Error>(())
    })
    .await;
}

async fn opened<S: AsyncRead + AsyncWrite + Unpin>(socket: S) -> WebSocketStream<S> {
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
    WebSocketStream::from_raw_socket(socket, Role::Server, Some(config)).await
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    async fn run(&mut self) -> Result<(), Gone> {
        let mut pictures = self.shared.picture.subscribe();
        let mut data = self.shared.data.subscribe();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut tick: u64 = 0;
        let mut heard_at = Instant::now();
        // The number from which on a picture is new enough, once one was asked for.
        let mut from = None;
        loop {
            if from.is_none() && self.unacknowledged < UNACKNOWLEDGED {
                from = Some(self.shared.want(self.last));
            }
            let picture = pictures.borrow_and_update().clone();
            if let Some((from_number, picture)) = from.zip(picture)
                && picture.number >= from_number
            {
                self.last = picture.number;
                self.unacknowledged += 1;
                from = None;
                self.send(Message::Binary(picture.message)).await?;
                continue;
            }
            tokio::select! {
                heard = self.socket.next() => {
                    let Some(Ok(message)) = heard else { return Err(Gone) };
                    heard_at = Instant::now();
                    self.hear(message).await?;
                }
                changed = pictures.changed(), if from.is_some() => changed.map_err(|_| Gone)?,
                Some(answer) = self.answers.recv() => self.tell(&answer.into()).await?,
                _ = ticks.tick() => {
                    let took_at = self.socket.get_ref().took_at();
                    if took_at.map_or(heard_at, |at| at.max(heard_at)).elapsed() > SILENCE {
                        return Err(Gone);
                    }
                    self.tell_data(&mut data).await?;
                    if tick.is_multiple_of(TICKS_OF_STATISTICS) {
                        self.tell_statistics().await?;
                    }
                    tick += 1;
                    if tick.is_multiple_of(TICKS_OF_PING) {
                        self.send(Message::Ping(Bytes::new())).await?;
                    }
                }
            }
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.socket.send(message).await.map_err(|_| Gone)
    }

    async fn tell(&mut self, told: &Told) -> Result<(), Gone> {
        let text = serde_json::to_string(told).map_err(|_| Gone)?;
        self.send(Message::text(text)).await
    }

    async fn hear(&mut self, message: Message) -> Result<(), Gone> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) | Message::Binary(_) => return Err(Gone),
            _ => return Ok(()),
        };
        // Nothing that our page says.
        let heard = serde_json::from_str(&text).map_err(|_| Gone)?;
        match heard {
            Heard::Shown => self.unacknowledged = self.unacknowledged.saturating_sub(1),
            Heard::Send { id, .. } if !self.takes_data => {
                self.tell(&Told::Refused { id, why: "no data goes back on this stream".to_owned() }).await?;
            }
            Heard::Send { id, text } => {
                let data = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text));
                let answer = if self.shared.type_in(Typed::new(data, id, self.typist.clone())) {
                    Told::Taken { id }
                } else {
                    let why = "what was sent before still waits for the next frame".to_owned();
                    Told::Refused { id, why }
                };
                self.tell(&answer).await?;
            }
        }
        Ok(())
    }

    /// What has come since the last time.
    async fn tell_data(&mut self, data: &mut broadcast::Receiver<Item>) -> Result<(), Gone> {
        let (mut items, mut missed) = (Vec::new(), 0);
        loop {
            match data.try_recv() {
                Ok(item) => items.push(item),
                Err(TryRecvError::Lagged(more)) => {
                    // What was taken before is older than what is gone.
                    missed += more + items.len() as u64;
                    items.clear();
                }
                Err(_) => break,
            }
        }
        if items.is_empty() && missed == 0 {
            return Ok(());
        }
        self.tell(&Told::Data { items, missed }).await
    }

    async fn tell_statistics(&mut self) -> Result<(), Gone> {
        let (statistics, age, absence) = {
            let (newest, now) = (self.shared.newest(), std::time::Instant::now());
            let age = newest.shown_at.map(|at| now.saturating_duration_since(at));
            (newest.meter.statistics(now), age, newest.presence.absence())
        };
        let Statistics { width, height, counters, fps, bytes_per_second } = statistics;
        let viewers = self.shared.viewers.load(Ordering::Acquire);
        self.tell(&Told::Statistics {
            width,
            height,
            frames: counters.frames,
            dropped: counters.dropped,
            bytes: counters.bytes,
            fps,
            bytes_per_second,
            latency_us: counters.latency.map(|latency| latency.as_micros().try_into().unwrap_or(u64::MAX)),
            viewers,
            age_ms: age.map(|age| age.as_millis().try_into().unwrap_or(u64::MAX)),
            absence,
        })
        .await
    }
}
