use std::io;
use std::time::Duration;

/// Why a camera gives no frames. Each is for another cause, and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CameraError {
    /// This program was built without cameras.
    #[error(
        "this program was built without cameras; build it with `--features camera` (on Linux that needs libclang: \
         apt install libclang-dev)"
    )]
    NotBuilt,
    /// There is no such camera.
    #[error("{device} is not there; {}", listed(available))]
    NotFound {
        /// What was asked for.
        device: String,
        /// The cameras that there are.
        available: Vec<String>,
    },
    /// Another program has it.
    #[error("{device} is in use by another program; end that first{}", if cfg!(target_os = "linux") { " (`fuser -v /dev/video*` says which it is)" } else { "" })]
    Busy {
        /// The camera.
        device: String,
    },
    /// This user must not use it.
    #[error("{device} may not be opened by this user; {}", PERMISSION)]
    Forbidden {
        /// The camera.
        device: String,
    },
    /// It is something else.
    #[error("{device} is no camera that can be read from: {reason}")]
    NotACamera {
        /// The device.
        device: String,
        /// What it lacks.
        reason: String,
    },
    /// It has no format that is understood here.
    #[error(
        "{device} has no format that is understood here; it has {available}. Try ffmpeg, as docs/cameras.md describes"
    )]
    NoUsableFormat {
        /// The camera.
        device: String,
        /// What it has.
        available: String,
    },
    /// It does not take what it offers.
    #[error("{device} refuses {wanted}, which it offers ({reason}); choose another: {available}")]
    Refused {
        /// The camera.
        device: String,
        /// The mode that was set.
        wanted: String,
        /// What it said.
        reason: String,
        /// What it offers.
        available: String,
    },
    /// It was set, but does not begin to capture.
    #[error(
        "{device} does not begin to capture {mode}: {error}; try a smaller size or rate, or plug it in elsewhere"
    )]
    Start {
        /// The camera.
        device: String,
        /// The mode that was set.
        mode: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// It was there, and is gone.
    #[error("{device} was unplugged; plug it in again, or add resume=30 to wait for it")]
    Unplugged {
        /// The camera.
        device: String,
    },
    /// It is there, and gives no frame.
    #[error(
        "{device} gave no frame for {:.1} s; check that its shutter is open and its cable sound, and plug it in again",
        waited.as_secs_f64()
    )]
    Silent {
        /// The camera.
        device: String,
        /// How long.
        waited: Duration,
    },
    /// It gives frames, and none is whole.
    #[error(
        "{device} gave {frames} frames in {:.1} s, none of them whole (the last one: {reason}); try another format or a \
         smaller size",
        waited.as_secs_f64()
    )]
    Damaged {
        /// The camera.
        device: String,
        /// How many.
        frames: u64,
        /// How long.
        waited: Duration,
        /// What was wrong with the last.
        reason: String,
    },
    /// It came back with frames of another kind.
    #[error("{device} came back with {found} in place of {expected}; open it anew")]
    Changed {
        /// The camera.
        device: String,
        /// What it gave before.
        expected: String,
        /// What it gives now.
        found: String,
    },
    /// Anything else that the system says.
    #[error("{device}: {action} failed: {error}")]
    Device {
        /// The camera.
        device: String,
        /// What was done.
        action: &'static str,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
}

const PERMISSION: &str = if cfg!(target_os = "linux") {
    "add the user to the group `video` (sudo usermod -aG video $USER) and log in again"
} else if cfg!(target_os = "macos") {
    "allow it in System Settings, Privacy & Security, Camera"
} else {
    "allow it in the system's settings for privacy"
};

fn listed(available: &[String]) -> String {
    if available.is_empty() {
        "there is no camera at all: check that it is plugged in".to_owned()
    } else {
        format!("there are {}", available.join(", "))
    }
}
