//! `omq-tokio`, driven by the runtime of the caller, as ours are.

use std::time::Duration;

use bytes::Bytes;
use netgear_bench_end::{Error, Exchange, Holding, Job, Pattern, Receiving, Sending, Side, stamp_of};
use omq_tokio::{Endpoint, Message, Options, Socket, SocketType};

struct Connected {
    socket: Socket,
    window: u16,
}

pub(crate) async fn send(job: Job, end: Sending) -> Result<(), Error> {
    let socket = Socket::new(socket_type(&job), Options::default());
    socket.connect(job.endpoint.parse::<Endpoint>()?).await?;
    socket.wait_connected(1, Duration::from_secs(30)).await?;
    end.obey(Connected { socket, window: job.window }).await
}

impl Connected {
    async fn answer(&self) -> Result<Option<u64>, Error> {
        Ok(stamp_of(self.socket.recv().await?.get(0).ok_or("the answer is empty")?))
    }
}

impl Exchange for Connected {
    async fn exchange(&mut self, pixels: Bytes, _: Bytes) -> Result<Option<u64>, Error> {
        self.socket.send(Message::single(pixels)).await?;
        self.answer().await
    }

    async fn pipeline(&mut self, pixels: Bytes, _: Bytes, frames: u64) -> Result<(), Error> {
        let mut unanswered = 0;
        for _ in 0..frames {
            if unanswered == self.window {
                self.answer().await?;
                unanswered -= 1;
            }
            self.socket.send(Message::single(pixels.clone())).await?;
            unanswered += 1;
        }
        for _ in 0..unanswered {
            self.answer().await?;
        }
        Ok(())
    }
}

pub(crate) async fn receive(job: Job, end: Receiving) -> Result<(), Error> {
    let socket = Socket::new(socket_type(&job), Options::default());
    end.ready(socket.bind(job.endpoint.parse::<Endpoint>()?).await?.to_string());
    loop {
        let frame = socket.recv().await?;
        end.arrived(frame.get(0).ok_or("the frame is empty")?);
        socket.send(Message::single(end.answer())).await?;
    }
}

/// Sockets that are held.
#[derive(Default)]
pub(crate) struct Idle {
    connected: Vec<Socket>,
}

impl Holding for Idle {
    async fn bind(&mut self, endpoint: &str) -> Result<String, Error> {
        let socket = Socket::new(SocketType::Pair, Options::default());
        let bound = socket.bind(endpoint.parse::<Endpoint>()?).await?.to_string();
        tokio::spawn(async move {
            while socket.recv().await.is_ok() {
                if socket.send(Message::single("seen")).await.is_err() {
                    break;
                }
            }
        });
        Ok(bound)
    }

    async fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        let socket = Socket::new(SocketType::Pair, Options::default());
        socket.connect(endpoint.parse::<Endpoint>()?).await?;
        socket.wait_connected(1, Duration::from_secs(30)).await?;
        self.connected.push(socket);
        Ok(())
    }

    async fn exchange(&mut self) -> Result<(), Error> {
        for socket in &self.connected {
            socket.send(Message::single("frame")).await?;
            socket.recv().await?;
        }
        Ok(())
    }
}

fn socket_type(job: &Job) -> SocketType {
    match (job.pattern, job.side) {
        (Pattern::Pair, _) => SocketType::Pair,
        (Pattern::ReqRep, Side::Sender) => SocketType::Req,
        (Pattern::ReqRep, Side::Receiver) => SocketType::Rep,
    }
}
