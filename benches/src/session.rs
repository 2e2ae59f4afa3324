//! Our sessions: the same frames, with data, through the public API.

use std::{sync::mpsc, time::Duration};

use netgear_proto::{Frame, Value};
use netgear_transport::{Endpoint, FrameReceiver, FrameSender};

use crate::{Error, Exchange, Returned, Stopwatch, join, on_a_thread, runtime};

/// Runs the exchange, and gives the time that the timed frames took.
///
/// # Errors
/// If the session fails.
pub fn run(exchange: Exchange) -> Result<Duration, Error> {
    let (bound, where_bound) = mpsc::channel();
    let receiver = on_a_thread(move |runtime| {
        runtime.block_on(async {
            let endpoint = exchange.carrier.fresh_endpoint().parse()?;
            let receiver = FrameReceiver::builder().pattern(exchange.pattern).bind(endpoint).await?;
            bound.send(receiver.endpoint().cloned())?;
            receive(receiver, exchange.returned, exchange.frame()?).await
        })
    });
    let endpoint = where_bound.recv()?.ok_or("the receiver is not bound")?;
    let elapsed = runtime()?.block_on(send(endpoint, exchange))?;
    join(receiver)?;
    Ok(elapsed)
}

async fn send(endpoint: Endpoint, exchange: Exchange) -> Result<Duration, Error> {
    let sender = FrameSender::builder().pattern(exchange.pattern).connect(endpoint).await?;
    let frame = exchange.frame()?;
    sender.peer().await?;
    let mut stopwatch = Stopwatch::new(&exchange);
    for number in 0..exchange.warm_up + exchange.frames {
        sender.send(frame.clone(), Some(Value::from(number))).await?;
        if sender.recv_data().await?.is_none() {
            return Err("an answer came without data".into());
        }
        stopwatch.frame_done();
    }
    let elapsed = stopwatch.elapsed();
    sender.close().await?;
    Ok(elapsed)
}

async fn receive(receiver: FrameReceiver, returned: Returned, own: Frame) -> Result<(), Error> {
    while let Some(delivery) = receiver.recv().await? {
        match returned {
            Returned::Data => receiver.reply(delivery.data.unwrap_or(Value::Null))?,
            Returned::Frame => receiver.reply(own.clone())?,
        }
    }
    Ok(())
}
