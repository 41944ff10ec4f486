//! Compares pairs, in a thread of its own, with the engine of the trial.

use super::book::{Book, Finding, parameters};
use super::{Balance, Counts, Reason, State, Ticket};
use crate::config::{CompareConfig, GatewayConfig, Payloads};
use crate::mirror::Captured;
use crate::proxy::Head;
use http::Method;
use siphasher::sip::SipHasher24;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use understudy_compare::{
    Day, Differ, History, Outcomes, Row, Rules, hide_authority, is_fit, try_faults,
};
use understudy_model::{Answer, Difference, Failure, Outcome, Place, Role};
use understudy_redact::{Redactor, shell_quoted, variable};

/// Answers that wait for it until nothing is left to compare.
const TESTS: usize = 32;
/// How often the state goes to the disk.
const SAVE: Duration = Duration::from_secs(1);
/// Headers that the gateway itself added, or that a command makes by itself.
const NOT_SHOWN: [&str; 7] = [
    "host",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "content-length",
    "traceparent",
];

/// Both answers to one request.
pub(crate) struct Pair {
    pub(crate) ticket: Ticket,
    pub(crate) sample: Sample,
    pub(crate) incumbent: Captured,
    pub(crate) candidate: Result<Captured, Failure>,
    pub(crate) second: Option<Captured>,
}

/// The request.
pub(crate) struct Sample {
    pub(crate) head: Head,
    pub(crate) has_body: bool,
}

impl Sample {
    fn target(&self) -> &str {
        self.head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
    }
}

/// What a comparison needs to know; a reload replaces it.
pub(crate) struct Terms {
    pub(crate) config: CompareConfig,
    rules: Rules,
    redactor: Redactor,
    key: [u8; 16],
    /// What the servers of each side may call themselves.
    authorities: Authorities,
}

/// Addresses of servers, as their answers may have them.
#[derive(Debug, Default)]
struct Authorities {
    incumbent: Vec<String>,
    candidate: Vec<String>,
    second: Vec<String>,
}

impl Terms {
    /// # Errors
    /// A rule does not hold, or no longer.
    pub(crate) fn new(config: &CompareConfig, key: [u8; 16], today: Day) -> Result<Terms, String> {
        let rules = Rules::compile(config.rules.clone(), today).map_err(|errors| {
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        })?;
        let rules = rules.with_messages(config.messages.clone());
        let redactor = Redactor::new(key).with_names(&config.secret_names);
        Ok(Terms {
            config: config.clone(),
            rules,
            redactor,
            key,
            authorities: Authorities::default(),
        })
    }

    /// The same where these are the servers: their own addresses in answers are one.
    pub(crate) fn with_servers(self, config: &GatewayConfig) -> Terms {
        let of = |role: Role| {
            let servers = config.servers().filter(|(of, _)| *of == role);
            servers.map(|(_, server)| server.authority()).collect()
        };
        Terms {
            authorities: Authorities {
                incumbent: of(Role::Incumbent),
                candidate: of(Role::Candidate),
                second: of(Role::Second),
            },
            ..self
        }
    }

    /// What may be kept of a value.
    fn shown(&self, place: Option<&Place>, text: &str) -> String {
        match self.config.payloads {
            Payloads::Hash if place.is_some() => {
                format!(
                    "<{} bytes #{:016x}>",
                    text.len(),
                    SipHasher24::new_with_key(&self.key).hash(text.as_bytes())
                )
            }
            _ => self.redactor.redact_value(place, text),
        }
    }

    /// The command that sends a request again to `$URL`, without what must not be shown.
    fn curl(&self, sample: &Sample) -> String {
        let target = sample.target();
        let target = match self.config.payloads {
            Payloads::Hash => target.split('?').next().unwrap_or_default().to_owned(),
            Payloads::Redacted => self.redactor.redact_text(target),
        };
        let mut command = String::from("curl -sS -i");
        if sample.head.method == Method::HEAD {
            command += " --head";
        } else if sample.head.method != Method::GET {
            command += &format!(" -X {}", sample.head.method);
        }
        let shown = sample
            .head
            .headers
            .iter()
            .filter(|(name, _)| !NOT_SHOWN.contains(&name.as_str()));
        for (name, value) in shown {
            let value = match self.config.payloads {
                Payloads::Hash => variable(name.as_str()),
                Payloads::Redacted => self
                    .redactor
                    .reproducible_field(name.as_str(), &String::from_utf8_lossy(value.as_bytes())),
            };
            // A variable is filled in by the shell; nothing else that a client sent may reach it.
            command += &match is_variable(&value) {
                true => format!(" -H {}\"{value}\"", shell_quoted(&format!("{name}: "))),
                false => format!(" -H {}", shell_quoted(&format!("{name}: {value}"))),
            };
        }
        if sample.has_body {
            command += " --data-binary @body";
        }
        format!("{command} \"$URL\"{}", shell_quoted(&target))
    }
}

fn is_variable(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.strip_prefix('$')
        .is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
}

/// An answer that the self-test puts faults into.
pub(crate) struct Test {
    operation: (u32, String),
    answer: Answer,
    /// Where it differs from the incumbent's own second answer.
    noise: Vec<Difference>,
    /// Decides where the faults are put.
    draw: u64,
}

/// What the comparison and the admin interface share. Workers never touch it.
pub(crate) struct Findings {
    pub(crate) book: Mutex<Book>,
    pub(crate) terms: Mutex<Arc<Terms>>,
    /// What the answers so far say of identifiers and counters.
    pub(crate) history: Mutex<History>,
    /// Answers that the self-test is due with.
    pub(crate) tests: Mutex<VecDeque<Test>>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) state: Option<State>,
}

impl Findings {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn terms(&self) -> Arc<Terms> {
        self.terms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Other rules hold from now on.
    pub(crate) fn replace_terms(&self, terms: Terms) {
        *self.terms.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(terms);
        self.book().forget_tests();
    }

    /// Brings everything to the disk; returns the counts that are there now.
    pub(crate) fn save(&self) -> Result<Balance, String> {
        let Some(state) = &self.state else {
            return Ok(self.counts.balance());
        };
        state.save(|| {
            let book = self.book();
            let stored = book.store();
            (self.counts.balance(), stored)
        })
    }

    fn compare(&self, terms: &Terms, pair: Pair) {
        let Pair {
            ticket,
            sample,
            incumbent,
            candidate,
            second,
        } = pair;
        let target = sample.target();
        let (operation, name) = self.book().operation(sample.head.method.as_str(), target);
        let same = candidate
            .as_ref()
            .is_ok_and(|candidate| incumbent.is_same_long_body(candidate));
        let status = i32::from(incumbent.code.as_u16());
        let Authorities {
            incumbent: own,
            candidate: its,
            second: others,
        } = &terms.authorities;
        let answered = |captured: &Captured, same: bool, authorities: &[String]| {
            let mut answer = captured.answer(same);
            hide_authority(&mut answer, authorities);
            Outcome::Answered(answer)
        };
        let baseline = answered(&incumbent, same, own);
        let contender = match candidate {
            Ok(captured) => answered(&captured, same, its),
            Err(failure) => Outcome::Failed(failure),
        };
        // Where there is no second side, the incumbent is asked twice.
        let others = if others.is_empty() { own } else { others };
        let second = second
            .filter(|_| !same)
            .map(|second| answered(&second, false, others));
        let redact = |place: Option<&Place>, text: &str| terms.shown(place, text);
        let differ = Differ::new(&terms.rules, &redact);
        let outcomes = Outcomes {
            incumbent: &baseline,
            second: second.as_ref(),
            candidate: &contender,
        };
        let history = &mut *self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.asked(target);
        let row = Row::compare(&differ, history, 0, (operation, &name), outcomes);
        if row.lost.is_some() {
            return ticket.dropped(Reason::TooLong);
        }
        let noise = row.noise.clone();
        let finding = Finding {
            row,
            twice: second.is_some(),
            status,
            parameters: parameters(target),
        };
        let size = target.len() as u64;
        {
            let mut book = self.book();
            if !book.add(finding, size, || terms.curl(&sample)) {
                return ticket.dropped(Reason::Memory);
            }
            // Who has the book sees it and the counts as of one moment.
            ticket.compared();
        }
        if let Outcome::Answered(answer) = baseline
            && !same
        {
            self.test_later((operation, name), answer, noise);
        }
    }

    fn tests(&self) -> MutexGuard<'_, VecDeque<Test>> {
        self.tests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an answer wait for the self-test, if it is time for one. Where there is no time for those
    /// that wait already, it is left out: no pair is dropped for a test.
    fn test_later(&self, operation: (u32, String), answer: Answer, noise: Vec<Difference>) {
        let mut tests = self.tests();
        if !is_fit(&answer) || tests.len() >= TESTS {
            return;
        }
        if let Some(draw) = self.book().test_due(operation.0) {
            tests.push_back(Test {
                operation,
                answer,
                noise,
                draw,
            });
        }
    }

    /// Puts faults into one of the answers that wait, and notes what the comparison says.
    fn test(&self) {
        let Some(test) = self.tests().pop_front() else {
            return;
        };
        let terms = self.terms();
        let redact = |place: Option<&Place>, text: &str| terms.shown(place, text);
        let differ = Differ::new(&terms.rules, &redact);
        let operation = (test.operation.0, test.operation.1.as_str());
        let tried = {
            let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            try_faults(
                &differ,
                &history,
                operation,
                (&test.answer, &test.noise),
                test.draw,
            )
        };
        // Rules that were replaced meanwhile are no longer tested.
        if Arc::ptr_eq(&terms, &self.terms()) {
            self.book().tested(tried);
        }
    }
}

/// Compares pairs until the channel is closed; saves every second, and at the end.
pub(crate) fn run(findings: &Findings, pairs: &Receiver<Pair>, report: &dyn Fn(&str)) {
    let compare = |pair| findings.compare(&findings.terms(), pair);
    run_with(&compare, findings, pairs, report);
}

/// A comparison that panics costs its pair, which is counted, and nothing else: each step that
/// changes the book leaves one that can be read.
fn run_with(
    compare: &dyn Fn(Pair),
    findings: &Findings,
    pairs: &Receiver<Pair>,
    report: &dyn Fn(&str),
) {
    let mut saved = Saved::new(findings.counts.balance());
    loop {
        let received = match pairs.try_recv() {
            Ok(pair) => Ok(pair),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => {
                let _ = catch_unwind(AssertUnwindSafe(|| findings.test()));
                let wait = match findings.tests().is_empty() {
                    true => SAVE,
                    false => Duration::ZERO,
                };
                pairs.recv_timeout(wait)
            }
        };
        let is_over = matches!(received, Err(RecvTimeoutError::Disconnected));
        if let Ok(pair) = received {
            // The ticket of the pair ends while the stack unwinds, and the panic hook has logged where.
            let _ = catch_unwind(AssertUnwindSafe(|| compare(pair)));
        }
        if is_over || saved.at.elapsed() >= SAVE {
            saved.renew(findings, report);
        }
        if is_over {
            return;
        }
    }
}

/// What the disk has.
struct Saved {
    at: Instant,
    /// Every pair changes the counts, and so does every request that is not compared.
    balance: Balance,
    failed: Option<String>,
}

impl Saved {
    fn new(balance: Balance) -> Saved {
        Saved {
            at: Instant::now(),
            balance,
            failed: None,
        }
    }

    /// Saves what has changed. A full disk stays full for a while: each change is logged once.
    fn renew(&mut self, findings: &Findings, report: &dyn Fn(&str)) {
        self.at = Instant::now();
        if self.failed.is_none() && findings.counts.balance() == self.balance {
            return;
        }
        match findings.save() {
            Ok(balance) => {
                self.balance = balance;
                if self.failed.take().is_some() {
                    report("the state is written again");
                }
            }
            Err(error) if self.failed.as_ref() != Some(&error) => {
                report(&format!("{error}; it is tried again every second"));
                self.failed = Some(error);
            }
            Err(_) => {}
        }
    }
}

#[cfg(not(panic = "unwind"))]
compile_error!("a panic in a comparison must not end the gateway: build with panic = \"unwind\"");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::{Budget, Capture};
    use http::{HeaderMap, StatusCode};

    #[test]
    fn a_panic_in_a_comparison_is_counted_and_the_next_pair_is_compared() {
        let today = Day::new(2026, 1, 1).unwrap();
        let config = CompareConfig {
            messages: understudy_compare::Messages::default(),
            rules: Vec::new(),
            secret_names: Vec::new(),
            payloads: Payloads::Redacted,
            goal: 0.001,
        };
        let terms = Terms::new(&config, [0; 16], today).unwrap();
        let findings = Findings {
            book: Mutex::default(),
            terms: Mutex::new(Arc::new(terms)),
            history: Mutex::default(),
            tests: Mutex::default(),
            counts: Arc::default(),
            state: None,
        };
        let captured =
            || Capture::new(StatusCode::OK, &HeaderMap::new(), 10, &Budget::new(10)).finish();
        let pair = |target: &'static str| Pair {
            ticket: findings.counts.ticket(),
            sample: Sample {
                head: Head {
                    method: Method::GET,
                    uri: target.parse().unwrap(),
                    ..Head::default()
                },
                has_body: false,
            },
            incumbent: captured(),
            candidate: Ok(captured()),
            second: None,
        };
        let (send, pairs) = std::sync::mpsc::sync_channel(3);
        for target in ["/a", "/broken", "/a"] {
            assert!(send.try_send(pair(target)).is_ok());
        }
        drop(send);
        let compare = |pair: Pair| {
            // With the book locked, as the worst case has it.
            let book = findings.book();
            assert!(pair.sample.target() != "/broken", "a fault of the engine");
            drop(book);
            findings.compare(&findings.terms(), pair);
        };
        run_with(&compare, &findings, &pairs, &|_| {});
        let balance = findings.counts.balance();
        assert!(balance.is_balanced() && balance.pending == 0);
        assert_eq!((balance.compared, balance.dropped["panicked"]), (2, 1));
    }
}
