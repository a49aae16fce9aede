//! The figures as a picture: a panel of bars for each of a few questions. Bars of peers are grey.

use svg::{
    Document,
    node::element::{Group, Rectangle, Style, Text, Title},
};

use crate::{figures::Report, table::number};

const WIDTH: f64 = 800.0;
const LABELS: f64 = 300.0;
const NUMBERS: f64 = 90.0;
const ROW: f64 = 24.0;
const HEAD: f64 = 44.0;

/// Colours that follow the reader's light or dark background.
const STYLE: &str = "
    text { font: 13px system-ui, sans-serif; fill: #3b3833 }
    .title { font-weight: 600 }
    .number { fill: #6b665e }
    .ours { fill: #2f7d5b }
    .theirs { fill: #b8b2a7 }
    @media (prefers-color-scheme: dark) {
        text { fill: #e4e0d8 }
        .number { fill: #a8a297 }
        .ours { fill: #58b58a }
        .theirs { fill: #5f5b54 }
    }";

/// A bar: its label, and the subject and name of its figure.
enum Bar {
    Ours(&'static str, &'static str, &'static str),
    Theirs(&'static str, &'static str, &'static str),
}
use Bar::{Ours, Theirs};

const PAGE_SQLITE: &str = "1,000 warm sessions, SQLite: GET /";

const OURS: &str = "1,200 warm sessions, emulator, uncompressed: ours";
const GO: &str = "1,200 warm sessions, emulator, uncompressed: Go, net/http";
const NODE: &str = "1,200 warm sessions, emulator, uncompressed: Node, node:http";
const PYTHON: &str = "1,200 warm sessions, emulator, uncompressed: Python, Flask and waitress";

const PANELS: [(&str, &[Bar]); 5] = [
    (
        "Views per second, 1,200 warm sessions, 32 at a time, on the emulator",
        &[
            Ours("ours", OURS, "rate"),
            Theirs("Go, net/http", GO, "rate"),
            Theirs("Node, node:http", NODE, "rate"),
            Theirs("Python, Flask and waitress", PYTHON, "rate"),
        ],
    ),
    (
        "Seconds of CPU for 1,000 such views",
        &[
            Ours("ours", OURS, "CPU"),
            Theirs("Go, net/http", GO, "CPU"),
            Theirs("Node, node:http", NODE, "CPU"),
            Theirs("Python, Flask and waitress", PYTHON, "CPU"),
        ],
    ),
    (
        "Seconds of CPU for 1,000 requests on SQLite",
        &[
            Ours("GET /healthz: the floor of HTTP", "1,000 warm sessions, SQLite: GET /healthz", "CPU"),
            Ours("POST /api/refresh", "1,000 warm sessions, SQLite: POST /api/refresh", "CPU"),
            Ours("GET /, uncompressed", "1,000 warm sessions, SQLite: GET /, uncompressed", "CPU"),
            Ours("GET /", PAGE_SQLITE, "CPU"),
        ],
    ),
    (
        "Wait of a warm view with 10 ms added per round trip, ms",
        &[
            Ours("a bare write: the floor", "10 ms added per round trip", "a bare write"),
            Ours("a view", "10 ms added per round trip", "a warm view"),
        ],
    ),
    (
        "Warm view on SQLite by sessions in the file, median ms",
        &[
            Ours("1,000", "SQLite with 1,000 sessions, 1,000 of them viewed, 8 at a time", "warm view, p50"),
            Ours("100,000", "SQLite with 100,000 sessions, 1,000 of them viewed, 8 at a time", "warm view, p50"),
            Ours("1,000,000", "SQLite with 1,000,000 sessions, 1,000 of them viewed, 8 at a time", "warm view, p50"),
        ],
    ),
];

/// Draws it. A figure that was not measured has no bar, and a panel without a figure of ours is left out.
pub(crate) fn svg(report: &Report) -> Document {
    let (mut drawn, mut y) = (Group::new(), 0.0);
    for (title, bars) in PANELS {
        let rows: Vec<_> = bars.iter().filter_map(|bar| value(bar, report)).collect();
        if rows.iter().any(|row| row.2) {
            drawn = drawn.add(panel(title, &rows, y));
            y += HEAD + ROW * rows.iter().fold(0.0, |rows, _| rows + 1.0);
        }
    }
    let machine = format!(
        "{} cores, {}; grey: the tutorial's page in other languages (bench/peers)",
        report.machine.cores, report.machine.processor
    );
    Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, y + ROW + 8.0))
        .set("role", "img")
        .add(Title::new("What a view costs"))
        .add(Style::new(STYLE))
        .add(drawn)
        .add(text(&machine, 0.0, y + ROW, "number"))
}

/// Its label, its value, and whether it's ours.
fn value(bar: &Bar, report: &Report) -> Option<(&'static str, f64, bool)> {
    let (Ours(label, subject, name) | Theirs(label, subject, name)) = *bar;
    report.find(subject, name).map(|figure| (label, figure.median, matches!(bar, Ours(..))))
}

fn panel(title: &str, rows: &[(&str, f64, bool)], y: f64) -> Group {
    let most = rows.iter().fold(f64::MIN_POSITIVE, |most, row| most.max(row.1));
    let (mut group, mut y) = (Group::new().add(text(title, 0.0, y + 24.0, "title")), y + HEAD - 10.0);
    for (label, value, ours) in rows {
        let length = (value / most * (WIDTH - LABELS - NUMBERS)).max(1.0);
        let bar = Rectangle::new()
            .set("x", LABELS)
            .set("y", y + 3.0)
            .set("width", length)
            .set("height", ROW - 6.0)
            .set("rx", 2)
            .set("class", if *ours { "ours" } else { "theirs" });
        group = group.add(text(label, 12.0, y + 16.0, "")).add(bar).add(text(
            &number(*value),
            LABELS + length + 8.0,
            y + 16.0,
            "number",
        ));
        y += ROW;
    }
    group
}

fn text(content: &str, x: f64, y: f64, class: &str) -> Text {
    let text = Text::new(content).set("x", x).set("y", y);
    if class.is_empty() { text } else { text.set("class", class) }
}
