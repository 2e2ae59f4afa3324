//! Pictures that the user wants to keep.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use netgear_media::{
    Caption, FrameStamp, PictureError,
    proto::{Frame, Timestamp},
    write_png,
};

use crate::displayable::displayable;

/// The most files of one second that are looked for.
const MOST_OF_ONE_SECOND: u32 = 1000;

/// Saves the frame as PNG in this folder, and gives its name: when this is, in UTC, and a number that no file has
/// yet.
pub(super) fn save(frame: &Frame, folder: &Path, now: SystemTime) -> Result<PathBuf, PictureError> {
    let stem = format!("netgear-{}", compact_utc(now));
    for number in 1..=MOST_OF_ONE_SECOND {
        let path = folder.join(format!("{stem}-{number}.png"));
        let file = match File::options().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(source) => return Err(PictureError::Io { path, source }),
        };
        let written = write(frame, BufWriter::new(file));
        if written.is_err() {
            // A picture cut short is of no use.
            let _ = fs::remove_file(&path);
        }
        return written.map(|()| path);
    }
    let source = io::Error::new(io::ErrorKind::AlreadyExists, "there are too many pictures of this second");
    Err(PictureError::Io { path: folder.join(stem), source })
}

/// The frame as it is where PNG can have that, else as it is shown.
fn write(frame: &Frame, mut to: impl Write) -> Result<(), PictureError> {
    match write_png(frame, &mut to) {
        Err(PictureError::Unsupported { .. }) => write_png(&displayable(frame), &mut to)?,
        written => written?,
    }
    to.flush().map_err(PictureError::Write)
}

/// As in `20260131-134501`.
fn compact_utc(now: SystemTime) -> String {
    let micros = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    let captured_at = Some(Timestamp::from_micros(micros.try_into().unwrap_or(u64::MAX)));
    // `2026-01-31 13:45:01.250 UTC`
    let text = Caption::new("{time}").of(&FrameStamp { captured_at, ..FrameStamp::default() });
    let seconds = text.split('.').next().unwrap_or_default();
    seconds.replace(['-', ':'], "").replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use netgear_media::proto::{ElementType, PixelFormat, Shape};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("netgear-viewer-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_picture_is_named_by_its_time_and_never_goes_over_a_file() {
        let folder = folder("saving");
        let now = UNIX_EPOCH + Duration::from_millis(1_769_867_101_250);
        fs::write(folder.join("netgear-20260131-134501-2.png"), "mine").unwrap();
        let frame = Frame::gray8(2, 1, vec![0, 255]).unwrap();
        let saved: Vec<_> = (0..2).map(|_| save(&frame, &folder, now).unwrap()).collect();
        assert_eq!(
            saved,
            ["netgear-20260131-134501-1.png", "netgear-20260131-134501-3.png"].map(|name| folder.join(name))
        );
        assert_eq!(fs::read(folder.join("netgear-20260131-134501-2.png")).unwrap(), b"mine");
        assert!(fs::read(&saved[1]).unwrap().starts_with(b"\x89PNG"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_png_has_not_is_saved_as_it_is_shown_and_nothing_is_left_of_a_failure() {
        let folder = folder("floats");
        let pixels: Vec<u8> = [0.0_f32, 1.0].map(f32::to_le_bytes).concat();
        let shape = Shape::new(1, 2, 1).unwrap();
        let frame = Frame::new(pixels, shape, ElementType::F32, PixelFormat::Gray).unwrap();
        assert!(save(&frame, &folder, SystemTime::now()).unwrap().is_file());
        assert!(matches!(
            save(&frame, &folder.join("nowhere"), SystemTime::now()),
            Err(PictureError::Io { .. })
        ));
        fs::remove_dir_all(&folder).unwrap();
    }
}
