package main

// channelsPerUser is how many channels each preloaded user has.
const channelsPerUser = 16

// Preload fills the store with count read states made from a seed. The ids are plain functions of
// the position, so that requests.sh can name them; what was read comes from the seed.
func Preload(store *Store, count int, seed uint64) {
	for i := 0; i < count; i++ {
		user, number := uint64(i/channelsPerUser), uint64(i%channelsPerUser)
		userID := ID(100_000_000_000_000_000 + user)
		channelID := ID(200_000_000_000_000_000 + (user*31+number*7907)%100_003)
		random := splitMix64(seed + uint64(i))
		store.Ack(userID, channelID, ID(300_000_000_000_000_000+random%1_000_000_000_000), uint32(random>>60))
	}
}

// splitMix64 is one step of the generator of Steele, Lea and Flood (2014).
func splitMix64(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
