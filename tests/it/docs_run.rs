//! Runs the commands that the pages show a newcomer, in the order of the pages on a small shop, and compares their
//! output.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, Sandbox, finish};

/// The pages in the order in which a newcomer reads them.
const PAGES: [&str; 5] = ["README.md", "docs/quickstart.md", "docs/cli.md", "docs/verify.md", "docs/operate.md"];

/// The tables that the pages mention.
const SHOP: &str = "
    CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(20),
      updated_at TIMESTAMP NOT NULL DEFAULT '2026-01-10' ON UPDATE CURRENT_TIMESTAMP, KEY (updated_at));
    INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'Grace');
    CREATE TABLE orders LIKE users;
    INSERT INTO orders (id, name) VALUES (1, 'a lamp'), (2, 'a chair');
    CREATE TABLE customers (id INT PRIMARY KEY, email VARCHAR(50), phone VARCHAR(20), password_hash CHAR(40),
      updated_at TIMESTAMP NOT NULL DEFAULT '2026-01-10' ON UPDATE CURRENT_TIMESTAMP, KEY (updated_at));
    INSERT INTO customers (id, email) VALUES (1, 'ada@example.com');
    CREATE TABLE rates (currency CHAR(3), rate DOUBLE);
    INSERT INTO rates VALUES ('EUR', 1), ('USD', 1.25);
    ";

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The calls in examples and in the second cells of tables; not those with a placeholder, those that stay up, or those
/// about a table that comes later to an entry with `tables`, which this shop's file lacks.
fn calls(page: &str) -> Vec<Vec<String>> {
    let example = |line: &str| line.strip_prefix("    bqsync ").map(|call| call.split(" #").next().unwrap().to_owned());
    let cell = |line: &str| {
        let call = line.strip_prefix("| ")?.split(" | ").nth(1)?.strip_prefix("`bqsync ")?;
        Some(call.strip_suffix('`')?.to_owned())
    };
    let told = page.lines().filter_map(|line| example(line).or_else(|| cell(line)));
    let calls = told.map(|call| call.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let is_left_out = |word: &String| word.starts_with('[') || word.starts_with("shop.") || word == "schedule";
    calls.filter(|call| !call.is_empty() && !call.iter().any(is_left_out)).collect()
}

/// The block in an example's language that contains `words`.
fn block(page: &str, language: &str, words: &str) -> String {
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix(language));
    blocks.filter(|block| block.contains(words)).map(str::to_owned).next().unwrap()
}

/// The lines without the numbers of rows, which differ from table to table.
fn without_sizes(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split(" # about ").next().unwrap().trim_end());
    lines.filter(|line| !line.is_empty()).collect()
}

async fn ran(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    command.env("GCP_PROJECT_ID", "demo");
    finish(command).await.expect_code(0)
}

#[tokio::test]
async fn the_documented_commands_work_in_order_and_print_what_the_pages_show() {
    let sandbox = Sandbox::new("pages").await;
    sandbox.sql(SHOP).await;

    let mut typed = BTreeSet::new();
    for name in PAGES {
        for call in calls(&page(name)) {
            let words: Vec<&str> = call.iter().map(String::as_str).filter(|word| *word != "--no-tui").collect();
            if typed.insert(words.join(" ")) {
                ran(&sandbox, &call.iter().map(String::as_str).collect::<Vec<_>>()).await;
            }
        }
    }
    assert!(typed.len() > 15, "only {typed:?}");

    let quickstart = page("docs/quickstart.md");
    let shown = block(&quickstart, "yaml", "name: customers");
    let proposed = sandbox.read("config.yaml");
    let (shown, proposed) = (without_sizes(&shown), without_sizes(&proposed));
    assert!(proposed.windows(shown.len()).any(|lines| lines == shown), "{shown:#?}\n{proposed:#?}");

    // The smallest configuration, and the output of `check` once the index is gone.
    sandbox.sql("ALTER TABLE users DROP KEY updated_at").await;
    sandbox.write("config.yaml", &block(&page("README.md"), "yaml", "mappings:").replace("shop", &sandbox.database));
    let found = ran(&sandbox, &["check", "--output", "json"]).await.json();
    let shown: Value = serde_json::from_str(&block(&page("docs/check.md"), "json", "cursor_index")).unwrap();
    assert!(found["checks"].as_array().unwrap().contains(&shown["checks"][0]), "{found:#}");
}
