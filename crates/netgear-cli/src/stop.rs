use std::{future::pending, io, sync::Arc};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// Ready when the user wants the program to end: Ctrl-C, on Unix SIGTERM, or a window that is closed.
#[derive(Debug)]
pub(crate) struct Stop {
    /// Listened to from the beginning, so that no signal is lost between one wait and the next.
    #[cfg(unix)]
    signals: Option<(Signal, Signal)>,
    #[cfg(not(unix))]
    asked: bool,
    /// Told when a window is closed.
    quit: Arc<Notify>,
}

impl Stop {
    /// Must be called within the runtime. From here on a signal no longer ends the program by itself.
    pub(crate) fn new(quit: Arc<Notify>) -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signals: Some((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)),
            #[cfg(not(unix))]
            asked: true,
            quit,
        })
    }

    /// Nobody stops this end: it ends when the other does.
    pub(crate) fn never() -> Self {
        Self {
            #[cfg(unix)]
            signals: None,
            #[cfg(not(unix))]
            asked: false,
            quit: Arc::default(),
        }
    }

    pub(crate) async fn requested(&mut self) {
        let quit = Arc::clone(&self.quit);
        tokio::select! {
            () = self.signalled() => {}
            () = quit.notified() => {}
        }
    }

    #[cfg(unix)]
    async fn signalled(&mut self) {
        let Some((interrupt, terminate)) = &mut self.signals else { return pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn signalled(&mut self) {
        if !self.asked || tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    }
}
