use netgear_proto::Frame;

use crate::{PictureError, write_jpeg};

/// Makes JPEG pictures of frames, in the same memory.
#[derive(Debug)]
pub(super) struct Jpeg {
    quality: u8,
    bytes: Vec<u8>,
}

impl Jpeg {
    pub(super) fn new(quality: u8) -> Self {
        Self { quality, bytes: Vec::new() }
    }

    pub(super) fn encode(&mut self, frame: &Frame) -> Result<&[u8], PictureError> {
        self.bytes.clear();
        write_jpeg(frame, self.quality, &mut self.bytes)?;
        Ok(&self.bytes)
    }
}
