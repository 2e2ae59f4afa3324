//! A session whose frames and data say themselves whether they are whole.

use std::{
    fmt,
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use netgear_transport::{
    CloseError, Closed, FrameReceiver, FrameSender, RecvError, SendError, SessionFailure,
    proto::{
        EncodingChoice, Frame, Pattern, Role, Value,
        session::{Delivery, Stats},
        zmtp::Heartbeat,
    },
};
use tokio::time::timeout;

use crate::common::{
    codec::{came_back, decoding, encoding},
    proxy::{DIRECTIONS, Fault, Plan, Proxy},
    receiver, sender,
};

/// How much is said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    pub(crate) frames: usize,
    /// Of each frame.
    pub(crate) pixels: usize,
    /// How the frames go.
    pub(crate) encoding: EncodingChoice,
    /// Of each item of data beside its frame, and of each one that comes back.
    pub(crate) text: usize,
}

/// Some hundred bytes each way.
pub(crate) const SHORT: Talk = Talk { frames: 4, pixels: 40, encoding: EncodingChoice::Raw, text: 16 };

/// Some hundred thousand.
pub(crate) const STREAM: Talk = Talk { frames: 30, pixels: 30_000, text: 3_000, ..SHORT };

pub(crate) const HEARTBEAT: Heartbeat =
    Heartbeat { interval: Duration::from_millis(150), timeout: Duration::from_millis(600) };

/// How long a call may take, and a peer to come back.
const WAIT: Duration = Duration::from_secs(5);

/// Where everything comes through in the end, a busy machine may take its time for it.
const LONG_WAIT: Duration = Duration::from_secs(15);

/// Longer than all calls together may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What both ends had of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) struck: bool,
    pub(crate) passed: [u64; 2],
    connections: usize,
    /// `None` if a call did not come back.
    sending: Option<Sending>,
    receiving: Option<Receiving>,
}

struct Sending {
    /// Why not all was sent, or not all data came back.
    failure: Option<SendError>,
    returned: Vec<Value>,
    closed: Result<Closed, CloseError>,
}

struct Receiving {
    /// The sender left in good order if there is none.
    failure: Option<RecvError>,
    /// Without the frame where that could not be decoded.
    deliveries: Vec<Delivery<Option<Frame>>>,
    left: Vec<Value>,
    talk: Talk,
    stats: Stats,
    closed: Result<Closed, CloseError>,
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let returned: Vec<_> = self.returned.iter().map(read_data).collect();
        write!(f, "{{ {:?}, returned {returned:?}, {} }}", self.failure, ending(&self.closed))
    }
}

impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames: Vec<_> = self.deliveries.iter().map(|it| it.sequence).zip(self.frames()).collect();
        let data: Vec<_> = self.data().map(read_data).collect();
        write!(f, "{{ {:?}, frames {frames:?}, data {data:?}, {} }}", self.failure, ending(&self.closed))
    }
}

fn ending(closed: &Result<Closed, CloseError>) -> String {
    match closed {
        Ok(Closed { undelivered, stats, .. }) => {
            format!("closed with {} undelivered after {} reconnects", undelivered.len(), stats.reconnects)
        }
        Err(error) => format!("failed with {} undelivered: {error}", error.undelivered.len()),
    }
}

/// Bytes that begin with a number and are told from all others by their last four.
fn written(number: usize, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (number as u32).to_le_bytes().to_vec();
    bytes.extend((0..length.saturating_sub(8)).map(|at| (at * 31 + number * 7) as u8));
    bytes.extend(sum(&bytes).to_le_bytes());
    bytes
}

/// The number, if no bit of them has changed.
fn read(bytes: &[u8]) -> Option<usize> {
    let (body, found) = bytes.split_last_chunk()?;
    let number = u32::from_le_bytes(*body.first_chunk()?);
    (sum(body) == u32::from_le_bytes(*found)).then_some(number as usize)
}

/// FNV-1a, which any one bit changes.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Each byte stands [`REPEATED`] times, so that there is something to encode.
fn picture(number: usize, talk: Talk) -> Frame {
    let pixels: Vec<u8> =
        written(number, talk.pixels / REPEATED).into_iter().flat_map(|byte| [byte; REPEATED]).collect();
    Frame::gray8(pixels.len() as u32, 1, pixels).unwrap()
}

const REPEATED: usize = 5;

fn data(number: usize, talk: Talk) -> Value {
    Value::Bytes(written(number, talk.text).into())
}

fn read_data(value: &Value) -> Option<usize> {
    match value {
        Value::Bytes(bytes) => read(bytes),
        _ => None,
    }
}

/// Frames and data one way and data back over a network that fails by this plan. The one that does not bind connects.
pub(crate) async fn talk(pattern: Pattern, binds: Role, talk: Talk, plan: Option<Plan>) -> Outcome {
    // Only what comes to a stop has to be found out in time.
    let (heartbeat, wait) = match plan.map(|plan| plan.fault) {
        Some(Fault::Flip { .. }) => (HEARTBEAT, WAIT),
        Some(Fault::Stall { .. }) => (HEARTBEAT, LONG_WAIT),
        _ => (Heartbeat::default(), LONG_WAIT),
    };
    let sender = sender(pattern)
        .heartbeat(Some(heartbeat))
        .handshake_timeout(WAIT)
        .timeout(wait)
        .wait_for_peer(wait)
        .linger(wait);
    let receiver = receiver(pattern)
        .heartbeat(Some(heartbeat))
        .handshake_timeout(WAIT)
        .timeout(wait)
        .wait_for_peer(WAIT)
        .linger(Duration::from_millis(200));
    let (sender, receiver) = (encoding(sender, talk.encoding), decoding(receiver, talk.encoding));
    let any = || format!("tcp://{}:0", own_host()).parse().unwrap();
    let (sender, receiver, proxy) = match binds {
        Role::Receiver => {
            let receiver = receiver.bind(any()).await.unwrap();
            let proxy = Proxy::with_plan(receiver.endpoint().unwrap(), plan).await;
            (sender.connect(proxy.endpoint()).await.unwrap(), receiver, proxy)
        }
        Role::Sender => {
            let sender = sender.bind(any()).await.unwrap();
            let proxy = Proxy::with_plan(sender.endpoint().unwrap(), plan).await;
            let receiver = receiver.connect(proxy.endpoint()).await.unwrap();
            (sender, receiver, proxy)
        }
    };
    let sending = tokio::spawn(timeout(PATIENCE, send(sender, talk)));
    let receiving = tokio::spawn(timeout(PATIENCE, receive(receiver, talk)));
    let (sending, receiving) = (sending.await.unwrap(), receiving.await.unwrap());
    Outcome {
        struck: proxy.has_struck(),
        passed: DIRECTIONS.map(|direction| proxy.passed(direction)),
        connections: proxy.connections(),
        sending: sending.ok(),
        receiving: receiving.ok(),
    }
}

/// Many talks run at once, and the system gives a port that one is done with to the next: whoever still looks for the
/// other end of the first would come to the second. Where it can be had, each talk has a host of its own.
fn own_host() -> Ipv4Addr {
    static TALKS: AtomicU32 = AtomicU32::new(0);
    if cfg!(target_os = "linux") {
        let [_, high, middle, low] = TALKS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Ipv4Addr::new(127, 1 + high % 100, middle, 1 + low % 254)
    } else {
        Ipv4Addr::LOCALHOST
    }
}

async fn send(sender: FrameSender, talk: Talk) -> Sending {
    let mut returned = Vec::new();
    let all = async {
        for number in 0..talk.frames {
            sender.send(picture(number, talk), Some(data(number, talk))).await?;
            returned.extend(sender.try_recv_data());
        }
        while returned.len() < talk.frames
            && let Some(data) = sender.recv_data().await?
        {
            returned.push(data);
        }
        Ok(())
    };
    let failure = all.await.err();
    Sending { failure, returned, closed: sender.close().await }
}

async fn receive(receiver: FrameReceiver, talk: Talk) -> Receiving {
    let mut deliveries = Vec::new();
    let failure = loop {
        match receiver.recv().await {
            Ok(Some(delivery)) => {
                // With an altered bit it may be the answer to any frame.
                let _ = receiver.reply(data(deliveries.len(), talk));
                let (delivery, frame) = delivery.exchange_frame(());
                deliveries.push(delivery.exchange_frame(Some(frame)).0);
            }
            Err(RecvError::Undecodable { delivery, .. }) => {
                let _ = receiver.reply(data(deliveries.len(), talk));
                deliveries.push(delivery.exchange_frame(None).0);
            }
            Ok(None) => break None,
            Err(failure) => break Some(failure),
        }
    };
    let left = std::iter::from_fn(|| receiver.try_recv_data()).collect();
    Receiving { failure, deliveries, left, talk, stats: receiver.stats(), closed: receiver.close().await }
}

impl Outcome {
    fn both(&self) -> Result<(&Sending, &Receiving), String> {
        let sending = self.sending.as_ref().ok_or("the sender hangs")?;
        let receiving = self.receiving.as_ref().ok_or("the receiver hangs")?;
        let stopped = [sending.closed.as_ref().err(), receiving.closed.as_ref().err()];
        if stopped.into_iter().flatten().any(|error| matches!(error.failure, SessionFailure::Stopped)) {
            return Err("the task behind the session panicked".into());
        }
        Ok((sending, receiving))
    }

    /// Everything has arrived exactly once and in order, whatever happened.
    pub(crate) fn check_all(&self, talk: Talk) -> Result<(), String> {
        let (sending, receiving) = self.both()?;
        let all: Vec<Option<usize>> = (0..talk.frames).map(Some).collect();
        let equal = |what: &str, found: Vec<Option<usize>>| {
            if found == all { Ok(()) } else { Err(format!("{what}: {found:?}")) }
        };
        if let Some(failure) = &sending.failure {
            return Err(format!("sending failed: {failure}"));
        }
        equal("frames", receiving.frames().collect())?;
        equal("sequence", receiving.deliveries.iter().map(|it| Some(it.sequence as usize)).collect())?;
        equal("data", receiving.data().map(read_data).collect())?;
        equal("returned", sending.returned.iter().map(read_data).collect())?;
        let closed = sending.closed.as_ref().map_err(|error| format!("closing failed: {error}"))?;
        if !closed.undelivered.is_empty() {
            return Err(format!("{} items undelivered", closed.undelivered.len()));
        }
        match &receiving.failure {
            None => {}
            // The goodbye itself may be lost.
            Some(RecvError::NoPeer(_)) if self.struck => {}
            Some(failure) => return Err(format!("receiving failed: {failure}")),
        }
        let encoded = if talk.encoding == EncodingChoice::Raw { 0 } else { receiving.stats.frames_received };
        if receiving.stats.frames_encoded != encoded {
            return Err(format!("{} frames came encoded, not {encoded}", receiving.stats.frames_encoded));
        }
        let reconnects = [closed.stats.reconnects, receiving.stats.reconnects];
        if reconnects.iter().any(|&reconnects| reconnects >= self.connections as u64) {
            return Err(format!("{reconnects:?} reconnects over {} connections", self.connections));
        }
        Ok(())
    }

    /// One bit was altered: what is whole comes in order and not twice, and no more than one is not whole. A frame
    /// under a number that is not its own is not.
    pub(crate) fn check_altered(&self, talk: Talk) -> Result<(), String> {
        let (sending, receiving) = self.both()?;
        let frames: Vec<_> = receiving.frames().collect();
        let data: Vec<_> = receiving.data().map(read_data).collect();
        let returned: Vec<_> = sending.returned.iter().map(read_data).collect();
        let altered: usize =
            [&frames, &data, &returned].iter().flat_map(|it| it.iter()).filter(|it| it.is_none()).count();
        if altered > 1 {
            return Err(format!("{altered} altered: {frames:?} {data:?} {returned:?}"));
        }
        for (what, found) in [("frames", frames), ("data", data), ("returned", returned)] {
            if !found.iter().flatten().is_sorted_by(|a, b| a < b) {
                return Err(format!("{what}: {found:?}"));
            }
            // All of it, or an error says why not.
            let is_told = sending.failure.is_some()
                || receiving.failure.is_some()
                || [&sending.closed, &receiving.closed]
                    .iter()
                    .any(|closed| closed.as_ref().map_or(true, |closed| !closed.undelivered.is_empty()));
            if found.len() < talk.frames && !is_told {
                return Err(format!("{what}: {found:?}, and nobody was told"));
            }
        }
        Ok(())
    }
}

impl Receiving {
    /// The numbers of the frames that have every pixel as it is when the bytes that were sent are decoded.
    fn frames(&self) -> impl Iterator<Item = Option<usize>> {
        self.deliveries.iter().map(|it| {
            let number = usize::try_from(it.sequence).ok().filter(|number| *number < self.talk.frames)?;
            let expected = came_back(&picture(number, self.talk), self.talk.encoding);
            (it.frame.as_ref() == Some(&expected)).then_some(number)
        })
    }

    fn data(&self) -> impl Iterator<Item = &Value> {
        let with_frames = self.deliveries.iter().flat_map(|it| it.earlier.iter().chain(&it.data));
        with_frames.chain(&self.left)
    }
}
