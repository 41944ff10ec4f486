//! Every figure of a case: its name, unit, bounds, and the default with the source of it.

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Factor,
    Instances,
    People,
    Lines,
    PerSecond,
    Vcpus,
    Gib,
    Money,
    Share,
    Months,
    Years,
    PersonMonths,
}

macro_rules! inputs {
    ($($variant:ident $name:literal $unit:ident [$least:literal, $most:literal] $($tailed:ident)? : $what:literal
        $(= ($($default:literal),+) from $source:literal)?;)*) => {
        /// A figure of a case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Input {
            $(#[doc = $what] $variant,)*
        }

        impl Input {
            /// All, in the order in which they are shown.
            pub const ALL: [Input; Input::COUNT] = [$(Input::$variant,)*];
            pub(crate) const COUNT: usize = [$($name,)*].len();

            pub(crate) fn about(self) -> &'static About {
                &ABOUT[self as usize]
            }
        }

        static ABOUT: [About; Input::COUNT] = [$(About {
            name: $name,
            unit: Unit::$unit,
            least: $least,
            most: $most,
            what: $what,
            tailed: inputs!(@tailed $($tailed)?),
            default: inputs!(@default $($($default),+ ; $source)?),
        },)*];
    };
    (@tailed tailed) => { true };
    (@tailed) => { false };
    (@default $($default:literal),+ ; $source:literal) => {
        Some(Assumed { numbers: &[$($default),+], source: $source })
    };
    (@default) => { None };
}

/// What is known of a figure before the input states it.
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    /// Bounds of what makes sense, both included, in the base unit.
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) what: &'static str,
    /// Ranges have a heavy right tail: it is an effort.
    pub(crate) tailed: bool,
    pub(crate) default: Option<Assumed>,
}

/// A default: one number, low and high, or low, likely and high.
pub(crate) struct Assumed {
    pub(crate) numbers: &'static [f64],
    pub(crate) source: &'static str,
}

inputs! {
    Instances "fleet.instances" Instances [1.0, 1e9]: "instances of the incumbent that run today";
    Demand "fleet.demand" PerSecond [1e-3, 1e12]: "requests per second at the peak";
    Growth "fleet.growth" Share [-0.9, 10.0]: "growth of the demand per year"
        = (0.0) from "no growth is assumed";
    Headroom "fleet.headroom" Factor [1.0, 100.0]: "capacity to provide for one unit of peak demand"
        = (1.3) from "no published figure; 30 % to spare is a placeholder";
    Redundancy "fleet.redundancy" Instances [1.0, 1e6]: "instances that run however low the demand is"
        = (2.0) from "no published figure; two, so that one can fail";
    State "fleet.state" Gib [0.0, 1e9]: "memory that all instances together have to hold"
        = (0.0) from "no state is assumed";
    VcpuHour "price.vcpu_hour" Money [0.0, 1e6]: "price of a vCPU and hour"
        = (0.031611) from "OpenCost default prices, GCP us-central1";
    GibHour "price.gib_hour" Money [0.0, 1e6]: "price of a GiB and hour"
        = (0.004237) from "OpenCost default prices, GCP us-central1";
    IncumbentCapacity "incumbent.capacity" PerSecond [1e-3, 1e12]: "requests per second of an instance of the incumbent at the objective, open loop";
    IncumbentVcpus "incumbent.vcpus" Vcpus [1e-3, 1e5]: "vCPUs of an instance of the incumbent";
    IncumbentMemory "incumbent.memory" Gib [1e-3, 1e6]: "memory of an instance of the incumbent";
    IncumbentHour "incumbent.instance_hour" Money [1e-6, 1e6]: "price of an instance of the incumbent and hour, instead of the two prices";
    CandidateSaving "candidate.saving" Share [-10.0, 0.999]: "share of the incumbent's instances that the candidate does without";
    CandidateCapacity "candidate.capacity" PerSecond [1e-3, 1e12]: "requests per second of an instance of the candidate at the objective, open loop";
    CandidateVcpus "candidate.vcpus" Vcpus [1e-3, 1e5]: "vCPUs of an instance of the candidate";
    CandidateMemory "candidate.memory" Gib [1e-3, 1e6]: "memory of an instance of the candidate";
    CandidateHour "candidate.instance_hour" Money [1e-6, 1e6]: "price of an instance of the candidate and hour, instead of the two prices";
    TunedSaving "tuned.saving" Share [-10.0, 0.999]: "share of its instances that the incumbent does without once it is tuned"
        = (0.0, 0.1, 0.3) from "no published figure; heap, collector and hot operations, a placeholder";
    TunedCapacity "tuned.capacity" PerSecond [1e-3, 1e12]: "requests per second of an instance of the tuned incumbent at the objective, open loop";
    TunedMemory "tuned.memory" Gib [1e-3, 1e6]: "memory of an instance of the tuned incumbent";
    TunedEffort "tuned.effort" PersonMonths [0.0, 1e5] tailed: "work to tune the incumbent"
        = (0.5, 1.0, 3.0) from "no published figure; a placeholder";
    TunedAfter "tuned.earns_after" Months [0.0, 600.0]: "months until the tuned incumbent saves"
        = (1.0, 3.0) from "no published figure; a placeholder";
    People "team.people" People [1.0, 1e5]: "people who build the candidate"
        = (2.0) from "Aurora DSQL adjudicator: 2 engineers (All Things Distributed, 2025)";
    RustPeople "team.with_rust" People [0.0, 1e5]: "of them, those who need no ramp-up in its language"
        = (0.0) from "an assumption: the language is new to the team";
    PersonMonth "team.person_month" Money [1e-6, 1e9]: "cost of a month of a person, all included"
        = (20000.0) from "no published figure; the illustration of the cost model";
    Effort "effort.build" PersonMonths [0.0, 1e6] tailed: "work to build the candidate";
    CodeLines "effort.lines" Lines [1.0, 1e9]: "lines of code of the incumbent, instead of effort.build";
    Rebuild "effort.rebuild" PersonMonths [0.0, 1e6] tailed: "work to rebuild libraries that are missing"
        = (0.0) from "no missing library is assumed";
    RampUp "effort.ramp_up" Months [0.0, 120.0]: "months until a newcomer to the language is productive; half of them are lost"
        = (3.0, 6.0) from "the article behind this project; no published source (Google: 2/3 are confident within 2 months, half within 4)";
    Training "effort.training" Months [0.0, 120.0]: "months of training of a newcomer to the language"
        = (2.0, 3.0) from "the article behind this project; no published source";
    HandOver "effort.hand_over" Months [0.0, 120.0]: "months from built to earning"
        = (1.0, 3.0) from "no published figure; a placeholder";
    EarnsAfter "effort.earns_after" Months [0.0, 600.0]: "months until the candidate saves, instead of work by people and hand-over";
    DualRunning "effort.dual_running" Months [0.0, 120.0]: "months in which both run"
        = (1.0, 3.0) from "no published figure; a placeholder";
    Maintenance "yearly.maintenance" Money [-1e12, 1e12]: "what the candidate costs more in maintenance per year (less: negative)"
        = (0.0) from "no difference is assumed";
    Incidents "yearly.incidents" Money [-1e12, 1e12]: "incidents that the candidate avoids per year, in money"
        = (0.0) from "no benefit is assumed";
    Vulnerabilities "yearly.vulnerabilities" Money [-1e12, 1e12]: "memory-safety vulnerabilities that the candidate avoids per year, in money"
        = (0.0) from "no benefit is assumed";
    Discount "finance.discount" Share [0.0, 10.0]: "discount rate per year"
        = (0.1) from "the illustration of the cost model";
    Horizon "finance.horizon" Years [0.1, 50.0]: "years that count"
        = (3.0) from "the illustration of the cost model";
    Threshold "finance.threshold" Share [0.5, 0.999]: "probability of a net present value above 0 that a replacement needs"
        = (0.8) from "a convention of this project";
}

impl Input {
    /// Its name: table and key of a file.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// What it means, in a few words.
    pub fn what(self) -> &'static str {
        self.about().what
    }

    /// The input of a full name, or of a key that only one table has; else all that have it.
    ///
    /// # Errors
    /// The inputs that the key could mean: none, or several.
    pub fn find(name: &str) -> Result<Input, Vec<Input>> {
        let named = |input: &Input| {
            let full = input.name();
            full == name || full.split('.').nth(1) == Some(name)
        };
        let found: Vec<Input> = Self::ALL.into_iter().filter(named).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            _ => Err(found),
        }
    }

    /// The inputs that this one is said instead of.
    pub(crate) fn instead_of(self) -> &'static [Input] {
        use Input::{
            CandidateCapacity, CandidateHour, CandidateMemory, CandidateSaving, CandidateVcpus,
            CodeLines, Demand, EarnsAfter, Effort, HandOver, Instances, TunedCapacity, TunedMemory,
            TunedSaving,
        };
        match self {
            Instances => &[Demand],
            Demand => &[Instances],
            Effort => &[CodeLines],
            CodeLines => &[Effort],
            CandidateSaving => &[
                CandidateCapacity,
                CandidateVcpus,
                CandidateMemory,
                CandidateHour,
            ],
            CandidateCapacity | CandidateVcpus | CandidateMemory | CandidateHour => {
                &[CandidateSaving]
            }
            TunedSaving => &[TunedCapacity, TunedMemory],
            TunedCapacity | TunedMemory => &[TunedSaving],
            EarnsAfter => &[HandOver],
            HandOver => &[EarnsAfter],
            _ => &[],
        }
    }
}
