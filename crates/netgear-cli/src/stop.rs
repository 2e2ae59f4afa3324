use std::{future::pending, io};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ready when the user wants the program to end: Ctrl-C, or on Unix SIGTERM.
#[derive(Debug)]
pub(crate) struct Stop {
    /// Listened to from the beginning, so that no signal is lost between one wait and the next.
    #[cfg(unix)]
    signals: Option<(Signal, Signal)>,
    #[cfg(not(unix))]
    asked: bool,
}

impl Stop {
    /// Must be called within the runtime. From here on a signal no longer ends the program by itself.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signals: Some((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)),
            #[cfg(not(unix))]
            asked: true,
        })
    }

    /// Nobody stops this end: it ends when the other does.
    pub(crate) fn never() -> Self {
        Self {
            #[cfg(unix)]
            signals: None,
            #[cfg(not(unix))]
            asked: false,
        }
    }

    #[cfg(unix)]
    pub(crate) async fn requested(&mut self) {
        let Some((interrupt, terminate)) = &mut self.signals else { return pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn requested(&mut self) {
        if !self.asked || tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    }
}
