use bytes::{Bytes, BytesMut};
use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat, Shape, ShapeError};

use crate::Region;
use crate::colour::PixelKind;
use crate::orientation::Orientation;

/// A picture on its way: pixels in memory, and how they are looked at. To crop, to flip and to rotate is to look at
/// them in another way; they move once, at the latest at the end.
#[derive(Debug)]
pub(crate) struct View {
    pixels: Pixels,
    /// Of the pixels in memory.
    shape: Shape,
    element_type: ElementType,
    pixel_format: PixelFormat,
    /// The part of them that is looked at.
    region: Region,
    orientation: Orientation,
}

/// Pixels in memory.
#[derive(Debug)]
enum Pixels {
    /// Those of a frame, which others may hold.
    Shared(Bytes),
    /// Those that this step has made.
    Made { buffer: BytesMut, step: usize },
}

/// Memory for the pixels that steps make, for each of them its own, as each makes the same size again and again.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pools: Vec<BufferPool>,
}

impl Buffers {
    /// As many as there are steps, and one for the end.
    pub(crate) fn resize(&mut self, steps: usize) {
        self.pools.resize_with(steps + 1, BufferPool::default);
    }

    pub(crate) fn take(&mut self, step: usize, len: usize) -> BytesMut {
        match self.pools.get_mut(step) {
            Some(pool) => pool.take_filled(len),
            None => BytesMut::zeroed(len),
        }
    }

    fn freeze(&mut self, step: usize, buffer: BytesMut) -> Bytes {
        match self.pools.get_mut(step) {
            Some(pool) => pool.freeze(buffer),
            None => buffer.freeze(),
        }
    }
}

impl View {
    pub(crate) fn of(frame: &Frame) -> Self {
        Self {
            pixels: Pixels::Shared(frame.pixels().clone()),
            shape: frame.shape(),
            element_type: frame.element_type(),
            pixel_format: frame.pixel_format(),
            region: Region::whole(frame.shape()),
            orientation: Orientation::default(),
        }
    }

    /// The shape of what is seen.
    pub(crate) fn shape(&self) -> Result<Shape, ShapeError> {
        let (width, height) = self.size();
        Shape::new(height, width, self.shape.channels())
    }

    /// Columns and rows that are seen.
    pub(crate) fn size(&self) -> (u32, u32) {
        self.orientation.size(self.region.width, self.region.height)
    }

    pub(crate) fn kind(&self) -> PixelKind {
        PixelKind {
            element_type: self.element_type,
            pixel_format: self.pixel_format,
            channels: self.shape.channels(),
        }
    }

    pub(crate) fn orientation_mut(&mut self) -> &mut Orientation {
        &mut self.orientation
    }

    /// Looks at a part of what is seen, which it must have.
    pub(crate) fn crop(&mut self, region: Region) {
        self.region = self.orientation.in_memory(region, self.region);
    }

    /// Converts row by row, each from pixels of one kind to as many of another. The view stays what it is.
    pub(crate) fn convert(
        self,
        kind: PixelKind,
        step: usize,
        buffers: &mut Buffers,
        convert: impl Fn(&[u8], &mut [u8]),
    ) -> Result<Self, ShapeError> {
        let shape = Shape::new(self.region.height, self.region.width, kind.channels)?;
        let mut buffer = buffers.take(step, shape.byte_len(kind.element_type)?);
        let rows = self.rows().zip(buffer.chunks_exact_mut(shape.width() as usize * kind.byte_len()));
        rows.for_each(|(row, out)| convert(row, out));
        Ok(Self { orientation: self.orientation, ..self.replaced(buffer, shape, kind, step, buffers) })
    }

    /// The same pixels as they are seen, so that memory and view are one, apart from what is around them.
    pub(crate) fn upright(self, step: usize, buffers: &mut Buffers) -> Result<Self, ShapeError> {
        if self.orientation.is_upright() { Ok(self) } else { self.moved(step, buffers) }
    }

    /// The pixels that are seen, in memory of their own.
    fn moved(self, step: usize, buffers: &mut Buffers) -> Result<Self, ShapeError> {
        let shape = self.shape()?;
        let mut buffer = buffers.take(step, shape.byte_len(self.element_type)?);
        self.orientation.copy(self.bytes(), self.row_len(), self.region, self.kind().byte_len(), &mut buffer);
        let kind = self.kind();
        Ok(self.replaced(buffer, shape, kind, step, buffers))
    }

    /// The pixels in memory as a frame, and the part of it that is seen. The view must be upright.
    pub(crate) fn as_frame(&mut self, buffers: &mut Buffers) -> Option<(Frame, Region)> {
        let pixels = self.share(buffers);
        let frame = Frame::new(pixels, self.shape, self.element_type, self.pixel_format).ok()?;
        Some((frame, self.region))
    }

    /// The frame that is seen. It shares the memory of what it was made of if that has the same pixels in the same
    /// order.
    pub(crate) fn into_frame(self, step: usize, buffers: &mut Buffers) -> Result<Frame, ShapeError> {
        let is_run = self.orientation.is_upright() && self.region.width == self.shape.width();
        let mut view = if is_run { self } else { self.moved(step, buffers)? };
        let shape = view.shape()?;
        let start = view.region.y as usize * view.row_len();
        let pixels = view.share(buffers).slice(start..start + shape.byte_len(view.element_type)?);
        // As many bytes as its shape has, and as many channels as it had.
        Frame::new(pixels, shape, view.element_type, view.pixel_format)
            .map_err(|_| ShapeError::TooLarge { shape, element: view.element_type })
    }

    /// Pixels that this step has made in place of those before, which are given back.
    pub(crate) fn replaced(
        mut self,
        buffer: BytesMut,
        shape: Shape,
        kind: PixelKind,
        step: usize,
        buffers: &mut Buffers,
    ) -> Self {
        self.share(buffers);
        Self {
            pixels: Pixels::Made { buffer, step },
            shape,
            element_type: kind.element_type,
            pixel_format: kind.pixel_format,
            region: Region::whole(shape),
            orientation: Orientation::default(),
        }
    }

    /// The part that is looked at, row by row as it is in memory.
    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        let pixel_len = self.kind().byte_len();
        let start = self.region.x as usize * pixel_len;
        let end = start + self.region.width as usize * pixel_len;
        let rows = self.bytes().chunks_exact(self.row_len()).skip(self.region.y as usize);
        rows.take(self.region.height as usize).map(move |row| row.get(start..end).unwrap_or_default())
    }

    fn bytes(&self) -> &[u8] {
        match &self.pixels {
            Pixels::Shared(bytes) => bytes,
            Pixels::Made { buffer, .. } => buffer,
        }
    }

    /// The bytes of a row in memory.
    fn row_len(&self) -> usize {
        self.shape.width() as usize * self.kind().byte_len()
    }

    /// The pixels in memory, which nobody changes any more.
    fn share(&mut self, buffers: &mut Buffers) -> Bytes {
        let pixels = std::mem::replace(&mut self.pixels, Pixels::Shared(Bytes::new()));
        let bytes = match pixels {
            Pixels::Shared(bytes) => bytes,
            Pixels::Made { buffer, step } => buffers.freeze(step, buffer),
        };
        self.pixels = Pixels::Shared(bytes.clone());
        bytes
    }
}

/// To be drawn on.
#[cfg(feature = "annotate")]
impl View {
    /// What is seen to be drawn on: a copy, unless a step has made just these pixels.
    pub(crate) fn drawable(self, step: usize, buffers: &mut Buffers) -> Result<Self, ShapeError> {
        match &self.pixels {
            Pixels::Made { .. } if self.is_whole() => Ok(self),
            _ => self.moved(step, buffers),
        }
    }

    /// The pixels in memory, if a step has made them.
    pub(crate) fn pixels_mut(&mut self) -> Option<&mut [u8]> {
        match &mut self.pixels {
            Pixels::Made { buffer, .. } => Some(buffer),
            Pixels::Shared(_) => None,
        }
    }

    fn is_whole(&self) -> bool {
        self.orientation.is_upright() && self.region == Region::whole(self.shape)
    }
}
