//! HTTP: who comes, what they get, and how long they may take.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body as _, Bytes, Incoming},
    header::{self, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
    upgrade,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{access::Access, page, shared::Shared, viewer};

/// What it serves, and by which rules.
pub(super) struct Server {
    pub(super) shared: Arc<Shared>,
    pub(super) access: Access,
    pub(super) title: String,
    pub(super) takes_data: bool,
    pub(super) max_viewers: usize,
    /// Those who are being told that there is no place for them.
    pub(super) turned_away: Arc<Semaphore>,
}

type Answer = Response<Full<Bytes>>;

/// Connections that are no viewers (yet). The oldest makes room for one more.
const CONNECTIONS: usize = 64;

/// Sockets of those who are told that there is no place for them, at a time. More hear it without a socket.
pub(super) const TURNED_AWAY: usize = 16;

/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may last that does not become a viewer's. A browser opens another.
const CONNECTION: Duration = Duration::from_secs(20);

/// What a request's head may have.
const HEAD_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;

/// How long to wait until the system may have more connections to give, and the last viewers may have left.
const PAUSE: Duration = Duration::from_millis(50);

impl Server {
    /// Serves until `stopped` is dropped.
    pub(super) async fn run(self, listener: net::TcpListener, mut stopped: watch::Receiver<()>) {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let server = Arc::new(self);
        let mut connections: VecDeque<JoinHandle<()>> = VecDeque::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopped.changed() => break,
            };
            let Ok((stream, _)) = accepted else {
                sleep(PAUSE).await;
                continue;
            };
            connections.retain(|connection| !connection.is_finished());
            if connections.len() >= CONNECTIONS
                && let Some(oldest) = connections.pop_front()
            {
                oldest.abort();
            }
            connections.push_back(tokio::spawn(Arc::clone(&server).connection(stream, stopped.clone())));
        }
        // The viewers are told by themselves, and have as long to hear it.
        let _ = timeout(viewer::LEAVING, async {
            while server.shared.viewers.load(Ordering::Acquire) > 0 {
                sleep(PAUSE).await;
            }
        })
        .await;
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, stopped: watch::Receiver<()>) {
        // Pictures are not to wait for each other; where it cannot be had they do.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let answer = self.answer(request, &stopped);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADERS)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        // Whatever goes wrong on a connection is over with it.
        let _ = timeout(CONNECTION, connection).await;
    }

    /// Works out the answer without waiting for anything: no body is ever read.
    fn answer(self: &Arc<Self>, mut request: Request<Incoming>, stopped: &watch::Receiver<()>) -> Answer {
        let mut answer = self.unadorned(&mut request, stopped);
        let headers = answer.headers_mut();
        for (name, value) in ALWAYS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if request.method() == Method::HEAD {
            *answer.body_mut() = Full::default();
        }
        answer
    }

    fn unadorned(self: &Arc<Self>, request: &mut Request<Incoming>, stopped: &watch::Receiver<()>) -> Answer {
        if let Err(refusal) = self.access.check(request.uri(), request.headers()) {
            return said(StatusCode::FORBIDDEN, &refusal.to_string());
        }
        if !request.body().is_end_stream() {
            let mut answer = said(StatusCode::PAYLOAD_TOO_LARGE, "Requests here have no body.");
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return answer;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = said(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are known here.");
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let path = request.uri().path();
        if let Some(file) = page::file(path) {
            return found(file);
        }
        if let Err(refusal) = self.access.check_token(request.uri()) {
            return said(StatusCode::FORBIDDEN, &refusal.to_string());
        }
        match path {
            "/" => found(page::index(&self.title, self.takes_data)),
            "/socket" => self.upgraded(request, stopped),
            _ => said(StatusCode::NOT_FOUND, "There is no such page."),
        }
    }

    /// Makes the connection that of a viewer (RFC 6455, section 4.2).
    fn upgraded(self: &Arc<Self>, request: &mut Request<Incoming>, stopped: &watch::Receiver<()>) -> Answer {
        let headers = request.headers();
        let key = headers.get("sec-websocket-key").filter(|key| key.len() == 24);
        let (Some(key), true) = (key, request.method() == Method::GET && asks_for_a_socket(headers)) else {
            let mut answer = said(StatusCode::UPGRADE_REQUIRED, "Here is a WebSocket of version 13.");
            answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            answer.headers_mut().insert("sec-websocket-version", HeaderValue::from_static("13"));
            return answer;
        };
        let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
            return said(StatusCode::BAD_REQUEST, "That is no WebSocket key.");
        };
        let viewers = &self.shared.viewers;
        let one_more = |viewers| (viewers < self.max_viewers).then_some(viewers + 1);
        let place = viewers.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok();
        let place = place.map(|_| viewer::Place(Arc::clone(&self.shared)));
        // One of the few who may be told that there is no place.
        let told = place.is_none().then(|| Arc::clone(&self.turned_away).try_acquire_owned());
        if let Some(Err(_)) = told {
            let mut answer = said(
                StatusCode::SERVICE_UNAVAILABLE,
                "All places are taken. Try again when one of the viewers has left.",
            );
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            return answer;
        }
        let upgrade = upgrade::on(request);
        let (takes_data, stopped) = (self.takes_data, stopped.clone());
        tokio::spawn(async move {
            let _told = told;
            // The place is given back if nothing comes of it.
            let Ok(Ok(socket)) = timeout(HEAD, upgrade).await else { return };
            match place {
                Some(place) => viewer::serve(place, TokioIo::new(socket), takes_data, stopped).await,
                None => viewer::turn_away(TokioIo::new(socket)).await,
            }
        });
        let mut answer = Answer::default();
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert("sec-websocket-accept", accept);
        answer
    }
}

/// What every answer says: nothing of this is kept, framed, guessed at or loaded from elsewhere.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

fn asks_for_a_socket(headers: &HeaderMap) -> bool {
    let has = |name: HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13")
}

fn found(file: page::File) -> Answer {
    let mut answer = Answer::new(file.content.into());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    answer
}

fn said(status: StatusCode, text: &str) -> Answer {
    let mut answer = Answer::new(Bytes::from(format!("{text}\n")).into());
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}
