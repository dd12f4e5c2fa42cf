//! The meaning of a token server's refusal, and its remedy.
//!
//! Sources: RFC 6749 section 5.2 and RFC 8693 for the codes; Google's "Troubleshoot OAuth 2.0" and "Troubleshoot
//! Workload Identity Federation" for the texts, which are the only way to tell one `invalid_grant` from another.

use serde_json::Value;

use super::wire::{Answer, harmless};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::secret::Secret;

/// The request, as far as the meaning of a refusal depends on it.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// A request with a service account's key.
    Key { account: &'a str },
    /// A request with a person's refresh token; `again` is the command that gets a new one.
    Person { again: &'a str },
    /// A request with another issuer's token.
    Exchange { audience: &'a str },
    /// A request for another account's token; `role` is the role that the caller needs.
    Impersonation { target: &'a str, role: &'a str, caller: &'a str },
}

/// A refusal in the words of OAuth or of Google's APIs.
struct Refusal {
    /// The code: `invalid_grant`, `PERMISSION_DENIED`.
    code: String,
    text: String,
}

/// The meaning here, and the operator's next step.
struct Told {
    meaning: String,
    step: String,
}

fn told(meaning: impl Into<String>, step: impl Into<String>) -> Told {
    Told { meaning: meaning.into(), step: step.into() }
}

/// The fault of an answer that is not a success. `secrets` were sent, and are removed from the server's message.
pub fn fault(asked: Asked<'_>, answer: &Answer, secrets: &[&Secret]) -> Fault {
    let Some(refusal) = answer.json().and_then(|body| read(&body, secrets)) else { return answer.unreadable() };
    let Refusal { code, text } = &refusal;
    let said = match (code.is_empty(), text.is_empty()) {
        (false, false) => format!("{code}: {text}"),
        (false, true) => code.clone(),
        _ => text.clone(),
    };
    let Answer { status, host, .. } = answer;
    let passes = ["internal_failure", "server_error", "temporarily_unavailable", "INTERNAL", "UNAVAILABLE"];
    if matches!(status, 408 | 429 | 500..=599) || passes.contains(&code.as_str()) {
        let sentence = format!("{host} is in trouble ({said}, HTTP {status})");
        return Fault::new(FaultKind::Transient, sentence)
            .with_hint("try again in some minutes; what Google knows of it stands at https://status.cloud.google.com");
    }
    let Told { meaning, step } = of_an_organization(&refusal).unwrap_or_else(|| match asked {
        Asked::Key { account } => of_a_key(&refusal, account, answer),
        Asked::Person { again } => of_a_person(&refusal, again),
        Asked::Exchange { audience } => of_an_exchange(&refusal, audience, answer),
        Asked::Impersonation { target, role, caller } => of_an_impersonation(&refusal, *status, target, role, caller),
    });
    Fault::new(FaultKind::Auth, format!("{meaning} ({said}, HTTP {status} from {host})")).with_hint(step)
}

fn read(body: &Value, secrets: &[&Secret]) -> Option<Refusal> {
    let error = body.get("error")?;
    let said = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (code, text) = if let Some(code) = error.as_str() {
        (code.to_owned(), format!("{} {}", said(body, "error_subtype"), said(body, "error_description")))
    } else {
        (said(error, "status"), said(error, "message"))
    };
    Some(Refusal { code: harmless(&code, secrets), text: harmless(&text, secrets) })
}

impl Refusal {
    fn says(&self, words: &[&str]) -> bool {
        let text = self.text.to_lowercase();
        words.iter().any(|word| text.contains(word))
    }
}

fn of_an_organization(refusal: &Refusal) -> Option<Told> {
    let codes = ["admin_policy_enforced", "org_internal", "access_denied"];
    if !codes.contains(&refusal.code.as_str()) && !refusal.says(&["organization's policy", "organization policy"]) {
        return None;
    }
    let step = "whoever administers the organization in Google Cloud must allow it (organization policies, VPC Service \
                Controls, app access control); give them this message whole";
    Some(told("a policy of the organization forbids it", step))
}

fn of_a_key(refusal: &Refusal, account: &str, answer: &Answer) -> Told {
    let named = quote::shell_word(account);
    if refusal.says(&["reasonable timeframe", "issued in the future", "check your iat and exp"]) {
        return of_a_clock(answer);
    }
    if refusal.says(&["account not found"]) {
        let Told { meaning, step } = of_no_account(account);
        return told(
            meaning,
            format!(
                "{step}; where it was deleted, create one and its key, and point GOOGLE_APPLICATION_CREDENTIALS to that"
            ),
        );
    }
    if refusal.says(&["disabled"]) {
        return told(
            format!("the service account {account} is disabled"),
            format!("run `gcloud iam service-accounts enable {named}`"),
        );
    }
    let list = format!("`gcloud iam service-accounts keys list --iam-account={named}`");
    if refusal.says(&["signature", "key id", "public key"]) {
        return told(
            format!("the key was deleted, disabled or replaced: {account} does not have it any more"),
            format!(
                "see {list}, and create a new one: `gcloud iam service-accounts keys create FILE --iam-account={named}`"
            ),
        );
    }
    told(
        format!("Google refuses the key of {account}"),
        format!("see that the account and the key are enabled: {list}"),
    )
}

fn of_no_account(account: &str) -> Told {
    told(format!("the service account {account} does not exist"), see_account(account))
}

fn see_account(account: &str) -> String {
    format!("see `gcloud iam service-accounts describe {}`", quote::shell_word(account))
}

fn of_a_clock(answer: &Answer) -> Told {
    told(
        answer.clock_in_words().unwrap_or_else(|| "this machine's clock may be off".to_owned()),
        "set the clock of this machine (of a container: its host), and keep it right: `timedatectl set-ntp true`",
    )
}

fn of_a_person(refusal: &Refusal, again: &str) -> Told {
    let meaning = if refusal.says(&["rapt", "reauth"]) {
        "the organization asks this person to log in again from time to time"
    } else if refusal.code == "invalid_grant" {
        "the login has ended: it was revoked, has expired, or its account was changed"
    } else {
        "Google refuses the login"
    };
    told(meaning, format!("run `{again}`; for unattended runs a service account is better"))
}

fn of_an_exchange(refusal: &Refusal, audience: &str, answer: &Answer) -> Told {
    let describe = describe_provider(audience);
    if refusal.says(&["attribute condition"]) {
        return told(
            "the provider's attribute condition refuses this identity",
            format!("compare the condition with the token's claims: `{describe}`"),
        );
    }
    if refusal.says(&["stale", "expired", "not yet valid", "issued at", "in the future", "lifetime"]) {
        let clock = answer.clock_in_words().map(|off| format!(", and {off}")).unwrap_or_default();
        return told(
            format!("the identity's token is too old or not valid yet{clock}"),
            "see that whatever writes or issues the token is running, and that this machine's clock is right",
        );
    }
    if refusal.code == "invalid_target" || refusal.says(&["invalid value for \"audience\""]) {
        return told(
            format!("there is no such pool or provider, or it is disabled: {audience}"),
            format!(
                "see `{describe}`; where it is another one, create the file again with `gcloud iam \
                 workload-identity-pools create-cred-config`"
            ),
        );
    }
    if refusal.says(&["audience"]) {
        return told(
            "the identity's token is for another audience than the provider allows",
            format!("compare the token's `aud` with the allowed audiences: `{describe}`"),
        );
    }
    told(
        "Google does not take the identity's token",
        format!("compare the token's issuer and audience with the provider's: `{describe}`"),
    )
}

/// The command that shows the provider of an audience.
fn describe_provider(audience: &str) -> String {
    let parts: Vec<String> = audience.trim_start_matches('/').split('/').map(quote::shell_word).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        [_, "projects", project, "locations", location, "workloadIdentityPools", pool, "providers", provider] => {
            format!(
                "gcloud iam workload-identity-pools providers describe {provider} --workload-identity-pool={pool} \
             --location={location} --project={project}"
            )
        }
        [_, "locations", location, "workforcePools", pool, "providers", provider] => format!(
            "gcloud iam workforce-pools providers describe {provider} --workforce-pool={pool} --location={location}"
        ),
        _ => "gcloud iam workload-identity-pools providers list".to_owned(),
    }
}

fn of_an_impersonation(refusal: &Refusal, status: u16, target: &str, role: &str, caller: &str) -> Told {
    if refusal.says(&["has not been used in project", "service_disabled", "api has not been", "it is disabled"]) {
        return told(
            "the IAM Service Account Credentials API is not enabled",
            "run `gcloud services enable iamcredentials.googleapis.com --project PROJECT` with the project that the \
             message names",
        );
    }
    if status == 404 {
        return of_no_account(target);
    }
    if status == 403 {
        let (account, member) = (quote::shell_word(target), quote::shell_word(caller));
        return told(
            format!("these credentials may not act as {target}"),
            format!(
                "run `gcloud iam service-accounts add-iam-policy-binding {account} --member={member} --role={role}`, then wait \
                 a minute or two"
            ),
        );
    }
    told(format!("no token is given for {target}"), see_account(target))
}

#[cfg(test)]
mod tests;
