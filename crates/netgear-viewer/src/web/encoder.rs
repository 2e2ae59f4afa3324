//! Pictures for all who look, on a thread of its own.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use netgear_media::{JpegEncoder, JpegOptions};

use super::shared::{Newest, Picture, Shared};
use crate::displayable::displayable;

/// Between two pictures: no screen shows more of them, and those of a stream of 60 a second come at uneven times.
const PERIOD: Duration = Duration::from_millis(15);

/// Encodes the newest frame each time that somebody wants one, until it is over.
pub(super) fn run(shared: &Shared, options: JpegOptions) {
    let encoder = JpegEncoder::new(options);
    let mut last = 0;
    let mut has_warned = false;
    let mut usual_len = 0;
    loop {
        let is_idle = |newest: &mut Newest| !(newest.is_over || (newest.is_wanted && newest.number > last));
        let mut newest =
            shared.wanted.wait_while(shared.newest(), is_idle).unwrap_or_else(PoisonError::into_inner);
        if newest.is_over {
            return;
        }
        newest.is_wanted = false;
        last = newest.number;
        let frame = newest.frame.clone();
        drop(newest);
        // There is one since the first was counted.
        let Some(frame) = frame else { continue };
        let started = Instant::now();
        let mut message = Vec::with_capacity(usual_len);
        message.extend_from_slice(&last.to_le_bytes());
        match encoder.encode_into(&displayable(&frame), &mut message) {
            Ok(()) => {
                // A little more than the last one took.
                usual_len = message.len() + message.len() / 8;
                shared.picture.send_replace(Some(Picture { number: last, message: message.into() }));
            }
            Err(error) => {
                if !has_warned {
                    has_warned = true;
                    tracing::warn!(%error, "frames cannot be shown on the page");
                }
                // Who waits for it waits for the next.
                shared.newest().is_wanted = true;
            }
        }
        // Half of a core at most: the stream may want all that there is.
        let rest = PERIOD.max(started.elapsed() * 2).saturating_sub(started.elapsed());
        let is_on = |newest: &mut Newest| !newest.is_over;
        drop(shared.wanted.wait_timeout_while(shared.newest(), rest, is_on));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        thread,
        time::{Duration, Instant},
    };

    use netgear_media::proto::Frame;

    use super::*;

    #[test]
    fn nothing_is_encoded_unless_somebody_wants_it() {
        let shared = Arc::new(Shared::new());
        let encoder = thread::spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, JpegOptions::new())
        });
        let show = || shared.show(&Frame::gray8(16, 16, vec![0; 256]).unwrap());
        let number = || shared.picture.borrow().as_ref().map(|picture| picture.number);
        for _ in 0..3 {
            show();
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(number(), None);
        assert_eq!(shared.want(0), 3);
        let deadline = Instant::now() + Duration::from_secs(60);
        while number() != Some(3) {
            assert!(Instant::now() < deadline, "{:?}", number());
            thread::sleep(Duration::from_millis(5));
        }
        show();
        thread::sleep(Duration::from_millis(50));
        assert_eq!(number(), Some(3));
        shared.stop();
        encoder.join().unwrap();
    }
}
