#[cfg(feature = "annotate")]
mod annotation;
#[cfg(feature = "annotate")]
mod canvas;
#[cfg(feature = "annotate")]
mod caption;
mod convert;
mod error;
mod flip_and_rotation;
mod frame_stamp;
mod step;
mod view;

use netgear_proto::{ElementType, Frame, PixelFormat};

#[cfg(feature = "annotate")]
pub use self::annotation::{Annotation, Place};
#[cfg(feature = "annotate")]
pub use self::canvas::{Canvas, DrawError, Pen, TextStyle, draw_on};
#[cfg(feature = "annotate")]
pub use self::caption::Caption;
pub use self::error::{ConvertError, PipelineError};
pub use self::flip_and_rotation::{Flip, FlipError, Rotation, RotationError};
pub use self::frame_stamp::FrameStamp;
use self::step::{Size, Step};
use self::view::{Buffers, View};
use crate::{Filter, Fit, Percent, Region, Resizer};

/// Steps that every frame of a stream goes through, in the order in which they were given.
///
/// ```
/// use netgear_media::proto::{Frame, PixelFormat};
/// use netgear_media::{Filter, Fit, Flip, Pipeline, Region};
///
/// let mut pipeline = Pipeline::new()
///     .crop(Region::new(320, 0, 1280, 1080))
///     .fit(640, 640, Fit::Inside, Filter::Area)
///     .flip(Flip::Horizontal)
///     .convert(PixelFormat::Gray);
///
/// let frame = Frame::bgr8(1920, 1080, vec![100; 1920 * 1080 * 3])?;
/// let small = pipeline.run(&frame)?;
/// assert_eq!((small.width(), small.height(), small.channels()), (640, 540, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Copies and memory
/// Steps that leave the pixels as they are, [`crop`](Self::crop), [`flip`](Self::flip) and [`rotate`](Self::rotate),
/// only change how those are looked at. The next step that makes new pixels reads them so: to crop and then to resize
/// reads the part from where it is. What is still open at the end is done in one copy, or in none if rows were cut
/// off at the top and the bottom alone. A frame that comes out as it came in is shared.
///
/// Each step makes its pixels in memory that it used before, as soon as nobody holds the frame any more that was made
/// in it ([`BufferPool`](netgear_proto::BufferPool)).
///
/// # Which frames
/// Crop, flip and rotate take frames of any kind. For what is converted, resized or drawn on, see the step. The
/// frames of a stream may differ.
#[derive(Debug, Default)]
pub struct Pipeline {
    steps: Vec<Step>,
    buffers: Buffers,
    threads: usize,
    /// The number of the next frame.
    next: u64,
}

impl Pipeline {
    /// A pipeline without steps, out of which frames come as they came in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Resizes on up to so many threads, for the steps that are there and those that follow: see
    /// [`Resizer::with_threads`]. Each step that resizes has threads of its own.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        for step in &mut self.steps {
            if let Step::Resize { resizer, .. } = step {
                **resizer = Resizer::new().with_threads(threads);
            }
        }
        self
    }

    /// Converts gray, BGR, RGB, BGRA and RGBA pixels into each other. Elements are `u8`, `u16` or `f32` and stay so.
    ///
    /// It is what `cv2.cvtColor` does: gray is 0.299 red + 0.587 green + 0.114 blue (BT.601), rounded to the nearest;
    /// colours out of gray are three times the same. Opacity that was not there is complete: 255, 65535 or 1.0.
    #[must_use]
    #[doc(alias = "cvtColor")]
    pub fn convert(self, pixel_format: PixelFormat) -> Self {
        self.with(Step::Convert(pixel_format))
    }

    /// Converts elements to `u8`, `u16` or `f32`, so that black stays black and white stays white: from 0 to 255,
    /// from 0 to 65535 and from 0.0 to 1.0 are the same levels, as for OpenCV's colour conversions.
    ///
    /// It is what `convertTo` does in OpenCV with an `alpha` of 257 (`u8` to `u16`), 1/257, 1/255, 1/65535, 255 or
    /// 65535: to the nearest level, halves to the even one, and within bounds. What is not a number becomes 0.
    #[must_use]
    pub fn convert_elements(self, element_type: ElementType) -> Self {
        self.with(Step::ConvertElements { element_type, alpha_beta: None })
    }

    /// As [`convert_elements`](Self::convert_elements), with a scale of one's own: every element times `alpha` plus
    /// `beta`, as `convertTo` has it. A depth of up to 5 m in millimetres becomes visible with an `alpha` of 255 /
    /// 5000.
    #[must_use]
    #[doc(alias = "convertTo")]
    pub fn convert_elements_scaled(self, element_type: ElementType, alpha: f32, beta: f32) -> Self {
        self.with(Step::ConvertElements { element_type, alpha_beta: Some((alpha, beta)) })
    }

    /// Cuts out a region, which the frame must have.
    #[must_use]
    pub fn crop(self, region: Region) -> Self {
        self.with(Step::Crop(region))
    }

    /// Resizes to exactly this size: see [`Resizer::resize`].
    #[must_use]
    pub fn resize(self, width: u32, height: u32, filter: Filter) -> Self {
        self.fit(width, height, Fit::Stretch, filter)
    }

    /// Resizes to a size, in the way that `fit` says: see [`Fit`].
    #[must_use]
    pub fn fit(self, width: u32, height: u32, fit: Fit, filter: Filter) -> Self {
        self.with_resizer(Size::Fitted { width, height, fit }, filter)
    }

    /// Makes frames smaller by so many percent: see [`Percent::reduced_size`].
    #[must_use]
    #[doc(alias = "reducer")]
    pub fn reduce(self, percent: Percent, filter: Filter) -> Self {
        self.with_resizer(Size::Reduced(percent), filter)
    }

    /// Flips frames, as `cv2.flip` does.
    #[must_use]
    pub fn flip(self, flip: Flip) -> Self {
        self.with(Step::Flip(flip))
    }

    /// Rotates frames, as `cv2.rotate` does.
    #[must_use]
    pub fn rotate(self, rotation: Rotation) -> Self {
        self.with(Step::Rotate(rotation))
    }

    /// Draws the same thing on every frame; its text may differ (see [`Caption`]). Elements must be `u8`, `u16` or
    /// `f32`.
    ///
    /// ```
    /// use netgear_media::proto::Frame;
    /// use netgear_media::{Annotation, Pipeline, Place};
    ///
    /// let mut pipeline = Pipeline::new()
    ///     .annotate(Annotation::text("north gate, frame {number}"))
    ///     .annotate(Annotation::text_at("{time}", Place::BottomRight));
    /// let frame = Frame::bgr8(640, 480, vec![100; 640 * 480 * 3])?;
    /// assert_ne!(pipeline.run(&frame)?, frame);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "annotate")]
    #[must_use]
    pub fn annotate(self, annotation: Annotation) -> Self {
        self.with(Step::Annotate { annotation, text: String::new() })
    }

    /// Draws on every frame whatever the program wants: the boxes that it has found in this one, for example.
    /// Elements must be `u8`, `u16` or `f32`.
    ///
    /// ```
    /// use netgear_media::proto::Frame;
    /// use netgear_media::{Colour, Pen, Pipeline, Region};
    ///
    /// let mut pipeline = Pipeline::new().draw(|canvas, stamp| {
    ///     let at = 10 * stamp.number as u32;
    ///     canvas.labelled_box(Region::new(at, 60, 40, 80), "cat", Pen::new(Colour::YELLOW, 2));
    /// });
    /// let drawn = pipeline.run(&Frame::bgr8(640, 480, vec![0; 640 * 480 * 3])?)?;
    /// assert_eq!(drawn.pixels()[60 * 640 * 3..][..3], [0, 255, 255]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "annotate")]
    #[must_use]
    pub fn draw(self, draw: impl FnMut(&mut Canvas<'_>, &FrameStamp) + Send + 'static) -> Self {
        self.with(Step::Draw(Box::new(draw)))
    }

    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Takes a frame through all steps. Its number is how many came before, and it has no time.
    ///
    /// # Errors
    /// [`PipelineError`] names the first step that could not be done. The next frame starts anew.
    pub fn run(&mut self, frame: &Frame) -> Result<Frame, PipelineError> {
        self.run_stamped(frame, &FrameStamp { number: self.next, ..FrameStamp::default() })
    }

    /// As [`run`](Self::run), for a frame whose number and time are known. The numbers of those that follow are
    /// counted from it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_stamped(&mut self, frame: &Frame, stamp: &FrameStamp) -> Result<Frame, PipelineError> {
        self.next = stamp.number.saturating_add(1);
        self.buffers.resize(self.steps.len());
        let mut view = View::of(frame);
        for (index, step) in self.steps.iter_mut().enumerate() {
            view = step.apply(view, stamp, index, &mut self.buffers)?;
        }
        let steps = self.steps.len();
        view.into_frame(steps, &mut self.buffers)
            .map_err(|source| PipelineError::Size { step: steps, source })
    }

    /// As [`run`](Self::run), for a frame of a source, whose times stay what they are.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    #[cfg(feature = "video")]
    pub fn run_timed(&mut self, timed: crate::TimedFrame) -> Result<crate::TimedFrame, PipelineError> {
        let stamp = FrameStamp { number: self.next, time: Some(timed.time), captured_at: timed.captured_at };
        let frame = self.run_stamped(&timed.frame, &stamp)?;
        Ok(crate::TimedFrame { frame, ..timed })
    }

    fn with_resizer(self, size: Size, filter: Filter) -> Self {
        let resizer = Box::new(Resizer::new().with_threads(self.threads));
        self.with(Step::Resize { size, filter, resizer })
    }

    fn with(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

#[cfg(test)]
mod tests {
    use netgear_proto::Shape;

    use super::*;
    use crate::noise::noise;
    use crate::{Colour, RegionError, ResizeError};

    /// A step by its number, of a frame of at least 12 × 12 pixels, of which it leaves as many.
    fn add(pipeline: Pipeline, step: u32) -> Pipeline {
        match step {
            0 => pipeline.crop(Region::new(2, 1, 20, 18)),
            1 => pipeline.flip(Flip::Horizontal),
            2 => pipeline.flip(Flip::Vertical),
            3 => pipeline.rotate(Rotation::Clockwise90),
            4 => pipeline.rotate(Rotation::Clockwise270),
            5 => pipeline.resize(31, 29, Filter::Linear),
            6 => pipeline.fit(30, 24, Fit::Letterbox(Colour::RED), Filter::Area),
            7 => pipeline.fit(24, 30, Fit::Fill, Filter::Nearest),
            8 => pipeline.convert(PixelFormat::Gray),
            9 => pipeline.convert(PixelFormat::Rgba),
            10 => pipeline.convert_elements(ElementType::F32),
            11 => pipeline.convert_elements(ElementType::U8),
            #[cfg(feature = "annotate")]
            12 => {
                pipeline.draw(|canvas, _| canvas.line((0, 3), (11, 9), Pen::new(Colour::new(1, 200, 77), 2)))
            }
            _ => pipeline.reduce(Percent::new(10.0).unwrap(), Filter::AntialiasedLinear),
        }
    }

    /// What is put off until it is needed changes nothing: the same steps one at a time, each into memory of its own.
    #[test]
    fn steps_together_do_what_they_do_one_by_one() {
        for element_type in [ElementType::U8, ElementType::U16] {
            let frame = noise(40, 36, PixelFormat::Bgr, element_type);
            // Some 600 of the 38,416 ways to put four steps together, each step in each place.
            for number in (0..14_u32.pow(4)).step_by(61) {
                let steps = [number % 14, number / 14 % 14, number / 196 % 14, number / 2744];
                let together = steps.into_iter().fold(Pipeline::new(), add).run(&frame);
                let one_by_one = steps.into_iter().try_fold(frame.clone(), |frame, step| {
                    let made = add(Pipeline::new(), step).run(&frame)?;
                    // Memory of its own, so that nothing is left to look at in another way.
                    Ok(Frame::new(
                        made.pixels().to_vec(),
                        made.shape(),
                        made.element_type(),
                        made.pixel_format(),
                    )
                    .unwrap())
                });
                match (together, one_by_one) {
                    (Ok(together), Ok(one_by_one)) => {
                        assert_eq!(together.shape(), one_by_one.shape(), "{steps:?}");
                        assert!(together == one_by_one, "{steps:?}");
                    }
                    (
                        Err(PipelineError::Crop { source, .. }),
                        Err(PipelineError::Crop { source: other, .. }),
                    ) => {
                        assert_eq!(source, other);
                    }
                    (together, one_by_one) => panic!("{steps:?}: {together:?}, {one_by_one:?}"),
                }
            }
        }
    }

    #[test]
    fn a_frame_that_stays_as_it_is_is_shared() {
        let frame = noise(64, 48, PixelFormat::Bgr, ElementType::U8);
        let address = frame.pixels().as_ptr();
        for mut pipeline in [
            Pipeline::new(),
            Pipeline::new().convert(PixelFormat::Bgr).convert_elements(ElementType::U8).resize(
                64,
                48,
                Filter::Area,
            ),
            Pipeline::new().flip(Flip::Both).rotate(Rotation::Half),
            Pipeline::new().rotate(Rotation::Clockwise90).rotate(Rotation::Clockwise270),
            Pipeline::new().crop(Region::new(0, 0, 64, 48)).fit(64, 48, Fit::Fill, Filter::Area),
        ] {
            let same = pipeline.run(&frame).unwrap();
            assert_eq!((same.pixels().as_ptr(), &same), (address, &frame), "{pipeline:?}");
        }
        // Rows that follow each other.
        let rows = Pipeline::new().crop(Region::new(0, 10, 64, 20)).run(&frame).unwrap();
        assert_eq!(rows.pixels().as_ptr(), frame.pixels()[10 * 64 * 3..].as_ptr());
        assert_eq!((rows.width(), rows.height()), (64, 20));
    }

    /// In a steady state nothing is allocated: what comes out of one frame is where what came out of the one before
    /// was, and so is what is made on the way.
    #[cfg(feature = "annotate")]
    #[test]
    fn the_same_memory_serves_frame_after_frame() {
        use std::sync::{Arc, Mutex};

        let on_the_way = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&on_the_way);
        let spy = move |canvas: &mut Canvas<'_>, _: &FrameStamp| {
            let first = canvas.pixels_mut().rows_mut().next().unwrap().as_ptr() as usize;
            seen.lock().unwrap().push(first);
        };
        let mut pipeline = Pipeline::new()
            .rotate(Rotation::Clockwise90)
            .convert(PixelFormat::Bgra)
            .draw(spy.clone())
            .fit(500, 400, Fit::Letterbox(Colour::BLACK), Filter::Linear)
            .draw(spy.clone())
            .convert_elements(ElementType::U16)
            .draw(spy)
            .flip(Flip::Horizontal);
        let frame = noise(640, 480, PixelFormat::Bgr, ElementType::U8);
        let mut run = || {
            on_the_way.lock().unwrap().clear();
            let made = pipeline.run(&frame).unwrap();
            let mut addresses = on_the_way.lock().unwrap().clone();
            addresses.push(made.pixels().as_ptr() as usize);
            addresses
        };
        let first = run();
        assert_eq!(first.len(), 4);
        for _ in 0..20 {
            assert_eq!(run(), first);
        }
    }

    #[test]
    fn a_frame_that_is_held_is_not_written_over() {
        let mut pipeline = Pipeline::new().flip(Flip::Horizontal);
        let frames: Vec<_> = (0..10_u8)
            .map(|level| {
                let frame = Frame::gray8(400, 300, vec![level; 120_000]).unwrap();
                pipeline.run(&frame).unwrap()
            })
            .collect();
        for (level, frame) in (0..).zip(&frames) {
            assert!(frame.pixels().iter().all(|&pixel| pixel == level));
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_pixels() {
        let frame = noise(301, 203, PixelFormat::Bgr, ElementType::U8);
        let pipeline = || {
            Pipeline::new()
                .crop(Region::new(1, 2, 297, 199))
                .reduce(Percent::new(30.0).unwrap(), Filter::Lanczos4)
        };
        let expected = pipeline().run(&frame).unwrap();
        assert_eq!(pipeline().with_threads(2).run(&frame).unwrap(), expected);
    }

    #[test]
    fn an_error_names_the_step() {
        let frame = noise(40, 30, PixelFormat::Bgr, ElementType::U8);
        let region = Region::new(0, 0, 31, 31);
        let crop = Pipeline::new().rotate(Rotation::Clockwise90).crop(region).run(&frame).unwrap_err();
        let shape = Shape::new(40, 30, 3).unwrap();
        let source = RegionError::Outside { region, shape };
        assert_eq!(crop, PipelineError::Crop { step: 2, source });
        assert!(crop.to_string().starts_with("step 2, crop: the region of 31×31 at 0,0"), "{crop}");

        let odd =
            Frame::new(vec![0; 8], Shape::new(2, 2, 2).unwrap(), ElementType::U8, PixelFormat::Unspecified)
                .unwrap();
        let convert = Pipeline::new().convert(PixelFormat::Gray).run(&odd).unwrap_err();
        assert!(matches!(convert, PipelineError::Convert { step: 1, source: ConvertError::Format { .. } }));

        let resize = Pipeline::new().flip(Flip::Both).resize(0, 5, Filter::Area).run(&frame).unwrap_err();
        assert!(matches!(resize, PipelineError::Resize { step: 2, source: ResizeError::Size(_) }));
        let percent = Percent::new(89.0).unwrap();
        let small = noise(4, 4, PixelFormat::Gray, ElementType::U8);
        let reduce = Pipeline::new().reduce(percent, Filter::Area).run(&small).unwrap_err();
        assert!(matches!(reduce, PipelineError::Resize { step: 1, source: ResizeError::NothingLeft { .. } }));
    }

    #[cfg(feature = "annotate")]
    #[test]
    fn a_frame_that_cannot_be_drawn_on_names_the_step() {
        let shape = Shape::new(2, 2, 1).unwrap();
        let double = Frame::new(vec![0; 32], shape, ElementType::F64, PixelFormat::Gray).unwrap();
        let mut pipeline = Pipeline::new().flip(Flip::Both).annotate(Annotation::text("x"));
        let error = pipeline.run(&double).unwrap_err();
        assert!(matches!(error, PipelineError::Annotate { step: 2, .. }), "{error}");
    }

    /// Frames of other elements can still be cut, flipped and turned.
    #[test]
    fn what_leaves_pixels_alone_takes_any_kind_of_them() {
        let shape = Shape::new(2, 3, 2).unwrap();
        let pixels: Vec<u8> = (0..6).flat_map(|at: u8| [at; 16]).collect();
        let frame = Frame::new(pixels, shape, ElementType::F64, PixelFormat::Unspecified).unwrap();
        let mut pipeline = Pipeline::new().crop(Region::new(1, 0, 2, 2)).rotate(Rotation::Clockwise90);
        let turned = pipeline.run(&frame).unwrap();
        let found: Vec<u8> = turned.pixels().chunks(16).map(|pixel| pixel[0]).collect();
        assert_eq!(found, [4, 1, 5, 2]);
    }

    #[cfg(feature = "annotate")]
    #[test]
    fn frames_are_numbered_from_0_or_from_the_last_that_had_a_number() {
        use std::sync::{Arc, Mutex};

        let numbers = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&numbers);
        let mut pipeline = Pipeline::new().draw(move |_, stamp| seen.lock().unwrap().push(stamp.number));
        let frame = noise(4, 4, PixelFormat::Gray, ElementType::U8);
        pipeline.run(&frame).unwrap();
        pipeline.run(&frame).unwrap();
        pipeline.run_stamped(&frame, &FrameStamp { number: 90, ..FrameStamp::default() }).unwrap();
        pipeline.run(&frame).unwrap();
        assert_eq!(*numbers.lock().unwrap(), [0, 1, 90, 91]);
    }
}
