use super::threshold;

/// An e-detector (Shin, Ramdas and Rinaldo 2023): has something changed, whenever it did?
///
/// R_n = L_n (1 + R_{n-1}), where L_n is the e-value of the n-th block alone against "nothing has
/// changed". Alarming at R >= 1/alpha, false alarms are at least 1/alpha blocks apart on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detector {
    ln_r: f64,
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            ln_r: f64::NEG_INFINITY,
        }
    }
}

impl Detector {
    /// Counts one more block with its ln L; returns ln R. A block without a number counts as none.
    pub fn update(&mut self, ln_l: f64) -> f64 {
        if !ln_l.is_nan() {
            // ln(1 + R), without overflow.
            let ln_one_more = self.ln_r.max(0.0) + (-self.ln_r.abs()).exp().ln_1p();
            self.ln_r = ln_l + ln_one_more;
        }
        self.ln_r
    }

    /// ln R so far.
    pub fn ln_r(&self) -> f64 {
        self.ln_r
    }

    /// Is this loud enough for an alarm at `alpha`?
    pub fn alarms(&self, alpha: f64) -> bool {
        self.ln_r >= threshold(alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recursion_is_the_one_of_the_paper() {
        let mut detector = Detector::default();
        let mut r = 0.0;
        for l in [0.5, 2.0, 3.0, 0.1, 40.0] {
            r = l * (1.0 + r);
            assert!((detector.update(f64::ln(l)) - f64::ln(r)).abs() < 1e-12);
        }
        assert_eq!(detector.alarms(0.02), r >= 50.0);
        assert_eq!(detector.update(f64::NAN), r.ln());
        // Nothing overflows however strong the evidence.
        for _ in 0..10 {
            detector.update(500.0);
        }
        assert!((detector.ln_r() - (r.ln() + 5_000.0)).abs() < 0.1 && detector.alarms(1e-300));
        detector.update(f64::NEG_INFINITY);
        assert_eq!(detector.update(0.0), 0.0, "a refuted past is forgotten");
    }
}
