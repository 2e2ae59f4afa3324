use netgear_proto::{ChromaSubsampling, Frame};

use super::RecordOptions;
use crate::still::picture_error;
use crate::{JpegEncoder, JpegOptions, PictureError, Y4mChroma};

/// Makes JPEG pictures of frames, in the same memory.
#[derive(Debug)]
pub(super) struct Jpeg {
    encoder: JpegEncoder,
    bytes: Vec<u8>,
}

impl Jpeg {
    pub(super) fn new(options: &RecordOptions) -> Self {
        let subsampling = match options.chroma() {
            Y4mChroma::C420 => ChromaSubsampling::Quarter,
            Y4mChroma::C444 => ChromaSubsampling::Full,
        };
        let options = JpegOptions::new().with_quality(options.jpeg_quality()).with_subsampling(subsampling);
        Self { encoder: JpegEncoder::new(options), bytes: Vec::new() }
    }

    pub(super) fn encode(&mut self, frame: &Frame) -> Result<&[u8], PictureError> {
        self.bytes.clear();
        self.encoder.encode_into(frame, &mut self.bytes).map_err(picture_error)?;
        Ok(&self.bytes)
    }
}
