//! Text as a terminal shows it: lines that end where it does.

use crate::wording;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// How the text is dressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours, for a terminal that has them.
    pub colour: bool,
    /// Columns of the terminal; lines are as long as they are without it (a pipe, a file).
    pub width: Option<usize>,
}

/// Where the text behind a label begins.
pub(crate) const LABEL: usize = 14;
/// No terminal is narrower than a word.
const NARROWEST: usize = 20;

/// Lines, as they come.
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) width: Option<usize>,
}

impl Page {
    pub(crate) fn new(style: Style) -> Self {
        Page {
            text: String::new(),
            width: style.width.map(|width| width.max(NARROWEST)),
        }
    }

    /// One line, wrapped where the terminal ends; what follows is indented by `hang`.
    pub(crate) fn line(&mut self, hang: usize, text: &str) {
        let text = wording::one_line(text);
        match self.width {
            Some(width) => {
                let indent = " ".repeat(hang.min(width / 3));
                let options = Options::new(width)
                    .subsequent_indent(&indent)
                    .word_separator(WordSeparator::AsciiSpace)
                    .word_splitter(WordSplitter::NoHyphenation)
                    .wrap_algorithm(WrapAlgorithm::FirstFit);
                for line in textwrap::wrap(&wording::unbroken(&text), options) {
                    self.text += &line.replace('\u{a0}', " ");
                    self.text.push('\n');
                }
            }
            None => {
                self.text += &text;
                self.text.push('\n');
            }
        }
    }

    /// A command, which is copied and therefore never wrapped.
    pub(crate) fn command(&mut self, text: &str) {
        self.text += &format!("{:LABEL$}{}\n", "", wording::one_line(text));
    }

    pub(crate) fn empty(&mut self) {
        self.text.push('\n');
    }

    pub(crate) fn labelled(&mut self, label: &str, text: &str) {
        self.line(LABEL, &format!("{label:<LABEL$}{text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wrap_where_the_terminal_ends_and_commands_do_not() {
        let mut page = Page {
            text: String::new(),
            width: Some(30),
        };
        page.labelled(
            "limit",
            "a sentence that is longer than the terminal is wide",
        );
        page.command("curl -X POST \"$URL\"/a/very/long/path");
        assert_eq!(
            page.text,
            "limit         a sentence that\n          is longer than the\n          terminal is wide\n              curl -X POST \"$URL\"/a/very/long/path\n"
        );
    }
}
