//! Where a person sees what is received, and what that person wants.

#[cfg(feature = "web")]
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{future::pending, sync::Arc};

use clap::Args;
use netgear::prelude::{Delivery, Value};
#[cfg(any(feature = "window", feature = "web"))]
use netgear::viewer::Counters;
#[cfg(any(feature = "window", feature = "web"))]
pub(crate) use netgear::viewer::Presence;
#[cfg(feature = "window")]
use netgear::viewer::Window;
#[cfg(feature = "web")]
use netgear::viewer::{Direction, Typed, WebViewer};
use tokio::sync::Notify;
#[cfg(feature = "window")]
use tokio::sync::mpsc;

#[cfg(feature = "web")]
use crate::print;
use crate::{Failure, summary::Tally};

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct ShownOptions {
    /// Show the frames in a window. Keys: q or Escape quits, space holds the picture, s saves it as PNG, i shows
    /// statistics.
    #[cfg(feature = "window")]
    #[arg(long)]
    window: bool,
    /// Show the frames, data and statistics on a page for browsers, and let them send data back, at an address of
    /// this machine. By itself it is 127.0.0.1:8080; a port alone, such as 8088, is one of 127.0.0.1; port 0 is a
    /// free one, which is printed.
    #[cfg(feature = "web")]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8080",
        value_parser = page_address)]
    web: Option<SocketAddr>,
    /// Let --web take an address that other machines reach. The page is not encrypted.
    #[cfg(feature = "web")]
    #[arg(long, requires = "web")]
    web_public: bool,
    /// A secret without which --web shows nothing; it is part of the address that is printed. Others on this machine
    /// can see the options of a program; the variable NETGEAR_WEB_TOKEN does the same unseen.
    #[cfg(feature = "web")]
    #[arg(long, value_name = "SECRET", requires = "web")]
    web_token: Option<Secret>,
    /// A name by which browsers on other machines call this one, such as desk.local; may be given several times. The
    /// page answers to IP addresses and localhost without it, and to no other name.
    #[cfg(feature = "web")]
    #[arg(long, value_name = "NAME", requires = "web")]
    web_host: Vec<String>,
}

/// What no log is to show.
#[cfg(feature = "web")]
#[derive(Clone)]
struct Secret(String);

#[cfg(feature = "web")]
impl Secret {
    const VARIABLE: &str = "NETGEAR_WEB_TOKEN";

    /// From the environment, where it is.
    fn of_environment() -> Option<Self> {
        // What is no text is no token either, and is refused as such.
        std::env::var_os(Self::VARIABLE).map(|secret| Self(secret.to_string_lossy().into_owned()))
    }
}

#[cfg(feature = "web")]
impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(feature = "web")]
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// As the viewers' own, for a program that was built without them.
#[cfg(not(any(feature = "window", feature = "web")))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    Lost,
    Left,
}

/// Every place where the stream is shown: none, a window, a page, or both. Nothing here ever waits.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    #[cfg(feature = "window")]
    window: Option<Window>,
    #[cfg(feature = "web")]
    web: Option<WebViewer>,
    /// Told when the window is closed.
    quit: Arc<Notify>,
    /// What is to be printed of what the user does in the window.
    #[cfg(feature = "window")]
    remarks: Option<mpsc::Receiver<String>>,
}

impl ShownOptions {
    /// Whether somebody looks, in one way or another.
    pub(crate) fn is_any(&self) -> bool {
        #[cfg(feature = "web")]
        if self.web.is_some() {
            return true;
        }
        self.wants_window()
    }

    /// Whether the program's first thread is to be the windows'.
    pub(crate) fn wants_window(&self) -> bool {
        #[cfg(feature = "window")]
        return self.window;
        #[cfg(not(feature = "window"))]
        return false;
    }

    /// Opens them, and says where the page is.
    #[cfg_attr(
        not(all(feature = "window", feature = "web")),
        allow(unused, reason = "what is not built is not opened")
    )]
    pub(crate) fn open(self, title: &str, takes_data: bool) -> Result<Shown, Failure> {
        let mut shown = Shown::default();
        #[cfg(feature = "web")]
        if let Some(address) = self.web {
            let mut builder =
                WebViewer::builder().title(title).public(self.web_public).takes_data(takes_data);
            let token = self.web_token.or_else(Secret::of_environment);
            let has_token = token.is_some();
            if let Some(Secret(token)) = token {
                builder = builder.token(token);
            }
            for name in &self.web_host {
                builder = builder.host_name(name);
            }
            let web = builder.open(address)?;
            let ip = web.address().ip();
            if !ip.is_loopback() {
                let who = if has_token { "who has the token" } else { "anybody who reaches this machine" };
                let what =
                    if takes_data { "sees this stream and can send data back" } else { "sees this stream" };
                print::note(&format_args!("warning: {who} {what}, and nothing of it is encrypted"));
            }
            print::note(&format_args!("showing at {}", web.url()));
            if ip.is_unspecified() {
                let name = self
                    .web_host
                    .first()
                    .map_or("this machine's address or a name given to --web-host", |name| name);
                print::note(&format_args!(
                    "from other machines the same with {name} in place of {}",
                    own(ip)
                ));
            }
            shown.web = Some(web);
        }
        #[cfg(feature = "window")]
        if self.window {
            let mut window = Window::open(title)?;
            let quit = Arc::clone(&shown.quit);
            window.on_close(move || quit.notify_one());
            // A user who saves more while nothing is printed sees it in the window.
            let (to_print, remarks) = mpsc::channel(16);
            window.on_saved(move |saved| {
                let _ = to_print.try_send(match saved {
                    Ok(path) => format!("saved {}", path.display()),
                    Err(error) => format!("the picture is not saved: {error}"),
                });
            });
            shown.remarks = Some(remarks);
            shown.window = Some(window);
        }
        Ok(shown)
    }
}

#[cfg_attr(
    not(all(feature = "window", feature = "web")),
    allow(unused, reason = "what is not built is shown nothing")
)]
impl Shown {
    /// Told when the user wants the program to end.
    pub(crate) fn quit(&self) -> Arc<Notify> {
        Arc::clone(&self.quit)
    }

    /// The next thing to print of what the user does in the window; it may never come. Cancel-safe.
    pub(crate) async fn remark(&mut self) -> String {
        #[cfg(feature = "window")]
        if let Some(remarks) = &mut self.remarks
            && let Some(remark) = remarks.recv().await
        {
            return remark;
        }
        pending().await
    }

    /// What is left to print of it.
    pub(crate) fn last_remarks(&mut self) -> impl Iterator<Item = String> {
        #[cfg(feature = "window")]
        let remarks = std::iter::from_fn(|| self.remarks.as_mut()?.try_recv().ok());
        #[cfg(not(feature = "window"))]
        let remarks = std::iter::empty();
        remarks
    }

    /// A frame has come, and the session stands so.
    pub(crate) fn frame(&mut self, delivery: &Delivery, tally: &Tally) {
        #[cfg(feature = "window")]
        if let Some(window) = &mut self.window {
            window.count(counters(delivery, tally));
            // One that is closed has said so, and the program ends.
            let _ = window.show(&delivery.frame);
        }
        #[cfg(feature = "web")]
        if let Some(web) = &self.web {
            web.count(counters(delivery, tally));
            web.show(&delivery.frame);
        }
    }

    /// Whether somebody looks, in one way or another.
    pub(crate) fn is_any(&self) -> bool {
        #[cfg(feature = "window")]
        if self.window.is_some() {
            return true;
        }
        #[cfg(feature = "web")]
        if self.web.is_some() {
            return true;
        }
        false
    }

    /// How it stands with the sender.
    pub(crate) fn set_presence(&mut self, presence: Presence) {
        #[cfg(feature = "window")]
        if let Some(window) = &mut self.window {
            window.set_presence(presence);
        }
        #[cfg(feature = "web")]
        if let Some(web) = &self.web {
            web.set_presence(presence);
        }
    }

    /// Data has come.
    pub(crate) fn received(&self, data: &Value) {
        #[cfg(feature = "web")]
        if let Some(web) = &self.web {
            web.show_data(Direction::Received, data);
        }
    }

    /// Data is going back.
    pub(crate) fn sent(&self, data: &Value) {
        #[cfg(feature = "web")]
        if let Some(web) = &self.web {
            web.show_data(Direction::Sent, data);
        }
    }

    /// What somebody typed is going back.
    #[cfg(feature = "web")]
    pub(crate) fn sent_as_typed(&self, data: &Value) {
        if let Some(web) = &self.web {
            web.show_data(Direction::Typed, data);
        }
    }

    /// What somebody typed to send back.
    #[cfg(feature = "web")]
    pub(crate) fn typed(&self) -> Option<Typed> {
        self.web.as_ref()?.try_typed()
    }
}

/// Where the page is to be served: an address and a port, or one of them. What names this machine's own is loopback.
#[cfg(feature = "web")]
fn page_address(text: &str) -> Result<SocketAddr, String> {
    const PORT: u16 = 8080;
    let what_to_write = || {
        format!(
            "{text:?} is no address for a page; write a port up to 65535, as in --web 8088, or an IP address of this machine \
             and a port, as in --web 127.0.0.1:8088"
        )
    };
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse() {
        return Ok(SocketAddr::new(ip, PORT));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => ("", Some(text)),
        None => (text, None),
    };
    if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
        return Err(what_to_write());
    }
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().map_err(|_| what_to_write())?
        }
        Some(_) => return Err(what_to_write()),
        None => PORT,
    };
    Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
}

/// How this machine calls itself where it is asked for every address that it has.
#[cfg(feature = "web")]
fn own(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "127.0.0.1" } else { "[::1]" }
}

#[cfg(any(feature = "window", feature = "web"))]
fn counters(delivery: &Delivery, tally: &Tally) -> Counters {
    let (frames, bytes, dropped) = tally.counted();
    Counters { frames, bytes, dropped, latency: delivery.latency().map(|latency| latency.duration) }
}

#[cfg(all(test, feature = "web"))]
mod tests {
    use super::*;

    #[test]
    fn a_port_and_localhost_are_places_of_this_machine_alone() {
        for (text, address) in [
            ("8088", "127.0.0.1:8088"),
            (":8088", "127.0.0.1:8088"),
            ("0", "127.0.0.1:0"),
            ("localhost:8088", "127.0.0.1:8088"),
            ("LocalHost", "127.0.0.1:8080"),
            ("127.0.0.1:8088", "127.0.0.1:8088"),
            ("127.0.0.1", "127.0.0.1:8080"),
            ("[::1]:8088", "[::1]:8088"),
            ("::1", "[::1]:8080"),
            ("[::1]", "[::1]:8080"),
            ("0.0.0.0:8080", "0.0.0.0:8080"),
        ] {
            assert_eq!(page_address(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in
            ["", ":", "65536", ":+1", "-1", "desk:8088", "http://localhost:8088", "1.2.3:4", "localhost:"]
        {
            let error = page_address(text).unwrap_err();
            assert!(error.contains("--web 8088") && error.contains("127.0.0.1:8088"), "{text}: {error}");
        }
    }
}
