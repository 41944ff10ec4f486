//! The bytes that all copies of the process may hold at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound on memory that many threads share.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Budget> {
        Arc::new(Budget {
            used: AtomicUsize::new(0),
            limit,
        })
    }

    /// Bytes that are held now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// No bytes yet.
    pub(crate) fn open(self: &Arc<Budget>) -> Credit {
        Credit {
            budget: self.clone(),
            bytes: 0,
        }
    }
}

/// Bytes of a budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Credit {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Credit {
    /// Takes more; false if the budget has no more.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let used = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        if used.saturating_add(bytes) > self.budget.limit {
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }

    /// Gives some back.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes -= bytes;
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_held_beyond_the_limit_and_all_is_given_back() {
        let budget = Budget::new(10);
        let (mut a, mut b) = (budget.open(), budget.open());
        assert!(a.grow(6) && !b.grow(5) && b.grow(4));
        a.shrink(9);
        assert_eq!(budget.used(), 4);
        assert!(!b.grow(usize::MAX), "no overflow");
        drop((a, b));
        assert_eq!(budget.used(), 0);
    }
}
