//! The product's own questions to InfluxDB, asked again, their answers read to nowhere.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::influxd::TOKEN;
use crate::proxy::{Noted, Proxy};

/// What asks raw.
pub(crate) struct Raw {
    /// Before the InfluxDB that is asked.
    pub(crate) proxy: Proxy,
    /// The base URL of the InfluxDB itself.
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
}

/// What the same questions took raw.
#[derive(Default)]
pub(crate) struct Fetched {
    pub(crate) times: Vec<Duration>,
    /// How many they were, the last time.
    pub(crate) questions: usize,
    /// What they answered, the last time.
    pub(crate) bytes: usize,
}

impl Raw {
    /// Asks what passed the proxy last, as many at a time as then: each question as soon as everything has been
    /// answered that was answered before it began.
    pub(crate) async fn fetch(&self, fetched: &mut Fetched) {
        let questions = self.proxy.take();
        let before = |question: &Noted| -> Vec<usize> {
            let is_before = |other: &Noted| other.began < question.began && other.ended <= question.began;
            let ended = questions.iter().enumerate().filter(|(_, other)| is_before(other));
            ended.map(|(number, _)| number).collect()
        };
        let before: Vec<Vec<usize>> = questions.iter().map(before).collect();
        let (done, is_done): (Vec<_>, Vec<_>) = questions.iter().map(|_| watch::channel(false)).unzip();
        fetched.questions = questions.len();
        let began = Instant::now();
        let mut under_way = JoinSet::new();
        for ((question, before), done) in questions.into_iter().zip(before).zip(done) {
            let mut awaited: Vec<_> = before.iter().map(|number| is_done[*number].clone()).collect();
            let request = self.request(question);
            under_way.spawn(async move {
                for one in &mut awaited {
                    one.wait_for(|is_done| *is_done).await.expect("it is answered");
                }
                let bytes = read(request).await;
                done.send_replace(true);
                bytes
            });
        }
        fetched.bytes = under_way.join_all().await.iter().sum();
        fetched.times.push(began.elapsed());
    }

    fn request(&self, question: Noted) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}{}", self.url, question.path))
            .header(AUTHORIZATION, format!("Token {TOKEN}"))
            .header(ACCEPT, "application/csv")
            .header(CONTENT_TYPE, "application/json")
            .body(question.body)
    }
}

/// How many bytes are answered.
async fn read(request: reqwest::RequestBuilder) -> usize {
    let mut answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    let mut bytes = 0;
    while let Some(part) = answer.chunk().await.expect("the whole answer") {
        bytes += part.len();
    }
    bytes
}
