//! The console opens even if files are wrong or servers do not answer.

use std::fmt::Write;
use std::net::TcpListener;

use super::mapping;
use crate::support::Sandbox;
use crate::support::terminal::says;

#[tokio::test]
async fn a_broken_configuration_is_shown_with_its_lines_and_read_again_once_it_is_fixed() {
    let sandbox = Sandbox::new("console_broken").await;
    sandbox.configure("locaton: EU\ndefault_timezone: Europe/Berln", &mapping("a"));
    sandbox.sql("CREATE TABLE a (id INT PRIMARY KEY)").await;
    let console = sandbox.terminal_with("bqsync").await;
    let broken = console.shows("Nothing can run yet").await;
    for text in ["2 problems in the configuration", "config.yaml:3", "`location`", "config.yaml:4", "Europe/Berlin"] {
        assert!(says(&broken, text), "{text}:\n{broken}");
    }
    sandbox.configure("location: EU\ndefault_timezone: Europe/Berlin", &mapping("a"));
    // No key has been pressed.
    console.shows("NEW never run").await;
    sandbox.configure("locaton: EU", &mapping("a"));
    let kept = console.shows("OLD CONFIG").await;
    assert!(says(&kept, "`locaton`") && says(&kept, "NEW never run"), "{kept}");
    sandbox.configure("", &(mapping("a") + &mapping("b")));
    let read = console.until("the mapping that was added", |screen| screen.contains("\nb ")).await;
    assert!(!read.contains("OLD CONFIG"), "{read}");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}

#[tokio::test]
async fn the_console_opens_with_two_hundred_mappings_while_mysql_does_not_answer() {
    let sandbox = Sandbox::new("console_silent").await;
    let mappings = (0..200).fold(String::new(), |mut all, number| {
        all.write_str(&mapping(&format!("m{number}"))).unwrap();
        all
    });
    sandbox.configure("", &mappings);
    // The kernel accepts connections, and nobody ever answers on them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let console = sandbox.terminal_with(&format!("MYSQL_PORT={port} bqsync")).await;
    let opened = console.shows("200 mappings").await;
    assert!(!says(&opened, "ERROR"), "nothing has been waited for:\n{opened}");
    console.press(&["G"]);
    console.shows("m199").await;
    silent.set_nonblocking(true).unwrap();
    let (connection, _) = silent.accept().expect("a connection that hangs");
    connection.set_nonblocking(true).unwrap();
    let still = connection.peek(&mut [0]).unwrap_err();
    assert_eq!(still.kind(), std::io::ErrorKind::WouldBlock);
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}
