//! What each command does.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, IsTerminal},
    sync::Arc,
    time::Duration,
};

use netgear::{
    media::{
        CameraInfo, Filter, FrameRate, OpenOptions, Pipeline, Source, SourceInfo, TestPatternSpec, cameras,
    },
    prelude::{Endpoint, FramePolicy},
    transport::{Builder, End},
};
use serde::Serialize;
use tokio::time::{sleep, timeout};

use crate::{
    Failure,
    counted::Counted,
    feed::Feed,
    live::LiveLine,
    lossy::Lossy,
    options::{Demo, Devices, Fps, Probe, Serve, Session, Transport, View},
    print,
    receiving::{Receiving, Reply},
    sending::{Ended, Outgoing, Pace, Sending},
    shown::Presence,
    stop::Stop,
    summary::{Summary, Tally},
    thinning::Thinning,
};

pub(crate) async fn serve(options: Serve) -> Result<(), Failure> {
    let policy = options.policy();
    let session = options.session;
    let source = options.section.open(&options.source, &OpenOptions::new())?;
    if let Some(remark) = source.remark() {
        print::note(&remark);
    }
    let mut stop = Stop::new(Arc::default())?;
    let mut tally = Tally::new(session.digest);
    if policy != FramePolicy::Block {
        tally.without_digest();
    }
    let lossy = Lossy::new(options.encoding).filter(|_| tally.has_digest());
    let pipeline = options.picture.pipeline();
    let mut sending = Sending {
        feed: Feed::spawn(source, options.source.to_string(), options.looped, pipeline),
        pace: options.fps.map_or(Pace::Source, Pace::from),
        data: options.data.map_or(Outgoing::Nothing, Outgoing::Same),
        policy,
        frames: session.frames,
        time: None,
        print_data: session.print_data,
        json: session.json,
        clock: None,
        thinning: Thinning::default(),
        read: 0,
        unanswered: VecDeque::new(),
        lossy,
    };
    let mut way = Way::new(options.bind, options.connect, || Way::Connect(Endpoint::default_to_connect()));
    let sent = loop {
        let builder = session.set_up(netgear::sender()).encoding(options.encoding).frame_policy(policy);
        let opened = match &way {
            Way::Bind(endpoint) => builder.bind(endpoint.clone()).await.map_err(Failure::from),
            Way::Connect(endpoint) => tokio::select! {
                sender = builder.connect(endpoint.clone()) => sender.map_err(Failure::from),
                // Looking the name up may take long.
                () = stop.requested() => break Ok(()),
            },
        };
        let (sent, pause) = match opened {
            Ok(sender) => {
                way.settle(sender.endpoint());
                let live = LiveLine::new(format!("waiting for a receiver at {}", way.endpoint()));
                (sending.run(sender, &mut stop, &mut tally, live).await, way.pause())
            }
            Err(failure) => (Err(failure), Way::RETRY),
        };
        if let Some(result) = session.result_of(sent, &way, &tally) {
            break result;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.requested() => break Ok(()),
        }
    };
    report(&tally, session.json);
    sent.map_err(|failure| failure.at(way.endpoint()))
}

pub(crate) async fn view(options: View) -> Result<(), Failure> {
    let session = options.session;
    let reply = match (options.reply, options.reply_frames) {
        (Some(value), _) => Reply::Same(value),
        (None, Some(source)) => {
            let frames = source.open(&OpenOptions::new())?;
            Reply::Frames(Feed::spawn(frames, source.to_string(), true, Pipeline::new()))
        }
        (None, None) => Reply::Nothing,
    };
    let shown = options.shown.open("netgear view", !session.unidirectional)?;
    let mut stop = Stop::new(shown.quit())?;
    let mut tally = Tally::new(session.digest);
    let mut receiving = Receiving {
        reply,
        frames: session.frames,
        snapshot: options.snapshot,
        recording: None,
        shown,
        print_data: session.print_data,
        json: session.json,
        last: None,
    };
    let mut record = Some(options.record);
    let mut way = Way::new(options.bind, options.connect, || Way::Bind(Endpoint::default_to_bind()));
    let received = loop {
        let builder = session.set_up(netgear::receiver());
        let opened = match &way {
            Way::Bind(endpoint) => builder.bind(endpoint.clone()).await.map_err(Failure::from),
            Way::Connect(endpoint) => tokio::select! {
                receiver = builder.connect(endpoint.clone()) => receiver.map_err(Failure::from),
                // Looking the name up may take long.
                () = stop.requested() => break Ok(()),
            },
        };
        let (received, pause) = match opened {
            Ok(receiver) => {
                // Not before the endpoint is ours: a second program at the same place must not empty the first one's
                // recording.
                if let Some(record) = record.take() {
                    receiving.recording = record.start().await?;
                }
                way.settle(receiver.endpoint());
                let live = LiveLine::new(format!("waiting for a sender at {}", way.endpoint()));
                (receiving.run(receiver, &mut stop, &mut tally, live).await, way.pause())
            }
            Err(failure) => (Err(failure), Way::RETRY),
        };
        if tally.has_peer() {
            receiving.shown.set_presence(if received.is_ok() { Presence::Left } else { Presence::Lost });
        }
        if let Some(result) = session.result_of(received, &way, &tally) {
            break result;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.requested() => break Ok(()),
        }
    };
    let kept = receiving.finish(&mut stop, &mut tally).await;
    report(&tally, session.json);
    received.and(kept).map_err(|failure| failure.at(way.endpoint()))
}

/// How to come to the other end.
#[derive(Debug)]
enum Way {
    Bind(Endpoint),
    Connect(Endpoint),
}

impl Way {
    /// What the user wants, or a default, which for each end is one of the two.
    fn new(bind: Option<Endpoint>, connect: Option<Endpoint>, default: fn() -> Self) -> Self {
        match (bind, connect) {
            (Some(endpoint), _) => Self::Bind(endpoint),
            (None, Some(endpoint)) => Self::Connect(endpoint),
            (None, None) => default(),
        }
    }

    fn endpoint(&self) -> &Endpoint {
        match self {
            Self::Bind(endpoint) | Self::Connect(endpoint) => endpoint,
        }
    }

    /// How long to wait before something is tried again that did not work.
    const RETRY: Duration = Duration::from_millis(500);

    /// How long to wait between two peers: one that is of no use is not to be hammered, and one that comes here is
    /// not to be kept waiting.
    fn pause(&self) -> Duration {
        match self {
            Self::Bind(_) => Duration::ZERO,
            Self::Connect(_) => Self::RETRY,
        }
    }

    /// Says where the other end is waited for. Where it is bound is known: the next time it is the same place, also
    /// if the system chose it.
    fn settle(&mut self, bound: Option<&Endpoint>) {
        if let Some(endpoint) = bound {
            print::note(&format_args!("listening at {endpoint}"));
            *self = Self::Bind(endpoint.clone());
        } else if !io::stderr().is_terminal() {
            // On a terminal a line says so for as long as it lasts.
            print::note(&format_args!("waiting for the other end at {}", self.endpoint()));
        }
    }
}

impl Session {
    fn set_up<E: End>(&self, builder: Builder<E>) -> Builder<E> {
        let builder = builder
            .pattern(self.pattern)
            .mode(self.mode())
            .dialect(self.dialect())
            .reconnect(!self.no_reconnect);
        match self.wait {
            Some(wait) => builder.wait_for_peer(wait),
            None => builder,
        }
    }

    /// The end of it all, or `None` to wait for the next peer.
    fn result_of(
        &self,
        session: Result<Ended, Failure>,
        way: &Way,
        tally: &Tally,
    ) -> Option<Result<(), Failure>> {
        match session {
            Ok(Ended::PeerLeft) if self.stay => print::note(&"the other end has left; waiting for the next"),
            // A place that was there once may be there again.
            Err(failure @ (Failure::Bind(_) | Failure::Connect(_))) if self.stay && tally.has_peer() => {
                print::note(&format_args!("{failure}; trying again"));
            }
            Err(failure) if self.stay && failure.is_loss_of_peer(matches!(way, Way::Bind(_))) => {
                print::note(&format_args!("{failure}; waiting for the next"));
            }
            ended => return Some(ended.map(|_| ())),
        }
        None
    }
}

/// How long a demo is that nobody looks at.
const DEMO: Duration = Duration::from_secs(10);

/// How long the receiver of a demo whose sender failed has to keep what it recorded.
const RECEIVER_ENDS_WITHIN: Duration = Duration::from_secs(10);

pub(crate) async fn demo(options: Demo) -> Result<(), Failure> {
    let rate = match options.fps {
        Fps::Max => FrameRate::THIRTY,
        Fps::Rate(rate) => rate,
    };
    let pattern = Source::TestPattern(TestPatternSpec::new(options.size.width, options.size.height, rate)?);
    let frames = pattern.open(&OpenOptions::new())?;
    let time = options.seconds.or((!options.shown.is_any()).then_some(DEMO));
    if time.is_none() && options.frames.is_none() {
        let or = if options.shown.wants_window() { ", or q in the window" } else { "" };
        print::note(&format_args!("streaming until Ctrl-C{or}"));
    }
    let shown = options.shown.open("netgear demo", true)?;
    let mut stop = Stop::new(shown.quit())?;
    // Kept until the end: the socket's folder goes with it.
    let folder = tempfile::tempdir()?;
    let endpoint = match options.transport {
        Transport::Tcp => "tcp://127.0.0.1:0".to_owned(),
        Transport::Ipc => format!("ipc://{}", folder.path().join("demo.sock").display()),
    };
    let receiver = netgear::receiver().pattern(options.pattern).bind(endpoint.parse()?).await?;
    let endpoint = receiver.endpoint().cloned().ok_or(Failure::NotBound)?;
    let sender = netgear::sender().encoding(options.encoding).pattern(options.pattern);
    let sender = sender.connect(endpoint.clone()).await?;

    let mut receiving = Receiving {
        reply: Reply::Echo { frames: options.return_frames },
        frames: None,
        snapshot: options.snapshot,
        recording: options.record.start().await?,
        shown,
        print_data: false,
        json: options.json,
        last: None,
    };
    let receiving = tokio::spawn(async move {
        let mut tally = Tally::new(true);
        // The user stops the sender, and the receiver ends when the sender does.
        let received = receiving.run(receiver, &mut Stop::never(), &mut tally, LiveLine::hidden()).await;
        // What was recorded is kept, whatever went wrong. From here on the user may stop that.
        let mut stop = Stop::new(Arc::default()).unwrap_or_else(|_| Stop::never());
        let kept = receiving.finish(&mut stop, &mut tally).await;
        received?;
        kept?;
        Ok::<_, Failure>(tally)
    });
    let pipeline = match options.reduce {
        Some(percent) => Pipeline::new().reduce(percent, Filter::default()),
        None => Pipeline::new(),
    };
    let mut sending = Sending {
        feed: Feed::spawn(frames, pattern.to_string(), false, pipeline),
        pace: Pace::from(options.fps),
        data: Outgoing::Number,
        policy: FramePolicy::Block,
        frames: options.frames,
        time: time.filter(|_| options.frames.is_none()),
        print_data: false,
        json: options.json,
        clock: None,
        thinning: Thinning::default(),
        read: 0,
        unanswered: VecDeque::new(),
        lossy: Lossy::new(options.encoding),
    };
    let mut sent = Tally::new(true);
    let live = LiveLine::new(format!("streaming over {endpoint}"));
    let sending = sending.run(sender, &mut stop, &mut sent, live).await;
    let received = match sending {
        Ok(_) => receiving.await.map_err(|_| Failure::ReceiverPanicked)??,
        // Where the receiver failed, the sender only finds it gone; one that waits for another sender is not waited
        // for.
        Err(failure) => match timeout(RECEIVER_ENDS_WITHIN, receiving).await {
            Ok(Ok(received)) => return Err(received.err().unwrap_or(failure)),
            _ => return Err(failure),
        },
    };
    let summary = DemoSummary::new(&sent, &received, endpoint);
    print::result(&summary, options.json);
    if summary.is_whole() { Ok(()) } else { Err(Failure::Lost) }
}

pub(crate) fn probe(options: &Probe) -> Result<(), Failure> {
    let source = options.section.open(&options.source, &OpenOptions::new())?;
    if let Some(remark) = source.remark() {
        print::note(&remark);
    }
    print::result(&Probed(source.info().clone()), options.json);
    Ok(())
}

pub(crate) fn devices(options: &Devices) -> Result<(), Failure> {
    let listed = Listed(cameras()?);
    if listed.0.is_empty() {
        print::note(&"there is no camera; check that it is plugged in");
    }
    if options.json || !listed.0.is_empty() {
        print::result(&listed, options.json);
    }
    Ok(())
}

/// Nothing is said of a peer that never came; the error says enough.
fn report(tally: &Tally, json: bool) {
    if json || tally.has_peer() {
        print::result(&tally.summary(), json);
    }
}

/// Both ends of a demo: counted at the sender, the latency at the receiver.
#[derive(Debug, Serialize)]
struct DemoSummary {
    #[serde(flatten)]
    sent: Summary,
    received_frames: u64,
    received_digest: Option<String>,
    endpoint: String,
}

impl DemoSummary {
    fn new(sent: &Tally, received: &Tally, endpoint: Endpoint) -> Self {
        let received = received.summary();
        Self {
            sent: Summary {
                latency_us: received.latency_us,
                recording: received.recording,
                ..sent.summary()
            },
            received_frames: received.frames,
            received_digest: received.digest,
            endpoint: endpoint.to_string(),
        }
    }

    /// Whether every pixel and every item of data crossed.
    fn is_whole(&self) -> bool {
        self.sent.dropped == 0
            && self.sent.frames == self.received_frames
            && self.sent.digest == self.received_digest
            && self.sent.data_sent == self.sent.data_received
    }
}

impl fmt::Display for DemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "over {}: {}", self.endpoint, self.sent)?;
        if self.is_whole() {
            write!(f, "  nothing lost: every pixel and every item of data crossed")
        } else {
            write!(
                f,
                "  LOST: {} sent and {} received, {} out and {} back",
                Counted::frames(self.sent.frames),
                self.received_frames,
                Counted::items_of_data(self.sent.data_sent),
                self.sent.data_received
            )
        }
    }
}

/// What a source is, as `probe` prints it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Probed(SourceInfo);

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(info) = self;
        write!(f, "{}×{} {} {}", info.width, info.height, info.pixel_format, info.element_type)?;
        match (info.frame_rate, info.rate_varies) {
            (Some(rate), false) => write!(f, ", {rate} fps")?,
            (Some(rate), true) => {
                write!(f, ", variable rate of {:.2} fps on average", rate.frames_per_second())?
            }
            (None, true) => write!(f, ", variable rate")?,
            (None, false) => {}
        }
        if let Some(frames) = info.frames {
            write!(f, ", {}", Counted::frames(frames))?;
        }
        if let Some(duration) = info.duration {
            write!(f, ", {:.2} s", duration.as_secs_f64())?;
        }
        write!(f, "; {}, decoded by {}", info.codec, info.decoder)
    }
}

/// The cameras of this machine, as `devices` prints them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Listed(Vec<CameraInfo>);

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, camera) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{camera}")?;
        }
        Ok(())
    }
}
