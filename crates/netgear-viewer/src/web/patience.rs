//! A connection that may be slow, and must not stand still.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// A connection on which writing fails once nothing of what is written has been taken for some time. However slow it
/// is, it is not given up while it moves.
pub(super) struct Patient<S> {
    inner: S,
    patience: Duration,
    /// While there is no room for what is written.
    standstill: Option<Pin<Box<Sleep>>>,
    took_at: Option<Instant>,
}

impl<S> Patient<S> {
    pub(super) const fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, standstill: None, took_at: None }
    }

    /// When the other end was last known to have taken something. That there is room in the system's buffer says
    /// nothing; that there is room again does.
    pub(super) const fn took_at(&self) -> Option<Instant> {
        self.took_at
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.standstill.take().is_some() {
                self.took_at = Some(Instant::now());
            }
            return written;
        }
        let patience = self.patience;
        ready!(self.standstill.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, to)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, from);
        self.watch(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// The clock is a virtual one.
    #[tokio::test(start_paused = true)]
    async fn what_is_slow_is_not_given_up_and_what_stands_still_is() {
        let (near, mut far) = duplex(10);
        let mut near = Patient::new(near, PATIENCE);
        let start = Instant::now();
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            while all.len() < 90 {
                sleep(Duration::from_secs(15)).await;
                let mut part = [0; 10];
                far.read_exact(&mut part).await.unwrap();
                all.extend(part);
            }
            (far, all)
        });
        near.write_all(&[7; 100]).await.unwrap();
        assert!(start.elapsed() > 5 * PATIENCE);
        assert!(near.took_at().unwrap().elapsed() < PATIENCE);
        let (_far, all) = reader.await.unwrap();
        assert_eq!(all, [7; 90]);
        // The far end is there, and takes nothing more.
        let stopped = Instant::now();
        let error = near.write_all(&[8; 10]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(stopped.elapsed() >= PATIENCE && stopped.elapsed() < 2 * PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn room_in_a_buffer_does_not_say_that_anybody_reads() {
        let (near, _far) = duplex(100);
        let mut near = Patient::new(near, PATIENCE);
        near.write_all(&[7; 50]).await.unwrap();
        assert_eq!(near.took_at(), None);
    }
}
