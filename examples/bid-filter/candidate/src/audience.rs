//! What is known of users.

use std::collections::HashMap;

pub(crate) struct Audience {
    profiles: HashMap<String, Profile>,
}

struct Profile {
    /// The segments that the user is in, as bits.
    segments: u64,
    /// Since which day the user is known. No campaign asks yet; the incumbent holds it as well.
    #[expect(dead_code, reason = "held in memory by both sides, read by neither")]
    since_day: u16,
}

impl Audience {
    /// Users made up from a seed; the incumbent makes the same. About a quarter of the 64 segments each.
    pub(crate) fn made_up(users: u64, seed: u64) -> Self {
        let profile = |user: u64| {
            let first = split_mix_64(seed.wrapping_add(user));
            let second = split_mix_64(first);
            let segments = first & second;
            let since_day = (second >> 52) as u16;
            (
                format!("user-{user}"),
                Profile {
                    segments,
                    since_day,
                },
            )
        };
        Audience {
            profiles: (0..users).map(profile).collect(),
        }
    }

    /// The segments of a user, as bits; none for an unknown user.
    pub(crate) fn segments(&self, user: &str) -> u64 {
        self.profiles
            .get(user)
            .map_or(0, |profile| profile.segments)
    }
}

/// One step of the generator of Steele, Lea and Flood (2014).
fn split_mix_64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
