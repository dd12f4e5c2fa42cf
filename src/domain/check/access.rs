//! Rules about what the account may do in Google Cloud, and the exact commands that grant it.

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::finding::{Finding, Topic};
use crate::domain::ids::TableId;
use crate::domain::quote;

/// The identity of the program in Google Cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's address, or `principal://...` of a federated identity; `None` where the credentials do not say.
    pub account: Option<String>,
    /// Where the credentials come from, in words.
    pub origin: String,
}

impl Identity {
    /// The member as IAM names it. If no account is known, pasting the command fails instead of granting rights to
    /// another account.
    fn member(&self) -> String {
        match &self.account {
            Some(principal) if principal.starts_with("principal:") => principal.clone(),
            Some(account) if account.ends_with(".gserviceaccount.com") => format!("serviceAccount:{account}"),
            Some(account) => format!("user:{account}"),
            None => "serviceAccount:ACCOUNT".to_owned(),
        }
    }
}

#[must_use]
pub fn login(identity: &Identity) -> Finding {
    let Identity { account, origin } = identity;
    let who = account.as_ref().map(|account| format!("{account}, ")).unwrap_or_default();
    Finding::ok(Topic::BigqueryLogin, format!("{who}{origin}"))
}

/// The project grants the right to run jobs.
#[must_use]
pub fn jobs_failed(identity: &Identity, project: &str, fault: &Fault) -> Finding {
    refused(Topic::BigqueryJobs, fault, || {
        format!(
            "gcloud projects add-iam-policy-binding {} --member={} --role=roles/bigquery.jobUser",
            quote::shell_word(project),
            quote::shell_word(&identity.member())
        )
    })
}

/// The dataset grants the right to read and write tables.
#[must_use]
pub fn dataset_failed(topic: Topic, identity: &Identity, table: &TableId, fault: &Fault) -> Finding {
    refused(topic, fault, || {
        format!(
            "in BigQuery: GRANT `roles/bigquery.dataEditor` ON SCHEMA {}.{} TO \"{}\"",
            quote::bigquery_name(&table.project),
            quote::bigquery_name(&table.dataset),
            identity.member()
        )
    })
}

/// A run creates a missing dataset, if it may.
#[must_use]
pub fn dataset_missing(table: &TableId, location: &str) -> Finding {
    let TableId { project, dataset, .. } = table;
    let made = format!(
        "bq {} mk --dataset {}",
        quote::shell_word(&format!("--location={location}")),
        quote::shell_word(&format!("{project}:{dataset}"))
    );
    Finding::warn(
        Topic::BigqueryDataset,
        format!(
            "there is no dataset {project}.{dataset}; the first run makes it in {location}, which needs \
             `roles/bigquery.user` on the project"
        ),
    )
    .remedy(format!("if it should be there already, correct `dataset`; or make it: {made}"))
}

#[must_use]
pub fn bucket_failed(topic: Topic, identity: &Identity, bucket: &str, fault: &Fault) -> Finding {
    refused(topic, fault, || {
        format!(
            "gcloud storage buckets add-iam-policy-binding {} --member={} --role=roles/storage.objectUser",
            quote::shell_word(&format!("gs://{bucket}")),
            quote::shell_word(&identity.member())
        )
    })
}

fn refused(topic: Topic, fault: &Fault, grant: impl Fn() -> String) -> Finding {
    let finding = Finding::fail(topic, fault);
    if fault.kind() == FaultKind::Auth { finding.remedy(grant()) } else { finding }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Standing;

    fn identity(account: Option<&str>) -> Identity {
        Identity { account: account.map(str::to_owned), origin: "key.json".into() }
    }

    #[test]
    fn a_missing_permission_comes_with_the_command_that_grants_it() {
        let refused = Fault::new(FaultKind::Auth, "Running a job failed: Access Denied");
        let etl = identity(Some("etl@p.iam.gserviceaccount.com"));
        let finding = jobs_failed(&etl, "p", &refused);
        assert_eq!(finding.standing, Standing::Fail);
        let command = "gcloud projects add-iam-policy-binding p --member=serviceAccount:etl@p.iam.gserviceaccount.com \
                       --role=roles/bigquery.jobUser";
        assert_eq!(finding.remedy.as_deref(), Some(command));
        let table = TableId { project: "p".into(), dataset: "d".into(), table: "t".into() };
        let ann = identity(Some("ann@example.com"));
        let remedy = dataset_failed(Topic::BigqueryWrite, &ann, &table, &refused).remedy.unwrap();
        assert!(remedy.contains("ON SCHEMA `p`.`d` TO \"user:ann@example.com\""), "{remedy}");
        let remedy = bucket_failed(Topic::TempBucket, &identity(None), "b", &refused).remedy.unwrap();
        assert!(remedy.contains("gs://b --member=serviceAccount:ACCOUNT"), "{remedy}");
        let federated = identity(Some("principal://iam.googleapis.com/pool/subject/SUBJECT"));
        let remedy = jobs_failed(&federated, "p", &refused).remedy.unwrap();
        assert!(remedy.contains("--member=principal://iam.googleapis.com/pool/subject/SUBJECT"), "{remedy}");
    }

    #[test]
    fn other_faults_keep_their_own_hint() {
        let away = Fault::new(FaultKind::Transient, "no answer").with_hint("look at the network");
        assert_eq!(jobs_failed(&identity(None), "p", &away).remedy.as_deref(), Some("look at the network"));
    }
}
