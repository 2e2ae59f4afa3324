//! The window, on an X server without hardware (Xvfb), with keys as a person presses them.
#![cfg(all(unix, not(target_vendor = "apple"), feature = "window"))]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

#[path = "../common/mod.rs"]
mod common;
mod x_display;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use common::{PATIENCE, Program, command, folder, text};
use netgear::{
    media::{OpenOptions, Source, save_picture},
    prelude::Frame,
};
use x_display::{Screenshot, XDisplay};

const TITLE: &str = "netgear view";

/// A view with a window on that display, in that folder, and a serve of that source to it.
fn show(display: &XDisplay, folder: &Path, view: &[&str], serve: &[&str]) -> (Program, Program) {
    let how = ["view", "--window", "--bind", "tcp://127.0.0.1:0", "--json", "--digest"];
    let mut view = command(&[&how, view].concat());
    view.env("DISPLAY", display.name()).env_remove("WAYLAND_DISPLAY").current_dir(folder);
    let view = Program::spawn(view);
    let endpoint = view.listening();
    let serve = Program::start(&[&["serve", "--connect", &endpoint, "--json"], serve].concat());
    (view, serve)
}

/// Waits until it is so.
#[track_caller]
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every pixel has its own colour, so that nothing can be in the wrong place unseen.
fn picture(width: u32, height: u32) -> Frame {
    let pixel = |at: u32| {
        let (x, y) = (at % width, at / width);
        [(x * 255 / width) as u8, (y * 255 / height) as u8, ((x * 7 + y * 3) % 256) as u8]
    };
    Frame::bgr8(width, height, (0..width * height).flat_map(pixel).collect::<Vec<u8>>()).unwrap()
}

fn is_frame(screenshot: &Screenshot, frame: &Frame) -> bool {
    (screenshot.width, screenshot.height) == (frame.width(), frame.height())
        && screenshot.bgr == frame.pixels()[..]
}

/// What is written on a window, that it waits for instance, is white on black.
fn is_coloured(bgr: &[u8]) -> bool {
    bgr.as_chunks::<3>().0.iter().any(|[blue, green, red]| blue != green || green != red)
}

fn pictures_in(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "png")).collect()
}

#[test]
fn the_window_shows_every_pixel_and_its_keys_do_what_they_say() {
    let Some(display) = XDisplay::start() else { return };
    let (films, folder) = (folder(), folder());
    let frame = picture(321, 241);
    save_picture(&frame, films.path().join("a.png")).unwrap();
    let source = films.path().join("*.png");
    let options = [text(&source), "--fps", "30", "--loop", "--digest"];
    let (view, serve) = show(&display, folder.path(), &[], &options);

    let window = until("the window", || display.window(TITLE));
    let shot = || display.screenshot(window);
    until("the picture, pixel for pixel", || is_frame(&shot(), &frame).then_some(()));

    // As large as its aspect allows, in the middle, and black around it.
    display.resize(window, 642, 582);
    until("the picture in a larger window", || {
        let shot = shot();
        let is_bar = |y| (0..642).all(|x| shot.pixel(x, y) == [0, 0, 0]);
        let is_near = |x: u32, y: u32| {
            let at = (y * 321 + x) as usize * 3;
            let found = shot.pixel(2 * x, 50 + 2 * y);
            // The third channel is not smooth, so its neighbours are mixed in.
            (0..2).all(|channel| found[channel].abs_diff(frame.pixels()[at + channel]) <= 2)
        };
        let is_right = (shot.width, shot.height) == (642, 582)
            && is_bar(0)
            && is_bar(49)
            && is_bar(581)
            && [(1, 1), (160, 120), (319, 239), (30, 200)].iter().all(|(x, y)| is_near(*x, *y));
        is_right.then_some(())
    });
    display.resize(window, 321, 241);
    until("the picture in its own size again", || is_frame(&shot(), &frame).then_some(()));

    // White letters on black, at the top left, and nothing at the right.
    display.press(window, 'i');
    until("the statistics", || {
        let shot = shot();
        let letters = (10..100).filter(|x| shot.pixel(*x, 20) == [255, 255, 255]).count();
        (letters > 5 && shot.pixel(300, 20) == frame.pixels()[(20 * 321 + 300) * 3..][..3]).then_some(())
    });
    display.press(window, 'i');
    until("the picture without statistics", || is_frame(&shot(), &frame).then_some(()));

    display.press(window, 's');
    let saved = until("a saved picture", || {
        let path = pictures_in(folder.path()).pop()?;
        // It is there before it is whole.
        let mut source = text(&path).parse::<Source>().unwrap().open(&OpenOptions::new()).ok()?;
        source.next_frame().ok()??.frame.into()
    });
    assert_eq!(saved, frame);
    until("its name", || (!is_frame(&shot(), &frame)).then_some(()));
    let path = view.stderr_line("saved ")["saved ".len()..].to_owned();
    assert_eq!(Path::new(&path), pictures_in(&folder.path().canonicalize().unwrap()).pop().unwrap());
    display.press(window, 's');
    until("another saved picture, beside the first", || {
        (pictures_in(folder.path()).len() == 2).then_some(())
    });

    display.press(window, 'q');
    let (view, serve) = (view.end().ok().json(), serve.end().ok().json());
    assert!(view["frames"].as_u64().unwrap() > 0, "{view}");
    common::same_frames(&serve, &view);
}

#[test]
fn a_picture_that_stands_says_so_and_the_session_goes_on() {
    let Some(display) = XDisplay::start() else { return };
    let folder = folder();
    let source = ["test:320x240@30", "--data", "tick"];
    let (view, serve) = show(&display, folder.path(), &["--print-data"], &source);
    let window = until("the window", || display.window(TITLE));
    let shot = || display.screenshot(window).bgr;
    let first = until("a picture", || Some(shot()).filter(|bgr| is_coloured(bgr)));
    until("a picture that moves", || (shot() != first).then_some(()));

    display.press(window, ' ');
    let title = format!("{TITLE} (paused)");
    until("a title that says so", || display.window(&title));
    // What is drawn when the title changes may still be on its way.
    std::thread::sleep(Duration::from_millis(300));
    let standing = shot();
    let come = view.stderr_count("\"tick\"");
    view.stderr_lines("\"tick\"", come + 20);
    assert!(shot() == standing, "the picture moves though it is paused");
    display.press(window, ' ');
    until("a picture that moves again", || (shot() != standing).then_some(()));
    until("the title without it", || display.window(TITLE));

    display.press_escape(window);
    view.end().ok();
    serve.end().ok();
}

#[test]
fn a_sender_that_is_lost_or_stands_still_is_said_on_the_picture_until_it_is_back() {
    let Some(display) = XDisplay::start() else { return };
    let folder = folder();
    let frame = picture(401, 241);
    save_picture(&frame, folder.path().join("a.png")).unwrap();
    let source = folder.path().join("*.png");
    let options = [text(&source), "--fps", "30", "--loop"];
    let (view, serve) = show(&display, folder.path(), &[], &options);
    let window = until("the window", || display.window(TITLE));
    let shot = || display.screenshot(window);
    until("the picture", || is_frame(&shot(), &frame).then_some(()));
    // What is written at the bottom is white, as nothing of the picture is there.
    let has_words = |shot: &Screenshot| (10..200).any(|x| (212..232).any(|y| shot.pixel(x, y) == [255; 3]));
    let is_as_bright = |shot: &Screenshot, shift: u8| {
        let at = (20 * 401 + 300) * 3;
        let expected: Vec<u8> = frame.pixels()[at..at + 3].iter().map(|level| level >> shift).collect();
        shot.pixel(300, 20)[..] == expected[..]
    };
    assert!(!has_words(&shot()));

    // Stopped for a while it is said to have sent nothing, and is not taken to be gone at once.
    serve.signal("STOP");
    let standing = until("words", || Some(shot()).filter(has_words));
    assert!(is_as_bright(&standing, 0), "what merely pauses is not dimmed");
    serve.signal("CONT");
    until("the picture alone", || is_frame(&shot(), &frame).then_some(()));

    serve.signal("KILL");
    until("words on a dimmed picture", || {
        Some(shot()).filter(|shot| has_words(shot) && is_as_bright(shot, 1))
    });
    let endpoint = view.listening();
    let again = Program::start(&[&["serve", "--connect", &endpoint], &options[..]].concat());
    until("the picture, pixel for pixel, again", || is_frame(&shot(), &frame).then_some(()));
    again.signal("INT");
    again.end().ok();
    view.end().ok();
}

#[test]
fn the_demo_has_a_window_and_ends_by_its_key() {
    let Some(display) = XDisplay::start() else { return };
    // It goes on until it is told to end.
    let mut demo = command(&["demo", "--window", "--size", "640x360", "--json"]);
    demo.env("DISPLAY", display.name()).env_remove("WAYLAND_DISPLAY");
    let (demo, start) = (Program::spawn(demo), Instant::now());
    let window = until("the window", || display.window("netgear demo"));
    demo.stderr_line("streaming until Ctrl-C, or q in the window");
    until("a picture", || is_coloured(&display.screenshot(window).bgr).then_some(()));
    display.press(window, 'i');
    until("the statistics", || {
        let shot = display.screenshot(window);
        // White on black at the left, where there are colours, with a rate that was measured.
        let is_white = |x| shot.pixel(x, 20) == [255, 255, 255];
        (Instant::now() > start + Duration::from_secs(3) && (10..90).any(is_white)).then_some(())
    });
    if let Some(folder) = std::env::var_os("NETGEAR_PICTURES") {
        let Screenshot { width, height, bgr } = display.screenshot(window);
        let frame = Frame::bgr8(width, height, bgr).unwrap();
        save_picture(&frame, Path::new(&folder).join("window.png")).unwrap();
    }
    display.press(window, 'q');
    assert!(demo.end().ok().json()["frames"].as_u64().unwrap() > 0);
}

#[test]
fn without_a_screen_the_error_proposes_a_browser() {
    for arguments in [&["demo", "--window"][..], &["view", "--window", "--bind", "tcp://127.0.0.1:0"]] {
        let mut program = command(arguments);
        program.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        Program::spawn(program).end().fails(1, &["no window can be opened here", "DISPLAY", "--web"]);
    }
}
