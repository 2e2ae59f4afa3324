use std::{future::pending, io};

/// Ready when the user wants the program to end: Ctrl-C, or on Unix SIGTERM.
#[derive(Debug)]
pub(crate) struct Stop {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    asked: bool,
}

impl Stop {
    /// Must be called within the runtime.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: Some(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?),
            asked: true,
        })
    }

    /// Nobody stops this end: it ends when the other does.
    pub(crate) fn never() -> Self {
        Self {
            #[cfg(unix)]
            terminate: None,
            asked: false,
        }
    }

    pub(crate) async fn requested(&mut self) {
        if !self.asked {
            return pending().await;
        }
        #[cfg(unix)]
        if let Some(terminate) = &mut self.terminate {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
}
