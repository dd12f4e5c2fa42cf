//! The latest log lines, kept for the console: the screen has the terminal, so nothing may be written to it.
//!
//! Every line goes to tui-logger, which filters by target, and to our own ring, which filters by mapping.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The number of lines that are kept: some hours of a busy day, about a megabyte.
const LINES_KEPT: usize = 5_000;

/// One line.
#[derive(Debug, Clone)]
pub struct LogLine {
    pub at: DateTime<Utc>,
    pub level: Level,
    /// The part of the program: `engine`, or an adapter with its port's name before it.
    pub target: String,
    /// The mapping that the line is about.
    pub mapping: Option<String>,
    pub text: String,
}

/// The latest lines, oldest first; any thread may add one.
#[derive(Debug, Default)]
pub struct LogRing {
    lines: Mutex<VecDeque<LogLine>>,
    written: Notify,
}

impl LogRing {
    /// Waits for a line that was written since the last wait.
    pub async fn written(&self) {
        self.written.notified().await;
    }

    /// The latest lines that `wanted` accepts, oldest first, at most `most`.
    pub fn latest(&self, most: usize, wanted: impl Fn(&LogLine) -> bool) -> Vec<LogLine> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<LogLine> = lines.iter().rev().filter(|line| wanted(line)).take(most).cloned().collect();
        found.reverse();
        found
    }

    /// Forgets all lines.
    pub fn clear(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Adds a line; removes the oldest one if there are too many.
    pub fn push(&self, line: LogLine) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
        drop(lines);
        self.written.notify_one();
    }
}

/// Fills the ring and tui-logger.
pub(super) struct RingLayer {
    pub ring: Arc<LogRing>,
}

/// The mapping of a span, stored in the span.
struct SpanMapping(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RingLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let (Some(mapping), Some(span)) = (said.mapping, context.span(id)) {
            span.extensions_mut().insert(SpanMapping(mapping));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let mut spans = context.event_scope(event).into_iter().flatten();
        let around = || spans.find_map(|span| span.extensions().get::<SpanMapping>().map(|m| m.0.clone()));
        let line = LogLine {
            at: Utc::now(),
            level: *event.metadata().level(),
            target: short_target(event.metadata().target()),
            mapping: said.mapping.clone().or_else(around),
            text: said.message + &said.fields,
        };
        hand_to_tui_logger(&line);
        self.ring.push(line);
    }
}

/// The short form of a target: `bigquery_syncer::engine::emitter` -> `engine`; two parts for adapters; other targets
/// unchanged.
fn short_target(target: &str) -> String {
    let Some(own) = target.strip_prefix("bigquery_syncer::") else {
        return target.split("::").next().unwrap_or(target).to_owned();
    };
    let parts = if own.starts_with("engine") || own.starts_with("tui") { 1 } else { 2 };
    own.split("::").take(parts).collect::<Vec<_>>().join("::")
}

fn hand_to_tui_logger(line: &LogLine) {
    let level = match line.level {
        Level::ERROR => log::Level::Error,
        Level::WARN => log::Level::Warn,
        Level::INFO => log::Level::Info,
        Level::DEBUG => log::Level::Debug,
        Level::TRACE => log::Level::Trace,
    };
    let mapping = line.mapping.as_deref().map(|mapping| format!("{mapping}: ")).unwrap_or_default();
    let drain = tui_logger::Drain::new();
    drain.log(
        &log::Record::builder().level(level).target(&line.target).args(format_args!("{mapping}{}", line.text)).build(),
    );
}

/// The text of an event or a span.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
    mapping: Option<String>,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "mapping" => self.mapping = Some(value.to_owned()),
            name => {
                let _ = write!(self.fields, " {name}={value}");
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_line_knows_the_mapping_of_the_span_around_it() {
        let ring = Arc::new(LogRing::default());
        let subscriber = tracing_subscriber::registry().with(RingLayer { ring: Arc::clone(&ring) });
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("sync", mapping = %"orders");
            span.in_scope(|| tracing::warn!(rows = 3, "held back"));
            tracing::info!(mapping = "users", "refused");
            tracing::info!("nobody's");
        });
        let lines = ring.latest(10, |_| true);
        let told: Vec<_> = lines.iter().map(|l| (l.mapping.as_deref(), l.text.as_str())).collect();
        assert_eq!(told, [(Some("orders"), "held back rows=3"), (Some("users"), "refused"), (None, "nobody's")]);
        assert_eq!(ring.latest(10, |l| l.mapping.as_deref() == Some("orders")).len(), 1);
    }

    #[test]
    fn the_oldest_line_goes_first() {
        let ring = LogRing::default();
        for n in 0..=LINES_KEPT {
            let line = LogLine {
                at: Utc::now(),
                level: Level::INFO,
                target: String::new(),
                mapping: None,
                text: n.to_string(),
            };
            ring.push(line);
        }
        let kept = ring.latest(usize::MAX, |_| true);
        assert_eq!((kept.len(), kept[0].text.as_str()), (LINES_KEPT, "1"));
    }

    #[test]
    fn targets_are_shortened_to_the_parts_of_the_program() {
        assert_eq!(short_target("bigquery_syncer::engine::emitter"), "engine");
        let adapter = ["source", "mysql"].join("::");
        assert_eq!(short_target(&format!("bigquery_syncer::{adapter}::connect")), adapter);
        assert_eq!(short_target("hyper_util::client::legacy"), "hyper_util");
    }
}
