//! An X server of its own, whose windows can be looked at and typed into.

use std::time::{Duration, Instant};

use x11rb::{
    connection::Connection,
    protocol::{
        xproto::{
            AtomEnum, ConfigureWindowAux, ConnectionExt as _, ImageFormat, InputFocus, KEY_PRESS_EVENT,
            KEY_RELEASE_EVENT, Window,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::common::xvfb::Xvfb;

const ESCAPE: u32 = 0xff1b;

/// A connection to the server, which ends with this.
pub(crate) struct XDisplay {
    xvfb: Xvfb,
    connection: RustConnection,
    root: Window,
}

/// What a window shows.
pub(crate) struct Screenshot {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bgr: Vec<u8>,
}

impl Screenshot {
    pub(crate) fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y * self.width + x) as usize * 3;
        self.bgr.get(at..at + 3).map_or([1, 2, 3], |pixel| pixel.try_into().unwrap())
    }
}

impl XDisplay {
    /// `None` where there is no Xvfb, which is said loudly and in CI is a failure.
    pub(crate) fn start() -> Option<Self> {
        let xvfb = Xvfb::start("1280x800x24")?;
        let (connection, screen) = x11rb::connect(Some(&xvfb.display)).unwrap();
        let root = connection.setup().roots[screen].root;
        Some(Self { xvfb, connection, root })
    }

    /// As `DISPLAY` has it.
    pub(crate) fn name(&self) -> &str {
        &self.xvfb.display
    }

    /// The window of this title, if it is on the screen.
    pub(crate) fn window(&self, title: &str) -> Option<Window> {
        let name = self.connection.intern_atom(false, b"_NET_WM_NAME").unwrap().reply().unwrap().atom;
        let windows = self.connection.query_tree(self.root).unwrap().reply().unwrap().children;
        windows.into_iter().find(|window| {
            let title_of = |property: u32| {
                let reply = self
                    .connection
                    .get_property(false, *window, property, AtomEnum::ANY, 0, 1000)
                    .unwrap()
                    .reply();
                reply.map(|reply| reply.value).unwrap_or_default()
            };
            title_of(name) == title.as_bytes() || title_of(AtomEnum::WM_NAME.into()) == title.as_bytes()
        })
    }

    /// The pixels of the window.
    pub(crate) fn screenshot(&self, window: Window) -> Screenshot {
        // Between the two it may have become smaller.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let place = self.connection.get_geometry(window).unwrap().reply().unwrap();
            let (width, height) = (place.width, place.height);
            let image = self
                .connection
                .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, !0)
                .unwrap()
                .reply();
            if let Ok(image) = image {
                let bgr =
                    image.data.as_chunks::<4>().0.iter().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
                return Screenshot { width: width.into(), height: height.into(), bgr: bgr.collect() };
            }
            assert!(Instant::now() < deadline, "the window cannot be looked at: {image:?}");
        }
    }

    pub(crate) fn resize(&self, window: Window, width: u32, height: u32) {
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(window, &size).unwrap().check().unwrap();
    }

    /// Presses and releases the key of a letter, with the window in focus.
    pub(crate) fn press(&self, window: Window, letter: char) {
        self.press_symbol(window, u32::from(letter));
    }

    pub(crate) fn press_escape(&self, window: Window) {
        self.press_symbol(window, ESCAPE);
    }

    fn press_symbol(&self, window: Window, symbol: u32) {
        self.connection
            .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)
            .unwrap()
            .check()
            .unwrap();
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let keys = self.connection.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
        let per_key = usize::from(keys.keysyms_per_keycode);
        let at = keys.keysyms.chunks(per_key).position(|symbols| symbols.first() == Some(&symbol)).unwrap();
        let key = first + u8::try_from(at).unwrap();
        // Whoever gets the focus hears of it first.
        self.connection.sync().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        for event in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            self.connection.xtest_fake_input(event, key, 0, self.root, 0, 0, 0).unwrap().check().unwrap();
        }
    }
}
