//! The difference of two contents of which no byte or no character may differ.

use super::bodies::one_line;
use super::{Found, Site};
use crate::document;
use crate::hash::Hash;
use crate::json::Json;
use crate::{align, character, preview};
use understudy_model::{Character, DifferenceKind as Kind, Relation};

/// Most lines of a text that are looked at one by one. Of a longer one those before the first and after the last
/// difference do not count.
const MAX_LINES: usize = if cfg!(test) { 1 << 6 } else { 1 << 18 };

/// Two texts without the lines that they have in common at their start and end.
#[derive(Clone, Copy)]
struct Middle<'t> {
    before: Option<&'t str>,
    a: &'t str,
    b: &'t str,
}

impl<'t> Middle<'t> {
    /// All of two texts, without their last line feeds.
    fn all(a: &'t str, b: &'t str) -> Middle<'t> {
        let text = |text: &'t str| text.strip_suffix('\n').unwrap_or(text);
        Middle {
            before: None,
            a: text(a),
            b: text(b),
        }
    }

    fn is_long(&self) -> bool {
        let feeds = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count();
        feeds(self.a).max(feeds(self.b)) >= MAX_LINES
    }

    fn narrowed(self) -> Middle<'t> {
        let (a, b) = (self.a.as_bytes(), self.b.as_bytes());
        let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let start = memchr::memrchr(b'\n', &a[..same]).map_or(0, |at| at + 1);
        let (rest_a, rest_b) = (&a[start..], &b[start..]);
        let back = rest_a.iter().rev().zip(rest_b.iter().rev());
        let same = back.take_while(|(a, b)| a == b).count();
        // From the first line feed that both have at the end on, lines are the same.
        let tail = rest_a.len() - same;
        let end = memchr::memchr(b'\n', &rest_a[tail..]).map_or(0, |at| same - at);
        Middle {
            before: (start > 0).then(|| &self.a[..start - 1]),
            a: &self.a[start..a.len() - end],
            b: &self.b[start..b.len() - end],
        }
    }

    fn lines_before(&self) -> impl Iterator<Item = &'t str> {
        self.before.into_iter().flat_map(|text| text.split('\n'))
    }
}

impl Found<'_, '_> {
    /// Bytes of which none may differ.
    pub(super) fn exact(&mut self, a: &[u8], b: &[u8]) {
        let text = |bytes| {
            std::str::from_utf8(bytes)
                .ok()
                .filter(|text| !text.contains('\0'))
        };
        match (text(a), text(b)) {
            (Some(a), Some(b)) => self.lines(a, b),
            _ => self.bytes(a, b),
        }
    }

    fn bytes(&mut self, a: &[u8], b: &[u8]) {
        let site = self.site();
        let rules = self.rules_at(&site, Kind::Bytes);
        self.runs(site, (a, b), rules);
    }

    /// Texts in whatever encoding.
    pub(super) fn text(&mut self, a: &[u8], b: &[u8]) {
        let (Some((x, of_x)), Some((y, of_y))) = (document::text(a), document::text(b)) else {
            return self.exact(a, b);
        };
        let is_told = self.layouts(&of_x, &of_y);
        match x == y {
            true if !is_told => self.bytes(a, b),
            true => {}
            false => self.lines(&x, &y),
        }
    }

    /// Texts of which no character may differ, line by line: a line is all between two line feeds.
    pub(super) fn lines(&mut self, a: &str, b: &str) {
        let mut middle = Middle::all(a, b);
        if middle.is_long() {
            middle = middle.narrowed();
        }
        match middle.is_long() {
            true => self.many_lines(middle),
            false => {
                let lines =
                    |text: &'_ str| -> Vec<Json> { text.split('\n').map(one_line).collect() };
                let (lines_a, lines_b) = (lines(middle.a), lines(middle.b));
                let aligned = align::align(&lines_a, &lines_b);
                let only_order = align::Alignment {
                    reordered: true,
                    ..align::Alignment::default()
                };
                if aligned.reordered {
                    self.order(middle, aligned == only_order);
                }
                self.differing_lines(middle.lines_before(), (&lines_a, &lines_b), aligned);
            }
        }
        let end = |text: &str| match text.ends_with('\n') {
            true => "a line feed at the end",
            false => "no line feed at the end",
        };
        if end(a) != end(b) {
            self.of_layout(end(a), end(b));
        }
    }

    /// More lines than are looked at one by one: in another order, or else another text as a whole.
    fn many_lines(&mut self, middle: Middle<'_>) {
        // Whatever the order, the sum is the same.
        let sum = |text: &str| {
            let one = |line: &str| Hash::new(b'L').bytes(line.as_bytes()).finish();
            text.split('\n')
                .fold((0_u64, 0_u128), |(lines, sum), line| {
                    (lines + 1, sum.wrapping_add(one(line)))
                })
        };
        if middle.a == middle.b {
            return;
        }
        if sum(middle.a) == sum(middle.b) {
            return self.order(middle, true);
        }
        let (site, shown) = self.first(middle);
        let site = Site {
            bytes: self.bytes,
            ..site
        };
        let of = |text| character::of_text_body(text);
        self.keep(
            site,
            Kind::Text,
            (of(middle.a), shown.0),
            (of(middle.b), shown.1),
            Relation::default(),
        );
    }

    /// Where the first difference is, and both lines there.
    fn first(&self, middle: Middle<'_>) -> (Site, (String, String)) {
        let (mut a, mut b) = (middle.a.split('\n'), middle.b.split('\n'));
        let mut at = middle.lines_before().count() + 1;
        let mut pair = (a.next(), b.next());
        while pair.0 == pair.1 && pair.0.is_some() {
            pair = (a.next(), b.next());
            at += 1;
        }
        let pair = (pair.0.unwrap_or_default(), pair.1.unwrap_or_default());
        let site = Site {
            path: self.part.line(at as u64),
            ..self.site()
        };
        let shown = preview::texts(self.differ.redact, &site.path, pair.0, pair.1);
        (site, shown)
    }

    /// Lines that both have, in another order. That they are the same ones was compared, so if this is excused, nothing
    /// was left out.
    fn order(&mut self, middle: Middle<'_>, is_all: bool) {
        let (site, (shown_a, shown_b)) = self.first(middle);
        let says = match is_all {
            true => "the same lines in another order",
            false => "lines that both have are in another order",
        };
        let of = || Character("order of lines".to_owned());
        let shown_b = format!("{shown_b} ({says})");
        self.keep(
            site,
            Kind::Order,
            (of(), shown_a),
            (of(), shown_b),
            Relation::default(),
        );
    }
}
