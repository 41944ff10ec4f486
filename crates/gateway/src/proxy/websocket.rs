//! The frames of a WebSocket (RFC 6455, section 5.2), as far as a proxy has to know them: where one ends,
//! so that a close frame can be put between two of them.

use std::hash::{BuildHasher, RandomState};

const CLOSE: u8 = 8;
/// 1001: the other end goes away.
const GOING_AWAY: [u8; 2] = 1001u16.to_be_bytes();
/// Bytes of the longest header.
const LONGEST_HEADER: usize = 14;

/// Where in the frames of one direction the last byte was.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; LONGEST_HEADER],
    /// How much of the header has come.
    known: usize,
    /// Bytes of the payload that are still to come.
    left: u64,
    /// Has a close frame begun?
    closes: bool,
}

impl Frames {
    /// May another frame begin with the next byte?
    pub(super) fn is_between(&self) -> bool {
        self.known == 0 && self.left == 0
    }

    /// Has a close frame gone by?
    pub(super) fn has_closed(&self) -> bool {
        self.closes && self.is_between()
    }

    /// Passes what belongs to the frame under way; gives how many bytes that is.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            if self.left > 0 {
                let here = self.left.min((bytes.len() - taken) as u64);
                self.left -= here;
                taken += here as usize;
            } else {
                self.header[self.known] = bytes[taken];
                self.known += 1;
                taken += 1;
                if self.known < self.header_length() {
                    continue;
                }
                self.left = self.payload_length();
                self.closes |= self.header[0] & 15 == CLOSE;
                self.known = 0;
            }
            if self.left == 0 {
                break;
            }
        }
        taken
    }

    /// As far as it is known.
    fn header_length(&self) -> usize {
        if self.known < 2 {
            return 2;
        }
        let mask = usize::from(self.header[1] >> 7) * 4;
        let length = match self.header[1] & 127 {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + mask
    }

    fn payload_length(&self) -> u64 {
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        match self.header[1] & 127 {
            126 => number(&self.header[2..4]),
            127 => number(&self.header[2..10]),
            length => u64::from(length),
        }
    }
}

/// A close frame, masked if it goes to the server (RFC 6455, section 5.3).
pub(super) fn close_frame(to_server: bool) -> Vec<u8> {
    let [high, low] = GOING_AWAY;
    if !to_server {
        return vec![0x80 | CLOSE, 2, high, low];
    }
    let mask = RandomState::new().hash_one(0).to_le_bytes();
    vec![
        0x80 | CLOSE,
        0x80 | 2,
        mask[0],
        mask[1],
        mask[2],
        mask[3],
        high ^ mask[0],
        low ^ mask[1],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(opcode: u8, payload: usize, masked: bool) -> Vec<u8> {
        let mask = u8::from(masked) << 7;
        let mut frame = vec![0x80 | opcode];
        match payload {
            0..126 => frame.push(mask | payload as u8),
            126..65_536 => {
                frame.push(mask | 126);
                frame.extend((payload as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4].iter().take(if masked { 4 } else { 0 }));
        frame.extend(std::iter::repeat_n(CLOSE, payload));
        frame
    }

    proptest! {
        #[test]
        fn the_end_of_each_frame_is_found_however_they_are_cut(
            frames in proptest::collection::vec((1u8..8, prop_oneof![0usize..130, 65_530usize..65_540], any::<bool>()), 1..5),
            cuts in proptest::collection::vec(1usize..300, 1..40),
        ) {
            let frames: Vec<_> = frames.into_iter().map(|(op, length, masked)| frame(op, length, masked)).collect();
            let bytes = frames.concat();
            let (mut of, mut at, mut ends, mut cuts) = (Frames::default(), 0, Vec::new(), cuts.into_iter().cycle());
            while at < bytes.len() {
                let piece = cuts.next().unwrap().min(bytes.len() - at);
                let mut rest = &bytes[at..at + piece];
                while !rest.is_empty() {
                    let taken = of.advance(rest);
                    at += taken;
                    rest = &rest[taken..];
                    if of.is_between() {
                        ends.push(at);
                    }
                }
            }
            let expected: Vec<usize> = frames.iter().scan(0, |sum, frame| { *sum += frame.len(); Some(*sum) }).collect();
            prop_assert_eq!(ends, expected);
            prop_assert!(!of.has_closed());
        }

        #[test]
        fn any_bytes_are_passed(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut of = Frames::default();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                rest = &rest[of.advance(rest)..];
            }
        }
    }

    #[test]
    fn a_close_frame_says_that_the_other_end_goes_away() {
        assert_eq!(close_frame(false), [0x88, 2, 3, 0xE9]);
        for to_server in [false, true] {
            let (mut of, close) = (Frames::default(), close_frame(to_server));
            assert_eq!(of.advance(&close), close.len());
            assert!(of.has_closed());
        }
        let masked = close_frame(true);
        assert_eq!([masked[6] ^ masked[2], masked[7] ^ masked[3]], GOING_AWAY);
    }
}
