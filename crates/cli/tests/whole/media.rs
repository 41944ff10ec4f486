//! Commands whose outputs are media: whole trials with a real ffmpeg.

use crate::harness::{Ended, Scratch, machine, run, understudy};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// The ffmpeg that makes and reads the clips; `None`, and why, where there is none.
#[expect(clippy::print_stderr, reason = "a test says why it was skipped")]
fn ffmpeg() -> Option<String> {
    let program = std::env::var("UNDERSTUDY_FFMPEG").unwrap_or_else(|_| "ffmpeg".to_owned());
    let is_there = Command::new(&program).arg("-version").output().is_ok();
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "there is no ffmpeg");
        eprintln!("skipped: no ffmpeg in PATH (apt-get install ffmpeg)");
    }
    is_there.then_some(program)
}

/// Makes a file in the folder of a test.
fn make(ffmpeg: &str, scratch: &Scratch, args: &str) {
    let mut command = Command::new(ffmpeg);
    command.args(["-nostdin", "-v", "error", "-y"]);
    let made = command
        .args(args.split_whitespace())
        .current_dir(scratch.path());
    assert!(made.status().unwrap().success(), "{args}");
}

const CLIP: &str =
    "-f lavfi -i testsrc2=size=160x120:rate=25 -frames:v 25 -pix_fmt yuv420p clip.y4m";

fn trial(scratch: &Scratch) -> Ended {
    run(understudy()
        .current_dir(scratch.path())
        .args(["trial", "--quick", "trial.toml"]))
}

/// The comparison of the candidate in the only run.
fn comparison(scratch: &Scratch) -> Value {
    let text = fs::read_to_string(scratch.run().join("verdict.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    document["comparisons"][0].clone()
}

fn paths(comparison: &Value) -> Vec<String> {
    let clusters = comparison["equivalence"]["clusters"].as_array().unwrap();
    let path = |cluster: &Value| cluster["path"].as_str().unwrap().to_owned();
    clusters.iter().map(path).collect()
}

/// An encoder at four levels of quality: `encode` is a shell line with `$2` as level, from 2 to 16.
fn encoders(ffmpeg: &str, scratch: &Scratch, [incumbent, candidate]: [&str; 2], reference: &str) {
    let line = |options: &str| {
        format!(
            "{ffmpeg} -nostdin -v error -i clip.y4m {options} -fflags +bitexact -flags:v +bitexact out.mkv"
        )
    };
    let toml = format!(
        "schema = 1\n[subject]\nkind = \"command\"\n\
         [side.incumbent]\nshell = true\nrun = {:?}\n[side.candidate]\nshell = true\nrun = {:?}\n\
         [workload]\ncases = \"cases.jsonl\"\n[compare.media]\nffmpeg = {ffmpeg:?}\n\
         [[compare.output]]\npath = \"out.mkv\"\nas = \"media\"\n\
         quality = {{ reference = {reference:?}, metric = \"psnr\", margin = \"5%\" }}\n",
        line(incumbent),
        line(candidate),
    );
    scratch.write("trial.toml", &toml);
    let case = |level: u32| {
        format!(
            "{{\"clip\": \"clip\", \"env\": {{\"Q\": \"{level}\"}}, \"files\": {{\"clip.y4m\": {{\"file\": \"clip.y4m\"}}}}}}\n"
        )
    };
    let cases: String = [2, 4, 8, 16].map(case).concat();
    scratch.write("cases.jsonl", &cases);
}

#[test]
fn a_decoder_that_changes_a_frame_is_found_by_its_number() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let _machine = machine();
    let scratch = Scratch::new("media-decoder");
    make(&ffmpeg, &scratch, CLIP);
    make(&ffmpeg, &scratch, "-i clip.y4m -c:v ffv1 clip.mkv");
    let toml = |candidate: &str| {
        format!(
            "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"{ffmpeg} -v error -i clip.mkv out.y4m\"\n\
             [side.candidate]\nrun = \"{ffmpeg} -v error -i clip.mkv {candidate}\"\n\
             [workload]\ncases = \"cases.jsonl\"\n[compare.media]\nffmpeg = {ffmpeg:?}\n[[compare.output]]\npath = \"out.*\"\nas = \"media\"\n"
        )
    };
    scratch.write(
        "cases.jsonl",
        "{\"files\": {\"clip.mkv\": {\"file\": \"clip.mkv\"}}}\n",
    );
    // A comma ends a filter unless it is escaped; TOML wants the backslash twice.
    let frame = r"-vf drawbox=x=3:y=3:w=2:h=2:color=red:enable='eq(n\\,17)' out.y4m";
    scratch.write("trial.toml", &toml(frame));
    let ended = trial(&scratch);
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let found = comparison(&scratch);
    assert_eq!(paths(&found), ["file:out.y4m;stream 0;frame"]);
    let example = &found["equivalence"]["clusters"][0]["examples"][0];
    assert_eq!(example["path"], "file:out.y4m;stream 0;frame 17");
    fs::remove_dir_all(scratch.path().join("runs")).unwrap();
    // Other bytes, and the same frames.
    scratch.write("trial.toml", &toml("-c:v ffv1 -f matroska out.y4m"));
    let ended = trial(&scratch);
    assert_ne!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn an_encoder_that_needs_more_bits_is_not_equivalent_and_one_that_needs_fewer_is() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let _machine = machine();
    let scratch = Scratch::new("media-encoder");
    make(&ffmpeg, &scratch, CLIP);
    // Pictures that depend on no other need more bits.
    let (good, bad) = ("-c:v mpeg4 -g 50 -q:v $Q", "-c:v mpeg4 -g 1 -q:v $Q");
    encoders(&ffmpeg, &scratch, [good, bad], "{clip}.y4m");
    let ended = trial(&scratch);
    assert_eq!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let found = comparison(&scratch);
    assert_eq!(paths(&found), ["file:out.mkv;clip clip"]);
    let quality = &found["quality"][0];
    assert!(quality["bd_rate"].as_f64().unwrap() > 0.3, "{quality}");
    assert_eq!(quality["bd_rate_of_itself"], 0.0);
    assert_eq!(quality["incumbent"].as_array().unwrap().len(), 4);
    assert!(
        ended.stdout.contains("for the same PSNR (BD-rate)"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("one clip, so there is no interval"),
        "{}",
        ended.stdout
    );
    // Frames may differ, and still those faults are found that a comparison of encoders must find.
    let faults = found["self_test"]["faults"].as_array().unwrap();
    let of = |name: &str| {
        let mut all = faults.iter().filter(|fault| fault["fault"] == name);
        all.next().map(|fault| fault["missed"].as_u64())
    };
    for name in [
        "frame_missing",
        "frame_duplicated",
        "times_changed",
        "size_changed",
    ] {
        assert_eq!(of(name), Some(Some(0)), "{name}: {faults:?}");
    }
    assert_eq!((of("block_changed"), of("frames_swapped")), (None, None));
    fs::remove_dir_all(scratch.path().join("runs")).unwrap();
    encoders(&ffmpeg, &scratch, [bad, good], "{clip}.y4m");
    let ended = trial(&scratch);
    assert_ne!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let rate = comparison(&scratch)["quality"][0]["bd_rate"]
        .as_f64()
        .unwrap();
    assert!(rate < -0.2, "{rate}");
}

#[test]
fn a_wrong_reference_gives_no_verdict_and_a_missing_one_no_trial() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let _machine = machine();
    let scratch = Scratch::new("media-reference");
    make(&ffmpeg, &scratch, CLIP);
    make(&ffmpeg, &scratch, "-i clip.y4m -frames:v 24 other.y4m");
    let same = "-c:v mpeg4 -q:v $Q";
    encoders(
        &ffmpeg,
        &scratch,
        [same, "-c:v mpeg4 -g 3 -q:v $Q"],
        "other.y4m",
    );
    let ended = trial(&scratch);
    assert_eq!(ended.code, 4, "{}{}", ended.stdout, ended.stderr);
    let why = comparison(&scratch)["equivalence"]["lost_by_reason"].to_string();
    assert!(
        why.contains("it has 25 frames of 160x120, and the reference"),
        "{why}"
    );
    encoders(&ffmpeg, &scratch, [same, same], "{clip}/none.y4m");
    let ended = trial(&scratch);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("none.y4m\" is not a file"),
        "{}",
        ended.stderr
    );
}

#[test]
fn without_a_reader_and_with_too_few_points_nothing_starts() {
    let _machine = machine();
    let scratch = Scratch::new("media-missing");
    scratch.write("clip.y4m", "");
    encoders("/nonexistent/ffmpeg", &scratch, ["a", "b"], "clip.y4m");
    scratch.write("cases.jsonl", "{\"clip\": \"clip\"}\n{\"args\": [\"x\"]}\n");
    let ended = trial(&scratch);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for said in [
        "compare.media.ffmpeg: `/nonexistent/ffmpeg` is needed to read media",
        "the clip \"clip\" has 1 of the 4 cases that a curve needs",
        "case 2 has no \"clip\"",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert!(!scratch.path().join("runs").exists());
}

#[test]
fn what_is_no_media_is_not_compared_and_that_is_no_verdict() {
    if ffmpeg().is_none() {
        return;
    }
    let _machine = machine();
    let scratch = Scratch::new("media-none");
    let commands = ["echo 1,2 > out.csv", "echo 2,1 > out.csv"];
    let flags = ["trial", "--quick", "--shell", "--output", "*.csv=media"];
    let ended = run(understudy()
        .current_dir(scratch.path())
        .args(flags)
        .args(commands));
    assert_eq!(ended.code, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("ffmpeg cannot read it"),
        "{}",
        ended.stdout
    );
}

/// A rule that hides a planted fault is named.
#[test]
fn faults_are_put_into_media_and_a_rule_that_hides_one_is_named() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let _machine = machine();
    let scratch = Scratch::new("media-faults");
    make(&ffmpeg, &scratch, CLIP);
    let toml = format!(
        "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"cp clip.y4m out.y4m\"\n\
         [side.candidate]\nrun = \"{ffmpeg} -v error -i clip.y4m -c:v ffv1 -f matroska out.y4m\"\n\
         [workload]\ncases = \"cases.jsonl\"\n[compare.media]\nffmpeg = {ffmpeg:?}\n\
         [[compare.output]]\npath = \"out.y4m\"\nas = \"media\"\n\
         [[compare.rule]]\npath = \"file:out.y4m;stream 0;times\"\nreason = \"our players ignore times\"\n"
    );
    scratch.write("trial.toml", &toml);
    scratch.write(
        "cases.jsonl",
        "{\"files\": {\"clip.y4m\": {\"file\": \"clip.y4m\"}}}\n",
    );
    let ended = trial(&scratch);
    assert_ne!(ended.code, 5, "{}{}", ended.stdout, ended.stderr);
    let test = comparison(&scratch)["self_test"].clone();
    let faults = test["faults"].as_array().unwrap();
    let missed = |name: &str| {
        let mut all = faults.iter().filter(|of| of["fault"] == name);
        let found = all
            .next()
            .map(|of| (of["injected"].as_u64(), of["missed"].as_u64()));
        assert_eq!(
            found.and_then(|(injected, _)| injected),
            Some(1),
            "{name}: {test}"
        );
        found.and_then(|(_, missed)| missed)
    };
    for name in [
        "frame_missing",
        "frame_duplicated",
        "frames_swapped",
        "block_changed",
        "size_changed",
    ] {
        assert_eq!(missed(name), Some(0), "{name}: {test}");
    }
    assert_eq!(missed("times_changed"), Some(1), "{test}");
    let hides = &test["hidden_by"][0];
    assert!(
        hides["by"].as_str().unwrap().contains("stream 0;times"),
        "{test}"
    );
}
