//! `[workload]` of commands: what each run gets.

use super::reader::Section;
use super::{Surroundings, absolute};
use std::path::Path;
use understudy_judge::terms::{Goal, Sizing};
use understudy_model::quality::Metric;
use understudy_model::{Share, Span};
use understudy_subject_command::{Outputs, Quality, literal_pattern};
use understudy_trial::config::{Cache, CasesFrom, CommandWorkload, Kind, WorkloadConfig};

/// The program that reads media, where nothing is said.
pub(super) const FFMPEG: &str = "ffmpeg";
/// By how much more bits a candidate may need for the same quality, where nothing is said.
const MARGIN: f64 = 0.05;
/// Longest time of one run, where nothing is said.
pub(super) const TIMEOUT: Span = Span::from_secs(600);

/// Reads the section; `None` if a problem says why.
pub(super) fn read(
    mut section: Section<'_>,
    (outputs, ffmpeg): (Outputs, String),
    deadline: Option<Span>,
    around: &Surroundings<'_>,
) -> Option<CommandWorkload> {
    let cases = section.text("cases").map(str::to_owned);
    let cases = cases.map_or(CasesFrom::Alone, |cases| cases_from(&cases, around.folder));
    let caches = Cache::ALL.map(|cache| (cache.name(), cache));
    let cache = section.choice("cache", &caches).unwrap_or_default();
    let timeout = section.quantity("timeout").unwrap_or(TIMEOUT);
    if timeout.nanos() == 0 {
        section.refuse("timeout", "0 leaves no time to run");
    }
    let instructions = section.boolean("instructions").unwrap_or(false);
    let what = "the arguments of a start without a case, such as [\"--version\"]";
    let startup = section.words("startup", what);
    // Arguments that are wrong were asked for all the same: a goal on the start is no second mistake.
    let startup = startup.or_else(|| section.has("startup").then(Vec::new));
    let unit = section.text("size_unit").unwrap_or(Sizing::UNIT).to_owned();
    if deadline.is_some() && !matches!(cases, CasesFrom::File(_)) {
        let what = "a deadline needs cases with sizes\nhint: name a file of cases whose lines have a `size`, such as cases = \"cases.jsonl\"";
        section.refuse("cases", what);
    }
    section.finish();
    Some(CommandWorkload {
        cases,
        cache,
        timeout,
        outputs,
        instructions,
        ffmpeg,
        startup,
        sizing: Sizing { unit, deadline },
    })
}

/// How what runs write is compared: `stdout`, `stderr`, and each `[[compare.output]]`.
pub(super) fn outputs(section: &mut Section<'_>, folder: &Path) -> Outputs {
    let (mut entries, mut keys) = (Vec::new(), Vec::new());
    let mut qualities = Vec::new();
    for name in ["stdout", "stderr"] {
        if let Some(word) = section.text(name) {
            entries.push((name, word));
            keys.push((None, name));
        }
    }
    let mut files = section.sections("output");
    for (index, file) in files.iter_mut().enumerate() {
        file.need(
            &["path"],
            "write which files, such as path = \"out/*.json\"",
        );
        file.need(
            &["as"],
            "write how they are compared, such as as = \"json\"",
        );
        if let (Some(path), Some(word)) = (file.text("path"), file.text("as")) {
            entries.push((path, word));
            keys.push((Some(index), "as"));
            if file.has("quality") {
                let quality = quality(file.section("quality"), folder);
                qualities.extend(quality.map(|quality| (index, path, quality)));
            }
        }
    }
    let read = Outputs::read(entries);
    for (at, what) in read.as_ref().err().into_iter().flatten() {
        match keys[*at] {
            (Some(file), key) => files[file].refuse(key, what),
            (None, key) => section.refuse(key, what),
        }
    }
    let mut outputs = read.unwrap_or_default();
    for (index, path, quality) in qualities {
        // An entry that could not be read is a problem that was reported.
        if let (Err(what), true) = (
            outputs.compare_quality(path, quality),
            outputs != Outputs::default(),
        ) {
            files[index].refuse("quality", what);
        }
    }
    files.into_iter().for_each(Section::finish);
    outputs
}

/// `quality` of an output: what an encoder wrote against what it was given.
fn quality(mut section: Section<'_>, folder: &Path) -> Option<Quality> {
    section.need(
        &["reference"],
        "write what the output is compared with, such as reference = \"clips/{clip}.y4m\"",
    );
    let reference = section.text("reference");
    let metrics = Metric::ALL.map(|metric| (metric.name(), metric));
    let metric = section.choice("metric", &metrics).unwrap_or(Metric::Psnr);
    let margin = section.percentage::<Share>("margin");
    section.finish();
    let reference = absolute(folder, reference?).display().to_string();
    Some(Quality {
        reference,
        metric,
        margin: margin.unwrap_or(Share::new(MARGIN)),
    })
}

/// `[compare.media]`: the program that reads outputs that are media. One with a slash is relative to the file.
pub(super) fn ffmpeg(section: &mut Section<'_>, folder: &Path) -> String {
    let mut section = section.section("media");
    let ffmpeg = section.text("ffmpeg").unwrap_or(FFMPEG);
    section.finish();
    match ffmpeg.contains('/') {
        true => absolute(folder, ffmpeg).display().to_string(),
        false => ffmpeg.to_owned(),
    }
}

/// A file of JSON lines by its name, else a pattern: a case for each file.
pub(super) fn cases_from(text: &str, folder: &Path) -> CasesFrom {
    // A bracket that is not closed is no set of characters: `[.jsonl` has the cases of the command `[`.
    let has_set = text
        .split_once('[')
        .is_some_and(|(_, rest)| rest.contains(']'));
    let is_pattern = text.contains(['*', '?']) || has_set;
    let path = absolute(folder, text);
    // The name of a folder may have a bracket in it.
    if text.ends_with(".jsonl") && (!is_pattern || path.is_file()) {
        return CasesFrom::File(path);
    }
    // The folder is no part of the pattern, whatever its name has in it.
    let pattern = absolute(&literal_pattern(folder), text);
    CasesFrom::Pattern(pattern.display().to_string())
}

/// `[capacity]` of commands: until when a run has to be done. The sizes that it is about are in the case file.
pub(super) fn deadline(mut section: Section<'_>) -> Option<Span> {
    if !section.is_there() {
        return None;
    }
    section.need(
        &["deadline"],
        "write when a run has to be done, such as deadline = \"10min\"",
    );
    let deadline = section.quantity::<Span>("deadline");
    if deadline.is_some_and(|deadline| deadline.nanos() == 0) {
        section.refuse("deadline", "0 leaves no time to run");
    }
    section.finish();
    deadline
}

/// Goals that the kind of subject has no figure for.
pub(super) fn check_goals(
    (kind, workload): (Kind, Option<&WorkloadConfig>),
    goals: &[Goal],
    root: &Section<'_>,
) {
    // What could not be read is reported already.
    let commands = workload.map(WorkloadConfig::command);
    let has_startup = commands.is_none_or(|of| of.is_some_and(|of| of.startup.is_some()));
    let mut wrong = goals.iter();
    let what = wrong.find_map(|goal| wrong_goal((kind, has_startup), goal));
    if let Some(what) = what {
        root.refuse("goal", what);
    }
}

/// Why a goal does not go with a kind of subject, of which a start is measured or not.
pub(super) fn wrong_goal((kind, has_startup): (Kind, bool), goal: &Goal) -> Option<&'static str> {
    match (kind, goal) {
        (Kind::Command, Goal::Startup(_)) if !has_startup => Some(
            "`startup` is not measured\nhint: write `startup`, the arguments of a start without a case, in `[workload]`",
        ),
        (Kind::Command, Goal::Latency { .. }) => Some(
            "compares quantiles, and a command has too few runs for them\nhint: use `wall`, the time of a run",
        ),
        (Kind::Http, Goal::Wall(_)) => {
            Some("`wall` is the time of a run of a command\nhint: use a quantile such as `p99`")
        }
        (Kind::Http, Goal::Startup(_)) => Some(
            "`startup` is the time of a start of a command\nhint: use a quantile such as `p99`",
        ),
        _ => None,
    }
}

/// What a shell would do with words that a program gets as they are.
pub(super) fn not_a_shell(words: &[String]) -> Option<String> {
    const OF_A_SHELL: [&str; 9] = ["|", "||", "&&", ";", ">", ">>", "<", "2>", "2>&1"];
    let word = words
        .iter()
        .find(|word| OF_A_SHELL.contains(&word.as_str()))?;
    Some(format!(
        "`{word}` is a word of a shell, and no shell reads the command\nhint: set `shell = true` (`--shell`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Mode};
    use std::path::PathBuf;
    use understudy_trial::config::WorkloadConfig;

    #[test]
    fn cases_are_a_file_or_what_a_pattern_matches() {
        let of = |text| cases_from(text, Path::new("/lab [1]"));
        let file = |path: &str| CasesFrom::File(PathBuf::from(path));
        let pattern = |path: &str| CasesFrom::Pattern(path.to_owned());
        assert_eq!(of("sort.jsonl"), file("/lab [1]/sort.jsonl"));
        assert_eq!(of("cases/[.jsonl"), file("/lab [1]/cases/[.jsonl"));
        assert_eq!(
            of("cases/[ab].jsonl"),
            pattern("/lab [[]1[]]/cases/[ab].jsonl")
        );
        assert_eq!(of("data/*.json"), pattern("/lab [[]1[]]/data/*.json"));
        assert_eq!(of("/data/?.jsonl"), pattern("/data/?.jsonl"));
    }

    #[test]
    fn a_quality_reads_as_it_was_written_and_goes_with_media_alone() {
        let text = |way: &str, metric: &str| {
            format!(
                "schema = 1\n[subject]\nkind = \"command\"\n[side.incumbent]\nrun = \"a\"\n[side.candidate]\nrun = \"b\"\n\
                 [compare.media]\nffmpeg = \"bin/ffmpeg\"\n[[compare.output]]\npath = \"./out/*.ivf\"\nas = \"{way}\"\n\
                 quality = {{ reference = \"clips/{{clip}}.y4m\", metric = \"{metric}\", margin = \"2.5%\" }}\n"
            )
        };
        let read = |text: &str| config::parse(text, Path::new("/lab"), "t", Mode::Judge);
        let config = read(&text("media", "ssim")).unwrap();
        assert_eq!(read(&config::write(&config)).unwrap(), config);
        let WorkloadConfig::Command(workload) = &config.workload else {
            panic!("commands are commands");
        };
        assert_eq!(workload.ffmpeg, "/lab/bin/ffmpeg");
        let quality = workload.outputs.quality_of("out/a.ivf").unwrap();
        assert_eq!(quality.reference_of("b"), Path::new("/lab/clips/b.y4m"));
        assert_eq!(
            (quality.metric, quality.margin.get()),
            (Metric::Ssim, 0.025)
        );
        for wrong in [text("bytes", "ssim"), text("media", "vmaff")] {
            let errors = read(&wrong).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].contains("quality"), "{errors:?}");
        }
    }

    #[test]
    fn what_a_folder_is_called_is_no_pattern() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a[1]*");
        std::fs::create_dir(&folder).unwrap();
        for name in ["x.json", "cases.jsonl"] {
            std::fs::write(folder.join(name), "{}").unwrap();
        }
        let file = CasesFrom::File(folder.join("cases.jsonl"));
        assert_eq!(cases_from("cases.jsonl", &folder), file);
        // As a run that is resumed reads it back.
        let whole = folder.join("cases.jsonl").display().to_string();
        assert_eq!(cases_from(&whole, &folder), file);
        let CasesFrom::Pattern(pattern) = cases_from("*.json", &folder) else {
            panic!("a pattern is one");
        };
        let cases = understudy_subject_command::file_cases(&pattern).unwrap();
        assert_eq!(cases.all.len(), 1);
        assert_eq!(cases_from(&pattern, &folder), CasesFrom::Pattern(pattern));
    }
}
