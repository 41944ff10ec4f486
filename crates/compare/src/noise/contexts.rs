//! Noise by where in a text it is.

use super::place::{Pair, Values};
use std::collections::BTreeMap;

/// Contexts of one place that are kept.
const KEPT: usize = 1024;

/// What is known of the tokens of the texts at one place, by the words around them.
///
/// Contexts are *closed* if the incumbent's noise keeps to those that are known: then a token elsewhere is not
/// noise. They are open as long as it appears in new ones (Good 1953: the chance that the next is new is the share of
/// those seen once), unless the candidate differs in unknown ones far more often than that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contexts {
    known: BTreeMap<u32, Values>,
    /// There was no room for more.
    is_full: bool,
    /// Pairs with the candidate that differ in a context that is not known.
    unknown: u64,
}

impl Contexts {
    pub(super) fn learn(&mut self, context: u32, pair: &Pair<'_>, pairs: u64) {
        if self.known.len() >= KEPT && !self.known.contains_key(&context) {
            self.is_full = true;
            return;
        }
        let values = self.known.entry(context).or_default();
        values.itself.count(pair, pairs);
        values.learn(pair, pairs);
    }

    pub(super) fn count_candidate(&mut self, context: u32, pair: &Pair<'_>, pairs: u64) {
        match self.known.get_mut(&context) {
            Some(values) => values.candidate.count(pair, pairs),
            None => self.unknown += pairs,
        }
    }

    pub(super) fn get(&self, context: u32) -> Option<&Values> {
        self.known.get(&context)
    }

    pub(super) fn is_closed(&self) -> bool {
        let once = self
            .known
            .values()
            .filter(|values| values.itself.all == 1)
            .count() as u64;
        !self.known.is_empty()
            && !self.is_full
            && (once == 0 || !super::place::is_as_often(self.unknown, once))
    }
}
