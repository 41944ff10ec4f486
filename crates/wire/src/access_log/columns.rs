//! Lines of the W3C extended log format, whose columns a `#Fields:` line names: IIS, CloudFront.

use super::{Entry, LineError, first_address, plain};

/// The columns.
#[derive(Debug)]
pub(super) struct Columns(Vec<String>);

/// Lines that say something about the lines that follow.
const DIRECTIVES: [&str; 7] = [
    "#Version:",
    "#Fields:",
    "#Software:",
    "#Start-Date:",
    "#End-Date:",
    "#Date:",
    "#Remark:",
];

/// Is it a line that says something about the others?
pub(super) fn is_directive(line: &[u8]) -> bool {
    DIRECTIVES.iter().any(|of| line.starts_with(of.as_bytes()))
}

impl Columns {
    /// Reads the line that names them.
    pub(super) fn read(line: &str) -> Option<Self> {
        let names = line.strip_prefix("#Fields:")?;
        Some(Columns(names.split_whitespace().map(plain).collect()))
    }

    /// Reads one line.
    ///
    /// # Errors
    /// It does not have as many columns, or no request.
    pub(super) fn entry(&self, line: &str) -> Result<Entry, LineError> {
        let values: Vec<&str> = match line.contains('\t') {
            true => line.split('\t').map(str::trim).collect(),
            false => line.split_ascii_whitespace().collect(),
        };
        if values.len() != self.0.len() {
            return Err(LineError::Form);
        }
        let value = |names: &[&str]| {
            let of = |name: &&str| Some(values[self.0.iter().position(|known| known == name)?]);
            names
                .iter()
                .filter_map(of)
                .find(|value| !matches!(*value, "-" | ""))
        };
        let (Some(method), Some(target)) = (value(&["csmethod"]), value(&["csuristem", "csuri"]))
        else {
            return Err(LineError::Request);
        };
        let query = value(&["csuriquery"]).filter(|_| !target.contains('?'));
        let client = value(&["xforwardedfor", "csxforwardedfor"])
            .and_then(first_address)
            .or_else(|| value(&["cip"]));
        Ok(Entry {
            client: client.map(str::to_owned),
            host: value(&["xhostheader", "cshost"]).map(str::to_owned),
            user_agent: value(&["csuseragent"]).map(str::to_owned),
            method: method.to_owned(),
            target: query.map_or(target.to_owned(), |query| format!("{target}?{query}")),
            body: None,
        })
    }
}
