use netgear_proto::{ElementType, PixelFormat, Shape};

use crate::{Percent, RegionError};

/// Why a frame cannot be resized.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// The elements or the number of channels are of no kind that can be resized.
    #[error(
        "frames of {channels} {element_type} channels ({pixel_format}) cannot be resized; \
         use 1 to 4 channels of u8, u16 or f32"
    )]
    Unsupported {
        /// The elements of the frame.
        element_type: ElementType,
        /// The pixel format of the frame.
        pixel_format: PixelFormat,
        /// The channels of the frame.
        channels: u16,
    },
    /// A side of the result would be 0.
    #[error("a frame of {shape} reduced by {percent} has no pixels left; reduce it by less")]
    NothingLeft {
        /// The shape of the original.
        shape: Shape,
        /// The reduction asked for.
        percent: Percent,
    },
    /// The size asked for is impossible.
    #[error(transparent)]
    Size(#[from] netgear_proto::ShapeError),
    /// The frame has no such part.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The memory for the result is for other pixels than the frame's.
    #[error(
        "a frame of {channels} {element_type} channels cannot be resized into memory for {target_channels} \
         {target_element_type} channels; give memory of the frame's kind"
    )]
    Target {
        /// The elements of the frame.
        element_type: ElementType,
        /// The channels of the frame.
        channels: u16,
        /// The elements of the memory.
        target_element_type: ElementType,
        /// The channels of the memory.
        target_channels: u16,
    },
}
