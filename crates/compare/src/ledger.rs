//! The ledger of the equivalence stage: `eligible = compared + lost` and
//! `compared = equal + different + excused`.
//!
//! What noise covers as a whole was not compared: such a pair is lost, with the noise as its reason.

use crate::http;
use crate::noise::{Excused, Grounds, Noise, operation_name};
use crate::row::Row;
use crate::rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::verdict::{
    Cluster, Coverage, Equivalence, Example, Excuse, OperationCoverage,
};
use understudy_model::{Difference, DifferenceKind, Place};

/// The share of a body that has to be compared for the pair to count as compared.
const LEAST_COMPARED: f64 = 0.05;

/// Examples shown of each cluster.
const EXAMPLES: usize = 2;

/// What excuses a difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By<'r> {
    /// The rule of this index.
    Rule(u32),
    /// Noise of the row's operation at this pattern.
    Noise(&'r Place),
    /// Identifiers of the row's operation at this pattern that are the same under other names.
    Identifiers(&'r Place),
}

/// What a compared pair is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairClass<'r> {
    /// Nothing differs.
    Equal,
    /// Everything that differs is excused.
    Excused,
    /// Everything that differs is excused, and that is all that the body says, or something else could not be read:
    /// too little was compared.
    Covered,
    /// These differences are not excused.
    Different(Vec<&'r Difference>),
}

/// A compared pair, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified<'r> {
    /// What it is.
    pub class: PairClass<'r>,
    /// What excused something in it, whether or not anything is left.
    pub excused_by: BTreeSet<By<'r>>,
    /// How much of the incumbent's answer was compared.
    pub coverage: Coverage,
}

/// Judges one compared row. Rules are those that the row's differences name; where both a rule and
/// noise excuse a difference, the rules are named.
pub fn classify<'r>(row: &'r Row, noise: &Noise) -> Classified<'r> {
    let mut excused_by = BTreeSet::new();
    let mut unexcused = Vec::new();
    let (mut by_noise, mut by_rules) = (0_u64, 0_u64);
    for difference in &row.differences {
        if !difference.rules.is_empty() {
            excused_by.extend(difference.rules.iter().map(|rule| By::Rule(*rule)));
            by_rules += difference.bytes;
            continue;
        }
        match noise.excuse(row.operation, difference) {
            Some(Excused {
                grounds: Grounds::Noise,
                bytes,
            }) => {
                excused_by.insert(By::Noise(&difference.pattern));
                by_noise += bytes;
            }
            // That they are the same ones under other names was compared.
            Some(Excused {
                grounds: Grounds::Identifiers,
                ..
            }) => {
                excused_by.insert(By::Identifiers(&difference.pattern));
            }
            None => unexcused.push(difference),
        }
    }
    let by_noise = by_noise.min(row.bytes);
    let coverage = Coverage {
        bytes: row.bytes,
        noise: by_noise,
        rules: by_rules.min(row.bytes - by_noise),
    };
    let left = (row.bytes - by_noise) as f64;
    let is_covered = row.bytes > 0 && left < LEAST_COMPARED * row.bytes as f64;
    let class = match (row.differences.is_empty(), unexcused.is_empty()) {
        (true, _) => PairClass::Equal,
        (_, true) if is_covered || row.unread.is_some() => PairClass::Covered,
        (_, true) => PairClass::Excused,
        _ => PairClass::Different(unexcused),
    };
    Classified {
        class,
        excused_by,
        coverage,
    }
}

/// What the ledger needs to know of the workload.
#[derive(Clone, Copy)]
pub struct Workload<'a> {
    /// The operation templates, by index.
    pub operations: &'a [String],
    /// How large a request is, in bytes: of several that show a difference the smallest is the
    /// example.
    pub size: &'a dyn Fn(u32) -> usize,
    /// The command that sends a request again.
    pub reproduce: &'a dyn Fn(u32) -> String,
}

/// Counts the rows of a whole run. Clusters are ordered by count, the largest first.
pub fn tally(rows: &[Row], noise: &Noise, rules: &Rules, workload: Workload<'_>) -> Equivalence {
    tally_counted(rows.iter().map(|row| (row, 1)), noise, rules, workload)
}

/// As [`tally`], of rows that each stand for so many pairs alike.
pub fn tally_counted<'r>(
    rows: impl Iterator<Item = (&'r Row, u64)>,
    noise: &Noise,
    rules: &Rules,
    workload: Workload<'_>,
) -> Equivalence {
    let mut ledger = Ledger::default();
    for (row, pairs) in rows {
        ledger.count(row, pairs, noise, workload);
    }
    ledger.close(noise, rules, workload)
}

#[derive(Default)]
struct Ledger<'r> {
    equal: u64,
    different: u64,
    excused: u64,
    /// Excused pairs, each by the share of it that was compared.
    excused_share: f64,
    lost: BTreeMap<String, u64>,
    by_operation: BTreeMap<u32, Operation>,
    statuses: BTreeMap<i32, u64>,
    refusals: BTreeMap<i32, u64>,
    by_rule: BTreeMap<u32, u64>,
    /// By grounds, operation and place.
    by_noise: BTreeMap<(&'static str, u32, &'r Place), u64>,
    clusters: BTreeMap<(u32, &'r Place, DifferenceKind), Group<'r>>,
}

/// The pairs of one operation.
#[derive(Default)]
struct Operation {
    compared: u64,
    covered: u64,
    coverage: Coverage,
}

/// The pairs of one cluster.
#[derive(Default)]
struct Group<'r> {
    count: u64,
    /// By size, then by request.
    smallest: Vec<(usize, u32, &'r Difference)>,
}

impl<'r> Ledger<'r> {
    fn count(&mut self, row: &'r Row, pairs: u64, noise: &Noise, workload: Workload<'_>) {
        if let Some(reason) = &row.lost {
            *self.lost.entry(reason.clone()).or_default() += pairs;
            return;
        }
        let Classified {
            class,
            excused_by,
            coverage,
        } = classify(row, noise);
        if let (PairClass::Covered, Some(reason)) = (&class, &row.unread) {
            *self.lost.entry(reason.clone()).or_default() += pairs;
            return;
        }
        let operation = self.by_operation.entry(row.operation).or_default();
        if class == PairClass::Covered {
            operation.covered += pairs;
            let name = operation_name(workload.operations, row.operation);
            let patterns = excused_by.iter().filter_map(|by| match by {
                By::Noise(pattern) => Some(pattern.to_string()),
                By::Rule(_) | By::Identifiers(_) => None,
            });
            let patterns: Vec<String> = patterns.collect();
            let reason = format!("noise covers {name} {}", patterns.join(", "));
            *self.lost.entry(reason).or_default() += pairs;
            return;
        }
        operation.compared += pairs;
        operation.coverage.add(&Coverage {
            bytes: coverage.bytes * pairs,
            noise: coverage.noise * pairs,
            rules: coverage.rules * pairs,
        });
        if let Some(code) = row.code {
            *self.statuses.entry(code).or_default() += pairs;
            // Rows of format 1 are of HTTP.
            if row.class.unwrap_or_else(|| http::class(code)) != understudy_model::Class::Ok {
                *self.refusals.entry(code).or_default() += pairs;
            }
        }
        for by in excused_by {
            let (grounds, pattern) = match by {
                By::Rule(rule) => {
                    *self.by_rule.entry(rule).or_default() += pairs;
                    continue;
                }
                By::Noise(pattern) => ("noise", pattern),
                By::Identifiers(pattern) => ("identifiers", pattern),
            };
            let place = (grounds, row.operation, pattern);
            *self.by_noise.entry(place).or_default() += pairs;
        }
        match class {
            PairClass::Equal => self.equal += pairs,
            PairClass::Excused => {
                self.excused += pairs;
                self.excused_share += pairs as f64 * coverage.share();
            }
            // Counted above.
            PairClass::Covered => {}
            PairClass::Different(unexcused) => {
                self.different += pairs;
                self.group(row, pairs, &unexcused, (workload.size)(row.request));
            }
        }
    }

    /// Adds the pair to the cluster of each of its differences, once to each.
    fn group(&mut self, row: &'r Row, pairs: u64, unexcused: &[&'r Difference], size: usize) {
        let mut first_of: BTreeMap<(&'r Place, DifferenceKind), &'r Difference> = BTreeMap::new();
        for difference in unexcused {
            first_of
                .entry((&difference.pattern, difference.kind))
                .or_insert(difference);
        }
        for ((pattern, kind), difference) in first_of {
            let group = self
                .clusters
                .entry((row.operation, pattern, kind))
                .or_default();
            group.count += pairs;
            group.keep(size, row.request, difference);
        }
    }

    fn close(self, noise: &Noise, rules: &Rules, workload: Workload<'_>) -> Equivalence {
        let compared = self.equal + self.different + self.excused;
        let lost = self.lost.values().sum();
        let mut excused_by: Vec<Excuse> = (0..)
            .zip(rules.iter())
            .map(|(index, rule)| Excuse {
                by: rule.name(index),
                reason: rule.reason.clone(),
                pairs: self.by_rule.get(&index).copied().unwrap_or_default(),
            })
            .collect();
        excused_by.extend(self.by_noise.into_iter().map(
            |((grounds, operation, pattern), pairs)| Excuse {
                by: format!(
                    "{grounds}: {} {pattern}",
                    operation_name(workload.operations, operation)
                ),
                reason: None,
                pairs,
            },
        ));
        let mut clusters: Vec<Cluster> = self
            .clusters
            .into_iter()
            .map(|((operation, pattern, kind), group)| {
                let of = self.by_operation.get(&operation);
                let of = of.map_or(0, |operation| operation.compared);
                group.cluster(
                    operation_name(workload.operations, operation),
                    pattern,
                    kind,
                    of,
                    workload,
                )
            })
            .collect();
        // A stable sort: equal counts stay ordered by operation, path and kind.
        clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.count));
        let mut coverage = Coverage::default();
        for operation in self.by_operation.values() {
            coverage.add(&operation.coverage);
        }
        let seen = self.equal + self.different + self.excused_share as u64;
        let partly = self.by_operation.into_iter().filter(|(_, operation)| {
            operation.covered > 0 || operation.coverage.noise + operation.coverage.rules > 0
        });
        let coverage_by_operation = partly
            .map(|(index, operation)| OperationCoverage {
                operation: operation_name(workload.operations, index),
                compared: operation.compared,
                covered: operation.covered,
                coverage: operation.coverage,
            })
            .collect();
        Equivalence {
            eligible: compared + lost,
            compared,
            equal: self.equal,
            different: self.different,
            excused: self.excused,
            lost,
            lost_by_reason: self.lost,
            excused_by,
            mismatch_upper_95: understudy_stats::binomial::upper_95(self.different, seen),
            counted: seen,
            statuses: self.statuses,
            refusals: self.refusals,
            coverage,
            coverage_by_operation,
            clusters,
            noise: noise.list(workload.operations),
        }
    }
}

impl<'r> Group<'r> {
    /// Keeps the smallest requests that show it, and of those with the same values one.
    fn keep(&mut self, size: usize, request: u32, difference: &'r Difference) {
        let values = |of: &Difference| (of.baseline.clone(), of.contender.clone());
        let new = values(difference);
        let twin = self
            .smallest
            .iter()
            .position(|(_, _, known)| values(known) == new);
        match twin {
            Some(at) if (self.smallest[at].0, self.smallest[at].1) <= (size, request) => return,
            Some(at) => drop(self.smallest.remove(at)),
            None => {}
        }
        self.smallest.push((size, request, difference));
        self.smallest
            .sort_by_key(|(size, request, _)| (*size, *request));
        self.smallest.truncate(EXAMPLES);
    }

    fn cluster(
        self,
        operation: String,
        path: &Place,
        kind: DifferenceKind,
        of: u64,
        workload: Workload<'_>,
    ) -> Cluster {
        let reproduce = self.smallest.first();
        Cluster {
            operation,
            path: path.clone(),
            kind,
            count: self.count,
            of,
            reproduced: None,
            reproduce: reproduce.map_or_else(String::new, |(_, request, _)| {
                (workload.reproduce)(*request)
            }),
            examples: self
                .smallest
                .into_iter()
                .map(|(_, request, difference)| Example {
                    request,
                    path: difference.path.clone(),
                    baseline: difference.baseline.clone(),
                    contender: difference.contender.clone(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
