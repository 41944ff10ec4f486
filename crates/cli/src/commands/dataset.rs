//! `understudy dataset`: are two data sets the same?

mod screen;

use crate::exit::{self, Failure, usage};
use crate::show;
use crate::show::json::{self, JsonOutput};
use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_compare::dataset::{
    ChosenColumns, DatasetVerdict, PlanError, Predicate, Strictness, Tolerance,
};
use understudy_dataset::{
    DatasetError, Engine, Format, Options, Progress, Stage, compare_files, compare_in_engine,
    quiet_decoder, statements,
};
use understudy_model::place::ValuePath;
use understudy_model::{ByteSize, Place, meant};
use understudy_redact::{Redactor, preview};

/// Progress is shown from then on.
const SHOWN_AFTER: Duration = Duration::from_secs(2);
/// How many bytes of a value are shown.
const MOST_SHOWN: usize = 80;

/// Compares two data sets of any size: Parquet, CSV or JSON lines, files or folders.
///
/// The order of rows does not matter, how often a row occurs does. null, NaN and "" are three values. Numbers are
/// compared by value, timestamps as instants. Where rows differ, `--key` pairs them by what identifies them, and the
/// result names column, key and both values. Columns that are not compared keep the result from being "the same".
///
/// Exit codes: 0 the same, 5 different, 4 no difference found but not everything compared, 2 a file that cannot be
/// read or wrong usage, 130 interrupted.
#[derive(Debug, Args)]
pub(crate) struct DatasetArgs {
    /// The data set that is right: a file or a folder; with --engine also a table
    a: PathBuf,
    /// The data set that is compared with it
    b: PathBuf,
    /// Compare tables where they are, as SQL that the client of an engine runs:
    /// postgres://USER@HOST/DATABASE?table=TABLE, FILE.duckdb?table=TABLE, a table of Spark; DuckDB and Spark also read
    /// files
    #[arg(long, value_enum, conflicts_with_all = ["format", "null", "delimiter", "tolerance", "relative", "threads"])]
    engine: Option<EngineArg>,
    /// Print the SQL of --engine instead of comparing; only the columns are read
    #[arg(long, requires = "engine", conflicts_with = "json")]
    sql: bool,
    /// Columns that identify a row (repeatable, or separated by commas)
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    key: Vec<String>,
    /// Compare these columns only (repeatable, or separated by commas)
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    columns: Vec<String>,
    /// Do not compare these columns (repeatable, or separated by commas)
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    except: Vec<String>,
    /// Compare the rows for which this holds, such as "country = 'CH' and price >= 10"; with --engine in its SQL
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    /// Largest difference of the numbers of a column; "*" is every column of floats (repeatable; needs --key)
    #[arg(long, value_name = "COLUMN=NUMBER")]
    tolerance: Vec<String>,
    /// The same as a share of the larger number, such as price=1e-9 (repeatable; needs --key)
    #[arg(long, value_name = "COLUMN=SHARE")]
    relative: Vec<String>,
    /// Which changes of types are a difference
    #[arg(long, value_enum, default_value_t = SchemaArg::Widen)]
    schema: SchemaArg,
    /// Format of all files [default: by their names]
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// Text that stands for null in CSV; '' is the empty field [default: CSV has no nulls]
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// Character that separates the fields of CSV [default: a comma, in .tsv files a tab]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// Examine every row that differs, however often the files have to be read for it [default: at most 3 times]
    #[arg(long)]
    full: bool,
    /// Memory for rows that differ
    #[arg(long, value_name = "SIZE", default_value = "192MiB")]
    memory: ByteSize,
    /// Threads that read [default: the CPUs that this process may use]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: Option<u32>,
    /// Values of this column are secret too (repeatable)
    #[arg(long, value_name = "COLUMN")]
    secret: Vec<String>,
    /// Write the result as JSON to a file, or to standard output with "-"
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArg {
    Parquet,
    Csv,
    JsonLines,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineArg {
    /// The client `duckdb`
    Duckdb,
    /// The client `psql`
    Postgres,
    /// The client `spark-sql`
    Spark,
}

impl EngineArg {
    fn engine(self) -> Engine {
        match self {
            EngineArg::Duckdb => Engine::DuckDb,
            EngineArg::Postgres => Engine::Postgres,
            EngineArg::Spark => Engine::Spark,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SchemaArg {
    /// Any change of type, unit, nullability or order
    Exact,
    /// A type of B that does not hold every value of that of A
    Widen,
    /// No change of type, as long as values can be compared
    Values,
}

/// Carries out the command.
pub(crate) fn dataset(args: &DatasetArgs, stop: &AtomicBool) -> Result<u8, Failure> {
    let (columns, filter, delimiter) = args.chosen().map_err(Failure::Usage)?;
    let mut json = JsonOutput::open(args.json.as_deref())?;
    let key = super::trial::redaction_key()?;
    let redactor = Redactor::new(key).with_names(&args.secret);
    let redact = |column: &str, text: &str| {
        let mut path = ValuePath::root();
        path.push_name(column);
        let shown = redactor.redact_value(Some(&Place::in_body(path)), text);
        preview(shown.as_bytes(), MOST_SHOWN)
    };
    let display = Display::new();
    let progress = |progress| display.show(progress);
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options {
        columns,
        filter,
        format: args.format.map(|format| match format {
            FormatArg::Parquet => Format::Parquet,
            FormatArg::Csv => Format::Csv,
            FormatArg::JsonLines => Format::JsonLines,
        }),
        null: args.null.clone(),
        delimiter,
        threads: args.threads.map_or_else(cpus, |threads| threads as usize),
        memory: args.memory.bytes(),
        passes: (!args.full).then_some(3),
        redact: &redact,
        stop: Some(stop),
        progress: &progress,
    };
    let compared = match args.engine.map(EngineArg::engine) {
        Some(engine) => {
            let sides = args.tables()?;
            let filter = args.filter.as_deref();
            if args.sql {
                let sql = statements(engine, sides, filter, &options);
                show::print(&sql.map_err(|errors| failed(&errors))?)
                    .context("cannot write the statements")?;
                return Ok(exit::DONE);
            }
            compare_in_engine(engine, sides, filter, &options)
        }
        None => {
            quiet_decoder();
            understudy_host::keep_freed_memory();
            compare_files(&args.a, &args.b, &options)
        }
    };
    display.end();
    let report = compared.map_err(|errors| failed(&errors))?;
    if !json::deliver(json.as_mut(), &report)? {
        show::print(&screen::text(&report)).context("cannot write the result")?;
    }
    Ok(match report.verdict {
        DatasetVerdict::Same => exit::DONE,
        DatasetVerdict::Different => exit::NOT_EQUIVALENT,
        DatasetVerdict::Inconclusive => exit::INCONCLUSIVE,
    })
}

type Chosen = (ChosenColumns, Option<Predicate>, Option<u8>);

impl DatasetArgs {
    /// How the sides are named to an engine.
    fn tables(&self) -> Result<[&str; 2], Failure> {
        match (self.a.to_str(), self.b.to_str()) {
            (Some(a), Some(b)) => Ok([a, b]),
            _ => Err(usage("--engine: the name of a side is not UTF-8 text")),
        }
    }

    /// What the arguments say, or everything that is wrong with them.
    fn chosen(&self) -> Result<Chosen, Vec<String>> {
        let mut errors = Vec::new();
        // An engine reads it itself.
        let filter = self.filter.as_deref().filter(|_| self.engine.is_none());
        let filter = filter.map(Predicate::parse);
        let filter = filter.transpose().unwrap_or_else(|error| {
            errors.push(format!("--where: {error}"));
            None
        });
        let delimiter = self
            .delimiter
            .as_deref()
            .and_then(|text| match text.as_bytes() {
                [one] if one.is_ascii() && !b"\"\n\r".contains(one) => Some(*one),
                br"\t" => Some(b'\t'),
                _ => {
                    errors.push(format!("--delimiter: {text:?} is not one ASCII character"));
                    None
                }
            });
        let mut tolerances: Vec<(String, Tolerance)> = Vec::new();
        let absolute = self.tolerance.iter().map(|text| ("--tolerance", text));
        let relative = self.relative.iter().map(|text| ("--relative", text));
        for (flag, text) in absolute.chain(relative) {
            let read = text.rsplit_once('=').and_then(|(column, bound)| {
                let at = tolerances.iter().position(|(known, _)| known == column);
                let before = at.map(|at| tolerances[at].1.clone()).unwrap_or_default();
                let with = match flag {
                    "--tolerance" => before.absolute(bound),
                    _ => before.relative(bound),
                };
                with.map(|with| (column.to_owned(), at, with))
            });
            match read {
                Some((_, Some(at), with)) => tolerances[at].1 = with,
                Some((column, None, with)) => tolerances.push((column, with)),
                None if flag == "--tolerance" => errors.push(format!(
                    "{flag}: {text:?} is not a column and a number of at least 0, such as price=0.01"
                )),
                None => errors.push(format!(
                    "{flag}: {text:?} is not a column and a share from 0 to 1, such as price=1e-9"
                )),
            }
        }
        if !tolerances.is_empty() && self.key.is_empty() {
            errors.push(PlanError::NoKey.to_string());
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let columns = ChosenColumns {
            only: self.columns.clone(),
            except: self.except.clone(),
            key: self.key.clone(),
            tolerances,
            strictness: match self.schema {
                SchemaArg::Exact => Strictness::Exact,
                SchemaArg::Widen => Strictness::Widen,
                SchemaArg::Values => Strictness::Values,
            },
        };
        Ok((columns, filter, delimiter))
    }
}

/// Why nothing was compared, with the column that was probably meant.
fn failed(errors: &[DatasetError]) -> Failure {
    if errors
        .iter()
        .any(|error| matches!(error, DatasetError::Interrupted))
    {
        return Failure::Interrupted("interrupted; nothing is known of the data sets".to_owned());
    }
    if let [DatasetError::Changed(_)] = errors {
        let hint = "compare a copy, or compare again once it is complete";
        return usage(format!("{}\nhint: {hint}", errors[0]));
    }
    let with_hint = |error: &DatasetError| match error {
        DatasetError::Choice {
            error: PlanError::Unknown { name, .. },
            known,
        }
        | DatasetError::Filter { name, known, .. } => {
            format!("{error}\nhint: {}", nearest(name, known))
        }
        other => other.to_string(),
    };
    Failure::Usage(errors.iter().map(with_hint).collect())
}

/// The nearest known name, or all of them.
fn nearest(name: &str, known: &[String]) -> String {
    const MOST: usize = 12;
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    if let Some(meant) = meant(name, &names) {
        return format!("did you mean `{meant}`?");
    }
    let shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("there are {}{more}", shown.join(", "))
}

/// A line of progress, once a comparison takes long.
struct Display {
    bar: ProgressBar,
    began: Instant,
    shown: AtomicBool,
}

impl Display {
    fn new() -> Display {
        Display {
            bar: ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()),
            began: Instant::now(),
            shown: AtomicBool::new(false),
        }
    }

    fn show(&self, progress: Progress) {
        if self.began.elapsed() < SHOWN_AFTER {
            return;
        }
        if !self.shown.swap(true, Ordering::Relaxed) {
            // The template is a constant that the library accepts.
            let template = "  {wide_bar} {bytes} of {total_bytes}  {msg}";
            let style = ProgressStyle::with_template(template);
            self.bar
                .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        // An engine does not report how far it is.
        if progress.total > 0 {
            self.bar.set_length(progress.total);
        }
        self.bar.set_position(progress.done);
        self.bar.set_message(match progress.stage {
            Stage::Sums => "comparing all rows",
            Stage::Differences => "looking for the rows that differ",
        });
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
