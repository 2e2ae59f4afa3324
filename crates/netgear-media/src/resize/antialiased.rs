use std::fmt;

use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{PixelType, ResizeAlg, ResizeOptions};
use netgear_proto::{ElementType, Frame};

use crate::{PixelsMut, Region};

/// Resizes with the kernels of `fast_image_resize`.
#[derive(Default)]
pub(super) struct Resizer {
    resizer: fast_image_resize::Resizer,
    /// The frame, where it does not lie as the library wants it.
    input: Vec<u8>,
    /// The result, where the target does not.
    output: Vec<u8>,
}

impl Resizer {
    /// Resizes a region that the frame has to the size of the target. `None` for pixels that the library does not know.
    pub(super) fn resize(
        &mut self,
        frame: &Frame,
        region: Region,
        target: &mut PixelsMut<'_>,
        algorithm: ResizeAlg,
    ) -> Option<()> {
        let pixel_type = pixel_type(frame)?;
        let input = native(frame.pixels(), frame.element_type(), &mut self.input);
        let source = ImageRef::new(frame.width(), frame.height(), input, pixel_type).ok()?;
        let source = CroppedImage::new(&source, region.x, region.y, region.width, region.height).ok()?;
        let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
        let (width, height) = (target.width(), target.height());

        let element_len = frame.element_type().byte_len();
        let in_place = target.contiguous_mut().filter(|bytes| is_native(bytes, element_len));
        if let Some(bytes) = in_place {
            let mut image = Image::from_slice_u8(width, height, bytes, pixel_type).ok()?;
            return self.resizer.resize(&source, &mut image, &options).ok();
        }
        let row_len = target.pixels_len();
        let output = aligned(&mut self.output, row_len.checked_mul(height as usize)?, element_len)?;
        let mut image = Image::from_slice_u8(width, height, output, pixel_type).ok()?;
        self.resizer.resize(&source, &mut image, &options).ok()?;
        drop(image);
        if cfg!(target_endian = "big") {
            reverse_elements(output, element_len);
        }
        for (row, pixels) in target.rows_mut().zip(output.chunks_exact(row_len)) {
            row.copy_from_slice(pixels);
        }
        Some(())
    }
}

impl fmt::Debug for Resizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resizer")
    }
}

/// The library's name for the pixels of the frame.
fn pixel_type(frame: &Frame) -> Option<PixelType> {
    use ElementType::{F32, U8, U16};
    Some(match (frame.element_type(), frame.channels()) {
        (U8, 1) => PixelType::U8,
        (U8, 2) => PixelType::U8x2,
        (U8, 3) => PixelType::U8x3,
        (U8, 4) => PixelType::U8x4,
        (U16, 1) => PixelType::U16,
        (U16, 2) => PixelType::U16x2,
        (U16, 3) => PixelType::U16x3,
        (U16, 4) => PixelType::U16x4,
        (F32, 1) => PixelType::F32,
        (F32, 2) => PixelType::F32x2,
        (F32, 3) => PixelType::F32x3,
        (F32, 4) => PixelType::F32x4,
        _ => return None,
    })
}

/// The pixels as this machine wants them, aligned and in its byte order: themselves where they are so already, else a copy
/// in `scratch`. A frame off the wire may begin at any address.
fn native<'a>(pixels: &'a [u8], element_type: ElementType, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let element_len = element_type.byte_len();
    if is_native(pixels, element_len) {
        return pixels;
    }
    let Some(copy) = aligned(scratch, pixels.len(), element_len) else { return pixels };
    copy.copy_from_slice(pixels);
    if cfg!(target_endian = "big") {
        reverse_elements(copy, element_len);
    }
    copy
}

/// Whether little-endian elements at this address are what this machine calls elements.
fn is_native(bytes: &[u8], element_len: usize) -> bool {
    element_len == 1 || (cfg!(target_endian = "little") && bytes.as_ptr().align_offset(element_len) == 0)
}

/// So many bytes of the scratch memory, from where elements of this length are aligned.
fn aligned(scratch: &mut Vec<u8>, len: usize, element_len: usize) -> Option<&mut [u8]> {
    scratch.resize(len.checked_add(element_len - 1)?, 0);
    let start = scratch.as_ptr().align_offset(element_len).min(element_len - 1);
    scratch.get_mut(start..start + len)
}

fn reverse_elements(bytes: &mut [u8], element_len: usize) {
    for element in bytes.chunks_exact_mut(element_len) {
        element.reverse();
    }
}
