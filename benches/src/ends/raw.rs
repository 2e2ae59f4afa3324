//! The limit: tokio's own sockets moving the same bytes, with no protocol at all.
//!
//! With a window, each end writes and reads at the same time, as it must: two ends that both only write wait for each
//! other once the kernel's buffers are full.

use bytes::Bytes;
use netgear_bench_end::{Error, Exchange, Job, Receiving, Sending, stamp_of};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::mpsc,
    try_join,
};

struct Stream<R, W> {
    input: R,
    output: W,
    answer: Vec<u8>,
    window: u16,
    /// Data that goes with the frame: only where that is what the frame is for.
    has_item: bool,
}

/// Of what size the system's buffers for what is sent are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buffers {
    /// The system's choice.
    AsTheyCome,
    /// As a session has them for a peer on the same machine, so that what is left between the two is the session.
    AsSessionsHave,
}

impl Buffers {
    /// That of netgear-transport's send_buffer.rs.
    const OF_SESSIONS: usize = 512 * 1024;

    fn set(self, socket: socket2::SockRef<'_>) -> Result<(), Error> {
        if self == Self::AsTheyCome {
            return Ok(());
        }
        socket.set_send_buffer_size(Self::OF_SESSIONS)?;
        if socket.domain()? != socket2::Domain::UNIX && socket.send_buffer_size()? < 2 * Self::OF_SESSIONS {
            return Err(
                "net.core.wmem_max grants less than sessions ask for, which then leave theirs alone".into()
            );
        }
        Ok(())
    }
}

/// The end with the frames.
///
/// # Errors
/// If a socket fails.
pub async fn send(job: Job, end: Sending, buffers: Buffers) -> Result<(), Error> {
    let answer = vec![0; job.answer_bytes()];
    let (window, has_item) = (job.window, carries_item(&job));
    if let Some(path) = job.endpoint.strip_prefix("ipc://") {
        let stream = UnixStream::connect(path).await?;
        buffers.set((&stream).into())?;
        let (input, output) = stream.into_split();
        end.obey(Stream { input, output, answer, window, has_item }).await
    } else {
        let stream = TcpStream::connect(tcp(&job)?).await?;
        stream.set_nodelay(true)?;
        buffers.set((&stream).into())?;
        let (input, output) = stream.into_split();
        end.obey(Stream { input, output, answer, window, has_item }).await
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Exchange for Stream<R, W> {
    async fn exchange(&mut self, pixels: Bytes, item: Bytes) -> Result<Option<u64>, Error> {
        self.output.write_all(&pixels).await?;
        if self.has_item {
            self.output.write_all(&item).await?;
        }
        self.input.read_exact(&mut self.answer).await?;
        Ok(stamp_of(&self.answer))
    }

    async fn pipeline(&mut self, pixels: Bytes, _: Bytes, frames: u64) -> Result<(), Error> {
        let Self { input, output, answer, window, .. } = self;
        // An item for each frame that may yet be sent.
        let (room_in, mut room) = mpsc::channel(usize::from(*window));
        for _ in 0..*window {
            room_in.try_send(())?;
        }
        let write = async {
            for _ in 0..frames {
                room.recv().await.ok_or("nobody reads")?;
                output.write_all(&pixels).await?;
            }
            Ok::<_, Error>(())
        };
        let read = async {
            for _ in 0..frames {
                input.read_exact(answer).await?;
                // It is closed once all are written.
                let _ = room_in.try_send(());
            }
            Ok(())
        };
        try_join!(write, read)?;
        Ok(())
    }
}

/// The end that answers.
///
/// # Errors
/// If a socket fails.
pub async fn receive(job: Job, end: Receiving, buffers: Buffers) -> Result<(), Error> {
    if let Some(path) = job.endpoint.strip_prefix("ipc://") {
        let listener = UnixListener::bind(path)?;
        end.ready(&job.endpoint);
        let (stream, _) = listener.accept().await?;
        buffers.set((&stream).into())?;
        let (input, output) = stream.into_split();
        answer(&job, &end, input, output).await
    } else {
        let listener = TcpListener::bind(tcp(&job)?).await?;
        end.ready(format!("tcp://{}", listener.local_addr()?));
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        buffers.set((&stream).into())?;
        let (input, output) = stream.into_split();
        answer(&job, &end, input, output).await
    }
}

async fn answer(
    job: &Job,
    end: &Receiving,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> Result<(), Error> {
    let mut frame = vec![0; job.frame_bytes()];
    let mut item = vec![0; if carries_item(job) { job.item_bytes } else { 0 }];
    if job.window == 1 {
        loop {
            input.read_exact(&mut frame).await?;
            input.read_exact(&mut item).await?;
            end.arrived(&frame);
            output.write_all(&end.answer()).await?;
        }
    }
    let (arrived_in, mut arrived) = mpsc::channel(usize::from(job.window));
    let read = async {
        loop {
            input.read_exact(&mut frame).await?;
            end.arrived(&frame);
            if arrived_in.send(()).await.is_err() {
                return Ok::<(), Error>(());
            }
        }
    };
    let write = async {
        while arrived.recv().await.is_some() {
            output.write_all(&end.answer()).await?;
        }
        Ok(())
    };
    try_join!(read, write)?;
    Ok(())
}

/// Whether the item is worth its bytes beside those of the frame: where data goes to and fro, and the frame is one
/// pixel.
fn carries_item(job: &Job) -> bool {
    job.frame_bytes() < job.item_bytes
}

fn tcp(job: &Job) -> Result<&str, Error> {
    job.endpoint.strip_prefix("tcp://").ok_or_else(|| format!("{} is no endpoint", job.endpoint).into())
}
