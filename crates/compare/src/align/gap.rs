//! Elements between the same neighbours: the cheapest alignment in order.

use super::{MAX_TABLE, differing_entries, entries};
use crate::json::{Json, Value};

type Item<'a> = (usize, &'a Json);

/// What an element without an answer costs. Two of them (one missing, one extra) cost as much as a
/// pair that has nothing in common but its type.
const ALONE: u32 = 4;

/// Pairs elements of one gap. With `identified`, objects whose identities differ answer to each other
/// only if at least half of their other entries agree: then it is the identity that changed.
pub(super) fn pairs(a: &[Item<'_>], b: &[Item<'_>], identified: bool) -> Vec<(usize, usize)> {
    if a.is_empty() || b.is_empty() {
        return Vec::new();
    }
    if a.len().saturating_mul(b.len()) > MAX_TABLE {
        let together = a
            .iter()
            .zip(b)
            .filter(|(a, b)| cost(a.1, b.1, identified).is_some());
        return together.map(|(a, b)| (a.0, b.0)).collect();
    }
    trace(a, b, &table(a, b, identified), identified)
}

/// `table[i][j]`: the least cost of aligning `a[i..]` with `b[j..]` (Needleman and Wunsch 1970).
fn table(a: &[Item<'_>], b: &[Item<'_>], identified: bool) -> Vec<Vec<u32>> {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..=a.len()).rev() {
        for j in (0..=b.len()).rev() {
            let alone_a = (i < a.len()).then(|| table[i + 1][j] + ALONE);
            let alone_b = (j < b.len()).then(|| table[i][j + 1] + ALONE);
            let pair = (i < a.len() && j < b.len())
                .then(|| Some(table[i + 1][j + 1] + cost(a[i].1, b[j].1, identified)?))
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
fn trace(
    a: &[Item<'_>],
    b: &[Item<'_>],
    table: &[Vec<u32>],
    identified: bool,
) -> Vec<(usize, usize)> {
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < a.len() && j < b.len() {
        let pair = cost(a[i].1, b[j].1, identified);
        if pair.is_some_and(|cost| table[i][j] == table[i + 1][j + 1] + cost) {
            pairs.push((a[i].0, b[j].0));
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
