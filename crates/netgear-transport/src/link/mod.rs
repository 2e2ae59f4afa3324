//! What carries a session's messages.

mod error;
#[cfg(feature = "zeromq")]
mod zeromq;
mod zmtp;

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use netgear_proto::Multipart;
use tokio::time::timeout;

pub use self::error::LinkError;
#[cfg(feature = "zeromq")]
pub use self::zeromq::ZeromqLink;
pub(crate) use self::zmtp::{HandshakeError, ZmtpLink};

/// Carries multipart messages to one peer and back, whole and in order.
///
/// The crate has two: ZMTP over TCP and Unix sockets, which sessions use by default, and `ZeromqLink` over the
/// sockets of the `zeromq` crate. Implement it to run a session over anything else, and give it to
/// [`Builder::over`](crate::Builder::over).
pub trait Link: Send + Unpin + 'static {
    /// Takes a message for sending. It is on its way once [`Link::poll_flush`] is ready.
    ///
    /// A session never has more than a few messages under way, so an implementation need not bound them.
    ///
    /// # Errors
    /// [`LinkError`] if the link can carry nothing any more, or not this message.
    fn send(&mut self, message: Multipart) -> Result<(), LinkError>;

    /// Ready once everything taken by [`Link::send`] is in the hands of the system.
    ///
    /// # Errors
    /// [`LinkError`] if the link broke.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>>;

    /// The next message of the peer; `None` once the peer has closed its end between two messages.
    ///
    /// # Errors
    /// [`LinkError`] if the link broke, or the peer broke a rule of it.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Multipart>, LinkError>>;

    /// Sends what is left, tells the peer that nothing more comes, and waits for it to do the same. Messages that
    /// still arrive are dropped. The session gives it a second.
    ///
    /// # Errors
    /// [`LinkError`] if the link broke.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>>;
}

/// How long a link may take to send what is left and see the peer close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Closes a link so that the peer hears the last words, unless it does not listen.
pub(crate) async fn close(link: &mut impl Link) {
    let _ = timeout(CLOSE_TIMEOUT, poll_fn(|cx| link.poll_close(cx))).await;
}

impl Link for Box<dyn Link> {
    fn send(&mut self, message: Multipart) -> Result<(), LinkError> {
        (**self).send(message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        (**self).poll_flush(cx)
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Multipart>, LinkError>> {
        (**self).poll_receive(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        (**self).poll_close(cx)
    }
}
