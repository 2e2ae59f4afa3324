//! What each command does.

use std::fmt;

use netgear::{
    media::{Filter, FrameRate, OpenOptions, Source, SourceInfo, TestPatternSpec},
    prelude::{Endpoint, FrameReceiver, FrameSender},
};
use serde::Serialize;

use crate::{
    Failure,
    feed::Feed,
    live::LiveLine,
    options::{Demo, Fps, Probe, Serve, Transport, View},
    print,
    receiving::{Receiving, Reply},
    recording::Recording,
    sending::{Outgoing, Pace, Sending},
    stop::Stop,
    summary::{Summary, Tally},
};

pub(crate) async fn serve(options: Serve) -> Result<(), Failure> {
    let session = options.session;
    let source = options.source.open(&OpenOptions::new())?;
    let mut stop = Stop::new()?;
    let mut tally = Tally::new(session.digest);
    let mut builder =
        FrameSender::builder().pattern(session.pattern).mode(session.mode()).dialect(session.dialect());
    if let Some(wait) = session.wait {
        builder = builder.wait_for_peer(wait);
    }
    let (sender, endpoint) = match (options.bind, options.connect) {
        (Some(endpoint), _) => {
            let sender = builder.bind(endpoint).await?;
            let endpoint = sender.endpoint().cloned().ok_or(Failure::NotBound)?;
            print::note(&format_args!("listening at {endpoint}"));
            (sender, endpoint)
        }
        (None, connect) => {
            let endpoint = connect.unwrap_or_else(Endpoint::default_to_connect);
            let sender = tokio::select! {
                sender = builder.connect(endpoint.clone()) => sender?,
                // Looking the name up may take long.
                () = stop.requested() => {
                    report(&tally, session.json);
                    return Ok(());
                }
            };
            (sender, endpoint)
        }
    };
    let reduce = options.reduce.map(|percent| (percent, options.filter));
    let sending = Sending {
        feed: Feed::spawn(source, options.source.to_string(), options.looped, reduce),
        pace: options.fps.map_or(Pace::Source, Pace::from),
        data: options.data.map_or(Outgoing::Nothing, Outgoing::Same),
        frames: session.frames,
        time: None,
        print_data: session.print_data,
        json: session.json,
    };
    let live = LiveLine::new(format!("waiting for a receiver at {endpoint}"));
    let sent = sending.run(sender, &mut stop, &mut tally, live).await;
    report(&tally, session.json);
    sent.map_err(|failure| failure.at(&endpoint))
}

pub(crate) async fn view(options: View) -> Result<(), Failure> {
    let session = options.session;
    let reply = match (options.reply, options.reply_frames) {
        (Some(value), _) => Reply::Same(value),
        (None, Some(source)) => {
            let frames = source.open(&OpenOptions::new())?;
            Reply::Frames(Feed::spawn(frames, source.to_string(), true, None))
        }
        (None, None) => Reply::Nothing,
    };
    let mut stop = Stop::new()?;
    let mut tally = Tally::new(session.digest);
    let mut builder =
        FrameReceiver::builder().pattern(session.pattern).mode(session.mode()).dialect(session.dialect());
    if let Some(wait) = session.wait {
        builder = builder.wait_for_peer(wait);
    }
    let (receiver, endpoint) = match (options.connect, options.bind) {
        (Some(endpoint), _) => {
            let receiver = tokio::select! {
                receiver = builder.connect(endpoint.clone()) => receiver?,
                // Looking the name up may take long.
                () = stop.requested() => {
                    report(&tally, session.json);
                    return Ok(());
                }
            };
            (receiver, endpoint)
        }
        (None, bind) => {
            let receiver = builder.bind(bind.unwrap_or_else(Endpoint::default_to_bind)).await?;
            let endpoint = receiver.endpoint().cloned().ok_or(Failure::NotBound)?;
            (receiver, endpoint)
        }
    };
    let is_bound = receiver.endpoint().is_some();
    // Not before the endpoint is ours: a second program at the same place must not empty the first one's recording.
    let recording =
        options.record.map(|path| Recording::create(path, Receiving::RECORDED_RATE)).transpose()?;
    if is_bound {
        print::note(&format_args!("listening at {endpoint}"));
    }
    let receiving = Receiving {
        reply,
        frames: session.frames,
        snapshot: options.snapshot,
        recording,
        print_data: session.print_data,
        json: session.json,
    };
    let live = LiveLine::new(format!("waiting for a sender at {endpoint}"));
    let received = receiving.run(receiver, &mut stop, &mut tally, live).await;
    report(&tally, session.json);
    received.map_err(|failure| failure.at(&endpoint))
}

pub(crate) async fn demo(options: Demo) -> Result<(), Failure> {
    let rate = match options.fps {
        Fps::Max => FrameRate::THIRTY,
        Fps::Rate(rate) => rate,
    };
    let pattern = Source::TestPattern(TestPatternSpec::new(options.size.width, options.size.height, rate)?);
    let frames = pattern.open(&OpenOptions::new())?;
    let mut stop = Stop::new()?;
    // Kept until the end: the socket's folder goes with it.
    let folder = tempfile::tempdir()?;
    let endpoint = match options.transport {
        Transport::Tcp => "tcp://127.0.0.1:0".to_owned(),
        Transport::Ipc => format!("ipc://{}", folder.path().join("demo.sock").display()),
    };
    let receiver = FrameReceiver::builder().pattern(options.pattern).bind(endpoint.parse()?).await?;
    let endpoint = receiver.endpoint().cloned().ok_or(Failure::NotBound)?;
    let sender = FrameSender::builder().pattern(options.pattern).connect(endpoint.clone()).await?;

    let receiving = Receiving {
        reply: Reply::Echo { frames: options.return_frames },
        frames: None,
        snapshot: options.snapshot,
        recording: None,
        print_data: false,
        json: options.json,
    };
    let receiving = tokio::spawn(async move {
        let mut tally = Tally::new(true);
        // The user stops the sender, and the receiver ends when the sender does.
        let received = receiving.run(receiver, &mut Stop::never(), &mut tally, LiveLine::hidden()).await;
        received.map(|()| tally)
    });
    let reduce = options.reduce.map(|percent| (percent, Filter::default()));
    let sending = Sending {
        feed: Feed::spawn(frames, pattern.to_string(), false, reduce),
        pace: Pace::from(options.fps),
        data: Outgoing::Number,
        frames: options.frames,
        time: options.frames.is_none().then_some(options.seconds),
        print_data: false,
        json: options.json,
    };
    let mut sent = Tally::new(true);
    let live = LiveLine::new(format!("streaming over {endpoint}"));
    sending.run(sender, &mut stop, &mut sent, live).await?;
    let received = receiving.await.map_err(|_| Failure::ReceiverPanicked)??;
    let summary = DemoSummary::new(&sent, &received, endpoint);
    print::result(&summary, options.json);
    if summary.is_whole() { Ok(()) } else { Err(Failure::Lost) }
}

pub(crate) fn probe(options: &Probe) -> Result<(), Failure> {
    let info = options.source.probe(&OpenOptions::new())?;
    print::result(&Probed(info), options.json);
    Ok(())
}

/// Nothing is said of a peer that never came; the error says enough.
fn report(tally: &Tally, json: bool) {
    if json || tally.peer.is_some() {
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
            sent: Summary { latency_us: received.latency_us, ..sent.summary() },
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
                "  LOST: {} frames sent and {} received, {} items of data out and {} back",
                self.sent.frames, self.received_frames, self.sent.data_sent, self.sent.data_received
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
        if let Some(rate) = info.frame_rate {
            write!(f, ", {rate} fps")?;
        }
        if let Some(frames) = info.frames {
            write!(f, ", {frames} frames")?;
        }
        if let Some(duration) = info.duration {
            write!(f, ", {:.2} s", duration.as_secs_f64())?;
        }
        write!(f, "; {}, decoded by {}", info.codec, info.decoder)
    }
}
