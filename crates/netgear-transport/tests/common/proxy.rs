//! A network between two ends that fails when it is told to: a TCP proxy.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use netgear_transport::Endpoint;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the end that connects to the one that is bound.
    Forth,
    Back,
}

pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Forth, Direction::Back];

/// What befalls the bytes of one direction from an offset on, which is counted over all connections. It happens once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Both ends see the end of the stream.
    Cut,
    /// Both ends see a reset.
    Reset,
    /// Nothing passes for a while, in this direction or in both; then the connection is cut, or goes on.
    Stall { pause: Duration, both: bool, then_cut: bool },
    /// So many bytes go one at a time.
    Slow { bytes: u64 },
    /// The lowest bit is number 0.
    Flip { bit: u8 },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) direction: Direction,
    pub(crate) offset: u64,
    pub(crate) fault: Fault,
}

/// What becomes of a connection that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    /// Both ends keep it, and nothing comes through it.
    Frozen,
    /// The end that connected sees it end; the one that is bound keeps it.
    HalfCut,
    Cut,
}

#[derive(Debug)]
pub(crate) struct Proxy {
    endpoint: Endpoint,
    network: Arc<Network>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Network {
    target: Mutex<SocketAddr>,
    refuses: AtomicBool,
    plan: Option<Plan>,
    struck: AtomicBool,
    passed: [AtomicU64; 2],
    connections: AtomicUsize,
    fates: Mutex<Vec<watch::Sender<Fate>>>,
}

/// Of an endpoint with an address, and no name.
fn address_of(endpoint: &Endpoint) -> SocketAddr {
    endpoint.to_string().trim_start_matches("tcp://").parse().unwrap()
}

impl Proxy {
    pub(crate) async fn to(target: &Endpoint) -> Self {
        Self::with_plan(target, None).await
    }

    pub(crate) async fn with_plan(target: &Endpoint, plan: Option<Plan>) -> Self {
        let target = address_of(target);
        let listener = TcpListener::bind((target.ip(), 0)).await.unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let network = Arc::new(Network {
            target: Mutex::new(target),
            refuses: false.into(),
            plan,
            struck: false.into(),
            passed: Default::default(),
            connections: 0.into(),
            fates: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&network)));
        Self { endpoint, network, accepting }
    }

    /// Where to connect to.
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// Further connections lead elsewhere.
    pub(crate) fn retarget(&self, target: &Endpoint) {
        *self.network.target.lock().unwrap() = address_of(target);
    }

    /// Whether further connections come to nothing.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.network.refuses.store(refuses, Ordering::Relaxed);
    }

    pub(crate) fn cut(&self) {
        self.befall(Fate::Cut);
    }

    pub(crate) fn freeze(&self) {
        self.befall(Fate::Frozen);
    }

    pub(crate) fn half_cut(&self) {
        self.befall(Fate::HalfCut);
    }

    fn befall(&self, fate: Fate) {
        for connection in &*self.network.fates.lock().unwrap() {
            connection.send_replace(fate);
        }
    }

    /// Connections that led somewhere.
    pub(crate) fn connections(&self) -> usize {
        self.network.connections.load(Ordering::Relaxed)
    }

    /// Whether the plan's fault has happened.
    pub(crate) fn has_struck(&self) -> bool {
        self.network.struck.load(Ordering::Relaxed)
    }

    /// How many bytes have passed.
    pub(crate) fn passed(&self, direction: Direction) -> u64 {
        self.network.passed[direction as usize].load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, network: Arc<Network>) {
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        if network.refuses.load(Ordering::Relaxed) {
            continue;
        }
        let target = *network.target.lock().unwrap();
        let Ok(far) = TcpStream::connect(target).await else {
            continue;
        };
        for stream in [&near, &far] {
            stream.set_nodelay(true).unwrap();
        }
        network.connections.fetch_add(1, Ordering::Relaxed);
        let (fate, told) = watch::channel(Fate::Passes);
        let mut fates = network.fates.lock().unwrap();
        fates.retain(|fate| !fate.is_closed());
        fates.push(fate);
        drop(fates);
        tokio::spawn(carry(near, far, Arc::clone(&network), told));
    }
}

/// Why a connection is carried no further.
enum End {
    Cut,
    Reset,
    Broken,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

async fn carry(
    mut near: TcpStream,
    mut far: TcpStream,
    network: Arc<Network>,
    mut fate: watch::Receiver<Fate>,
) {
    let (stall, stalled) = watch::channel(false);
    let ended = {
        let ((from_near, to_near), (from_far, to_far)) = (near.split(), far.split());
        let way = |direction| Pump {
            direction,
            network: &network,
            fate: fate.clone(),
            stall: &stall,
            stalled: stalled.clone(),
        };
        let (forth, back) = (way(Direction::Forth), way(Direction::Back));
        let mut fated = fate.clone();
        tokio::select! {
            ended = async { tokio::try_join!(forth.run(from_near, to_far), back.run(from_far, to_near)) } => ended.err(),
            _ = fated.wait_for(|fate| matches!(fate, Fate::Cut | Fate::HalfCut)) => None,
        }
    };
    if matches!(ended, Some(End::Reset)) {
        let _ = (near.set_zero_linger(), far.set_zero_linger());
    }
    if *fate.borrow() == Fate::HalfCut {
        drop(near);
        // Until it is cut altogether, or the bound end has closed it.
        tokio::select! {
            _ = fate.wait_for(|fate| *fate == Fate::Cut) => {}
            () = async { while let Ok(1..) = far.read(&mut [0; 4096]).await {} } => {}
        }
    }
}

/// One direction of a connection.
struct Pump<'a> {
    direction: Direction,
    network: &'a Network,
    fate: watch::Receiver<Fate>,
    /// Stops the other direction too.
    stall: &'a watch::Sender<bool>,
    stalled: watch::Receiver<bool>,
}

impl Pump<'_> {
    async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), End> {
        let passed = &self.network.passed[self.direction as usize];
        let mut some = vec![0; 64 << 10];
        loop {
            let read = from.read(&mut some).await?;
            if read == 0 {
                return Ok(to.shutdown().await?);
            }
            let _ = self.fate.wait_for(|fate| *fate != Fate::Frozen).await;
            let _ = self.stalled.wait_for(|stalled| !stalled).await;
            let mut bytes = &mut some[..read];
            let begin = passed.load(Ordering::Relaxed);
            let plan = self.network.plan.filter(|plan| {
                plan.direction == self.direction && (begin..begin + read as u64).contains(&plan.offset)
            });
            if let Some(plan) = plan.filter(|_| !self.network.struck.swap(true, Ordering::Relaxed)) {
                let (before, rest) = bytes.split_at_mut((plan.offset - begin) as usize);
                to.write_all(before).await?;
                passed.fetch_add(before.len() as u64, Ordering::Relaxed);
                let slow = self.strike(plan.fault, rest, &mut to).await?;
                passed.fetch_add(slow as u64, Ordering::Relaxed);
                bytes = &mut rest[slow..];
            }
            to.write_all(bytes).await?;
            passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
    }

    /// Gives how many of the bytes it has written.
    async fn strike(&self, fault: Fault, bytes: &mut [u8], to: &mut WriteHalf<'_>) -> Result<usize, End> {
        match fault {
            Fault::Cut => Err(End::Cut),
            Fault::Reset => Err(End::Reset),
            Fault::Stall { pause, both, then_cut } => {
                self.stall.send_replace(both);
                sleep(pause).await;
                self.stall.send_replace(false);
                if then_cut { Err(End::Cut) } else { Ok(0) }
            }
            Fault::Slow { bytes: most } => {
                let slow = bytes.len().min(most as usize);
                for byte in bytes[..slow].chunks(1) {
                    to.write_all(byte).await?;
                    sleep(Duration::from_millis(1)).await;
                }
                Ok(slow)
            }
            Fault::Flip { bit } => {
                bytes[0] ^= 1 << bit;
                Ok(0)
            }
        }
    }
}
