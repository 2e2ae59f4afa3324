//! A real film from one process to another: every pixel crosses, however the two ends are put together.

mod common;

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{Program, digest, film, folder, free_tcp, has, same_frames, text};

/// How the two ends are put together.
#[derive(Debug, Clone, Copy)]
struct Cell {
    pattern: &'static str,
    transport: &'static str,
    view_binds: bool,
    view_first: bool,
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for pattern in ["pair", "reqrep"] {
        for transport in ["tcp", "ipc"] {
            for (view_binds, view_first) in [(true, true), (true, false), (false, true), (false, false)] {
                cells.push(Cell { pattern, transport, view_binds, view_first });
            }
        }
    }
    cells
}

/// Two at a time, as the machines that test this have two cores at least.
#[test]
fn every_pixel_of_a_film_crosses_in_each_of_the_16_ways() {
    if !has("ffmpeg", "every_pixel_of_a_film_crosses_in_each_of_the_16_ways") {
        return;
    }
    let clip = film(
        "clip-720p.mp4",
        "-f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 -t 10 \
         -c:v libx264 -bf 3 -pix_fmt yuv420p -c:a aac",
    );
    let cells = cells();
    assert_eq!(cells.len(), 16);
    let (next, digests) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let digest = cross(&clip, *cell);
                    println!("{cell:?} took {:.1} s", start.elapsed().as_secs_f64());
                    digests.lock().unwrap().push(digest);
                }
            });
        }
    });
    let digests = digests.into_inner().unwrap();
    assert_eq!(digests.len(), cells.len());
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

fn cross(clip: &Path, cell: Cell) -> String {
    let folder = folder();
    let ipc = format!("ipc://{}", folder.path().join("s").display());
    let tcp = free_tcp();
    let endpoint = if cell.transport == "ipc" { &ipc } else { &tcp };
    let (bind, connect) = ("--bind", "--connect");
    let (serve_way, view_way) = if cell.view_binds { (connect, bind) } else { (bind, connect) };
    let start = |name: &str, way: &str, endpoint: &str| {
        let source: &[&str] = if name == "serve" { &[text(clip), "--fps", "max"] } else { &[] };
        let how = [name, way, endpoint, "--pattern", cell.pattern, "--digest", "--json"];
        Program::start(&[&how, source].concat())
    };
    let (first, second) = if cell.view_first { ("view", "serve") } else { ("serve", "view") };
    let way_of = |name| if name == "view" { view_way } else { serve_way };
    let binds_first = way_of(first) == bind;
    let first = if binds_first && cell.transport == "tcp" {
        // The one that binds chooses the port, and says which.
        start(first, bind, "tcp://127.0.0.1:0")
    } else {
        start(first, way_of(first), endpoint)
    };
    let endpoint = if binds_first { first.listening() } else { endpoint.clone() };
    thread::sleep(Duration::from_millis(300));
    let second = start(second, way_of(second), &endpoint);
    let (serve, view) = if cell.view_first { (second, first) } else { (first, second) };
    let (serve, view) = (serve.end().ok().json(), view.end().ok().json());
    assert_eq!(same_frames(&serve, &view), 300, "{cell:?}");
    for end in [&serve, &view] {
        assert_eq!(end["dropped"], 0, "{cell:?}");
        assert_eq!(end["reconnects"], 0, "{cell:?}");
        assert_eq!(end["bytes"], 300 * 1280 * 720 * 3, "{cell:?}");
        assert_eq!(end["peer"]["pattern"], cell.pattern);
        assert_eq!(end["peer"]["dialect"], "native");
    }
    digest(&view, "digest")
}
