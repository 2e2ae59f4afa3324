//! Pictures for all who look, on a thread of its own.

use std::sync::PoisonError;

use netgear_media::{PictureError, proto::Frame, write_jpeg};

use super::shared::{Picture, Shared};
use crate::displayable::displayable;

/// Encodes the newest frame each time that somebody wants one, until it is over.
pub(super) fn run(shared: &Shared, quality: u8) {
    let mut last = 0;
    loop {
        let (frame, number) = {
            let is_idle = |newest: &mut super::shared::Newest| {
                !newest.is_over && !(newest.is_wanted && newest.number > last)
            };
            let mut newest =
                shared.wanted.wait_while(shared.newest(), is_idle).unwrap_or_else(PoisonError::into_inner);
            if newest.is_over {
                return;
            }
            newest.is_wanted = false;
            // There is one since the first was counted.
            let Some(frame) = newest.frame.clone() else { return };
            (frame, newest.number)
        };
        last = number;
        let mut message = number.to_le_bytes().to_vec();
        match encode(&frame, quality, &mut message) {
            Ok(()) => {
                shared.picture.send_replace(Some(Picture { number, message: message.into() }));
            }
            Err(error) => {
                tracing::warn!(%error, "a frame cannot be shown on the page");
                // Who waits for it waits for the next.
                shared.newest().is_wanted = true;
            }
        }
    }
}

/// Writes the frame as JPEG behind what is in `to`.
fn encode(frame: &Frame, quality: u8, to: &mut Vec<u8>) -> Result<(), PictureError> {
    write_jpeg(&displayable(frame), quality, to)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn nothing_is_encoded_unless_somebody_wants_it() {
        let shared = Arc::new(Shared::new());
        let encoder = thread::spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, 80)
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
