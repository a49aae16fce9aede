//! What was measured: each figure a median with its spread.

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// All that one run has measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) figures: Vec<Figure>,
    /// What could not be measured, and why.
    pub(crate) skipped: Vec<String>,
}

/// One figure, over several repetitions.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// What was looked at, such as `1,000 warm sessions`.
    pub(crate) subject: String,
    /// What was measured of it.
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// How many repetitions the median is of.
    pub(crate) samples: usize,
    pub(crate) target: Option<Target>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, figures: Vec::new(), skipped: Vec::new() }
    }

    /// Adds the figure that these samples make. Without samples there is none.
    pub(crate) fn add(&mut self, subject: &str, name: &str, unit: &str, samples: &[f64]) -> Handle<'_> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let Some((least, most)) = sorted.first().copied().zip(sorted.last().copied()) else { return Handle(None) };
        self.figures.push(Figure {
            subject: subject.to_owned(),
            name: name.to_owned(),
            unit: unit.to_owned(),
            median: median(&sorted),
            least,
            most,
            samples: sorted.len(),
            target: None,
        });
        Handle(self.figures.last_mut())
    }

    pub(crate) fn find(&self, subject: &str, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.subject == subject && figure.name == name)
    }
}

/// A figure just added, to say more of.
pub(crate) struct Handle<'a>(Option<&'a mut Figure>);

impl Handle<'_> {
    pub(crate) fn target(mut self, target: Target) -> Self {
        if let Some(figure) = &mut self.0 {
            figure.target = Some(target);
        }
        self
    }
}

impl Figure {
    /// Whether it is what it should be.
    pub(crate) fn is_met(&self) -> bool {
        match self.target {
            None => true,
            Some(Target::AtMost(most)) => self.median <= most,
            Some(Target::AtLeast(least)) => self.median >= least,
        }
    }
}

/// The middle of sorted samples, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> f64 {
    let (lower, upper) = ((sorted.len() - 1) / 2, sorted.len() / 2);
    f64::midpoint(sorted[lower], sorted[upper])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        for (sorted, expected) in [(&[1.0][..], 1.0), (&[1.0, 2.0], 1.5), (&[1.0, 2.0, 9.0], 2.0)] {
            assert!((median(sorted) - expected).abs() < f64::EPSILON, "{sorted:?}");
        }
    }
}
