//! Everything that the comparison has found, in bounded memory.
//!
//! Pairs that are alike in all that could excuse them (endpoint, places, kinds, characters, rules)
//! are one group: a row with a count. What a pair *is* follows from its row and from the noise
//! learned so far, so it is worked out when somebody looks, from all groups at once; a place that
//! turns out to be noise tomorrow excuses what was found there today.

use super::waiver::Waiver;
use crate::config::CompareConfig;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use understudy_compare::{Day, Noise, Row, Rule, Rules, Templates, Workload, tally_counted};
use understudy_model::verdict::Equivalence;
use understudy_model::{Difference, DifferenceKind};

/// Groups kept. Pairs of more kinds than these are dropped for want of memory.
const GROUPS: usize = 4096;
/// Endpoints told apart; the rest are one.
const ENDPOINTS: usize = 1000;
/// Cells of the coverage.
const CELLS: usize = 10_000;
/// Names of parameters that make a shape, and bytes of each.
const NAMES: usize = 12;
const NAME_BYTES: usize = 32;

/// A request that shows what its group is about: enough to send it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    /// The command that sends it again, without secrets.
    pub(crate) reproduce: String,
    /// Bytes of its target.
    pub(crate) size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    row: Row,
    pairs: u64,
    /// Of these: those of which the incumbent was asked twice.
    twice: u64,
    example: Example,
}

/// What decides what a pair is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Like {
    endpoint: u32,
    noise: BTreeSet<Place>,
    differences: BTreeSet<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    pattern: String,
    kind: DifferenceKind,
    baseline: String,
    contender: String,
    rules: Vec<u32>,
}

impl Like {
    fn of(row: &Row) -> Like {
        let places = |differences: &[Difference]| differences.iter().map(Place::of).collect();
        Like {
            endpoint: row.endpoint,
            noise: places(&row.noise),
            differences: places(&row.differences),
        }
    }
}

impl Place {
    fn of(difference: &Difference) -> Place {
        Place {
            pattern: difference.pattern.clone(),
            kind: difference.kind,
            baseline: difference.baseline_character.0.clone(),
            contender: difference.contender_character.0.clone(),
            rules: difference.rules.clone(),
        }
    }
}

/// One cell of the coverage: what was asked, and what the incumbent answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    /// Index of the endpoint.
    pub endpoint: u32,
    /// The incumbent's status.
    pub status: i32,
    /// The names of the parameters, sorted.
    pub parameters: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Book {
    endpoints: Vec<String>,
    known: BTreeMap<String, u32>,
    groups: Vec<Group>,
    places: BTreeMap<Like, usize>,
    cells: BTreeMap<Cell, u64>,
    pub(crate) waivers: Vec<Waiver>,
    templates: Templates,
}

/// A book as it is stored.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    endpoints: Vec<String>,
    groups: Vec<Group>,
    cells: Vec<(Cell, u64)>,
    waivers: Vec<Waiver>,
}

/// One compared pair.
pub(crate) struct Finding {
    pub(crate) row: Row,
    pub(crate) twice: bool,
    pub(crate) status: i32,
    pub(crate) parameters: String,
}

impl Book {
    /// The book that was stored. Rules may have changed since: what they covered is compared anew by
    /// nobody, so groups that rules excused go on without them.
    pub(crate) fn restore(stored: Stored) -> Book {
        let mut book = Book {
            waivers: stored.waivers,
            ..Book::default()
        };
        for endpoint in stored.endpoints {
            book.endpoint_named(endpoint);
        }
        for group in stored.groups.into_iter().take(GROUPS) {
            book.places.insert(Like::of(&group.row), book.groups.len());
            book.groups.push(group);
        }
        book.cells = stored.cells.into_iter().collect();
        book
    }

    pub(crate) fn store(&self) -> Stored {
        Stored {
            endpoints: self.endpoints.clone(),
            groups: self.groups.clone(),
            cells: self
                .cells
                .iter()
                .map(|(cell, count)| (cell.clone(), *count))
                .collect(),
            waivers: self.waivers.clone(),
        }
    }

    /// Index and name of the endpoint of a request.
    pub(crate) fn endpoint(&mut self, method: &str, target: &str) -> (u32, String) {
        let name = self.templates.template(method, target);
        let name = match self.known.contains_key(&name) || self.endpoints.len() < ENDPOINTS {
            true => name,
            false => format!("{method} (other)"),
        };
        (self.endpoint_named(name.clone()), name)
    }

    fn endpoint_named(&mut self, name: String) -> u32 {
        let next = self.endpoints.len() as u32;
        *self.known.entry(name).or_insert_with_key(|name| {
            self.endpoints.push(name.clone());
            next
        })
    }

    /// Adds a pair; false if there is no room for its kind. `example` is asked only for a request
    /// smaller than the one its group is known by.
    pub(crate) fn add(
        &mut self,
        finding: Finding,
        size: u64,
        example: impl FnOnce() -> String,
    ) -> bool {
        let Finding {
            mut row,
            twice,
            status,
            parameters,
        } = finding;
        let like = Like::of(&row);
        let cell = Cell {
            endpoint: row.endpoint,
            status,
            parameters,
        };
        if self.cells.len() < CELLS || self.cells.contains_key(&cell) {
            *self.cells.entry(cell).or_default() += 1;
        }
        if let Some(index) = self.places.get(&like) {
            let group = &mut self.groups[*index];
            group.pairs += 1;
            group.twice += u64::from(twice);
            if size < group.example.size && !row.differences.is_empty() {
                row.request = group.row.request;
                group.row = row;
                group.example = Example {
                    reproduce: example(),
                    size,
                };
            }
            return true;
        }
        if self.groups.len() >= GROUPS {
            return false;
        }
        row.request = self.groups.len() as u32;
        let reproduce = if row.differences.is_empty() {
            String::new()
        } else {
            example()
        };
        self.places.insert(like, self.groups.len());
        self.groups.push(Group {
            row,
            pairs: 1,
            twice: u64::from(twice),
            example: Example { reproduce, size },
        });
        true
    }

    /// Judges everything found so far, as of today: over all endpoints, and each by itself.
    pub(crate) fn judge(&self, config: &CompareConfig, today: Day) -> Judged {
        let live: Vec<&Waiver> = self
            .waivers
            .iter()
            .filter(|waiver| waiver.expires >= today)
            .collect();
        let first = config.rules.len() as u32;
        let rows: Vec<(Row, u64, u64)> = self
            .groups
            .iter()
            .map(|group| {
                (
                    self.waived(&group.row, &live, first),
                    group.pairs,
                    group.twice,
                )
            })
            .collect();
        let noise = Noise::learn_counted(
            rows.iter()
                .filter(|row| row.2 > 0)
                .map(|row| (&row.0, row.2)),
        );
        let stated = config.rules.iter().cloned();
        let rules: Vec<Rule> = stated
            .chain(live.iter().map(|waiver| waiver.rule()))
            .collect();
        // Only the texts are needed: rules of another day may have come to their end meanwhile.
        let named = rules
            .iter()
            .map(|rule| Rule {
                expires: None,
                ..rule.clone()
            })
            .collect();
        let rules = Rules::compile(named, today).unwrap_or_default();
        let workload = Workload {
            endpoints: &self.endpoints,
            size: &|group| self.groups[group as usize].example.size as usize,
            reproduce: &|group| self.groups[group as usize].example.reproduce.clone(),
        };
        let of = |endpoint: Option<u32>| {
            let rows = rows
                .iter()
                .filter(|row| endpoint.is_none_or(|of| row.0.endpoint == of));
            tally_counted(rows.map(|row| (&row.0, row.1)), &noise, &rules, workload)
        };
        let endpoints = self.endpoints.iter().zip(0..);
        Judged {
            all: of(None),
            endpoints: endpoints
                .map(|(name, index)| (name.clone(), of(Some(index))))
                .collect(),
            cells: self
                .cells
                .iter()
                .map(|(cell, count)| {
                    (
                        self.endpoints[cell.endpoint as usize].clone(),
                        cell.clone(),
                        *count,
                    )
                })
                .collect(),
        }
    }

    /// The row, with the waivers that cover its differences.
    fn waived(&self, row: &Row, waivers: &[&Waiver], first: u32) -> Row {
        let mut row = row.clone();
        let endpoint = &self.endpoints[row.endpoint as usize];
        for difference in &mut row.differences {
            let covering = (first..)
                .zip(waivers)
                .filter(|(_, waiver)| waiver.covers(endpoint, difference));
            let covering: Vec<u32> = covering.map(|(index, _)| index).collect();
            difference.rules.extend(covering);
        }
        row
    }
}

/// What everything found so far amounts to.
pub(crate) struct Judged {
    pub(crate) all: Equivalence,
    pub(crate) endpoints: Vec<(String, Equivalence)>,
    pub(crate) cells: Vec<(String, Cell, u64)>,
}

/// The names of the parameters of a target, sorted, without their values.
pub(crate) fn parameters(target: &str) -> String {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let names: BTreeSet<String> = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .map(|name| name.chars().take(NAME_BYTES).collect())
        .take(NAMES)
        .collect();
    names.into_iter().collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests;
