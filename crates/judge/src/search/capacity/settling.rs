//! When a side that was put under load is warm: a runtime that still compiles needs ever less CPU time
//! for a request. Pure.

/// Stretches of load after which it is asked whether the side is warm.
pub const FEWEST: usize = 3;
/// Stretches after which it is not asked any longer.
const MOST: usize = 12;
/// A stretch that needs this share of what the cheapest one before it needed is not cheaper: CPU time per
/// request varies by a few per cent anyway.
const SAME: f64 = 0.97;

/// CPU time per request in each stretch of load so far.
#[derive(Clone, Debug, Default)]
pub struct Settling {
    cpu_us: Vec<f64>,
    unmeasured: bool,
}

impl Settling {
    /// Takes a stretch; one stretch has to be enough for a side whose CPU time is not known.
    pub fn record(&mut self, cpu_us: Option<f64>, requests: u64) {
        match cpu_us.filter(|_| requests > 0) {
            Some(cpu_us) => self.cpu_us.push(cpu_us / requests as f64),
            None => self.unmeasured = true,
        }
    }

    /// Does it take another stretch to know that the side is warm?
    pub fn is_unfinished(&self) -> bool {
        !self.unmeasured && !self.is_warm() && self.cpu_us.len() < MOST
    }

    /// Neither of the last two stretches was cheaper than all before them.
    pub fn is_warm(&self) -> bool {
        let cheaper = |last: usize| {
            let cheapest = self.cpu_us[..last]
                .iter()
                .fold(f64::INFINITY, |a, b| a.min(*b));
            self.cpu_us[last] < SAME * cheapest
        };
        let made = self.cpu_us.len();
        self.unmeasured || (made >= FEWEST && (made - 2..made).all(|last| !cheaper(last)))
    }

    /// How many stretches there were.
    pub fn stretches(&self) -> usize {
        self.cpu_us.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many stretches of the given cost the side is warm, and whether it is.
    fn settled(cost_us: impl Fn(usize) -> Option<f64>) -> (usize, bool) {
        let mut settling = Settling::default();
        let mut made = 0;
        while settling.is_unfinished() {
            settling.record(cost_us(made).map(|cost| cost * 1000.0), 1000);
            made += 1;
        }
        (made, settling.is_warm())
    }

    #[test]
    fn a_side_is_warm_when_it_no_longer_becomes_cheaper() {
        assert_eq!(settled(|_| Some(20.0)), (FEWEST, true));
        let compiled = [200.0, 120.0, 70.0, 50.0, 40.0, 39.5, 40.5, 1.0];
        assert_eq!(settled(|n| Some(compiled[n])), (7, true));
        let noisy = [40.0, 39.0, 41.0];
        assert_eq!(settled(|n| Some(noisy[n])), (3, true));
    }

    #[test]
    fn one_that_becomes_cheaper_for_good_is_not_waited_for_for_ever() {
        assert_eq!(settled(|n| Some(0.9f64.powi(n as i32))), (MOST, false));
    }

    #[test]
    fn where_no_cpu_time_is_known_one_stretch_has_to_do() {
        assert_eq!(settled(|_| None), (1, true));
        let mut nothing_sent = Settling::default();
        nothing_sent.record(Some(5.0), 0);
        assert!(!nothing_sent.is_unfinished());
    }
}
