//! `zeromq`, which has REQ and REP and no PAIR.

use bytes::Bytes;
use netgear_bench_end::{Error, Exchange, Job, Pattern, Receiving, Sending, stamp_of};
use zeromq::{RepSocket, ReqSocket, Socket as _, SocketRecv as _, SocketSend as _, ZmqMessage};

struct Requests(ReqSocket);

pub(crate) async fn send(job: Job, end: Sending) -> Result<(), Error> {
    only_req_rep(&job)?;
    let mut socket = ReqSocket::new();
    socket.connect(&job.endpoint).await?;
    end.obey(Requests(socket)).await
}

impl Exchange for Requests {
    async fn exchange(&mut self, pixels: Bytes, _: Bytes) -> Result<Option<u64>, Error> {
        self.0.send(ZmqMessage::from(pixels)).await?;
        let answer = self.0.recv().await?;
        Ok(stamp_of(answer.get(0).ok_or("the answer is empty")?))
    }
}

pub(crate) async fn receive(job: Job, end: Receiving) -> Result<(), Error> {
    only_req_rep(&job)?;
    let mut socket = RepSocket::new();
    end.ready(socket.bind(&job.endpoint).await?.to_string());
    loop {
        let frame = socket.recv().await?;
        end.arrived(frame.get(0).ok_or("the frame is empty")?);
        socket.send(ZmqMessage::from(end.answer())).await?;
    }
}

fn only_req_rep(job: &Job) -> Result<(), Error> {
    match job.pattern {
        Pattern::ReqRep => Ok(()),
        Pattern::Pair => Err("zeromq has no PAIR".into()),
    }
}
