//! A contact sheet: twelve stills of a film, letterboxed, numbered, and with a box around what a detector might have
//! found, on one picture.
//!
//! ```text
//! cargo run --release -p netgear-media --example pipeline -- [FILM [OUT.png]]
//! ```
//!
//! Without a film it takes the test pattern; without a name for the result it writes `contact-sheet.png` into the
//! folder for temporary files.

use std::error::Error;
use std::path::PathBuf;

use netgear_media::proto::{ElementType, Frame, Shape};
use netgear_media::{
    Annotation, Colour, Filter, Fit, FrameSource, OpenOptions, Pen, Pipeline, PixelsMut, Place, Region,
    Source, TestPattern, save_picture,
};

const COLUMNS: u32 = 4;
const ROWS: u32 = 3;
/// The size of a still.
const STILL: (u32, u32) = (320, 240);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut film: Box<dyn FrameSource> = match arguments.next() {
        Some(film) => film.parse::<Source>()?.open(&OpenOptions::new())?,
        None => Box::new(TestPattern::new("1280x720@30".parse()?).with_frames(120)),
    };
    let out = arguments.next().map_or_else(|| std::env::temp_dir().join("contact-sheet.png"), PathBuf::from);
    let every = (film.info().frames.unwrap_or(120) / u64::from(COLUMNS * ROWS)).max(1);

    // The steps run in this order. Each uses the memory again that it had for the frame before.
    let bars = Fit::Letterbox(Colour::new(32, 32, 32));
    let mut pipeline = Pipeline::new()
        .fit(STILL.0, STILL.1, bars, Filter::AntialiasedLinear)
        .annotate(Annotation::text_at("still {number}", Place::TopLeft))
        .annotate(Annotation::text_at("{time}", Place::BottomRight))
        .draw(|canvas, stamp| {
            // A detector's work: where it is differs from frame to frame. This is where the test pattern has its
            // block.
            let number = stamp.number as u32;
            let found = Region::new(25 * number, 30 + 25 * number / 2, 36, 36);
            canvas.labelled_box(found, "block", Pen::new(Colour::YELLOW, 2));
        });

    let sheet_shape = Shape::new(ROWS * STILL.1, COLUMNS * STILL.0, 3)?;
    let mut sheet = vec![0; sheet_shape.byte_len(ElementType::U8)?];
    let mut canvas = PixelsMut::contiguous(&mut sheet, sheet_shape, ElementType::U8)?;
    let mut stills = 0;
    let mut frames = 0;
    while stills < COLUMNS * ROWS
        && let Some(next) = film.next_frame()?
    {
        if frames % every == 0 {
            let still = pipeline.run_timed(next)?.frame;
            let (x, y) = (stills % COLUMNS * STILL.0, stills / COLUMNS * STILL.1);
            copy(&still, canvas.region(Region::new(x, y, STILL.0, STILL.1))?);
            stills += 1;
        }
        frames += 1;
    }
    let sheet = Frame::bgr8(sheet_shape.width(), sheet_shape.height(), sheet)?;
    save_picture(&sheet, &out)?;
    report(&format!("{stills} stills in {}", out.display()));
    Ok(())
}

/// Row by row, as the sheet is wider than the still.
fn copy(still: &Frame, mut place: PixelsMut<'_>) {
    let row_len = still.width() as usize * usize::from(still.channels());
    for (row, place) in still.pixels().chunks_exact(row_len).zip(place.rows_mut()) {
        place.copy_from_slice(row);
    }
}

#[expect(clippy::print_stdout, reason = "it says where the result is")]
fn report(line: &str) {
    println!("{line}");
}
