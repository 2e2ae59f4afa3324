//! Panics of decoders that are not ours: whatever a file is, they end that file's source and nothing else.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use crate::{Canceller, FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// Opens a file whose decoder may panic.
pub(crate) fn contained(
    path: &Path,
    open: impl FnOnce() -> Result<Box<dyn FrameSource>, OpenError>,
) -> Result<Box<dyn FrameSource>, OpenError> {
    let origin = path.display().to_string();
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(source) => Ok(Box::new(Contained { source: source?, origin, frame: 0, is_ended: false })),
        Err(_) => Err(OpenError::Damaged { origin, reason: "its decoder failed on it".to_owned() }),
    }
}

/// A source that after a panic of its decoder is at its end, until it is rewound. What the panic left behind is not
/// read: such a source begins anew when it is rewound.
struct Contained {
    source: Box<dyn FrameSource>,
    origin: String,
    /// The number of the next frame.
    frame: u64,
    is_ended: bool,
}

impl Contained {
    fn contain<R>(
        &mut self,
        call: impl FnOnce(&mut dyn FrameSource) -> Result<R, ReadError>,
    ) -> Result<R, ReadError> {
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut *self.source)));
        self.is_ended = result.is_err();
        result.unwrap_or_else(|_| {
            Err(ReadError::DecoderFailed {
                origin: self.origin.clone(),
                decoder: self.source.info().decoder.clone(),
                frame: self.frame,
            })
        })
    }
}

impl FrameSource for Contained {
    fn info(&self) -> &SourceInfo {
        self.source.info()
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_ended {
            return Ok(None);
        }
        let next = self.contain(|source| source.next_frame())?;
        self.frame += u64::from(next.is_some());
        Ok(next)
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.frame = 0;
        self.contain(|source| source.rewind())
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        self.frame = self.info().frame_rate.map_or(0, |rate| rate.index_at(time));
        if self.is_ended {
            self.contain(|source| source.rewind())?;
        }
        self.contain(|source| source.seek(time))
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        self.source.frames_within(time)
    }

    fn duplicate(&self) -> Option<Box<dyn FrameSource>> {
        let source = self.source.duplicate()?;
        Some(Box::new(Self { source, origin: self.origin.clone(), frame: 0, is_ended: false }))
    }

    fn remark(&self) -> Option<&str> {
        self.source.remark()
    }

    fn canceller(&self) -> Option<Canceller> {
        self.source.canceller()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestPattern;

    /// Panics at its third frame, as long as it is told to.
    struct Fragile {
        pattern: TestPattern,
        frames: u32,
    }

    impl FrameSource for Fragile {
        fn info(&self) -> &SourceInfo {
            self.pattern.info()
        }

        fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
            self.frames += 1;
            assert!(self.frames < 3, "this panic belongs to the test");
            self.pattern.next_frame()
        }

        fn rewind(&mut self) -> Result<(), ReadError> {
            self.frames = 0;
            self.pattern.rewind()
        }
    }

    #[test]
    fn a_panic_is_an_error_and_the_end_until_the_source_is_rewound() {
        let pattern = TestPattern::new("16x16@30".parse().unwrap());
        let open = || Ok(Box::new(Fragile { pattern, frames: 0 }) as Box<dyn FrameSource>);
        let mut source = contained(Path::new("a.png"), open).unwrap();
        for begin in [FrameSource::rewind, |source: &mut Box<dyn FrameSource>| source.seek(Duration::ZERO)] {
            begin(&mut source).unwrap();
            for _ in 0..2 {
                assert!(source.next_frame().unwrap().is_some());
            }
            let error = source.next_frame().unwrap_err();
            assert!(
                matches!(&error, ReadError::DecoderFailed { origin, frame: 2, .. } if origin == "a.png"),
                "{error}"
            );
            assert_eq!(source.next_frame().unwrap(), None);
        }
        let failed = contained(Path::new("a.png"), || panic!("this panic belongs to the test"));
        assert!(matches!(failed.err(), Some(OpenError::Damaged { .. })));
    }
}
