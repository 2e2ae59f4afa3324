use std::{
    io::{self, IoSlice},
    net::IpAddr,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, lookup_host},
};

use crate::{Endpoint, Host, send_buffer};

/// A connected socket of either kind.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    pub(crate) async fn connect(endpoint: &Endpoint) -> io::Result<Self> {
        match endpoint {
            Endpoint::Tcp { host: Host::Any, .. } => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "tcp://* is where to bind"))
            }
            Endpoint::Tcp { host: Host::Ip(ip), port } => to_another(TcpStream::connect((*ip, *port)).await?),
            Endpoint::Tcp { host: Host::Name(name), port } => {
                to_another(TcpStream::connect((name.as_str(), *port)).await?)
            }
            #[cfg(unix)]
            Endpoint::Ipc(path) => Ok(unix(UnixStream::connect(path).await?)),
            #[cfg(unix)]
            Endpoint::IpcAbstract(name) => Ok(unix(UnixStream::connect(abstract_path(name)).await?)),
            #[cfg(not(unix))]
            Endpoint::Ipc(_) | Endpoint::IpcAbstract(_) => Err(no_unix_sockets()),
        }
    }
}

/// Where nobody is bound, the system may happen to choose the very port that is connected to as the one to connect
/// from, and connect the socket to itself.
fn to_another(stream: TcpStream) -> io::Result<Socket> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
    }
    tcp(stream)
}

fn tcp(stream: TcpStream) -> io::Result<Socket> {
    // A small answer must not wait for more to fill a segment.
    stream.set_nodelay(true)?;
    send_buffer::bound_tcp(&stream);
    Ok(Socket::Tcp(stream))
}

#[cfg(unix)]
fn unix(stream: UnixStream) -> Socket {
    send_buffer::bound_unix(&stream);
    Socket::Unix(stream)
}

/// tokio, as the C library's users do, writes an abstract name as a path that begins with a zero byte.
#[cfg(unix)]
fn abstract_path(name: &str) -> PathBuf {
    PathBuf::from(format!("\0{name}"))
}

#[cfg(not(unix))]
fn no_unix_sockets() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets; use tcp://")
}

/// A bound socket that waits for peers.
#[derive(Debug)]
pub(crate) struct Listener {
    kind: Kind,
    endpoint: Endpoint,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        // Dropped before the listener: once that is closed, the file may be another program's.
        _file: Option<SocketFile>,
        listener: UnixListener,
    },
}

impl Listener {
    pub(crate) async fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        match endpoint {
            Endpoint::Tcp { host, port } => {
                let listener = match host {
                    Host::Any => bind_any(*port).await?,
                    Host::Ip(ip) => TcpListener::bind((*ip, *port)).await?,
                    Host::Name(name) => TcpListener::bind((name.as_str(), *port)).await?,
                };
                let port = listener.local_addr()?.port();
                let endpoint = Endpoint::Tcp { host: host.clone(), port };
                Ok(Self { kind: Kind::Tcp(listener), endpoint })
            }
            #[cfg(unix)]
            Endpoint::Ipc(path) => {
                let (listener, file) = bind_path(path).await?;
                Ok(Self { kind: Kind::Unix { listener, _file: Some(file) }, endpoint: endpoint.clone() })
            }
            #[cfg(unix)]
            Endpoint::IpcAbstract(name) => {
                let listener = UnixListener::bind(abstract_path(name))?;
                Ok(Self { kind: Kind::Unix { listener, _file: None }, endpoint: endpoint.clone() })
            }
            #[cfg(not(unix))]
            Endpoint::Ipc(_) | Endpoint::IpcAbstract(_) => Err(no_unix_sockets()),
        }
    }

    /// Where it is bound: as asked for, with the port that the system chose.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The next peer that connects. Cancel-safe.
    pub(crate) async fn accept(&self) -> io::Result<Socket> {
        match &self.kind {
            Kind::Tcp(listener) => tcp(listener.accept().await?.0),
            #[cfg(unix)]
            Kind::Unix { listener, .. } => Ok(unix(listener.accept().await?.0)),
        }
    }
}

/// Every interface, IPv6 and IPv4 in one where the system has both.
async fn bind_any(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((IpAddr::from([0_u16; 8]), port)).await {
        // No IPv6 on this machine; a taken port is an error with either.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((IpAddr::from([0_u8; 4]), port)).await
        }
        bound => bound,
    }
}

/// Finds out whether a name leads to an address, so that a misspelt one is an error at once.
pub(crate) async fn check_resolves(endpoint: &Endpoint) -> io::Result<()> {
    let Endpoint::Tcp { host: Host::Name(name), port } = endpoint else { return Ok(()) };
    match lookup_host((name.as_str(), *port)).await?.next() {
        Some(_) => Ok(()),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
    }
}

/// A socket's file, which is gone when the listener is.
#[cfg(unix)]
#[derive(Debug)]
struct SocketFile(PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Binds a path, and takes the place of a socket that a program left behind when it died.
#[cfg(unix)]
async fn bind_path(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    use std::os::unix::fs::FileTypeExt;

    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
                let reason = "something that is no socket has this path; move it away, or bind another path";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
            }
            match UnixStream::connect(path).await {
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                _ => return Err(error),
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    Ok((listener, SocketFile(path.to_owned())))
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
