//! A line of JSON for each event, in the structure that Cloud Logging parses
//! (<https://cloud.google.com/logging/docs/structured-logging>).

use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    layer::Context,
    registry::LookupSpan,
};

use super::{REQUEST_TARGET, TRACE_FIELD};

/// The format of an event.
#[derive(Debug)]
pub(super) struct CloudLogging {
    /// What precedes the id of a trace in its full name.
    traces: String,
}

impl CloudLogging {
    pub(super) fn new(project: Option<&str>) -> Self {
        Self { traces: project.map(|project| format!("projects/{project}/traces/")).unwrap_or_default() }
    }
}

impl<S, N> FormatEvent<S, N> for CloudLogging
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = fields.0;
        if event.metadata().target() == REQUEST_TARGET {
            nest_request(&mut line);
        }
        line.insert("severity".into(), severity(*event.metadata().level()).into());
        line.insert("time".into(), time.into());
        line.insert("target".into(), event.metadata().target().into());
        let mut spans = context.event_scope().into_iter().flatten();
        if let Some(trace) = spans.find_map(|span| span.extensions().get::<Trace>().map(|trace| trace.0.clone())) {
            line.insert("logging.googleapis.com/trace".into(), format!("{}{trace}", self.traces).into());
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Moves a request's fields to where Cloud Logging expects them (`HttpRequest` of its `LogEntry`).
fn nest_request(line: &mut Map<String, Value>) {
    let mut request = Map::new();
    let text = |name| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let status = line.get("status").map_or_else(|| text("outcome").to_owned(), Value::to_string);
    let message = format!("{} {} {status}", text("method"), text("path"));
    line.insert("message".to_owned(), message.into());
    for (ours, theirs) in [("method", "requestMethod"), ("path", "requestUrl"), ("status", "status")] {
        if let Some(value) = line.remove(ours) {
            request.insert(theirs.to_owned(), value);
        }
    }
    if let Some(milliseconds) = line.remove("milliseconds").as_ref().and_then(Value::as_f64) {
        request.insert("latency".to_owned(), json!(format!("{:.6}s", milliseconds / 1000.0)));
    }
    line.insert("httpRequest".to_owned(), Value::Object(request));
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// Keeps the id of a request's trace with its span, for the events in it.
pub(super) struct Traces;

struct Trace(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Traces {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(span), Some(Value::String(trace))) = (context.span(id), fields.0.remove(TRACE_FIELD)) {
            span.extensions_mut().insert(Trace(trace));
        }
    }
}

/// The fields of an event as JSON.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Writing into a string does not fail; an implementation of `Debug` may.
        let _ = write!(text, "{value:?}");
        self.0.insert(field.name().to_owned(), text.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
