//! `understudy dataset --engine`: real engines over tables whose differences are known. An engine that is not installed
//! is skipped, with the reason.

use super::{dataset, python_with_duckdb};
use crate::harness::{Ended, Scratch, run, understudy};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tables `a`, `b` with four differences, and `c`, which is `a` in another order. Both engines read it.
const TABLES: &str = "
    create table a as select cast(i as integer) as id, cast(i as bigint) as n, cast(i / 4.0 as double precision) as x,
        cast(i / 100.0 as decimal(12, 3)) as d, case when i % 5 = 0 then null else concat('näme ', i % 13) end as t,
        timestamp '1969-12-31 23:59:59.5' as moment, date '0001-01-01' as day, i % 2 = 0 as even
        from generate_series(0, 2999) as s(i);
    create table b as select cast(id as bigint) as id, n, case when id = 7 then cast('nan' as double precision) else x end
        as x, cast(d as decimal(20, 5)) as d, case when id = 10 then '' else t end as t, moment, day, even
        from a where id <> 100;
    insert into b select id, n, x, d, t, moment, day, even from a where id = 5;
    create table c as select * from a order by t desc, n desc;
    create table minus as select id, n, case when id = 0 then -x else x end as x, d, t, moment, day, even from a;
";

/// The document of a comparison, and its exit code.
fn compared(mut command: Command) -> (i32, Value) {
    let ended = run(command.args(["--json", "-"]));
    let report = serde_json::from_str(&ended.stdout);
    (
        ended.code,
        report.unwrap_or_else(|_| panic!("{}", ended.stderr)),
    )
}

/// Every engine has to find the same.
fn finds_the_differences(command: impl Fn(&str, &str) -> Command) {
    for same in ["c", "minus"] {
        let (code, report) = compared(command("a", same));
        assert_eq!(
            (code, &report["verdict"]),
            (0, &"same".into()),
            "{report:#}"
        );
        assert_eq!(report["a"]["rows"], 3000);
    }
    for key in [&[][..], &["--key", "id"]] {
        let mut both = command("a", "b");
        both.args(key);
        let (code, report) = compared(both);
        assert_eq!(code, 5, "{report:#}");
        let rows = &report["rows"];
        let counts = ["changed", "only_a", "only_b", "more_in_a", "more_in_b"];
        assert_eq!(counts.map(|of| rows[of].as_u64().unwrap()), [2, 1, 0, 0, 1]);
        let mut kinds: Vec<&str> = (report["clusters"].as_array().unwrap().iter())
            .map(|cluster| cluster["kind"].as_str().unwrap())
            .collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["nan", "null_to_empty"], "{report:#}");
        assert_eq!(report["schema"][0]["kind"], "widened");
    }
}

#[test]
fn duckdb_finds_the_differences_where_the_tables_are() {
    let Some(python) = python_with_duckdb() else {
        eprintln!("skipped: no client of DuckDB (pip install duckdb-cli)");
        return;
    };
    let scratch = Scratch::new("dataset-engine-duckdb");
    let mut path = python.parent().map_or_else(OsString::new, |bin| bin.into());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let file = scratch.path().join("tables.duckdb");
    let mut client = Command::new("duckdb");
    client.env("PATH", &path).arg(&file).arg("-c").arg(TABLES);
    let ended = run(&mut client);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let table = |name: &str| format!("{}?table={name}", file.display());
    finds_the_differences(|a, b| {
        let mut command = understudy();
        command
            .env("PATH", &path)
            .args(["dataset", "--engine", "duckdb"]);
        command.args([table(a), table(b)]);
        command
    });
    let ended = run(understudy()
        .env("PATH", &path)
        .args(["dataset", "--engine", "duckdb", "--sql"])
        .args([table("a"), table("b")]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("full outer join"), "{}", ended.stdout);
    let ended = run(understudy()
        .env("PATH", &path)
        .args(["dataset", "--engine", "duckdb"])
        .args([table("a"), table("none")]));
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("none"), "{}", ended.stderr);
}

/// The programs of a PostgreSQL server, where one is installed.
fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.flatten().map(|version| version.path().join("bin"));
    bins.filter(|bin| bin.join("initdb").is_file()).max()
}

/// A server of its own, which ends with the test.
struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
}

impl Cluster {
    fn start(bin: PathBuf, folder: PathBuf) -> Cluster {
        let cluster = Cluster { bin, folder };
        let data = cluster.folder.join("data");
        let socket = format!(
            "-c listen_addresses='' -c fsync=off -k {}",
            cluster.folder.display()
        );
        for (program, arguments) in [
            ("initdb", vec!["-A", "trust", "-U", "ann"]),
            (
                "pg_ctl",
                vec!["-w", "-l", "/dev/null", "-o", &socket, "start"],
            ),
        ] {
            let ended = cluster.run(program, &data, &arguments);
            assert_eq!(ended.code, 0, "{}", ended.stderr);
        }
        cluster
    }

    /// The server refuses to run as root: then it runs as the user of the package.
    fn run(&self, program: &str, data: &Path, arguments: &[&str]) -> Ended {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid",
                "postgres",
                "--regid",
                "postgres",
                "--clear-groups",
            ]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.arg("-D").arg(data).args(arguments);
        // The server keeps what it inherits open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let code = command
            .status()
            .map_or(-1, |status| status.code().unwrap_or(-1));
        Ended {
            code,
            stdout: String::new(),
            stderr: format!("{command:?}"),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        self.run("pg_ctl", &data, &["-m", "immediate", "stop"]);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}

#[test]
fn postgresql_finds_the_differences_where_the_tables_are() {
    let Some(bin) = postgres() else {
        eprintln!("skipped: no PostgreSQL server (apt-get install postgresql)");
        return;
    };
    // Its path has to be short, as that of a socket, and open to the user of the server.
    let folder = PathBuf::from(format!("/tmp/understudy-pg-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    if is_root() {
        let owned = Command::new("chown").arg("postgres").arg(&folder).status();
        assert!(owned.is_ok_and(|status| status.success()));
    }
    let cluster = Cluster::start(bin, folder);
    let server = format!("host={}", cluster.folder.display());
    let ended = run(Command::new("psql")
        .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-c", TABLES])
        .args(["-d", &format!("{server} user=ann dbname=postgres")]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let table = |name: &str| format!("postgres://ann:s3cret@/postgres?{server}&table={name}");
    finds_the_differences(|a, b| {
        let mut command = understudy();
        command.args(["dataset", "--engine", "postgres"]);
        command.args([table(a), table(b)]);
        command
    });
    let scratch = Scratch::new("dataset-engine-postgres");
    let both = [table("a"), table("b")];
    for more in [
        vec!["--where", "id < 7"],
        vec!["--where", "id <"],
        vec!["--sql"],
    ] {
        let all = ["--engine", "postgres", &both[0], &both[1]];
        let ended = dataset(&scratch, &[&all[..], &more].concat());
        // Of the differences only the row that is there twice has a number below 7.
        let code = match more.as_slice() {
            ["--where", "id < 7"] => 5,
            ["--sql"] => 0,
            _ => 2,
        };
        assert_eq!(
            ended.code, code,
            "{more:?} {} {}",
            ended.stdout, ended.stderr
        );
        for shown in [&ended.stdout, &ended.stderr] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}

#[test]
fn spark_finds_the_differences_where_the_files_are() {
    let is_there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let python = python_with_duckdb();
    let (true, Some(python)) = (is_there("spark-sql"), python) else {
        eprintln!("skipped: no `spark-sql` in PATH (pip install pyspark, and a Java runtime)");
        return;
    };
    let scratch = Scratch::new("dataset-engine-spark");
    let write = format!(
        "import duckdb\nc = duckdb.connect()\nc.execute('''{TABLES}''')\n\
         for t in ('a', 'b', 'c', 'minus'): c.execute(f\"copy {{t}} to '{{t}}.parquet' (format parquet)\")"
    );
    let ended = run(Command::new(python)
        .current_dir(scratch.path())
        .args(["-c", &write]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let file = |name: &str| scratch.path().join(format!("{name}.parquet"));
    finds_the_differences(|a, b| {
        let mut command = understudy();
        command
            .args(["dataset", "--engine", "spark"])
            .args([file(a), file(b)]);
        command
    });
}

#[test]
fn a_client_that_is_missing_is_named() {
    for (engine, side, program) in [
        ("duckdb", "a.parquet", "duckdb"),
        ("postgres", "postgres://h/d?table=t", "psql"),
        ("spark", "a.parquet", "spark-sql"),
    ] {
        let arguments = ["dataset", "--engine", engine, side, side];
        let ended = run(understudy().env("PATH", "/nonexistent").args(arguments));
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        let error = format!("`{program}` is not in PATH\nhint: ");
        assert!(ended.stderr.contains(&error), "{}", ended.stderr);
    }
    let scratch = Scratch::new("dataset-engine-wrong");
    let ended = dataset(
        &scratch,
        &[
            "--engine",
            "postgres",
            "ann:s3cret@h",
            "postgres://ann:s3cret@h/d",
        ],
    );
    assert_eq!(
        (ended.code, ended.errors().len()),
        (2, 2),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    let ended = dataset(
        &scratch,
        &[
            "--engine",
            "duckdb",
            "a",
            "b",
            "--tolerance",
            "x=1",
            "--key",
            "id",
        ],
    );
    assert_eq!(ended.code, 2);
}
