//! The H.264 decoder, with everything that a file can do to it held in check.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use netgear_proto::BufferPool;
use rust_h264::decoder::{ChromaFormat, Frame as Picture, OrderedDecoder};
use rust_h264::error::DecodeError;
use rust_h264::nal::{NalUnit, NalUnitType, SpsInfo, parse_avcc, parse_avcc_config, parse_sps_info};
use rust_h264::threading::ThreadedDecoder;

use super::Presentation;
use crate::TimedFrame;
use crate::orientation::Orientation;
use crate::yuv_to_bgr::{ChromaSampling, ColourSpace, Planes, yuv_to_bgr, yuv10_to_bgr};

/// Pictures that are held back to be put in order, where the stream does not say how many: the most that H.264
/// allows.
const MOST_REORDERED: usize = 16;
/// How long the decoder may take over pictures that it has, when it has as many as may wait. A machine that is busy
/// with other things takes its time.
const MOST_PATIENCE: Duration = Duration::from_secs(10);
/// A NAL unit that is given to the decoder for it to hand out what is done.
const DELIMITER: NalUnit<'static> =
    NalUnit { nal_ref_idc: 0, nal_unit_type: NalUnitType::AccessUnitDelimiter, rbsp: Cow::Borrowed(&[]) };

pub(super) struct H264Decoder {
    decoder: PictureDecoder,
    stream: SpsInfo,
    colour: ColourSpace,
    orientation: Orientation,
    length_size: usize,
    pool: BufferPool,
    /// What is not yet upright.
    unturned_pool: BufferPool,
    /// Fields that went in, less those that came out: two for a picture, one for what may be a single field.
    outstanding_fields: usize,
    most_outstanding_fields: usize,
    wide_planes: [Vec<u16>; 3],
}

impl H264Decoder {
    /// A decoder that has been given the parameter sets of an `avcC` box.
    pub(super) fn new(
        avcc: &[u8],
        orientation: Orientation,
        threads: usize,
        max_frame_bytes: usize,
    ) -> Result<(Self, SpsInfo), StreamError> {
        let config = parse_avcc_config(avcc).map_err(|_| StreamError::Malformed)?;
        let first = config.sps_nals.first().ok_or(StreamError::Malformed)?;
        let stream = sps_info(first).ok_or(StreamError::Malformed)?;
        check(&stream, max_frame_bytes)?;
        let colour = ColourSpace::from_h273(stream.matrix, stream.full_range)
            .ok_or(StreamError::Unsupported("its colours are not YCbCr"))?;

        let reordered = stream.max_reorder_frames.map_or(MOST_REORDERED, |frames| frames as usize);
        let reordered = reordered.clamp(1, MOST_REORDERED);
        let mut decoder = PictureDecoder::new(threads, reordered);
        for parameters in config.sps_nals.iter().chain(&config.pps_nals) {
            catch_unwind(AssertUnwindSafe(|| decoder.decode_nal(parameters)))
                .map_err(|_| StreamError::Malformed)?
                .map_err(|_| StreamError::Malformed)?;
        }
        let decoder = Self {
            decoder,
            stream,
            colour,
            orientation,
            length_size: config.length_size,
            pool: BufferPool::new(4 + reordered),
            unturned_pool: BufferPool::new(1),
            outstanding_fields: 0,
            // Those being decoded, those being put in order, and some to spare.
            most_outstanding_fields: 2 * (threads + reordered + 16),
            wide_planes: Default::default(),
        };
        Ok((decoder, stream))
    }

    /// Whether every sample is one frame.
    pub(super) fn is_progressive(&self) -> bool {
        self.stream.progressive
    }

    /// Decodes one sample. Frames come out in the order of presentation, later than their samples went in; they come
    /// out beside an error too. `presentation` is asked of each when it is shown, and those that are not are not
    /// converted.
    pub(super) fn decode(
        &mut self,
        sample: &[u8],
        presentation: &mut Presentation,
    ) -> (Vec<TimedFrame>, Option<H264Error>) {
        let mut frames = Vec::new();
        for nal in &parse_avcc(sample, self.length_size) {
            if begins_picture(nal) {
                self.outstanding_fields += if self.is_progressive() { 2 } else { 1 };
            }
            let result = self
                .decode_nal(nal)
                .and_then(|pictures| self.convert(pictures, presentation, &mut frames))
                .and_then(|()| self.catch_up(presentation, &mut frames));
            if let Err(error) = result {
                return (frames, Some(error));
            }
        }
        (frames, None)
    }

    /// Waits while too many pictures are on their way. The decoder bounds those that it works at, and not those that
    /// are done and wait for one that is not: a thread that the system leaves waiting would let them grow without
    /// end.
    fn catch_up(
        &mut self,
        presentation: &mut Presentation,
        frames: &mut Vec<TimedFrame>,
    ) -> Result<(), H264Error> {
        let mut began = None;
        while self.outstanding_fields > self.most_outstanding_fields {
            if began.get_or_insert_with(Instant::now).elapsed() > MOST_PATIENCE {
                return Err(H264Error::DecoderFailed);
            }
            std::thread::sleep(Duration::from_millis(1));
            let pictures = self.decode_nal(&DELIMITER)?;
            self.convert(pictures, presentation, frames)?;
        }
        Ok(())
    }

    /// The frames that are left. To be called once, at the end.
    pub(super) fn flush(&mut self, presentation: &mut Presentation) -> (Vec<TimedFrame>, Option<H264Error>) {
        let mut frames = Vec::new();
        let result = catch_unwind(AssertUnwindSafe(|| self.decoder.flush()))
            .map_err(|_| H264Error::DecoderFailed)
            .and_then(|pictures| self.convert(pictures, presentation, &mut frames));
        (frames, result.err())
    }

    fn decode_nal(&mut self, nal: &NalUnit<'_>) -> Result<Vec<Picture>, H264Error> {
        if nal.nal_unit_type == NalUnitType::Sps {
            let stream = sps_info(nal).ok_or_else(|| H264Error::Malformed("a malformed SPS".to_owned()))?;
            let size =
                |stream: &SpsInfo| (stream.width, stream.height, stream.coded_width, stream.coded_height);
            if size(&stream) != size(&self.stream) {
                return Err(H264Error::SizeChanged { width: stream.width, height: stream.height });
            }
        }
        // The decoder is not used any more after a panic, so it does not matter what state that left it in.
        catch_unwind(AssertUnwindSafe(|| self.decoder.decode_nal(nal)))
            .map_err(|_| H264Error::DecoderFailed)?
            .map_err(|error| H264Error::Malformed(error.to_string()))
    }

    fn convert(
        &mut self,
        pictures: Vec<Picture>,
        presentation: &mut Presentation,
        frames: &mut Vec<TimedFrame>,
    ) -> Result<(), H264Error> {
        for picture in pictures {
            self.outstanding_fields = self.outstanding_fields.saturating_sub(2);
            let (width, height) = (picture.width, picture.height);
            if (width, height) != (self.stream.width, self.stream.height) {
                return Err(H264Error::SizeChanged { width, height });
            }
            let Some(span) = presentation.next() else { continue };
            let pool = match self.orientation {
                Orientation::UPRIGHT => &mut self.pool,
                _ => &mut self.unturned_pool,
            };
            let sampling = match picture.chroma_format {
                ChromaFormat::Yuv420 => ChromaSampling::C420,
                ChromaFormat::Yuv422 => ChromaSampling::C422,
            };
            let frame = if picture.bit_depth == 8 {
                let (y, u, v) = (&picture.y, &picture.u, &picture.v);
                yuv_to_bgr(Planes { width, height, sampling, y, u, v }, self.colour, pool)
            } else {
                let [y, u, v] = &mut self.wide_planes;
                for (wide, plane) in [(&mut *y, &picture.y), (&mut *u, &picture.u), (&mut *v, &picture.v)] {
                    wide.clear();
                    wide.extend(plane.chunks_exact(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])));
                }
                yuv10_to_bgr(Planes { width, height, sampling, y, u, v }, self.colour, pool)
            };
            let frame = self.orientation.apply(frame.ok_or(H264Error::DecoderFailed)?, &mut self.pool);
            frames.push(TimedFrame::new(frame, span.time).with_duration(span.duration));
        }
        Ok(())
    }
}

/// The library's two decoders. With one thread the threaded one would start a thread for each picture and wait for
/// it.
enum PictureDecoder {
    Serial(Box<OrderedDecoder>),
    Threaded(Box<ThreadedDecoder>),
}

impl PictureDecoder {
    fn new(threads: usize, reordered: usize) -> Self {
        match threads {
            0 | 1 => Self::Serial(Box::new(OrderedDecoder::with_max_depth(reordered))),
            _ => Self::Threaded(Box::new(ThreadedDecoder::with_max_depth(threads, reordered))),
        }
    }

    fn decode_nal(&mut self, nal: &NalUnit<'_>) -> Result<Vec<Picture>, DecodeError> {
        match self {
            Self::Serial(decoder) => decoder.decode_nal(nal),
            Self::Threaded(decoder) => decoder.decode_nal(nal),
        }
    }

    fn flush(&mut self) -> Vec<Picture> {
        match self {
            Self::Serial(decoder) => decoder.flush(),
            Self::Threaded(decoder) => decoder.flush(),
        }
    }
}

/// Whether it is the first slice of a picture or of a field: one whose first macroblock is number 0, written as a
/// single bit (ITU-T H.264, 7.3.3).
fn begins_picture(nal: &NalUnit<'_>) -> bool {
    let is_slice = matches!(nal.nal_unit_type, NalUnitType::Slice | NalUnitType::SliceIdr);
    is_slice && nal.rbsp.first().is_some_and(|first| first & 0x80 != 0)
}

fn sps_info(nal: &NalUnit<'_>) -> Option<SpsInfo> {
    catch_unwind(|| parse_sps_info(nal)).ok()?.ok()
}

fn check(stream: &SpsInfo, max_frame_bytes: usize) -> Result<(), StreamError> {
    if stream.chroma_format == 3 {
        return Err(StreamError::Unsupported("its chroma is 4:4:4"));
    }
    if !matches!((stream.bit_depth_luma, stream.bit_depth_chroma), (8, 8) | (10, 10)) {
        return Err(StreamError::Unsupported("its samples are not of 8 or 10 bits"));
    }
    let (width, height) = (stream.width, stream.height);
    let coded_bytes = u64::from(stream.coded_width) * u64::from(stream.coded_height) * 3;
    if coded_bytes > max_frame_bytes as u64 {
        return Err(StreamError::TooLarge { width, height });
    }
    if width == 0 || height == 0 || width > stream.coded_width || height > stream.coded_height {
        return Err(StreamError::Malformed);
    }
    Ok(())
}

/// Why a stream is not decoded here.
#[derive(Debug)]
pub(super) enum StreamError {
    Unsupported(&'static str),
    Malformed,
    TooLarge { width: u32, height: u32 },
}

/// Why a sample is not decoded.
#[derive(Debug)]
pub(super) enum H264Error {
    Malformed(String),
    DecoderFailed,
    SizeChanged { width: u32, height: u32 },
}
