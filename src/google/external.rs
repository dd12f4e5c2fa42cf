//! Workload identity federation: another issuer's token, exchanged for one of Google's (RFC 8693).

use super::aws::Aws;
use super::document::Document;
use super::environment::Variables;
use super::executable::Executable;
use super::refusal::Asked;
use super::subject::{FileSource, UrlSource};
use super::token::{self, Impersonation, SCOPE, Token};
use super::wire::Wire;
use crate::domain::fault::Fault;
use crate::domain::secret::Secret;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The role that the identity needs on the service account.
const ROLE: &str = "roles/iam.workloadIdentityUser";

#[derive(Debug)]
pub struct External {
    audience: String,
    token_type: String,
    token_url: String,
    source: Subject,
    impersonation: Option<Impersonation>,
    client: Option<(String, Secret)>,
    /// The project of a workforce pool, whose members belong to none.
    user_project: Option<String>,
}

/// The source of the issuer's token.
#[derive(Debug)]
enum Subject {
    File(FileSource),
    Url(UrlSource),
    Executable(Executable),
    Aws(Box<Aws>),
}

impl External {
    pub fn of(document: &Document, variables: &Variables) -> Result<Self, Fault> {
        let audience = document.must("audience")?;
        let token_type = document.must("subject_token_type")?;
        let impersonation = document.may("service_account_impersonation_url").map(|url| {
            let options = document.inside("service_account_impersonation");
            let lifetime = options.and_then(|options| options.number("token_lifetime_seconds"));
            Impersonation::new(url, Vec::new(), lifetime, ROLE)
        });
        let source = document.must_inside("credential_source")?;
        let source = if source.may("environment_id").is_some() {
            Subject::Aws(Box::new(Aws::of(&source, audience, variables)?))
        } else if let Some(executable) = source.inside("executable") {
            let account = impersonation.as_ref().map(Impersonation::account);
            Subject::Executable(Executable::of(&executable, [audience, token_type], account, variables)?)
        } else if source.may("file").is_some() {
            Subject::File(FileSource::of(&source)?)
        } else if source.may("url").is_some() {
            Subject::Url(UrlSource::of(&source)?)
        } else if source.inside("certificate").is_some() {
            return Err(document.refused(
                "takes its token from an X.509 certificate, which bqsync does not do",
                "let the identity come from a file, a URL, an executable or AWS, or use a service account's key",
            ));
        } else {
            return Err(document.unusable("has no file, url, executable or environment_id in `credential_source`"));
        };
        let client = document.may("client_id").zip(document.may("client_secret"));
        Ok(Self {
            audience: audience.to_owned(),
            token_type: token_type.to_owned(),
            token_url: document.must("token_url")?.to_owned(),
            source,
            impersonation,
            client: client.map(|(id, secret)| (id.to_owned(), Secret::new(secret))),
            user_project: document.may("workforce_pool_user_project").map(str::to_owned),
        })
    }

    /// The source in words: `a file`.
    pub const fn source(&self) -> &'static str {
        match self.source {
            Subject::File(_) => "a file",
            Subject::Url(_) => "a URL",
            Subject::Executable(_) => "an executable",
            Subject::Aws(_) => "AWS",
        }
    }

    /// The service account that it acts as, or the identity itself.
    pub fn account(&self) -> String {
        self.impersonation.as_ref().map_or_else(|| self.principal(), |impersonation| impersonation.account().to_owned())
    }

    /// The identity as IAM names it, without its subject, which the provider derives from the token.
    fn principal(&self) -> String {
        let pool = self.audience.split("/providers/").next().unwrap_or_default();
        format!("principal:{pool}/subject/SUBJECT")
    }

    pub async fn token(&self, wire: &Wire) -> Result<Token, Fault> {
        let subject = match &self.source {
            Subject::File(file) => file.token()?,
            Subject::Url(url) => url.token(wire).await?,
            Subject::Executable(executable) => executable.token().await?,
            Subject::Aws(aws) => aws.token(wire).await?,
        };
        let mut fields = vec![
            ("grant_type", GRANT),
            ("requested_token_type", ACCESS_TOKEN),
            ("audience", &self.audience),
            ("scope", SCOPE),
            ("subject_token_type", &self.token_type),
            ("subject_token", subject.expose()),
        ];
        let options =
            self.user_project.as_ref().map(|project| serde_json::json!({ "userProject": project }).to_string());
        if let (Some(options), None) = (&options, &self.client) {
            fields.push(("options", options));
        }
        let mut request = wire.client(&self.token_url).post(&self.token_url).form(&fields);
        let mut secrets = vec![&subject];
        if let Some((id, secret)) = &self.client {
            request = request.basic_auth(id, Some(secret.expose()));
            secrets.push(secret);
        }
        let token = token::granted(wire, request, Asked::Exchange { audience: &self.audience }, &secrets).await?;
        match &self.impersonation {
            Some(impersonation) => impersonation.token(wire, &token, &self.principal()).await,
            None => Ok(token),
        }
    }
}
