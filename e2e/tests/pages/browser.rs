//! A headless Chromium behind chromedriver, and what is asked of every page.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::wait;

/// How a browser is started.
pub(crate) struct Options {
    pub(crate) scheme: Scheme,
    pub(crate) without_script: bool,
    pub(crate) width: u32,
}

/// What the viewer prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scheme: Scheme::Light,
            without_script: false,
            width: 1440,
        }
    }
}

/// A browser of its own.
///
/// It speaks the few commands of `WebDriver` that the tests need: a client from elsewhere brings a hundred crates.
pub(crate) struct Browser {
    http: reqwest::Client,
    /// The address of its session.
    session: String,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; `None` if the test is skipped for lack of it.
    pub(crate) async fn start(options: Options) -> Option<Self> {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|part| part == "browser"),
                "needs chromedriver and chromium"
            );
            println!("skipped: needs a browser (packages chromium and chromium-driver)");
            return None;
        };
        let output = BufReader::new(driver.stdout.take().unwrap());
        let port = output.lines().map_while(Result::ok).find_map(|line| {
            let port = line.split("started successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let profile = tempfile::tempdir().unwrap();
        let mut chrome = json!({"args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1",
            format!("--user-data-dir={}", profile.path().display()),
            format!("--window-size={},1000", options.width),
        ]});
        if options.without_script {
            chrome["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
        }
        let capabilities = json!({
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        // Another test may have chosen the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap();
        let sessions = format!(
            "http://127.0.0.1:{}/session",
            port.expect("chromedriver names its port")
        );
        let body = json!({"capabilities": {"alwaysMatch": capabilities}});
        let answer = send(http.post(&sessions).json(&body)).await.unwrap();
        let browser = Self {
            http,
            session: format!("{sessions}/{}", answer["sessionId"].as_str().unwrap()),
            driver,
            _profile: profile,
        };
        let scheme = if options.scheme == Scheme::Dark {
            "dark"
        } else {
            "light"
        };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        browser
            .devtools("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
        Some(browser)
    }

    /// Opens an address and waits until it is loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.post("url", json!({"url": url})).await.unwrap();
    }

    /// The present address.
    pub(crate) async fn url(&self) -> String {
        let url = send(self.http.get(format!("{}/url", self.session)))
            .await
            .unwrap();
        url.as_str().unwrap().to_owned()
    }

    /// The visible text of the first match.
    pub(crate) async fn text(&self, css: &str) -> String {
        let element = self.find(css).await;
        let text = send(self.http.get(format!("{}/element/{element}/text", self.session)))
            .await
            .unwrap();
        text.as_str().unwrap().to_owned()
    }

    /// The text of every match, also where it is not visible.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        let script = format!(
            "return [...document.querySelectorAll({})].map(e => e.textContent.trim())",
            json!(css)
        );
        let texts = self.script(&script).await;
        texts
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    }

    /// Clicks, and waits until another page is there.
    pub(crate) async fn follow(&self, css: &str) {
        let before = self.url().await;
        self.click(css).await;
        wait(async || self.url().await != before).await;
        self.loaded().await;
    }

    /// Chooses an option, upon which the script sends the form.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        let before = self.url().await;
        self.set(name, value).await;
        wait(async || self.url().await != before).await;
        self.loaded().await;
    }

    /// Chooses an option and nothing else.
    pub(crate) async fn set(&self, name: &str, value: &str) {
        self.click(&format!("select[name={name}] option[value='{value}']"))
            .await;
    }

    async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.post(&format!("element/{element}/click"), json!({}))
            .await
            .unwrap();
    }

    /// The `WebDriver` name of the first match.
    async fn find(&self, css: &str) -> String {
        let wanted = json!({"using": "css selector", "value": css});
        let found = self
            .post("element", wanted)
            .await
            .unwrap_or_else(|error| panic!("{css}: {error}"));
        let name = found.as_object().and_then(|found| found.values().next());
        name.and_then(Value::as_str).unwrap().to_owned()
    }

    async fn loaded(&self) {
        let state = json!({"script": "return document.readyState === 'complete'", "args": []});
        // Between two pages there is none that could answer.
        wait(async || {
            self.post("execute/sync", state.clone())
                .await
                .is_ok_and(|ready| ready == true)
        })
        .await;
    }

    /// What a script of the test answers.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.post("execute/sync", json!({"script": script, "args": []}))
            .await
            .unwrap()
    }

    /// Waits until a script answers true.
    pub(crate) async fn until(&self, script: &str) {
        wait(async || self.script(script).await == true).await;
    }

    /// Makes the window so wide.
    pub(crate) async fn resize(&self, width: u32) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// From now on the page looks as it does on paper.
    pub(crate) async fn print(&self) {
        self.devtools("Emulation.setEmulatedMedia", json!({"media": "print"}))
            .await;
    }

    /// Leaves a picture of the whole page in `target/screenshots/`.
    pub(crate) async fn shoot(&self, name: &str) {
        let parameters = json!({"format": "png", "captureBeyondViewport": true});
        let answer = self.devtools("Page.captureScreenshot", parameters).await;
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join(format!("{name}.png")),
            from_base64(answer["data"].as_str().unwrap()),
        )
        .unwrap();
    }

    /// The page as it looks now as an SVG, text as text: `height` CSS pixels of it, or all.
    pub(crate) async fn draw(&self, height: Option<u32>) -> String {
        let limit = height.map_or_else(|| "Infinity".to_owned(), |height| height.to_string());
        let script = include_str!("svg.js").replacen("LIMIT", &limit, 1);
        self.script(&script).await.as_str().unwrap().to_owned()
    }

    /// What holds of every page: labels, contrast, order of focus, one heading, no inline style.
    pub(crate) async fn check_page(&self) {
        let faults = self.script(include_str!("check.js")).await;
        assert_eq!(faults, json!([]), "{}", self.url().await);
    }

    /// Nothing was complained about, and nothing was asked of another host.
    pub(crate) async fn finish(self) {
        let console = self.log("browser").await;
        assert_eq!(console, json!([]));
        let own: url::Url = self.url().await.parse().unwrap();
        for entry in self.log("performance").await.as_array().unwrap() {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let message = &message["message"];
            if message["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let url: url::Url = message["params"]["request"]["url"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap();
            // The page that a browser opens with is its own.
            let is_of_browser = ["data", "chrome", "about"].contains(&url.scheme());
            let is_own = url.host_str() == own.host_str() && url.port() == own.port();
            assert!(is_own || is_of_browser, "asked of another host: {url}");
        }
    }

    async fn log(&self, kind: &str) -> Value {
        self.post("se/log", json!({"type": kind})).await.unwrap()
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let command = json!({"cmd": command, "params": parameters});
        self.post("goog/cdp/execute", command).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, String> {
        send(self.http.post(format!("{}/{path}", self.session)).json(&body)).await
    }
}

/// The value of an answer, or the error that it names.
async fn send(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", value["message"])),
        None => Ok(value),
    }
}

impl Browser {
    /// Without the runtime of the test, which may be going down already.
    fn end_session(&self) -> Option<()> {
        let rest = self.session.strip_prefix("http://")?;
        let (host, path) = rest.split_once('/')?;
        let mut connection = TcpStream::connect(host).ok()?;
        connection.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let request = format!("DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).ok()?;
        connection.read(&mut [0; 64]).ok().map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of its session ends the browser, which a killed chromedriver would leave behind. The answer comes
        // when the browser is gone.
        let _ = self.end_session();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
