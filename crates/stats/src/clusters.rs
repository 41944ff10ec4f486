//! Whole stretches of a long sequence, drawn at random, in memory that does not grow with it.

use crate::random::Random;
use std::collections::BTreeMap;

/// A cluster sample (Cochran, *Sampling techniques*, 1977, chapter 9): items belong to clusters, and of a
/// drawn cluster every item is kept, so neighbours stay together. Every cluster has a random rank that
/// its number and the seed fix, and those of the lowest ranks are kept, as many as fit (bottom-k: Cohen and
/// Kaplan, PODC 2007). So the draw depends neither on the order of items nor on how many will come, and as
/// long as all of them fit nothing is missing.
#[derive(Clone, Debug)]
pub struct Clusters<T> {
    seed: u64,
    /// Most items.
    most: usize,
    /// Items that are kept.
    kept: usize,
    /// By rank: the number of the cluster, and its items.
    clusters: BTreeMap<u64, (u64, Vec<T>)>,
    /// Clusters from this rank on did not fit.
    beyond: Option<u64>,
}

impl<T> Clusters<T> {
    /// Keeps at most so many items.
    pub fn new(most: usize, seed: u64) -> Self {
        Clusters {
            seed,
            most,
            kept: 0,
            clusters: BTreeMap::new(),
            beyond: None,
        }
    }

    /// Takes in an item of a cluster.
    pub fn add(&mut self, cluster: u64, item: T) {
        let rank = self.rank(cluster);
        if self.beyond.is_some_and(|beyond| rank >= beyond) {
            return;
        }
        let kept = self.clusters.entry(rank);
        kept.or_insert_with(|| (cluster, Vec::new())).1.push(item);
        self.kept += 1;
        while self.kept > self.most
            && let Some((rank, (_, left))) = self.clusters.pop_last()
        {
            self.kept -= left.len();
            self.beyond = Some(rank);
        }
    }

    /// The output of that number in the stream of the seed.
    fn rank(&self, cluster: u64) -> u64 {
        Random::at(self.seed, cluster).next()
    }

    /// Did everything fit so far?
    pub fn is_whole(&self) -> bool {
        self.beyond.is_none()
    }

    /// Items that are kept.
    pub fn len(&self) -> usize {
        self.kept
    }

    /// Is nothing kept?
    pub fn is_empty(&self) -> bool {
        self.kept == 0
    }

    /// What was drawn: the clusters by their numbers, the items of each in the order in which they came.
    pub fn into_drawn(self) -> Vec<(u64, Vec<T>)> {
        let mut drawn: Vec<(u64, Vec<T>)> = self.clusters.into_values().collect();
        drawn.sort_unstable_by_key(|(cluster, _)| *cluster);
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_cluster_is_as_likely_as_another() {
        let mut times = [0u32; 50];
        for seed in 0..2_000 {
            let mut clusters = Clusters::new(100, seed);
            for item in 0..500u64 {
                clusters.add(item / 10, item);
            }
            assert_eq!(clusters.len(), 100);
            for (cluster, items) in clusters.into_drawn() {
                assert_eq!(items.len(), 10, "a cluster is kept as a whole");
                times[cluster as usize] += 1;
            }
        }
        // 400 expected; five standard deviations are 90.
        assert!(times.iter().all(|n| n.abs_diff(400) < 90), "{times:?}");
    }

    proptest! {
        #[test]
        fn the_order_of_items_decides_nothing(items: Vec<u8>, most in 0usize..200, seed: u64) {
            let draw = |items: &[u8]| {
                let mut clusters = Clusters::new(most, seed);
                items.iter().for_each(|item| clusters.add(u64::from(item / 16), *item));
                let whole = clusters.is_whole();
                prop_assert_eq!(whole, items.len() <= most);
                let mut drawn = clusters.into_drawn();
                drawn.iter_mut().for_each(|(_, items)| items.sort_unstable());
                let kept: usize = drawn.iter().map(|(_, items)| items.len()).sum();
                prop_assert!(kept <= most);
                for (cluster, kept) in &drawn {
                    let all = items.iter().filter(|item| u64::from(**item / 16) == *cluster);
                    prop_assert_eq!(all.count(), kept.len());
                }
                Ok(drawn)
            };
            let mut sorted = items.clone();
            sorted.sort_unstable();
            prop_assert_eq!(draw(&items)?, draw(&sorted)?);
        }
    }
}
