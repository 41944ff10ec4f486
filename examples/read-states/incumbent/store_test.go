package main

import "testing"

func TestTheLeastRecentlyUsedIsForgotten(t *testing.T) {
	store := NewStore(3 * shardCount) // three for the shard of our user
	for channel := ID(1); channel <= 3; channel++ {
		store.Ack(7, channel, 10, 0)
	}
	store.Get(7, 1)
	store.Ack(7, 4, 10, 0)
	if _, ok := store.Get(7, 2); ok {
		t.Error("2 was the least recently used and is still there")
	}
	listed := store.List(7, 10)
	if len(listed) != 3 || listed[0].ChannelID != 1 || listed[1].ChannelID != 3 || listed[2].ChannelID != 4 {
		t.Errorf("listed %v", listed)
	}
	for channel := ID(10); channel < 20; channel++ {
		store.Ack(7, channel, 10, 0)
	}
	if store.Len() != 3 {
		t.Errorf("%d states", store.Len())
	}
}

func TestPreloadIsDeterministic(t *testing.T) {
	store := NewStore(100_000)
	Preload(store, 10_000, 1)
	if store.Len() != 10_000 {
		t.Errorf("%d states", store.Len())
	}
	// The candidate's test has the same figures.
	state, ok := store.Get(100_000_000_000_000_003, 200_000_000_000_015_907)
	want := ReadState{100_000_000_000_000_003, 200_000_000_000_015_907, 300_000_539_682_377_832, 5, 1}
	if !ok || state != want {
		t.Errorf("%+v, not %+v", state, want)
	}
}

func TestMentionsDoNotOverflow(t *testing.T) {
	store := NewStore(10)
	store.Ack(1, 1, 1, 4_294_967_290)
	if state, _ := store.Mention(1, 1, 10); state.MentionCount != 4_294_967_295 {
		t.Errorf("%d mentions", state.MentionCount)
	}
}
