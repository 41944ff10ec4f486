//! Elements between the same neighbours: the cheapest alignment in order.

use super::likeness::Likeness;
use super::{MAX_TABLE, differing_entries, entries};
use crate::json::{Json, Value};

type Item<'a> = (usize, &'a Json);

/// What an element without an answer costs. Two of them (one missing, one extra) cost as much as a
/// pair that has nothing in common but its type.
const ALONE: u32 = 4;

/// Which elements may answer to each other.
#[derive(Clone, Copy)]
pub(super) enum May<'l> {
    /// All.
    All,
    /// Others have an identity: objects whose identities differ answer to each other only if at least half of their
    /// other entries agree. Then it is the identity that changed.
    OfOneIdentity,
    /// Others were known by what they say: only those that have half of their traits in common.
    Alike(&'l Likeness),
}

/// Pairs elements of one gap.
pub(super) fn pairs(a: &[Item<'_>], b: &[Item<'_>], may: May<'_>) -> Vec<(usize, usize)> {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    let is_unlike = |i: usize, j: usize| match may {
        May::Alike(likeness) => {
            let traits = (likeness.of_a.get(&a[i].0), likeness.of_b.get(&b[j].0));
            matches!(traits, (Some(x), Some(y)) if x.apart(y) * 2 > x.len() + y.len())
        }
        May::All | May::OfOneIdentity => false,
    };
    let cost = |i: usize, j: usize| {
        if is_unlike(i, j) {
            return None;
        }
        cost(a[i].1, b[j].1, matches!(may, May::OfOneIdentity))
    };
    if a.len().saturating_mul(b.len()) > MAX_TABLE {
        let together = (0..a.len().min(b.len())).filter(|&i| cost(i, i).is_some());
        return together.map(|i| (a[i].0, b[i].0)).collect();
    }
    let table = table(a.len(), b.len(), &cost);
    let pairs = trace(&table, &cost).into_iter();
    pairs.map(|(i, j)| (a[i].0, b[j].0)).collect()
}

/// What it costs that two elements answer to each other; `None` if they may not.
type Cost<'c> = &'c dyn Fn(usize, usize) -> Option<u32>;

/// `table[i][j]`: the least cost of aligning `a[i..]` with `b[j..]` (Needleman and Wunsch 1970).
fn table(a: usize, b: usize, cost: Cost<'_>) -> Vec<Vec<u32>> {
    let mut table = vec![vec![0; b + 1]; a + 1];
    for i in (0..=a).rev() {
        for j in (0..=b).rev() {
            let alone_a = (i < a).then(|| table[i + 1][j] + ALONE);
            let alone_b = (j < b).then(|| table[i][j + 1] + ALONE);
            let pair = (i < a && j < b)
                .then(|| Some(table[i + 1][j + 1] + cost(i, j)?))
                .flatten();
            table[i][j] = [alone_a, alone_b, pair]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(0);
        }
    }
    table
}

/// Walks the cheapest way through the table; among equally cheap ones it prefers pairs.
fn trace(table: &[Vec<u32>], cost: Cost<'_>) -> Vec<(usize, usize)> {
    let (a, b) = (table.len() - 1, table[0].len() - 1);
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < a && j < b {
        if cost(i, j).is_some_and(|cost| table[i][j] == table[i + 1][j + 1] + cost) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if table[i][j] == table[i + 1][j] + ALONE {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// What it costs to say that these two answer to each other; `None` if they may not.
fn cost(a: &Json, b: &Json, identified: bool) -> Option<u32> {
    let Some((a, b)) = entries(a).zip(entries(b)) else {
        let same_type =
            std::mem::discriminant::<Value>(a.value()) == std::mem::discriminant(b.value());
        return Some(if same_type { ALONE } else { ALONE * 3 / 2 });
    };
    let (differing, all) = differing_entries(a, b);
    // The identity itself differs and does not count.
    let (others, differing_others) = (all.saturating_sub(1), differing.saturating_sub(1));
    if identified && (others == 0 || differing_others * 2 > others) {
        return None;
    }
    let share = (differing as u64 * u64::from(ALONE) * 3 / 2)
        .checked_div(all as u64)
        .unwrap_or(0);
    Some(ALONE / 2 + u32::try_from(share).unwrap_or(ALONE))
}
