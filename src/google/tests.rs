//! Files that give no token, tokens that end, and what messages may say about either.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::standin::{CANARY, StandIn, private_key, script, variables_of};
use super::*;

async fn refused(google: &StandIn, content: &Value) -> Fault {
    let fault = google.login(content).pass().await.unwrap_err();
    let told = format!("{fault} {}", fault.hint());
    assert!(told.contains("credentials.json"), "the file is named: {told}");
    assert!(!told.contains(CANARY), "{told}");
    fault
}

/// The content with one field changed.
fn with(mut content: Value, field: &str, value: impl Into<Value>) -> Value {
    content[field] = value.into();
    content
}

#[tokio::test]
async fn an_unusable_file_is_named_with_its_fault_and_never_quoted() {
    let google = StandIn::start().await;
    let external = |source: Value| google.external(&source);
    let aws = json!({"environment_id": "aws1", "regional_cred_verification_url": "https://x"});
    let cases = [
        (json!(CANARY), "is not a JSON object"),
        (json!({"type": CANARY}), "of a kind that bqsync does not know"),
        (json!({"installed": {"client_secret": CANARY}}), "an OAuth client"),
        (json!({"type": "gdch_service_account", "private_key": CANARY}), "Distributed Cloud"),
        (with(google.key(), "private_key", 7), "has no text in `private_key`"),
        (with(google.key(), "private_key", private_key().replace('\n', "\\n")), "has no RSA key"),
        (with(google.key(), "private_key", CANARY), "has no RSA key"),
        (with(google.key(), "client_email", Value::Null), "has no text in `client_email`"),
        (with(google.key(), "universe_domain", "other.cloud"), "reaches googleapis.com alone"),
        (with(google.person(), "refresh_token", ""), "has no text in `refresh_token`"),
        (external(json!({"secret": CANARY})), "has no file, url, executable or environment_id"),
        (external(json!({"certificate": {"use_default_certificate_config": true}})), "X.509 certificate"),
        (external(json!({"environment_id": "azure1"})), "another `environment_id`"),
        (
            external(json!({"file": "/x", "format": {"type": "json"}})),
            "`credential_source.format.subject_token_field_name`",
        ),
        (external(json!({"file": "/nowhere/token.jwt"})), "/nowhere/token.jwt cannot be read"),
        (external(aws), "AWS's region is not known"),
        (
            json!({"type": "impersonated_service_account", "source_credentials": {"type": "authorized_user"},
            "service_account_impersonation_url": "https://x"}),
            "`source_credentials.client_id`",
        ),
    ];
    for (content, words) in cases {
        let fault = refused(&google, &content).await;
        assert_eq!(fault.kind(), FaultKind::Auth);
        assert!(fault.to_string().contains(words), "{words}: {fault}");
    }
    assert!(google.seen("").is_empty(), "nobody was asked");
    let missing = Login::new(Some("/nowhere/key.json".into()), Variables::default()).pass().await.unwrap_err();
    assert!(
        missing.to_string().contains("/nowhere/key.json") && missing.hint().contains("GOOGLE_APPLICATION_CREDENTIALS")
    );
}

#[tokio::test]
async fn secrets_that_a_token_server_repeats_are_never_shown() {
    let google = StandIn::answering(|seen| {
        let told = format!("no: {} {:?}", seen.body, seen.headers);
        let error = match seen.path.as_str() {
            path if path.ends_with(":generateAccessToken") => {
                json!({"error": {"code": 403, "status": "X", "message": told}})
            }
            "/fine" => return Some((200, json!({"access_token": CANARY}).to_string())),
            _ => json!({"error": "invalid_grant", "error_description": told}),
        };
        Some((400, error.to_string()))
    })
    .await;
    let (text, object) = (google.file("token", CANARY), google.file("token.json", json!({"x": CANARY})));
    let format = json!({"type": "json", "subject_token_field_name": "token"});
    let contents = [
        google.key(),
        google.person(),
        with(google.external(&json!({"file": text})), "client_secret", CANARY),
        google.external(&json!({"file": object, "format": format})),
        google.external(&json!({"url": google.url("/x"), "headers": {"authorization": CANARY}})),
        json!({"type": "impersonated_service_account", "source_credentials": with(google.person(), "token_uri", google.url("/fine")),
            "service_account_impersonation_url": google.impersonation_url()}),
    ];
    for content in contents {
        let login = google.login(&content);
        let fault = refused(&google, &content).await;
        assert!(!fault.to_string().contains("eyJ"), "{fault}");
        assert!(!format!("{fault:?} {login:?}").contains(CANARY));
    }
}

#[tokio::test]
async fn a_failing_executable_is_named_and_its_output_is_not_shown() {
    let google = StandIn::start().await;
    let cases = [
        ("echo c4n4ry; exit 0", "printed no answer of the agreed form"),
        ("echo c4n4ry >&2; exit 3", "(exit status: 3)"),
        (
            r#"echo '{"version":1,"success":false,"code":"401","message":"who are you, eyJc4n4ry?"}'"#,
            "who are you, *** (code 401)",
        ),
        (r#"echo '{"version":1,"success":true,"id_token":"c4n4ry","expiration_time":1}'"#, "has expired"),
        (r#"echo '{"version":1,"success":true}'"#, "without `id_token` or `saml_response`"),
        ("exec sleep 60", "did not end within 0.5 s"),
    ];
    for (number, (text, words)) in cases.into_iter().enumerate() {
        let command = script(google.dir.path(), &format!("program{number}"), text);
        let content = google.external(&json!({"executable": {"command": command, "timeout_millis": 500}}));
        let login = google.login_with(&content, &[("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")]);
        let fault = login.pass().await.unwrap_err();
        assert!(fault.to_string().contains(words) && fault.to_string().contains(&command), "{words}: {fault}");
        assert!(!format!("{fault} {}", fault.hint()).contains(CANARY), "{fault}");
    }
    let content = google.external(&json!({"executable": {"command": "/nowhere/program"}}));
    let login = google.login_with(&content, &[("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")]);
    assert!(login.pass().await.unwrap_err().to_string().contains("/nowhere/program cannot be started"));
}

#[tokio::test]
async fn a_key_signs_what_google_asks_for() {
    let google = StandIn::start().await;
    google.login(&google.key()).pass().await.unwrap();
    let assertion = google.seen("/token")[0].field("assertion").unwrap();
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let [head, claims] = [0, 1].map(|part| {
        let part = URL_SAFE_NO_PAD.decode(text.split('.').nth(part).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&part).unwrap()
    });
    assert_eq!(head, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&"etl@p.iam.gserviceaccount.com".into(), &google.url("/token").into())
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    let key = google.file("key.pem", private_key());
    let (text, signature) = (google.file("text", text), URL_SAFE_NO_PAD.decode(signature).unwrap());
    std::fs::write(google.dir.path().join("signature"), signature).unwrap();
    let mut verify = Command::new("openssl");
    verify.args(["dgst", "-sha256", "-prverify"]).arg(key).args(["-signature", "signature"]).arg(text);
    let verified = verify.current_dir(google.dir.path()).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn a_token_is_kept_until_near_its_end_even_if_the_server_fails() {
    let asked = AtomicUsize::new(0);
    let google = StandIn::answering(move |_| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        let token = json!({"access_token": format!("t{number}"), "expires_in": 100});
        Some(if number == 1 { (503, "<html>".to_owned()) } else { (200, token.to_string()) })
    })
    .await;
    let login = google.login(&google.key());
    let token = async || login.pass().await.unwrap().token;
    assert_eq!((token().await, token().await), ("t0".to_owned(), "t0".to_owned()));
    let age = async |seconds| {
        let mut held = login.0.held.lock().await;
        let token = held.token.as_mut().unwrap();
        token.renew_at -= Duration::from_secs(seconds);
        token.ends -= Duration::from_secs(seconds);
    };
    age(50).await;
    assert_eq!(token().await, "t0", "the server is in trouble");
    assert_eq!(token().await, "t0", "and left alone for a while");
    age(31).await;
    assert_eq!(token().await, "t2");
    assert_eq!(google.seen("/token").len(), 3);
    let other = Pass { token: "t0".into(), quota_project: None };
    assert_eq!(login.renewed(&other).await.unwrap().token, "t2", "somebody else has renewed it");
}

#[tokio::test]
async fn a_replaced_key_is_read_again_and_a_removed_one_still_works() {
    let google = StandIn::start().await;
    let login = google.login(&google.key());
    let first = login.pass().await.unwrap();
    google.file("credentials.json", google.person());
    let second = login.renewed(&first).await.unwrap();
    assert_eq!((first.token.as_str(), second.token.as_str()), ("of-key", "of-person"));
    std::fs::remove_file(google.dir.path().join("credentials.json")).unwrap();
    assert_eq!(login.renewed(&second).await.unwrap().token, "of-person");
}

#[tokio::test]
async fn the_identity_names_the_kind_place_and_account_of_the_credentials() {
    let google = StandIn::start().await;
    let file = google.dir.path().join("credentials.json").display().to_string();
    let token = google.file("token", "subject");
    let external = google.external(&json!({"file": token}));
    let pool = "principal://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/pool/subject/SUBJECT";
    let impersonated = json!({"type": "impersonated_service_account", "source_credentials": google.person(),
        "service_account_impersonation_url": google.impersonation_url()});
    for (content, account, kind) in [
        (google.key(), Some("etl@p.iam.gserviceaccount.com"), "a service account's key"),
        (google.person(), None, "a person's login"),
        (
            with(external.clone(), "service_account_impersonation_url", google.impersonation_url()),
            Some("to@p.iam.gserviceaccount.com"),
            "workload identity federation from a file",
        ),
        (external, Some(pool), "workload identity federation from a file"),
        (impersonated, Some("to@p.iam.gserviceaccount.com"), "impersonation by a person's login"),
    ] {
        let identity = google.login(&content).identity().await.unwrap();
        assert_eq!(identity.account.as_deref(), account);
        let origin = format!("{kind} in {file} (GOOGLE_APPLICATION_CREDENTIALS)");
        assert!(identity.origin.starts_with(&origin), "{}", identity.origin);
    }
    let machine = Login::new(None, variables_of(&[("GCE_METADATA_HOST", &google.host)]));
    let identity = machine.identity().await.unwrap();
    assert_eq!(identity.account.as_deref(), Some("vm@p.iam.gserviceaccount.com"));
    assert!(identity.origin.starts_with("the metadata server at 127.0.0.1:"), "{}", identity.origin);
}

#[tokio::test]
async fn callers_that_waited_for_a_refused_token_do_not_ask_again() {
    let google = StandIn::answering(|_| Some((400, json!({"error": "invalid_grant"}).to_string()))).await;
    let login = google.login(&google.person());
    let asked = futures_util::future::join_all((0..4).map(|_| login.pass())).await;
    assert!(asked.iter().all(|asked| asked.as_ref().is_err_and(|fault| fault.to_string().contains("has ended"))));
    assert_eq!(google.seen("/token").len(), 1);
    login.pass().await.unwrap_err();
    assert_eq!(google.seen("/token").len(), 2, "who comes later may have more luck");
}
