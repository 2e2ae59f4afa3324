//! What a system's way to cameras has to do.

use std::time::Duration;

use super::{CameraDevice, CameraError, CameraMode, CameraSpec};
use crate::camera::raw_frame::RawLayout;

/// A system's way to cameras.
pub(super) trait Backend: Send {
    /// Opens a camera, sets it to the nearest that it has to what `spec` asks for, and starts it. Whatever fails, the
    /// device is left as it was found.
    fn open(&self, device: &CameraDevice, spec: &CameraSpec) -> Result<Box<dyn Capture>, CameraError>;

    /// Opens the camera again that `before` was of, if it is back: that one and no other.
    fn reopen(&self, before: &Setup, spec: &CameraSpec) -> Result<Box<dyn Capture>, CameraError>;
}

/// A camera that captures.
pub(super) trait Capture: Send {
    /// How.
    fn setup(&self) -> &Setup;

    /// The oldest frame that it has, or `None` if none came within `wait`, which may be nothing. The buffer is the
    /// device's again with the next call.
    fn next_buffer(&mut self, wait: Duration) -> Result<Option<RawBuffer<'_>>, CameraError>;
}

/// How a camera captures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setup {
    /// What it is called in errors.
    pub(super) device: String,
    /// Its name and where it is plugged in, by which it is known again.
    pub(super) name: String,
    pub(super) place: String,
    pub(super) mode: CameraMode,
    pub(super) layout: RawLayout,
    /// How many frames it can have ready.
    pub(super) buffers: usize,
    /// In what it is not what was asked for.
    pub(super) difference: Option<String>,
    /// What hands over the frames.
    pub(super) decoder: &'static str,
}

/// What the device wrote.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawBuffer<'a> {
    /// As much as it wrote.
    pub(super) bytes: &'a [u8],
    /// Whether the device says that it is not whole.
    pub(super) is_damaged: bool,
    /// The number of the frame, which the device counts.
    pub(super) sequence: u32,
    /// How long ago it was captured, if the device tells.
    pub(super) age: Option<Duration>,
}
