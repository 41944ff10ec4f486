//! What is known and is not a figure.

/// What is stated of the component, the team and the evidence. `None`: nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the component is.
    pub kind: Kind,
    /// The data model still changes.
    pub unsettled_data_model: bool,
    /// A member of the team has built systems software.
    pub systems_experience: Option<bool>,
    /// It has to be finished by a date.
    pub deadline: bool,
    /// The incumbent is in a memory-safe language. Unknown counts as yes: no benefit is assumed.
    pub memory_safe: Option<bool>,
    /// The candidate gives the same answers.
    pub equivalent: Option<bool>,
    /// The candidate holds every objective.
    pub candidate_meets_slo: Option<bool>,
    /// The incumbent holds every hard objective at some affordable size.
    pub incumbent_meets_slo: Option<bool>,
}

/// What a component is: the rules of fit ask different things of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// None of the others.
    #[default]
    Other,
    /// A standard web API: requests in, database out.
    WebApi,
    /// A proxy or gateway.
    Proxy,
    /// A data or media pipeline.
    Pipeline,
    /// A WebAssembly module.
    Wasm,
    /// Code that parses what strangers send, or guards something.
    SecurityCritical,
    /// Firmware or a small device.
    Embedded,
}

impl Kind {
    /// All, each with its name in a file.
    pub const NAMED: [(&'static str, Kind); 7] = [
        ("other", Kind::Other),
        ("web_api", Kind::WebApi),
        ("proxy", Kind::Proxy),
        ("pipeline", Kind::Pipeline),
        ("wasm", Kind::Wasm),
        ("security_critical", Kind::SecurityCritical),
        ("embedded", Kind::Embedded),
    ];
}
