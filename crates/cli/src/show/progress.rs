//! What a trial is doing, with the time left, while it runs.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;
use understudy_report::figures::{count, rate};
use understudy_trial::Event;

/// A line on a terminal; on anything else a line for each stage.
pub(crate) struct Display {
    bar: ProgressBar,
    /// What precedes each stage.
    whose: String,
    /// The stage last reported, where there is no terminal.
    shown: std::sync::Mutex<String>,
}

impl Display {
    /// A display for a trial of about this many seconds. `whose` precedes each of its stages where there are several
    /// trials.
    pub(crate) fn new(seconds: f64, whose: Option<&str>) -> Self {
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(Some(seconds.max(1.0) as u64), target);
        // The template is a constant that the library accepts.
        let style = ProgressStyle::with_template("  {wide_bar} {elapsed} of about {len}s  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(500));
        Display {
            bar,
            whose: whose.map_or_else(String::new, |whose| format!("{whose}: ")),
            shown: std::sync::Mutex::default(),
        }
    }

    /// Prints a line once.
    pub(crate) fn note(&self, text: &str) {
        if self.bar.is_hidden() {
            super::line(text);
        } else {
            self.bar.println(text);
        }
    }

    /// Shows what happens.
    pub(crate) fn show(&self, event: Event) {
        if let Event::Disturbed(text) = &event {
            return self.bar.suspend(|| super::warning(text));
        }
        let (stage, detail) = words(&event);
        self.bar.set_position(self.bar.elapsed().as_secs());
        if self.bar.is_hidden() {
            let mut shown = match self.shown.lock() {
                Ok(shown) => shown,
                Err(poisoned) => poisoned.into_inner(),
            };
            if *shown != stage {
                super::line(&format!("  {}{stage}", self.whose));
                *shown = stage;
            }
        } else {
            self.bar
                .set_message(format!("{}{stage}{detail}", self.whose));
        }
    }

    /// Removes the line.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// The stage, and what changes within it.
fn words(event: &Event) -> (String, String) {
    match event {
        Event::Building(side) => (format!("building the {}", side.in_words()), String::new()),
        Event::Starting(role) => (format!("starting the {}", role.in_words()), String::new()),
        Event::Comparing {
            of_edges,
            done,
            total,
            different,
        } => {
            let mut detail = format!(" {} of {}", count(*done as u64), count(*total as u64));
            if *different > 0 {
                detail.push_str(&format!(", {} with differences", count(*different as u64)));
            }
            let what = if *of_edges {
                "edge requests"
            } else {
                "answers"
            };
            (format!("comparing {what}"), detail)
        }
        Event::Planting {
            output,
            done,
            total,
        } => (
            format!("putting faults into {}", output.escape_debug()),
            format!(", {} of {total}", done + 1),
        ),
        Event::Settling(side) => (format!("warming up the {}", side.in_words()), String::new()),
        Event::Measuring {
            rate_rps,
            side,
            done,
            total,
        } => (
            format!("measuring at {}", rate(*rate_rps)),
            format!(", {side}, {} of {total}", done + 1),
        ),
        Event::Running { pairs, spent, .. } => (
            "measuring runs".to_owned(),
            format!(", {pairs} pairs, {} of at most {}", spent.0, spent.1),
        ),
        Event::Counting { done, total } => (
            "counting instructions".to_owned(),
            format!(", {done} of {total} counts of each side"),
        ),
        Event::Searching {
            rate_rps,
            side,
            trial,
        } => (
            format!("looking for the capacity of the {}", side.in_words()),
            format!(", trial {trial} at {}", rate(*rate_rps)),
        ),
        Event::Squeezing { limit, side, trial } => (
            format!("looking for the memory floor of the {}", side.in_words()),
            match limit {
                Some(limit) => format!(", trial {trial} at {limit:#}"),
                None => format!(", trial {trial}, its peak"),
            },
        ),
        Event::Disturbed(text) => (text.clone(), String::new()),
        Event::Measured => ("stopping the sides".to_owned(), String::new()),
    }
}
