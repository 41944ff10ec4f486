use super::*;
use understudy_model::gates::GeneratorUse;
use understudy_model::gates::{Figures, judge};
use understudy_model::neighbours::{CpuUse, Neighbour, OnCpu};

/// A generator that waits for its CPU, is late, cannot keep the rate and is stolen from.
fn failed(code: &str) -> Gate {
    let figures = Figures {
        generator: GeneratorUse {
            due: 1000,
            sent: 900,
            late: 100,
            busy_share: 0.9,
            run_queue_share: Some(0.091),
            steal_share: Some(0.09),
            ..GeneratorUse::default()
        },
        offered_rate_rps: Some(1000.0),
        quantile: 0.99,
        send_lag_us: 9000.0,
        latency_us: Some(400.0),
        negligible_us: 0.0,
    };
    let bunches = Gate {
        code: POISSON,
        passed: false,
        figure: "the gaps are not those of random arrivals".to_owned(),
        advice: "the generator sent in bursts".to_owned(),
    };
    let mut gates = judge(&figures).into_iter().chain([bunches]);
    gates.find(|gate| gate.code == code).unwrap()
}

/// Ten seconds on two CPUs; the generator is on CPU 0.
fn quiet() -> Neighbours {
    let cpu = |cpu| CpuUse {
        cpu,
        ran_s: 4.0,
        idle_s: 6.0,
        ..CpuUse::default()
    };
    Neighbours {
        seconds: 10.0,
        generator_cpus: vec![0],
        cpus: vec![cpu(0), cpu(1)],
        side: Some(vec![OnCpu { cpu: 1, cpu_s: 4.0 }]),
        started: 2,
        longest_gap_s: 0.5,
        ..Neighbours::default()
    }
}

fn process(pid: u32, name: &str, cpu_s: f64, on: &[(u32, f64)]) -> Neighbour {
    let on = on.iter().map(|(cpu, cpu_s)| OnCpu {
        cpu: *cpu,
        cpu_s: *cpu_s,
    });
    Neighbour {
        pid,
        name: name.to_owned(),
        cpu_s,
        share: cpu_s / 10.0,
        on: on.collect(),
        ..Neighbour::default()
    }
}

fn with(change: impl Fn(&mut Neighbours)) -> Neighbours {
    let mut seen = quiet();
    change(&mut seen);
    seen
}

/// The sentence without the figure of the gate.
fn told(code: &str, seen: &[Neighbours]) -> String {
    let gate = failed(code);
    let sentence = sentence(&gate, seen);
    let rest = sentence.strip_prefix(&format!("{}; ", gate.figure));
    rest.unwrap_or_else(|| panic!("{sentence}")).to_owned()
}

#[test]
fn the_heaviest_process_on_the_generator_s_cpu_is_named() {
    let seen = with(|seen| {
        seen.processes = vec![
            // Most of all, but where the generator is not.
            process(12, "backup", 8.0, &[(1, 8.0)]),
            process(4711, "cargo", 4.0, &[(0, 3.8), (1, 0.2)]),
            process(13, "cron", 0.5, &[(0, 0.5)]),
        ];
    });
    let expected = "process 4711 \"cargo\" took 38 % of CPU 0 meanwhile: stop it, or pin the generator apart (--cpus; [machine] in trial.toml)";
    for code in ["generator_run_queue", "send_lag", "sent_rate", POISSON] {
        assert_eq!(told(code, std::slice::from_ref(&seen)), expected, "{code}");
    }
    // A quiet measurement next to it halves the share.
    let both = told("send_lag", &[seen.clone(), quiet()]);
    assert!(
        both.starts_with("process 4711 \"cargo\" took 19 % of CPU 0 "),
        "{both}"
    );
    let unbound = Neighbours {
        generator_cpus: Vec::new(),
        ..seen
    };
    let unbound = told("send_lag", &[unbound]);
    assert!(
        unbound.starts_with("process 12 \"backup\" took 80 % of one CPU meanwhile"),
        "{unbound}"
    );
}

#[test]
fn processes_of_one_name_are_one_culprit() {
    let seen = with(|seen| {
        seen.processes = (1..=5)
            .map(|pid| process(pid, "rustc", 1.0, &[(0, 1.0)]))
            .collect();
        seen.processes.push(process(9, "make", 2.0, &[(0, 2.0)]));
    });
    assert_eq!(
        told("generator_run_queue", &[seen]),
        "5 processes \"rustc\" (1, 2, 3, 4, ...) took 50 % of CPU 0 meanwhile: stop them, or pin the generator apart (--cpus; [machine] in trial.toml)"
    );
    let kernel = with(|seen| {
        seen.processes = vec![Neighbour {
            kernel: true,
            ..process(15, "kcompactd0", 1.0, &[(0, 1.0)])
        }];
    });
    assert_eq!(
        told("generator_run_queue", &[kernel]),
        "kernel thread 15 \"kcompactd0\" took 10 % of CPU 0 meanwhile: pin the generator apart (--cpus; [machine] in trial.toml)"
    );
}

#[test]
fn steal_is_the_hypervisor_s_and_not_a_neighbour_s() {
    let seen = with(|seen| {
        seen.cpus[0].stolen_s = 1.2;
        seen.processes = vec![process(4711, "cargo", 0.5, &[(0, 0.5)])];
    });
    assert_eq!(
        told("steal", std::slice::from_ref(&seen)),
        "the hypervisor took 12 % of CPU 0, not a process of this machine: measure when the other guests of this host are quiet, or on a machine of your own"
    );
    let late = told("send_lag", std::slice::from_ref(&seen));
    assert!(
        late.starts_with("the hypervisor took 12 % of CPU 0 meanwhile: "),
        "{late}"
    );
    // The process took more: it is named for the lateness, and still not for the steal.
    let more = with(|seen| {
        seen.cpus[0].stolen_s = 1.2;
        seen.processes = vec![process(4711, "cargo", 5.0, &[(0, 5.0)])];
    });
    assert!(told("send_lag", std::slice::from_ref(&more)).starts_with("process 4711"));
    assert!(told("steal", &[more]).starts_with("the hypervisor took 12 %"));
    let elsewhere = with(|seen| seen.cpus[1].stolen_s = 5.0);
    assert!(!told("send_lag", &[elsewhere]).contains("the hypervisor took 50 %"));
}

#[test]
fn time_that_no_process_explains_has_a_name_of_its_own() {
    let started = with(|seen| (seen.unexplained_s, seen.started) = (3.0, 412));
    assert_eq!(
        told("send_lag", &[started]),
        "short-lived processes took 30 % of one CPU meanwhile (412 processes and threads were started): stop what starts them, or pin the generator apart (--cpus; [machine] in trial.toml)"
    );
    // Two that lived for half a second cannot have used three.
    let hidden = told("send_lag", &[with(|seen| seen.unexplained_s = 3.0)]);
    assert!(
        hidden.starts_with("30 % of one CPU went to processes that are not visible from here"),
        "{hidden}"
    );
    // No more than the generator's CPU ran, so the process is the heaviest.
    let elsewhere = with(|seen| {
        (seen.unexplained_s, seen.started) = (30.0, 4120);
        seen.cpus[0].ran_s = 4.0;
        seen.processes = vec![process(4711, "cargo", 4.5, &[(0, 4.5)])];
    });
    assert!(told("send_lag", &[elsewhere]).starts_with("process 4711"));
}

#[test]
fn the_side_and_interrupts_are_named_where_they_took_the_generator_s_cpu() {
    let side = with(|seen| seen.side = Some(vec![OnCpu { cpu: 0, cpu_s: 6.0 }]));
    assert_eq!(
        told("send_lag", &[side]),
        "the measured side itself took 60 % of CPU 0 meanwhile: pin the generator apart (--cpus; [machine] in trial.toml)"
    );
    let interrupts = with(|seen| seen.cpus[0].interrupts_s = 1.5);
    assert!(told("send_lag", &[interrupts]).starts_with("interrupts took 15 % of CPU 0 meanwhile"));
    let unsure = told(
        "send_lag",
        &[with(|seen| {
            seen.side = None;
            seen.processes = vec![process(4711, "server", 5.0, &[(0, 5.0)])];
        })],
    );
    assert!(
        unsure.contains("stop it unless it is the subject, or pin"),
        "{unsure}"
    );
}

#[test]
fn nothing_seen_is_said_and_nothing_is_guessed() {
    let none = told("send_lag", &[quiet()]);
    assert!(none.ends_with(
        "; no other process and no hypervisor took 1 % of CPU 0 meanwhile: the cause is not known"
    ), "{none}");
    let rate = told("sent_rate", &[quiet()]);
    assert!(
        rate.starts_with("the generator cannot keep this rate") && !rate.contains("not known"),
        "{rate}"
    );
    // Some of its threads were seen on the generator's CPU.
    let partly = with(|seen| seen.processes = vec![process(7, "java", 9.0, &[(0, 2.0), (1, 1.0)])]);
    let partly = told("send_lag", &[partly]);
    assert!(
        partly.starts_with(
            "process 7 \"java\" took at least 20 % of CPU 0 (in all 90 % of one CPU) meanwhile: "
        ),
        "{partly}"
    );
    // A process with many threads, of which none was seen on a CPU.
    let unlocated = told(
        "send_lag",
        &[with(|seen| {
            seen.processes = vec![process(7, "java", 5.0, &[])]
        })],
    );
    assert!(
        unlocated.starts_with(
            "process 7 \"java\" took 50 % of one CPU, on CPUs that are not known, meanwhile: "
        ),
        "{unlocated}"
    );
}

#[test]
fn what_was_not_observed_or_is_not_about_cpus_stays_as_it_was() {
    for code in [
        "generator_run_queue",
        "send_lag",
        "sent_rate",
        "steal",
        "generator_cpu",
    ] {
        let gate = failed(code);
        assert_eq!(sentence(&gate, []), gate.text(), "{code}");
    }
    for code in ["steal", "generator_cpu"] {
        let gate = failed(code);
        assert_eq!(sentence(&gate, &[quiet()]), gate.text(), "{code}");
    }
    let busy = with(|seen| seen.processes = vec![process(1, "a", 9.0, &[(0, 9.0)])]);
    let passed = Gate {
        passed: true,
        ..failed("send_lag")
    };
    assert_eq!(sentence(&passed, &[busy]), passed.figure);
}
