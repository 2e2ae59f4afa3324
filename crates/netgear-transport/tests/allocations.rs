//! In the steady state no memory is allocated for a frame, at either end, and no pixels are moved.
#![allow(unsafe_code, reason = "a global allocator is unsafe to write")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use netgear_transport::proto::{Frame, Pattern};

use crate::common::{PATTERNS, TRANSPORTS, connected, receiver as receiver_of, sender as sender_of, within};

/// From this on an allocation may be a frame.
const LARGE: usize = 64 << 10;

static LARGE_ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

fn count(size: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    if size >= LARGE {
        LARGE_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// 1080p BGR.
const PIXELS: usize = 1920 * 1080 * 3;

fn frame(pixels: &Bytes) -> Frame {
    Frame::bgr8(1920, 1080, pixels.clone()).unwrap()
}

/// All in one test, since the allocator counts for the whole program.
#[test]
fn frames_are_carried_without_copies_in_memory_that_is_used_again() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for pattern in PATTERNS {
            for transport in TRANSPORTS {
                let receiver = receiver_of(pattern).bind(transport.endpoint()).await.unwrap();
                let sender = sender_of(pattern).connect(receiver.endpoint().unwrap().clone()).await.unwrap();
                within("one way", one_way(sender, receiver)).await;
                let receiver = receiver_of(pattern).bind(transport.endpoint()).await.unwrap();
                let sender = sender_of(pattern).connect(receiver.endpoint().unwrap().clone()).await.unwrap();
                within("in lock-step", in_lock_step(sender, receiver)).await;
            }
            both_ways(pattern).await;
        }
    });
}

const WARM_UP: usize = 10;
const FRAMES: usize = 160;

async fn one_way(sender: netgear_transport::FrameSender, receiver: netgear_transport::FrameReceiver) {
    let pixels = Bytes::from(vec![0x3C; PIXELS]);
    let before = LARGE_ALLOCATIONS.load(Ordering::Relaxed);
    let receiving = tokio::spawn(async move {
        let mut addresses = HashSet::new();
        let mut number = 0;
        while let Some(delivery) = receiver.recv().await.unwrap() {
            addresses.insert(delivery.frame.pixels().as_ptr() as usize);
            assert_eq!(delivery.frame.pixels().len(), PIXELS);
            drop(delivery);
            number += 1;
            if number == FRAMES {
                break;
            }
        }
        (LARGE_ALLOCATIONS.load(Ordering::Relaxed) - before, addresses.len())
    });
    for _ in 0..FRAMES {
        sender.send(frame(&pixels), Some("small".into())).await.unwrap();
        while sender.try_recv_data().is_some() {}
    }
    let (allocations, addresses) = receiving.await.unwrap();
    // Each buffer once, and when that is depends on how far the receiver is behind.
    assert!(allocations <= 4, "{allocations} large allocations in {FRAMES} frames; the pool has 4 buffers");
    assert!(addresses <= 4, "frames stood at {addresses} addresses; the pool has 4 buffers");
}

/// Frames with numbers and numbers back: what is allocated is texts and lists, for the application to have.
async fn in_lock_step(sender: netgear_transport::FrameSender, receiver: netgear_transport::FrameReceiver) {
    let pixels = Bytes::from(vec![0x5A; PIXELS]);
    let receiving = tokio::spawn(async move {
        while let Some(delivery) = receiver.recv().await.unwrap() {
            receiver.reply(delivery.data.unwrap()).unwrap();
        }
    });
    let mut before = 0;
    for number in 0..FRAMES as i64 {
        if number == WARM_UP as i64 {
            before = ALLOCATIONS.load(Ordering::Relaxed);
        }
        sender.send(frame(&pixels), Some(number.into())).await.unwrap();
        assert_eq!(sender.recv_data().await.unwrap(), Some(number.into()));
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    // Now and then a queue grows.
    assert!(allocations <= 5, "{allocations} allocations in {} frames", FRAMES - WARM_UP);
    sender.close().await.unwrap();
    receiving.await.unwrap();
}

/// The receiver sends each frame back as it came: the very memory that the kernel wrote into goes to the kernel
/// again.
async fn both_ways(pattern: Pattern) {
    let pixels = Bytes::from(vec![0xC3; PIXELS]);
    let (sender, receiver) = connected(pattern).await;
    let receiving = tokio::spawn(async move {
        while let Some(delivery) = receiver.recv().await.unwrap() {
            receiver.reply(delivery.frame).unwrap();
        }
    });
    let mut before = 0;
    for number in 0..FRAMES {
        if number == WARM_UP {
            before = LARGE_ALLOCATIONS.load(Ordering::Relaxed);
        }
        within("send", sender.send(frame(&pixels), None)).await.unwrap();
        let returned = within("data", sender.recv_data()).await.unwrap().unwrap();
        assert_eq!(returned.as_frame().unwrap().pixels(), &pixels);
    }
    // What is sent back is kept until the sender has taken it, for which a further buffer may be needed once.
    let allocations = LARGE_ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert!(allocations <= 2, "{allocations} large allocations in {} frames", FRAMES - WARM_UP);
    within("close", sender.close()).await.unwrap();
    receiving.await.unwrap();
}
