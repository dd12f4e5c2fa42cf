//! From each kind of credentials that Google's tools write to a request that carries its token.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::domain::fault::FaultKind;
use crate::google::standin::{Seen, StandIn, script, variables_of};
use crate::warehouse::bigquery::fixture::target;

#[test]
fn names_of_any_script_are_encoded_in_an_address() {
    assert_eq!(encoded("größe t-1_x"), "gr%C3%B6%C3%9Fe%20t-1_x");
}

async fn ask(google: &StandIn, login: Login) -> Result<(), Fault> {
    let api = Api::at(&google.root(), Some(login), "p", "EU").unwrap();
    api.describe(&target()).await.map(|found| assert!(found.is_none()))
}

/// Logs in and gives the request that BigQuery gets.
async fn carried(google: &StandIn, login: Login) -> Seen {
    ask(google, login).await.unwrap_or_else(|fault| panic!("{fault}"));
    google.seen("/bigquery/").pop().unwrap()
}

async fn assert_token(google: &StandIn, content: &Value, token: &str) {
    let request = carried(google, google.login(content)).await;
    assert_eq!(request.header("authorization"), format!("Bearer {token}"));
}

#[tokio::test]
async fn a_key_a_login_and_the_machines_account_get_a_token() {
    let google = StandIn::start().await;
    assert_token(&google, &google.key(), "of-key").await;
    assert_token(&google, &google.person(), "of-person").await;
    let machine = Login::new(None, variables_of(&[("GCE_METADATA_HOST", &google.host)]));
    assert_eq!(carried(&google, machine).await.header("authorization"), "Bearer of-machine");
    assert_eq!(google.seen("default/token")[0].header("metadata-flavor"), "Google");
    // gcloud leaves the login here; no variable names it.
    let folder = google.file("application_default_credentials.json", google.person());
    let folder = folder.parent().unwrap().to_str().unwrap();
    let left = Login::new(None, variables_of(&[("CLOUDSDK_CONFIG", folder)]));
    assert_eq!(carried(&google, left).await.header("authorization"), "Bearer of-person");
}

#[tokio::test]
async fn a_federated_token_is_read_from_a_file_or_from_its_field() {
    let google = StandIn::start().await;
    let text = google.file("token", "subject\n");
    assert_token(&google, &google.external(&json!({"file": text})), "of-exchange").await;
    let object = google.file("token.json", json!({"access_token": "in-json", "other": 1}));
    let format = json!({"type": "json", "subject_token_field_name": "access_token"});
    assert_token(&google, &google.external(&json!({"file": object, "format": format})), "of-exchange").await;
    let sent: Vec<_> = google.seen("/sts").iter().map(|seen| seen.field("subject_token").unwrap()).collect();
    assert_eq!(sent, ["subject", "in-json"]);
    let exchange = &google.seen("/sts")[0];
    assert_eq!(exchange.field("subject_token_type").unwrap(), "urn:ietf:params:oauth:token-type:jwt");
    assert!(exchange.field("audience").unwrap().ends_with("/providers/p1"));
}

#[tokio::test]
async fn a_federated_token_is_requested_from_a_url_with_its_headers() {
    let google = StandIn::answering(|seen| {
        let is_asked = seen.path == "/subject" && seen.header("metadata") == "true";
        is_asked.then(|| (200, json!({"access_token": "from-url"}).to_string()))
    })
    .await;
    let source = json!({
        "url": google.url("/subject"), "headers": {"Metadata": "true"},
        "format": {"type": "json", "subject_token_field_name": "access_token"},
    });
    assert_token(&google, &google.external(&source), "of-exchange").await;
    assert_eq!(google.seen("/sts")[0].field("subject_token").unwrap(), "from-url");
}

#[tokio::test]
async fn a_federated_token_is_taken_from_an_executable_if_that_is_allowed() {
    let google = StandIn::start().await;
    let dir = google.dir.path();
    let text = r#"echo "{\"version\": 1, \"success\": true, \"token_type\": \"urn:ietf:params:oauth:token-type:id_token\",
        \"id_token\": \"$1-$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE-$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE\"}" | tee -a ran"#;
    let command = format!("{} said", script(dir, "who", &text.replace("ran", &dir.join("ran").display().to_string())));
    let output_file = google.file("kept", "");
    let source = json!({"executable": {"command": command, "timeout_millis": 5000, "output_file": output_file}});
    let content = google.external(&source);
    let refused = ask(&google, google.login(&content)).await.unwrap_err();
    assert!(refused.hint().contains("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1"), "{}", refused.hint());
    assert!(!dir.join("ran").exists());
    let allowed = [("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")];
    let request = carried(&google, google.login_with(&content, &allowed)).await;
    assert_eq!(request.header("authorization"), "Bearer of-exchange");
    let sent = google.seen("/sts")[0].field("subject_token").unwrap();
    assert!(sent.starts_with("said-0-//iam.googleapis.com/projects/7/"), "{sent}");
    // The program's last answer is valid until it expires, so the program is not run again.
    std::fs::remove_file(dir.join("ran")).unwrap();
    let kept = json!({"version": 1, "success": true, "id_token": "kept", "expiration_time": 4_000_000_000_u64});
    std::fs::write(&output_file, kept.to_string()).unwrap();
    carried(&google, google.login_with(&content, &allowed)).await;
    assert_eq!(google.seen("/sts")[1].field("subject_token").unwrap(), "kept");
    assert!(!dir.join("ran").exists());
}

#[tokio::test]
async fn an_aws_identity_comes_from_the_variables_or_the_instance() {
    let google = StandIn::answering(|seen| {
        let is_session = seen.header("x-aws-ec2-metadata-token") == "session";
        let role = json!({"AccessKeyId": "AKIDROLE", "SecretAccessKey": "s", "Token": "t"});
        match (seen.method.as_str(), seen.path.as_str()) {
            ("PUT", "/aws/session") => Some((200, "session".to_owned())),
            ("GET", "/aws/zone") if is_session => Some((200, "eu-west-1b".to_owned())),
            ("GET", "/aws/roles") if is_session => Some((200, "role-1\n".to_owned())),
            ("GET", "/aws/roles/role-1") if is_session => Some((200, role.to_string())),
            _ => None,
        }
    })
    .await;
    let content = google.external(&json!({
        "environment_id": "aws1", "region_url": google.url("/aws/zone"), "url": google.url("/aws/roles"),
        "imdsv2_session_token_url": google.url("/aws/session"),
        "regional_cred_verification_url":
            "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    }));
    assert_token(&google, &content, "of-exchange").await;
    let variables =
        [("AWS_REGION", "us-east-2"), ("AWS_ACCESS_KEY_ID", "AKIDENV"), ("AWS_SECRET_ACCESS_KEY", "s3cret")];
    carried(&google, google.login_with(&content, &variables)).await;
    let sent: Vec<_> = google.seen("/sts").iter().map(|seen| seen.field("subject_token").unwrap()).collect();
    assert!(sent[0].contains("AKIDROLE") && sent[0].contains("sts.eu-west-1.amazonaws.com"), "{}", sent[0]);
    assert!(sent[0].contains("x-amz-security-token"), "{}", sent[0]);
    assert!(sent[1].contains("AKIDENV") && sent[1].contains("sts.us-east-2.amazonaws.com"), "{}", sent[1]);
    assert_eq!(google.seen("/aws/").len(), 4, "the variables are enough");
}

#[tokio::test]
async fn another_account_is_impersonated() {
    let google = StandIn::start().await;
    let token = google.file("token", "subject");
    let mut external = google.external(&json!({"file": token}));
    external["service_account_impersonation_url"] = google.impersonation_url().into();
    external["service_account_impersonation"] = json!({"token_lifetime_seconds": 2800});
    assert_token(&google, &external, "acting-of-exchange").await;
    let asked: Value = serde_json::from_str(&google.seen(":generateAccessToken")[0].body).unwrap();
    assert_eq!(asked["lifetime"], "2800s");
    for (source, token) in [(google.person(), "acting-of-person"), (google.key(), "acting-of-key")] {
        let content = json!({
            "type": "impersonated_service_account", "source_credentials": source, "delegates": ["a@p.iam"],
            "service_account_impersonation_url": google.impersonation_url(),
        });
        assert_token(&google, &content, token).await;
    }
    let asked: Value = serde_json::from_str(&google.seen(":generateAccessToken")[1].body).unwrap();
    assert_eq!(asked["delegates"], json!(["a@p.iam"]));
}

#[tokio::test]
async fn a_member_of_a_workforce_pool_gets_a_token() {
    let google = StandIn::start().await;
    let content = json!({
        "type": "external_account_authorized_user", "client_id": "id", "client_secret": "s", "refresh_token": "r",
        "audience": "//iam.googleapis.com/locations/global/workforcePools/w/providers/p", "token_url": google.url("/sts"),
    });
    assert_token(&google, &content, "of-workforce").await;
    assert!(google.seen("/sts")[0].header("authorization").starts_with("Basic "));
    let token = google.file("token", "subject");
    let mut external = google.external(&json!({"file": token}));
    external["workforce_pool_user_project"] = "billed".into();
    assert_token(&google, &external, "of-exchange").await;
    assert_eq!(google.seen("/sts")[1].field("options").unwrap(), r#"{"userProject":"billed"}"#);
}

#[tokio::test]
async fn the_files_quota_project_is_used_unless_a_variable_names_another() {
    let google = StandIn::start().await;
    let request = carried(&google, google.login(&google.person())).await;
    assert_eq!(request.header("x-goog-user-project"), "quota");
    let other = [("GOOGLE_CLOUD_QUOTA_PROJECT", "other")];
    let request = carried(&google, google.login_with(&google.person(), &other)).await;
    assert_eq!(request.header("x-goog-user-project"), "other");
    let request = carried(&google, google.login(&google.key())).await;
    assert!(!request.headers.contains_key("x-goog-user-project"));
}

#[tokio::test]
async fn requests_count_against_the_configured_billing_project() {
    let google = StandIn::start().await;
    let api = Api::at(&google.root(), Some(google.login(&google.person())), "payer", "US").unwrap();
    let there = Arc::new(Billing { location: Some("EU".into()), ..Billing::default() });
    let api = api.billed(&there).counted_for(Some("payer"));
    assert!(api.describe(&target()).await.unwrap().is_none());
    let request = google.seen("/bigquery/").pop().unwrap();
    assert_eq!(request.header("x-goog-user-project"), "payer");
    assert!(request.path.contains("/projects/my-project/"), "the table stays where it is: {}", request.path);
    assert_eq!((api.project.as_str(), api.location.as_str()), ("payer", "EU"));
}

#[tokio::test]
async fn a_withdrawn_token_is_renewed_once_for_all_callers() {
    let given = AtomicUsize::new(0);
    let google = StandIn::answering(move |seen| {
        if seen.path == "/token" {
            let number = given.fetch_add(1, Ordering::Relaxed);
            return Some((200, json!({"access_token": format!("t{number}"), "expires_in": 3600}).to_string()));
        }
        let unauthorized = json!({"error": {"code": 401, "message": "Invalid Credentials"}}).to_string();
        (seen.header("authorization") == "Bearer t0").then_some((401, unauthorized))
    })
    .await;
    let api = Api::at(&google.root(), Some(google.login(&google.key())), "p", "EU").unwrap();
    let table = target();
    let asked = futures_util::future::join_all((0..4).map(|_| api.describe(&table))).await;
    assert!(asked.iter().all(|asked| matches!(asked, Ok(None))), "{asked:?}");
    assert_eq!(google.seen("/token").len(), 2);
    assert_eq!(google.seen("/bigquery/").last().unwrap().header("authorization"), "Bearer t1");
}

#[tokio::test]
async fn a_login_that_ends_during_a_run_names_its_file_and_the_next_step() {
    let given = AtomicUsize::new(0);
    let google = StandIn::answering(move |seen| {
        if seen.path.starts_with("/bigquery/") {
            return Some((401, json!({"error": {"code": 401, "message": "Invalid Credentials"}}).to_string()));
        }
        let ended = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
        (given.fetch_add(1, Ordering::Relaxed) > 0).then(|| (400, ended.to_string()))
    })
    .await;
    let fault = ask(&google, google.login(&google.person())).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Auth);
    assert!(fault.to_string().contains("/credentials.json: the login has ended"), "{fault}");
    assert!(fault.hint().contains("gcloud auth application-default login"), "{}", fault.hint());
}

#[tokio::test]
async fn a_refusal_of_scopes_or_of_the_quota_project_has_its_own_remedy() {
    for (text, remedy) in [
        ("Request had insufficient authentication scopes.", "--scopes=cloud-platform"),
        ("Grant the caller the roles/serviceusage.serviceUsageConsumer role", "GOOGLE_CLOUD_QUOTA_PROJECT"),
    ] {
        let google = StandIn::answering(move |seen| {
            let error = json!({"error": {"code": 403, "message": text, "errors": [{"reason": "forbidden"}]}});
            seen.path.starts_with("/bigquery/").then(|| (403, error.to_string()))
        })
        .await;
        let fault = ask(&google, google.login(&google.key())).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Auth);
        assert!(fault.hint().contains(remedy), "{}", fault.hint());
    }
}
