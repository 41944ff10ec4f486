//! XML and HTML as one tree, read as leniently as browsers read pages: nothing is refused.
//!
//! An element is an object: `@name` for each attribute, an array for the children of each name, `#text` for its
//! texts, `#comment` for comments, and `#order` for the order of children with several names. White space
//! between elements is layout; character references, sections of CDATA and the ends of lines are not: no reader sees
//! them (XML, section 2.11; HTML, section 13.2.3.5). Limits: elements deeper than [`DEPTH`] are siblings of their
//! parents' children; entities that a document declares stay as written.

mod declarations;
mod references;

use super::{Layout, array, object, string};
use crate::json::{Json, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The deepest nesting of elements that is followed: each adds two levels to the tree.
const DEPTH: usize = 60;
/// Elements of HTML that have no content.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];
/// Elements of HTML whose content is text up to their end tag, and those of them whose references count.
const RAW: [&str; 4] = ["script", "style", "textarea", "title"];
const WITH_REFERENCES: [&str; 2] = ["textarea", "title"];
/// Elements of HTML at whose start a line feed means nothing.
const LINE_FEED: [&str; 3] = ["listing", "pre", "textarea"];
/// Elements of SVG and MathML with HTML in them.
const INTEGRATION: [&str; 9] = [
    "annotation-xml",
    "desc",
    "foreignobject",
    "mi",
    "mn",
    "mo",
    "ms",
    "mtext",
    "title",
];
/// Elements of HTML that the next one of their name ends.
const IMPLIED: [&str; 8] = ["li", "p", "td", "th", "tr", "option", "dt", "dd"];

/// The tree of a text.
pub(super) fn read(text: &str, is_html: bool, layout: &mut Layout) -> Json {
    let text = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    };
    let mut reader = Reader {
        rest: &text,
        is_html,
        open: vec![Element::default()],
        layout,
        has_type: false,
    };
    while !reader.rest.is_empty() {
        reader.next();
    }
    while reader.open.len() > 1 {
        let name = reader.top().name.clone();
        reader.layout.note(format!("<{name}> is not closed"));
        reader.close();
    }
    let root = reader.open.pop().unwrap_or_default();
    root.json(reader.layout)
}

#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(Box<str>, Json)>,
    /// Children and texts in their order.
    children: Vec<(Box<str>, Json)>,
    /// Text up to the next child.
    text: String,
    /// White space between children, until it is known whether there are any.
    spaces: Vec<String>,
}

impl Element {
    /// Ends a text.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        match text.trim_ascii().is_empty() {
            true if text.is_empty() => {}
            true => self.spaces.push(text),
            false => self.children.push(("#text".into(), string(&text))),
        }
    }

    fn push(&mut self, name: Box<str>, child: Json) {
        self.flush();
        self.children.push((name, child));
    }

    fn json(mut self, layout: &mut Layout) -> Json {
        self.flush();
        let Element {
            name,
            attributes: mut entries,
            mut children,
            text: _,
            spaces,
        } = self;
        let has_elements = children.iter().any(|(name, _)| !name.starts_with('#'));
        match has_elements {
            false => children.extend(
                spaces
                    .into_iter()
                    .map(|space| ("#text".into(), plain(&space))),
            ),
            true if spaces.is_empty() => layout.note(format!("no space in <{name}>")),
            true => {
                for space in spaces {
                    layout.note(format!("space {space:?} in <{name}>"));
                }
            }
        }
        let is_mixed = children.windows(2).any(|two| two[0].0 != two[1].0);
        if is_mixed {
            let order = children.iter().map(|(name, _)| plain(name)).collect();
            entries.push((ORDER.into(), array(order)));
        }
        // A stable sort: children of one name keep their order.
        children.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut named: Vec<(Box<str>, Vec<Json>)> = Vec::new();
        for (name, child) in children {
            match named.last_mut() {
                Some((last, all)) if *last == name => all.push(child),
                _ => named.push((name, vec![child])),
            }
        }
        entries.extend(named.into_iter().map(|(name, all)| (name, array(all))));
        object(entries)
    }
}

/// The entry that holds the order of children with several names.
pub(crate) const ORDER: &str = "#order";

fn plain(text: &str) -> Json {
    Json::new(Value::String(text.into()))
}

struct Reader<'t, 'l> {
    rest: &'t str,
    is_html: bool,
    /// The elements that are open, the document itself first.
    open: Vec<Element>,
    layout: &'l mut Layout,
    /// Has the document said its type? A second one would be searched for its end again.
    has_type: bool,
}

impl<'t> Reader<'t, '_> {
    fn top(&mut self) -> &mut Element {
        if self.open.is_empty() {
            self.open.push(Element::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn next(&mut self) {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            return self.take_until(rest, "-->", "#comment");
        }
        if let Some(rest) = self.rest.strip_prefix("<![CDATA[")
            && self.is_foreign()
        {
            let (text, rest) = rest.split_once("]]>").unwrap_or((rest, ""));
            self.rest = rest;
            return self.top().text.push_str(text);
        }
        if let Some(rest) = self.rest.strip_prefix("<?") {
            return self.take_until(rest, "?>", "#instruction");
        }
        if let Some(rest) = self.rest.strip_prefix("<!") {
            let has_declarations = !self.is_html && !std::mem::replace(&mut self.has_type, true);
            let end = declarations::end(rest, has_declarations);
            return self.take_until(rest, end, "#doctype");
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            let (name, rest) = rest.split_once('>').unwrap_or((rest, ""));
            self.rest = rest;
            let is_end = |c: char| c.is_ascii_whitespace() || c == '/';
            return self.end(name.split(is_end).next().unwrap_or_default());
        }
        let is_name = |c: char| c.is_alphabetic() || c == '_';
        if let Some(tag) = self
            .rest
            .strip_prefix('<')
            .filter(|tag| tag.starts_with(is_name))
        {
            return self.start(tag);
        }
        // A lone `<` is text.
        let from = usize::from(self.rest.starts_with('<'));
        let end = self.rest[from..]
            .find('<')
            .map_or(self.rest.len(), |at| at + from);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let text = references::text(text, self.is_html);
        self.top().text.push_str(&text);
    }

    fn take_until(&mut self, rest: &'t str, end: &str, name: &str) {
        let (inner, rest) = rest.split_once(end).unwrap_or((rest, ""));
        self.rest = rest;
        let inner = match name {
            "#doctype" => declarations::doctype(inner, self.is_html),
            "#instruction" => declarations::instruction(inner),
            _ => inner.to_owned(),
        };
        self.top().push(name.into(), plain(&inner));
    }

    /// Is what follows XML, by the innermost element that decides it?
    fn is_foreign(&self) -> bool {
        let decides = |element: &Element| match element.name.as_str() {
            "svg" | "math" => Some(true),
            name if INTEGRATION.contains(&name) => Some(false),
            _ => None,
        };
        !self.is_html || self.open.iter().rev().find_map(decides).unwrap_or(false)
    }

    fn name(&self, name: &str) -> String {
        match self.is_html {
            true => name.to_ascii_lowercase(),
            false => name.to_owned(),
        }
    }

    fn start(&mut self, tag: &'t str) {
        let end = tag
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'))
            .unwrap_or(tag.len());
        let name = self.name(&tag[..end]);
        self.rest = &tag[end..];
        let (attributes, is_empty) = self.attributes();
        if self.is_html && IMPLIED.contains(&name.as_str()) && self.top().name == name {
            self.close();
        }
        // HTML ignores the slash of a tag that is not of SVG or MathML.
        let is_empty = is_empty && (self.is_foreign() || matches!(name.as_str(), "svg" | "math"));
        let is_void = is_empty || self.is_html && VOID.contains(&name.as_str());
        let is_deep = self.open.len() > DEPTH;
        self.open.push(Element {
            name: name.clone(),
            attributes,
            ..Element::default()
        });
        if self.is_html && LINE_FEED.contains(&name.as_str()) {
            self.rest = self.rest.strip_prefix('\n').unwrap_or(self.rest);
        }
        if self.is_html && !is_void && RAW.contains(&name.as_str()) {
            self.raw(&name);
        } else if is_void || is_deep {
            self.close();
        }
    }

    /// Takes the text up to the end tag of this name.
    fn raw(&mut self, name: &str) {
        let end = format!("</{name}");
        let bytes = self.rest.as_bytes();
        let is_end = |window: &[u8]| window.eq_ignore_ascii_case(end.as_bytes());
        let at = bytes.windows(end.len()).position(is_end);
        let (text, rest) = self.rest.split_at(at.unwrap_or(self.rest.len()));
        self.rest = rest.split_once('>').map_or("", |(_, rest)| rest);
        let text = match WITH_REFERENCES.contains(&name) {
            true => references::text(text, true),
            false => Cow::Borrowed(text),
        };
        self.top().text.push_str(&text);
        self.close();
    }

    /// The attributes of a tag, and whether it ends with `/>`.
    fn attributes(&mut self) -> (Vec<(Box<str>, Json)>, bool) {
        let mut attributes = Vec::new();
        let mut names: BTreeSet<Box<str>> = BTreeSet::new();
        loop {
            self.rest = self.rest.trim_ascii_start();
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                return (attributes, false);
            }
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                return (attributes, true);
            }
            if self.rest.is_empty() {
                return (attributes, false);
            }
            let end = self
                .rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))
                .map_or(self.rest.len(), |(at, _)| at);
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest.trim_ascii_start();
            let value = match self.rest.strip_prefix('=') {
                Some(rest) => {
                    self.rest = rest.trim_ascii_start();
                    self.value()
                }
                None => "",
            };
            let name: Box<str> = format!("@{}", self.name(name)).into();
            // HTML drops an attribute that the tag has already.
            if !self.is_html || names.insert(name.clone()) {
                let value = references::attribute(value, self.is_html);
                attributes.push((name, string(&value)));
            }
        }
    }

    fn value(&mut self) -> &'t str {
        for quote in ['"', '\''] {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                let (value, rest) = rest.split_once(quote).unwrap_or((rest, ""));
                self.rest = rest;
                return value;
            }
        }
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || c == '>')
            .unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        value
    }

    fn end(&mut self, name: &str) {
        let name = self.name(name);
        let open = self
            .open
            .iter()
            .skip(1)
            .rposition(|element| element.name == name);
        let Some(open) = open else {
            return self.layout.note(format!("</{name}> that nothing opens"));
        };
        while self.open.len() > open + 1 {
            self.close();
        }
    }

    /// Ends the innermost element.
    fn close(&mut self) {
        if self.open.len() > 1
            && let Some(element) = self.open.pop()
        {
            let name: Box<str> = element.name.as_str().into();
            let json = element.json(self.layout);
            self.top().push(name, json);
        }
    }
}
