//! Streams video frames between two programs while any data goes both ways.
//!
//! A *sender* has the frames, a *receiver* takes them; data of any type goes with each frame, and data or frames come
//! back.
//!
//! ```
//! use netgear::prelude::*;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let receiver = netgear::receiver().bind("tcp://127.0.0.1:0".parse()?).await?;
//!     let sender = netgear::sender().connect(receiver.endpoint().unwrap().clone()).await?;
//!     let mut camera = TestPattern::new("640x480@30".parse()?);
//!
//!     sender.send(camera.frame(0), Some("how warm is it?".into())).await?;
//!
//!     let delivery = receiver.recv().await?.ok_or("the sender has left")?;
//!     println!("{:?} came with {:?}", delivery.frame, delivery.data);
//!     receiver.reply(21.5)?;
//!     assert_eq!(sender.recv_data().await?, Some(21.5.into()));
//!     sender.close().await?;
//!     Ok(())
//! }
//! ```
//!
//! [`sender`] and [`receiver`] are the builders of both ends with a codec: over a network that is slower than a
//! cable, frames go encoded, and the receiver says by itself what it decodes.
//!
//! ```
//! # use netgear::prelude::*;
//! # async fn stream() -> Result<(), Box<dyn std::error::Error>> {
//! let sender = netgear::sender().encoding(EncodingChoice::JPEG).connect("tcp://desk:5555".parse()?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! This crate is three in one, each of which can be had alone:
//!
//! * [`proto`]: what is said on the wire, and the rules of saying it; without std, sockets or a clock;
//! * [`transport`]: both ends as async sessions on tokio;
//! * [`media`]: frames from files, URLs, cameras, screens and test patterns; resizing and pipelines; still pictures
//!   and recordings.
//!
//! With the features `window` and `web` there is also `viewer`: frames in a window, or in a browser.

// An example shows what is needed, and no more.
#![doc(test(attr(deny(unused_imports))))]

mod ends;

pub use netgear_media as media;
pub use netgear_proto as proto;
pub use netgear_transport as transport;
#[cfg(any(feature = "window", feature = "web"))]
pub use netgear_viewer as viewer;

pub use self::ends::{codec, receiver, sender};

/// What most programs need: `use netgear::prelude::*`.
pub mod prelude {
    pub use netgear_media::{
        Filter, Fit, FrameSource, Looped, OpenOptions, Percent, Pipeline, RecordOptions, Recorder, Region,
        Resizer, Section, Source, TestPattern, reduce,
    };
    pub use netgear_proto::{
        ChromaSubsampling, DType, Dialect, ElementType, EncodedFrame, Encoding, EncodingChoice, Encodings,
        Frame, JpegQuality, Limits, Mode, NdArray, Pattern, PixelFormat, Role, Shape, Timestamp, Value,
        WireFrame,
        session::{Delivery, FramePolicy, Outgoing, ResumeToken, Stats},
    };
    pub use netgear_transport::{Closed, Endpoint, FrameReceiver, FrameSender, RecvError, SendError};
}

// The programs in the README and the guides are compiled with the documentation's examples.
#[cfg(all(doctest, feature = "window", feature = "web"))]
#[doc = include_str!("../../../docs/viewers.md")]
struct Viewers;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/compression.md")]
struct Compression;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/recording.md")]
struct Recording;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
