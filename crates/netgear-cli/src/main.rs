//! The `netgear` program.

mod commands;
mod counted;
mod feed;
mod live;
mod lossy;
mod options;
mod picture;
mod print;
mod receiving;
mod record_options;
mod recording;
mod recording_queue;
mod section_options;
mod sending;
mod shown;
mod stop;
mod summary;
mod thinning;

use std::{
    env,
    ffi::OsStr,
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::Parser;
#[cfg(feature = "web")]
use netgear::viewer::WebError;
#[cfg(feature = "window")]
use netgear::viewer::WindowError;
use netgear::{
    media::{CameraError, OpenError, PictureError, RecordError, SectionError, TestPatternSpecError},
    prelude::Endpoint,
    proto::session::SessionError,
    transport::{
        BindError, CloseError, ConnectError, EndpointError, RecvError, ReplyError, SendError, SessionFailure,
        WaitError,
    },
};
use tracing::Level;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::options::{Command, Options};

/// Why the program fails. Each says what to do. What shows in the options themselves is clap's to report.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Wait(#[from] WaitError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Recv(#[from] RecvError),
    #[error(transparent)]
    Reply(#[from] ReplyError),
    #[error(transparent)]
    Close(#[from] CloseError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{origin}: {error}")]
    Section { origin: String, error: SectionError },
    #[error(transparent)]
    Camera(#[from] CameraError),
    #[error(transparent)]
    Feed(#[from] feed::FeedError),
    #[error(transparent)]
    TestPattern(#[from] TestPatternSpecError),
    #[error("--snapshot: {0}")]
    Picture(#[from] PictureError),
    #[error("--record: {0}")]
    Record(#[from] RecordError),
    /// A failure of the session, and where its peer is or was waited for.
    #[error("{endpoint}: {failure}")]
    At { endpoint: Endpoint, failure: Box<Failure> },
    #[cfg(feature = "window")]
    #[error("--window: {error}{option}", error = .0, option = option_for_window(.0))]
    Window(#[from] WindowError),
    #[cfg(feature = "web")]
    #[error("--web: {error}{option}", error = .0, option = option_for_web(.0))]
    Web(#[from] WebError),
    #[error("the receiver is not bound")]
    NotBound,
    #[error("the receiver panicked; please report this")]
    ReceiverPanicked,
    #[error("frames or data were lost on the way; please report this with the summary above")]
    Lost,
}

/// How to do here what an error of the window says.
#[cfg(feature = "window")]
fn option_for_window(error: &WindowError) -> &'static str {
    match error {
        WindowError::NoDisplay { .. } if cfg!(feature = "web") => " (--web)",
        _ => "",
    }
}

/// How to do here what an error of the page says.
#[cfg(feature = "web")]
fn option_for_web(error: &WebError) -> &'static str {
    match error {
        WebError::NotLoopback { .. } => " (--web-public and --web-token SECRET)",
        _ => "",
    }
}

impl Failure {
    /// Whether the other end is gone, or of no use. That the two were set up for different things is a mistake in how
    /// this one was started, unless it `binds`: then anybody may come, and the next one may fit.
    fn is_loss_of_peer(&self, binds: bool) -> bool {
        let failure = match self {
            Self::Wait(WaitError::Failed(failure))
            | Self::Send(SendError::Failed(failure))
            | Self::Recv(RecvError::Failed(failure))
            | Self::Reply(ReplyError::Failed(failure))
            | Self::Close(CloseError { failure, .. }) => failure,
            Self::Send(SendError::Timeout(_) | SendError::FirstFrameUnanswered { .. }) => return true,
            _ => return false,
        };
        match failure {
            SessionFailure::Session(error) => {
                // A VidGear client that died at the first frame cannot be told from one of the other mode.
                binds || !matches!(error, SessionError::Mismatch(_))
            }
            SessionFailure::Link(_) | SessionFailure::PeerLost => true,
            _ => false,
        }
    }

    /// Whether no machine and no other end could have made it work.
    fn is_wrong_usage(&self) -> bool {
        match self {
            Self::Record(RecordError::UnknownFormat { .. } | RecordError::NotLossless { .. }) => true,
            #[cfg(feature = "web")]
            Self::Web(WebError::NotLoopback { .. } | WebError::Token | WebError::HostName { .. }) => true,
            _ => false,
        }
    }

    /// Says where, if it is about the connection.
    fn at(self, endpoint: &Endpoint) -> Self {
        match self {
            Self::Wait(_) | Self::Send(_) | Self::Recv(_) | Self::Reply(_) | Self::Close(_) => {
                Self::At { endpoint: endpoint.clone(), failure: Box::new(self) }
            }
            // It says so itself, or is about something else.
            other => other,
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    start_logging(options.verbose);
    match run_with_windows(options.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print::error(&failure);
            if failure.is_wrong_usage() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Where a window is wanted, the first thread is the windows', as macOS wants it, and all else is done on another.
fn run_with_windows(command: Command) -> Result<(), Failure> {
    let wants_window = match &command {
        Command::View(options) => options.shown.wants_window(),
        Command::Demo(options) => options.shown.wants_window(),
        _ => false,
    };
    #[cfg(feature = "window")]
    if wants_window {
        return netgear::viewer::on_main_thread(|| run(command))?;
    }
    let _ = wants_window;
    run(command)
}

fn run(command: Command) -> Result<(), Failure> {
    // One end is one thread, so that a frame goes from the socket to whoever takes it without a wake-up between
    // threads. A demo is both ends, and uses two.
    let one_thread = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (runtime, result) = match command {
        Command::Probe(options) => return commands::probe(&options),
        Command::Devices(options) => return commands::devices(&options),
        Command::Serve(options) => {
            let runtime = one_thread()?;
            let result = runtime.block_on(commands::serve(options));
            (runtime, result)
        }
        Command::View(options) => {
            let runtime = one_thread()?;
            let result = runtime.block_on(commands::view(options));
            (runtime, result)
        }
        Command::Demo(options) => {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            let result = runtime.block_on(commands::demo(options));
            (runtime, result)
        }
    };
    // A source or a name lookup that still blocks a thread must not hold up the end.
    runtime.shutdown_background();
    result
}

fn start_logging(verbose: u8) {
    let default = match verbose {
        // A window works or is an error; what winit warns of (a screen without a size in millimetres) is of no use.
        0 => Targets::new().with_default(Level::WARN).with_target("winit", Level::ERROR),
        1 => Targets::new().with_default(Level::INFO),
        _ => Targets::new().with_default(Level::DEBUG),
    };
    let (filter, refused) = match wanted_targets(&env::var_os("RUST_LOG").unwrap_or_default()) {
        Ok(wanted) => (wanted.unwrap_or(default), None),
        Err(part) => (default, Some(part)),
    };
    let ansi = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_ansi(ansi).with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(filter).init();
    if let Some(part) = refused {
        tracing::warn!(
            "RUST_LOG is ignored, for `{part}` is no level and no target with one: write info,netgear_transport=debug"
        );
    }
}

/// What `RUST_LOG` asks for, if anything: levels, and crates or modules with theirs. The error is the part of it that
/// is neither.
fn wanted_targets(text: &OsStr) -> Result<Option<Targets>, String> {
    let mut wanted = None;
    for part in text.to_string_lossy().split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (target, level) =
            part.split_once('=').map_or((None, part), |(target, level)| (Some(target.trim()), level));
        // What has brackets is of spans and fields, of which this program has none.
        let has_brackets = target.is_some_and(|target| target.contains('['));
        let level: LevelFilter = match level.trim().parse() {
            Ok(level) if !has_brackets => level,
            _ => return Err(part.to_owned()),
        };
        let targets: Targets = wanted.unwrap_or_default();
        wanted = Some(match target {
            None => targets.with_default(level),
            Some(target) => targets.with_target(target, level),
        });
    }
    Ok(wanted)
}
