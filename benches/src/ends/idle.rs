//! Many of our sessions in one process, as a program that watches many cameras would hold them: with all defaults.

use bytes::Bytes;
use netgear_bench_end::{Error, Holding};
use netgear_proto::{Frame, Value};
use netgear_transport::{FrameReceiver, FrameSender};

/// Sessions that are held.
#[derive(Debug, Default)]
pub struct Idle {
    connected: Vec<FrameSender>,
}

impl Holding for Idle {
    async fn bind(&mut self, endpoint: &str) -> Result<String, Error> {
        let receiver = FrameReceiver::builder().bind(endpoint.parse()?).await?;
        let bound = receiver.endpoint().ok_or("it is not bound")?.to_string();
        // It ends with the session. What goes wrong is seen at the other end, which waits for an answer.
        tokio::spawn(async move {
            while let Ok(Some(_)) = receiver.recv().await {
                if receiver.reply("seen").is_err() {
                    break;
                }
            }
        });
        Ok(bound)
    }

    async fn connect(&mut self, endpoint: &str) -> Result<(), Error> {
        let sender = FrameSender::builder().connect(endpoint.parse()?).await?;
        sender.peer().await?;
        self.connected.push(sender);
        Ok(())
    }

    async fn exchange(&mut self) -> Result<(), Error> {
        let pixel = Frame::bgr8(1, 1, Bytes::from_static(&[1, 2, 3]))?;
        for sender in &self.connected {
            sender.send(pixel.clone(), Some(Value::from("frame"))).await?;
            match sender.recv_data().await? {
                Some(Value::Str(answer)) if answer == "seen" => {}
                other => return Err(format!("the answer is {other:?}").into()),
            }
        }
        Ok(())
    }
}
