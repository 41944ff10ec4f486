//! How every result came about: formula, inputs with their sources, value.

use crate::case::Resolved;
use crate::document::{Arm, Line};
use crate::input::Input;
use crate::model::{Model, Point, Rounding};
use crate::sensitivity::source_name;
use crate::unit::Currency;
use Input::{
    CandidateCapacity, CandidateHour, CandidateMemory, CandidateSaving, CandidateVcpus, Demand,
    Discount, DualRunning, EarnsAfter, Effort, GibHour, Growth, HandOver, Headroom, Horizon,
    Incidents, IncumbentCapacity, IncumbentHour, IncumbentMemory, IncumbentVcpus, Instances,
    Maintenance, People, PersonMonth, RampUp, Rebuild, Redundancy, RustPeople, State, Training,
    TunedAfter, TunedCapacity, TunedEffort, TunedMemory, TunedSaving, VcpuHour, Vulnerabilities,
};

struct Explained<'r> {
    resolved: &'r Resolved,
    currency: Currency,
}

impl Explained<'_> {
    fn line(&self, name: String, formula: &str, inputs: &[Input], value: f64, unit: &str) -> Line {
        let shown = inputs.iter().filter_map(|input| {
            let value = self.resolved.get(*input)?;
            let median = input.show(value.spread.median(), self.currency);
            let source = source_name(&value.source);
            Some(format!("{} {median} ({source})", input.name()))
        });
        Line {
            name,
            formula: formula.to_owned(),
            inputs: shown.collect(),
            value,
            unit: unit.to_owned(),
        }
    }
}

/// The lines of every arm, all figures at their medians and instances whole.
pub(crate) fn lines(resolved: &Resolved, unsafe_memory: bool, currency: Currency) -> Vec<Line> {
    let point = Point::medians(resolved);
    let model = Model::new(&point, Rounding::Whole, unsafe_memory);
    let explained = Explained { resolved, currency };
    let mut lines = Vec::new();
    for arm in Arm::ALL {
        lines.extend(running(&explained, &model, arm));
        if arm != Arm::Incumbent {
            lines.extend(worth(&explained, &model, arm));
        }
    }
    lines
}

/// What an arm needs and costs to run.
fn running(explained: &Explained<'_>, model: &Model<'_>, arm: Arm) -> [Line; 3] {
    let money = explained.currency.to_string();
    let name = arm.name();
    let needed = [
        Instances,
        Demand,
        Headroom,
        Growth,
        IncumbentCapacity,
        Redundancy,
        State,
        IncumbentMemory,
    ];
    let own: &[Input] = match arm {
        Arm::Incumbent => &[],
        Arm::Tuned => &[TunedSaving, TunedCapacity, TunedMemory],
        Arm::Candidate => &[CandidateSaving, CandidateCapacity, CandidateMemory],
    };
    let sizes: &[Input] = match arm {
        Arm::Candidate => &[CandidateVcpus, CandidateMemory, CandidateHour],
        Arm::Tuned => &[TunedMemory],
        Arm::Incumbent => &[],
    };
    let priced = [
        VcpuHour,
        GibHour,
        IncumbentVcpus,
        IncumbentMemory,
        IncumbentHour,
    ];
    let instances = model.instances(arm, 0).0;
    [
        explained.line(
            format!("{name}: instances"),
            match arm {
                Arm::Incumbent => "max(ceil(demand x headroom / capacity, or instances), redundancy, ceil(state / memory))",
                Arm::Tuned | Arm::Candidate => "max(ceil(incumbent's before rounding x (1 - saving), or x incumbent's capacity / own), redundancy, ceil(state / memory))",
            },
            &[&needed[..], own].concat(),
            instances,
            "instances",
        ),
        explained.line(
            format!("{name}: price of an instance"),
            "vCPU x price of a vCPU-hour + GiB x price of a GiB-hour, or instance_hour",
            &[&priced[..], sizes].concat(),
            model.price(arm).0,
            &format!("{money}/hour"),
        ),
        explained.line(
            format!("{name}: infrastructure in the first year"),
            "instances x price of an instance x 8,760 hours",
            &[],
            model.yearly_cost(arm, 0).0,
            &money,
        ),
    ]
}

/// What an arm is worth against doing nothing.
fn worth(explained: &Explained<'_>, model: &Model<'_>, arm: Arm) -> [Line; 4] {
    let money = explained.currency.to_string();
    let name = arm.name();
    let candidate = arm == Arm::Candidate;
    let pick = |one: &'static [Input], other: &'static [Input]| if candidate { one } else { other };
    [
        explained.line(
            format!("{name}: saving in the first year"),
            match candidate {
                true => "difference of infrastructure + incidents + vulnerabilities (0 if the incumbent is memory-safe) - maintenance",
                false => "difference of infrastructure",
            },
            pick(&[Incidents, Vulnerabilities, Maintenance], &[]),
            model.net(arm, 0).0,
            &money,
        ),
        explained.line(
            format!("{name}: costs once"),
            match candidate {
                true => "(build + rebuild + newcomers x (ramp-up / 2 + training)) x cost of a person-month + months of dual running x own infrastructure / 12",
                false => "effort x cost of a person-month",
            },
            pick(
                &[Effort, Rebuild, People, RustPeople, RampUp, Training, PersonMonth, DualRunning],
                &[TunedEffort, PersonMonth],
            ),
            model.one_off(arm).0,
            &money,
        ),
        explained.line(
            format!("{name}: years until it earns"),
            match candidate {
                true => "((build + rebuild) / people + hand-over) / 12, or earns_after / 12",
                false => "earns_after / 12",
            },
            pick(&[Effort, Rebuild, People, HandOver, EarnsAfter], &[TunedAfter]),
            model.earns_after(arm).0,
            "years",
        ),
        explained.line(
            format!("{name}: net present value"),
            "sum over the years of saving x ((1+r)^-from - (1+r)^-to) / r - costs once",
            &[Discount, Horizon, Growth],
            model.npv(arm).0,
            &money,
        ),
    ]
}
