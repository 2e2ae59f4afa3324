use std::time::Duration;

use netgear_proto::Limits;

use crate::{FrameRate, OpenError};

/// Who decodes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Decoder {
    /// A built-in decoder where there is one, else ffmpeg. A file that the built-in decoder does not understand goes
    /// to ffmpeg too, where one is installed; [`SourceInfo::decoder`](crate::SourceInfo::decoder) tells.
    #[default]
    Auto,
    /// Built-in decoders alone: no child process is started.
    BuiltIn,
    /// ffmpeg alone.
    Ffmpeg,
}

/// How sources are opened. The defaults are right for most.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    decoder: Decoder,
    threads: usize,
    max_frame_bytes: usize,
    sequence_rate: FrameRate,
    ffmpeg_timeout: Duration,
    stall_timeout: Duration,
}

impl OpenOptions {
    /// The most pictures that are decoded at the same time by default: more gain little, and each takes memory.
    const MOST_DEFAULT_THREADS: usize = 12;

    /// The defaults, which each method names.
    pub fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            decoder: Decoder::Auto,
            // Pictures wait for parts of each other, so twice the cores keep all cores busy.
            threads: (2 * threads).min(Self::MOST_DEFAULT_THREADS),
            max_frame_bytes: Limits::DEFAULT.frame_bytes(),
            sequence_rate: FrameRate::THIRTY,
            ffmpeg_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
        }
    }

    /// Who decodes files. Default: [`Decoder::Auto`].
    #[must_use]
    pub const fn with_decoder(mut self, decoder: Decoder) -> Self {
        self.decoder = decoder;
        self
    }

    /// How many pictures of a video are decoded at the same time, 1 to 64, each on a thread. Default: twice as many
    /// as the machine has cores, up to 12, as they wait for each other. With 1 no thread is started.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.clamp(1, 64);
        self
    }

    /// The largest frame that is accepted, in bytes of its pixels as they are decoded: four a pixel for GIF and
    /// animations, which may be transparent. Default: the 128 MiB that a frame may have on the wire.
    #[must_use]
    pub const fn with_max_frame_bytes(mut self, bytes: usize) -> Self {
        self.max_frame_bytes = bytes;
        self
    }

    /// The rate of a sequence of pictures, which says nothing of it itself. Default: 30 frames per second.
    #[must_use]
    pub const fn with_sequence_rate(mut self, rate: FrameRate) -> Self {
        self.sequence_rate = rate;
        self
    }

    /// How long ffmpeg may take until it knows what a source is, a camera that does not answer among them. Default:
    /// 30 s.
    #[must_use]
    pub const fn with_ffmpeg_timeout(mut self, timeout: Duration) -> Self {
        self.ffmpeg_timeout = timeout;
        self
    }

    /// How long the next frame may take to come from ffmpeg, once it knows what a source is: after that, a camera or
    /// a server that has gone silent is [`ReadError::Stalled`](crate::ReadError::Stalled). Default: 30 s; streams
    /// that come in segments have pauses of up to some ten.
    #[must_use]
    pub const fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    pub(crate) const fn decoder(&self) -> Decoder {
        self.decoder
    }

    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) const fn max_frame_bytes(&self) -> usize {
        self.max_frame_bytes
    }

    /// The most bytes of a coded picture that are read: no picture is much longer coded than as it is.
    pub(crate) const fn most_coded_bytes(&self) -> usize {
        self.max_frame_bytes.saturating_add(1 << 20)
    }

    /// The most memory that a decoder of pictures is given: it needs the picture and something beside it.
    pub(crate) const fn most_decoder_bytes(&self) -> usize {
        self.max_frame_bytes.saturating_mul(2).saturating_add(1 << 20)
    }

    pub(crate) const fn sequence_rate(&self) -> FrameRate {
        self.sequence_rate
    }

    pub(crate) const fn ffmpeg_timeout(&self) -> Duration {
        self.ffmpeg_timeout
    }

    pub(crate) const fn stall_timeout(&self) -> Duration {
        self.stall_timeout
    }

    /// Refuses frames that are larger than allowed, before memory is taken for one.
    pub(crate) fn check_size(
        &self,
        origin: &str,
        width: u32,
        height: u32,
        pixel_bytes: u64,
    ) -> Result<(), OpenError> {
        let bytes = (u64::from(width) * u64::from(height)).saturating_mul(pixel_bytes);
        if bytes > self.max_frame_bytes as u64 {
            let (origin, max_frame_bytes) = (origin.to_owned(), self.max_frame_bytes);
            return Err(OpenError::TooLarge { origin, width, height, max_frame_bytes });
        }
        Ok(())
    }
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beside_the_largest_frame_is_counted_as_far_as_numbers_go() {
        let options = OpenOptions::new().with_max_frame_bytes(1000);
        assert_eq!((options.most_coded_bytes(), options.most_decoder_bytes()), (1_049_576, 1_050_576));
        let options = options.with_max_frame_bytes(usize::MAX);
        assert_eq!((options.most_coded_bytes(), options.most_decoder_bytes()), (usize::MAX, usize::MAX));
    }
}
