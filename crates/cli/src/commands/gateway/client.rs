//! `understudy gateway status|differences|waive`: asks a gateway that runs.

use crate::exit::{self, Failure, usage};
use crate::show;
use anyhow::{Context, anyhow};
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::Write;
use std::time::Duration;
use understudy_compare::Day;
use understudy_gateway::Waiver;
use understudy_gateway::status::{Differences, ProofState, Status};
use understudy_model::{DifferenceKind, Outcome, Place};
use understudy_subject_http::{Client, ClientLimits, Target, WorkloadRequest};
use understudy_wire::http1::Limits;

/// The variable that holds the token of an interface that needs one.
const TOKEN: &str = "UNDERSTUDY_GATEWAY_TOKEN";

/// Where the gateway is asked.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Address of the admin interface; its token, if it needs one, is read from
    /// UNDERSTUDY_GATEWAY_TOKEN
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9901")]
    admin: String,
    /// Print the document as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Says how sure it is that the candidate answers as the incumbent does.
///
/// Exit codes: 0 proven (or no candidate), 4 not yet, 5 answers differ.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    at: At,
}

/// Lists what differs, with both values and a way to see it again.
#[derive(Debug, Args)]
pub(crate) struct DifferencesArgs {
    #[command(flatten)]
    at: At,
}

/// Accepts a difference, for a while.
#[derive(Debug, Args)]
pub(crate) struct WaiveArgs {
    /// The operation, as `differences` names it, e.g. "GET /items/{id}"
    operation: String,
    /// The place, as `differences` names it, e.g. "$.price"
    path: Place,
    /// The kind of difference; without it, every kind at that place
    #[arg(long, value_parser = kind)]
    kind: Option<DifferenceKind>,
    /// Who answers for it
    #[arg(long)]
    owner: String,
    /// Why it is acceptable
    #[arg(long)]
    reason: String,
    /// The last day on which it holds, e.g. 2026-12-31
    #[arg(long)]
    expires: Day,
    #[command(flatten)]
    at: At,
}

fn kind(name: &str) -> Result<DifferenceKind, String> {
    DifferenceKind::from_name(name).ok_or_else(|| {
        let names = DifferenceKind::ALL.map(DifferenceKind::name);
        format!("is not a kind\nhint: use {}", names.join(", "))
    })
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl At {
    /// Sends a request and returns the answer's body.
    fn ask(&self, mut request: WorkloadRequest) -> Result<Vec<u8>, Failure> {
        let target =
            Target::parse(&self.admin).map_err(|error| usage(format!("--admin: {error}")))?;
        let env = |name: &str| std::env::var(name).ok();
        let mut headers = std::mem::take(&mut request.headers);
        if env(TOKEN).is_some() {
            headers.push(("Authorization".to_owned(), format!("Bearer ${TOKEN}")));
        }
        let request = request.with_headers(headers, &env).map_err(usage)?;
        let limits = ClientLimits {
            timeout: Duration::from_secs(10),
            response: Limits::default(),
        };
        match Client::new(target, limits).exchange(&request) {
            Outcome::Answered(answer) if answer.status.code == 200 => Ok(answer.bytes("body").to_vec()),
            Outcome::Answered(answer) => {
                Err(match serde_json::from_slice::<Errors>(answer.bytes("body")) {
                    Ok(sent) if answer.status.code == 422 => Failure::Usage(sent.errors),
                    Ok(sent) => {
                        anyhow!("{} answers: {}", self.admin, sent.errors.join("\n")).into()
                    }
                    Err(_) => anyhow!(
                        "{} answers with {}\nhint: name the admin interface of a gateway with `--admin`",
                        self.admin,
                        answer.status.code
                    )
                    .into(),
                })
            }
            Outcome::Failed(failure) => Err(anyhow!(
                "no gateway answers at {}: {}\nhint: name its admin interface with `--admin`",
                self.admin,
                failure.detail
            )
            .into()),
        }
    }

    /// The document at a path: as JSON to standard output if that is wanted, else as a value.
    pub(super) fn document<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let body = self.ask(WorkloadRequest::get(path))?;
        if self.json {
            show::print(&(String::from_utf8_lossy(&body).into_owned() + "\n"))
                .context("cannot write")?;
        }
        let document = serde_json::from_slice(&body);
        document
            .with_context(|| format!("{} speaks another version of the interface", self.admin))
            .map_err(Failure::from)
    }
}

/// Carries out `status`.
pub(super) fn status(args: &StatusArgs) -> Result<u8, Failure> {
    let status: Status = args.at.document("/api/status")?;
    if !args.at.json {
        show::print(&summary(&status)).context("cannot write")?;
    }
    Ok(match status.proof.state {
        ProofState::Proven | ProofState::NoCandidate => exit::DONE,
        ProofState::Proving | ProofState::Lossy => exit::INCONCLUSIVE,
        ProofState::Different => exit::NOT_EQUIVALENT,
    })
}

fn summary(status: &Status) -> String {
    let mut text = String::new();
    let (proof, ledger) = (&status.proof, &status.ledger);
    let state = serde_json::to_value(proof.state)
        .ok()
        .and_then(|state| state.as_str().map(str::to_uppercase));
    let requests: u64 = status.routes.values().map(|route| route.requests).sum();
    let dropped: u64 = ledger.dropped.values().sum();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}  {}", state.unwrap_or_default(), proof.because);
    let _ = writeln!(
        text,
        "traffic   {requests} requests in {} s, {} under way",
        status.uptime_s, status.requests_in_flight
    );
    let _ = writeln!(
        text,
        "ledger    {} eligible = {} compared + {dropped} dropped + {} pending",
        ledger.eligible, ledger.compared, ledger.pending
    );
    for (reason, count) in &ledger.dropped {
        let _ = writeln!(text, "          {count} dropped: {reason}");
    }
    let _ = writeln!(
        text,
        "compared  {} equal, {} different, {} excused ({:.1} % of their bytes were compared)",
        proof.equal,
        proof.different,
        proof.excused,
        proof.compared_share * 100.0
    );
    if proof.covered > 0 {
        let _ = writeln!(
            text,
            "          {} more were not: noise covers their whole body",
            proof.covered
        );
    }
    for operation in &status.operations {
        let left = match operation.more_requests {
            _ if operation.different > 0 => "fix the differences first".to_owned(),
            Some(0) => "goal reached".to_owned(),
            Some(more) => format!("{more} more reach the goal"),
            None => "the goal is out of reach".to_owned(),
        };
        let upper = operation.mismatch_upper_95 * 100.0;
        let _ = writeln!(
            text,
            "  {}  {} compared, {} different, at most {upper:.3} % differ; {left}",
            operation.operation, operation.compared, operation.different
        );
    }
    for of in &status.servers {
        let state = match (of.passes_checks, of.failing_threads) {
            (false, _) => "fails its health checks",
            (true, 0) => continue,
            (true, _) => "failed several times in a row; the gateway sends it nothing for a while",
        };
        let _ = writeln!(text, "server    {} ({}) {state}", of.server, of.role.name());
    }
    if status.candidate.breaker_open {
        let _ = writeln!(
            text,
            "candidate failed many times in a row; the gateway sends it nothing for a while"
        );
    }
    text
}

/// Carries out `differences`.
pub(super) fn differences(args: &DifferencesArgs) -> Result<u8, Failure> {
    let found: Differences = args.at.document("/api/differences")?;
    if args.at.json {
        return Ok(exit::DONE);
    }
    let mut text = String::new();
    for cluster in &found.clusters {
        let _ = writeln!(
            text,
            "{}  {} ({}): {} of {}",
            cluster.operation, cluster.path, cluster.kind, cluster.count, cluster.of
        );
        for example in &cluster.examples {
            let _ = writeln!(
                text,
                "    {}\n      incumbent  {}\n      candidate  {}",
                example.path, example.baseline, example.contender
            );
        }
        let _ = writeln!(text, "    {}", cluster.reproduce);
    }
    if found.clusters.is_empty() {
        text += "no unexcused difference\n";
    }
    for of in &found.waivers {
        let waiver = &of.waiver;
        let state = match (of.expired, of.dead) {
            (true, _) => "is over",
            (_, true) => "excuses nothing: remove it",
            _ => "holds",
        };
        let _ = writeln!(
            text,
            "waiver  {} {} by {} until {}: {state} ({})",
            waiver.operation, waiver.path, waiver.owner, waiver.expires, waiver.reason
        );
    }
    show::print(&text).context("cannot write")?;
    Ok(exit::DONE)
}

/// Carries out `waive`.
pub(super) fn waive(args: &WaiveArgs) -> Result<u8, Failure> {
    let waiver = Waiver {
        operation: args.operation.clone(),
        path: args.path.clone(),
        kind: args.kind,
        owner: args.owner.clone(),
        reason: args.reason.clone(),
        expires: args.expires,
    };
    let body = serde_json::to_vec(&waiver).context("the waiver is not JSON")?;
    let mut request = WorkloadRequest::get("/api/waivers");
    request.method = "POST".to_owned();
    request
        .headers
        .push(("Content-Type".to_owned(), "application/json".to_owned()));
    request.body = body;
    args.at.ask(request)?;
    show::note(&format!(
        "waived {} of {} until {}",
        args.path, args.operation, args.expires
    ));
    Ok(exit::DONE)
}
