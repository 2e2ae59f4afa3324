//! A thumbnail for every second of a film, as JPEGs: 160 pixels wide or 90 high, whichever comes first.
//!
//! ```text
//! cargo run --release -p netgear-media --example thumbnails -- [FILM [FOLDER]]
//! ```
//!
//! Without a film it takes five seconds of the test pattern; without a folder it writes to `thumbnails` in the folder
//! for temporary files.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use netgear_media::{Filter, Fit, FrameSource, OpenOptions, Resizer, Source, TestPattern, save_picture};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut film: Box<dyn FrameSource> = match arguments.next() {
        Some(film) => film.parse::<Source>()?.open(&OpenOptions::new())?,
        None => Box::new(TestPattern::new("1280x720@30".parse()?).with_frames(150)),
    };
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("thumbnails"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;

    let mut resizer = Resizer::new();
    let mut due = Duration::ZERO;
    let mut number = 0;
    while let Some(next) = film.next_frame()? {
        if next.time < due {
            continue;
        }
        due += Duration::from_secs(1);
        // An antialiased filter, as much is lost: OpenCV's own let fine detail flicker.
        let small = resizer.fit(&next.frame, 160, 90, Fit::Inside, Filter::AntialiasedCubic)?;
        save_picture(&small, folder.join(format!("{number:04}.jpg")))?;
        number += 1;
    }
    report(&format!("{number} thumbnails in {}", folder.display()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it says where the result is")]
fn report(line: &str) {
    println!("{line}");
}
