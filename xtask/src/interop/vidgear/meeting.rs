//! One of our ends and one of VidGear's, in one exchange.

use std::{
    fmt,
    net::TcpListener,
    sync::atomic::{AtomicU16, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use netgear_proto::{Mode, Pattern, Role};
use netgear_transport::{Endpoint, FrameReceiver, FrameSender};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    peers::{Peer, Peers, Story},
    script::{Done, Script},
};
use crate::Result;

/// How long an end waits for the other to appear. Longer than any head start.
const WAIT_FOR_PEER: Duration = Duration::from_secs(10);

/// No exchange takes longer, at our end.
const TIME_LIMIT: Duration = Duration::from_secs(40);

/// How long VidGear's end may take to end after ours. Where nothing hangs it needs a fraction of a second, of a core.
const END_LIMIT: Duration = Duration::from_secs(15);

/// Which of our ends meets the other one of VidGear's, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meeting {
    pub(crate) ours: Role,
    pub(crate) pattern: Pattern,
    pub(crate) carrier: Carrier,
    pub(crate) first: First,
    pub(crate) script: Script,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Tcp,
    Ipc,
}

/// Who starts first, and by how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Ours(Duration),
    Theirs(Duration),
}

impl First {
    /// Both at about the same time.
    pub(crate) const NEITHER: Self = Self::Theirs(Duration::ZERO);
}

/// How both ends fared.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ours: Result<Done>,
    /// From the start of the first end until ours was done.
    pub(crate) ours_took: Duration,
    pub(crate) theirs: Story,
}

impl Meeting {
    /// Runs it, and has both ends' tallies agree.
    pub(crate) fn run(self, peers: &Peers) -> Result<Done> {
        let Outcome { ours, theirs, .. } = self.run_with(peers, &json!({}), END_LIMIT)?;
        let ours = ours.map_err(|error| format!("{error}; VidGear's end: {theirs}"))?;
        let report = theirs.clean()?;
        if report.tally != ours.tally {
            return Err(format!("we count {:?}, and VidGear's end {:?}", ours.tally, report.tally).into());
        }
        Ok(ours)
    }

    /// Runs it with other settings for VidGear's end, which has so long to end after ours, and says how each fared.
    pub(crate) fn run_with(self, peers: &Peers, settings: &Value, end_limit: Duration) -> Result<Outcome> {
        let started = Instant::now();
        let place = Place::free(self.carrier)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ours, theirs) = runtime.block_on(async {
            let exchange = async {
                let endpoint: Endpoint = place.endpoint().parse()?;
                match self.first {
                    First::Ours(head_start) => {
                        let end = self.end(endpoint).await?;
                        sleep(head_start).await;
                        Ok::<_, Box<dyn std::error::Error>>((self.peer(peers, &place, settings)?, end))
                    }
                    First::Theirs(head_start) => {
                        let peer = self.peer(peers, &place, settings)?;
                        sleep(head_start).await;
                        Ok((peer, self.end(endpoint).await?))
                    }
                }
            };
            let (peer, end) = exchange.await?;
            let ours = timeout(TIME_LIMIT, async {
                match end {
                    End::Sender(sender) => self.script.send(sender).await,
                    End::Receiver(receiver) => self.script.receive(receiver).await,
                }
            });
            let ours = ours.await.unwrap_or_else(|_| {
                Err(format!("our end was not done after {} s", TIME_LIMIT.as_secs()).into())
            });
            Ok::<_, Box<dyn std::error::Error>>((ours, peer))
        })?;
        let ours_took = started.elapsed();
        Ok(Outcome { ours, ours_took, theirs: theirs.end(end_limit)? })
    }

    /// Our end. Without a runtime it does nothing.
    async fn end(self, endpoint: Endpoint) -> Result<End> {
        let (pattern, mode) = (self.pattern, self.script.mode);
        Ok(match self.ours {
            Role::Sender => {
                let builder = FrameSender::builder().pattern(pattern).mode(mode);
                End::Sender(builder.wait_for_peer(WAIT_FOR_PEER).connect(endpoint).await?)
            }
            Role::Receiver => {
                let builder = FrameReceiver::builder().pattern(pattern).mode(mode);
                End::Receiver(builder.wait_for_peer(WAIT_FOR_PEER).bind(endpoint).await?)
            }
        })
    }

    /// VidGear's end.
    pub(crate) fn peer<'a>(&self, peers: &'a Peers, place: &Place, settings: &Value) -> Result<Peer<'a>> {
        let theirs = match self.ours {
            Role::Sender => Role::Receiver,
            Role::Receiver => Role::Sender,
        };
        let mut job = job(theirs, self.pattern, place, self.script);
        // Our receiver's answer to a frame is an answer to that frame.
        job["answers"] = json!("prompt");
        for (name, setting) in settings.as_object().into_iter().flatten() {
            job[name] = setting.clone();
        }
        peers.run(job)
    }
}

/// Enough to know it by.
impl fmt::Display for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, pattern, carrier, first, script } = self;
        write!(f, "our {}, {pattern}, {carrier}, {}, {}", role_name(*ours), script.mode, script.frame.name)?;
        match first {
            First::Ours(head_start) => write!(f, ", ours {} s ahead", head_start.as_secs_f64()),
            First::Theirs(Duration::ZERO) => Ok(()),
            First::Theirs(head_start) => write!(f, ", VidGear's {} s ahead", head_start.as_secs_f64()),
        }
    }
}

pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Sender => "sender",
        Role::Receiver => "receiver",
    }
}

/// A job for peers.py.
pub(crate) fn job(role: Role, pattern: Pattern, place: &Place, script: Script) -> Value {
    json!({
        "role": match role {
            Role::Sender => "serve",
            Role::Receiver => "view",
        },
        "pattern": match pattern {
            Pattern::Pair => 0,
            Pattern::ReqRep => 1,
        },
        "protocol": place.carrier.to_string(),
        "address": place.address,
        "port": place.port,
        "bidirectional": script.mode == Mode::Bidirectional,
        "frame": script.frame.name,
        "frames": script.frames,
        "data": script.data.to_string(),
        "returned": script.returned.to_string(),
        "time limit": TIME_LIMIT.as_secs(),
    })
}

/// Either of our ends, before anything has crossed.
#[derive(Debug)]
enum End {
    Sender(FrameSender),
    Receiver(FrameReceiver),
}

/// Where two ends meet, as VidGear is told. Dropping it removes the Unix socket.
#[derive(Debug)]
pub(crate) struct Place {
    carrier: Carrier,
    address: String,
    port: String,
}

impl Place {
    /// One where nobody is.
    pub(crate) fn free(carrier: Carrier) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(match carrier {
            Carrier::Tcp => Self { carrier, address: "127.0.0.1".to_owned(), port: free_port()?.to_string() },
            // Not below the target directory: the path of a socket has no more than 107 bytes.
            Carrier::Ipc => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let path =
                    std::env::temp_dir().join(format!("netgear-interop-{}-{number}", std::process::id()));
                Self { carrier, address: path.display().to_string(), port: "5555".to_owned() }
            }
        })
    }

    /// VidGear puts the port behind the address of a Unix socket too.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}://{}:{}", self.carrier, self.address, self.port)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.carrier == Carrier::Ipc {
            // It may never have come to be.
            let _ = std::fs::remove_file(format!("{}:{}", self.address, self.port));
        }
    }
}

/// As in an endpoint.
impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
        })
    }
}

/// A port that nobody has now, and that no other call gives; below those that the system gives to whoever connects.
fn free_port() -> Result<u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two runs at once begin at different ports.
    let begin = (std::process::id() % u32::from(COUNT)) as u16;
    (0..COUNT)
        .map(|_| FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .ok_or_else(|| "no port is free".into())
}
