//! The page, in a browser: Chromium, driven as a person would use it.
#![cfg(feature = "web")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

mod browser;
#[path = "../common/mod.rs"]
mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
};

use browser::Browser;
use common::{Program, command, run};
use netgear::prelude::TestPattern;
use serde_json::Value as Json;

/// A view with a page, where that is, and a serve of the test pattern to it.
fn show(view: &[&str], serve: &[&str]) -> (Program, String, Program) {
    let how = ["view", "--web", "127.0.0.1:0", "--bind", "tcp://127.0.0.1:0", "--json"];
    let view = Program::start(&[&how, view].concat());
    let url = view.stderr_line("showing at ")["showing at ".len()..].to_owned();
    let endpoint = view.listening();
    let serve = Program::start(&[&["serve", "--connect", &endpoint, "--json"], serve].concat());
    (view, url, serve)
}

/// The picture on the page as RGB, and which frame it is.
fn picture(browser: &Browser) -> (u64, Vec<u8>) {
    let found = browser.until(
        "const picture = document.getElementById('picture');
         if (!picture.dataset.number) return null;
         const { data } = picture.getContext('2d').getImageData(0, 0, picture.width, picture.height);
         const rgb = [];
         for (let at = 0; at < data.length; at += 4) rgb.push(data[at], data[at + 1], data[at + 2]);
         return [Number(picture.dataset.number), rgb];",
    );
    let rgb = found[1].as_array().unwrap().iter().map(|level| level.as_u64().unwrap() as u8).collect();
    (found[0].as_u64().unwrap(), rgb)
}

fn number(browser: &Browser) -> u64 {
    browser.run("return Number(document.getElementById('picture').dataset.number || 0)").as_u64().unwrap()
}

/// Waits until the picture has moved on by so many frames.
#[track_caller]
fn moves(browser: &Browser, frames: u64) {
    let from = number(browser);
    browser.until(&format!(
        "return Number(document.getElementById('picture').dataset.number) >= {}",
        from + frames
    ));
}

/// No picture is drawn, or asked for, while a second's frames come and more.
fn stands_while_the_stream_goes_on(browser: &Browser) {
    // What was on its way has come.
    browser.run(
        "window.said = 0;
         const send = WebSocket.prototype.send;
         WebSocket.prototype.send = function (message) { window.said += message.includes('shown'); send.call(this, message); }",
    );
    let frames = "parseInt(document.getElementById('counts').textContent)";
    let before =
        browser.run(&format!("return [{frames}, Number(document.getElementById('picture').dataset.number)]"));
    let (count, standing) = (before[0].as_u64().unwrap(), before[1].as_u64().unwrap());
    browser.until(&format!("return {frames} >= {count} + 20"));
    assert_eq!(number(browser), standing);
    assert_eq!(browser.run("return window.said"), 0);
}

/// As a browser tells a page that its tab is in front, or is not.
fn become_visible(browser: &Browser, state: &str) {
    browser.run(&format!(
        "Object.defineProperty(document, 'hidden', {{ value: '{state}' === 'hidden', configurable: true }});
         document.dispatchEvent(new Event('visibilitychange'));"
    ));
}

/// Waits until the plots show a stream and not its first second; in a picture that is kept, half a minute of it.
fn plots_are_drawn(browser: &Browser) {
    let points = if std::env::var_os("NETGEAR_PICTURES").is_some() { 30 } else { 6 };
    browser.until(&format!(
        "return ['fps', 'latency', 'rate'].every((id) => document.getElementById(id).dataset.points >= {points})"
    ));
}

/// Nothing is wider than the page.
#[track_caller]
fn assert_fits(browser: &Browser) {
    let wide = browser.run(
        "const width = document.documentElement.clientWidth;
         const wide = [...document.querySelectorAll('body *')].filter((element) => {
           const { left, right } = element.getBoundingClientRect();
           return left < 0 || right > width + 0.5;
         });
         return [document.documentElement.scrollWidth > width, ...wide.map((element) => element.outerHTML.slice(0, 80))];",
    );
    assert_eq!(wide, serde_json::json!([false]));
}

/// Keeps the page's picture: where `cargo xtask viewer-test --pictures` says, or below the target directory to be
/// looked at.
fn keep(browser: &Browser, name: &str) {
    let folder =
        std::env::var_os("NETGEAR_PICTURES").filter(|_| name != "web-phone-dark.png").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    std::fs::write(folder.join(name), from_base_64(&browser.screenshot())).unwrap();
}

fn from_base_64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.trim_end_matches('=').bytes().map(digit).collect();
    let of_four = |four: &[u8]| {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(of_four).collect()
}

#[test]
fn the_page_shows_the_stream_and_sends_back_what_is_typed() {
    let Some(browser) = Browser::start() else { return };
    let (view, url, serve) = show(
        &["--reply", "seen"],
        &["test:640x360@20", "--data", "{\"camera\": 3, \"note\": \"<b>ä</b>\"}", "--print-data"],
    );
    browser.open(&url);

    // It is the frame that was sent, to within what JPEG loses.
    let (first, rgb) = picture(&browser);
    let frame = TestPattern::new("640x360@20".parse().unwrap()).frame(first - 1);
    assert_eq!(rgb.len(), frame.pixels().len());
    let sent = frame.pixels().as_chunks::<3>().0.iter().flat_map(|[blue, green, red]| [*red, *green, *blue]);
    let differences: Vec<u8> = rgb.iter().zip(sent).map(|(found, sent)| found.abs_diff(sent)).collect();
    let mean =
        differences.iter().map(|difference| f64::from(*difference)).sum::<f64>() / differences.len() as f64;
    let far =
        differences.iter().filter(|difference| **difference > 24).count() as f64 / differences.len() as f64;
    println!("frame {first}: mean difference {mean:.2}, {:.2} % of samples more than 24", far * 100.0);
    assert!(mean < 3.0 && far < 0.02, "mean {mean}, far {far}");
    moves(&browser, 10);

    // Data of both ends, as text and not as HTML.
    let list = "[...document.querySelectorAll('#data li')].map((item) => item.textContent)";
    browser.until(&format!(
        "const items = {list};
         return items.some((item) => /^received at \\d+: {{\"camera\": 3, \"note\": \"<b>ä<\\/b>\"}}$/.test(item))
           && items.some((item) => /^sent at \\d+: \"seen\"$/.test(item));"
    ));
    browser.until("return document.querySelectorAll('#data li[data-direction=received]').length === 200");
    browser.until("return parseFloat(document.getElementById('fps-now').textContent) > 2");
    browser.until("return document.getElementById('latency-now').textContent.endsWith(' ms')");

    // What is typed goes back, before what always goes back.
    browser.type_into("#text", "{\"typed\": [1, 2]}");
    browser.click("#send button");
    serve.stderr_line("{\"typed\": [1, 2]}");
    let sent = "document.getElementById('sent').textContent";
    let text = "document.getElementById('text').value";
    browser.until(&format!("return {sent} === 'sent: {{\"typed\": [1, 2]}}' && {text} === ''"));
    // What a session does not carry is said to whoever typed it, ends nothing, and is not lost.
    let deep = "[".repeat(70) + &"]".repeat(70);
    browser.type_into("#text", &deep);
    browser.click("#send button");
    view.stderr_line("what was typed is not sent: ");
    browser.until(&format!("return {sent}.startsWith('not sent: ') && {text} === '{deep}'"));
    browser.run("document.getElementById('text').value = ''");
    browser.type_into("#text", "no JSON <i>\u{e007}");
    serve.stderr_line("\"no JSON <i>\"");
    browser.until(&format!("return {sent} === 'sent: no JSON <i>' && {text} === ''"));

    // It is told apart from what always goes back, and is found among it when that has gone by.
    let typed =
        "[...document.querySelectorAll('#data li[data-direction=typed]')].map((item) => item.textContent)";
    browser.until(&format!(
        "const items = {typed};
         return items.length === 2 && /^typed and sent at \\d+: \"no JSON <i>\"$/.test(items[0])
           && /^typed and sent at \\d+: {{\"typed\": \\[1, 2\\]}}$/.test(items[1]);"
    ));
    serve.stderr_lines("\"seen\"", serve.stderr_count("\"seen\"") + 220);
    browser.run(
        "const which = document.getElementById('which');
         which.value = 'typed';
         which.dispatchEvent(new Event('change'));",
    );
    let listed = "[...document.querySelectorAll('#data li')].filter((item) => item.offsetHeight > 0)";
    assert_eq!(
        browser.run(&format!("return {listed}.map((item) => item.dataset.direction)")),
        serde_json::json!(["typed", "typed"])
    );
    browser.run(
        "const which = document.getElementById('which');
         which.value = 'all';
         which.dispatchEvent(new Event('change'));",
    );
    browser.until(&format!("return {listed}.length > 400"));

    // The picture stands, and goes on at the newest.
    browser.click("#pause");
    browser.until("return document.getElementById('state').textContent === 'paused'");
    assert_eq!(
        browser.run("return document.getElementById('banner').textContent"),
        "paused; the stream goes on"
    );
    stands_while_the_stream_goes_on(&browser);
    // By a key as well.
    browser.run("document.activeElement.blur()");
    browser.type_into("body", " ");
    moves(&browser, 5);

    // A page that nobody sees is shown nothing, and when it is seen again the newest at once.
    become_visible(&browser, "hidden");
    stands_while_the_stream_goes_on(&browser);
    become_visible(&browser, "visible");
    moves(&browser, 5);

    browser.become_device(1280, 720, false);
    assert_fits(&browser);
    plots_are_drawn(&browser);
    keep(&browser, "web.png");
    assert_eq!(browser.complaints(), Vec::<Json>::new());
    drop(browser);
    serve.signal("INT");
    let (view, serve) = (view.end().ok().json(), serve.end().ok().json());
    assert_eq!(view["data_received"], serve["frames"]);
}

#[test]
fn a_phone_shows_all_of_it() {
    let Some(browser) = Browser::start() else { return };
    let (_view, url, _serve) = show(
        &[
            "--reply",
            "{\"a rather long reply\": \"without-any-place-to-break-it-without-any-place-to-break-it-anywhere\"}",
        ],
        &["test:640x360@15", "--data", "{\"camera\": 3}"],
    );
    browser.become_device(390, 844, true);
    browser.open(&url);
    moves(&browser, 5);
    browser.until("return document.querySelectorAll('#data li').length > 20");
    plots_are_drawn(&browser);
    assert_fits(&browser);
    // What is pressed is large enough for a finger.
    let heights = browser
        .run("return [...document.querySelectorAll('button, input, select')].map((element) => element.offsetHeight)");
    assert!(heights.as_array().unwrap().iter().all(|height| height.as_u64().unwrap() >= 44), "{heights}");
    let size = browser.run("return parseFloat(getComputedStyle(document.body).fontSize)");
    assert!(size.as_f64().unwrap() >= 16.0, "{size}");
    keep(&browser, "web-phone.png");
    browser.become_device(320, 568, true);
    assert_fits(&browser);
    browser.prefer_dark();
    browser.until("return getComputedStyle(document.body).backgroundColor === 'rgb(20, 23, 28)'");
    browser.become_device(390, 844, true);
    keep(&browser, "web-phone-dark.png");
    // Everything that can be used has a name.
    let nameless = browser.run(
        "return [...document.querySelectorAll('button, input, select, canvas, section, ol')].filter((element) =>
           !(element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length))
           .map((element) => element.outerHTML)",
    );
    assert_eq!(nameless, serde_json::json!([]));
    assert_eq!(browser.complaints(), Vec::<Json>::new());
}

#[test]
fn one_who_never_reads_harms_neither_the_session_nor_another_viewer() {
    let Some(browser) = Browser::start() else { return };
    let (view, url, serve) = show(&[], &["test:1280x720@20"]);
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    browser.open(&url);
    moves(&browser, 3);
    let mut stalled = TcpStream::connect(&address).unwrap();
    write!(
        stalled,
        "GET /socket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut status = [0; 12];
    stalled.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
    browser.until("return document.getElementById('counts').textContent.endsWith('2\u{a0}viewers')");
    browser.open_another(&url);
    browser.until("return document.getElementById('counts').textContent.endsWith('3\u{a0}viewers')");
    moves(&browser, 60);
    drop(browser);
    serve.signal("INT");
    let (view, serve) = (view.end().ok().json(), serve.end().ok().json());
    assert_eq!(view["frames"], serve["frames"]);
    // The session kept its pace: 20 a second, on a machine that has the time for half of it.
    assert!(view["fps"].as_f64().unwrap() > 10.0, "{view}");
}

#[test]
fn the_page_says_how_things_stand_and_comes_back_with_the_program() {
    let Some(browser) = Browser::start() else { return };
    let how = &["view", "--bind", "tcp://127.0.0.1:0"][..];
    let view = Program::start(&[how, &["--web", "127.0.0.1:0"]].concat());
    let url = view.stderr_line("showing at ")["showing at ".len()..].to_owned();
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let state = |text: &str| {
        browser.until(&format!("return document.getElementById('state').textContent === '{text}'"));
    };
    browser.open(&url);
    state("waiting for frames");
    let serve = Program::start(&["serve", "test:320x240@20", "--connect", &view.listening()]);
    state("live");
    moves(&browser, 5);
    // The sender leaves, and the program ends with it.
    serve.signal("INT");
    serve.end().ok();
    view.end().ok();
    state("the program has ended; trying again");

    let view = Program::start(&[how, &["--web", &address, "--stay"]].concat());
    // The picture of the program before is no live one.
    state("waiting for frames");
    browser.run("delete document.getElementById('picture').dataset.number");
    let serve = Program::start(&["serve", "test:320x240@20", "--connect", &view.listening()]);
    state("live");
    moves(&browser, 5);
    // It stands still, though nobody has left.
    serve.signal("STOP");
    state("no new frames");
    serve.signal("CONT");
    state("live");
    view.signal("INT");
    view.end().ok();
    state("the program has ended; trying again");

    // Whoever is not let in any more hears why.
    let _view = Program::start(&[how, &["--web", &address, "--web-token", "s3cret"]].concat());
    browser.until(
        "return document.getElementById('state').textContent.startsWith('This page wants its access token')",
    );
}

#[test]
fn the_page_says_that_the_sender_is_lost_and_is_live_again_when_it_is_back() {
    let Some(browser) = Browser::start() else { return };
    let (view, url, serve) = show(&["--stay"], &["test:320x240@20"]);
    let state = |text: &str| {
        browser.until(&format!("return document.getElementById('state').textContent === '{text}'"));
    };
    let opacity = |opacity: &str| {
        browser.until(&format!(
            "return getComputedStyle(document.getElementById('picture')).opacity === '{opacity}'"
        ));
    };
    let again = || Program::start(&["serve", "test:320x240@20", "--connect", &view.listening()]);
    browser.open(&url);
    moves(&browser, 5);
    state("live");
    opacity("1");
    serve.signal("KILL");
    state("sender lost, waiting for it");
    opacity("0.4");
    browser.until(
        "return /^sender lost, waiting for it; the last frame came \\d+ s ago$/.test(document.getElementById('banner').textContent)",
    );
    // One who comes only now is told as well, and shown the last picture.
    browser.open(&url);
    picture(&browser);
    state("sender lost, waiting for it");
    let serve = again();
    state("live");
    opacity("1");
    moves(&browser, 5);
    serve.signal("INT");
    serve.end().ok();
    state("the sender has left, waiting for the next");
    let _serve = again();
    state("live");
    moves(&browser, 5);
}

#[test]
fn an_address_for_the_page_may_be_a_port_alone() {
    let (view, url, _serve) = show(&[], &["test:64x48@20"]);
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    let how = ["view", "--bind", "tcp://127.0.0.1:0", "--web"];
    // That it is taken shows that it is the same place.
    for address in [port, &format!(":{port}"), &format!("localhost:{port}")] {
        let ended = run(&[&how[..], &[address]].concat());
        ended.fails(
            1,
            &[
                &format!("cannot serve a page at 127.0.0.1:{port}"),
                "take another port",
                "free with 127.0.0.1:0",
            ],
        );
    }
    let ended = run(&[&how[..], &["desk:8088"]].concat()).fails(2, &["--web 8088", "--web 127.0.0.1:8088"]);
    assert!(!ended.stderr.contains("socket address"), "{}", ended.stderr);
    let ended = run(&[&how[..], &["0.0.0.0:0"]].concat()).fails(2, &["--web-public"]);
    assert!(!ended.stderr.contains("WebViewer"), "{}", ended.stderr);
    drop(view);
}

#[test]
fn a_token_can_stand_in_the_environment_and_is_in_no_list_of_processes() {
    let mut view = command(&["view", "--bind", "tcp://127.0.0.1:0", "--web", "127.0.0.1:0"]);
    view.env("NETGEAR_WEB_TOKEN", "s3cret");
    let view = Program::spawn(view);
    assert!(view.stderr_line("showing at http://127.0.0.1:").ends_with("/?token=s3cret"));
    // One that is empty is a mistake, and not leave for everybody.
    let mut view = command(&["view", "--bind", "tcp://127.0.0.1:0", "--web", "127.0.0.1:0"]);
    view.env("NETGEAR_WEB_TOKEN", "");
    Program::spawn(view).end().fails(2, &["--web", "token"]);
    // Without a page it says nothing.
    let mut probe = command(&["demo", "--frames", "1"]);
    probe.env("NETGEAR_WEB_TOKEN", "");
    Program::spawn(probe).end().ok();
}

#[test]
fn a_page_for_other_machines_has_to_be_asked_for_and_is_warned_about() {
    let how = ["view", "--bind", "tcp://127.0.0.1:0", "--web"];
    run(&[&how[..], &["0.0.0.0:0"]].concat()).fails(2, &["--web", "--web-public", "not encrypted"]);
    run(&["view", "--web-public"]).with_code(2);
    run(&["view", "--web-token", "x"]).with_code(2);
    let view = Program::start(&[&how[..], &["0.0.0.0:0", "--web-public", "--web-token", "s3cret"]].concat());
    view.stderr_line("warning: who has the token sees this stream");
    assert!(view.stderr_line("showing at http://127.0.0.1:").ends_with("/?token=s3cret"));
    // Who can only look is not said to do more.
    let view = Program::start(&[&how[..], &["0.0.0.0:0", "--web-public", "--unidirectional"]].concat());
    let warning = view.stderr_line("warning: anybody who reaches this machine sees this stream");
    assert!(!warning.contains("send data"), "{warning}");
    let named = ["0.0.0.0:0", "--web-public", "--web-host", "desk.local", "--web-host", "desk"];
    let view = Program::start(&[&how[..], &named].concat());
    let url = view.stderr_line("showing at ");
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    view.stderr_line("from other machines the same with desk.local in place of 127.0.0.1");
    for (host, status) in [("desk", "200"), ("desk.local", "200"), ("other", "403")] {
        let mut page = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        write!(page, "GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        page.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {answer:.200}");
    }
}

#[test]
fn the_demo_has_a_page() {
    let Some(browser) = Browser::start() else { return };
    // It goes on until it is told to end.
    let demo = Program::start(&["demo", "--web", "127.0.0.1:0", "--json"]);
    demo.stderr_line("streaming until Ctrl-C");
    browser.open(&demo.stderr_line("showing at ")["showing at ".len()..]);
    moves(&browser, 5);
    browser.type_into("#text", "hello\u{e007}");
    browser.until("return [...document.querySelectorAll('#data li')].some((item) => item.textContent.endsWith(': \"hello\"'))");
    drop(browser);
    demo.signal("INT");
    demo.end().ok();
}
