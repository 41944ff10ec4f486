use crate::id::Id;
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far one user has read one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ReadState {
    pub(crate) user_id: Id,
    pub(crate) channel_id: Id,
    pub(crate) last_message_id: Id,
    pub(crate) mention_count: u32,
    pub(crate) version: u64,
}

const SHARDS: usize = 64;

/// A cache of read states, in shards with a lock each. All states of a user are in one shard, so
/// that listing them takes one lock.
pub(crate) struct Store {
    shards: Vec<Mutex<Shard>>,
}

impl Store {
    /// A store that keeps about `capacity` read states.
    pub(crate) fn new(capacity: usize) -> Self {
        let per_shard = capacity.div_ceil(SHARDS).max(1);
        Store {
            shards: (0..SHARDS)
                .map(|_| Mutex::new(Shard::new(per_shard)))
                .collect(),
        }
    }

    fn shard(&self, user: Id) -> MutexGuard<'_, Shard> {
        // Fibonacci hashing: snowflakes differ in their low bits too little to take those.
        let shard = user.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SHARDS.ilog2());
        self.shards[shard as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, user: Id, channel: Id) -> Option<ReadState> {
        let mut shard = self.shard(user);
        let slot = *shard.slots.get(&(user, channel))?;
        shard.touch(slot);
        Some(shard.nodes[slot as usize].state)
    }

    /// Moves the last read message forward and sets the mentions that are left. A message that is
    /// not newer changes nothing. Also returns if the read state is new.
    pub(crate) fn ack(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        mentions: u32,
    ) -> (ReadState, bool) {
        let mut shard = self.shard(user);
        let (state, created) = shard.entry(user, channel);
        if message > state.last_message_id {
            state.last_message_id = message;
            state.mention_count = mentions;
            state.version += 1;
        }
        (*state, created)
    }

    /// Counts mentions. Also returns if the read state is new.
    pub(crate) fn mention(&self, user: Id, channel: Id, count: u32) -> (ReadState, bool) {
        let mut shard = self.shard(user);
        let (state, created) = shard.entry(user, channel);
        state.mention_count = state.mention_count.saturating_add(count);
        state.version += 1;
        (*state, created)
    }

    /// Up to `limit` read states of a user, by ascending channel.
    pub(crate) fn list(&self, user: Id, limit: usize) -> Vec<ReadState> {
        let shard = self.shard(user);
        let channels = shard.channels.get(&user).map_or(&[][..], Vec::as_slice);
        let slots = channels
            .iter()
            .take(limit)
            .map(|channel| shard.slots[&(user, *channel)]);
        slots.map(|slot| shard.nodes[slot as usize].state).collect()
    }
}

/// Stands for no node.
const NONE: u32 = u32::MAX;

/// A least-recently-used cache. The nodes are in one vector and are linked by their positions.
struct Shard {
    capacity: usize,
    slots: HashMap<(Id, Id), u32>,
    /// The channels of each user, ascending.
    channels: HashMap<Id, Vec<Id>>,
    nodes: Vec<Node>,
    newest: u32,
    oldest: u32,
}

struct Node {
    state: ReadState,
    newer: u32,
    older: u32,
}

impl Shard {
    fn new(capacity: usize) -> Self {
        Shard {
            capacity: capacity.min(NONE as usize),
            slots: HashMap::new(),
            channels: HashMap::new(),
            nodes: Vec::new(),
            newest: NONE,
            oldest: NONE,
        }
    }

    /// Finds or makes a read state and marks it as used.
    fn entry(&mut self, user: Id, channel: Id) -> (&mut ReadState, bool) {
        let known = self.slots.get(&(user, channel)).copied();
        let slot = known.unwrap_or_else(|| self.insert(user, channel));
        self.touch(slot);
        (&mut self.nodes[slot as usize].state, known.is_none())
    }

    fn insert(&mut self, user_id: Id, channel_id: Id) -> u32 {
        let state = ReadState {
            user_id,
            channel_id,
            last_message_id: Id(0),
            mention_count: 0,
            version: 0,
        };
        let node = Node {
            state,
            newer: NONE,
            older: NONE,
        };
        let slot = if self.nodes.len() < self.capacity {
            self.nodes.push(node);
            (self.nodes.len() - 1) as u32
        } else {
            let slot = self.evict();
            self.nodes[slot as usize] = node;
            slot
        };
        self.link(slot);
        self.slots.insert((user_id, channel_id), slot);
        let channels = self.channels.entry(user_id).or_default();
        if let Err(at) = channels.binary_search(&channel_id) {
            channels.insert(at, channel_id);
        }
        slot
    }

    /// Forgets the least recently used read state and returns its place.
    fn evict(&mut self) -> u32 {
        let slot = self.oldest;
        self.unlink(slot);
        let ReadState {
            user_id,
            channel_id,
            ..
        } = self.nodes[slot as usize].state;
        self.slots.remove(&(user_id, channel_id));
        if let Entry::Occupied(mut channels) = self.channels.entry(user_id) {
            channels.get_mut().retain(|channel| *channel != channel_id);
            if channels.get().is_empty() {
                channels.remove();
            }
        }
        slot
    }

    fn touch(&mut self, slot: u32) {
        if self.newest != slot {
            self.unlink(slot);
            self.link(slot);
        }
    }

    fn link(&mut self, slot: u32) {
        let older = self.newest;
        self.nodes[slot as usize].newer = NONE;
        self.nodes[slot as usize].older = older;
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: u32) {
        let Node { newer, older, .. } = self.nodes[slot as usize];
        match self.nodes.get_mut(newer as usize) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
        match self.nodes.get_mut(older as usize) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_forgotten() {
        let store = Store::new(3 * SHARDS); // three for the shard of our user
        let channels = |store: &Store| -> Vec<u64> {
            store
                .list(Id(7), 10)
                .iter()
                .map(|state| state.channel_id.0)
                .collect()
        };
        for channel in 1..=3 {
            store.ack(Id(7), Id(channel), Id(10), 0);
        }
        store.get(Id(7), Id(1));
        store.ack(Id(7), Id(4), Id(10), 0);
        assert_eq!(store.get(Id(7), Id(2)), None);
        assert_eq!(channels(&store), [1, 3, 4]);
        for channel in 10..20 {
            store.ack(Id(7), Id(channel), Id(10), 0);
        }
        assert_eq!(channels(&store), [17, 18, 19]);
    }

    #[test]
    fn a_cache_of_one_works() {
        let store = Store::new(1);
        for channel in 1..=3 {
            assert!(store.ack(Id(7), Id(channel), Id(10), 0).1);
            assert_eq!(store.list(Id(7), 10).len(), 1);
        }
    }

    #[test]
    fn mentions_do_not_overflow() {
        let store = Store::new(10);
        store.ack(Id(1), Id(1), Id(1), u32::MAX - 5);
        assert_eq!(store.mention(Id(1), Id(1), 10).0.mention_count, u32::MAX);
    }
}
