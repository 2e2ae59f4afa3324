//! What the tests over real sockets share.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

pub(crate) mod codec;
pub(crate) mod proxy;

use std::{
    future::Future,
    net::TcpListener,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use netgear_transport::{
    Builder, Endpoint, FrameReceiver, FrameSender,
    proto::{DType, ElementType, Frame, Mode, NdArray, Pattern, PixelFormat, Shape, Value},
};
use tokio::time::timeout;

/// Far longer than anything here takes, on a machine however busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const PATTERNS: [Pattern; 2] = [Pattern::Pair, Pattern::ReqRep];

/// Nothing may hang.
#[track_caller]
pub(crate) fn within<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> + use<F> {
    let at = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        match timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{what} hangs ({at})"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Ipc,
    IpcAbstract,
}

pub(crate) const TRANSPORTS: [Transport; 3] = [Transport::Tcp, Transport::Ipc, Transport::IpcAbstract];

fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Transport {
    /// An endpoint that nobody has, known before anybody binds it.
    pub(crate) fn endpoint(self) -> Endpoint {
        let name = format!("netgear-{}-{}", std::process::id(), next_number());
        let text = match self {
            Self::Tcp => format!("tcp://127.0.0.1:{}", free_port()),
            Self::Ipc => format!("ipc://{}", std::env::temp_dir().join(name + ".sock").display()),
            Self::IpcAbstract => format!("ipc://@{name}"),
        };
        text.parse().unwrap()
    }
}

/// A port below those that the system gives to outgoing connections, so that no test takes another's.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = 12_000 + ((std::process::id() * 131 + next_number()) % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn port_of(endpoint: &Endpoint) -> u16 {
    let Endpoint::Tcp { port, .. } = endpoint else { panic!("{endpoint} has no port") };
    *port
}

pub(crate) fn path_of(endpoint: &Endpoint) -> PathBuf {
    let Endpoint::Ipc(path) = endpoint else { panic!("{endpoint} has no path") };
    path.clone()
}

pub(crate) fn sender(pattern: Pattern) -> Builder<FrameSender> {
    FrameSender::builder().pattern(pattern)
}

pub(crate) fn receiver(pattern: Pattern) -> Builder<FrameReceiver> {
    FrameReceiver::builder().pattern(pattern)
}

/// Two ends over TCP that are in session.
pub(crate) async fn connected(pattern: Pattern) -> (FrameSender, FrameReceiver) {
    connected_with(sender(pattern), receiver(pattern)).await
}

pub(crate) async fn connected_with(
    sender: Builder<FrameSender>,
    receiver: Builder<FrameReceiver>,
) -> (FrameSender, FrameReceiver) {
    let receiver = receiver.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let sender = sender.connect(receiver.endpoint().unwrap().clone()).await.unwrap();
    within("the sender's hello", sender.peer()).await.unwrap();
    within("the receiver's hello", receiver.peer()).await.unwrap();
    (sender, receiver)
}

/// A small frame that says which it is.
pub(crate) fn numbered(number: u64) -> Frame {
    Frame::gray8(8, 1, number.to_le_bytes().to_vec()).unwrap()
}

/// A frame of so many bytes.
pub(crate) fn large(bytes: u32) -> Frame {
    Frame::gray8(bytes, 1, vec![0x5A; bytes as usize]).unwrap()
}

/// Frames of every element type and pixel format, and of shapes from one pixel to a wide picture.
pub(crate) fn frame_of(number: usize) -> Frame {
    const ELEMENTS: [ElementType; 7] = [
        ElementType::U8,
        ElementType::U16,
        ElementType::F32,
        ElementType::I8,
        ElementType::I16,
        ElementType::I32,
        ElementType::F64,
    ];
    const FORMATS: [(PixelFormat, u16); 6] = [
        (PixelFormat::Bgr, 3),
        (PixelFormat::Gray, 1),
        (PixelFormat::Bgra, 4),
        (PixelFormat::Rgb, 3),
        (PixelFormat::Rgba, 4),
        (PixelFormat::Unspecified, 5),
    ];
    const SIZES: [(u32, u32); 5] = [(1, 1), (17, 3), (64, 64), (640, 48), (1, 255)];
    let element = ELEMENTS[number % ELEMENTS.len()];
    let (format, channels) = FORMATS[number % FORMATS.len()];
    let (width, height) = SIZES[number % SIZES.len()];
    let shape = Shape::new(height, width, channels).unwrap();
    let len = shape.byte_len(element).unwrap();
    let mut pixels = cycle(number as u8).repeat(len / 251 + 1);
    pixels.truncate(len);
    Frame::new(pixels, shape, element, format).unwrap()
}

/// Bytes that come again after a prime number of them, so that what is moved about does not go unnoticed.
fn cycle(first: u8) -> Vec<u8> {
    (0..251_u8).map(|at| at.wrapping_add(first)).collect()
}

/// Data of every kind, the awkward ones among it.
pub(crate) fn value_of(number: usize) -> Value {
    let depth = || {
        let shape = Shape::new(2, 3, 1).unwrap();
        let pixels: Vec<u8> =
            [0_u16, 1, 255, 256, 40_000, u16::MAX].iter().flat_map(|e| e.to_le_bytes()).collect();
        Frame::new(pixels, shape, ElementType::U16, PixelFormat::Gray).unwrap()
    };
    let array = |shape: &[usize], dtype| {
        let len = NdArray::byte_len_of(shape, dtype).unwrap();
        Value::from(NdArray::new(cycle(9).repeat(len / 251 + 1)[..len].to_vec(), shape, dtype).unwrap())
    };
    let map = |entries: Vec<(Value, Value)>| Value::Map(entries);
    match number % 16 {
        0 => Value::Null,
        1 => Value::from(false),
        2 => Value::from(0),
        3 => Value::from(u64::MAX),
        4 => Value::from(-1),
        5 => Value::Float(f64::from_bits(0x7FF8_0000_DEAD_BEEF)),
        6 => Value::from(""),
        7 => Value::from("grüße, 世界\0"),
        8 => Value::List(Vec::new()),
        9 => map(Vec::new()),
        10 => map(vec![
            (
                Value::from(1),
                map(vec![(Value::from(-7), Value::from("deep")), (Value::from(1), Value::Null)]),
            ),
            (Value::from("1"), Value::List(vec![Value::from(true), Value::Float(-0.0)])),
        ]),
        11 => Value::Bytes(cycle(0).repeat(4178)[..1 << 20].to_vec().into()),
        12 => map(vec![
            (Value::from("depth"), Value::Frame(depth())),
            (Value::from("scale"), Value::from(0.25)),
        ]),
        13 => Value::Frame(frame_of(number)),
        // No pictures: four sides, none, and one of 0.
        14 => map(vec![
            (Value::from("batch"), array(&[2, 3, 5, 7], DType::I64)),
            (Value::from("number"), array(&[], DType::Complex128)),
            (Value::from("nothing"), array(&[4, 0], DType::F16)),
        ]),
        _ => Value::Bytes(Vec::new().into()),
    }
}

/// Equality by bits, which NaN has with itself.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| same(k, l) && same(v, w))
        }
        _ => a == b,
    }
}

pub(crate) const MODES: [Mode; 2] = [Mode::Bidirectional, Mode::Unidirectional];
