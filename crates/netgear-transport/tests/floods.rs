//! Strangers by the thousand on the port of a running session, and a system that has no descriptors left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(clippy::print_stdout, reason = "by which a program tells the one that started it")]

mod common;
#[path = "sessions/scripted.rs"]
#[allow(dead_code, reason = "shared")]
mod scripted;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use netgear_transport::{
    Endpoint, FrameReceiver, FrameSender,
    proto::{Pattern, Value, zmtp::SocketType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Mutex, mpsc},
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

use crate::{
    common::{PATTERNS, numbered, port_of, proxy::Proxy, receiver, sender, within},
    scripted::{Scripted, dial},
};

/// Descriptors and memory are the whole program's.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What the runtimes of the other tests here may open meanwhile, which wait for their turn.
const RUNTIMES: usize = 6;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Frames that cross from now on, until one of the two ends is gone.
fn stream(
    sender: FrameSender,
    receiver: Arc<FrameReceiver>,
) -> (Arc<AtomicU64>, JoinHandle<()>, JoinHandle<Value>) {
    let sending = tokio::spawn(async move {
        for number in 0.. {
            sender.send(numbered(number), None).await.unwrap();
        }
    });
    let crossed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&crossed);
    // Until there is something with a frame.
    let receiving = tokio::spawn(async move {
        loop {
            let delivery = receiver.recv().await.unwrap().unwrap();
            if let Some(data) = delivery.data {
                return data;
            }
            assert_eq!(delivery.frame, numbered(delivery.sequence));
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (crossed, sending, receiving)
}

/// Comes, says what is no ZMTP or is only its beginning, and goes.
async fn garbage(endpoint: Endpoint, connections: usize) {
    for number in 0..connections {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port_of(&endpoint))).await else { continue };
        let bytes: Vec<u8> = match number % 4 {
            0 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            1 => (0..300).map(|_| fastrand::u8(..)).collect(),
            2 => [
                &[0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1][..],
                b"NULL",
                &[0; 48],
                b"\x06\0\0\0\x01\0\0\0\0",
            ]
            .concat(),
            _ => Vec::new(),
        };
        let _ = stream.write_all(&bytes).await;
        if number % 3 == 0 {
            let _ = timeout(Duration::from_millis(20), stream.read(&mut [0; 256])).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_two_thousand_strangers() {
    let _alone = ALONE.lock().await;
    for pattern in PATTERNS {
        let baseline = descriptors();
        let receiver = Arc::new(receiver(pattern).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap());
        let endpoint = receiver.endpoint().unwrap().clone();
        let proxy = Proxy::to(&endpoint).await;
        let first = sender(pattern).connect(proxy.endpoint()).await.unwrap();
        within("peer", first.peer()).await.unwrap();
        let (crossed, sending, receiving) = stream(first, Arc::clone(&receiver));
        sleep(Duration::from_millis(300)).await;

        let (before, resident) = (crossed.load(Ordering::Relaxed), resident_kib());
        let mut flood = JoinSet::new();
        for _ in 0..8 {
            flood.spawn(garbage(endpoint.clone(), 125));
        }
        // No more are held at once than a program may usually have open.
        for _ in 0..4 {
            let mut held = Vec::new();
            for number in 0..250 {
                let mut stream = dial(&endpoint).await;
                if number % 2 == 0 {
                    let _ = stream.write_all(b"\xFF\0\0").await;
                }
                held.push(stream);
            }
        }
        within("the flood", async { while flood.join_next().await.is_some() {} }).await;
        let crossed = crossed.load(Ordering::Relaxed) - before;
        assert!(crossed > 20, "{pattern}: {crossed} frames during the flood");
        let grown = resident_kib().saturating_sub(resident);
        assert!(grown < 16 << 10, "{pattern}: it has grown by {grown} KiB");

        // The peer goes without a goodbye, and another gets in while strangers keep coming.
        let mut flood = JoinSet::new();
        for _ in 0..4 {
            flood.spawn(garbage(endpoint.clone(), usize::MAX));
        }
        proxy.refuse(true);
        proxy.cut();
        sending.abort();
        let started = Instant::now();
        let second = sender(pattern).connect(endpoint).await.unwrap();
        within("send", second.send(numbered(0), Some("real".into()))).await.unwrap();
        assert_eq!(within("recv", receiving).await.unwrap(), Value::from("real"));
        let waited = started.elapsed();
        assert!(waited < Duration::from_secs(2), "{pattern}: it waited for {waited:?}");

        flood.shutdown().await;
        let receiver = Arc::into_inner(receiver).unwrap();
        within("close", async { tokio::join!(second.close(), receiver.close()) }).await.0.unwrap();
        drop((proxy, sending));
        let again = async {
            while descriptors() > baseline + RUNTIMES {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(Duration::from_secs(10), again).await.is_err() {
            panic!("{pattern}: {} descriptors, and {baseline} before", descriptors());
        }
    }
}

/// The beginning of a part of 128 MiB.
const HUGE: &[u8] = b"\x02\0\0\0\0\x08\0\0\0";

async fn is_open(peer: &mut Scripted) -> bool {
    match timeout(Duration::from_millis(10), peer.stream.read(&mut [0; 4096])).await {
        // A PING, maybe.
        Ok(Ok(1..)) | Err(_) => true,
        Ok(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_that_begin_huge_messages() {
    let _alone = ALONE.lock().await;
    for (pattern, theirs) in [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Req)] {
        for (in_session, netgear) in [(false, true), (false, false), (true, true), (true, false)] {
            let what = format!("{pattern}, in session: {in_session}, NetGear: {netgear}");
            let receiver = receiver(pattern).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let endpoint = receiver.endpoint().unwrap().clone();
            let sender = sender(pattern);
            let early = if in_session {
                let sender = sender.connect(endpoint.clone()).await.unwrap();
                within("peer", sender.peer()).await.unwrap();
                Ok(sender)
            } else {
                Err(sender)
            };
            let resident = resident_kib();
            let mut strangers = Vec::new();
            for _ in 0..20 {
                let mut stranger = Scripted::shake(dial(&endpoint).await, theirs, netgear).await;
                let _ = stranger.stream.write_all(HUGE).await;
                strangers.push(stranger);
            }
            let some = vec![1; 4 << 20];
            let mut heard = 0;
            for stranger in &mut strangers {
                let _ = timeout(Duration::from_millis(50), stranger.stream.write_all(&some)).await;
            }
            for stranger in &mut strangers {
                heard += usize::from(is_open(stranger).await);
            }
            // Who announces NetGear says a hello first, and that is short.
            assert!(heard <= if netgear { 0 } else { 2 }, "{what}: {heard} are heard");
            let grown = resident_kib().saturating_sub(resident);
            assert!(grown < 24 << 10, "{what}: it has grown by {grown} KiB");
            let sender = match early {
                Ok(sender) => sender,
                Err(sender) => sender.connect(endpoint).await.unwrap(),
            };
            within("send", sender.send(numbered(5), None)).await.unwrap();
            assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(5));
        }
    }
}

const CHILD: &str = "NETGEAR_TEST_WITH_FEW_DESCRIPTORS";

/// Processor time of all threads of a program, by the scheduler's own count.
fn processor_time(program: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{program}/task")).unwrap();
    let nanos = tasks.filter_map(|task| {
        let path = task.ok()?.path().join("schedstat");
        fs::read_to_string(path).ok()?.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// This program once more, with few descriptors: strangers take them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_without_descriptors() {
    if env::var_os(CHILD).is_some() {
        return with_few_descriptors().await;
    }
    let _alone = ALONE.lock().await;
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 40; exec \"$0\" --exact a_system_without_descriptors --nocapture"])
        .arg(env::current_exe().unwrap())
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut tells = child.stdin.take().unwrap();
    let (heard, mut lines) = mpsc::unbounded_channel();
    spawn_blocking(move || said.map_while(Result::ok).try_for_each(|line| heard.send(line)));
    let mut hear = async |what: &'static str| {
        within(what, async {
            loop {
                let line = lines.recv().await.expect("it says so before it ends");
                if let Some(rest) = line.strip_prefix(what) {
                    return rest.to_owned();
                }
            }
        })
        .await
    };
    let endpoint: Endpoint = hear("bound ").await.parse().unwrap();
    // Without any, and with nothing to do but to fail at accepting.
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(dial(&endpoint).await);
    }
    sleep(Duration::from_millis(300)).await;
    let before = processor_time(child.id());
    sleep(Duration::from_secs(2)).await;
    let spent = processor_time(child.id()) - before;
    assert!(spent < Duration::from_millis(200), "{spent:?} in 2 s");
    // The session goes on meanwhile, and a peer that was lost is found again.
    writeln!(tells, "send").unwrap();
    hear("sent").await;
    writeln!(tells, "part").unwrap();
    sleep(Duration::from_millis(500)).await;
    let freed = Instant::now();
    drop(held);
    hear("back").await;
    assert!(freed.elapsed() < Duration::from_secs(3), "{:?}", freed.elapsed());
    drop(tells);
    assert!(within("ending", spawn_blocking(move || child.wait())).await.unwrap().unwrap().success());
}

async fn with_few_descriptors() {
    let receiver = receiver(Pattern::Pair).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let endpoint = receiver.endpoint().unwrap().clone();
    let proxy = Proxy::to(&endpoint).await;
    let sender = sender(Pattern::Pair).connect(proxy.endpoint()).await.unwrap();
    within("peer", sender.peer()).await.unwrap();
    let say = |what: &str| println!("\n{what}");
    say(&format!("bound {endpoint}"));
    let mut number = 0;
    while let Some(told) = spawn_blocking(|| std::io::stdin().lines().next()).await.unwrap() {
        let is_parted = told.unwrap() == "part";
        if is_parted {
            proxy.cut();
        }
        within("send", sender.send(numbered(number), None)).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(number));
        number += 1;
        say(if is_parted { "back" } else { "sent" });
    }
}
