use std::fmt;

use netgear_proto::{ElementType, Frame, PixelFormat, Shape};

#[cfg(feature = "annotate")]
use super::{Annotation, Canvas};
use super::{
    ConvertError, Flip, FrameStamp, PipelineError, Rotation,
    convert::{ElementConversion, FormatConversion},
    view::{Buffers, View},
};
use crate::{Filter, Fit, Percent, PixelsMut, Region, ResizeError, Resizer, colour::PixelKind};

/// What is done with a frame.
pub(crate) enum Step {
    Convert(PixelFormat),
    ConvertElements {
        element_type: ElementType,
        alpha_beta: Option<(f32, f32)>,
    },
    Crop(Region),
    Resize {
        size: Size,
        filter: Filter,
        resizer: Box<Resizer>,
    },
    Flip(Flip),
    Rotate(Rotation),
    #[cfg(feature = "annotate")]
    Annotate {
        annotation: Annotation,
        /// Room for what it says.
        text: String,
    },
    #[cfg(feature = "annotate")]
    Draw(Draw),
}

/// What a program draws by itself.
#[cfg(feature = "annotate")]
type Draw = Box<dyn FnMut(&mut Canvas<'_>, &FrameStamp) + Send>;

/// The size of what is resized.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    Reduced(Percent),
    Fitted { width: u32, height: u32, fit: Fit },
}

impl Step {
    /// Does the step, which is this one of the pipeline, from 0.
    #[cfg_attr(not(feature = "annotate"), expect(unused_variables, reason = "only text depends on it"))]
    pub(crate) fn apply(
        &mut self,
        mut view: View,
        stamp: &FrameStamp,
        index: usize,
        buffers: &mut Buffers,
    ) -> Result<View, PipelineError> {
        // They are counted from 1 where people see them.
        let step = index + 1;
        match self {
            Self::Convert(pixel_format) => convert(view, *pixel_format, index, buffers),
            Self::ConvertElements { element_type, alpha_beta } => {
                convert_elements(view, *element_type, *alpha_beta, index, buffers)
            }
            Self::Crop(region) => {
                let shape = view.shape().map_err(|source| PipelineError::Size { step, source })?;
                region.check(shape).map_err(|source| PipelineError::Crop { step, source })?;
                view.crop(*region);
                Ok(view)
            }
            Self::Resize { size, filter, resizer } => resize(view, *size, *filter, resizer, index, buffers)
                .map_err(|source| PipelineError::Resize { step, source }),
            Self::Flip(flip) => {
                view.orientation_mut().flip(*flip);
                Ok(view)
            }
            Self::Rotate(rotation) => {
                view.orientation_mut().rotate(*rotation);
                Ok(view)
            }
            #[cfg(feature = "annotate")]
            Self::Annotate { annotation, text } => {
                draw(view, index, buffers, |canvas| annotation.draw(canvas, stamp, text))
            }
            #[cfg(feature = "annotate")]
            Self::Draw(what) => draw(view, index, buffers, |canvas| what(canvas, stamp)),
        }
    }
}

fn convert(
    view: View,
    pixel_format: PixelFormat,
    index: usize,
    buffers: &mut Buffers,
) -> Result<View, PipelineError> {
    let step = index + 1;
    let from = view.kind();
    if from.pixel_format == pixel_format {
        return Ok(view);
    }
    let conversion = FormatConversion::new(from, pixel_format)
        .map_err(|source| PipelineError::Convert { step, source })?;
    // A format that can be converted to has its channels.
    let channels = pixel_format.channels().unwrap_or(from.channels);
    let kind = PixelKind { pixel_format, channels, ..from };
    view.convert(kind, index, buffers, |row, out| conversion.convert(row, out))
        .map_err(|source| PipelineError::Size { step, source })
}

fn convert_elements(
    view: View,
    element_type: ElementType,
    alpha_beta: Option<(f32, f32)>,
    index: usize,
    buffers: &mut Buffers,
) -> Result<View, PipelineError> {
    let step = index + 1;
    let from = view.kind();
    let conversion = match alpha_beta {
        Some((alpha, beta)) => ElementConversion::new(from.element_type, element_type, alpha, beta),
        None if from.element_type == element_type => return Ok(view),
        None => ElementConversion::of_levels(from.element_type, element_type),
    };
    let conversion = conversion.map_err(|source: ConvertError| PipelineError::Convert { step, source })?;
    let kind = PixelKind { element_type, ..from };
    view.convert(kind, index, buffers, |row, out| conversion.convert(row, out))
        .map_err(|source| PipelineError::Size { step, source })
}

fn resize(
    view: View,
    size: Size,
    filter: Filter,
    resizer: &mut Resizer,
    index: usize,
    buffers: &mut Buffers,
) -> Result<View, ResizeError> {
    let before = view.shape()?;
    let (width, height, fit) = match size {
        Size::Reduced(percent) => {
            let (width, height) = percent.reduced_size(before.width(), before.height());
            if width == 0 || height == 0 {
                return Err(ResizeError::NothingLeft { shape: before, percent });
            }
            (width, height, Fit::Stretch)
        }
        Size::Fitted { width, height, fit } => (width, height, fit),
    };
    // No side of a placement is 0.
    Shape::new(height, width, before.channels())?;
    let placement = fit.placement((before.width(), before.height()), (width, height));
    let mut view = view.upright(index, buffers)?;
    view.crop(placement.source);
    if view.shape()? == Shape::new(placement.height, placement.width, before.channels())? {
        return Ok(view);
    }
    let kind = view.kind();
    let unsupported = ResizeError::Unsupported {
        element_type: kind.element_type,
        pixel_format: kind.pixel_format,
        channels: kind.channels,
    };
    let (frame, region): (Frame, Region) = view.as_frame(buffers).ok_or(unsupported)?;
    let shape = Shape::new(placement.height, placement.width, kind.channels)?;
    let mut buffer = buffers.take(index, shape.byte_len(kind.element_type)?);
    let mut target = PixelsMut::contiguous(&mut buffer, shape, kind.element_type).map_err(|_| unsupported)?;
    match fit {
        Fit::Letterbox(bars) => {
            resizer.letterbox_into(&frame, region, &mut target, placement.target, bars, filter)?;
        }
        _ => resizer.resize_into(&frame, region, target, filter)?,
    }
    Ok(view.replaced(buffer, shape, kind, index, buffers))
}

#[cfg(feature = "annotate")]
fn draw(
    view: View,
    index: usize,
    buffers: &mut Buffers,
    draw: impl FnOnce(&mut Canvas<'_>),
) -> Result<View, PipelineError> {
    let step = index + 1;
    let size = |source| PipelineError::Size { step, source };
    let kind = view.kind();
    let shape = view.shape().map_err(size)?;
    let mut view = view.drawable(index, buffers).map_err(size)?;
    let error = super::DrawError {
        element_type: kind.element_type,
        pixel_format: kind.pixel_format,
        channels: kind.channels,
    };
    let annotate = |source| PipelineError::Annotate { step, source };
    let pixels = view.pixels_mut().ok_or_else(|| annotate(error))?;
    let pixels = PixelsMut::contiguous(pixels, shape, kind.element_type).map_err(|_| annotate(error))?;
    draw(&mut Canvas::new(pixels, kind.pixel_format).map_err(annotate)?);
    Ok(view)
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convert(pixel_format) => write!(f, "convert to {pixel_format}"),
            Self::ConvertElements { element_type, alpha_beta: None } => {
                write!(f, "convert to {element_type}")
            }
            Self::ConvertElements { element_type, alpha_beta: Some((alpha, beta)) } => {
                write!(f, "convert to {element_type}, × {alpha} + {beta}")
            }
            Self::Crop(region) => write!(f, "crop {region}"),
            Self::Resize { size: Size::Reduced(percent), filter, .. } => {
                write!(f, "reduce by {percent}, {filter}")
            }
            Self::Resize { size: Size::Fitted { width, height, fit }, filter, .. } => {
                write!(f, "resize to {width}×{height}, {fit}, {filter}")
            }
            Self::Flip(flip) => write!(f, "flip {flip}"),
            Self::Rotate(rotation) => write!(f, "rotate {rotation}"),
            #[cfg(feature = "annotate")]
            Self::Annotate { annotation, .. } => write!(f, "annotate {annotation:?}"),
            #[cfg(feature = "annotate")]
            Self::Draw(_) => f.write_str("draw"),
        }
    }
}
