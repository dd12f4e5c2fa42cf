//! A proxy before the emulator whose queries cost something and answer page by page, like BigQuery's.

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, Uri};
use axum::response::Response;
use serde_json::{Value, json};

/// Ends with the test's runtime.
pub struct QueryProxy {
    /// `host:port`.
    pub address: String,
}

impl QueryProxy {
    /// Every statement reports that it reads `bytes`; a page has `rows` rows.
    pub async fn start(emulator: &str, bytes: u64, rows: u64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let emulator = format!("http://{}", emulator.trim_start_matches("http://"));
        let serve =
            move |method: Method, uri: Uri, body: Bytes| forward(emulator.clone(), (method, uri, body), bytes, rows);
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
        Self { address }
    }
}

async fn forward(emulator: String, (method, uri, body): (Method, Uri, Bytes), bytes: u64, rows: u64) -> Response {
    let is_query = uri.path().contains("/queries");
    let mut url = format!("{emulator}{uri}");
    let mut body = body.to_vec();
    if is_query && method == Method::POST {
        let mut query: Value = serde_json::from_slice(&body).unwrap();
        query["maxResults"] = json!(rows);
        body = query.to_string().into_bytes();
    } else if is_query {
        url = format!("{url}&maxResults={rows}");
    }
    let request = reqwest::Client::new().request(method, url).header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let mut text = answer.text().await.unwrap();
    if is_query && status.is_success() {
        let mut told: Value = serde_json::from_str(&text).unwrap();
        told["totalBytesProcessed"] = json!(bytes.to_string());
        text = told.to_string();
    }
    Response::builder().status(status).header("content-type", "application/json").body(text.into()).unwrap()
}
