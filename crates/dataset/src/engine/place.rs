//! Where a side is: a table or files, as a person names them. Pure.

use super::Engine;
use super::sql::{literal, quoted};

/// A side as an engine reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The database: a connection of PostgreSQL without its password, a file of DuckDB.
    database: Option<String>,
    password: Option<String>,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// The parts of a table's name.
    Table(Vec<String>),
    /// Files, by their format in Spark's words.
    Files(String, &'static str),
}

impl Place {
    /// Reads how a side is named.
    pub(super) fn parse(engine: Engine, text: &str) -> Result<Place, String> {
        match engine {
            Engine::Postgres => postgres(text),
            Engine::DuckDb => match text.rsplit_once("?table=") {
                Some((file, table)) => Ok(Place {
                    database: Some(file.to_owned()),
                    password: None,
                    what: What::Table(parts(table)?),
                }),
                None => Ok(Place::of_files(text, "parquet")),
            },
            Engine::Spark => spark(text),
        }
    }

    fn of_files(path: &str, format: &'static str) -> Place {
        Place {
            database: None,
            password: None,
            what: What::Files(path.to_owned(), format),
        }
    }

    /// Without its password.
    pub(super) fn shown(&self) -> String {
        let what = match &self.what {
            What::Files(path, _) => path.clone(),
            What::Table(parts) => parts.join("."),
        };
        match &self.database {
            Some(database) if database.contains('?') => format!("{database}&table={what}"),
            Some(database) => format!("{database}?table={what}"),
            None => what,
        }
    }

    pub(super) fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Are both in one database?
    pub(super) fn is_where(&self, other: &Place) -> bool {
        self.database == other.database
    }

    /// Are they files that no catalog has?
    pub(super) fn is_files(&self) -> bool {
        matches!(self.what, What::Files(..))
    }

    /// What follows `from`.
    pub(super) fn relation(&self, engine: Engine, alias: usize) -> String {
        match &self.what {
            What::Table(parts) => {
                let database = (engine == Engine::DuckDb).then(|| format!("understudy_{alias}"));
                let names = database.iter().chain(parts);
                let names: Vec<String> = names.map(|part| quoted(engine, part)).collect();
                names.join(".")
            }
            What::Files(path, format) if engine == Engine::Spark => {
                format!("{format}.{}", quoted(engine, path))
            }
            What::Files(path, _) if std::path::Path::new(path).extension().is_none() => literal(
                engine,
                &format!("{}/**/*.parquet", path.trim_end_matches('/')),
            ),
            What::Files(path, _) => literal(engine, path),
        }
    }

    /// What makes the database of a side known to DuckDB.
    pub(super) fn attached(&self, alias: usize) -> Option<String> {
        let file = literal(Engine::DuckDb, self.database.as_deref()?);
        Some(format!(
            "attach {file} as understudy_{alias} (read_only);\n"
        ))
    }
}

/// The parts of a name such as `sales.orders` or `"my.schema".t`.
fn parts(name: &str) -> Result<Vec<String>, String> {
    let mut parts = Vec::new();
    let mut rest = name;
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(inside) => inside
                .split_once('"')
                .ok_or_else(|| format!("a quote of the table `{name}` is not closed"))?,
            None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
        };
        if part.is_empty() {
            return Err(format!("`{name}` is not the name of a table"));
        }
        parts.push(part.to_owned());
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(parts),
            None => return Err(format!("`{name}` is not the name of a table")),
        }
    }
}

fn postgres(text: &str) -> Result<Place, String> {
    const FORM: &str = "\nhint: `postgres://USER@HOST/DATABASE?table=SCHEMA.TABLE`";
    // The text may hold a password: it is in no message.
    let is_uri = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    if !is_uri {
        return Err(format!("a side is not a connection of PostgreSQL{FORM}"));
    }
    let (mut table, mut password, mut kept) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("table", name)) => table = Some(parts(&decoded(name))?),
            Some(("password", value)) => password = Some(decoded(value)),
            _ => kept.push(pair),
        }
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let (name, secret) = match user.split_once(':') {
                Some((name, secret)) => (name, Some(decoded(secret))),
                None => (user, None),
            };
            password = secret.or(password);
            format!("{name}@{host}")
        }
        None => authority.to_owned(),
    };
    let mut database = format!("{scheme}://{authority}{path}");
    if !kept.is_empty() {
        database = format!("{database}?{}", kept.join("&"));
    }
    let Some(table) = table else {
        return Err(format!("`{database}` names no table{FORM}"));
    };
    Ok(Place {
        database: Some(database),
        password,
        what: What::Table(table),
    })
}

fn spark(text: &str) -> Result<Place, String> {
    let ending = text
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    let format = match ending.as_deref() {
        Some("parquet" | "parq" | "pq") => Some("parquet"),
        Some("orc") => Some("orc"),
        Some("csv" | "tsv") => {
            return Err(format!(
                "`{text}` has no types that Spark knows\nhint: create a view that reads it, and name the view"
            ));
        }
        _ => text.contains('/').then_some("parquet"),
    };
    match format {
        Some(format) => Ok(Place::of_files(text, format)),
        None => Ok(Place {
            database: None,
            password: None,
            what: What::Table(parts(text)?),
        }),
    }
}

/// A text without the escapes of a URI.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().filter(|_| *first == b'%');
        let byte = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_nothing_that_is_shown() {
        for text in [
            "postgres://ann:s3cr%40t@db.example:5433/shop?table=public.orders&sslmode=require",
            "postgres://ann@db.example:5433/shop?sslmode=require&password=s3cr%40t&table=public.orders",
        ] {
            let place = Place::parse(Engine::Postgres, text).unwrap();
            assert_eq!(place.password(), Some("s3cr@t"));
            let database = "postgres://ann@db.example:5433/shop?sslmode=require";
            assert_eq!(place.database(), Some(database));
            assert_eq!(place.shown(), format!("{database}&table=public.orders"));
            assert_eq!(place.relation(Engine::Postgres, 0), "\"public\".\"orders\"");
        }
        for wrong in [
            "postgres://ann:s3cret@db/shop",
            "ann:s3cret@db",
            "postgres://a:s3cret@h/d?table=",
        ] {
            let error = Place::parse(Engine::Postgres, wrong).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn names_are_quoted() {
        let place = Place::parse(Engine::DuckDb, "a'b.duckdb?table=\"x.y\".t").unwrap();
        assert_eq!(
            place.relation(Engine::DuckDb, 1),
            "\"understudy_1\".\"x.y\".\"t\""
        );
        assert_eq!(
            place.attached(1).unwrap(),
            "attach 'a''b.duckdb' as understudy_1 (read_only);\n"
        );
        let place = Place::parse(Engine::Spark, "/data/it's").unwrap();
        assert_eq!(place.relation(Engine::Spark, 0), "parquet.`/data/it's`");
        assert!(Place::parse(Engine::Spark, "a..b").is_err());
    }
}
