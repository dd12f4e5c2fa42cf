//! What BigQuery holds, read through its REST API and not through the program under test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Rows, Sandbox};

impl Sandbox {
    /// Runs a query; `{d}` stands for this sandbox's dataset. Values to be compared as text must be cast to STRING.
    pub async fn bq(&self, query: &str) -> Rows {
        let answer = self.query(query).await;
        assert!(answer.get("error").is_none(), "{query}: {answer}");
        let rows = answer["rows"].as_array().cloned().unwrap_or_default();
        let cell = |cell: &Value| match &cell["v"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        rows.iter().map(|row| row["f"].as_array().unwrap().iter().map(cell).collect()).collect()
    }

    /// The columns of a table as `name TYPE`.
    pub async fn bq_columns(&self, table: &str) -> Vec<String> {
        let answer = self.bq_table(table).await;
        let fields = answer["schema"]["fields"].as_array().unwrap_or_else(|| panic!("{table}: {answer}"));
        fields.iter().map(|f| format!("{} {}", f["name"].as_str().unwrap(), f["type"].as_str().unwrap())).collect()
    }

    /// Everything that BigQuery says about a table.
    pub async fn bq_table(&self, table: &str) -> Value {
        let url = format!("{}/datasets/{}/tables/{table}", self.project_url(), self.dataset);
        reqwest::get(url).await.unwrap().json().await.unwrap()
    }

    /// Names of the dataset's tables.
    pub async fn bq_tables(&self) -> Vec<String> {
        let url = format!("{}/datasets/{}/tables", self.project_url(), self.dataset);
        let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let tables = answer["tables"].as_array().cloned().unwrap_or_default();
        tables.iter().map(|t| t["tableReference"]["tableId"].as_str().unwrap().to_owned()).collect()
    }

    /// Runs statements whose result does not matter.
    pub async fn bq_run(&self, statement: &str) {
        let answer = self.query(statement).await;
        assert!(answer.get("error").is_none(), "{statement}: {answer}");
    }

    /// Creates this sandbox's dataset, for tests that begin with a table in it.
    pub async fn bq_create_dataset(&self) {
        let body = json!({ "datasetReference": { "projectId": "demo", "datasetId": self.dataset } });
        let url = format!("{}/datasets", self.project_url());
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    async fn query(&self, query: &str) -> Value {
        let body = json!({
            "query": query.replace("{d}", &format!("demo.{}", self.dataset)),
            "useLegacySql": false,
            "maxResults": 100_000,
            "formatOptions": { "useInt64Timestamp": true },
        });
        let url = format!("{}/queries", self.project_url());
        reqwest::Client::new().post(url).json(&body).send().await.unwrap().json().await.unwrap()
    }

    fn project_url(&self) -> String {
        format!("http://{}/bigquery/v2/projects/demo", self.emulator.trim_start_matches("http://"))
    }
}

impl Drop for Sandbox {
    /// Each statement costs an emulator more with every table that it holds, so what a test made goes with the test. Best
    /// effort: a test that has been told to fail shall fail with its own words.
    fn drop(&mut self) {
        let host = self.emulator.trim_start_matches("http://");
        let Ok(mut emulator) = TcpStream::connect(host) else { return };
        let path = format!("/bigquery/v2/projects/demo/datasets/{}?deleteContents=true", self.dataset);
        let request = format!("DELETE {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        // The answer is awaited, since the next test of this emulator is to find it quick.
        let _ = emulator
            .set_read_timeout(Some(Duration::from_secs(30)))
            .and_then(|()| emulator.write_all(request.as_bytes()))
            .and_then(|()| emulator.read_to_end(&mut Vec::new()));
    }
}
