use netgear_proto::{ElementType, PixelFormat, ShapeError};

use crate::{RegionError, ResizeError};

/// Which step of a [`Pipeline`](super::Pipeline) a frame could not go through, and why. Steps are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The frame has no such part to be cut out.
    #[error("step {step}, crop: {source}")]
    Crop {
        /// The number of the step.
        step: usize,
        /// Why.
        source: RegionError,
    },
    /// The pixels cannot be converted.
    #[error("step {step}, convert: {source}")]
    Convert {
        /// The number of the step.
        step: usize,
        /// Why.
        source: ConvertError,
    },
    /// The frame cannot be resized.
    #[error("step {step}, resize: {source}")]
    Resize {
        /// The number of the step.
        step: usize,
        /// Why.
        source: ResizeError,
    },
    /// Nothing can be drawn on pixels of this kind.
    #[cfg(feature = "annotate")]
    #[error("step {step}, annotate: {source}")]
    Annotate {
        /// The number of the step.
        step: usize,
        /// Why.
        source: super::DrawError,
    },
    /// The result would be larger than memory can be.
    #[error("step {step}: {source}")]
    Size {
        /// The number of the step.
        step: usize,
        /// Why.
        source: ShapeError,
    },
}

/// Why pixels cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// One of the formats does not say what its channels mean.
    #[error("{from} pixels cannot become {to} ones; both must be gray, BGR, RGB, BGRA or RGBA")]
    Format {
        /// The format of the frame.
        from: PixelFormat,
        /// The format asked for.
        to: PixelFormat,
    },
    /// The elements are of no kind that can be converted.
    #[error("{from} elements cannot become {to} ones; both must be u8, u16 or f32")]
    Element {
        /// The elements of the frame.
        from: ElementType,
        /// The elements asked for.
        to: ElementType,
    },
}
