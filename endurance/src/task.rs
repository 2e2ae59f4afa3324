//! What a child process is told to be.

use serde::{Deserialize, Serialize};

use crate::{Result, flood, killed, slow_receiver};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Task {
    KilledOrSurvivor(killed::Program),
    Camera(slow_receiver::Camera),
    SlowViewer(slow_receiver::Viewer),
    Server(flood::Server),
    Peer(flood::Peer),
    Strangers(flood::Strangers),
    Decoy(flood::Decoy),
}

impl Task {
    pub(crate) fn run(text: &str) -> Result {
        let task: Self = serde_json::from_str(text)?;
        // One thread for everything, as in a small program.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match task {
                Self::KilledOrSurvivor(program) => program.run().await,
                Self::Camera(camera) => camera.run().await,
                Self::SlowViewer(viewer) => viewer.run().await,
                Self::Server(server) => server.run().await,
                Self::Peer(peer) => peer.run().await,
                Self::Strangers(strangers) => strangers.run().await,
                Self::Decoy(decoy) => decoy.run().await,
            }
        })
    }

    /// For errors.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::KilledOrSurvivor(program) => program.name(),
            Self::Camera(_) => "the sender",
            Self::SlowViewer(_) => "the receiver",
            Self::Server(_) => "the receiver",
            Self::Peer(_) => "the sender",
            Self::Strangers(_) => "the strangers",
            Self::Decoy(_) => "the decoy",
        }
    }
}
