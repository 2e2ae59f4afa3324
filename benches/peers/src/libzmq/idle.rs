use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use netgear_bench_end::{Error, Holding};
use zmq::{Context, DONTWAIT, Socket, SocketType};

/// Sockets that are held, all of one context. They send no heartbeats unless they are told to.
pub(crate) struct Idle {
    context: Context,
    connected: Vec<Socket>,
    bound: Arc<Mutex<Vec<Socket>>>,
    answers: bool,
}

/// How often those that are bound are asked whether something has come.
const EVERY: Duration = Duration::from_millis(5);

impl Idle {
    pub(crate) fn new() -> Self {
        Self { context: Context::new(), connected: Vec::new(), bound: Arc::default(), answers: false }
    }

    fn socket(&self) -> Result<Socket, Error> {
        let socket = self.context.socket(SocketType::PAIR)?;
        socket.set_linger(0)?;
        socket.set_rcvtimeo(30_000)?;
        Ok(socket)
    }

    fn answer(&mut self) {
        let bound = Arc::clone(&self.bound);
        tokio::spawn(async move {
            loop {
                for socket in bound.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                    if socket.recv_msg(DONTWAIT).is_ok() {
                        // Whoever asked waits for it, and says so if it does not come.
                        let _ = socket.send("seen", DONTWAIT);
                    }
                }
                tokio::time::sleep(EVERY).await;
            }
        });
    }
}

impl Holding for Idle {
    async fn bind(&mut self, endpoint: &str) -> Result<String, Error> {
        if !std::mem::replace(&mut self.answers, true) {
            self.answer();
        }
        let socket = self.socket()?;
        socket.bind(endpoint)?;
        let endpoint = socket.get_last_endpoint()?.map_err(|_| "its endpoint is no text")?;
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
        Ok(endpoint)
    }

    async fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        // It says nothing of when its peer is there.
        let socket = self.socket()?;
        socket.connect(endpoint)?;
        self.connected.push(socket);
        Ok(())
    }

    async fn exchange(&mut self) -> Result<(), Error> {
        for socket in &self.connected {
            socket.send("frame", 0)?;
        }
        for socket in &self.connected {
            socket.recv_msg(0)?;
        }
        Ok(())
    }
}
