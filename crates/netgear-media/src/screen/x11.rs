use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, io};

use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat, Timestamp};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, ImageOrder, Screen, VisualClass};
use x11rb::reexports::x11rb_protocol::parse_display::{ConnectAddress, parse_display};
use x11rb::reexports::x11rb_protocol::xauth::{Family, get_auth};
use x11rb::rust_connection::{DefaultStream, RustConnection};

use super::deadline_stream::DeadlineStream;
use super::{ScreenError, ScreenSpec};
use crate::canceller::CancelSignal;
use crate::{Canceller, FrameSource, OpenError, OpenOptions, ReadError, SourceInfo, TimedFrame};

/// An extension that only X servers have which draw into windows of Wayland. They do not know what else is on the
/// screen.
const XWAYLAND: &str = "XWAYLAND";

/// Where display 0 listens, if it does so for TCP.
const FIRST_PORT: u16 = 6000;

/// Each pixel as blue, green, red and a byte that means nothing.
const BYTES_PER_PIXEL: usize = 4;

/// A monitor of an X display, which is captured again and again.
///
/// A frame shows what the display showed when it was asked for. The pointer is not in it. The monitor's place and
/// size are those that it had at the start; when it becomes smaller, the next frame is an error.
#[derive(Debug)]
pub(super) struct ScreenSource {
    origin: String,
    spec: ScreenSpec,
    info: SourceInfo,
    display: Display,
    cancelled: CancelSignal,
    pool: BufferPool,
    start: Instant,
    /// When the next frame is to be captured, after the start.
    due: Duration,
    is_ended: bool,
}

impl ScreenSource {
    pub(super) fn open(spec: &ScreenSpec, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = format!("screen:{spec}");
        let cancelled = CancelSignal::default();
        let display = Display::open(spec, &cancelled)
            .map_err(|error| OpenError::Screen { origin: origin.clone(), error })?;
        let (width, height) = (display.area.width.into(), display.area.height.into());
        options.check_size(&origin, width, height, 3)?;
        let info = SourceInfo {
            width,
            height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: Some(spec.rate()),
            rate_varies: false,
            frames: None,
            duration: None,
            codec: "rawvideo".to_owned(),
            decoder: "x11".to_owned(),
        };
        let (spec, pool) = (spec.clone(), BufferPool::default());
        let (start, due) = (Instant::now(), Duration::ZERO);
        Ok(Self { origin, spec, info, display, cancelled, pool, start, due, is_ended: false })
    }

    fn capture(&mut self) -> Result<TimedFrame, ScreenError> {
        let time = self.start.elapsed();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let image = self.display.image()?;
        let (width, height) = (self.info.width, self.info.height);
        // Small enough to be a frame: that was checked when the screen was opened.
        let len = width as usize * height as usize * 3;
        let mut pixels = self.pool.take(len);
        pixels.resize(len, 0);
        yuv::bgra_to_bgr(&image, width * BYTES_PER_PIXEL as u32, &mut pixels, width * 3, width, height)
            .map_err(|_| ScreenError::WrongSize)?;
        let frame =
            Frame::bgr8(width, height, self.pool.freeze(pixels)).map_err(|_| ScreenError::WrongSize)?;
        let captured_at = Timestamp::from_micros(now.as_micros().try_into().unwrap_or(u64::MAX));
        Ok(TimedFrame::captured(frame, time, captured_at))
    }

    /// Waits until the next frame is due, and tells whether nobody wants it any more.
    fn wait(&mut self) -> bool {
        let is_cancelled = self.cancelled.wait(self.due.saturating_sub(self.start.elapsed()));
        // Who is late is not to make up for it: old pictures cannot be had any more.
        self.due = self.due.max(self.start.elapsed()) + self.spec.rate().time_of(1);
        is_cancelled
    }
}

impl FrameSource for ScreenSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_ended || self.wait() {
            return Ok(None);
        }
        match self.capture() {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                self.is_ended = true;
                Err(ReadError::Screen { origin: self.origin.clone(), error })
            }
        }
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        let display = Display::open(&self.spec, &self.cancelled)
            .map_err(|error| OpenError::Screen { origin: self.origin.clone(), error })?;
        let (before, now) = (self.display.area, display.area);
        if (before.width, before.height) != (now.width, now.height) {
            let size = |area: Area| format!("{}×{} pixels", area.width, area.height);
            let (expected, found) = (size(before), size(now));
            return Err(ReadError::FormatChanged { origin: self.origin.clone(), expected, found });
        }
        (self.display, self.start, self.due) = (display, Instant::now(), Duration::ZERO);
        self.is_ended = false;
        Ok(())
    }

    fn canceller(&self) -> Option<Canceller> {
        Some(self.cancelled.canceller())
    }
}

/// The part of the display that is captured.
#[derive(Debug, Clone, Copy)]
struct Area {
    x: i16,
    y: i16,
    width: u16,
    height: u16,
}

/// The connection to an X server.
#[derive(Debug)]
struct Display {
    connection: RustConnection<DeadlineStream>,
    root: u32,
    area: Area,
}

impl Display {
    fn open(spec: &ScreenSpec, cancelled: &CancelSignal) -> Result<Self, ScreenError> {
        let (connection, screen) = connect(spec.display(), cancelled)?;
        if connection.extension_information(XWAYLAND).map_err(no_picture)?.is_some() {
            return Err(ScreenError::Wayland);
        }
        let setup = connection.setup();
        let screen = setup.roots.get(screen).ok_or(ScreenError::UnknownPixels)?;
        if setup.image_byte_order != ImageOrder::LSB_FIRST || !is_bgrx(&connection, screen) {
            return Err(ScreenError::UnknownPixels);
        }
        let (root, whole) = (screen.root, whole(screen));
        let area = monitor(&connection, root, whole, spec.monitor())?;
        Ok(Self { connection, root, area })
    }

    /// What the monitor shows, as rows of [`BYTES_PER_PIXEL`] without gaps.
    fn image(&self) -> Result<Vec<u8>, ScreenError> {
        self.connection.stream().begin();
        let Area { x, y, width, height } = self.area;
        let (format, every_bit) = (ImageFormat::Z_PIXMAP, u32::MAX);
        let asked = self.connection.get_image(format, self.root, x, y, width, height, every_bit);
        let image = asked.map_err(no_picture)?.reply().map_err(no_picture)?.data;
        if image.len() != usize::from(width) * usize::from(height) * BYTES_PER_PIXEL {
            return Err(ScreenError::WrongSize);
        }
        Ok(image)
    }
}

/// Connects to the display, and says which of its screens is meant.
fn connect(
    display: Option<&str>,
    cancelled: &CancelSignal,
) -> Result<(RustConnection<DeadlineStream>, usize), ScreenError> {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if display.is_none() && !is_set("DISPLAY") {
        return Err(if is_set("WAYLAND_DISPLAY") { ScreenError::Wayland } else { ScreenError::NoDisplay });
    }
    let parsed = parse_display(display).map_err(not_opened)?;
    // x11rb adds it to this port without a look.
    if parsed.display.checked_add(FIRST_PORT).is_none() {
        return Err(not_opened(format_args!("there is no display of the number {}", parsed.display)));
    }
    let screen = usize::from(parsed.screen);
    let mut error = ScreenError::NoDisplay;
    for address in parsed.connect_instruction() {
        match reach(&address) {
            Ok((stream, (family, peer))) => {
                // Without authorisation the server may still let us in; if not, it says so.
                let (name, data) = get_auth(family, &peer, parsed.display).ok().flatten().unwrap_or_default();
                let stream = DeadlineStream::new(stream, cancelled.clone());
                let connected = RustConnection::connect_to_stream_with_auth_info(stream, screen, name, data);
                return Ok((connected.map_err(not_opened)?, screen));
            }
            Err(failure) => error = not_opened(failure),
        }
    }
    Err(error)
}

/// A stream to an X server. Another machine's has a few seconds to answer: a firewall may say nothing for minutes.
fn reach(address: &ConnectAddress<'_>) -> io::Result<(DefaultStream, (Family, Vec<u8>))> {
    let ConnectAddress::Hostname(host, port) = address else { return DefaultStream::connect(address) };
    let mut error = io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
    let deadline = Instant::now() + DeadlineStream::LIMIT;
    for address in (*host, *port).to_socket_addrs()? {
        // Nothing at all is no timeout that it takes.
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return DefaultStream::from_tcp_stream(stream),
            Err(failure) => error = failure,
        }
    }
    Err(error)
}

fn not_opened(error: impl std::fmt::Display) -> ScreenError {
    ScreenError::Connect { reason: error.to_string() }
}

fn no_picture(error: impl std::fmt::Display) -> ScreenError {
    ScreenError::Display { reason: error.to_string() }
}

/// Whether pixels are 32 bits with 8 of blue, green and red each, from the lowest: what nearly every display has.
fn is_bgrx(connection: &impl Connection, screen: &Screen) -> bool {
    let mut formats = connection.setup().pixmap_formats.iter();
    let bits = formats.find(|format| format.depth == screen.root_depth).map(|format| format.bits_per_pixel);
    let mut visuals = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals);
    let visual = visuals.find(|visual| visual.visual_id == screen.root_visual);
    bits == Some(32)
        && visual.is_some_and(|visual| {
            let masks = (visual.red_mask, visual.green_mask, visual.blue_mask);
            visual.class == VisualClass::TRUE_COLOR && masks == (0xff_0000, 0xff00, 0xff)
        })
}

fn whole(screen: &Screen) -> Area {
    Area { x: 0, y: 0, width: screen.width_in_pixels, height: screen.height_in_pixels }
}

/// Where the monitor of that number is, counted from 0. A server that knows of no monitors has one: all of it.
fn monitor(connection: &impl Connection, root: u32, whole: Area, number: usize) -> Result<Area, ScreenError> {
    let asked = connection.randr_get_monitors(root, true).ok().and_then(|cookie| cookie.reply().ok());
    let mut monitors = asked.map(|reply| reply.monitors).unwrap_or_default();
    // The primary one first, and the others as the server has them.
    monitors.sort_by_key(|monitor| !monitor.primary);
    let mut areas: Vec<_> = monitors
        .iter()
        .map(|monitor| Area { x: monitor.x, y: monitor.y, width: monitor.width, height: monitor.height })
        .collect();
    if areas.is_empty() {
        areas.push(whole);
    }
    let found = areas.len();
    areas.get(number).copied().ok_or(ScreenError::NoSuchMonitor { number, found })
}
