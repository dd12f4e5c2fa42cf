//! `console.commands`: the operator's own commands, each with a key.

use super::content::OwnCommand;
use super::key::{self, At, Gaps, Key, Missing, Row, put};
use super::read::{Place, Reading, Value};
use super::yaml::{Kind, Node};
use crate::domain::shell::{PLACEHOLDERS, script};

const LONGEST_NAME: usize = 60;

const GROUP: &[Key<Vec<OwnCommand>>] = &[Key::of_group(
    "commands",
    Missing::Means("none"),
    "List of commands of your own, each with the next three keys ([commands of your \
     own](console.md#commands-of-your-own))",
    || key::rows(KEYS, PREFIX),
    read_list,
)];

const KEYS: &[Key<Draft>] = &[
    Key::new(
        "key",
        Missing::Required { said: "required", hint: "write a letter that the console does not use itself: `key: B`" },
        "The letter that runs it, on the list of mappings and on a run's screen",
        |draft, at| put(&mut draft.key, at.value().map(Some)),
    ),
    Key::new(
        "run",
        Missing::Required {
            said: "required",
            hint: "write a command of the shell: `run: bq show {project}:{dataset}.{table}`",
        },
        "A line for `sh`. `{mapping}`, `{source}`, `{target}`, `{project}`, `{dataset}`, `{table}`, `{location}`, \
         `{state}` and `{config}` are each replaced by one word, with any content; write them without quotes",
        |draft, at| draft.run = run(at),
    ),
    Key::new("name", Missing::Means("the line itself"), "Its name in help and `Ctrl-P`", |draft, at| {
        put(&mut draft.name, at.checked(name).map(Some));
    }),
];

const PREFIX: &str = "console.commands.";

#[derive(Default)]
struct Draft {
    key: Option<Value>,
    /// The command as written, and as a script for the shell.
    run: Option<(String, String)>,
    name: Option<String>,
}

/// The lines for the documentation of these keys.
pub(super) fn rows() -> Vec<Row> {
    key::rows(GROUP, "console.")
}

pub(super) fn read(at: &mut At<'_, '_>) -> Option<Vec<OwnCommand>> {
    let section = key::open(at.r, at.node()?, GROUP, "console.", String::new())?;
    let mut commands = Vec::new();
    key::read(at.r, &section, GROUP, Gaps::Default, &mut commands);
    Some(commands)
}

fn read_list(commands: &mut Vec<OwnCommand>, at: &mut At<'_, '_>) {
    let Some(node) = at.node() else { return };
    let Kind::Sequence(nodes) = &node.kind else {
        let Place { name, line, .. } = at.place();
        let message = format!("{name} is {}, not a list", node.kind.noun());
        return at.r.problem(line, message, "write `commands: [{key: B, run: \"bq show {target}\"}]`");
    };
    for node in nodes {
        let Some(command) = read_one(at.r, node) else { continue };
        if let Some(other) = commands.iter().find(|other| other.key == command.key) {
            let message =
                format!("two commands have the key `{}`, on lines {} and {}", command.key, other.line, command.line);
            at.r.problem(command.line, message, "give each a letter of its own");
        }
        commands.push(command);
    }
}

fn read_one(r: &mut Reading<'_>, node: &Node) -> Option<OwnCommand> {
    let section = key::open(r, node, KEYS, PREFIX, String::new())?;
    let mut draft = Draft::default();
    key::read(r, &section, KEYS, Gaps::Default, &mut draft);
    let (value, (line, script)) = (draft.key?, draft.run?);
    let mut letters = value.text.chars();
    let (Some(key), None) = (letters.next().filter(char::is_ascii_graphic), letters.next()) else {
        r.refuse(&value, "write one letter, digit or sign");
        return None;
    };
    Some(OwnCommand { key, name: draft.name.unwrap_or(line), script, line: value.line.unwrap_or(node.line) })
}

fn run(at: &mut At<'_, '_>) -> Option<(String, String)> {
    let value = at.value()?;
    if value.text.contains(char::is_control) {
        at.r.refuse(&value, "write one line; what needs more belongs into a script");
        return None;
    }
    match script(&value.text) {
        Ok(script) => Some((value.text, script)),
        Err(wrong) => {
            let names: Vec<_> = PLACEHOLDERS.iter().map(|(name, _)| format!("`{{{name}}}`")).collect();
            let message = format!("{} {wrong}", value.place.name);
            at.r.problem(value.line, message, format!("there are {}, each written without quotes", names.join(", ")));
            None
        }
    }
}

fn name(text: &str) -> Result<(), String> {
    let fits = !text.contains(char::is_control) && text.chars().count() <= LONGEST_NAME;
    if fits { Ok(()) } else { Err(format!("write at most {LONGEST_NAME} characters on one line")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::domain::config::parse;

    fn with(commands: &str) -> String {
        format!(
            "project: demo\ndataset: shop\nconsole:\n  commands:\n{commands}mappings: [{{name: a, mysql_table: a, incremental_column: id}}]\n"
        )
    }

    fn problems(commands: &str) -> String {
        let problems = parse(&with(commands), Path::new("config.yaml"), &|_| None).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_command_has_a_key_a_line_and_a_name() {
        let text = with("    - {key: B, run: 'bq show {target}', name: the table}\n    - {key: '9', run: 'id'}\n");
        let config = parse(&text, Path::new("config.yaml"), &|_| None).unwrap();
        let told: Vec<_> =
            config.commands.iter().map(|c| (c.key, c.name.as_str(), c.script.as_str(), c.line)).collect();
        assert_eq!(told[0], ('B', "the table", "bq show \"$BQSYNC_THIS_TARGET\"", 5));
        assert_eq!(told[1], ('9', "id", "id", 6));
    }

    #[test]
    fn an_invalid_command_is_reported_with_its_line() {
        let said =
            problems("    - {key: BB, run: id}\n    - {key: C, run: \"echo '{target}'\"}\n    - {run: id, nam: x}\n");
        for part in
            ["config.yaml:5", "`BB`", "config.yaml:6", "without quotes", "config.yaml:7", "`console.commands.nam`"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        let said = problems("    - {key: B, run: id}\n    - {key: B, run: date}\n    - {key: D, run: 'x {tabel}'}\n");
        assert!(said.contains("on lines 5 and 6") && said.contains("`{tabel}`"), "{said}");
    }
}
