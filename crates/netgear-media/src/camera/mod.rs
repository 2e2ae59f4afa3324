//! Cameras: which one, what it offers, and its frames.

#[cfg(any(test, feature = "camera"))]
mod backend;
mod error;
#[cfg(any(test, feature = "camera"))]
mod nearest;
mod offer;
#[cfg(any(test, feature = "camera"))]
mod raw_frame;
#[cfg(any(test, feature = "camera"))]
mod source;
mod spec;
#[cfg(all(feature = "camera", not(any(target_os = "linux", target_os = "macos", windows))))]
compile_error!("the feature `camera` is for Linux, macOS and Windows");

// This system's way to cameras.
#[cfg(feature = "camera")]
#[cfg_attr(target_os = "linux", path = "v4l2.rs")]
#[cfg_attr(any(target_os = "macos", windows), path = "native.rs")]
mod system;

pub use error::CameraError;
pub use offer::{CameraInfo, CameraMode, CameraSize, OfferedFormat, OfferedRate, OfferedSize};
#[cfg(any(test, feature = "camera"))]
pub use source::{CameraCounts, CameraSource};
pub use spec::{CameraDevice, CameraFormat, CameraSpec, CameraSpecError, Resume};

/// The cameras of this system, and what they offer. A camera that cannot be asked is listed with the reason.
///
/// # Errors
/// [`CameraError`], also [`CameraError::NotBuilt`] without the feature `camera`.
pub fn cameras() -> Result<Vec<CameraInfo>, CameraError> {
    #[cfg(feature = "camera")]
    return system::list();
    #[cfg(not(feature = "camera"))]
    return Err(CameraError::NotBuilt);
}

/// Opens a camera.
pub(crate) fn open(
    spec: &CameraSpec,
    options: &crate::OpenOptions,
) -> Result<Box<dyn crate::FrameSource>, crate::OpenError> {
    #[cfg(feature = "camera")]
    return Ok(Box::new(CameraSource::open(spec, options)?));
    #[cfg(not(feature = "camera"))]
    {
        let _ = (spec, options);
        Err(CameraError::NotBuilt.into())
    }
}
