//! Frames in a window.

mod display;
mod pane;
mod saving;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use netgear_media::{PictureError, proto::Frame};

pub use self::display::on_main_thread;
use self::display::{Display, Request};
use crate::{Counters, Presence, statistics::Meter};

/// A window that shows the newest frame it was given.
///
/// ```no_run
/// use netgear_media::{OpenOptions, Source};
/// use netgear_viewer::Window;
///
/// let mut window = Window::open("test pattern")?;
/// let mut source = "test:640x480@30".parse::<Source>()?.open(&OpenOptions::new())?;
/// while let Some(next) = source.next_frame()? {
///     window.show(&next.frame)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The first frame gives it its size, up to that of the monitor; from then on the size is the user's, and the picture
/// is as large in it as its aspect allows.
///
/// | key | |
/// |---|---|
/// | `q`, Escape | closes it |
/// | space | holds the picture, while frames go on coming; again to go on |
/// | `s` | saves the picture that is shown as PNG, in the working directory, never over a file |
/// | `i` | shows statistics on the picture, or no longer |
///
/// # Threads
/// All windows of a program live on one thread, which is started with the first of them. **On macOS** the system
/// wants that to be the program's first thread, so there [`on_main_thread`] has to be given the rest of the program
/// before a window is opened; on other systems that works as well and is not needed. A window may be shown frames
/// from any thread.
pub struct Window {
    shared: Arc<Shared>,
    display: Display,
}

impl Window {
    /// Opens a window with this title. It says that it waits until there is a frame.
    ///
    /// # Errors
    /// [`WindowError::NoDisplay`] where there is no screen, and [`WindowError::NotOnMainThread`] on macOS without
    /// [`on_main_thread`].
    pub fn open(title: &str) -> Result<Self, WindowError> {
        let display = Display::get()?;
        let shared = Arc::new(Shared::new(title));
        display.open(Arc::clone(&shared))?;
        Ok(Self { shared, display })
    }

    /// Shows the frame, in place of the one before. Never waits: where frames come faster than they can be drawn,
    /// some are not.
    ///
    /// # Errors
    /// [`WindowError::Closed`] once the user has closed the window.
    pub fn show(&mut self, frame: &Frame) -> Result<(), WindowError> {
        self.if_open()?;
        let mut content = self.shared.content();
        let before = content.newest.replace(frame.clone());
        let now = Instant::now();
        content.meter.frame(frame, now);
        content.shown_at = Some(now);
        drop(content);
        // Its memory may be given back, which nobody needs to wait for.
        drop(before);
        self.shared.announce(&self.display);
        Ok(())
    }

    /// What the statistics are made of, to be told with each frame. Without it, the frames that are shown are
    /// counted.
    pub fn count(&mut self, counters: Counters) {
        self.shared.content().meter.count(counters, Instant::now());
    }

    /// How it stands with the sender: the window says so, on a dimmed picture, while it is gone. Frames that are
    /// shown change nothing of it.
    pub fn set_presence(&mut self, presence: Presence) {
        let before = std::mem::replace(&mut self.shared.content().presence, presence);
        if before != presence {
            self.display.send(Request::Redraw(Arc::clone(&self.shared)));
        }
    }

    /// Whether the user has not closed it.
    pub fn is_open(&self) -> bool {
        !self.shared.is_closed.load(Ordering::Acquire)
    }

    /// Calls this once, on the windows' thread, when the user closes the window or the display goes away; at once if
    /// that has happened. It must not wait for anything. One that was given before is forgotten.
    pub fn on_close(&mut self, then: impl FnOnce() + Send + 'static) {
        *self.shared.on_close.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(then));
        if !self.is_open() {
            self.shared.tell_closed();
        }
    }

    /// Calls this when the user has saved a picture, with its path, which is absolute where the working directory is
    /// known, or why it was not saved; on the thread that saved it. The window says so too, for five seconds. One
    /// that was given before is forgotten.
    pub fn on_saved(&mut self, then: impl Fn(Result<&Path, &PictureError>) + Send + Sync + 'static) {
        *self.shared.on_saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(then));
    }

    fn if_open(&self) -> Result<(), WindowError> {
        if self.is_open() { Ok(()) } else { Err(WindowError::Closed) }
    }
}

/// Closes it.
impl Drop for Window {
    fn drop(&mut self) {
        self.display.send(Request::Close(Arc::clone(&self.shared)));
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window")
            .field("title", &self.shared.title)
            .field("is_open", &self.is_open())
            .finish_non_exhaustive()
    }
}

/// What a window's handle and its thread share.
struct Shared {
    title: String,
    content: Mutex<Content>,
    /// The thread was told that there is a newer frame, and has not come for it. At most one such message is on its
    /// way.
    is_announced: AtomicBool,
    is_closed: AtomicBool,
    on_close: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    on_saved: Mutex<Option<OnSaved>>,
}

type OnSaved = Arc<dyn Fn(Result<&Path, &PictureError>) + Send + Sync>;

struct Content {
    /// The newest frame, if it was not taken yet.
    newest: Option<Frame>,
    meter: Meter,
    /// When the newest frame came, taken or not.
    shown_at: Option<Instant>,
    presence: Presence,
}

impl Shared {
    fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            content: Mutex::new(Content {
                newest: None,
                meter: Meter::default(),
                shown_at: None,
                presence: Presence::default(),
            }),
            is_announced: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            on_close: Mutex::new(None),
            on_saved: Mutex::new(None),
        }
    }

    /// Held for a moment on either side, and never while anything is waited for.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(self: &Arc<Self>, display: &Display) {
        if !self.is_announced.swap(true, Ordering::AcqRel) {
            display.send(Request::Draw(Arc::clone(self)));
        }
    }

    /// The newest frame that was not taken yet.
    fn take_newest(&self) -> Option<Frame> {
        self.is_announced.store(false, Ordering::Release);
        self.content().newest.take()
    }

    /// The window is gone.
    fn close(&self) {
        if !self.is_closed.swap(true, Ordering::AcqRel) {
            let before = self.content().newest.take();
            drop(before);
            self.tell_closed();
        }
    }

    /// A picture was saved, or was not.
    fn tell_saved(&self, saved: Result<&Path, &PictureError>) {
        let then = self.on_saved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(then) = then {
            then(saved);
        }
    }

    fn tell_closed(&self) {
        let then = self.on_close.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(then) = then {
            then();
        }
    }
}

/// Why a window cannot be opened, or shows nothing any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// There is no screen, or what leads to it is not installed.
    #[error("no window can be opened here: {reason}; a page for browsers can show the frames instead")]
    NoDisplay {
        /// What the system says.
        reason: String,
    },
    /// The system wants windows on the program's first thread.
    #[error(
        "on this system windows live on the program's first thread: give the program to on_main_thread in main"
    )]
    NotOnMainThread,
    /// [`on_main_thread`] is called after a window was opened, or twice.
    #[error(
        "the windows have a thread already; call on_main_thread once, and before the first window is opened"
    )]
    ThreadChosen,
    /// The user has closed it.
    #[error("the window is closed")]
    Closed,
    /// The thread of the windows has ended, since [`on_main_thread`] has, or the display is gone.
    #[error("the windows' thread has ended: {reason}")]
    Over {
        /// Why.
        reason: String,
    },
}
