//! The lab: plan, stages, judgement.
