//! Frames where a person sees them: in a window of the system, or in a browser.
//!
#![cfg_attr(
    feature = "window",
    doc = "What `cv2.imshow` is, in as many lines:

```no_run
# let frame = netgear_media::proto::Frame::gray8(1, 1, vec![0])?;
use netgear_viewer::Window;

let mut window = Window::open(\"camera\")?;
window.show(&frame)?;
# Ok::<(), Box<dyn std::error::Error>>(())
```"
)]
//!
#![cfg_attr(
    feature = "web",
    doc = "On a machine without a screen, a page for browsers:

```no_run
# let frame = netgear_media::proto::Frame::gray8(1, 1, vec![0])?;
use netgear_viewer::WebViewer;

let viewer = WebViewer::open(\"127.0.0.1:8080\".parse()?)?;
viewer.show(&frame);
# Ok::<(), Box<dyn std::error::Error>>(())
```"
)]
//!
//! Each is a handle to threads of its own. `show` leaves the frame there, without a copy, and returns: whoever is
//! slow to see it sees the newest one next, and holds up nobody. Any frame can be shown: gray, BGR, RGB, BGRA and
//! RGBA of any elements, and unspecified channels as far as they look like one of these.
//!
//! # Features
//! * `window`: `Window`, on X11, Wayland, macOS and Windows.
//! * `web`: `WebViewer`, a page on an address of this machine.

// An example shows what is needed, and no more.
#![doc(test(attr(deny(unused_imports))))]

#[cfg(any(feature = "window", feature = "web"))]
mod displayable;
#[cfg(any(feature = "window", feature = "web"))]
mod presence;
#[cfg(any(feature = "window", feature = "web"))]
mod statistics;
#[cfg(feature = "web")]
mod web;
#[cfg(feature = "window")]
mod window;

pub use netgear_proto as proto;
#[cfg(any(feature = "window", feature = "web"))]
pub use presence::Presence;
#[cfg(any(feature = "window", feature = "web"))]
pub use statistics::Counters;
#[cfg(feature = "web")]
pub use web::{Direction, Typed, WebError, WebViewer, WebViewerBuilder};
#[cfg(feature = "window")]
pub use window::{Window, WindowError, on_main_thread};
