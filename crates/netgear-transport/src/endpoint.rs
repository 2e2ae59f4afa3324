use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

/// Where a peer is, or where to wait for one: parsed once, and carried as a type.
///
/// | form | meaning |
/// |---|---|
/// | `tcp://host:port` | a host name, an IPv4 address, or an IPv6 address in brackets |
/// | `tcp://*:port` | every interface of this machine; to bind only |
/// | port `0` | any free port; to bind only |
/// | `ipc:///path` | a Unix socket in the file system |
/// | `ipc://@name` | a Unix socket in the abstract namespace (Linux) |
///
/// ```
/// use netgear_transport::Endpoint;
///
/// let endpoint: Endpoint = "tcp://127.0.0.1:5555".parse()?;
/// assert_eq!(endpoint.to_string(), "tcp://127.0.0.1:5555");
/// assert!("tcp://127.0.0.1".parse::<Endpoint>().is_err());
/// # Ok::<(), netgear_transport::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// TCP.
    Tcp {
        /// The host.
        host: Host,
        /// The port; 0 lets the system choose one.
        port: u16,
    },
    /// A Unix socket in the file system.
    Ipc(PathBuf),
    /// A Unix socket in Linux's abstract namespace.
    IpcAbstract(String),
}

/// The host part of a TCP endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// `*`: every interface.
    Any,
    /// An address.
    Ip(IpAddr),
    /// A name to look up.
    Name(String),
}

/// The longest path that `sockaddr_un` takes: 108 bytes with the closing zero.
const LONGEST_PATH: usize = 107;

impl Endpoint {
    /// VidGear's default port on this machine, where a sender connects: `tcp://127.0.0.1:5555`.
    pub fn default_to_connect() -> Self {
        Self::Tcp { host: Host::Ip(IpAddr::from([127, 0, 0, 1])), port: 5555 }
    }

    /// VidGear's default for the receiver, which binds every interface: `tcp://*:5555`.
    pub fn default_to_bind() -> Self {
        Self::Tcp { host: Host::Any, port: 5555 }
    }

    /// Checks that a peer can be reached there.
    pub(crate) fn check_connectable(&self) -> Result<(), EndpointError> {
        match self {
            Self::Tcp { host: Host::Any, .. } => Err(EndpointError::AnyHostToConnect),
            Self::Tcp { port: 0, .. } => Err(EndpointError::AnyPortToConnect),
            _ => Ok(()),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text.split_once("://") {
            Some(("tcp", address)) => tcp(text, address),
            Some(("ipc", address)) => ipc(text, address),
            Some((scheme, _)) => Err(EndpointError::Scheme { scheme: scheme.into() }),
            None => Err(EndpointError::NoScheme { text: text.into() }),
        }
    }
}

fn tcp(text: &str, address: &str) -> Result<Endpoint, EndpointError> {
    let no_port = || EndpointError::NoPort { text: text.into() };
    let (host, port) = if let Some(bracketed) = address.strip_prefix('[') {
        let (inside, behind) =
            bracketed.split_once(']').ok_or_else(|| EndpointError::Ipv6 { host: address.into() })?;
        let ip = inside.parse().map_err(|_| EndpointError::Ipv6 { host: inside.into() })?;
        (Host::Ip(IpAddr::V6(ip)), behind.strip_prefix(':').ok_or_else(no_port)?)
    } else {
        let (host, port) = address.rsplit_once(':').ok_or_else(no_port)?;
        (host_of(text, host)?, port)
    };
    if port.is_empty() {
        return Err(no_port());
    }
    // `parse` alone would take "+5555".
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port =
        port.parse().ok().filter(|_| digits).ok_or_else(|| EndpointError::Port { port: port.into() })?;
    Ok(Endpoint::Tcp { host, port })
}

fn host_of(text: &str, host: &str) -> Result<Host, EndpointError> {
    if host == "*" {
        return Ok(Host::Any);
    }
    if host.is_empty() {
        return Err(EndpointError::NoHost { text: text.into() });
    }
    if host.contains(':') {
        return Err(EndpointError::Ipv6 { host: host.into() });
    }
    if let Ok(ip) = host.parse() {
        return Ok(Host::Ip(ip));
    }
    let name = host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
    if !name {
        return Err(EndpointError::Host { host: host.into() });
    }
    Ok(Host::Name(host.into()))
}

fn ipc(text: &str, address: &str) -> Result<Endpoint, EndpointError> {
    let name = address.strip_prefix('@');
    let longest = if name.is_some() { LONGEST_PATH + 1 } else { LONGEST_PATH };
    if address.is_empty() || name == Some("") {
        return Err(EndpointError::NoPath { text: text.into() });
    }
    if address.contains('\0') {
        return Err(EndpointError::ZeroInPath);
    }
    if address.len() > longest {
        return Err(EndpointError::PathTooLong { length: address.len(), longest });
    }
    match name {
        Some(name) if cfg!(target_os = "linux") => Ok(Endpoint::IpcAbstract(name.into())),
        Some(_) => Err(EndpointError::NoAbstract),
        None => Ok(Endpoint::Ipc(address.into())),
    }
}

/// As it is written, ready to be parsed again.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
            Self::IpcAbstract(name) => write!(f, "ipc://@{name}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why a text is not an [`Endpoint`], or one cannot be used so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no `://`.
    #[error("{text:?} does not say how to get there; write tcp://host:port or ipc:///path")]
    NoScheme {
        /// What was given.
        text: String,
    },
    /// A transport that this crate does not have.
    #[error("{scheme:?} is not a transport; use tcp:// or ipc://")]
    Scheme {
        /// What was given before `://`.
        scheme: String,
    },
    /// There is no host.
    #[error(
        "{text:?} names no host; use tcp://127.0.0.1:5555 for this machine, or tcp://*:5555 to bind every interface"
    )]
    NoHost {
        /// What was given.
        text: String,
    },
    /// The host can be neither an address nor a name.
    #[error("{host:?} is neither an address nor a host name")]
    Host {
        /// What was given.
        host: String,
    },
    /// An IPv6 address without brackets, or a malformed one in them.
    #[error("{host:?} is not an IPv6 address in brackets; write it as in tcp://[::1]:5555")]
    Ipv6 {
        /// What was given.
        host: String,
    },
    /// There is no port.
    #[error("{text:?} has no port; add one, as in tcp://127.0.0.1:5555")]
    NoPort {
        /// What was given.
        text: String,
    },
    /// The port is not a number from 0 to 65535.
    #[error("{port:?} is not a port; use a number from 0 to 65535")]
    Port {
        /// What was given.
        port: String,
    },
    /// There is no path, or no name behind `@`.
    #[error("{text:?} names no socket; write ipc:///path, or ipc://@name")]
    NoPath {
        /// What was given.
        text: String,
    },
    /// A path holds a zero byte.
    #[error("the path of a socket cannot hold a zero byte")]
    ZeroInPath,
    /// A path longer than the system takes.
    #[error(
        "the path of a socket may have {longest} bytes, and this one has {length}; use a shorter one, or ipc://@name"
    )]
    PathTooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        longest: usize,
    },
    /// Abstract sockets are Linux's alone.
    #[error("this system has no abstract sockets; use ipc:///path")]
    NoAbstract,
    /// `*` was given to connect to.
    #[error("tcp://* is where to bind; to connect, name the host")]
    AnyHostToConnect,
    /// Port 0 was given to connect to.
    #[error("port 0 is for binding; to connect, name the port that the other end bound")]
    AnyPortToConnect,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_parses_and_prints_as_it_was() {
        for text in [
            "tcp://127.0.0.1:5555",
            "tcp://*:5555",
            "tcp://*:0",
            "tcp://[::1]:5555",
            "tcp://[fe80::1]:65535",
            "tcp://camera-3.local:5555",
            "tcp://host_name:1",
            "ipc:///tmp/netgear.sock",
            "ipc://relative.sock",
            "ipc://@netgear",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn each_malformed_form_has_its_own_error() {
        use EndpointError as E;
        let text = |text: &str| text.to_owned();
        for (given, expected) in [
            ("", E::NoScheme { text: text("") }),
            ("localhost:5555", E::NoScheme { text: text("localhost:5555") }),
            ("udp://127.0.0.1:5555", E::Scheme { scheme: text("udp") }),
            ("TCP://127.0.0.1:5555", E::Scheme { scheme: text("TCP") }),
            ("tcp://", E::NoPort { text: text("tcp://") }),
            ("tcp://127.0.0.1", E::NoPort { text: text("tcp://127.0.0.1") }),
            ("tcp://127.0.0.1:", E::NoPort { text: text("tcp://127.0.0.1:") }),
            ("tcp://[::1]", E::NoPort { text: text("tcp://[::1]") }),
            ("tcp://[::1]5555", E::NoPort { text: text("tcp://[::1]5555") }),
            ("tcp://:5555", E::NoHost { text: text("tcp://:5555") }),
            ("tcp://a b:5555", E::Host { host: text("a b") }),
            ("tcp://host/path:5555", E::Host { host: text("host/path") }),
            ("tcp://a..b:1", E::Host { host: text("a..b") }),
            ("tcp://::1:5555", E::Ipv6 { host: text("::1") }),
            ("tcp://[::1:5555", E::Ipv6 { host: text("[::1:5555") }),
            ("tcp://[localhost]:5555", E::Ipv6 { host: text("localhost") }),
            ("tcp://127.0.0.1:65536", E::Port { port: text("65536") }),
            ("tcp://127.0.0.1:-1", E::Port { port: text("-1") }),
            ("tcp://127.0.0.1:+1", E::Port { port: text("+1") }),
            ("tcp://127.0.0.1:http", E::Port { port: text("http") }),
            ("ipc://", E::NoPath { text: text("ipc://") }),
            ("ipc://@", E::NoPath { text: text("ipc://@") }),
            ("ipc:///a\0b", E::ZeroInPath),
        ] {
            assert_eq!(given.parse::<Endpoint>(), Err(expected), "{given:?}");
        }
        let long = format!("ipc:///{}", "a".repeat(107));
        assert_eq!(long.parse::<Endpoint>(), Err(E::PathTooLong { length: 108, longest: 107 }));
        assert!(long[..long.len() - 1].parse::<Endpoint>().is_ok());
    }

    #[test]
    fn what_can_only_be_bound_is_refused_to_connect() {
        let check = |text: &str| text.parse::<Endpoint>().unwrap().check_connectable();
        assert_eq!(check("tcp://*:5555"), Err(EndpointError::AnyHostToConnect));
        assert_eq!(check("tcp://127.0.0.1:0"), Err(EndpointError::AnyPortToConnect));
        assert_eq!(check("ipc://@x"), Ok(()));
    }
}
