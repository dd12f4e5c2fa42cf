//! What a token server's refusal means, and what ends it.
//!
//! Sources: RFC 6749 section 5.2 and RFC 8693 for the codes; Google's "Troubleshoot OAuth 2.0" and "Troubleshoot Workload
//! Identity Federation" for the texts, which alone tell one `invalid_grant` from another.

use serde_json::Value;

use super::wire::{Answer, harmless};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::quote;
use crate::domain::secret::Secret;

/// What was asked for, as far as it decides what a refusal means.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// With a service account's key.
    Key { account: &'a str },
    /// With the refresh token of a person; `again` is the command that gets a new one.
    Person { again: &'a str },
    /// With another issuer's token.
    Exchange { audience: &'a str },
    /// For another account; `role` lets the caller.
    Impersonation { target: &'a str, role: &'a str, caller: &'a str },
}

/// A refusal in the words of OAuth or of Google's APIs.
struct Refusal {
    /// `invalid_grant`, `PERMISSION_DENIED`.
    code: String,
    text: String,
}

/// The fault of an answer that is no success. `secrets` were sent, and are struck out of the server's words.
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
    let (meaning, hint) = of_an_organization(&refusal).unwrap_or_else(|| match asked {
        Asked::Key { account } => of_a_key(&refusal, account, answer),
        Asked::Person { again } => of_a_person(&refusal, again),
        Asked::Exchange { audience } => of_an_exchange(&refusal, audience, answer),
        Asked::Impersonation { target, role, caller } => of_an_impersonation(&refusal, *status, [target, role, caller]),
    });
    Fault::new(FaultKind::Auth, format!("{meaning} ({said}, HTTP {status} from {host})")).with_hint(hint)
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

fn of_an_organization(refusal: &Refusal) -> Option<(String, String)> {
    let codes = ["admin_policy_enforced", "org_internal", "access_denied"];
    if !codes.contains(&refusal.code.as_str()) && !refusal.says(&["organization's policy", "organization policy"]) {
        return None;
    }
    let hint = "whoever administers the organization in Google Cloud must allow it (organization policies, VPC Service \
                Controls, app access control); give them this message whole";
    Some(("a policy of the organization forbids it".to_owned(), hint.to_owned()))
}

fn of_a_key(refusal: &Refusal, account: &str, answer: &Answer) -> (String, String) {
    let named = quote::shell_word(account);
    if refusal.says(&["reasonable timeframe", "issued in the future", "check your iat and exp"]) {
        return of_a_clock(answer);
    }
    if refusal.says(&["account not found"]) {
        let meaning = format!("the service account {account} does not exist");
        return (
            meaning,
            format!(
                "see `gcloud iam service-accounts describe {named}`; where it was deleted, create one \
                                  and its key, and point GOOGLE_APPLICATION_CREDENTIALS to that"
            ),
        );
    }
    if refusal.says(&["disabled"]) {
        let meaning = format!("the service account {account} is disabled");
        return (meaning, format!("run `gcloud iam service-accounts enable {named}`"));
    }
    if refusal.says(&["signature", "key id", "public key"]) {
        let meaning = format!("the key was deleted, disabled or replaced: {account} does not have it any more");
        return (
            meaning,
            format!(
                "see `gcloud iam service-accounts keys list --iam-account={named}`, and create a new \
                                  one: `gcloud iam service-accounts keys create FILE --iam-account={named}`"
            ),
        );
    }
    (
        format!("Google refuses the key of {account}"),
        format!(
            "see that the account and the key are enabled: `gcloud iam service-accounts keys list --iam-account={named}`"
        ),
    )
}

fn of_a_clock(answer: &Answer) -> (String, String) {
    let meaning = answer.clock_in_words().unwrap_or_else(|| "this machine's clock may be off".to_owned());
    (
        meaning,
        "set the clock of this machine (of a container: its host), and keep it right: `timedatectl set-ntp true`"
            .to_owned(),
    )
}

fn of_a_person(refusal: &Refusal, again: &str) -> (String, String) {
    let hint = format!("run `{again}`; a run that nobody watches is better served by a service account");
    let meaning = if refusal.says(&["rapt", "reauth"]) {
        "the organization asks this person to log in again from time to time"
    } else if refusal.code == "invalid_grant" {
        "the login has ended: it was revoked, has expired, or its account was changed"
    } else {
        "Google refuses the login"
    };
    (meaning.to_owned(), hint)
}

fn of_an_exchange(refusal: &Refusal, audience: &str, answer: &Answer) -> (String, String) {
    let describe = describe_provider(audience);
    if refusal.says(&["attribute condition"]) {
        return (
            "the provider's attribute condition refuses this identity".to_owned(),
            format!("compare the condition with the token's claims: `{describe}`"),
        );
    }
    if refusal.says(&["stale", "expired", "not yet valid", "issued at", "in the future", "lifetime"]) {
        let clock = answer.clock_in_words().map(|off| format!(", and {off}")).unwrap_or_default();
        return (
            format!("the identity's token is too old or not valid yet{clock}"),
            "see that whatever writes or issues the token is running, and that this machine's clock is right"
                .to_owned(),
        );
    }
    if refusal.code == "invalid_target" || refusal.says(&["invalid value for \"audience\""]) {
        return (
            format!("there is no such pool or provider, or it is disabled: {audience}"),
            format!(
                "see `{describe}`; where it is another one, create the file again with `gcloud iam \
                     workload-identity-pools create-cred-config`"
            ),
        );
    }
    if refusal.says(&["audience"]) {
        return (
            "the identity's token is for another audience than the provider allows".to_owned(),
            format!("compare the token's `aud` with the allowed audiences: `{describe}`"),
        );
    }
    (
        "Google does not take the identity's token".to_owned(),
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

fn of_an_impersonation(refusal: &Refusal, status: u16, [target, role, caller]: [&str; 3]) -> (String, String) {
    if refusal.says(&["has not been used in project", "service_disabled", "api has not been", "it is disabled"]) {
        return (
            "the IAM Service Account Credentials API is not enabled".to_owned(),
            "run `gcloud services enable iamcredentials.googleapis.com --project PROJECT` with the project that the \
             message names"
                .to_owned(),
        );
    }
    let (account, member) = (quote::shell_word(target), quote::shell_word(caller));
    if status == 404 {
        let meaning = format!("the service account {target} does not exist");
        return (meaning, format!("see `gcloud iam service-accounts describe {account}`"));
    }
    if status == 403 {
        return (
            format!("these credentials may not act as {target}"),
            format!(
                "run `gcloud iam service-accounts add-iam-policy-binding {account} --member={member} --role={role}`, then wait \
             a minute or two"
            ),
        );
    }
    (format!("no token is given for {target}"), format!("see `gcloud iam service-accounts describe {account}`"))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const KEY: Asked<'_> = Asked::Key { account: "etl@p.iam.gserviceaccount.com" };
    const PERSON: Asked<'_> = Asked::Person { again: "gcloud auth application-default login" };
    const EXCHANGE: Asked<'_> = Asked::Exchange {
        audience: "//iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/pool/providers/aws",
    };
    const IMPERSONATION: Asked<'_> = Asked::Impersonation {
        target: "to@p.iam.gserviceaccount.com",
        role: "roles/iam.serviceAccountTokenCreator",
        caller: "user:ann@example.com",
    };

    fn of(asked: Asked<'_>, status: u16, body: &str) -> Fault {
        let clock = Some(TimeDelta::minutes(-12));
        let answer = Answer { status, body: body.into(), host: "oauth2.googleapis.com".into(), clock };
        fault(asked, &answer, &[&Secret::new("hunter2")])
    }

    fn oauth(code: &str, text: &str) -> String {
        serde_json::json!({"error": code, "error_description": text}).to_string()
    }

    fn api(status: &str, text: &str) -> String {
        serde_json::json!({"error": {"code": 403, "status": status, "message": text}}).to_string()
    }

    #[test]
    fn each_refusal_is_told_by_its_meaning_and_with_the_step_that_ends_it() {
        let timeframe = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                         Check your iat and exp values in the JWT claim.";
        let cases = [
            (KEY, 400, oauth("invalid_grant", timeframe), "12 min ahead", "timedatectl"),
            (KEY, 400, oauth("invalid_grant", "Invalid JWT Signature."), "the key was deleted", "keys create FILE"),
            (KEY, 400, oauth("invalid_grant", "Invalid grant: account not found"), "does not exist", "describe etl@p"),
            (
                KEY,
                401,
                oauth("unauthorized_client", "Account disabled"),
                "is disabled",
                "service-accounts enable etl@p",
            ),
            (KEY, 400, oauth("invalid_scope", ""), "refuses the key", "keys list"),
            (PERSON, 400, oauth("invalid_grant", "Token has been expired or revoked."), "has ended", "login"),
            (PERSON, 400, r#"{"error":"invalid_grant","error_subtype":"invalid_rapt"}"#.into(), "from time", "login"),
            (PERSON, 401, oauth("deleted_client", "The OAuth client was deleted."), "refuses the login", "login"),
            (PERSON, 400, oauth("admin_policy_enforced", ""), "policy of the organization", "administers"),
            (
                EXCHANGE,
                400,
                oauth("unauthorized_client", "The given credential is rejected by the attribute condition."),
                "attribute condition",
                "describe aws --workload-identity-pool=pool --location=global --project=7",
            ),
            (EXCHANGE, 400, oauth("invalid_grant", "ID Token issued at 1 is stale to sign-in."), "too old", "clock"),
            (
                EXCHANGE,
                400,
                oauth("invalid_target", "The target service indicated is invalid."),
                "no such pool",
                "create-cred",
            ),
            (
                EXCHANGE,
                400,
                oauth("invalid_grant", "The audience in ID Token [x] does not match."),
                "another audience",
                "aud",
            ),
            (
                EXCHANGE,
                403,
                api(
                    "PERMISSION_DENIED",
                    "Request is prohibited by organization's policy. \
                vpcServiceControlsUniqueIdentifier: e6ZmQk",
                ),
                "e6ZmQk",
                "VPC Service Controls",
            ),
            (
                IMPERSONATION,
                403,
                api(
                    "PERMISSION_DENIED",
                    "Permission 'iam.serviceAccounts.getAccessToken' denied on \
                resource (or it may not exist).",
                ),
                "may not act as to@p",
                "--member=user:ann@example.com --role=roles/iam.s",
            ),
            (
                IMPERSONATION,
                403,
                api(
                    "PERMISSION_DENIED",
                    "IAM Service Account Credentials API has not been used in \
                project 7 before or it is disabled.",
                ),
                "not enabled",
                "services enable iamcredentials",
            ),
            (IMPERSONATION, 404, api("NOT_FOUND", "Unknown service account"), "does not exist", "describe to@p"),
        ];
        for (asked, status, body, meaning, step) in cases {
            let fault = of(asked, status, &body);
            assert_eq!(fault.kind(), FaultKind::Auth, "{body}");
            assert!(fault.to_string().contains(meaning), "{meaning}: {fault}");
            assert!(fault.hint().contains(step), "{step}: {}", fault.hint());
        }
    }

    #[test]
    fn a_server_in_trouble_and_a_proxys_page_are_asked_again_but_for_a_page_that_forbids() {
        for (status, body) in [
            (503, oauth("server_error", "")),
            (400, oauth("internal_failure", "Backend Error")),
            (429, api("RESOURCE_EXHAUSTED", "")),
            (502, "<html>".into()),
            (200, "<html>".into()),
        ] {
            assert_eq!(of(EXCHANGE, status, &body).kind(), FaultKind::Transient, "{status} {body}");
        }
        let fault = of(KEY, 403, "<html>hunter2</html>");
        assert_eq!(fault.kind(), FaultKind::Auth);
        assert!(fault.hint().contains("proxy") && !fault.to_string().contains("hunter2"), "{fault}");
    }

    #[test]
    fn what_was_sent_is_struck_out_of_the_servers_words() {
        for body in [oauth("invalid_grant", "no: hunter2"), oauth("hunter2", ""), api("hunter2", "hunter2")] {
            for asked in [KEY, PERSON, EXCHANGE, IMPERSONATION] {
                let fault = of(asked, 400, &body);
                assert!(!fault.to_string().contains("hunter2") && !fault.hint().contains("hunter2"), "{fault}");
            }
        }
    }
}
