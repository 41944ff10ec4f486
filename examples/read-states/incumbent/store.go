package main

import (
	"math"
	"sort"
	"sync"
)

// ReadState is how far one user has read one channel.
type ReadState struct {
	UserID        ID     `json:"user_id"`
	ChannelID     ID     `json:"channel_id"`
	LastMessageID ID     `json:"last_message_id"`
	MentionCount  uint32 `json:"mention_count"`
	Version       uint64 `json:"version"`
}

const shardCount = 64

// Store is a cache of read states, in shards with a lock each. All states of a user are in one
// shard, so that listing them takes one lock.
type Store struct {
	shards [shardCount]shard
}

// NewStore makes a store that keeps about capacity read states.
func NewStore(capacity int) *Store {
	perShard := (capacity + shardCount - 1) / shardCount
	if perShard < 1 {
		perShard = 1
	}
	store := &Store{}
	for i := range store.shards {
		store.shards[i].init(perShard)
	}
	return store
}

func (s *Store) shard(user ID) *shard {
	// Fibonacci hashing: snowflakes differ in their low bits too little to take those.
	return &s.shards[uint64(user)*0x9E3779B97F4A7C15>>(64-6)]
}

// Get returns a read state, and false if it is not in the cache.
func (s *Store) Get(user, channel ID) (ReadState, bool) {
	shard := s.shard(user)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	entry, ok := shard.entries[key{user, channel}]
	if !ok {
		return ReadState{}, false
	}
	shard.touch(entry)
	return entry.state, true
}

// Ack moves the last read message forward and sets the mentions that are left. A message that is
// not newer changes nothing. The second result says if the read state is new.
func (s *Store) Ack(user, channel, message ID, mentions uint32) (ReadState, bool) {
	shard := s.shard(user)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	entry, created := shard.entry(user, channel)
	if message > entry.state.LastMessageID {
		entry.state.LastMessageID = message
		entry.state.MentionCount = mentions
		entry.state.Version++
	}
	return entry.state, created
}

// Mention counts mentions. The second result says if the read state is new.
func (s *Store) Mention(user, channel ID, count uint32) (ReadState, bool) {
	shard := s.shard(user)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	entry, created := shard.entry(user, channel)
	if entry.state.MentionCount > math.MaxUint32-count {
		entry.state.MentionCount = math.MaxUint32
	} else {
		entry.state.MentionCount += count
	}
	entry.state.Version++
	return entry.state, created
}

// List returns up to limit read states of a user, by ascending channel.
func (s *Store) List(user ID, limit int) []ReadState {
	shard := s.shard(user)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	channels := shard.channels[user]
	if len(channels) > limit {
		channels = channels[:limit]
	}
	states := make([]ReadState, 0, len(channels))
	for _, channel := range channels {
		states = append(states, shard.entries[key{user, channel}].state)
	}
	return states
}

// Len returns the number of read states.
func (s *Store) Len() int {
	total := 0
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.Lock()
		total += len(shard.entries)
		shard.mu.Unlock()
	}
	return total
}

type key struct{ user, channel ID }

type entry struct {
	state      ReadState
	prev, next *entry
}

type shard struct {
	mu       sync.Mutex
	capacity int
	entries  map[key]*entry
	channels map[ID][]ID // of each user, ascending
	recent   entry       // head of a ring, most recently used first
}

func (s *shard) init(capacity int) {
	s.capacity = capacity
	s.entries = make(map[key]*entry)
	s.channels = make(map[ID][]ID)
	s.recent.prev, s.recent.next = &s.recent, &s.recent
}

// entry finds or makes an entry and marks it as used.
func (s *shard) entry(user, channel ID) (*entry, bool) {
	k := key{user, channel}
	if found, ok := s.entries[k]; ok {
		s.touch(found)
		return found, false
	}
	if len(s.entries) >= s.capacity {
		s.evict(s.recent.prev)
	}
	made := &entry{state: ReadState{UserID: user, ChannelID: channel}}
	s.entries[k] = made
	s.index(user, channel)
	s.push(made)
	return made, true
}

func (s *shard) touch(e *entry) {
	unlink(e)
	s.push(e)
}

func (s *shard) push(e *entry) {
	e.prev, e.next = &s.recent, s.recent.next
	e.prev.next, e.next.prev = e, e
}

func unlink(e *entry) {
	e.prev.next, e.next.prev = e.next, e.prev
}

func (s *shard) evict(e *entry) {
	unlink(e)
	user, channel := e.state.UserID, e.state.ChannelID
	delete(s.entries, key{user, channel})
	channels := s.channels[user]
	at := position(channels, channel)
	channels = append(channels[:at], channels[at+1:]...)
	if len(channels) == 0 {
		delete(s.channels, user)
		return
	}
	s.channels[user] = channels
}

func (s *shard) index(user, channel ID) {
	channels := s.channels[user]
	at := position(channels, channel)
	channels = append(channels, 0)
	copy(channels[at+1:], channels[at:])
	channels[at] = channel
	s.channels[user] = channels
}

func position(channels []ID, channel ID) int {
	return sort.Search(len(channels), func(i int) bool { return channels[i] >= channel })
}
