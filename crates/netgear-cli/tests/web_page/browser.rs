//! Chromium without a screen, driven by WebDriver: JSON over HTTP, to chromedriver.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::common::PATIENCE;

/// A browser with one window at first. It ends with this.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// `None` where there is no chromedriver, which is said loudly and in CI is a failure.
    pub(crate) fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut driver) = command.spawn() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no chromedriver on the PATH");
            eprintln!("SKIPPED: there is no chromedriver on the PATH");
            return None;
        };
        // `ChromeDriver was started successfully on port 12345.`
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver has not started").unwrap();
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').parse().unwrap();
            }
        };
        // What it says further must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut browser = Self { driver, port, session: String::new() };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--force-prefers-color-scheme=light",
            "--window-size=1280,900",
        ];
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.ask("POST", "/session", &capabilities);
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        Some(browser)
    }

    pub(crate) fn open(&self, url: &str) {
        self.command("url", &json!({ "url": url }));
    }

    /// Opens another window and works in it from now on.
    pub(crate) fn open_another(&self, url: &str) {
        let window = self.command("window/new", &json!({"type": "window"}));
        self.command("window", &json!({"handle": window["handle"]}));
        self.open(url);
    }

    /// What the script returns.
    pub(crate) fn run(&self, script: &str) -> Json {
        self.command("execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until the script returns something that counts as true, and gives it.
    #[track_caller]
    pub(crate) fn until(&self, script: &str) -> Json {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.run(script);
            if !matches!(found, Json::Null | Json::Bool(false)) && found != "" {
                return found;
            }
            assert!(Instant::now() < deadline, "it never came to: {script}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Types into what the selector finds.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.command(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.command(&format!("element/{element}/click"), &json!({}));
    }

    /// Makes the page as large as a phone's or another device's.
    pub(crate) fn become_device(&self, width: u32, height: u32, is_mobile: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile});
        self.chromium("Emulation.setDeviceMetricsOverride", &metrics);
    }

    pub(crate) fn prefer_dark(&self) {
        let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
        self.chromium("Emulation.setEmulatedMedia", &dark);
    }

    /// The page as PNG, in base 64.
    pub(crate) fn screenshot(&self) -> String {
        self.ask("GET", &format!("/session/{}/screenshot", self.session), &Json::Null)
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// What the page has complained of.
    pub(crate) fn complaints(&self) -> Vec<Json> {
        let log = self.command("se/log", &json!({"type": "browser"}));
        log.as_array().unwrap().iter().filter(|entry| entry["level"] != "INFO").cloned().collect()
    }

    fn chromium(&self, command: &str, parameters: &Json) {
        self.command("goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    fn element(&self, selector: &str) -> String {
        let found = self.command("element", &json!({"using": "css selector", "value": selector}));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    fn command(&self, command: &str, parameters: &Json) -> Json {
        self.ask("POST", &format!("/session/{}/{command}", self.session), parameters)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Json) -> Json {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (head, body) = self.exchange(method, path, &body).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {head} {body:.2000}");
        serde_json::from_str::<Json>(&body).unwrap()["value"].take()
    }

    /// One request, and its answer's head and body. The driver leaves the connection open, so its length is what
    /// counts.
    fn exchange(&self, method: &str, path: &str, body: &str) -> io::Result<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            answer.read_line(&mut head)?;
            let line = head[start..].trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(found) = line.strip_prefix("content-length:") {
                length = found.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        Ok((head, String::from_utf8(body).unwrap()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browsers end with the sessions, and not when the driver is killed.
        let _ = self.exchange("GET", "/shutdown", "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
