//! Everything that the comparison has found, in bounded memory.
//!
//! Pairs that are alike in all that could excuse them (operation, places, kinds, characters, rules)
//! are one group: a row with a count. How far apart values are separates groups only where it can
//! still matter: not within what the incumbent has shown already, which excuses it permanently, and
//! roughly where nothing is known. What a pair *is* follows from its row and from the noise
//! learned so far, so it is computed on request, from all groups at once; a place that
//! turns out to be noise tomorrow excuses what was found there today.

use super::like::{Like, blur, widen};
use super::waiver::Waiver;
use crate::config::CompareConfig;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use understudy_compare::{
    Around, Day, Fault, Noise, Row, Rule, Rules, Templates, Tried, Workload, is_due, propose,
    self_test, tally_counted,
};
use understudy_model::proof::{Proposal, SelfTest};
use understudy_model::verdict::Equivalence;

/// Groups kept. Pairs of more kinds than these are dropped for want of memory.
const GROUPS: usize = 4096;
/// Most operations that are kept apart; the rest are one.
const OPERATIONS: usize = 1000;
/// Cells of the coverage.
const CELLS: usize = 10_000;
/// Faults of the self-test kept, each with the answers it was put into.
const FAULTS: usize = 4096;
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

/// One cell of the coverage: what was asked, and what the incumbent answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    /// Index of the operation.
    #[serde(alias = "endpoint")]
    pub operation: u32,
    /// The incumbent's status.
    pub status: i32,
    /// The names of the parameters, sorted.
    pub parameters: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Book {
    operations: Vec<String>,
    indices: BTreeMap<String, u32>,
    groups: Vec<Group>,
    places: BTreeMap<Like, usize>,
    /// What the incumbent has shown so far, to keep alike together what will be judged alike.
    known: Noise,
    /// The self-test, of the rules that hold now.
    faults: BTreeMap<(Fault, Like), (Row, u64)>,
    /// Pairs of each operation since the rules hold.
    seen: BTreeMap<u32, u64>,
    cells: BTreeMap<Cell, u64>,
    pub(crate) waivers: Vec<Waiver>,
    templates: Templates,
}

/// A book as it is stored.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    operations: Vec<String>,
    groups: Vec<Group>,
    cells: Vec<(Cell, u64)>,
    waivers: Vec<Waiver>,
}

impl Stored {
    /// Does it hold every operation that it speaks of?
    pub(crate) fn is_whole(&self) -> bool {
        let groups = self.groups.iter().map(|group| group.row.operation);
        let cells = self.cells.iter().map(|(cell, _)| cell.operation);
        let known: BTreeSet<&String> = self.operations.iter().collect();
        let mut all = groups.chain(cells);
        known.len() == self.operations.len() && all.all(|of| (of as usize) < known.len())
    }
}

/// One compared pair.
pub(crate) struct Finding {
    pub(crate) row: Row,
    pub(crate) twice: bool,
    pub(crate) status: i32,
    pub(crate) parameters: String,
}

impl Book {
    /// The book that was stored. Rules may have changed since, and the bodies are not kept to compare
    /// them again, so groups that rules excused continue without them.
    pub(crate) fn restore(stored: Stored) -> Book {
        let mut book = Book {
            waivers: stored.waivers,
            ..Book::default()
        };
        for operation in stored.operations {
            book.operation_named(operation);
        }
        for group in stored.groups.iter().filter(|group| group.twice > 0) {
            book.known.learn_pair(&group.row);
        }
        for group in stored.groups.into_iter().take(GROUPS) {
            let like = Like::of(&group.row, &book.known, true);
            book.places.insert(like, book.groups.len());
            book.groups.push(group);
        }
        book.cells = stored.cells.into_iter().collect();
        book
    }

    pub(crate) fn store(&self) -> Stored {
        Stored {
            operations: self.operations.clone(),
            groups: self.groups.clone(),
            cells: self
                .cells
                .iter()
                .map(|(cell, count)| (cell.clone(), *count))
                .collect(),
            waivers: self.waivers.clone(),
        }
    }

    /// Index and name of the operation of a request.
    pub(crate) fn operation(&mut self, method: &str, target: &str) -> (u32, String) {
        let name = self.templates.template(method, target);
        let name = match self.indices.contains_key(&name) || self.operations.len() < OPERATIONS {
            true => name,
            false => format!("{method} (other)"),
        };
        (self.operation_named(name.clone()), name)
    }

    fn operation_named(&mut self, name: String) -> u32 {
        let next = self.operations.len() as u32;
        *self.indices.entry(name).or_insert_with_key(|name| {
            self.operations.push(name.clone());
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
        self.known.settle(&mut row);
        let has_room = self.groups.len() < GROUPS / 2;
        if !has_room {
            blur(&mut row);
        }
        let like = Like::of(&row, &self.known, has_room);
        if twice {
            self.known.learn_pair(&row);
        }
        let cell = Cell {
            operation: row.operation,
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
            widen(&mut group.row.noise, &row.noise);
            widen(&mut group.row.differences, &row.differences);
            if size < group.example.size && !row.differences.is_empty() {
                widen(&mut row.noise, &group.row.noise);
                widen(&mut row.differences, &group.row.differences);
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

    /// Is the self-test due with an answer of this operation? Then a number that decides where its
    /// faults are put.
    pub(crate) fn test_due(&mut self, operation: u32) -> Option<u64> {
        let seen = self.seen.entry(operation).or_default();
        *seen += 1;
        is_due(*seen).then_some(*seen)
    }

    /// Keeps what came of faults that were put into an answer.
    pub(crate) fn tested(&mut self, tried: Vec<(Fault, Row)>) {
        for (fault, row) in tried {
            let like = (fault, Like::of(&row, &self.known, false));
            if let Some((_, times)) = self.faults.get_mut(&like) {
                *times += 1;
            } else if self.faults.len() < FAULTS {
                self.faults.insert(like, (row, 1));
            }
        }
    }

    /// Other rules hold from now on: what the old ones hid says nothing any more.
    pub(crate) fn forget_tests(&mut self) {
        self.faults.clear();
        self.seen.clear();
    }

    /// Judges everything found so far, as of today: over all operations, and each by itself.
    pub(crate) fn judge(&self, config: &CompareConfig, today: Day) -> Judged {
        let excused = self.excused(config, today);
        let noise = excused.noise();
        let workload = Workload {
            operations: &self.operations,
            size: &|group| self.groups[group as usize].example.size as usize,
            reproduce: &|group| self.groups[group as usize].example.reproduce.clone(),
        };
        let tally = |rows: &mut dyn Iterator<Item = (&Row, u64)>| {
            let rows: Vec<_> = rows.collect();
            tally_counted(rows.into_iter(), &noise, &excused.rules, workload)
        };
        let mut all = tally(&mut excused.rows.iter().map(|row| (&row.0, row.1)));
        let mut by_operation: Vec<Vec<(&Row, u64)>> = vec![Vec::new(); self.operations.len()];
        for (row, pairs, _) in &excused.rows {
            by_operation[row.operation as usize].push((row, *pairs));
        }
        let operations = self.operations.iter().zip(by_operation);
        let operations =
            operations.map(|(name, rows)| (name.clone(), tally(&mut rows.into_iter())));
        let operations = operations.collect();
        // Rules come first among what excuses, in their order, and then waivers.
        let waivers = excused
            .live
            .iter()
            .zip(&mut all.excused_by[excused.stated..]);
        let waived = waivers
            .map(|(waiver, excuse)| {
                excuse.by = waiver.name();
                ((*waiver).clone(), excuse.pairs)
            })
            .collect();
        Judged {
            all,
            operations,
            waived,
            cells: self
                .cells
                .iter()
                .map(|(cell, count)| {
                    (
                        self.operations[cell.operation as usize].clone(),
                        cell.clone(),
                        *count,
                    )
                })
                .collect(),
        }
    }

    /// What the comparison would miss as of today.
    pub(crate) fn self_test(&self, config: &CompareConfig, today: Day) -> SelfTest {
        let excused = self.excused(config, today);
        let rules: Vec<String> = Rule::names(&config.rules)
            .chain(excused.live.iter().map(|waiver| waiver.name()))
            .collect();
        let rows: Vec<&Row> = excused.rows.iter().map(|row| &row.0).collect();
        let around = Around {
            operations: &self.operations,
            rules: &rules,
            rows: &rows,
        };
        let faults = self.faults_as_excused(&excused);
        self_test(&tried(&faults), &excused.noise(), around)
    }

    /// The rules that the comparison could do with as of today.
    pub(crate) fn proposals(&self, config: &CompareConfig, today: Day) -> Vec<Proposal> {
        let excused = self.excused(config, today);
        let pairs = excused.rows.iter().map(|row| (&row.0, row.1));
        let faults = self.faults_as_excused(&excused);
        propose(pairs, &tried(&faults), &excused.noise(), &self.operations)
    }

    /// The faults of the self-test, with the waivers of today among their rules.
    fn faults_as_excused(&self, excused: &Excused<'_>) -> Vec<(Fault, Row, u64)> {
        let faults = self.faults.iter().map(|((fault, _), (row, times))| {
            let row = self.waived(row, &excused.live, excused.stated as u32);
            (*fault, row, *times)
        });
        faults.collect()
    }

    /// Every row, with the waivers of today among its rules.
    fn excused(&self, config: &CompareConfig, today: Day) -> Excused<'_> {
        let is_live = |waiver: &&Waiver| waiver.expires >= today;
        let live: Vec<&Waiver> = self.waivers.iter().filter(is_live).collect();
        let stated = config.rules.len();
        let row = |group: &Group| {
            let row = self.waived(&group.row, &live, stated as u32);
            (row, group.pairs, group.twice)
        };
        let rules = config.rules.iter().cloned();
        // Only the texts are needed: rules of another day may have come to their end meanwhile.
        let named = rules
            .chain(live.iter().map(|waiver| waiver.rule()))
            .map(|rule| Rule {
                expires: None,
                ..rule
            });
        Excused {
            rows: self.groups.iter().map(row).collect(),
            rules: Rules::compile(named.collect(), today).unwrap_or_default(),
            live,
            stated,
        }
    }

    /// The row, with the waivers that cover its differences.
    fn waived(&self, row: &Row, waivers: &[&Waiver], first: u32) -> Row {
        let mut row = row.clone();
        let operation = &self.operations[row.operation as usize];
        for difference in &mut row.differences {
            let covering = (first..)
                .zip(waivers)
                .filter(|(_, waiver)| waiver.covers(operation, difference));
            let covering: Vec<u32> = covering.map(|(index, _)| index).collect();
            difference.rules.extend(covering);
        }
        row
    }
}

/// Rows with all rules that excuse something in them.
struct Excused<'b> {
    /// Each with its pairs, and those of which the incumbent was asked twice.
    rows: Vec<(Row, u64, u64)>,
    /// Those of the configuration, then the waivers.
    rules: Rules,
    live: Vec<&'b Waiver>,
    /// How many rules the configuration has.
    stated: usize,
}

impl Excused<'_> {
    fn noise(&self) -> Noise {
        Noise::learn_counted(self.rows.iter().map(|row| (&row.0, row.1, row.2)))
    }
}

/// What everything found so far amounts to.
pub(crate) struct Judged {
    pub(crate) all: Equivalence,
    pub(crate) operations: Vec<(String, Equivalence)>,
    /// The waivers that hold, and in how many pairs each excuses something.
    pub(crate) waived: Vec<(Waiver, u64)>,
    pub(crate) cells: Vec<(String, Cell, u64)>,
}

fn tried(faults: &[(Fault, Row, u64)]) -> Vec<Tried<'_>> {
    let tried = faults
        .iter()
        .map(|(fault, row, times)| (*fault, row, *times));
    tried.collect()
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
