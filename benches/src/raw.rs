//! The limit: tokio's own sockets moving the same bytes in lock-step, with no protocol at all.

use std::{sync::mpsc, time::Duration};

use netgear_proto::Frame;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

use crate::{Carrier, Error, Exchange, Returned, Stopwatch, join, on_a_thread, runtime};

/// The bytes of a small answer: about what a session sends for a short text.
const SMALL: usize = 32;

/// Runs the exchange, and gives the time that the timed frames took.
///
/// # Errors
/// If a socket fails.
pub fn run(exchange: Exchange) -> Result<Duration, Error> {
    let (bound, where_bound) = mpsc::channel();
    let receiver = on_a_thread(move |runtime| {
        runtime.block_on(async {
            let endpoint = exchange.carrier.fresh_endpoint();
            match exchange.carrier {
                Carrier::Tcp => {
                    let listener = TcpListener::bind("127.0.0.1:0").await?;
                    bound.send(listener.local_addr()?.to_string())?;
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    receive(stream, exchange).await
                }
                Carrier::Ipc => {
                    let path = endpoint.trim_start_matches("ipc://").to_owned();
                    let listener = UnixListener::bind(&path)?;
                    bound.send(path.clone())?;
                    let (stream, _) = listener.accept().await?;
                    std::fs::remove_file(path)?;
                    receive(stream, exchange).await
                }
            }
        })
    });
    let address = where_bound.recv()?;
    let frame = exchange.frame()?;
    let elapsed = runtime()?.block_on(async {
        match exchange.carrier {
            Carrier::Tcp => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                send(stream, exchange, frame).await
            }
            Carrier::Ipc => send(UnixStream::connect(address).await?, exchange, frame).await,
        }
    })?;
    join(receiver)?;
    Ok(elapsed)
}

async fn send<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    mut stream: S,
    exchange: Exchange,
    frame: Frame,
) -> Result<Duration, Error> {
    let mut answer = vec![0; answer_bytes(&exchange)];
    let mut stopwatch = Stopwatch::new(&exchange);
    for _ in 0..exchange.warm_up + exchange.frames {
        stream.write_all(frame.pixels()).await?;
        stream.read_exact(&mut answer).await?;
        stopwatch.frame_done();
    }
    Ok(stopwatch.elapsed())
}

async fn receive<S: AsyncReadExt + AsyncWriteExt + Unpin>(
    mut stream: S,
    exchange: Exchange,
) -> Result<(), Error> {
    let mut frame = vec![0; exchange.frame_bytes()];
    let answer = vec![1; answer_bytes(&exchange)];
    for _ in 0..exchange.warm_up + exchange.frames {
        stream.read_exact(&mut frame).await?;
        stream.write_all(&answer).await?;
    }
    Ok(())
}

fn answer_bytes(exchange: &Exchange) -> usize {
    match exchange.returned {
        Returned::Data => SMALL,
        Returned::Frame => exchange.frame_bytes(),
    }
}
