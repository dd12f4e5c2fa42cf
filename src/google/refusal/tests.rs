//! Every refusal that Google is known to give.

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
fn each_refusal_is_explained_with_the_step_that_resolves_it() {
    let timeframe = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                     Check your iat and exp values in the JWT claim.";
    let cases = [
        (KEY, 400, oauth("invalid_grant", timeframe), "12 min ahead", "timedatectl"),
        (KEY, 400, oauth("invalid_grant", "Invalid JWT Signature."), "the key was deleted", "keys create FILE"),
        (KEY, 400, oauth("invalid_grant", "Invalid grant: account not found"), "does not exist", "describe etl@p"),
        (KEY, 401, oauth("unauthorized_client", "Account disabled"), "is disabled", "service-accounts enable etl@p"),
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
fn server_errors_and_proxy_pages_are_retried_except_a_forbidding_page() {
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
fn secrets_that_were_sent_are_removed_from_the_servers_message() {
    for body in [oauth("invalid_grant", "no: hunter2"), oauth("hunter2", ""), api("hunter2", "hunter2")] {
        for asked in [KEY, PERSON, EXCHANGE, IMPERSONATION] {
            let fault = of(asked, 400, &body);
            assert!(!fault.to_string().contains("hunter2") && !fault.hint().contains("hunter2"), "{fault}");
        }
    }
}
