//! BigQuery: credentials, jobs, every dataset that a mapping writes to, and the bucket on the way there.

use std::sync::Arc;

use super::patience::within;
use super::probe;
use crate::domain::check::access::{self, Identity};
use crate::domain::config::Mapping;
use crate::domain::finding::{Finding, Topic};
use crate::engine::ports::{Platform, Ports};
use crate::engine::work::ids::{self, new_run_id};
use crate::warehouse::{Billing, Diagnose, Warehouse};

/// What the checks of BigQuery learned for the checks of mappings.
pub(in crate::engine) struct Google {
    /// The credentials work, so tables can be asked for.
    pub may_read: bool,
    pub findings: Vec<Finding>,
}

pub(in crate::engine) async fn look<P: Platform>(ports: &Ports<P>, mappings: &[Mapping], probe: bool) -> Google {
    let identity = match within("Finding the credentials", ports.warehouse.identify()).await {
        Ok(identity) => identity,
        Err(fault) => return Google { may_read: false, findings: vec![Finding::fail(Topic::BigqueryLogin, &fault)] },
    };
    let datasets = one_of_each_dataset(mappings);
    let (jobs, datasets, bucket) = tokio::join!(
        futures_util::future::join_all(
            locations(ports, mappings).into_iter().map(|place| jobs(ports, &identity, place))
        ),
        futures_util::future::join_all(datasets.iter().map(|mapping| dataset(ports, &identity, mapping, probe))),
        bucket(ports, &identity, mappings.first().filter(|_| probe))
    );
    let mut findings = vec![access::login(&identity)];
    findings.extend(jobs);
    findings.extend(datasets.into_iter().flatten());
    findings.extend(bucket);
    Google { may_read: true, findings }
}

fn one_of_each_dataset(mappings: &[Mapping]) -> Vec<&Mapping> {
    let mut found: Vec<&Mapping> = Vec::new();
    for mapping in mappings {
        let same = |other: &Mapping| {
            (&other.target.project, &other.target.dataset) == (&mapping.target.project, &mapping.target.dataset)
        };
        if !found.iter().any(|other| same(other)) {
            found.push(mapping);
        }
    }
    found
}

/// The locations in which jobs will run.
fn locations<P: Platform>(ports: &Ports<P>, mappings: &[Mapping]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let of_all = mappings.is_empty().then_some(&ports.config.location);
    for location in mappings.iter().map(|mapping| &mapping.location).chain(of_all) {
        if !found.iter().any(|other| other.eq_ignore_ascii_case(location)) {
            found.push(location.clone());
        }
    }
    found
}

async fn jobs<P: Platform>(ports: &Ports<P>, identity: &Identity, location: String) -> Finding {
    let project = ports.config.jobs_project();
    let there = Billing { location: Some(location.clone()), ..Billing::default() };
    match within("Running a job", ports.warehouse.billed(there).try_job()).await {
        Ok(()) => Finding::ok(Topic::BigqueryJobs, format!("a job ran in {project}, {location}")),
        Err(fault) => access::jobs_failed(identity, project, &fault),
    }
}

async fn dataset<P: Platform>(ports: &Ports<P>, identity: &Identity, mapping: &Mapping, probe: bool) -> Vec<Finding> {
    let there = Billing { location: Some(mapping.location.clone()), ..Billing::default() };
    let ports = &Ports { warehouse: Arc::new(ports.warehouse.billed(there)), ..ports.clone() };
    let target = &mapping.target;
    let name = format!("{}.{}", target.project, target.dataset);
    let skip = |why: &str| Finding::skip(Topic::BigqueryWrite, format!("nothing was written to {name}: {why}"));
    let there = match within("Looking for the dataset", ports.warehouse.has_dataset(target)).await {
        Ok(true) => Finding::ok(Topic::BigqueryDataset, format!("{name} exists, in {}", mapping.location)),
        Ok(false) => {
            return vec![access::dataset_missing(target, &mapping.location), skip("it does not exist yet")];
        }
        Err(fault) => {
            let failed = access::dataset_failed(Topic::BigqueryDataset, identity, target, &fault);
            return vec![failed, skip("its description cannot be read")];
        }
    };
    if !probe {
        return vec![there, skip("--read-only")];
    }
    let written = match probe::write(ports, mapping).await {
        Ok(()) => Finding::ok(
            Topic::BigqueryWrite,
            format!("tables of {name} could be created, loaded, merged, read and dropped"),
        ),
        Err(fault) => access::dataset_failed(Topic::BigqueryWrite, identity, target, &fault),
    };
    vec![there, written]
}

/// `beside`: the mapping whose dataset the test object belongs to; `None`: write nothing.
async fn bucket<P: Platform>(ports: &Ports<P>, identity: &Identity, beside: Option<&Mapping>) -> Option<Finding> {
    let name = ports.config.temp_bucket.as_ref()?;
    let Some(beside) = beside else {
        return Some(Finding::skip(Topic::TempBucket, format!("nothing was written to gs://{name}: --read-only")));
    };
    let staging = ids::probe(&new_run_id(ports.clock.now()), &beside.target, 0);
    match within("Trying the bucket", ports.warehouse.try_bucket(&staging)).await {
        Ok(folder) => folder.map(|folder| {
            Finding::ok(Topic::TempBucket, format!("objects of {folder} could be written, read, listed and removed"))
        }),
        Err(fault) => Some(access::bucket_failed(Topic::TempBucket, identity, name, &fault)),
    }
}
