//! A peer played by hand: a plain socket, and ZMTP without a session on top of it.

use std::io;

use bytes::{Buf, Bytes};
use netgear_transport::{
    Endpoint,
    proto::{
        BufferPool, Mode, Multipart, Pattern, Role, Timestamp,
        native::{Hello, Message, READY_PROPERTY, READY_VALUE},
        zmtp::{Connection, ConnectionConfig, Event, SocketType},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::common::port_of;

pub(crate) async fn dial(endpoint: &Endpoint) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port_of(endpoint))).await.unwrap()
}

pub(crate) struct Scripted {
    pub(crate) stream: TcpStream,
    connection: Connection,
    pool: BufferPool,
}

impl Scripted {
    /// Shakes hands as a socket of this type, and as NetGear or as any other program.
    pub(crate) async fn shake(stream: TcpStream, socket_type: SocketType, netgear: bool) -> Self {
        let mut config = ConnectionConfig::new(socket_type).with_heartbeat(None);
        if netgear {
            config = config.with_property(READY_PROPERTY, READY_VALUE).unwrap();
        }
        let connection = Connection::new(config, Timestamp::ZERO);
        let mut peer = Self { stream, connection, pool: BufferPool::default() };
        while !peer.connection.is_established() {
            peer.flush().await;
            assert_ne!(peer.read().await.unwrap(), 0, "refused in the handshake");
        }
        peer.flush().await;
        peer
    }

    pub(crate) async fn accept(listener: &TcpListener, socket_type: SocketType, netgear: bool) -> Self {
        Self::shake(listener.accept().await.unwrap().0, socket_type, netgear).await
    }

    async fn flush(&mut self) {
        while self.connection.transmit().has_remaining() {
            let chunk = Bytes::copy_from_slice(self.connection.transmit().chunk());
            self.stream.write_all(&chunk).await.unwrap();
            self.connection.transmit().advance(chunk.len());
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 4096];
        let read = self.stream.read(&mut bytes).await?;
        self.connection.handle_input(Timestamp::ZERO, &bytes[..read], &mut self.pool).unwrap();
        Ok(read)
    }

    pub(crate) async fn send_raw(&mut self, message: Multipart) {
        self.connection.send(message).unwrap();
        self.flush().await;
    }

    /// To an end that may have closed the connection already.
    pub(crate) async fn send_or_lose(&mut self, message: Multipart) -> io::Result<()> {
        if self.connection.send(message).is_ok() {
            while self.connection.transmit().has_remaining() {
                let chunk = Bytes::copy_from_slice(self.connection.transmit().chunk());
                self.stream.write_all(&chunk).await?;
                self.connection.transmit().advance(chunk.len());
            }
        }
        Ok(())
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.send_raw(message.encode(&Default::default()).unwrap()).await;
    }

    pub(crate) async fn hello(&mut self, role: Role, pattern: Pattern) {
        self.send(Message::Hello(Hello::new(role, pattern, Mode::Bidirectional))).await;
    }

    /// The next native message; `None` once the other end has closed or reset the connection.
    pub(crate) async fn receive(&mut self) -> Option<Message> {
        let message = self.receive_raw().await?;
        Some(Message::decode(message, &Default::default()).unwrap())
    }

    /// The next message; `None` once the other end has closed or reset the connection.
    pub(crate) async fn receive_raw(&mut self) -> Option<Multipart> {
        loop {
            while let Some(event) = self.connection.poll_event() {
                if let Event::Message(message) = event {
                    return Some(message);
                }
            }
            if self.read().await.unwrap_or(0) == 0 {
                return None;
            }
            self.flush().await;
        }
    }
}

pub(crate) fn text(text: &'static str) -> Multipart {
    Multipart::from(Bytes::from_static(text.as_bytes()))
}
