//! The place of the credentials, and their kind.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::environment::Variables;
use super::external::External;
use super::key::Key;
use super::token::{Impersonation, Person, Token};
use super::wire::Wire;
use crate::domain::fault::Fault;

/// The role of an account that acts as another one.
const CREATOR: &str = "roles/iam.serviceAccountTokenCreator";

/// The first place that has credentials, in the order of Google's own tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file of `GOOGLE_APPLICATION_CREDENTIALS`.
    Named(PathBuf),
    /// The file that `gcloud auth application-default login` writes.
    Gcloud(PathBuf),
    MetadataServer,
}

impl Place {
    pub fn find(named: Option<&Path>, variables: &Variables) -> Self {
        if let Some(file) = named {
            return Self::Named(file.to_owned());
        }
        variables.gcloud_file().filter(|file| file.is_file()).map_or(Self::MetadataServer, Self::Gcloud)
    }

    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Named(file) | Self::Gcloud(file) => Some(file),
            Self::MetadataServer => None,
        }
    }

    /// Where the file comes from, in words.
    pub const fn because(&self) -> &'static str {
        match self {
            Self::Named(_) => "GOOGLE_APPLICATION_CREDENTIALS",
            Self::Gcloud(_) => "gcloud's application default",
            Self::MetadataServer => "",
        }
    }
}

/// Credentials in a file.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    quota_project: Option<String>,
}

#[derive(Debug)]
enum Kind {
    Key(Key),
    Person { person: Person, account: Option<String> },
    Workforce(Person),
    External(Box<External>),
    Impersonated { caller: Box<Kind>, impersonation: Impersonation },
}

impl Source {
    pub fn read(file: &Path, variables: &Variables) -> Result<Self, Fault> {
        let document = Document::read(file)?;
        let quota_project = document.may("quota_project_id").map(str::to_owned);
        Ok(Self { kind: Kind::of(&document, variables)?, quota_project })
    }

    pub fn quota_project(&self) -> Option<&str> {
        self.quota_project.as_deref()
    }

    /// The kind in words: `a service account's key`.
    pub fn kind(&self) -> String {
        self.kind.in_words()
    }

    /// The account's address, if the file has it.
    pub fn account(&self) -> Option<String> {
        self.kind.account()
    }

    pub async fn token(&self, wire: &Wire) -> Result<Token, Fault> {
        self.kind.token(wire).await
    }
}

impl Kind {
    fn of(document: &Document, variables: &Variables) -> Result<Self, Fault> {
        if let Some(universe) = document.may("universe_domain").filter(|universe| *universe != "googleapis.com") {
            return Err(
                document.unusable(&format!("is for the cloud {universe}, and bqsync reaches googleapis.com alone"))
            );
        }
        Ok(match document.may("type") {
            Some("service_account") => Self::Key(Key::of(document)?),
            Some("authorized_user") => {
                Self::Person { person: Person::of(document)?, account: document.may("account").map(str::to_owned) }
            }
            Some("external_account_authorized_user") => Self::Workforce(Person::of_workforce(document)?),
            Some("external_account") => Self::External(Box::new(External::of(document, variables)?)),
            Some("impersonated_service_account") => {
                let url = document.must("service_account_impersonation_url")?;
                let caller = Self::of(&document.must_inside("source_credentials")?, variables)?;
                let impersonation = Impersonation::new(url, document.texts("delegates"), None, CREATOR);
                Self::Impersonated { caller: Box::new(caller), impersonation }
            }
            _ => return Err(unknown(document)),
        })
    }

    fn in_words(&self) -> String {
        match self {
            Self::Key(_) => "a service account's key".to_owned(),
            Self::Person { .. } => "a person's login".to_owned(),
            Self::Workforce(_) => "a workforce identity's login".to_owned(),
            Self::External(external) => format!("workload identity federation from {}", external.source()),
            Self::Impersonated { caller, .. } => format!("impersonation by {}", caller.in_words()),
        }
    }

    fn account(&self) -> Option<String> {
        match self {
            Self::Key(key) => Some(key.account.clone()),
            Self::Person { account, .. } => account.clone(),
            Self::Workforce(_) => None,
            Self::External(external) => Some(external.account()),
            Self::Impersonated { impersonation, .. } => Some(impersonation.account().to_owned()),
        }
    }

    /// The member as IAM names it, with a placeholder in capitals if the file does not have it.
    fn member(&self) -> String {
        match (self, self.account()) {
            (Self::Person { .. }, account) => format!("user:{}", account.as_deref().unwrap_or("ACCOUNT")),
            (_, Some(account)) if account.starts_with("principal:") => account,
            (_, Some(account)) => format!("serviceAccount:{account}"),
            (_, None) => "PRINCIPAL".to_owned(),
        }
    }

    async fn token(&self, wire: &Wire) -> Result<Token, Fault> {
        match self {
            Self::Key(key) => key.token(wire).await,
            Self::Person { person, .. } | Self::Workforce(person) => person.token(wire).await,
            Self::External(external) => external.token(wire).await,
            Self::Impersonated { caller, impersonation } => {
                let bearer = Box::pin(caller.token(wire)).await?;
                impersonation.token(wire, &bearer, &caller.member()).await
            }
        }
    }
}

/// The fault for a file of another kind; its `type` is not repeated, because it may be anything.
fn unknown(document: &Document) -> Fault {
    if document.may("type") == Some("gdch_service_account") {
        return document.unusable("is for Google Distributed Cloud, which bqsync does not reach");
    }
    let is_oauth_client = ["installed", "web"].iter().any(|name| document.inside(name).is_some());
    if is_oauth_client {
        return document.refused(
            "describes an OAuth client, which is not a login",
            "log in with it: `gcloud auth application-default login --client-id-file=FILE`, and unset \
             GOOGLE_APPLICATION_CREDENTIALS",
        );
    }
    document.unusable("is of a kind that bqsync does not know")
}
