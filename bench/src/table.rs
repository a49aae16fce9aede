//! The figures as a table, which Markdown shows as one too.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::figures::{Figure, Report, Target};

/// The whole report as text.
pub(crate) fn text(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(["", "", "median", "spread", "unit", "target"]);
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut subject = "";
    for figure in &report.figures {
        let repeated = figure.subject == subject;
        subject = &figure.subject;
        table.add_row([
            if repeated { String::new() } else { figure.subject.clone() },
            figure.name.clone(),
            number(figure.median),
            if figure.samples > 1 {
                format!("{} - {}", number(figure.least), number(figure.most))
            } else {
                String::new()
            },
            figure.unit.clone(),
            target(figure),
        ]);
    }
    let machine = format!(
        "{} cores, {}; medians and spreads over the repetitions",
        report.machine.cores, report.machine.processor
    );
    let skipped = report.skipped.iter().fold(String::new(), |lines, line| lines + "\nSKIPPED: " + line);
    format!("{table}\n\n{machine}{skipped}")
}

fn target(figure: &Figure) -> String {
    let missed = if figure.is_met() { "" } else { " MISSED" };
    match figure.target {
        None => String::new(),
        Some(Target::AtMost(most)) => format!("<= {}{missed}", number(most)),
        Some(Target::AtLeast(least)) => format!(">= {}{missed}", number(least)),
    }
}

/// Three digits that mean something, or all before the point.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 | 100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        for (value, text) in [
            (0.0, "0"),
            (0.1234, "0.123"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234_567.8, "1,234,568"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
