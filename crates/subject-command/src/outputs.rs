//! How what a run wrote is compared: a word for standard output, one for standard error, and one for each pattern of
//! files.

use glob::{MatchOptions, Pattern};
use std::path::PathBuf;
use understudy_model::quality::Metric;
use understudy_model::{Share, meant};

/// `*` does not lead into another directory; `**` does.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

macro_rules! ways {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal,)*) => {
        /// How an output is compared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ComparedAs { $($(#[doc = $doc])* $name,)* }

        impl ComparedAs {
            /// Every way.
            pub const ALL: &[ComparedAs] = &[$(ComparedAs::$name),*];
            /// Their words, in the same order.
            const WORDS: &[&str] = &[$($word),*];

            /// The word in a configuration.
            pub fn word(self) -> &'static str {
                match self { $(ComparedAs::$name => $word,)* }
            }
        }
    };
}

ways! {
    /// No byte may differ. Texts are shown by line.
    Bytes = "bytes",
    /// As text: its encoding and byte order mark are a difference of their own.
    Text = "text",
    /// By line: CR LF ends one as LF does. A line feed that is missing at the end is a difference.
    Lines = "lines",
    /// By line, in whatever order.
    SortedLines = "sorted-lines",
    /// As a JSON document.
    Json = "json",
    /// As a JSON document a line.
    JsonLines = "jsonl",
    /// As a table.
    Csv = "csv",
    /// Empty or not empty.
    Class = "class",
    /// By what it says without its compression, which has to be of the same kind.
    Compressed = "compressed",
    /// As a data set.
    Dataset = "dataset",
    /// As sound, pictures or video.
    Media = "media",
    /// Not at all. Of a file, also not that it is there.
    Ignore = "ignore",
}

impl ComparedAs {
    /// The way that this word names.
    ///
    /// # Errors
    /// Cause and hint: there is no such way.
    pub fn parse(word: &str) -> Result<ComparedAs, String> {
        let known = Self::ALL.iter().find(|way| way.word() == word);
        known.copied().ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            match meant(&shown, Self::WORDS) {
                Some(meant) => {
                    format!(
                        "{shown:?} is not a way to compare an output\nhint: did you mean {meant:?}?"
                    )
                }
                None => format!(
                    "{shown:?} is not a way to compare an output\nhint: use one of {}",
                    Self::WORDS.join(", ")
                ),
            }
        })
    }
}

/// How the output of an encoder is compared: the bits that it takes for the same quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// The file that the output is compared with: a path in which [`CLIP`] stands for the clip of the case.
    pub reference: String,
    /// How.
    pub metric: Metric,
    /// By how much a candidate may need more bits.
    pub margin: Share,
}

/// What stands for the clip of a case in the path of a reference.
pub const CLIP: &str = "{clip}";

/// What the media type of a part ends with whose frames need not be equal.
pub const ANY_FRAMES: &str = "; frames=any";

impl Quality {
    /// The reference of a clip.
    pub fn reference_of(&self, clip: &str) -> PathBuf {
        self.reference.replace(CLIP, clip).into()
    }
}

/// The files that match a pattern.
#[derive(Clone, Debug, PartialEq)]
struct Files {
    pattern: Pattern,
    way: ComparedAs,
    quality: Option<Quality>,
}

/// How all outputs of a command are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// Standard output.
    pub stdout: ComparedAs,
    /// Standard error.
    pub stderr: ComparedAs,
    /// Files by pattern: the first that matches holds.
    files: Vec<Files>,
}

impl Default for Outputs {
    /// Standard output and files by their bytes. Of standard error only whether it is empty: the messages of two
    /// programs always differ.
    fn default() -> Self {
        Outputs {
            stdout: ComparedAs::Bytes,
            stderr: ComparedAs::Class,
            files: Vec::new(),
        }
    }
}

impl Outputs {
    /// The outputs of these entries, path and word each. A path is `stdout`, `stderr`, or a pattern of paths as
    /// [`name_of`](crate::name_of) writes them (`out/*.json`, `$HOME/**`). Of two entries for one output the first holds.
    ///
    /// # Errors
    /// For each wrong entry its index, and what is wrong with it: cause and hint.
    pub fn read<'e>(
        entries: impl IntoIterator<Item = (&'e str, &'e str)>,
    ) -> Result<Outputs, Vec<(usize, String)>> {
        let mut outputs = Outputs::default();
        let (mut stdout, mut stderr) = (None, None);
        let mut errors = Vec::new();
        for (index, (path, word)) in entries.into_iter().enumerate() {
            let way = match ComparedAs::parse(word) {
                Ok(way) => way,
                Err(what) => {
                    errors.push((index, what));
                    continue;
                }
            };
            match path {
                "stdout" => drop(stdout.get_or_insert(way)),
                "stderr" => drop(stderr.get_or_insert(way)),
                pattern => match file_pattern(pattern) {
                    Ok(pattern) => outputs.files.push(Files {
                        pattern,
                        way,
                        quality: None,
                    }),
                    Err(what) => errors.push((index, what)),
                },
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        outputs.stdout = stdout.unwrap_or(outputs.stdout);
        outputs.stderr = stderr.unwrap_or(outputs.stderr);
        Ok(outputs)
    }

    /// The entries that read as these.
    pub fn entries(&self) -> Vec<(&str, &'static str)> {
        let own = [
            ("stdout", self.stdout.word()),
            ("stderr", self.stderr.word()),
        ];
        let files = self.files.iter();
        let files = files.map(|files| (files.pattern.as_str(), files.way.word()));
        own.into_iter().chain(files).collect()
    }

    /// How the file of this name is compared.
    pub fn of_file(&self, name: &str) -> ComparedAs {
        self.matching(name)
            .map_or(ComparedAs::Bytes, |files| files.way)
    }

    /// How the file of this name is compared by its quality; `None` if it is not.
    pub fn quality_of(&self, name: &str) -> Option<&Quality> {
        self.matching(name)?.quality.as_ref()
    }

    fn matching(&self, name: &str) -> Option<&Files> {
        let mut files = self.files.iter();
        files.find(|files| files.pattern.matches_with(name, MATCHING))
    }

    /// Every way in which an output is compared.
    pub fn ways(&self) -> impl Iterator<Item = ComparedAs> {
        let files = self.files.iter().map(|files| files.way);
        [self.stdout, self.stderr].into_iter().chain(files)
    }

    /// The patterns of files that are compared by their quality.
    pub fn qualities(&self) -> impl Iterator<Item = (&str, &Quality)> {
        let files = self.files.iter();
        files.filter_map(|files| Some((files.pattern.as_str(), files.quality.as_ref()?)))
    }

    /// Compares the files of a pattern by their quality.
    ///
    /// # Errors
    /// Why that is not possible: cause and hint.
    pub fn compare_quality(&mut self, pattern: &str, quality: Quality) -> Result<(), String> {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let mut files = self.files.iter_mut();
        let files = files.find(|files| files.pattern.as_str() == pattern);
        match files.filter(|files| files.way == ComparedAs::Media) {
            Some(files) => {
                files.quality = Some(quality);
                Ok(())
            }
            None => Err("goes with files that are media\nhint: set `as = \"media\"`".to_owned()),
        }
    }
}

/// A pattern of paths in the directories of a run.
fn file_pattern(pattern: &str) -> Result<Pattern, String> {
    if pattern.starts_with('/') {
        return Err(format!(
            "{pattern:?} is absolute\nhint: name files relative to the working directory, or with `$HOME/` or `$TMPDIR/`"
        ));
    }
    if pattern.is_empty() || pattern.split('/').any(|part| part == "..") {
        return Err(format!(
            "{pattern:?} does not name files of the working directory\nhint: write `stdout`, `stderr`, or a pattern such as \
             `out/*.json`"
        ));
    }
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    Pattern::new(pattern)
        .map_err(|error| format!("{pattern:?} is not a valid pattern of files: {}", error.msg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_matches_holds() {
        let entries = [
            ("stdout", "sorted-lines"),
            ("out/*.json", "json"),
            ("**/*.log", "ignore"),
            ("./out/**", "lines"),
            ("$TMPDIR/**", "ignore"),
            ("stdout", "bytes"),
        ];
        let outputs = Outputs::read(entries).unwrap();
        assert_eq!(outputs.stdout, ComparedAs::SortedLines);
        assert_eq!(outputs.stderr, ComparedAs::Class);
        for (name, way) in [
            ("out/a.json", ComparedAs::Json),
            ("out/b/a.json", ComparedAs::Lines),
            ("run.log", ComparedAs::Ignore),
            ("out/x.log", ComparedAs::Ignore),
            ("$TMPDIR/x", ComparedAs::Ignore),
            ("a.json", ComparedAs::Bytes),
        ] {
            assert_eq!(outputs.of_file(name), way, "{name}");
        }
        assert_eq!(Outputs::read([]), Ok(Outputs::default()));
    }

    #[test]
    fn a_quality_goes_with_media_alone() {
        let mut outputs = Outputs::read([("./out/*.ivf", "media"), ("log", "text")]).unwrap();
        let quality = Quality {
            reference: "/clips/{clip}.y4m".to_owned(),
            metric: Metric::Ssim,
            margin: Share::new(0.05),
        };
        assert!(outputs.compare_quality("log", quality.clone()).is_err());
        assert!(outputs.compare_quality("stdout", quality.clone()).is_err());
        outputs
            .compare_quality("./out/*.ivf", quality.clone())
            .unwrap();
        assert_eq!(outputs.quality_of("out/a.ivf"), Some(&quality));
        assert_eq!(outputs.quality_of("log"), None);
        assert_eq!(quality.reference_of("a b"), PathBuf::from("/clips/a b.y4m"));
    }

    #[test]
    fn all_mistakes_are_reported_with_what_was_meant() {
        let entries = [
            ("stdout", "jsn"),
            ("out/[", "json"),
            ("/tmp/x", "bytes"),
            ("../x", "bytes"),
            ("stderr", "whatever"),
            ("ok", "class"),
        ];
        let errors = Outputs::read(entries).unwrap_err();
        let indices: Vec<usize> = errors.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, [0, 1, 2, 3, 4]);
        assert_eq!(
            errors[0].1,
            "\"jsn\" is not a way to compare an output\nhint: did you mean \"json\"?"
        );
        assert!(
            errors[1]
                .1
                .starts_with("\"out/[\" is not a valid pattern of files: ")
        );
        assert!(errors[4].1.ends_with("hint: use one of bytes, text, lines, sorted-lines, json, jsonl, csv, class, compressed, dataset, media, ignore"));
        for way in ComparedAs::ALL {
            assert_eq!(ComparedAs::parse(way.word()), Ok(*way));
        }
    }
}
