//! The lease object of a mapping: who may write its state, and for how long without a sign of life.
//!
//! The data depend on no clock: a former holder can write nothing, because the process that takes over
//! writes the state object anew and so changes the generation that the former holder's writes name. Clocks only decide
//! how long a dead holder stands in the way, and both ends of that time are read from the server.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::bucket::Object;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::MappingName;
use crate::state::{Holder, seconds};

/// The server tells times in whole seconds: the difference of two may be a second too large.
const ROUNDING: TimeDelta = TimeDelta::seconds(1);

/// The longest lease that is believed, whatever an object says: `state_gcs_lease` allows no more.
pub(super) const LONGEST_SECONDS: u64 = 3600;

/// The object's content. It stays when the lease is given back, so that its number only grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub mapping: MappingName,
    /// The fencing number.
    pub fence: u64,
    /// `None` once it was given back.
    pub holder: Option<Holder>,
    /// The holder writes the object again well within this many seconds.
    #[serde(rename = "lease_seconds")]
    pub seconds: u64,
}

/// A lease that was just written.
pub(super) struct Taken {
    pub lease: Lease,
    /// Generation of the lease object.
    pub generation: String,
    /// The former holder has not given the lease back.
    pub follows_a_dead_one: bool,
}

impl Lease {
    /// # Errors
    /// `Config` naming the object.
    pub fn read(uri: &str, object: &Object) -> Result<Self, Fault> {
        serde_json::from_slice(&object.content).map_err(|error| {
            Fault::new(FaultKind::Config, format!("The lease object {uri} is not readable"))
                .caused_by(error)
                .with_hint("remove it when no run works on its mapping: it is written anew")
        })
    }

    /// Who held it at the moment of reading, and until when if no further sign of life arrives.
    pub fn current(&self, object: &Object) -> Option<(&Holder, DateTime<Utc>)> {
        let seconds = i64::try_from(self.seconds.min(LONGEST_SECONDS)).unwrap_or_default();
        let length = TimeDelta::seconds(seconds);
        let until = object.modified.checked_add_signed(length).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let holder = self.holder.as_ref()?;
        (object.read_at - object.modified < length + ROUNDING).then_some((holder, until))
    }
}

/// The fault for a process that finds the mapping held.
pub(super) fn held(mapping: &MappingName, holder: &Holder, until: DateTime<Utc>) -> Fault {
    let (pid, host, until) = (holder.pid, &holder.host, seconds(until));
    Fault::new(
        FaultKind::Conflict,
        format!("Mapping `{mapping}` is held by {holder}, until {until} unless it shows signs of life"),
    )
    .with_hint(format!(
        "wait for it, or stop process {pid} on {host}; if it is dead, the next run after {until} takes over"
    ))
}

/// The fault for a holder whose lease another process has taken.
pub(super) fn lost(mapping: &MappingName, now: Option<&Holder>) -> Fault {
    let by = now.map_or_else(|| "another process, which has ended since".to_owned(), ToString::to_string);
    Fault::new(FaultKind::Conflict, format!("Mapping `{mapping}` was taken over by {by}: nothing more is written here"))
        .with_hint(
            "this process showed no sign of life for longer than `state_gcs_lease`; what it had published is found by \
             the other's run, and the next run goes on",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RunId;

    #[test]
    fn a_lease_expires_only_by_the_servers_clock() {
        let modified: DateTime<Utc> = "2001-01-01T00:00:00Z".parse().unwrap();
        let holder = Holder {
            host: "h".into(),
            pid: 7,
            run_id: RunId("r".into()),
            since: "2999-01-01T00:00:00Z".parse().unwrap(),
        };
        let lease = Lease { mapping: MappingName("m".into()), fence: 3, holder: Some(holder), seconds: 60 };
        let read = |after: i64| {
            let read_at = modified + TimeDelta::seconds(after);
            Object { content: bytes::Bytes::new(), generation: "1".into(), modified, read_at }
        };
        let (_, until) = lease.current(&read(60)).unwrap();
        assert_eq!(seconds(until), "2001-01-01T00:01:00Z");
        assert!(lease.current(&read(61)).is_none());
        assert!(Lease { holder: None, ..lease.clone() }.current(&read(0)).is_none());
        let endless = Lease { seconds: u64::MAX, ..lease };
        assert!(endless.current(&read(61)).is_some() && endless.current(&read(3601)).is_none());
    }
}
