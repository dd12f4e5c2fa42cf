//! A process of the program: an engine in its own runtime.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::source::MemorySource;
use super::state::MemoryState;
use super::warehouse::MemoryWarehouse;
use super::world::World;
use crate::domain::report::{MappingReport, RunReport};
use crate::engine::{self, Command, Event, Handle, Platform, Ports};

/// The adapters in memory.
#[derive(Debug)]
pub enum Memory {}

impl Platform for Memory {
    type Source = MemorySource;
    type Warehouse = MemoryWarehouse;
    type State = MemoryState;
}

/// A process; dropping it kills it.
pub struct Process {
    world: Arc<World>,
    handle: Handle,
    pub events: Vec<Event>,
    runtime: Runtime,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("events", &self.events).finish_non_exhaustive()
    }
}

/// Waits until nothing else happens: time passes only then, and nothing waits for so long.
async fn idle() {
    tokio::time::sleep(Duration::from_hours(24 * 365)).await;
}

impl Process {
    pub fn start(world: Arc<World>, ports: Ports<Memory>) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let handle = runtime.block_on(async { engine::start(ports) });
        Self { world, handle, events: Vec::new(), runtime }
    }

    pub fn send(&self, command: Command) {
        self.handle.send(command);
    }

    /// Continues until an event; `None` if the process is killed before.
    pub fn until<V>(&mut self, wanted: impl Fn(&Event) -> Option<V>) -> Option<V> {
        let Self { world, handle, events, runtime } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    biased;
                    () = world.script.killed() => return None,
                    () = idle() => panic!("nothing goes on, and nobody is waited for: {events:#?}"),
                    event = handle.next_event() => {
                        let event = event.unwrap();
                        let found = wanted(&event);
                        events.push(event);
                        if found.is_some() {
                            return found;
                        }
                    }
                }
            }
        })
    }

    /// Continues until a call is held.
    pub fn until_held(&mut self) {
        self.runtime.block_on(self.world.script.held());
    }

    /// Continues until a call is held, or the run has ended.
    pub fn is_held(&mut self) -> bool {
        let Self { world, handle, events, runtime } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    biased;
                    () = world.script.held() => return true,
                    () = idle() => panic!("nothing goes on, and nobody is waited for: {events:#?}"),
                    event = handle.next_event() => {
                        let event = event.unwrap();
                        let is_end = matches!(event, Event::RunFinished { .. });
                        events.push(event);
                        if is_end {
                            return false;
                        }
                    }
                }
            }
        })
    }

    /// Continues until the run has ended; `None` if the process is killed before.
    pub fn run_ends(&mut self) -> Option<RunReport> {
        self.until(|event| match event {
            Event::RunFinished { report } => Some(report.clone()),
            _ => None,
        })
    }

    /// The same, for a run with one mapping.
    pub fn ends(&mut self) -> Option<MappingReport> {
        self.run_ends().map(|mut report| report.mappings.remove(0))
    }
}
