//! From rows that are left over to differences: which column, which key, which values.

use super::cell::{Cell, is_equal, quoted};
use super::leftovers::{Held, Leftovers};
use super::likeness;
use super::plan::{Plan, PlannedColumn};
use super::report::{CellCluster, CellExample, CellKind, NamedValue, RowCounts, RowExample};
use super::tolerance::{gap, larger};
use std::collections::BTreeMap;

/// The examples that are kept of a cluster, and of rows on one side.
const EXAMPLES: usize = 3;
/// The columns that stand for a row where there is no key.
const SHOWN_COLUMNS: usize = 3;
/// Without a key: the largest number of rows of one side that are paired by likeness.
const MOST_ALIKE: usize = 500;

/// What may be shown of a value: its column and its text are passed.
pub type Redact<'r> = &'r dyn Fn(&str, &str) -> String;

/// What some rows differ in. Those of several passes are merged.
#[derive(Debug, Default)]
pub struct Explained {
    counts: RowCounts,
    clusters: BTreeMap<(usize, CellKind), CellCluster>,
    only: Vec<RowExample>,
    by_likeness: bool,
}

/// The result of all passes.
#[derive(Debug, Default)]
pub struct Explanation {
    /// How many rows differ.
    pub counts: RowCounts,
    /// In which columns, and how.
    pub clusters: Vec<CellCluster>,
    /// Rows of one side.
    pub only: Vec<RowExample>,
    /// Were rows paired by likeness?
    pub by_likeness: bool,
}

/// A row of a group: its cells, and how often its side has it more.
struct Item<'a> {
    cells: Vec<Cell<'a>>,
    held: &'a Held,
    surplus: u64,
}

/// Pairs the rows that are left over and says what they differ in.
pub fn explain(leftovers: Leftovers, plan: &Plan, redact: Redact<'_>) -> Explained {
    let rows = leftovers.into_rows();
    let mut explained = Explained::default();
    let context = Context { plan, redact };
    if plan.has_key() {
        let mut rest = rows.as_slice();
        while let Some((_, first)) = rest.first() {
            let end = rest.iter().position(|(_, held)| held.key != first.key);
            let (group, after) = rest.split_at(end.unwrap_or(rest.len()));
            context.group(group, &mut explained);
            rest = after;
        }
    } else {
        context.group(&rows, &mut explained);
        explained.by_likeness = explained.counts.changed > 0;
    }
    explained
}

struct Context<'a> {
    plan: &'a Plan,
    redact: Redact<'a>,
}

impl Context<'_> {
    /// The rows of one key, or all where there is no key.
    fn group(&self, rows: &[(u128, Held)], explained: &mut Explained) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for (_, held) in rows {
            let Some(row) = &held.row else { continue };
            let surplus = held.copies[0].abs_diff(held.copies[1]);
            let item = Item {
                cells: Cell::stored(row),
                held,
                surplus,
            };
            let side = if held.copies[0] > held.copies[1] {
                &mut a
            } else {
                &mut b
            };
            side.push(item);
        }
        let keyed = self.plan.has_key();
        let ambiguous = keyed && (a.len() > 1 || b.len() > 1);
        explained.counts.ambiguous_keys += u64::from(ambiguous);
        for (i, j) in self.pairs(&a, &b) {
            let paired = a[i].surplus.min(b[j].surplus);
            a[i].surplus -= paired;
            b[j].surplus -= paired;
            self.compare(&a[i], &b[j], paired, explained);
        }
        for item in a.iter().chain(&b).filter(|item| item.surplus > 0) {
            self.count_only(item, explained);
        }
    }

    /// Which rows answer to each other. Within a key all may; without one they have to agree in half of the columns.
    fn pairs(&self, a: &[Item<'_>], b: &[Item<'_>]) -> Vec<(usize, usize)> {
        let keyed = self.plan.has_key();
        if let ([_], [_], true) = (a, b, keyed) {
            return vec![(0, 0)];
        }
        if !keyed && a.len().max(b.len()) > MOST_ALIKE {
            return Vec::new();
        }
        let columns = &self.plan.columns;
        let agree = |i: usize, j: usize| {
            let both = a[i].cells.iter().zip(&b[j].cells);
            let equal = both
                .zip(columns)
                .filter(|((a, b), of)| is_alike(**a, **b, of));
            equal.count()
        };
        let fewest = if keyed { 0 } else { (columns.len() / 2).max(1) };
        likeness::pairs((a.len(), b.len()), fewest, agree).unwrap_or_default()
    }

    fn compare(&self, a: &Item<'_>, b: &Item<'_>, times: u64, explained: &mut Explained) {
        if times == 0 {
            return;
        }
        let mut changed = false;
        let cells = a.cells.iter().zip(&b.cells).zip(&self.plan.columns);
        for (at, ((x, y), column)) in cells.enumerate() {
            if is_alike(*x, *y, column) {
                continue;
            }
            changed = true;
            let kind = kind(*x, *y, column);
            let cluster = explained
                .clusters
                .entry((at, kind))
                .or_insert_with(|| CellCluster {
                    column: column.name.clone(),
                    kind,
                    cells: 0,
                    largest_absolute: None,
                    largest_relative: None,
                    examples: Vec::new(),
                });
            cluster.cells += times;
            if kind == CellKind::Number {
                measure(cluster, *x, *y);
            }
            if cluster.examples.len() < EXAMPLES {
                cluster.examples.push(CellExample {
                    row: self.identity(a, Some(b)),
                    a: self.shown(column, *x),
                    b: self.shown(column, *y),
                });
            }
        }
        if changed {
            explained.counts.changed += times;
        } else {
            explained.counts.within_tolerance += times;
        }
    }

    fn count_only(&self, item: &Item<'_>, explained: &mut Explained) {
        let [a, b] = item.held.copies;
        let counts = &mut explained.counts;
        let count = match (a > b, a.min(b) > 0) {
            (true, false) => &mut counts.only_a,
            (false, false) => &mut counts.only_b,
            (true, true) => &mut counts.more_in_a,
            (false, true) => &mut counts.more_in_b,
        };
        let is_first = *count < EXAMPLES as u64;
        *count += item.surplus;
        if is_first {
            explained.only.push(RowExample {
                copies_in_a: a,
                copies_in_b: b,
                row: self.identity(item, None),
            });
        }
    }

    /// What a row is called by: its key, else the first columns that are equal on both sides.
    fn identity(&self, of: &Item<'_>, other: Option<&Item<'_>>) -> Vec<NamedValue> {
        let keyed = self.plan.has_key();
        let stands = |at: usize, column: &PlannedColumn| match (keyed, other) {
            (true, _) => column.is_key,
            (false, None) => true,
            (false, Some(other)) => is_alike(of.cells[at], other.cells[at], column),
        };
        let columns = self.plan.columns.iter().enumerate().zip(&of.cells);
        columns
            .filter(|((at, column), _)| stands(*at, column))
            .take(if keyed { usize::MAX } else { SHOWN_COLUMNS })
            .map(|((_, column), cell)| NamedValue {
                column: column.name.clone(),
                value: self.shown(column, *cell),
            })
            .collect()
    }

    /// A value without what is secret.
    fn shown(&self, column: &PlannedColumn, cell: Cell<'_>) -> String {
        let text = match cell {
            Cell::Null | Cell::Bool(_) => return cell.shown(),
            other => other.plain(),
        };
        let shown = (self.redact)(&column.name, &text);
        let is_hidden = shown.starts_with("<redacted");
        match cell {
            Cell::Text(_) if !is_hidden => quoted(&shown),
            _ => shown,
        }
    }
}

/// The same value, or numbers within the tolerance.
fn is_alike(a: Cell<'_>, b: Cell<'_>, column: &PlannedColumn) -> bool {
    let within = || column.tolerance.as_ref().is_some_and(|of| of.allows(a, b));
    is_equal(a, b, column.target) || within()
}

fn measure(cluster: &mut CellCluster, a: Cell<'_>, b: Cell<'_>) {
    let Some(gap) = gap(a, b) else { return };
    let larger_of = |before: Option<f64>, now: f64| Some(before.map_or(now, |it| it.max(now)));
    cluster.largest_absolute = larger_of(cluster.largest_absolute, gap);
    let share = gap / larger(a, b);
    if share.is_finite() {
        cluster.largest_relative = larger_of(cluster.largest_relative, share);
    }
}

/// What became of a cell.
fn kind(a: Cell<'_>, b: Cell<'_>, column: &PlannedColumn) -> CellKind {
    use super::cell::{Target, double};
    let is_nan = |cell: Cell<'_>| double(cell).is_some_and(f64::is_nan);
    let is_number = |cell: Cell<'_>| double(cell).is_some();
    match (a, b) {
        (Cell::Null, Cell::Text([])) => CellKind::NullToEmpty,
        (Cell::Text([]), Cell::Null) => CellKind::EmptyToNull,
        (Cell::Null, b) if b.is_nan() => CellKind::NullToNan,
        (a, Cell::Null) if a.is_nan() => CellKind::NanToNull,
        (Cell::Null, _) => CellKind::NullToValue,
        (_, Cell::Null) => CellKind::ValueToNull,
        (Cell::Text(a), Cell::Text(b)) if matches!(column.target, Target::Text | Target::Any) => {
            let plain = |text: &[u8]| {
                let text = String::from_utf8_lossy(text).to_lowercase();
                text.split_whitespace().collect::<String>()
            };
            if plain(a) == plain(b) {
                CellKind::TextForm
            } else {
                CellKind::Text
            }
        }
        (Cell::Bool(_), Cell::Bool(_)) => CellKind::Bool,
        (Cell::Bytes(_), Cell::Bytes(_)) => CellKind::Bytes,
        (Cell::Nested(_), Cell::Nested(_)) => CellKind::Nested,
        _ if matches!(
            column.target,
            Target::Date | Target::Time | Target::Timestamp
        ) =>
        {
            CellKind::Time
        }
        (a, b) if is_number(a) && is_number(b) => {
            if is_nan(a) != is_nan(b) {
                CellKind::Nan
            } else {
                CellKind::Number
            }
        }
        _ => CellKind::Type,
    }
}

impl Explained {
    /// Adds what other rows differ in.
    pub fn merge(&mut self, other: Explained) {
        self.counts.merge(&other.counts);
        for (at, of) in other.clusters {
            match self.clusters.entry(at) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(of);
                }
                std::collections::btree_map::Entry::Occupied(mut taken) => {
                    let mine = taken.get_mut();
                    mine.cells += of.cells;
                    mine.largest_absolute =
                        larger_option(mine.largest_absolute, of.largest_absolute);
                    mine.largest_relative =
                        larger_option(mine.largest_relative, of.largest_relative);
                    let room = EXAMPLES.saturating_sub(mine.examples.len());
                    mine.examples.extend(of.examples.into_iter().take(room));
                }
            }
        }
        let room = (4 * EXAMPLES).saturating_sub(self.only.len());
        self.only.extend(other.only.into_iter().take(room));
        self.by_likeness |= other.by_likeness;
    }

    /// The clusters in order: the most frequent first.
    pub fn finish(self) -> Explanation {
        let mut clusters: Vec<CellCluster> = self.clusters.into_values().collect();
        clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.cells));
        Explanation {
            counts: self.counts,
            clusters,
            only: self.only,
            by_likeness: self.by_likeness,
        }
    }
}

fn larger_option(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}
