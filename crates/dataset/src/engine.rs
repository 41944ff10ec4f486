//! The same comparison as SQL, carried out by an engine where the data is.
//!
//! The engine makes the sums and finds the rows that differ, by the rules of types of `understudy_compare::dataset`;
//! only sums, and of what differs some rows, leave it. Its own command-line client runs the statements.

mod client;
mod place;
mod sql;
mod types;

use crate::drill::fitting;
use crate::{DatasetError, Options, Progress, Stage, planned_columns};
use place::Place;
use sql::Statements;
use understudy_compare::dataset::{
    Cell, Column, ColumnTally, Coverage, DatasetReport, Drilled, ENTRY_BYTES, Explained, Findings,
    Leftovers, Logical, NotCompared, Plan, SideReport, Tally, Target, conclude, explain,
};

/// An engine that compares tables where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// DuckDB, by `duckdb`.
    DuckDb,
    /// PostgreSQL, by `psql`.
    Postgres,
    /// Apache Spark, by `spark-sql`.
    Spark,
}

impl Engine {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Engine::DuckDb => "DuckDB",
            Engine::Postgres => "PostgreSQL",
            Engine::Spark => "Spark",
        }
    }

    /// The client that is run.
    fn program(self) -> &'static str {
        match self {
            Engine::DuckDb => "duckdb",
            Engine::Postgres => "psql",
            Engine::Spark => "spark-sql",
        }
    }

    fn installed_by(self) -> &'static str {
        match self {
            Engine::DuckDb => "https://duckdb.org/install, or `pip install duckdb-cli`",
            Engine::Postgres => {
                "the client of PostgreSQL has it (`apt-get install postgresql-client`)"
            }
            Engine::Spark => {
                "the `bin` folder of Spark has it (`pip install pyspark` and a Java runtime)"
            }
        }
    }
}

/// Compares two tables within an engine. `filter` is a condition in its SQL. Of the options only the columns, the memory,
/// the passes, and what shows and stops are used.
///
/// # Errors
/// Everything that keeps them from being compared.
pub fn compare_in_engine(
    engine: Engine,
    sides: [&str; 2],
    filter: Option<&str>,
    options: &Options<'_>,
) -> Result<DatasetReport, Vec<DatasetError>> {
    let prepared = Prepared::new(engine, sides, options)?;
    let compared = prepared.compared(filter, options);
    compared.map_err(|error| vec![error])
}

/// The statements that [`compare_in_engine`] would run; those that read the columns are run.
///
/// # Errors
/// Everything that keeps them from being written.
pub fn statements(
    engine: Engine,
    sides: [&str; 2],
    filter: Option<&str>,
    options: &Options<'_>,
) -> Result<String, Vec<DatasetError>> {
    let prepared = Prepared::new(engine, sides, options)?;
    let statements = prepared.statements(filter);
    let settings = match engine {
        Engine::Spark => client::SPARK_SETTINGS
            .map(|setting| format!("set {setting};\n"))
            .concat(),
        _ => String::new(),
    };
    Ok(format!(
        "{settings}-- The columns of both sides.\n{}{}{}\n-- Rows, sums of hashes, nulls, NaN and empty texts, by bucket.\n{}{}\n\
         -- Only where sums differ: the rows that the sides do not have as often.\n{}",
        sql::preamble(engine, prepared.places()),
        sql::columns(engine, prepared.places(), 0),
        sql::columns(engine, prepared.places(), 1),
        statements.sums(0),
        statements.sums(1),
        statements.leftovers(None),
    ))
}

/// Two sides whose columns are known.
struct Prepared {
    engine: Engine,
    places: [Place; 2],
    columns: [Vec<Column>; 2],
    plan: Plan,
}

impl Prepared {
    fn new(
        engine: Engine,
        sides: [&str; 2],
        options: &Options<'_>,
    ) -> Result<Prepared, Vec<DatasetError>> {
        let parsed = sides.map(|side| Place::parse(engine, side));
        let places = match parsed {
            [Ok(a), Ok(b)] => [a, b],
            wrong => {
                let wrong = wrong.into_iter().filter_map(Result::err);
                return Err(wrong.map(DatasetError::Place).collect());
            }
        };
        let columns = columns(engine, &places, options).map_err(|error| vec![error])?;
        let mut plan = planned_columns(&columns[0], &columns[1], options)?;
        let mut refused = Vec::new();
        plan.columns.retain(|column| {
            let types = [0, 1].map(|side: usize| &columns[side][column.at[side]].logical);
            let why = sql::comparable(engine, column, types).err();
            refused.extend(why.map(|why| (column.clone(), why)));
            !refused.iter().any(|(of, _)| of == column)
        });
        let mut errors = Vec::new();
        for (column, why) in refused {
            if column.is_key {
                errors.push(DatasetError::Choice {
                    error: understudy_compare::dataset::PlanError::Key {
                        name: column.name.clone(),
                        why: why.clone(),
                    },
                    known: Vec::new(),
                });
            }
            plan.not_compared.push(NotCompared {
                column: column.name,
                why,
            });
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Prepared {
            engine,
            places,
            columns,
            plan,
        })
    }

    fn places(&self) -> [&Place; 2] {
        [&self.places[0], &self.places[1]]
    }

    fn statements<'s>(&'s self, filter: Option<&'s str>) -> Statements<'s> {
        let types = [0, 1].map(|side: usize| {
            let columns = self.plan.columns.iter();
            let of = columns.map(|column| &self.columns[side][column.at[side]].logical);
            of.collect::<Vec<&Logical>>()
        });
        Statements {
            engine: self.engine,
            places: self.places(),
            plan: &self.plan,
            types,
            filter,
        }
    }

    fn compared(
        &self,
        filter: Option<&str>,
        options: &Options<'_>,
    ) -> Result<DatasetReport, DatasetError> {
        let statements = self.statements(filter);
        let [a, b] = if self.plan.columns.is_empty() {
            [Tally::new(0), Tally::new(0)]
        } else {
            self.tallies(&statements, options)?
        };
        let mut notes = vec![format!(
            "the sums are of MD5 hashes that {} made: equal only within it",
            self.engine.name()
        )];
        let drilled = if a.is_same(&b) {
            None
        } else if reaches_both(self.engine, &self.places) {
            Some(self.drilled(&statements, &a, &b, options)?)
        } else {
            notes.push(
                "the tables are in two databases: the rows that differ were not read".to_owned(),
            );
            Some(Drilled {
                explained: Explained::default(),
                coverage: Coverage::of(&a.different(&b)),
            })
        };
        let report = |side: usize, tally: &Tally| SideReport {
            path: self.places[side].shown(),
            formats: vec![self.engine.name().to_owned()],
            files: 0,
            bytes: 0,
            rows: tally.rows,
            checksum: format!("{:032x}", tally.sum),
        };
        let sides = [report(0, &a), report(1, &b)];
        Ok(conclude(Findings {
            plan: &self.plan,
            key: options.columns.key.clone(),
            sides,
            tallies: [&a, &b],
            drilled,
            notes,
            allows_tolerance: false,
        }))
    }

    /// Runs statements on both sides, by one client where one reaches both.
    fn run(&self, each: [String; 2], options: &Options<'_>) -> Result<Vec<String>, DatasetError> {
        run(self.engine, &self.places, each, options)
    }

    fn tallies(
        &self,
        statements: &Statements<'_>,
        options: &Options<'_>,
    ) -> Result<[Tally; 2], DatasetError> {
        let columns = self.plan.columns.len();
        let mut tallies = [Tally::new(columns), Tally::new(columns)];
        (options.progress)(Progress {
            stage: Stage::Sums,
            done: 0,
            total: 0,
        });
        for line in self.run([statements.sums(0), statements.sums(1)], options)? {
            let Some(rest) = marked(&line) else { continue };
            let wrong = || self.unexpected();
            let (side, numbers) = rest.split_once(' ').ok_or_else(wrong)?;
            let tally = &mut tallies[usize::from(side == "B")];
            let numbers: Vec<i128> = numbers
                .split(' ')
                .map(|number| number.parse().map_err(|_| wrong()))
                .collect::<Result<_, _>>()?;
            let (&[bucket, rows, high, low, bytes], counts) =
                numbers.split_first_chunk::<5>().ok_or_else(wrong)?;
            let sum = (high as u128) << 64;
            let (Ok(bucket), Ok(rows)) = (u16::try_from(bucket), u64::try_from(rows)) else {
                return Err(wrong());
            };
            tally.add_bucket(bucket, rows, sum.wrapping_add(low as u128));
            if counts.len() != 3 * columns {
                return Err(wrong());
            }
            for (column, of) in tally.columns.iter_mut().zip(counts.chunks_exact(3)) {
                let count = |at: usize| u64::try_from(of[at]).unwrap_or(0);
                column.merge(&ColumnTally {
                    nulls: count(0),
                    nans: count(1),
                    empty: count(2),
                    ..ColumnTally::default()
                });
            }
            tally.columns[0].bytes += u64::try_from(bytes).unwrap_or(0);
        }
        Ok(tallies)
    }

    fn unexpected(&self) -> DatasetError {
        DatasetError::Engine {
            engine: self.engine.name(),
            why: "its client printed what was not expected".to_owned(),
        }
    }

    fn drilled(
        &self,
        statements: &Statements<'_>,
        a: &Tally,
        b: &Tally,
        options: &Options<'_>,
    ) -> Result<Drilled, DatasetError> {
        let different = a.different(b);
        let each = a.row_bytes().max(b.row_bytes()) + ENTRY_BYTES;
        let mut coverage = Coverage::of(&different);
        let mut explained = Explained::default();
        let mut rest = different.as_slice();
        while !rest.is_empty() && options.passes.is_none_or(|most| coverage.passes < most) {
            (options.progress)(Progress {
                stage: Stage::Differences,
                done: 0,
                total: 0,
            });
            let (now, after) = rest.split_at(fitting(rest, each, options.memory));
            let buckets: Vec<u16> = now.iter().map(|(bucket, _)| *bucket).collect();
            let leftovers = self.leftovers(&statements.leftovers(Some(&buckets)), options)?;
            explained.merge(explain(leftovers, &self.plan, options.redact));
            coverage.passes += 1;
            coverage.parts_examined += now.len() as u64;
            coverage.rows_examined += now.iter().map(|(_, rows)| rows).sum::<u64>();
            rest = after;
        }
        Ok(Drilled {
            explained,
            coverage,
        })
    }

    fn leftovers(&self, statement: &str, options: &Options<'_>) -> Result<Leftovers, DatasetError> {
        let mut leftovers = Leftovers::default();
        for line in self.run([statement.to_owned(), String::new()], options)? {
            let Some(rest) = marked(&line) else { continue };
            let row = row(rest, &self.plan, &self.columns[0]).ok_or_else(|| self.unexpected())?;
            let cells: Option<Vec<Cell<'_>>> = (row.cells.iter())
                .map(|cell| cell.as_ref().map_or(Some(Cell::Null), StoredCell::cell))
                .collect();
            let cells = cells.ok_or_else(|| self.unexpected())?;
            leftovers.add_copies(row.copies, row.key, row.hash, || cells);
        }
        Ok(leftovers)
    }
}

/// What a line says, if it is of a result.
fn marked(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(sql::MARK)?.strip_prefix(' ')?.trim_end();
    (rest != "end" && rest != "next").then_some(rest)
}

fn run(
    engine: Engine,
    places: &[Place; 2],
    [a, b]: [String; 2],
    options: &Options<'_>,
) -> Result<Vec<String>, DatasetError> {
    let both = [&places[0], &places[1]];
    let script = |body: &str| format!("{}{body}{}", sql::preamble(engine, both), sql::end(engine));
    if reaches_both(engine, places) || b.is_empty() {
        let next = sql::next(engine);
        return client::run(
            engine,
            &places[0],
            &script(&format!("{a}{next}{b}")),
            options.stop,
        );
    }
    let mut lines = client::run(engine, &places[0], &script(&a), options.stop)?;
    lines.push(format!("{} next", sql::MARK));
    lines.extend(client::run(engine, &places[1], &script(&b), options.stop)?);
    Ok(lines)
}

/// Does one client reach both sides? DuckDB attaches both databases, Spark has one catalog; a connection of PostgreSQL
/// is to one database.
fn reaches_both(engine: Engine, places: &[Place; 2]) -> bool {
    engine != Engine::Postgres || places[0].is_where(&places[1])
}

/// The columns of both sides.
fn columns(
    engine: Engine,
    places: &[Place; 2],
    options: &Options<'_>,
) -> Result<[Vec<Column>; 2], DatasetError> {
    let both = [&places[0], &places[1]];
    let each = [0, 1].map(|side| sql::columns(engine, both, side));
    let lines = run(engine, places, each, options)?;
    let next = format!("{} next", sql::MARK);
    let mut sides = [Vec::new(), Vec::new()];
    let mut side = 0;
    for line in &lines {
        if line.trim_end() == next {
            side = 1;
        } else if let Some(column) = column(engine, line) {
            sides[side].push(column);
        }
    }
    if let Some(at) = sides.iter().position(Vec::is_empty) {
        return Err(DatasetError::Engine {
            engine: engine.name(),
            why: format!("`{}` has no columns", places[at].shown()),
        });
    }
    Ok(sides)
}

fn column(engine: Engine, line: &str) -> Option<Column> {
    let (name, nullable, of) = match engine {
        Engine::Spark => {
            let mut parts = line.split('\t');
            let (name, of) = (parts.next()?.trim_end(), parts.next()?.trim_end());
            (name.to_owned(), true, of)
        }
        _ => {
            let mut parts = marked(line)?.splitn(3, ' ');
            let name = String::from_utf8(bytes(parts.next()?)?).ok()?;
            let nullable = parts.next()? == "nullable";
            (name, nullable, parts.next()?)
        }
    };
    Some(Column {
        name,
        logical: types::logical(engine, of),
        nullable,
        shape: String::new(),
        repeated: false,
    })
}

/// A row that one side has more often.
struct Row {
    key: u128,
    hash: u128,
    copies: [u64; 2],
    cells: Vec<Option<StoredCell>>,
}

/// A canonical text and what it is of.
struct StoredCell {
    text: Vec<u8>,
    of: Logical,
}

fn row(line: &str, plan: &Plan, columns: &[Column]) -> Option<Row> {
    let mut parts = line.split(' ');
    let key = u128::from_str_radix(parts.next()?, 16).ok()?;
    let hash = u128::from_str_radix(parts.next()?, 16).ok()?;
    let copies = [parts.next()?.parse().ok()?, parts.next()?.parse().ok()?];
    let mut cells = Vec::new();
    for column in &plan.columns {
        let part = parts.next()?;
        let of = &columns[column.at[0]].logical;
        cells.push(match part.strip_prefix('v') {
            Some(digits) => {
                let text = bytes(digits)?;
                let text = match of {
                    Logical::Bytes => bytes(std::str::from_utf8(&text).ok()?)?,
                    _ => text,
                };
                let of = match column.target {
                    // The sides have different types: their texts are the numbers.
                    Target::Number => Logical::Null,
                    _ => of.clone(),
                };
                Some(StoredCell { text, of })
            }
            None if part == "n" => None,
            None => return None,
        });
    }
    Some(Row {
        key,
        hash,
        copies,
        cells,
    })
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

impl StoredCell {
    fn cell(&self) -> Option<Cell<'_>> {
        let text = &self.text;
        let word = std::str::from_utf8(text);
        // Infinite dates have no number: they stay texts, which no date equals.
        let number = |cell: fn(i128) -> Cell<'static>| {
            let number = word.ok().and_then(|word| word.parse().ok());
            Some(number.map_or(Cell::Text(text), cell))
        };
        match &self.of {
            Logical::Text => Some(Cell::Text(text)),
            Logical::Bytes => Some(Cell::Bytes(text)),
            Logical::Bool => Some(Cell::Bool(word.ok()? == "true")),
            Logical::Float { .. } => Some(Cell::Float(word.ok()?.parse().ok()?)),
            Logical::Date => number(|days| Cell::Date(days as i64)),
            Logical::Time(_) => number(|ns| Cell::Time(ns as i64)),
            Logical::Timestamp { .. } => number(Cell::Timestamp),
            _ => Some(Cell::Number(word.ok()?)),
        }
    }
}
