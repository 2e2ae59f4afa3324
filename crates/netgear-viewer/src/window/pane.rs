//! One window: its picture, what is written on it, and its keys.

use std::{
    env,
    num::NonZeroU32,
    path::Path,
    sync::{
        Arc,
        mpsc::{self, Receiver, TryRecvError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use netgear_media::{
    Canvas, Colour, Filter, Fit, PixelsMut, Placement, Resizer, TextStyle,
    proto::{ElementType, Frame, PixelFormat, Shape},
};
use softbuffer::{Context, Surface};
use winit::{
    dpi::PhysicalSize,
    event::{ElementState, KeyEvent, WindowEvent},
    event_loop::{ActiveEventLoop, OwnedDisplayHandle},
    keyboard::{Key, NamedKey},
    window::WindowId,
};

use super::{Shared, saving};
use crate::{
    displayable::displayable,
    presence::{Presence, matter},
    statistics::Statistics,
};

/// One window.
pub(super) struct Pane {
    shared: Arc<Shared>,
    window: Arc<winit::window::Window>,
    surface: Surface<OwnedDisplayHandle, Arc<winit::window::Window>>,
    resizer: Resizer,
    /// The frame that is shown, as it came, and as it can be drawn.
    shown: Option<(Frame, Frame)>,
    is_paused: bool,
    shows_statistics: bool,
    note: Option<Note>,
    /// What was last said to be the matter with the stream.
    matter: Option<String>,
    /// The name of a picture that is being saved, or why it was not.
    saving: Option<Receiver<String>>,
    /// When the statistics are to be drawn anew.
    refresh_at: Instant,
    /// A newer frame waits for this moment.
    picture_at: Option<Instant>,
    /// No frame is drawn before.
    next_picture: Instant,
}

/// Something said for a while.
struct Note {
    text: String,
    until: Instant,
}

impl Pane {
    /// Before there is a frame.
    const SIZE: PhysicalSize<u32> = PhysicalSize::new(640, 360);
    const NOTE: Duration = Duration::from_secs(5);
    /// How often statistics are drawn while no frames come, and how soon it is noticed that a picture is saved.
    const REFRESH: Duration = Duration::from_millis(500);
    const SAVING: Duration = Duration::from_millis(50);
    /// Between two frames: no screen shows more of them, and those of a stream of 60 a second come at uneven times.
    const PERIOD: Duration = Duration::from_millis(15);

    /// # Errors
    /// What the system says.
    pub(super) fn open(
        event_loop: &ActiveEventLoop,
        context: &Context<OwnedDisplayHandle>,
        shared: Arc<Shared>,
    ) -> Result<Self, String> {
        let attributes =
            winit::window::Window::default_attributes().with_title(&shared.title).with_inner_size(Self::SIZE);
        let window = event_loop.create_window(attributes).map_err(|error| error.to_string())?;
        let window = Arc::new(window);
        let surface = Surface::new(context, Arc::clone(&window)).map_err(|error| error.to_string())?;
        window.request_redraw();
        Ok(Self {
            shared,
            window,
            surface,
            resizer: Resizer::new(),
            shown: None,
            is_paused: false,
            shows_statistics: false,
            note: None,
            matter: None,
            saving: None,
            refresh_at: Instant::now(),
            picture_at: None,
            next_picture: Instant::now(),
        })
    }

    pub(super) fn id(&self) -> WindowId {
        self.window.id()
    }

    pub(super) fn shows(&self, shared: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    /// There is a newer frame. It is taken when it is drawn, or one that has taken its place by then: what is done
    /// here must be quick, since the loop hears all its requests before it hears a key.
    pub(super) fn note_newer(&mut self) {
        if Instant::now() < self.next_picture {
            self.picture_at = Some(self.next_picture);
        } else {
            self.window.request_redraw();
        }
    }

    /// What is said has changed.
    pub(super) fn redraw(&self) {
        self.window.request_redraw();
    }

    /// While the picture stands, the newest frame stays where it is.
    fn take_newest(&mut self) {
        if self.is_paused {
            return;
        }
        let now = Instant::now();
        if now < self.next_picture {
            self.picture_at = Some(self.next_picture);
            return;
        }
        let Some(frame) = self.shared.take_newest() else { return };
        if self.shown.is_none() {
            self.grow_to(&frame);
        }
        let drawable = displayable(&frame);
        self.shown = Some((frame, drawable));
        (self.picture_at, self.next_picture) = (None, now + Self::PERIOD);
    }

    /// As large as the frame, and no larger than nine tenths of the monitor.
    fn grow_to(&self, frame: &Frame) {
        let size = (frame.width(), frame.height());
        let most = self.window.current_monitor().map_or(size, |monitor| {
            let of_side = |side: u32| (side / 10 * 9).max(1);
            (of_side(monitor.size().width), of_side(monitor.size().height))
        });
        let (width, height) = if size.0 <= most.0 && size.1 <= most.1 {
            size
        } else {
            let placement = Fit::Inside.placement(size, most);
            (placement.width, placement.height)
        };
        // Where the size can be had at once, no event says so; drawing asks for it anyway.
        let _ = self.window.request_inner_size(PhysicalSize::new(width, height));
    }

    /// Says whether the user wants to close the window, which it cannot do itself.
    #[must_use]
    pub(super) fn handle(&mut self, event: WindowEvent) -> bool {
        match event {
            WindowEvent::CloseRequested => return true,
            WindowEvent::RedrawRequested => self.draw(),
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } => self.window.request_redraw(),
            WindowEvent::KeyboardInput {
                event: KeyEvent { logical_key, state: ElementState::Pressed, repeat: false, .. },
                ..
            } => return self.press(&logical_key),
            _ => {}
        }
        false
    }

    /// Says whether it is a key that closes the window.
    fn press(&mut self, key: &Key) -> bool {
        match key.as_ref() {
            Key::Named(NamedKey::Escape) | Key::Character("q" | "Q") => return true,
            Key::Named(NamedKey::Space) => self.pause_or_go_on(),
            Key::Character("s" | "S") => self.save(),
            Key::Character("i" | "I") => {
                self.shows_statistics = !self.shows_statistics;
                self.window.request_redraw();
            }
            _ => {}
        }
        false
    }

    fn pause_or_go_on(&mut self) {
        self.is_paused = !self.is_paused;
        let title = &self.shared.title;
        self.window.set_title(&if self.is_paused { format!("{title} (paused)") } else { title.clone() });
        self.window.request_redraw();
    }

    fn save(&mut self) {
        let Some((frame, _)) = &self.shown else {
            return self.say("there is no picture to save yet".to_owned());
        };
        if self.saving.is_some() {
            return;
        }
        // Packing a large picture takes longer than a frame.
        let (frame, shared, (saved, saving)) =
            (frame.clone(), Arc::clone(&self.shared), mpsc::sync_channel(1));
        let save = move || {
            // Where it is not known, the names of files are all there is.
            let folder = env::current_dir().unwrap_or_default();
            let kept = saving::save(&frame, &folder, SystemTime::now());
            shared.tell_saved(kept.as_deref());
            let said = match kept {
                Ok(path) => said_of(&path),
                Err(error) => format!("the picture is not saved: {error}"),
            };
            // The window may be gone.
            let _ = saved.send(said);
        };
        match thread::Builder::new().name("picture".to_owned()).spawn(save) {
            Ok(_) => self.saving = Some(saving),
            Err(error) => self.say(format!("the picture cannot be saved: {error}")),
        }
    }

    fn say(&mut self, text: String) {
        self.note = Some(Note { text, until: Instant::now() + Self::NOTE });
        self.window.request_redraw();
    }

    /// Looks after what changes without a frame or a key, and says when to look again.
    pub(super) fn refresh(&mut self, now: Instant) -> Option<Instant> {
        if let Some(saving) = &self.saving {
            match saving.try_recv() {
                Ok(said) => {
                    self.saving = None;
                    self.say(said);
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.saving = None,
            }
        }
        if self.note.as_ref().is_some_and(|note| note.until <= now) {
            self.note = None;
            self.window.request_redraw();
        }
        if self.shows_statistics && self.refresh_at <= now {
            self.refresh_at = now + Self::REFRESH;
            self.window.request_redraw();
        }
        if self.picture_at.is_some_and(|at| at <= now) {
            self.picture_at = None;
            self.window.request_redraw();
        }
        let (matter, matter_at) = self.matter(now);
        if matter != self.matter {
            self.matter = matter;
            self.window.request_redraw();
        }
        let times = [
            matter_at,
            self.picture_at,
            self.saving.as_ref().map(|_| now + Self::SAVING),
            self.note.as_ref().map(|note| note.until),
            self.shows_statistics.then_some(self.refresh_at),
        ];
        times.into_iter().flatten().min()
    }

    /// A surface that cannot be had now is asked for again with the next frame.
    fn draw(&mut self) {
        self.take_newest();
        let size = self.window.inner_size();
        // No side of a window that is put away is left.
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return;
        };
        let statistics =
            self.shows_statistics.then(|| self.shared.content().meter.statistics(Instant::now()));
        let is_absent = self.shared.content().presence != Presence::There;
        self.matter = self.matter(Instant::now()).0;
        let below = self.below();
        if self.surface.resize(width, height).is_err() {
            return;
        }
        let Ok(mut pixels) = self.surface.buffer_mut() else { return };
        let drawable = self.shown.as_ref().map(|(_, drawable)| drawable);
        paint(&mut pixels, (width.get(), height.get()), drawable, &mut self.resizer);
        if is_absent {
            dim(&mut pixels);
        }
        if let Some(statistics) = statistics {
            write(&mut pixels, (width.get(), height.get()), &lines(&statistics), Corner::Top);
        }
        if let Some(text) = below {
            write(&mut pixels, (width.get(), height.get()), &text, Corner::Bottom);
        }
        self.window.pre_present_notify();
        // The next frame tries again.
        let _ = pixels.present();
    }

    /// What is the matter with the stream, and when to look again.
    fn matter(&self, now: Instant) -> (Option<String>, Option<Instant>) {
        let content = self.shared.content();
        matter(content.presence, content.shown_at, now)
    }

    /// What is said at the bottom.
    fn below(&self) -> Option<String> {
        let paused = self.is_paused.then_some("paused: space goes on");
        let matter = self.matter.as_deref();
        let waiting = (self.shown.is_none() && matter.is_none()).then_some("waiting for frames");
        let said = [self.note.as_ref().map(|note| note.text.as_str()), paused, matter, waiting];
        let text: Vec<&str> = said.into_iter().flatten().collect();
        (!text.is_empty()).then(|| text.join("\n"))
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// The frame as large as it can be in the middle, and black around it. A pixel is `0x00RRGGBB`.
fn paint(pixels: &mut [u32], (width, height): (u32, u32), frame: Option<&Frame>, resizer: &mut Resizer) {
    let Some(frame) = frame else { return pixels.fill(0) };
    let placement = Fit::Letterbox(Colour::BLACK).placement((frame.width(), frame.height()), (width, height));
    let Placement { target, .. } = placement;
    let is_smaller = target.width < frame.width() || target.height < frame.height();
    let filter = if is_smaller { Filter::Area } else { Filter::Linear };
    // A frame of this size already is shared.
    let Ok(scaled) = resizer.resize(frame, target.width, target.height, filter) else {
        return pixels.fill(0);
    };
    if placement.has_bars() {
        pixels.fill(0);
    }
    let rows = pixels.chunks_exact_mut(width as usize).skip(target.y as usize);
    let len = target.width as usize * usize::from(scaled.channels());
    let columns = target.x as usize..(target.x + target.width) as usize;
    for (row, from) in rows.zip(scaled.pixels().chunks_exact(len)) {
        if let Some(row) = row.get_mut(columns.clone()) {
            paint_row(row, from, scaled.pixel_format());
        }
    }
}

/// Half as bright: nobody takes what was for what is.
fn dim(pixels: &mut [u32]) {
    for pixel in pixels {
        *pixel = (*pixel >> 1) & 0x7f_7f7f;
    }
}

fn paint_row(row: &mut [u32], from: &[u8], pixel_format: PixelFormat) {
    let bgr = |[blue, green, red]: [u8; 3]| u32::from_be_bytes([0, red, green, blue]);
    match pixel_format {
        PixelFormat::Gray => row.iter_mut().zip(from).for_each(|(to, level)| *to = bgr([*level; 3])),
        PixelFormat::Rgb => {
            for (to, [red, green, blue]) in row.iter_mut().zip(from.as_chunks().0) {
                *to = bgr([*blue, *green, *red]);
            }
        }
        PixelFormat::Bgra => {
            for (to, [blue, green, red, _]) in row.iter_mut().zip(from.as_chunks().0) {
                *to = bgr([*blue, *green, *red]);
            }
        }
        PixelFormat::Rgba => {
            for (to, [red, green, blue, _]) in row.iter_mut().zip(from.as_chunks().0) {
                *to = bgr([*blue, *green, *red]);
            }
        }
        // What can be shown is one of these or BGR.
        _ => row.iter_mut().zip(from.as_chunks().0).for_each(|(to, pixel)| *to = bgr(*pixel)),
    }
}

/// A path's name and its folder, one below the other, since a window may be narrow.
fn said_of(path: &Path) -> String {
    match (path.file_name(), path.parent()) {
        (Some(name), Some(folder)) if folder != Path::new("") => {
            format!("saved {}\nin {}", name.to_string_lossy(), folder.display())
        }
        _ => format!("saved {}", path.display()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Corner {
    Top,
    Bottom,
}

/// Writes lines of text, white on black, at the left.
fn write(pixels: &mut [u32], (width, height): (u32, u32), text: &str, corner: Corner) {
    let Ok(shape) = Shape::new(height, width, 4) else { return };
    // As bytes a pixel is blue, green, red and nothing; where the greater end comes first it is the other way round,
    // which makes no difference to white and black.
    let Ok(pixels) = PixelsMut::contiguous(bytemuck::cast_slice_mut(pixels), shape, ElementType::U8) else {
        return;
    };
    let Ok(mut canvas) = Canvas::new(pixels, PixelFormat::Bgra) else { return };
    let style = TextStyle { line_height: Some(20), ..TextStyle::default() };
    let (_, text_height) = canvas.text_size(text, style);
    let top = match corner {
        Corner::Top => MARGIN,
        Corner::Bottom => i64::from(height).saturating_sub(i64::from(text_height)) as i32 - MARGIN,
    };
    canvas.text(text, (MARGIN, top), style);
}

/// Between text and the window's edge.
const MARGIN: i32 = 10;

fn lines(statistics: &Statistics) -> String {
    let Statistics { width, height, counters, fps, bytes_per_second } = statistics;
    let latency = counters
        .latency
        .map_or_else(|| "-".to_owned(), |latency| format!("{:.1} ms", latency.as_secs_f64() * 1e3));
    format!(
        "{width}x{height}\n{fps:.1} fps\nlatency {latency}\n{} frames, {} dropped\n{:.1} MB/s, {:.1} MB",
        counters.frames,
        counters.dropped,
        bytes_per_second / 1e6,
        counters.bytes as f64 / 1e6,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counters;

    #[test]
    fn every_format_is_painted_in_its_colours() {
        for (format, pixel) in [
            (PixelFormat::Bgr, &[1, 2, 3][..]),
            (PixelFormat::Rgb, &[3, 2, 1]),
            (PixelFormat::Bgra, &[1, 2, 3, 99]),
            (PixelFormat::Rgba, &[3, 2, 1, 99]),
        ] {
            let shape = Shape::new(2, 2, pixel.len() as u16).unwrap();
            let frame = Frame::new(pixel.repeat(4), shape, ElementType::U8, format).unwrap();
            let mut pixels = [7; 4];
            paint(&mut pixels, (2, 2), Some(&frame), &mut Resizer::new());
            assert_eq!(pixels, [0x03_0201; 4], "{format}");
        }
        let mut pixels = [7; 2];
        paint(&mut pixels, (2, 1), Some(&Frame::gray8(2, 1, vec![0, 16]).unwrap()), &mut Resizer::new());
        assert_eq!(pixels, [0, 0x10_1010]);
    }

    #[test]
    fn the_aspect_is_kept_with_black_around() {
        let frame = Frame::gray8(2, 2, vec![255; 4]).unwrap();
        let mut pixels = [7; 4 * 8];
        paint(&mut pixels, (8, 4), Some(&frame), &mut Resizer::new());
        for row in pixels.chunks_exact(8) {
            assert_eq!(row, [0, 0, 0xff_ffff, 0xff_ffff, 0xff_ffff, 0xff_ffff, 0, 0]);
        }
        paint(&mut pixels, (8, 4), None, &mut Resizer::new());
        assert_eq!(pixels, [0; 32]);
    }

    #[test]
    fn text_stands_at_the_top_and_at_the_bottom_and_fits_any_window() {
        let mut pixels = vec![0x80_8080; 200 * 100];
        write(&mut pixels, (200, 100), "ab", Corner::Top);
        write(&mut pixels, (200, 100), "cd", Corner::Bottom);
        let touched = |y: usize| pixels[y * 200..][..200].iter().any(|pixel| *pixel != 0x80_8080);
        let rows: Vec<usize> = (0..100).filter(|y| touched(*y)).collect();
        assert_eq!(rows, (10..30).chain(70..90).collect::<Vec<_>>());
        for (width, height) in [(1, 1), (5, 3), (300, 2)] {
            write(
                &mut vec![0; (width * height) as usize],
                (width, height),
                "long text\nof lines",
                Corner::Bottom,
            );
        }
    }

    #[test]
    fn a_saved_picture_is_named_with_its_folder() {
        assert_eq!(said_of(Path::new("/home/me/a.png")), "saved a.png\nin /home/me");
        assert_eq!(said_of(Path::new("a.png")), "saved a.png");
    }

    #[test]
    fn what_is_dimmed_is_half_as_bright_in_each_channel() {
        let mut pixels = [0xff_ffff, 0x01_0200, 0];
        dim(&mut pixels);
        assert_eq!(pixels, [0x7f_7f7f, 0x00_0100, 0]);
    }

    #[test]
    fn the_statistics_name_every_figure() {
        let counters = Counters {
            frames: 12,
            bytes: 34_000_000,
            dropped: 5,
            latency: Some(Duration::from_micros(6700)),
        };
        let statistics =
            Statistics { width: 640, height: 480, counters, fps: 29.97, bytes_per_second: 8_900_000.0 };
        let lines = lines(&statistics);
        for figure in ["640x480", "30.0 fps", "6.7 ms", "12 frames", "5 dropped", "8.9 MB/s", "34.0 MB"] {
            assert!(lines.contains(figure), "{figure} in {lines}");
        }
    }
}
