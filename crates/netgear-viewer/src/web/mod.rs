//! Frames on a page for browsers.

mod access;
mod encoder;
mod page;
mod patience;
mod server;
mod shared;
mod typed;
mod viewer;

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Instant,
};

use netgear_media::{
    JpegOptions,
    proto::{Frame, Value},
};
use tokio::sync::{Semaphore, watch};

use self::{
    access::{Access, Token, is_host_name},
    server::{Server, TURNED_AWAY},
    shared::Shared,
};
pub use self::{shared::Direction, typed::Typed};
use crate::{Counters, Presence};

/// A page that shows the newest frame, data and statistics to whoever opens it, and takes data to send back.
///
/// ```no_run
/// use netgear_media::{OpenOptions, Source};
/// use netgear_viewer::WebViewer;
///
/// let viewer = WebViewer::open("127.0.0.1:8080".parse()?)?;
/// println!("open {} in a browser", viewer.url());
/// let mut source = "test:640x480@30".parse::<Source>()?.open(&OpenOptions::new())?;
/// while let Some(next) = source.next_frame()? {
///     viewer.show(&next.frame);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The page is part of the program, and needs nothing of the network but this address. Its pictures are JPEG. A frame
/// is encoded when somebody waits for one, and once for all who look. Each viewer gets the newest when it has
/// acknowledged the one before or two: one that is slow sees fewer, and neither `show` nor the others wait for it.
///
/// # Who may look
/// It serves addresses of this machine's own (loopback), unless [`WebViewerBuilder::public`] allows others. A request
/// must name as its host an IP address, `localhost` or [`WebViewerBuilder::host_name`], so that no other site can
/// have its own name point here (DNS rebinding), and a page of another site cannot open the stream. Requests,
/// messages, connections and viewers are bounded in size, number and time.
pub struct WebViewer {
    shared: Arc<Shared>,
    address: SocketAddr,
    token: Option<Token>,
    /// The server ends when this is dropped.
    stop: Option<watch::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl WebViewer {
    /// Serves the page at this address of this machine's own. With port 0 the system chooses one, which
    /// [`address`](Self::address) tells.
    ///
    /// # Errors
    /// [`WebError`].
    pub fn open(address: SocketAddr) -> Result<Self, WebError> {
        Self::builder().open(address)
    }

    /// What can be told before it is opened.
    pub fn builder() -> WebViewerBuilder {
        WebViewerBuilder::default()
    }

    /// Where it serves.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser, the access token included. An unspecified address (`0.0.0.0`) is named as this
    /// machine's own.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, self.address.port());
        match &self.token {
            Some(Token(token)) => format!("http://{address}/?token={token}"),
            None => format!("http://{address}/"),
        }
    }

    /// Shows the frame, in place of the one before. Never waits, and copies nothing.
    pub fn show(&self, frame: &Frame) {
        self.shared.show(frame);
    }

    /// Adds this to the list of data on the page. What is long is cut short there.
    pub fn show_data(&self, direction: Direction, data: &Value) {
        self.shared.show_data(direction, data);
    }

    /// What the statistics are made of, to be told with each frame. Without it, the frames that are shown are
    /// counted.
    pub fn count(&self, counters: Counters) {
        self.shared.newest().meter.count(counters, Instant::now());
    }

    /// How it stands with the sender: the page says so within a second, on a dimmed picture, while it is gone. Frames
    /// that are shown change nothing of it.
    pub fn set_presence(&self, presence: Presence) {
        self.shared.newest().presence = presence;
    }

    /// What somebody typed on the page to send back, if there is anything. The first that was typed is the first that
    /// is given.
    pub fn try_typed(&self) -> Option<Typed> {
        self.shared.typed().pop_front()
    }

    /// How many look at it now.
    pub fn viewers(&self) -> usize {
        self.shared.viewers.load(Ordering::Acquire)
    }
}

/// Ends the server, and every viewer is told, which takes two seconds at most: on a runtime's thread, drop it in
/// `spawn_blocking`.
impl Drop for WebViewer {
    fn drop(&mut self) {
        self.shared.stop();
        self.stop = None;
        for thread in self.threads.drain(..) {
            // Both look for the end, and a viewer has two seconds to hear of it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for WebViewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebViewer")
            .field("address", &self.address)
            .field("viewers", &self.viewers())
            .finish_non_exhaustive()
    }
}

/// What a [`WebViewer`] can be told before it is opened.
#[derive(Debug, Clone)]
#[must_use]
pub struct WebViewerBuilder {
    title: String,
    public: bool,
    takes_data: bool,
    token: Option<Token>,
    host_names: Vec<String>,
    max_viewers: usize,
    jpeg: JpegOptions,
}

impl Default for WebViewerBuilder {
    fn default() -> Self {
        Self {
            title: "NetGear".to_owned(),
            public: false,
            takes_data: true,
            token: None,
            host_names: Vec::new(),
            max_viewers: 32,
            jpeg: JpegOptions::new(),
        }
    }
}

impl WebViewerBuilder {
    /// What the page is called. Default: `NetGear`.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Whether addresses that other machines reach are allowed. The page is not encrypted: whoever reaches it, or
    /// listens on the way, sees the frames. Default: no.
    pub fn public(mut self, public: bool) -> Self {
        self.public = public;
        self
    }

    /// A secret that has to be in the page's address, as in `http://…/?token=SECRET`: letters, digits, `-`, `_`, `.`
    /// and `~`. Default: none.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Token(token.into()));
        self
    }

    /// A name by which browsers may call this machine, as in `desk.local`, besides `localhost` and IP addresses. May
    /// be called for each of several.
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.host_names.push(name.into());
        self
    }

    /// Whether the page has a box to send data back. Default: yes.
    pub fn takes_data(mut self, takes_data: bool) -> Self {
        self.takes_data = takes_data;
        self
    }

    /// How many may look at the same time. Who comes then is told so, and the page tries again. Default: 32.
    pub fn max_viewers(mut self, viewers: usize) -> Self {
        self.max_viewers = viewers;
        self
    }

    /// Which kind of JPEG the pictures are. Default: [`JpegOptions`]'s own.
    pub fn jpeg(mut self, options: JpegOptions) -> Self {
        self.jpeg = options;
        self
    }

    /// Serves the page at this address.
    ///
    /// # Errors
    /// [`WebError`].
    pub fn open(self, address: SocketAddr) -> Result<WebViewer, WebError> {
        if !self.public && !address.ip().is_loopback() {
            return Err(WebError::NotLoopback { address });
        }
        if self.token.as_ref().is_some_and(|token| !token.is_plain()) {
            return Err(WebError::Token);
        }
        if let Some(name) = self.host_names.iter().find(|name| !is_host_name(name)) {
            return Err(WebError::HostName { name: name.clone() });
        }
        let cannot_bind = |source| WebError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(cannot_bind)?;
        listener.set_nonblocking(true).map_err(cannot_bind)?;
        let bound = listener.local_addr().map_err(cannot_bind)?;

        let shared = Arc::new(Shared::new());
        let (stop, stopped) = watch::channel(());
        let server = Server {
            shared: Arc::clone(&shared),
            access: Access::new(self.host_names, self.token.clone()),
            title: self.title,
            takes_data: self.takes_data,
            max_viewers: self.max_viewers,
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY)),
        };
        let mut viewer = WebViewer {
            shared: Arc::clone(&shared),
            address: bound,
            token: self.token,
            stop: Some(stop),
            threads: Vec::new(),
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(WebError::Thread)?;
        let serve = move || runtime.block_on(server.run(listener, stopped));
        let encode = move || encoder::run(&shared, self.jpeg);
        // What is started already ends with the viewer.
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(work).map_err(WebError::Thread)
        };
        viewer.threads.push(spawn("web viewer", Box::new(serve))?);
        viewer.threads.push(spawn("web pictures", Box::new(encode))?);
        Ok(viewer)
    }
}

/// What to do about it.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; take another port, as in 127.0.0.1:8088, or any that is free with 127.0.0.1:0"
        }
        io::ErrorKind::AddrNotAvailable => "; take an address of this machine, as in 127.0.0.1:8080",
        io::ErrorKind::PermissionDenied => "; take a port from 1024 on, as in 127.0.0.1:8080",
        _ => "",
    }
}

/// Why a page cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// Other machines reach the address, and [`WebViewerBuilder::public`] does not allow that.
    #[error(
        "{address} can be reached from other machines, and the page is not encrypted; take 127.0.0.1:{}, or make the page \
         public, best with an access token",
        address.port()
    )]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The token cannot stand in an address.
    #[error("an access token consists of letters, digits, -, _, . and ~, and of one of these at least")]
    Token,
    /// What is to be the name of this machine is none.
    #[error(
        "{name:?} is no name of a machine; write it without http:// and without a port, as in desk.local"
    )]
    HostName {
        /// What was given.
        name: String,
    },
    /// The address is taken, not this machine's, or not allowed.
    #[error("cannot serve a page at {address}: {source}{}", remedy(source))]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no thread.
    #[error("cannot serve a page: {0}")]
    Thread(#[source] io::Error),
}
