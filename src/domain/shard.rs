//! One of several processes that share a run: from `--shard 1/4`, or from the variables of a Cloud Run job or an
//! indexed Kubernetes Job.

use std::fmt;
use std::str::FromStr;

/// One process among `count`; its `index` counts from 0, as in Cloud Run and Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// The only process of its run.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    fn new(index: usize, count: usize) -> Option<Self> {
        (index < count).then_some(Self { index, count })
    }

    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    #[must_use]
    pub const fn count(self) -> usize {
        self.count
    }

    /// Tells if the item at this place of a list belongs to this process.
    ///
    /// Items are dealt out by place, not by a digest of the name: every process gets as many as the next, where digests
    /// would give some processes several of a few items and others none. All processes read the same list, so no item
    /// is left out or taken twice.
    #[must_use]
    pub const fn takes(self, place: usize) -> bool {
        place % self.count == self.index
    }

    /// All `parts`, in the order in which this process looks for work: from its own place around, so that processes
    /// meet late.
    pub fn rounds(self, parts: usize) -> impl Iterator<Item = usize> {
        let first = self.index * parts / self.count;
        (first..parts).chain(0..first)
    }

    /// This process's place as the platform's variables give it; `None` where it runs alone.
    ///
    /// # Errors
    /// A sentence that names the variable that is not valid or lacks its counterpart, and what to write.
    pub fn of_task(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let pairs = [("CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"), ("JOB_COMPLETION_INDEX", "BQSYNC_SHARDS")];
        for (index, count) in pairs {
            let shard = match (env(index), env(count)) {
                (None, None) => continue,
                (Some(_), None) => Err(format!(
                    "{index} is set, but {count} is not, so it is not known how many share the work: set {count} to the \
                     number of tasks (`completions` of a Kubernetes Job; 1 to have each do all of it)"
                )),
                (None, Some(_)) => Err(format!(
                    "{count} is set, but {index} is not: a Kubernetes Job sets it with `completionMode: Indexed`; \
                     elsewhere write `--shard 0/4`"
                )),
                (Some(i), Some(n)) => {
                    i.trim().parse().ok().zip(n.trim().parse().ok()).and_then(|(i, n)| Self::new(i, n)).ok_or_else(
                        || format!("{index} and {count} must be numbers, the first from 0 and below the second"),
                    )
                }
            }?;
            return Ok(Some(shard).filter(|shard| *shard != Self::WHOLE));
        }
        Ok(None)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| i.trim().parse().ok().zip(n.trim().parse().ok()));
        numbers
            .and_then(|(index, count)| Self::new(index, count))
            .ok_or_else(|| "write this process's number, from 0, and how many there are: 0/4, 1/4, 2/4, 3/4".to_owned())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_task(pairs: &[(&str, &str)]) -> Result<Option<Shard>, String> {
        Shard::of_task(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn shards_count_from_zero() {
        assert_eq!("3/4".parse::<Shard>().unwrap().to_string(), "3/4");
        for wrong in ["4/4", "0/0", "1", "-1/4", "a/b", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_item_belongs_to_one_shard_and_shards_differ_by_at_most_one_item() {
        let shards: Vec<Shard> = (0..4).map(|i| format!("{i}/4").parse().unwrap()).collect();
        for place in 0..11 {
            assert_eq!(shards.iter().filter(|shard| shard.takes(place)).count(), 1);
        }
        let sizes: Vec<_> = shards.iter().map(|shard| (0..11).filter(|place| shard.takes(*place)).count()).collect();
        assert_eq!(sizes, [3, 3, 3, 2]);
    }

    #[test]
    fn each_shard_visits_every_part_beginning_at_its_own() {
        let rounds = |text: &str, parts| text.parse::<Shard>().unwrap().rounds(parts).collect::<Vec<_>>();
        assert_eq!(rounds("2/4", 8), [4, 5, 6, 7, 0, 1, 2, 3]);
        assert_eq!(rounds("3/4", 2), [1, 0]);
        assert_eq!(rounds("0/1", 3), [0, 1, 2]);
    }

    #[test]
    fn complete_task_variables_are_used_and_incomplete_ones_are_refused() {
        let cloud_run = |index, count| of_task(&[("CLOUD_RUN_TASK_INDEX", index), ("CLOUD_RUN_TASK_COUNT", count)]);
        assert_eq!(cloud_run("2", "5").unwrap(), "2/5".parse().ok());
        assert_eq!(cloud_run("0", "1").unwrap(), None, "a job of one task runs alone");
        assert!(cloud_run("5", "5").is_err());
        assert_eq!(of_task(&[("JOB_COMPLETION_INDEX", "0"), ("BQSYNC_SHARDS", "3")]).unwrap(), "0/3".parse().ok());
        assert!(of_task(&[("JOB_COMPLETION_INDEX", "0")]).unwrap_err().contains("set BQSYNC_SHARDS"));
        assert!(of_task(&[("BQSYNC_SHARDS", "3")]).unwrap_err().contains("completionMode: Indexed"));
        assert_eq!(of_task(&[]).unwrap(), None);
    }
}
