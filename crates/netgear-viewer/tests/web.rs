//! The page's server, without a browser: what it gives to good clients, and what others can do to it.
#![cfg(feature = "web")]
#![allow(clippy::unwrap_used, reason = "it is test code, also outside the test functions")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use netgear_media::proto::{ElementType, Frame, PixelFormat, Shape, Value};
use netgear_viewer::{Counters, Direction, Presence, WebError, WebViewer};
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::{self, Error, Message, WebSocket, client::client, protocol::CloseFrame};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn open() -> WebViewer {
    WebViewer::open("127.0.0.1:0".parse().unwrap()).unwrap()
}

fn connect(viewer: &WebViewer) -> TcpStream {
    let stream = TcpStream::connect(viewer.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Says this, and gives all that is said then, until the connection is closed.
fn says(viewer: &WebViewer, request: &str) -> String {
    let mut stream = connect(viewer);
    // Who is turned away early may find the connection closed before all is said.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(viewer: &WebViewer, path: &str, headers: &str) -> String {
    says(viewer, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"))
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    let found = answer.split(' ').nth(1).unwrap_or_default();
    assert_eq!(found, status.to_string(), "{answer:.300}");
}

/// One who looks.
struct Client {
    socket: WebSocket<TcpStream>,
}

impl Client {
    fn join(viewer: &WebViewer) -> Self {
        Self::try_join(viewer.address(), viewer).unwrap()
    }

    fn try_join(address: SocketAddr, viewer: &WebViewer) -> Result<Self, tungstenite::http::StatusCode> {
        match client(format!("ws://{address}/socket"), connect(viewer)) {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(tungstenite::HandshakeError::Failure(Error::Http(answer))) => Err(answer.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The first message that is taken, however many others come meanwhile: statistics never end.
    #[track_caller]
    fn next<T>(&mut self, what: &str, mut take: impl FnMut(Message) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = self.socket.read().unwrap_or_else(|error| panic!("{what}: {error}"));
            if let Some(taken) = take(message) {
                return taken;
            }
            assert!(Instant::now() < deadline, "{what} never came");
        }
    }

    /// The next picture: its number and its JPEG.
    #[track_caller]
    fn picture(&mut self) -> (u64, Vec<u8>) {
        self.next("a picture", |message| {
            let Message::Binary(message) = message else { return None };
            let (number, jpeg) = message.split_at(8);
            Some((u64::from_le_bytes(number.try_into().unwrap()), jpeg.to_vec()))
        })
    }

    /// The next message of one of these types.
    #[track_caller]
    fn told_one_of(&mut self, kinds: &[&str]) -> Json {
        self.next(&kinds.join(" or "), |message| {
            let Message::Text(text) = message else { return None };
            let json: Json = serde_json::from_str(&text).unwrap();
            kinds.iter().any(|kind| json["type"] == *kind).then_some(json)
        })
    }

    #[track_caller]
    fn told(&mut self, kind: &str) -> Json {
        self.told_one_of(&[kind])
    }

    /// Why the server closes it.
    #[track_caller]
    fn reason(&mut self) -> CloseFrame {
        self.next("a reason", |message| match message {
            Message::Close(reason) => Some(reason.unwrap()),
            _ => None,
        })
    }

    fn say(&mut self, message: &Json) {
        self.socket.send(Message::text(message.to_string())).unwrap();
    }

    fn shown(&mut self) {
        self.say(&json!({"type": "shown"}));
    }

    /// Whether the connection ends, whatever comes before.
    fn is_closed(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.socket.read() {
                Ok(Message::Close(_))
                | Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_)) => {
                    return true;
                }
                Err(Error::Io(error)) => return error.kind() != std::io::ErrorKind::WouldBlock,
                Ok(_) => {}
                Err(_) => return true,
            }
        }
        false
    }
}

fn gray(level: u8) -> Frame {
    Frame::gray8(64, 48, vec![level; 64 * 48]).unwrap()
}

/// A picture that JPEG cannot make small.
fn noise(seed: u32) -> Frame {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    Frame::bgr8(640, 480, (0..640 * 480 * 3).map(|_| next()).collect::<Vec<u8>>()).unwrap()
}

fn level(jpeg: &[u8]) -> u8 {
    image::load_from_memory(jpeg).unwrap().into_luma8().get_pixel(30, 20).0[0]
}

#[test]
fn the_page_and_its_files_may_load_nothing_else() {
    let viewer = open();
    for (path, kind) in [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/box.js", "text/javascript"),
        ("/plot.js", "text/javascript"),
    ] {
        let answer = get(&viewer, path, "");
        assert_status(&answer, 200);
        for part in [
            &format!("content-type: {kind}; charset=utf-8"),
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';",
            "frame-ancestors 'none'",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(answer.contains(part), "{part} in {answer:.900}");
        }
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.len() > 300, "{path}");
    }
    let head = says(&viewer, "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_status(&head, 200);
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    assert_status(&get(&viewer, "/etc/passwd", ""), 404);
    assert_status(&get(&viewer, "/../page.js", ""), 404);
}

#[test]
fn other_hosts_and_origins_are_refused() {
    let viewer = open();
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (path, headers) in
        [("/", "Connection: close\r\n"), ("/socket", socket), ("/page.js", "Connection: close\r\n")]
    {
        let ask = |host: &str, more: &str| {
            says(
                &viewer,
                &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{more}Connection: close\r\n\r\n"),
            )
        };
        assert_status(&ask("evil.example", ""), 403);
        assert_status(&ask("localhost", "Origin: http://evil.example\r\n"), 403);
        assert_status(&ask("localhost", "Origin: null\r\n"), 403);
        assert_status(&ask("localhost:1", "Origin: http://localhost:2\r\n"), 403);
        assert_status(&ask("localhost", "Host: evil.example\r\n"), 403);
    }
    assert_status(&says(&viewer, "GET / HTTP/1.0\r\n\r\n"), 403);
    assert_eq!(viewer.viewers(), 0);
}

#[test]
fn bad_requests_are_answered_and_never_read_to_their_end() {
    let viewer = open();
    let host = "HTTP/1.1\r\nHost: localhost\r\n";
    assert_status(&says(&viewer, &format!("POST / {host}Connection: close\r\n\r\n")), 405);
    // 16 TiB are claimed, and none of them waited for.
    let claimed = format!("POST / {host}Content-Length: 17592186044416\r\n\r\nhello");
    assert_status(&says(&viewer, &claimed), 413);
    let chunked = format!("GET / {host}Transfer-Encoding: chunked\r\n\r\nffffffff\r\nhello");
    assert_status(&says(&viewer, &chunked), 413);
    assert_status(&says(&viewer, &format!("GET / {host}X: {}\r\n\r\n", "x".repeat(1 << 20))), 431);
    assert_status(&says(&viewer, &format!("GET / {host}{}\r\n", "X: x\r\n".repeat(200))), 431);
    let long = says(&viewer, &format!("GET /{} {host}\r\n", "x".repeat(1 << 20)));
    assert!(long.starts_with("HTTP/1.1 4"), "{long}");
    assert_status(&says(&viewer, "nonsense\r\n\r\n"), 400);
    assert_status(&says(&viewer, "\0\0\0\0\0\0\0\0\r\n\r\n"), 400);
    assert_status(&get(&viewer, "/socket", ""), 426);
    assert_status(&get(&viewer, "/", ""), 200);
}

/// Memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[test]
#[cfg(target_os = "linux")]
fn five_hundred_idle_connections_are_harmless() {
    let viewer = open();
    viewer.show(&gray(100));
    let mut client = Client::join(&viewer);
    client.picture();
    let before = resident();
    let mut idle = Vec::new();
    for number in 0..500 {
        let mut stream = connect(&viewer);
        // Some say nothing, some half a request.
        if number % 2 == 0 {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").unwrap();
        }
        idle.push(stream);
        if number % 50 == 0 {
            assert_status(&get(&viewer, "/", ""), 200);
        }
    }
    assert_status(&get(&viewer, "/", ""), 200);
    let grown = resident().saturating_sub(before);
    // The other tests of this program have their own part in it.
    assert!(grown < 100 << 20, "{grown} bytes");
    // Who looked before goes on looking.
    client.shown();
    viewer.show(&gray(200));
    assert_eq!(client.picture().0, 2);
    // Most have been closed to make room.
    let closed = idle.iter().filter(|stream| {
        stream.set_nonblocking(true).unwrap();
        !matches!((&**stream).read(&mut [0; 64]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    });
    assert!(closed.count() >= 500 - 64);
}

#[test]
fn the_newest_frame_is_encoded_once_for_all_who_look() {
    let viewer = open();
    // Who comes later sees what there is, though nothing more comes.
    viewer.show(&gray(10));
    viewer.show(&gray(100));
    let mut clients = [Client::join(&viewer), Client::join(&viewer)];
    let pictures = clients.each_mut().map(Client::picture);
    assert_eq!(pictures[0], pictures[1]);
    assert_eq!(pictures[0].0, 2);
    assert!(level(&pictures[0].1).abs_diff(100) < 4);
    assert_eq!(viewer.viewers(), 2);
    drop(clients);
    let deadline = Instant::now() + PATIENCE;
    while viewer.viewers() > 0 {
        assert!(Instant::now() < deadline, "who has left still counts");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn frames_of_every_kind_are_shown() {
    let viewer = open();
    let mut client = Client::join(&viewer);
    let white: Vec<u8> = 1.0_f32.to_le_bytes().repeat(64 * 48);
    let shape = Shape::new(48, 64, 1).unwrap();
    viewer.show(&Frame::new(white, shape, ElementType::F32, PixelFormat::Gray).unwrap());
    assert!(level(&client.picture().1) > 250);
    client.shown();
    let shape = Shape::new(48, 64, 5).unwrap();
    viewer.show(&Frame::new(vec![0; 64 * 48 * 5], shape, ElementType::U8, PixelFormat::Unspecified).unwrap());
    assert!(level(&client.picture().1) < 5);
}

#[test]
fn who_does_not_read_gets_no_more_than_two_frames_and_holds_up_nobody() {
    let viewer = open();
    let mut stalled = Client::join(&viewer);
    let mut good = Client::join(&viewer);
    let mut last = 0;
    for seed in 1..=40 {
        viewer.show(&noise(seed));
        let (number, jpeg) = good.picture();
        assert!(number > last && jpeg.len() > 100_000, "{number} after {last}, {} bytes", jpeg.len());
        last = number;
        good.shown();
    }
    assert_eq!(last, 40);
    assert_eq!(viewer.viewers(), 2);
    // It reads at last: two pictures wait for it, and no more until it says that it has shown them.
    let first = stalled.picture().0;
    let second = stalled.picture().0;
    assert!(first < second && second <= 40);
    viewer.show(&gray(50));
    assert_eq!(good.picture().0, 41);
    // Acknowledged once: the next is the newest, and those between are gone.
    stalled.shown();
    let mut next = stalled.picture();
    if next.0 < 41 {
        stalled.shown();
        next = stalled.picture();
    }
    assert!(level(&next.1).abs_diff(50) < 4, "{}", next.0);
}

#[test]
fn what_is_typed_is_text_or_json_and_bounded() {
    let viewer = open();
    let mut client = Client::join(&viewer);
    for (text, value) in [
        ("hello", Value::from("hello")),
        ("{\"a\": [1, null]}", serde_json::from_str("{\"a\": [1, null]}").unwrap()),
        ("", Value::from("")),
        ("<b>&", Value::from("<b>&")),
        ("18446744073709551615", Value::from(u64::MAX)),
    ] {
        client.say(&json!({"type": "send", "id": 5, "text": text}));
        client.told("taken");
        assert_eq!(viewer.try_typed().unwrap().value(), &value, "{text}");
    }
    assert!(viewer.try_typed().is_none());
    // What nobody takes is refused in the end, and what was taken is still there.
    let mut taken = 0;
    let refused = loop {
        client.say(&json!({"type": "send", "id": taken, "text": taken.to_string()}));
        let answer = client.told_one_of(&["taken", "refused"]);
        assert_eq!(answer["id"], taken);
        if answer["type"] == "refused" {
            break answer;
        }
        taken += 1;
        assert!(taken < 100);
    };
    assert!(refused["why"].as_str().unwrap().contains("next frame"));
    assert_eq!(viewer.try_typed().unwrap().value(), &Value::from(0));
}

#[test]
fn who_types_hears_what_became_of_it_and_nobody_else_does() {
    let viewer = open();
    let mut others = Client::join(&viewer);
    let mut client = Client::join(&viewer);
    for id in [7, 8] {
        client.say(&json!({"type": "send", "id": id, "text": "x"}));
        client.told("taken");
    }
    viewer.try_typed().unwrap().sent();
    assert_eq!(client.told("sent")["id"], 7);
    viewer.try_typed().unwrap().refused("it is too deep");
    let refused = client.told("refused");
    assert_eq!((&refused["id"], &refused["why"]), (&json!(8), &json!("it is too deep")));
    others.say(&json!({"type": "send", "id": 1, "text": "y"}));
    assert_eq!(others.told_one_of(&["taken", "sent", "refused"])["type"], "taken");
}

#[test]
fn who_says_what_the_page_does_not_is_sent_away() {
    let viewer = open();
    for message in [
        Message::text("nonsense"),
        Message::text("{\"type\": \"other\"}"),
        Message::text("{\"type\": \"send\"}"),
        Message::text("{\"type\": \"send\", \"text\": \"\"}"),
        Message::text("[".repeat(10_000)),
        Message::binary(vec![0; 10]),
        Message::text(json!({"type": "send", "id": 1, "text": "x".repeat(100_000)}).to_string()),
    ] {
        let mut client = Client::join(&viewer);
        // It may be gone before all is said.
        let _ = client.socket.send(message.clone());
        assert!(client.is_closed(), "{message:.60}");
    }
    // A message that claims to be of 2^62 bytes.
    let mut client = Client::join(&viewer);
    let header = [0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5];
    client.socket.get_mut().write_all(&header).unwrap();
    assert!(client.is_closed());
    assert!(viewer.try_typed().is_none());
    assert_status(&get(&viewer, "/", ""), 200);
}

#[test]
fn a_page_that_takes_no_data_refuses_it_and_has_no_box() {
    let viewer = WebViewer::builder().takes_data(false).open("127.0.0.1:0".parse().unwrap()).unwrap();
    assert!(get(&viewer, "/", "").contains("data-takes-data=\"no\""));
    let mut client = Client::join(&viewer);
    client.say(&json!({"type": "send", "id": 3, "text": "hello"}));
    assert_eq!(client.told("refused")["id"], 3);
    assert!(viewer.try_typed().is_none());
}

#[test]
fn data_and_statistics_are_told() {
    let viewer = open();
    let mut client = Client::join(&viewer);
    client.told("statistics");
    viewer.show_data(Direction::Received, &Value::from("<script>"));
    viewer.show_data(Direction::Sent, &Value::from(7));
    viewer.show_data(Direction::Typed, &Value::from(8));
    let mut items = Vec::new();
    while items.len() < 3 {
        items.extend(client.told("data")["items"].as_array().unwrap().clone());
    }
    assert_eq!((&items[0]["direction"], &items[0]["text"]), (&json!("received"), &json!("\"<script>\"")));
    assert_eq!((&items[1]["direction"], &items[1]["text"]), (&json!("sent"), &json!("7")));
    assert_eq!((&items[2]["direction"], &items[2]["text"]), (&json!("typed"), &json!("8")));

    viewer.show(&gray(1));
    let latency = Some(Duration::from_millis(7));
    viewer.count(Counters { frames: 12, bytes: 34, dropped: 5, latency });
    let statistics = client.next("the statistics", |message| {
        let Message::Text(text) = message else { return None };
        let json: Json = serde_json::from_str(&text).unwrap();
        (json["frames"] == 12).then_some(json)
    });
    for (field, value) in
        [("width", 64), ("height", 48), ("bytes", 34), ("dropped", 5), ("latency_us", 7000), ("viewers", 1)]
    {
        assert_eq!(statistics[field], value, "{field}");
    }
}

#[test]
fn the_age_of_the_picture_and_an_absent_sender_are_told() {
    let viewer = open();
    let mut client = Client::join(&viewer);
    let mut statistics_where = |what: &str, is_so: &dyn Fn(&Json) -> bool| {
        client.next(what, |message| {
            let Message::Text(text) = message else { return None };
            let json: Json = serde_json::from_str(&text).unwrap();
            (json["type"] == "statistics" && is_so(&json)).then_some(json)
        })
    };
    let first = statistics_where("those before the first frame", &|_| true);
    assert_eq!((&first["age_ms"], &first["absence"]), (&Json::Null, &Json::Null));
    viewer.show(&gray(1));
    let shown = statistics_where("an age", &|json| json["age_ms"].is_number());
    // Counting is not showing.
    viewer.count(Counters { frames: 7, ..Counters::default() });
    let before = shown["age_ms"].as_u64().unwrap();
    statistics_where("a greater age", &|json| {
        json["frames"] == 7 && json["age_ms"].as_u64().unwrap() > before
    });
    viewer.set_presence(Presence::Lost);
    statistics_where("a lost sender", &|json| json["absence"] == "sender lost, waiting for it");
    // The last frames of it may be shown after that.
    viewer.show(&Frame::gray8(2, 1, vec![0; 2]).unwrap());
    let still = statistics_where("the frame", &|json| json["width"] == 2);
    assert_eq!(still["absence"], "sender lost, waiting for it");
    viewer.set_presence(Presence::There);
    statistics_where("a sender", &|json| json["absence"].is_null());
}

#[test]
fn a_flood_of_data_is_counted_and_not_kept() {
    let viewer = open();
    let mut client = Client::join(&viewer);
    client.told("statistics");
    for number in 0..10_000 {
        viewer.show_data(Direction::Received, &Value::from(number));
    }
    let (mut heard, mut missed) = (0, 0);
    while heard + missed < 10_000 {
        let data = client.told("data");
        heard += data["items"].as_array().unwrap().len() as u64;
        missed += data["missed"].as_u64().unwrap();
    }
    assert_eq!(heard + missed, 10_000);
    assert!(missed > 0);
}

#[test]
fn one_more_viewer_than_may_look_is_told_so() {
    let viewer = WebViewer::builder().max_viewers(1).open("127.0.0.1:0".parse().unwrap()).unwrap();
    let first = Client::join(&viewer);
    let address = viewer.address();
    // In a way that a page can hear.
    let reason = Client::join(&viewer).reason();
    assert_eq!((u16::from(reason.code), viewer.viewers()), (1013, 1));
    assert!(reason.reason.contains("all places are taken"), "{reason:?}");
    // Many who come all the same are turned away without a socket, and those who look go on.
    let all: Vec<_> = (0..40).map(|_| Client::try_join(address, &viewer)).collect();
    let without = all.iter().filter_map(|one| one.as_ref().err());
    assert!(without.clone().count() >= 10 && without.clone().all(|status| *status == 503));
    drop(all);
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    while viewer.viewers() > 0 {
        assert!(Instant::now() < deadline, "the place is never given back");
        thread::sleep(Duration::from_millis(10));
    }
    viewer.show(&gray(1));
    Client::join(&viewer).picture();
}

#[test]
fn a_token_is_wanted_by_the_page_and_by_the_socket() {
    let viewer = WebViewer::builder().token("s3cret").open("127.0.0.1:0".parse().unwrap()).unwrap();
    assert!(viewer.url().ends_with("/?token=s3cret"));
    assert_status(&get(&viewer, "/", ""), 403);
    assert_status(&get(&viewer, "/?token=wrong", ""), 403);
    assert_status(&get(&viewer, "/?token=s3cret", ""), 200);
    assert_eq!(Client::try_join(viewer.address(), &viewer).err().unwrap(), 403);
    let url = format!("ws://{}/socket?token=s3cret", viewer.address());
    assert!(client(url, connect(&viewer)).is_ok());
    assert!(!format!("{viewer:?} {:?}", WebViewer::builder().token("s3cret")).contains("s3cret"));
    let builder = WebViewer::builder().token("a b");
    assert!(matches!(builder.open("127.0.0.1:0".parse().unwrap()), Err(WebError::Token)));
}

#[test]
fn a_name_that_was_told_is_answered_to() {
    let viewer = WebViewer::builder().host_name("desk.local").open("127.0.0.1:0".parse().unwrap()).unwrap();
    let ask =
        |host: &str| says(&viewer, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    assert_status(&ask("desk.local:8080"), 200);
    let refused = ask("other.local:8080");
    assert_status(&refused, 403);
    assert!(refused.contains("--web-host"), "{refused}");
    let builder = WebViewer::builder().host_name("http://desk.local");
    assert!(matches!(builder.open("127.0.0.1:0".parse().unwrap()), Err(WebError::HostName { .. })));
}

#[test]
fn only_own_addresses_unless_told_otherwise() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let error = WebViewer::open(everywhere).unwrap_err();
    assert!(matches!(error, WebError::NotLoopback { .. }));
    assert!(error.to_string().contains("access token"), "{error}");
    let viewer = WebViewer::builder().public(true).open(everywhere).unwrap();
    assert_eq!(viewer.url(), format!("http://127.0.0.1:{}/", viewer.address().port()));
    assert!(matches!(WebViewer::open(viewer.address()), Err(WebError::NotLoopback { .. })));
    let viewer = open();
    assert!(matches!(WebViewer::open(viewer.address()), Err(WebError::Bind { .. })));
}

#[test]
fn the_end_is_told_and_the_address_is_free_again() {
    let viewer = open();
    let address = viewer.address();
    let mut client = Client::join(&viewer);
    client.told("statistics");
    drop(viewer);
    let reason = client.reason();
    assert_eq!((u16::from(reason.code), reason.reason.as_str()), (1001, "the program has ended"));
    drop(client);
    // Nobody is there any more.
    assert!(TcpStream::connect(address).is_err());
}
