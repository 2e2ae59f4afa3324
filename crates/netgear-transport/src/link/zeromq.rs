use std::{
    mem,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::future::BoxFuture;
use netgear_proto::{Multipart, Part};
use tokio::time::sleep;
use zeromq::{RepSocket, ReqSocket, SocketRecv, SocketSend, ZmqError, ZmqMessage, ZmqResult};

use super::{Link, LinkError};

/// A link over a REQ or REP socket of the `zeromq` crate, which an application already has and has bound or
/// connected.
///
/// A sender's session asks, so it runs over a REQ; a receiver's answers, so it runs over a REP. Build the session
/// with [`Pattern::ReqRep`](netgear_proto::Pattern::ReqRep) and give the link to
/// [`Builder::over`](crate::Builder::over).
///
/// What is weaker than over this crate's own links: the `zeromq` crate copies pixels once on the way out and checks
/// no length before it allocates, so use it only between programs that trust each other; a REP does not learn that
/// its peer is gone, and finds out by the session's timeout; and its sockets show no properties of the peer's, so
/// that a sender over one has to be told by [`Builder::dialect`](crate::Builder::dialect) that its peer is VidGear.
pub struct ZeromqLink<S> {
    socket: Socket<S>,
    /// Whether this is a REQ, which speaks first.
    asks: bool,
    our_turn: bool,
    outgoing: Option<ZmqMessage>,
}

/// The socket, or the operation that has it at the moment and gives it back.
enum Socket<S> {
    Idle(S),
    Sending(BoxFuture<'static, (S, ZmqResult<()>)>),
    Receiving(BoxFuture<'static, (S, ZmqResult<ZmqMessage>)>),
    /// An operation failed, and nothing more can be done.
    Broken,
}

impl ZeromqLink<ReqSocket> {
    /// A sender's link.
    pub fn req(socket: ReqSocket) -> Self {
        Self { socket: Socket::Idle(socket), asks: true, our_turn: true, outgoing: None }
    }
}

impl ZeromqLink<RepSocket> {
    /// A receiver's link.
    pub fn rep(socket: RepSocket) -> Self {
        Self { socket: Socket::Idle(socket), asks: false, our_turn: false, outgoing: None }
    }
}

impl<S: SocketSend + SocketRecv + Send + Unpin + 'static> Link for ZeromqLink<S> {
    fn send(&mut self, message: Multipart) -> Result<(), LinkError> {
        if !self.our_turn || self.outgoing.is_some() {
            return Err(LinkError::Zeromq("it is the peer's turn: REQ and REP alternate".to_owned()));
        }
        let parts: Vec<_> = message.into_parts().into_iter().map(Part::into_bytes).collect();
        let message = ZmqMessage::try_from(parts).map_err(broken)?;
        self.outgoing = Some(message);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        loop {
            match mem::replace(&mut self.socket, Socket::Broken) {
                Socket::Idle(socket) => match self.outgoing.take() {
                    Some(message) => {
                        self.our_turn = false;
                        self.socket = Socket::Sending(Box::pin(send(socket, message, self.asks)));
                    }
                    None => {
                        self.socket = Socket::Idle(socket);
                        return Poll::Ready(Ok(()));
                    }
                },
                Socket::Sending(mut sending) => match sending.as_mut().poll(cx) {
                    Poll::Ready((socket, sent)) => {
                        sent.map_err(broken)?;
                        self.socket = Socket::Idle(socket);
                    }
                    Poll::Pending => {
                        self.socket = Socket::Sending(sending);
                        return Poll::Pending;
                    }
                },
                // Nothing waits to be sent while it is the peer's turn.
                Socket::Receiving(receiving) => {
                    self.socket = Socket::Receiving(receiving);
                    return Poll::Ready(Ok(()));
                }
                Socket::Broken => return Poll::Ready(Err(gone())),
            }
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Multipart>, LinkError>> {
        ready!(self.poll_flush(cx))?;
        if self.our_turn {
            // The session speaks next, and wakes the task that polls this when it does.
            return Poll::Pending;
        }
        loop {
            match mem::replace(&mut self.socket, Socket::Broken) {
                Socket::Idle(mut socket) => {
                    self.socket = Socket::Receiving(Box::pin(async move {
                        let received = socket.recv().await;
                        (socket, received)
                    }));
                }
                Socket::Receiving(mut receiving) => match receiving.as_mut().poll(cx) {
                    Poll::Ready((socket, received)) => {
                        let message = received.map_err(broken)?;
                        self.socket = Socket::Idle(socket);
                        self.our_turn = true;
                        return Poll::Ready(Ok(Some(message.into_vec().into())));
                    }
                    Poll::Pending => {
                        self.socket = Socket::Receiving(receiving);
                        return Poll::Pending;
                    }
                },
                Socket::Sending(sending) => {
                    self.socket = Socket::Sending(sending);
                    return Poll::Pending;
                }
                Socket::Broken => return Poll::Ready(Err(gone())),
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        // Its send returns when the message is with the system, and its sockets close when dropped.
        self.poll_flush(cx)
    }
}

/// How long to wait before a request is offered again to a REQ without a peer.
const RETRY: Duration = Duration::from_millis(50);

/// Sends a message; a REQ that has no peer yet hands it back, and is given it again until it has one.
async fn send<S: SocketSend>(mut socket: S, mut message: ZmqMessage, asks: bool) -> (S, ZmqResult<()>) {
    loop {
        match socket.send(message).await {
            Err(ZmqError::ReturnToSender { message: back, .. }) if asks => message = back,
            sent => return (socket, sent),
        }
        sleep(RETRY).await;
    }
}

fn broken(error: impl std::fmt::Display) -> LinkError {
    LinkError::Zeromq(error.to_string())
}

fn gone() -> LinkError {
    LinkError::Zeromq("it failed before".to_owned())
}
