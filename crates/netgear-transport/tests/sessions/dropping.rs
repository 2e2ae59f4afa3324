//! Handles that are dropped without a close, and runtimes that are gone.

use std::{
    sync::mpsc,
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use netgear_transport::{
    CloseError, FrameReceiver, FrameSender, Link, LinkError, RecvError, SendError, SessionFailure,
    proto::{Multipart, Pattern},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};

use crate::common::{PATIENCE, PATTERNS, connected, large, numbered, receiver, sender, within};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Runs on a thread of its own, so that even what blocks is found out.
fn on_a_thread<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, finished) = mpsc::channel();
    let worker = thread::spawn(move || done.send(work()));
    match finished.recv_timeout(PATIENCE) {
        Ok(result) => {
            let _ = worker.join();
            result
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what} panicked"),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what} hangs"),
    }
}

async fn tasks_end(runtime: &tokio::runtime::Handle) {
    within("a task", async {
        while runtime.metrics().num_alive_tasks() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[test]
fn a_dropped_handle_tells_the_peer_and_leaves_no_task() {
    on_a_thread("dropping", || {
        for pattern in PATTERNS {
            let runtime = runtime();
            runtime.block_on(async {
                let (sender, receiver) = connected(pattern).await;
                drop(sender);
                assert_eq!(within("recv", receiver.recv()).await.unwrap(), None);
                drop(receiver);

                let (sender, receiver) = connected(pattern).await;
                drop(receiver);
                let left = within("send", async {
                    loop {
                        if let Err(error) = sender.send(numbered(0), None).await {
                            break error;
                        }
                    }
                });
                assert!(matches!(left.await, SendError::PeerLeft));
                drop(sender);

                // With nobody there, bound and connecting; and in the middle of a large frame that nobody takes.
                let lonely: FrameReceiver = receiver_bound(pattern).await;
                let seeking: FrameSender = crate::common::sender(pattern)
                    .connect("tcp://127.0.0.1:9".parse().unwrap())
                    .await
                    .unwrap();
                sleep(Duration::from_millis(50)).await;
                drop((lonely, seeking));
                let (sender, receiver) = connected(pattern).await;
                sender.send(large(64 << 20), None).await.unwrap();
                drop(sender);
                drop(receiver);
                tasks_end(&tokio::runtime::Handle::current()).await;
            });
        }
    });
}

async fn receiver_bound(pattern: Pattern) -> FrameReceiver {
    receiver(pattern).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap()
}

#[test]
fn a_runtime_shut_down_at_once_does_not_hang() {
    on_a_thread("shutting down", || {
        for pattern in PATTERNS {
            let runtime = runtime();
            let (sender, receiver) = runtime.block_on(connected(pattern));
            runtime.block_on(sender.send(large(64 << 20), None)).unwrap();
            drop(sender);
            drop(receiver);
            let started = Instant::now();
            drop(runtime);
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    });
}

/// Who waits on one runtime for a session that another one drove is told when that is gone.
#[test]
fn a_handle_outlives_its_runtime() {
    on_a_thread("waiting", || {
        for pattern in PATTERNS {
            let driving = runtime();
            let (sender, receiver) = driving.block_on(connected(pattern));
            let waiting = runtime();
            let receiving = waiting.spawn(async move { (receiver.recv().await, receiver.close().await) });
            thread::sleep(Duration::from_millis(50));
            driving.shutdown_background();
            let (received, closed) = waiting.block_on(within("recv", receiving)).unwrap();
            let error = received.unwrap_err();
            assert!(matches!(error, RecvError::Failed(SessionFailure::Stopped)), "{error}");
            assert!(matches!(closed, Err(CloseError { failure: SessionFailure::Stopped, .. })));
            let sending = async {
                loop {
                    if let Err(error) = sender.send(numbered(0), None).await {
                        break error;
                    }
                }
            };
            let error = waiting.block_on(within("send", sending));
            assert!(matches!(error, SendError::Failed(SessionFailure::Stopped)), "{error}");
        }
    });
}

/// An application that was busy for so long that the peer has closed the connection meanwhile: what it says then is
/// answered with a reset, and the goodbye that came before is heard all the same.
#[test]
fn a_goodbye_is_heard_late() {
    let (receiver_is, receiver_at) = mpsc::channel();
    let (sender_is, gone) = mpsc::channel();
    let sending = thread::spawn(move || {
        runtime().block_on(async {
            let endpoint = receiver_at.recv().unwrap();
            let sender = sender(Pattern::Pair).linger(Duration::ZERO).connect(endpoint).await.unwrap();
            sender.send(numbered(0), None).await.unwrap();
            sleep(Duration::from_millis(300)).await;
            within("close", sender.close()).await.unwrap();
        });
        sender_is.send(()).unwrap();
    });
    on_a_thread("receiving", move || {
        // Nothing runs on this runtime but within `block_on`.
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let receiver = runtime.block_on(receiver_bound(Pattern::Pair));
        receiver_is.send(receiver.endpoint().unwrap().clone()).unwrap();
        assert!(runtime.block_on(within("recv", receiver.recv())).unwrap().is_some());
        gone.recv().unwrap();
        receiver.reply(large(16 << 20)).unwrap();
        assert_eq!(runtime.block_on(within("recv", receiver.recv())).unwrap(), None);
        runtime.block_on(within("close", receiver.close())).unwrap();
    });
    sending.join().unwrap();
}

/// A link of the application's that panics.
struct Panicking;

impl Link for Panicking {
    fn send(&mut self, _message: Multipart) -> Result<(), LinkError> {
        panic!("as a link with a fault may")
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_receive(&mut self, _cx: &mut Context<'_>) -> Poll<Result<Option<Multipart>, LinkError>> {
        Poll::Pending
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_driver_that_panics_leaves_nobody_waiting() {
    let sender = sender(Pattern::Pair).over(Panicking);
    let error = within("send", sender.send(numbered(0), None)).await.unwrap_err();
    assert!(matches!(error, SendError::Failed(SessionFailure::Stopped)), "{error}");
    assert!(within("close", sender.close()).await.is_err());
}

/// What the handles are is part of what they promise: they go from task to task.
#[test]
fn handles_and_futures_are_send() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>() {}
    is_sync::<FrameSender>();
    is_sync::<FrameReceiver>();
    async fn futures(sender: &FrameSender, receiver: &FrameReceiver) {
        is_send(&sender.send(numbered(0), None));
        is_send(&sender.recv_data());
        is_send(&receiver.recv());
    }
    let _ = futures;
}
