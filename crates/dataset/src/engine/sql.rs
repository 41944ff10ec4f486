//! The statements: each result is one column of text whose parts are separated by blanks, so that every client prints
//! it alike. Pure.
//!
//! A cell is canonical text, the same for the same value; a row is its cells with their lengths; its hash is MD5, which
//! all engines have. The two sides are compared within one engine, so that no canonical text has to be that of another.

use super::Engine;
use super::place::Place;
use understudy_compare::dataset::{Logical, Plan, PlannedColumn, Target};

/// What begins a line of a result: a client may print more.
pub(super) const MARK: &str = "understudy";
/// The last line of all: without it a result was cut off.
pub(super) const END: &str = "understudy end";

/// How a column is made canonical on one side. `Err`: why the engine cannot compare it.
pub(super) fn comparable(
    engine: Engine,
    column: &PlannedColumn,
    types: [&Logical; 2],
) -> Result<(), String> {
    let is_float = |one: &&Logical| matches!(one, Logical::Float { .. });
    match column.target {
        Target::Number if types.iter().any(is_float) && engine != Engine::Postgres => Err(format!(
            "{} cannot write a float as an exact decimal",
            engine.name()
        )),
        Target::Text if types[0] != types[1] => Err("text is not comparable with bytes".to_owned()),
        _ => Ok(()),
    }
}

/// The name of a column in the engine's quotes.
pub(super) fn quoted(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Spark => format!("`{}`", name.replace('`', "``")),
        Engine::DuckDb | Engine::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A text in the engine's quotes.
pub(super) fn literal(engine: Engine, text: &str) -> String {
    match engine {
        Engine::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Engine::DuckDb => format!("'{}'", text.replace('\'', "''")),
        // Whatever `standard_conforming_strings` is.
        Engine::Postgres => {
            format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
        }
    }
}

/// Text without the zeros at the end of a fraction.
fn without_zeros(engine: Engine, text: &str) -> String {
    match engine {
        Engine::Spark => format!("trim(trailing '.' from trim(trailing '0' from {text}))"),
        _ => format!("rtrim(rtrim({text}, '0'), '.')"),
    }
}

/// The canonical text of a cell that is not null.
fn canonical(engine: Engine, name: &str, of: &Logical, target: Target) -> String {
    let text = match engine {
        Engine::Spark => "string",
        _ => "text",
    };
    let cast = |what: &str| format!("cast({what} as {text})");
    match (of, engine) {
        // -0 + 0 is 0.
        (Logical::Float { .. }, Engine::Postgres) if target == Target::Number => cast(&format!(
            "trim_scale(cast(cast(cast({name} as double precision) + 0 as text) as numeric))"
        )),
        (Logical::Float { .. }, Engine::Postgres) => {
            cast(&format!("(cast({name} as double precision) + 0)"))
        }
        (Logical::Float { .. }, _) => {
            cast(&format!("(cast({name} as double) + cast(0 as double))"))
        }
        (Logical::Decimal { .. }, Engine::Postgres) => cast(&format!("trim_scale({name})")),
        (Logical::Decimal { scale, .. }, _) if *scale > 0 => without_zeros(engine, &cast(name)),
        (Logical::Bytes, Engine::Postgres) => format!("encode({name}, 'hex')"),
        (Logical::Bytes, _) => format!("lower(hex({name}))"),
        (Logical::Date, Engine::Postgres) => format!(
            "case when isfinite({name}) then cast({name} - date '1970-01-01' as text) else cast({name} as text) end"
        ),
        (Logical::Date, Engine::DuckDb) => format!(
            "case when isfinite({name}) then cast(datediff('day', date '1970-01-01', {name}) as text) else cast({name} as text) end"
        ),
        (Logical::Date, Engine::Spark) => cast(&format!("datediff({name}, date'1970-01-01')")),
        (Logical::Time(_), Engine::DuckDb) => cast(&format!(
            "datediff('microsecond', time '00:00:00', {name}) * 1000"
        )),
        (Logical::Time(_), _) => nanoseconds_of_postgres(name),
        (Logical::Timestamp { .. }, Engine::Postgres) => format!(
            "case when isfinite({name}) then {} else cast({name} as text) end",
            nanoseconds_of_postgres(name)
        ),
        (Logical::Timestamp { unit, .. }, Engine::DuckDb) => {
            let whole = match unit {
                understudy_compare::dataset::Unit::Nanos => {
                    format!("cast(epoch_ns({name}) as hugeint)")
                }
                _ => format!("cast(epoch_us({name}) as hugeint) * 1000"),
            };
            format!(
                "case when isfinite({name}) then cast({whole} as text) else cast({name} as text) end"
            )
        }
        (Logical::Timestamp { .. }, Engine::Spark) => cast(&format!(
            "cast(unix_micros(cast({name} as timestamp)) as decimal(20,0)) * 1000"
        )),
        _ => cast(name),
    }
}

fn nanoseconds_of_postgres(name: &str) -> String {
    format!("cast(cast(extract(epoch from {name}) * 1000000000 as numeric(40,0)) as text)")
}

/// Both sides, and how they are read.
pub(super) struct Statements<'s> {
    pub(super) engine: Engine,
    pub(super) places: [&'s Place; 2],
    pub(super) plan: &'s Plan,
    /// The types of each side, by column of the plan.
    pub(super) types: [Vec<&'s Logical>; 2],
    /// A condition in the engine's words.
    pub(super) filter: Option<&'s str>,
}

impl Statements<'_> {
    /// `rows`: the rows of a side with their canonical cells `c0, c1, ...`; `hashed`: with the hash of each row, its
    /// key and its bucket.
    fn hashed(&self, side: usize, prefix: &str) -> String {
        let engine = self.engine;
        let columns = self.plan.columns.iter().zip(&self.types[side]).enumerate();
        let cells: Vec<String> = columns
            .map(|(at, (column, of))| {
                let name = quoted(engine, &column.name);
                let text = canonical(engine, &name, of, column.target);
                format!("    case when {name} is null then null else {text} end as c{at}")
            })
            .collect();
        let text_type = match engine {
            Engine::Spark => "string",
            _ => "text",
        };
        let part = |at: usize| {
            format!(
                "case when c{at} is null then 'n' else 'v' || cast(length(c{at}) as {text_type}) || ':' || c{at} end"
            )
        };
        let text = |wanted: &dyn Fn(&PlannedColumn) -> bool| {
            let columns = self.plan.columns.iter().enumerate();
            let parts: Vec<String> = columns
                .filter(|(_, column)| wanted(column))
                .map(|(at, _)| part(at))
                .collect();
            parts.join(" || ")
        };
        let row = text(&|_| true);
        let key = if self.plan.has_key() {
            text(&|column| column.is_key)
        } else {
            row.clone()
        };
        let filter = self
            .filter
            .map_or(String::new(), |of| format!("\n  where ({of}\n  )"));
        let bucket = self.bucket("k");
        format!(
            "{prefix}rows as (\n  select\n{}\n  from {}{filter}\n),\n\
             {prefix}texts as (select *, {row} as row_text from {prefix}rows),\n\
             {prefix}keyed as (select *, md5(row_text) as h, md5({key}) as k from {prefix}texts),\n\
             {prefix}hashed as (select *, {bucket} as bucket from {prefix}keyed)",
            cells.join(",\n"),
            self.places[side].relation(engine, self.alias(side)),
        )
    }

    /// The number by which the database of a side is attached.
    fn alias(&self, side: usize) -> usize {
        alias(self.places, side)
    }

    /// The first 14 bits of a hash.
    fn bucket(&self, hash: &str) -> String {
        match self.engine {
            Engine::DuckDb => format!("cast(('0x' || substr({hash}, 1, 4)) as ubigint) // 4"),
            Engine::Postgres => {
                format!("cast(cast('x' || substr({hash}, 1, 4) as bit(16)) as integer) / 4")
            }
            Engine::Spark => format!("cast(conv(substr({hash}, 1, 4), 16, 10) as int) div 4"),
        }
    }

    /// Sixteen digits of a hash as a number.
    fn half(&self, hash: &str, from: usize) -> String {
        match self.engine {
            Engine::DuckDb => format!("cast(('0x' || substr({hash}, {from}, 16)) as ubigint)"),
            // With a sign: in sums modulo 2^128 that is another number for each hash as well.
            Engine::Postgres => {
                format!("cast(cast('x' || substr({hash}, {from}, 16) as bit(64)) as bigint)")
            }
            Engine::Spark => {
                format!("cast(conv(substr({hash}, {from}, 16), 16, 10) as decimal(20,0))")
            }
        }
    }

    /// The sums of a side: for each bucket its number, rows, both halves of the sum of the hashes, the length of the
    /// rows; then for each column nulls, NaN, empty texts.
    pub(super) fn sums(&self, side: usize) -> String {
        let of_column = |at: usize| {
            let count = |what: String| format!("sum(case when {what} then 1 else 0 end)");
            [
                count(format!("c{at} is null")),
                count(match self.types[side][at] {
                    Logical::Float { .. } | Logical::Decimal { .. } => {
                        format!("lower(c{at}) = 'nan'")
                    }
                    _ => "false".to_owned(),
                }),
                count(match self.types[side][at] {
                    Logical::Text => format!("c{at} = ''"),
                    _ => "false".to_owned(),
                }),
            ]
        };
        let mut parts = vec![
            literal(self.engine, MARK),
            literal(self.engine, ["A", "B"][side]),
            "bucket".to_owned(),
            "count(*)".to_owned(),
            format!("sum({})", self.half("h", 1)),
            format!("sum({})", self.half("h", 17)),
            "sum(length(row_text))".to_owned(),
        ];
        parts.extend((0..self.plan.columns.len()).flat_map(of_column));
        format!(
            "with\n{}\nselect {}\nfrom hashed group by bucket;\n",
            self.hashed(side, ""),
            self.line(&parts)
        )
    }

    /// The rows of some buckets that the sides do not have as often: hash of the key, hash of the row, how often each
    /// side has it, its cells. `None`: of all buckets.
    pub(super) fn leftovers(&self, buckets: Option<&[u16]>) -> String {
        let columns = self.plan.columns.len();
        let wanted = buckets.map_or(String::new(), |buckets| {
            let numbers: Vec<String> = buckets.iter().map(u16::to_string).collect();
            format!(" where bucket in ({})", numbers.join(", "))
        });
        let grouped = |side: usize| {
            let name = ["a", "b"][side];
            let cells: Vec<String> = (0..columns)
                .map(|at| format!("min(c{at}) as c{at}"))
                .collect();
            format!(
                "{},\n{name} as (select k, h, count(*) as n, {} from {name}_hashed{wanted} group by k, h)",
                self.hashed(side, &format!("{name}_")),
                cells.join(", "),
            )
        };
        let mut parts = vec![
            literal(self.engine, MARK),
            "coalesce(a.k, b.k)".to_owned(),
            "coalesce(a.h, b.h)".to_owned(),
            "coalesce(a.n, 0)".to_owned(),
            "coalesce(b.n, 0)".to_owned(),
        ];
        parts.extend((0..columns).map(|at| {
            // In hexadecimal digits, as a cell may hold blanks and ends of lines; a null is another thing.
            let cell = format!("case when a.h is null then b.c{at} else a.c{at} end");
            format!("coalesce('v' || {}, 'n')", self.hexadecimal(&cell))
        }));
        format!(
            "with\n{},\n{}\nselect {}\nfrom a full outer join b on a.k = b.k and a.h = b.h\n\
             where coalesce(a.n, 0) <> coalesce(b.n, 0);\n",
            grouped(0),
            grouped(1),
            self.line(&parts)
        )
    }

    fn hexadecimal(&self, text: &str) -> String {
        hexadecimal(self.engine, text)
    }

    fn line(&self, parts: &[String]) -> String {
        line(self.engine, parts)
    }
}

/// Both sides of one database are read through one connection.
fn alias(places: [&Place; 2], side: usize) -> usize {
    if places[0].is_where(places[1]) {
        0
    } else {
        side
    }
}

fn hexadecimal(engine: Engine, text: &str) -> String {
    match engine {
        Engine::Postgres => format!("encode(convert_to({text}, 'UTF8'), 'hex')"),
        _ => format!("lower(hex({text}))"),
    }
}

/// One text of several values, none of which is null.
fn line(engine: Engine, parts: &[String]) -> String {
    let cast = |part: &String| match engine {
        Engine::Spark => format!("cast({part} as string)"),
        _ => format!("cast({part} as text)"),
    };
    let parts: Vec<String> = parts.iter().map(cast).collect();
    parts.join(" || ' ' || ")
}

/// The columns of a side: name in hexadecimal digits, may it be null, type. Spark prints its own form.
pub(super) fn columns(engine: Engine, places: [&Place; 2], side: usize) -> String {
    let relation = places[side].relation(engine, alias(places, side));
    let parts = |name: &str, nullable: &str, of: &str| {
        let all = [
            literal(engine, MARK),
            hexadecimal(engine, name),
            format!("case when {nullable} then 'nullable' else 'required' end"),
            of.to_owned(),
        ];
        line(engine, &all)
    };
    match engine {
        Engine::DuckDb => format!(
            "select {} from (describe select * from {});\n",
            parts("column_name", "\"null\" = 'YES'", "column_type"),
            relation
        ),
        Engine::Postgres => format!(
            "select {} from pg_attribute where attrelid = {}::regclass and attnum > 0 and not attisdropped order by attnum;\n",
            parts(
                "cast(attname as text)",
                "not attnotnull",
                "format_type(atttypid, atttypmod)"
            ),
            literal(engine, &relation)
        ),
        Engine::Spark => format!("describe query select * from {relation};\n"),
    }
}

/// What comes before all statements: results must not depend on a session's settings, and both sides are of one
/// moment where an engine has such.
pub(super) fn preamble(engine: Engine, places: [&Place; 2]) -> String {
    match engine {
        Engine::Postgres => "set extra_float_digits = 1;\nset client_encoding = 'UTF8';\nset bytea_output = 'hex';\n\
             begin transaction isolation level repeatable read read only;\n"
            .to_owned(),
        Engine::DuckDb => {
            let other = places[1].attached(1).filter(|_| !places[1].is_where(places[0]));
            places[0].attached(0).into_iter().chain(other).collect()
        }
        // Its client is given them as arguments: it prints what is set.
        Engine::Spark => String::new(),
    }
}

/// Prints a line between the results of both sides.
pub(super) fn next(engine: Engine) -> String {
    format!("select {};\n", literal(engine, &format!("{MARK} next")))
}

/// Prints the last line.
pub(super) fn end(engine: Engine) -> String {
    format!("select {};\n", literal(engine, END))
}
