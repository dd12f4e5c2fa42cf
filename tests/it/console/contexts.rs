//! Another configuration without leaving, and the operator's own commands with the terminal.

use rustix::process::{Pid, Signal, kill_process};

use super::mapping;
use crate::support::Sandbox;
use crate::support::terminal::{Terminal, eventually, says};

/// The `sleep` that a process has started, directly or through shells.
fn sleep_of(process: Pid) -> Option<Pid> {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    if name.trim() == "sleep" {
        return Some(process);
    }
    let listed = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    listed.split_whitespace().find_map(|child| sleep_of(Pid::from_raw(child.parse().ok()?)?))
}

#[tokio::test]
async fn another_context_has_its_own_server_state_and_name_in_the_first_line() {
    let (here, prod) = (Sandbox::new("console_here").await, Sandbox::new("console_prod").await);
    here.configure("", &mapping("a"));
    here.sql("CREATE TABLE a (id INT PRIMARY KEY)").await;
    prod.sql("CREATE TABLE b (id INT PRIMARY KEY); INSERT INTO b VALUES (1), (2)").await;
    here.write(
        ".config/bqsync/contexts.yaml",
        "prod: {config: ../../prod/config.yaml, colour: red}\ndev: {config: ../../dev/config.yaml}\n",
    );
    let config = format!("project: demo\ndataset: {}\nmappings:\n{}", prod.dataset, mapping("b"));
    here.write("prod/config.yaml", &config);
    here.write("prod/.env", &format!("MYSQL_DATABASE={}\n", prod.database));
    here.write("dev/config.yaml", "project: demo\ndatset: x\n");
    let console = here.terminal_with("bqsync").await;
    console.shows("NEW never run").await;
    console.type_in(":context prod");
    console.press(&["Enter"]);
    // The mapping's line, because a key in the last line has the same name.
    console
        .until("prod's mapping", |screen| {
            screen.starts_with("bqsync  prod  demo") && screen.contains("\nb ") && screen.contains("NEW never run")
        })
        .await;
    console.press(&["r"]);
    // Its report may still be written: the next context waits for it.
    console.until("rows of the other database", |screen| screen.contains(" OK")).await;
    eventually("prod's own state", || here.path("prod/state/state.json").exists()).await;
    assert!(!here.path("state/state.json").exists(), "the state of the configuration before is left alone");
    console.type_in(":context dev");
    console.press(&["Enter"]);
    let broken = console.shows("Nothing can run yet").await;
    assert!(says(&broken, "`datset`") && broken.starts_with("bqsync  dev "), "{broken}");
    console.type_in(":context -");
    console.press(&["Enter"]);
    console.until("the one of the start", |screen| screen.contains("\na ") && screen.contains("NEW")).await;
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
}

#[tokio::test]
async fn an_own_command_has_the_terminal_until_it_ends() {
    let sandbox = Sandbox::new("console_own").await;
    let commands = "console:\n  commands:\n    - {key: B, name: ask, run: \"printf 'about %s' {table}; read -r said; \
                    echo \\\"$said\\\" > said; exit 3\"}\n    - {key: 9, name: long, run: \"echo begun; sleep 300\"}\n    - {key: 8, name: raw, run: \"stty raw -echo\"}";
    sandbox.configure(commands, &mapping("a"));
    sandbox.sql("CREATE TABLE a (id INT PRIMARY KEY)").await;
    let console = sandbox.terminal_with("bqsync").await;
    console.shows("NEW never run").await;
    console.press(&["B"]);
    console.shows("about a").await;
    // None of these letters is the console's here.
    console.type_in("quit R");
    console.press(&["Enter"]);
    console.shows("ask ended with exit code 3. Enter returns").await;
    assert_eq!(sandbox.read("said"), "quit R\n");
    console.press(&["Enter"]);
    console
        .until("the console again", |screen| screen.contains("NEW never run") && screen.contains("exit code 3"))
        .await;
    console.press(&["9"]);
    console.shows("begun").await;
    console.press(&["C-c"]);
    console.shows("long ended with exit code 130. Enter returns").await;
    console.press(&["Enter"]);
    console.shows("NEW never run").await;
    // A command that leaves the terminal without line mode and echo.
    console.press(&["8"]);
    console.shows("raw ended with exit code 0. Enter returns").await;
    console.press(&["Enter"]);
    console.until("the console again", |screen| screen.contains("NEW never run")).await;
    sandbox.configure(&commands.replace("key: B", "key: r"), &mapping("a"));
    console.press(&["u"]);
    let refused = console.shows("Nothing can run yet").await;
    assert!(says(&refused, "config.yaml:5: the console has the key `r` itself"), "{refused}");
    console.press(&["q"]);
    assert_eq!(console.left().await, 0);
    sandbox.configure(commands, &mapping("a"));
    console.start("bqsync").await;
    console.shows("NEW never run").await;
    console.press(&["9"]);
    let program = console.program();
    eventually("the command's sleep", || sleep_of(program).is_some()).await;
    let sleep = sleep_of(program).unwrap();
    kill_process(program, Signal::TERM).unwrap();
    assert_eq!(console.left().await, 130);
    Terminal::ended(sleep).await;
}
