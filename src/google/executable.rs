//! An issuer's token that a program prints. Source: AIP-4117 and the conventions of Google's libraries.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use chrono::Utc;
use serde::Deserialize;
use tokio::process::Command;

use super::document::Document;
use super::environment::Variables;
use super::wire::harmless;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::{Secret, is_password};

const USUAL_LIMIT: Duration = Duration::from_secs(30);

/// A token is not used in its last seconds.
const MARGIN_SECONDS: i64 = 30;

#[derive(Debug)]
pub struct Executable {
    program: String,
    arguments: Vec<String>,
    limit: Duration,
    /// The file in which the program keeps its last answer.
    output_file: Option<PathBuf>,
    environment: Vec<(&'static str, String)>,
}

/// The program's output.
#[derive(Deserialize)]
struct Said {
    success: bool,
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    saml_response: Option<String>,
    #[serde(default)]
    expiration_time: Option<i64>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl Executable {
    /// `account`: the account that will be impersonated.
    pub fn of(
        source: &Document,
        [audience, token_type]: [&str; 2],
        account: Option<&str>,
        variables: &Variables,
    ) -> Result<Self, Fault> {
        let mut words = source.must("command")?.split_whitespace().map(str::to_owned);
        let program = words.next().unwrap_or_default();
        if !variables.may_run_executables() {
            return Err(source.refused(
                "takes its token from an executable, which may not be run yet",
                "if you trust the file and the executable that it names, set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1",
            ));
        }
        let output_file = source.may("output_file").map(PathBuf::from);
        let mut environment = vec![
            ("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", audience.to_owned()),
            ("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", token_type.to_owned()),
            ("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0".to_owned()),
        ];
        environment.extend(account.map(|account| ("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", account.to_owned())));
        environment
            .extend(source.may("output_file").map(|file| ("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file.to_owned())));
        let limit = source.number("timeout_millis").map_or(USUAL_LIMIT, Duration::from_millis);
        Ok(Self { program, arguments: words.collect(), limit, output_file, environment })
    }

    pub async fn token(&self) -> Result<Secret, Fault> {
        let kept = self.output_file.as_ref().and_then(|file| std::fs::read(file).ok());
        if let Some(token) = kept.and_then(|text| still_good(&text)) {
            return Ok(token);
        }
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        // The program needs the identity, not the databases' passwords.
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_password(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let Ok(ended) = tokio::time::timeout(self.limit, command.output()).await else {
            let hint = "see what it waits for, or raise `credential_source.executable.timeout_millis`";
            let sentence = self.sentence(&format!("did not end within {} s", self.limit.as_secs_f32()));
            return Err(Fault::new(FaultKind::Transient, sentence).with_hint(hint));
        };
        let output = ended.map_err(|error| self.failed("cannot be started").caused_by(error))?;
        // Its stderr may contain anything, so it is not shown.
        let Ok(said) = serde_json::from_slice::<Said>(&output.stdout) else {
            let how = if output.status.success() { String::new() } else { format!(" ({})", output.status) };
            return Err(self.failed(&format!("printed no answer of the agreed form{how}")));
        };
        self.judged(said)
    }

    fn judged(&self, said: Said) -> Result<Secret, Fault> {
        if !said.success {
            let [code, message] = [said.code, said.message].map(|text| harmless(&text.unwrap_or_default(), &[]));
            return Err(self.failed(&format!("gave none: {message} (code {code})")));
        }
        if said.is_over() {
            return Err(self.failed("gave one that has expired"));
        }
        said.token().ok_or_else(|| self.failed("gave an answer without `id_token` or `saml_response`"))
    }

    fn sentence(&self, how: &str) -> String {
        format!("the identity has no token: the executable {} {how}", self.program)
    }

    fn failed(&self, how: &str) -> Fault {
        Fault::new(FaultKind::Auth, self.sentence(how)).with_hint(
            "run the command in `credential_source.executable` of the credentials file by hand, as this user",
        )
    }
}

impl Said {
    fn is_over(&self) -> bool {
        self.expiration_time.is_some_and(|ends| ends <= Utc::now().timestamp() + MARGIN_SECONDS)
    }

    fn token(self) -> Option<Secret> {
        self.id_token.or(self.saml_response).filter(|token| !token.is_empty()).map(Secret::new)
    }
}

/// The token of an earlier answer; without an expiry it cannot be known to be valid.
fn still_good(text: &[u8]) -> Option<Secret> {
    let said = serde_json::from_slice::<Said>(text).ok()?;
    if said.success && said.expiration_time.is_some() && !said.is_over() { said.token() } else { None }
}
