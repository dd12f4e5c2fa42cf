//! The metadata server of Google's machines, which knows the account that is attached to them.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};

use super::environment::Variables;
use super::fault::in_context;
use super::token::{self, SCOPE, Token};
use super::wire::{Answer, Wire, harmless};
use crate::domain::fault::{Fault, FaultKind};

/// The server's name, and its address in case names do not resolve (yet).
const HOSTS: [&str; 2] = ["metadata.google.internal", "169.254.169.254"];

const KEY_HINT: &str = "set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file";

const FLAVOR: &str = "metadata-flavor";

/// The server is local: one that takes longer counts as absent.
const GREETING_WITHIN: Duration = Duration::from_secs(3);
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// The server may begin to answer some seconds after the machine or pod has started; `check` waits half a minute in
/// all.
const COMES_UP_WITHIN: Duration = Duration::from_secs(15);

/// How long to search if nothing suggests a metadata server: long enough for a short disturbance, short enough for a
/// person who forgot to log in.
const SEARCHED_FOR: Duration = Duration::from_secs(6);

#[derive(Debug)]
pub struct Metadata {
    /// The value of `GCE_METADATA_HOST`.
    named: Option<String>,
    expected: Expected,
    /// How long to wait for it, counted for all callers together.
    patience: Duration,
    first_asked: OnceLock<Instant>,
    /// The host that answers.
    host: OnceCell<String>,
}

/// How certain it is that there is a metadata server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Surely,
    Perhaps,
    Hardly,
}

impl Metadata {
    pub fn new(variables: &Variables) -> Self {
        let named = variables.get("GCE_METADATA_HOST");
        let named = named.map(|host| host.trim_start_matches("http://").trim_end_matches('/').to_owned());
        let is_googles = ["K_SERVICE", "CLOUD_RUN_JOB"].iter().any(|name| variables.get(name).is_some());
        let expected = if named.is_some() || is_googles || machine_is_googles() {
            Expected::Surely
        } else if variables.get("KUBERNETES_SERVICE_HOST").is_some() {
            Expected::Perhaps
        } else {
            Expected::Hardly
        };
        let patience = if expected == Expected::Hardly { SEARCHED_FOR } else { COMES_UP_WITHIN };
        Self { named, expected, patience, first_asked: OnceLock::new(), host: OnceCell::new() }
    }

    /// The origin of the credentials, in words.
    pub fn place(&self) -> String {
        match (&self.named, self.host.get()) {
            (Some(host), _) => format!("the metadata server at {host} (GCE_METADATA_HOST)"),
            (None, Some(host)) => format!("the metadata server at {host}"),
            (None, None) => "the metadata server".to_owned(),
        }
    }

    pub async fn token(&self, wire: &Wire, tried: &str) -> Result<Token, Fault> {
        let host = self.host.get_or_try_init(|| self.search(wire, tried)).await?;
        let asked = ask(wire, host, "token", &[("scopes", SCOPE)]).await;
        let answer = asked.map_err(|fault| in_context(&fault, "The metadata server gives no token"))?;
        match answer.status {
            200 => token::read(&answer),
            _ => Err(refused(&answer)),
        }
    }

    /// The attached account's address, if the server gives it.
    pub async fn account(&self, wire: &Wire) -> Option<String> {
        let answer = ask(wire, self.host.get()?, "email", &[]).await.ok()?;
        let account = answer.body.trim();
        (answer.is_success() && account.contains('@')).then(|| account.to_owned())
    }

    /// Waits for the host that answers.
    async fn search(&self, wire: &Wire, tried: &str) -> Result<String, Fault> {
        let ends = *self.first_asked.get_or_init(Instant::now) + self.patience;
        loop {
            let found = self.found(wire).await;
            if let Some(host) = found {
                return Ok(host);
            }
            if Instant::now() + BETWEEN_TRIES >= ends {
                return Err(self.absent(tried));
            }
            tracing::debug!("no metadata server answers yet");
            sleep(BETWEEN_TRIES).await;
        }
    }

    /// The host that answers now.
    async fn found(&self, wire: &Wire) -> Option<String> {
        if let Some(host) = &self.named {
            return greets(wire, host, false).await.then(|| host.clone());
        }
        let (by_name, by_address) = tokio::join!(greets(wire, HOSTS[0], true), greets(wire, HOSTS[1], true));
        let found = if by_name { Some(HOSTS[0]) } else { by_address.then_some(HOSTS[1]) };
        found.map(str::to_owned)
    }

    fn absent(&self, tried: &str) -> Fault {
        let place = self.named.as_ref().map_or_else(String::new, |host| format!(" at {host} (GCE_METADATA_HOST)"));
        let kind = if self.expected == Expected::Surely { FaultKind::Transient } else { FaultKind::Auth };
        Fault::new(
            kind,
            format!(
                "No Google credentials: GOOGLE_APPLICATION_CREDENTIALS is not set, {tried}, and no metadata server{place} \
                 answered within {} s",
                self.patience.as_secs()
            ),
        )
        .with_hint(match &self.named {
            Some(host) => format!("see what is at {host}, or unset GCE_METADATA_HOST; elsewhere than at Google {KEY_HINT}"),
            None => format!("{KEY_HINT}, or run `gcloud auth application-default login`"),
        })
    }
}

/// Tells if this is a machine of Compute Engine.
fn machine_is_googles() -> bool {
    let product = std::fs::read_to_string(Path::new("/sys/class/dmi/id/product_name"));
    product.is_ok_and(|name| name.starts_with("Google"))
}

/// Tells if the host answers; if the user did not name it, it must also answer as a metadata server.
async fn greets(wire: &Wire, host: &str, as_metadata: bool) -> bool {
    let request = wire.direct().get(format!("http://{host}/")).header(FLAVOR, "Google").send();
    match timeout(GREETING_WITHIN, request).await {
        Ok(Ok(answer)) => !as_metadata || answer.headers().get(FLAVOR).is_some_and(|flavor| flavor == "Google"),
        Ok(Err(_)) | Err(_) => false,
    }
}

async fn ask(wire: &Wire, host: &str, what: &str, query: &[(&str, &str)]) -> Result<Answer, Fault> {
    let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/{what}");
    wire.ask(wire.direct().get(url).query(query).header(FLAVOR, "Google")).await
}

fn refused(answer: &Answer) -> Fault {
    let Answer { status, host, .. } = answer;
    let said = harmless(&answer.body, &[]);
    // A page of HTML is for browsers, so it is not shown.
    let said = if said.is_empty() || said.starts_with('<') { String::new() } else { format!(": {said}") };
    let (kind, meaning, hint) = match status {
        404 => (
            FaultKind::Auth,
            "no service account is attached to this machine",
            "attach one: of a VM `gcloud compute instances set-service-account NAME --service-account=ACCOUNT \
             --scopes=cloud-platform` while it is stopped; of a pod, give it a Kubernetes service account that is bound \
             to one; or set GOOGLE_APPLICATION_CREDENTIALS",
        ),
        403 => (
            FaultKind::Auth,
            "the attached service account may not be used from here",
            "of a pod, let its Kubernetes service account act: `gcloud iam service-accounts add-iam-policy-binding ACCOUNT \
             --role=roles/iam.workloadIdentityUser \
             --member=\"serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]\"`; of a VM, see that the account is not \
             disabled",
        ),
        408 | 429 | 500..=599 => (
            FaultKind::Transient,
            "it is in trouble",
            "look at the machine's or the node's metadata server; the next run asks again",
        ),
        _ => (FaultKind::Auth, "it refuses", "see what account is attached to this machine"),
    };
    Fault::new(kind, format!("The metadata server gives no token: {meaning} (HTTP {status} from {host}{said})"))
        .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::super::standin::{StandIn, serve_at, variables_of};
    use super::*;

    fn named(host: &str) -> Metadata {
        Metadata::new(&variables_of(&[("GCE_METADATA_HOST", host)]))
    }

    async fn asked(metadata: &Metadata) -> Result<Token, Fault> {
        metadata.token(&Wire::new().unwrap(), "/home/x/adc.json does not exist").await
    }

    #[tokio::test]
    async fn a_metadata_server_that_starts_later_is_waited_for() {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        tokio::spawn(async move {
            sleep(BETWEEN_TRIES + BETWEEN_TRIES / 2).await;
            serve_at(address, |_| None).await;
        });
        let metadata = named(&format!("http://{address}/"));
        assert_eq!(asked(&metadata).await.unwrap().text.expose(), "of-machine");
    }

    #[tokio::test]
    async fn an_absent_metadata_server_is_reported_with_everything_that_was_tried() {
        for (expected, kind) in [(Expected::Surely, FaultKind::Transient), (Expected::Perhaps, FaultKind::Auth)] {
            let metadata = Metadata { expected, patience: BETWEEN_TRIES, ..named("127.0.0.1:1") };
            let fault = asked(&metadata).await.unwrap_err();
            assert_eq!(fault.kind(), kind);
            for said in ["GOOGLE_APPLICATION_CREDENTIALS is not set", "/home/x/adc.json", "127.0.0.1:1"] {
                assert!(fault.to_string().contains(said), "{fault}");
            }
            assert!(fault.hint().contains("unset GCE_METADATA_HOST"), "{}", fault.hint());
            let unnamed = Metadata { named: None, ..metadata };
            assert!(unnamed.absent("").hint().contains("gcloud auth application-default login"));
        }
    }

    #[test]
    fn an_expected_metadata_servers_absence_is_transient() {
        let expected = |name| Metadata::new(&variables_of(&[(name, "x")])).expected;
        assert_eq!(expected("GCE_METADATA_HOST"), Expected::Surely);
        assert_eq!(expected("CLOUD_RUN_JOB"), Expected::Surely);
        assert_ne!(expected("KUBERNETES_SERVICE_HOST"), Expected::Hardly);
    }

    #[tokio::test]
    async fn refusals_of_the_metadata_server_are_distinguished_and_quoted() {
        for (status, body, meaning, step, kind) in [
            (404, "<html>not here</html>", "no service account is attached", "set-service-account", FaultKind::Auth),
            (
                403,
                "Permission 'iam.serviceAccounts.getAccessToken' denied",
                "may not be used",
                "roles/iam.workloadIdentityUser",
                FaultKind::Auth,
            ),
            (500, "try later", "in trouble", "metadata server", FaultKind::Transient),
            (400, "no such scope", "refuses", "attached", FaultKind::Auth),
        ] {
            let google = StandIn::answering(move |_| Some((status, body.to_owned()))).await;
            let fault = asked(&named(&google.host)).await.unwrap_err();
            assert_eq!(fault.kind(), kind, "{fault}");
            assert!(fault.to_string().contains(meaning) && fault.hint().contains(step), "{fault}: {}", fault.hint());
            assert_eq!(fault.to_string().contains(body), !body.starts_with('<'), "{fault}");
        }
    }
}
