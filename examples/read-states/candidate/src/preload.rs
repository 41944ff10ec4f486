use crate::id::Id;
use crate::store::Store;

/// How many channels each preloaded user has.
const CHANNELS_PER_USER: u64 = 16;

/// Fills the store with `count` read states made from a seed. The ids are plain functions of the
/// position, so that `requests.sh` can name them; what was read comes from the seed.
pub(crate) fn preload(store: &Store, count: u64, seed: u64) {
    for i in 0..count {
        let (user, number) = (i / CHANNELS_PER_USER, i % CHANNELS_PER_USER);
        let user_id = Id(100_000_000_000_000_000 + user);
        let channel_id = Id(200_000_000_000_000_000 + (user * 31 + number * 7907) % 100_003);
        let random = split_mix_64(seed.wrapping_add(i));
        let message_id = Id(300_000_000_000_000_000 + random % 1_000_000_000_000);
        store.ack(user_id, channel_id, message_id, (random >> 60) as u32);
    }
}

/// One step of the generator of Steele, Lea and Flood (2014).
fn split_mix_64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ReadState;

    #[test]
    fn preload_is_deterministic() {
        let store = Store::new(100_000);
        preload(&store, 10_000, 1);
        let (user, channel) = (Id(100_000_000_000_000_003), Id(200_000_000_000_015_907));
        // The incumbent's test has the same figures.
        let expected = ReadState {
            user_id: user,
            channel_id: channel,
            last_message_id: Id(300_000_539_682_377_832),
            mention_count: 5,
            version: 1,
        };
        assert_eq!(store.get(user, channel), Some(expected));
        let last = Id(100_000_000_000_000_000 + 10_000 / 16 - 1);
        assert_eq!(store.list(last, 100).len(), 16);
    }
}
