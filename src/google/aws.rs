//! An identity of AWS: a signed question "who am I?" to AWS, which Google sends on our behalf.
//!
//! Sources: "Signature Version 4 signing process" of AWS; AIP-4117 for the form of the token.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::document::Document;
use super::environment::Variables;
use super::wire::{Answer, Wire};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;

const SERVICE: &str = "sts";

const HINT: &str = "set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role to the EC2 instance; Google's \
                    format knows no other credentials of AWS (of a container or a web identity: use an executable)";

#[derive(Debug)]
pub struct Aws {
    audience: String,
    verification_url: String,
    region_url: Option<String>,
    role_url: Option<String>,
    session_url: Option<String>,
    variables: Variables,
}

#[derive(Deserialize)]
struct Role {
    #[serde(rename = "AccessKeyId")]
    id: String,
    #[serde(rename = "SecretAccessKey")]
    secret: String,
    #[serde(rename = "Token")]
    session: Option<String>,
}

impl Aws {
    pub fn of(source: &Document, audience: &str, variables: &Variables) -> Result<Self, Fault> {
        if source.must("environment_id")? != "aws1" {
            return Err(source.unusable("has another `environment_id` than `aws1`, the only one that bqsync knows"));
        }
        let may = |field: &str| source.may(field).map(str::to_owned);
        Ok(Self {
            audience: audience.to_owned(),
            verification_url: source.must("regional_cred_verification_url")?.to_owned(),
            region_url: may("region_url"),
            role_url: may("url"),
            session_url: may("imdsv2_session_token_url"),
            variables: variables.clone(),
        })
    }

    pub async fn token(&self, wire: &Wire) -> Result<Secret, Fault> {
        let of_variables = self.of_variables();
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| self.variables.get(name));
        let session = match &self.session_url {
            Some(url) if of_variables.is_none() || region.is_none() => Some(begin_session(wire, url).await?),
            _ => None,
        };
        let region = match region {
            Some(region) => region.to_owned(),
            None => self.region(wire, session.as_ref()).await?,
        };
        let role = match of_variables {
            Some(role) => role,
            None => self.role(wire, session.as_ref()).await?,
        };
        self.signed(&region, &role, Utc::now())
    }

    fn of_variables(&self) -> Option<Role> {
        let get = |name: &str| self.variables.get(name).map(str::to_owned);
        let (id, secret) = (get("AWS_ACCESS_KEY_ID")?, get("AWS_SECRET_ACCESS_KEY")?);
        Some(Role { id, secret, session: get("AWS_SESSION_TOKEN") })
    }

    /// The region, from the availability zone: `us-east-1d` is in `us-east-1`.
    async fn region(&self, wire: &Wire, session: Option<&Secret>) -> Result<String, Fault> {
        let Some(url) = &self.region_url else { return Err(nowhere("AWS's region is not known")) };
        let zone = look(wire, url, session).await?.body;
        let zone = zone.trim();
        Ok(zone.strip_suffix(|c: char| c.is_ascii_alphabetic()).unwrap_or(zone).to_owned())
    }

    async fn role(&self, wire: &Wire, session: Option<&Secret>) -> Result<Role, Fault> {
        let Some(url) = &self.role_url else { return Err(nowhere("there are no credentials of AWS")) };
        let name = look(wire, url, session).await?.body;
        let answer = look(wire, &format!("{}/{}", url.trim_end_matches('/'), name.trim()), session).await?;
        serde_json::from_str(&answer.body)
            .map_err(|_| nowhere("the answer of AWS's metadata server has no credentials"))
    }

    /// The whole signed question in the form that Google expects.
    fn signed(&self, region: &str, role: &Role, now: DateTime<Utc>) -> Result<Secret, Fault> {
        let url = self.verification_url.replace("{region}", region);
        let parsed = reqwest::Url::parse(&url).ok();
        let Some(host) = parsed.as_ref().and_then(|url| url.host_str()) else {
            return Err(nowhere("`regional_cred_verification_url` of the credentials file is not a URL"));
        };
        let mut headers = vec![("host", host.to_owned()), ("x-amz-date", now.format("%Y%m%dT%H%M%SZ").to_string())];
        headers.extend(role.session.clone().map(|session| ("x-amz-security-token", session)));
        headers.push(("x-goog-cloud-target-resource", self.audience.clone()));
        let query = parsed.as_ref().and_then(|url| url.query()).unwrap_or_default();
        let authorization = authorization(role, query, &headers, &[region, SERVICE]);
        headers.push(("Authorization", authorization));
        let headers: Vec<_> = headers.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        let question = json!({ "url": url, "method": "POST", "headers": headers, "body": "" });
        Ok(Secret::new(percent_encoded(&question.to_string())))
    }
}

/// The signature of an empty POST to `/`; the headers must be sorted by name.
fn authorization(role: &Role, query: &str, headers: &[(&str, String)], place: &[&str; 2]) -> String {
    let time =
        headers.iter().find(|(name, _)| *name == "x-amz-date").map(|(_, time)| time.as_str()).unwrap_or_default();
    let day = time.split('T').next().unwrap_or_default();
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let request = format!("POST\n/\n{}\n{}\n{names}\n{}", pairs.join("&"), lines.concat(), hex(&Sha256::digest("")));
    let scope = format!("{day}/{}/{}/aws4_request", place[0], place[1]);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let first = format!("AWS4{}", role.secret).into_bytes();
    let key = [day, place[0], place[1], "aws4_request"].iter().fold(first, |key, part| hmac(&key, part));
    let signature = hex(&hmac(&key, &text));
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", role.id)
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // Any key length is valid: longer keys are hashed, shorter ones padded.
    Hmac::<Sha256>::new_from_slice(key)
        .map_or_else(|_| Vec::new(), |mac| mac.chain_update(text.as_bytes()).finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Begins a session of the instance's metadata server, which may refuse to answer without one.
async fn begin_session(wire: &Wire, url: &str) -> Result<Secret, Fault> {
    let request = wire.client(url).put(url).header("x-aws-ec2-metadata-token-ttl-seconds", "300");
    taken(wire.ask(request).await?).map(|answer| Secret::new(answer.body))
}

async fn look(wire: &Wire, url: &str, session: Option<&Secret>) -> Result<Answer, Fault> {
    let request = wire.client(url).get(url);
    let request = match session {
        Some(session) => request.header("x-aws-ec2-metadata-token", session.expose()),
        None => request,
    };
    taken(wire.ask(request).await?)
}

fn taken(answer: Answer) -> Result<Answer, Fault> {
    if answer.is_success() {
        return Ok(answer);
    }
    let kind = if matches!(answer.status, 408 | 429 | 500..=599) { FaultKind::Transient } else { FaultKind::Auth };
    let sentence = format!("AWS's metadata server at {} answered HTTP {}", answer.host, answer.status);
    Err(Fault::new(kind, sentence).with_hint(HINT))
}

fn nowhere(sentence: &str) -> Fault {
    Fault::new(FaultKind::Auth, sentence).with_hint(HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> Role {
        Role { id: "AKIDEXAMPLE".into(), secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(), session: None }
    }

    /// `post-vanilla` and `post-vanilla-query` of AWS's own test suite for signers.
    #[test]
    fn requests_are_signed_as_awss_test_suite_expects() {
        let headers = [("host", "example.amazonaws.com".to_owned()), ("x-amz-date", "20150830T123600Z".to_owned())];
        let signature = |query| {
            let authorization = authorization(&role(), query, &headers, &["us-east-1", "service"]);
            authorization.rsplit('=').next().unwrap().to_owned()
        };
        assert_eq!(signature(""), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
        assert_eq!(signature("Param1=value1"), "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11");
    }

    #[test]
    fn the_signed_request_is_complete_and_contains_no_secret_key() {
        let aws = Aws {
            audience: "//iam/aud".into(),
            verification_url: "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15".into(),
            region_url: None,
            role_url: None,
            session_url: None,
            variables: Variables::default(),
        };
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let role = Role { session: Some("session".into()), ..role() };
        let token = aws.signed("eu-west-1", &role, now).unwrap();
        let whole = reqwest::Url::parse(&format!("http://x/?t={}", token.expose())).unwrap();
        let question: serde_json::Value = serde_json::from_str(&whole.query_pairs().next().unwrap().1).unwrap();
        assert_eq!(question["url"], "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15");
        assert_eq!(question["headers"][0]["value"], "sts.eu-west-1.amazonaws.com");
        assert_eq!(question["headers"][1]["value"], "20231114T221320Z");
        assert_eq!(question["headers"][3], json!({"key": "x-goog-cloud-target-resource", "value": "//iam/aud"}));
        let authorization = question["headers"][4]["value"].as_str().unwrap();
        assert!(authorization.contains("/20231114/eu-west-1/sts/aws4_request"), "{authorization}");
        assert!(!question.to_string().contains("wJalr"));
    }
}
