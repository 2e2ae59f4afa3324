//! libzmq, by the `zmq` crate, which builds it. Its own thread does the sending and receiving; the calls here wait
//! for that.

mod constant;
mod idle;

pub(crate) use self::idle::Idle;
use bytes::Bytes;
use netgear_bench_end::{Error, Exchange, Job, Pattern, Receiving, Returned, Sending, Side, stamp_of};
use zmq::{Context, Message, Socket, SocketType};

/// What becomes of the bytes that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copying {
    /// libzmq copies them into a message of its own: what `send` does with a slice.
    Each,
    /// The message points to the pixels: what a program does that needs it faster.
    None,
}

struct Connected {
    socket: Socket,
    copying: Copying,
    /// What is sent again and again, as it stands in memory for good.
    constant: &'static [u8],
    window: u16,
}

pub(crate) async fn send(job: Job, end: Sending, copying: Copying) -> Result<(), Error> {
    let socket = open(&job)?;
    socket.connect(&job.endpoint)?;
    let constant = constant_of(&job, copying);
    end.obey(Connected { socket, copying, constant, window: job.window }).await
}

impl Connected {
    fn send(&mut self, pixels: Bytes) -> Result<(), Error> {
        if self.copying == Copying::Each {
            self.socket.send(&pixels[..], 0)?;
        } else if stamp_of(&pixels).is_none() {
            constant::send(&mut self.socket, self.constant)?;
        } else {
            // A frame with its time of capture is nobody else's, so that this takes its memory over.
            self.socket.send(Message::from(Vec::from(pixels)), 0)?;
        }
        Ok(())
    }

    fn answer(&self) -> Result<Option<u64>, Error> {
        Ok(stamp_of(&self.socket.recv_msg(0)?))
    }
}

impl Exchange for Connected {
    async fn exchange(&mut self, pixels: Bytes, _: Bytes) -> Result<Option<u64>, Error> {
        self.send(pixels)?;
        self.answer()
    }

    async fn pipeline(&mut self, pixels: Bytes, _: Bytes, frames: u64) -> Result<(), Error> {
        let mut unanswered = 0;
        for _ in 0..frames {
            if unanswered == self.window {
                self.answer()?;
                unanswered -= 1;
            }
            self.send(pixels.clone())?;
            unanswered += 1;
        }
        for _ in 0..unanswered {
            self.answer()?;
        }
        Ok(())
    }
}

pub(crate) async fn receive(job: Job, end: Receiving, copying: Copying) -> Result<(), Error> {
    let mut socket = open(&job)?;
    socket.bind(&job.endpoint)?;
    end.ready(socket.get_last_endpoint()?.map_err(|_| "its endpoint is no text")?);
    let constant = constant_of(&job, copying);
    let mut frame = Message::new();
    loop {
        socket.recv(&mut frame, 0)?;
        end.arrived(&frame);
        match (job.returned, copying) {
            (Returned::Frame, Copying::None) => constant::send(&mut socket, constant)?,
            _ => socket.send(&end.answer()[..], 0)?,
        }
    }
}

/// The pixels of every frame, where they are sent in place.
fn constant_of(job: &Job, copying: Copying) -> &'static [u8] {
    match copying {
        Copying::Each => &[],
        Copying::None => job.pixels().to_vec().leak(),
    }
}

fn open(job: &Job) -> Result<Socket, Error> {
    let kind = match (job.pattern, job.side) {
        (Pattern::Pair, _) => SocketType::PAIR,
        (Pattern::ReqRep, Side::Sender) => SocketType::REQ,
        (Pattern::ReqRep, Side::Receiver) => SocketType::REP,
    };
    let socket = Context::new().socket(kind)?;
    // The end of the process waits for nothing.
    socket.set_linger(0)?;
    Ok(socket)
}
