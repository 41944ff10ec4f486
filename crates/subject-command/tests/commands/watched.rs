//! What runs write outside of their directories.

use crate::support::{Side, example, text};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use understudy_subject_command::*;

/// A side that is watched, and a folder that is none of its directories.
fn watched() -> (Side, tempfile::TempDir) {
    let mut side = Side::new('a');
    side.is_watched = true;
    (side, tempfile::tempdir().unwrap())
}

/// The names in the folder of what a run changed; other paths as they are.
fn changed(ran: &Ran, folder: &Path) -> Vec<String> {
    assert_eq!(ran.elsewhere.unseen, Vec::<String>::new());
    let paths = ran.elsewhere.paths.iter().map(Path::new);
    let name = |path: &Path| {
        path.strip_prefix(folder)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    paths.map(name).collect()
}

#[test]
fn what_is_written_to_an_absolute_path_is_found() {
    let (mut side, folder) = watched();
    let at = folder.path();
    fs::write(at.join("there"), "x").unwrap();
    fs::write(at.join("gone"), "x").unwrap();
    fs::create_dir(at.join("dir")).unwrap();
    for (script, expected) in [
        ("echo x > new", vec!["new"]),
        ("echo y >> there", vec!["there"]),
        ("rm gone", vec!["gone"]),
        ("mv new newer", vec!["new", "newer"]),
        ("chmod 600 there", vec!["there"]),
        ("mkdir -p dir/sub", vec!["dir/sub"]),
        ("ln -s there link; echo z > link", vec!["link", "there"]),
        ("cd dir && echo x > ../other", vec!["other"]),
        // The run makes a link out of its own directory.
        (
            "cd \"$OLDPWD\"; ln -s FOLDER/dir own; echo x > own/linked",
            vec!["dir/linked"],
        ),
        (
            "cat there > /dev/null; echo x > /dev/stderr; exec 3< there",
            vec![],
        ),
        (
            "echo x > \"$TMPDIR/x\"; echo x > \"$HOME/x\"; echo x > \"$OLDPWD/x\"",
            vec![],
        ),
        ("mkdir -p dir/sub; cat missing > /dev/null", vec![]),
    ] {
        let folder = at.display().to_string();
        let script = format!("cd '{folder}'; {}", script.replace("FOLDER", &folder));
        let ran = side.sh(&script);
        assert_eq!(changed(&ran, at), expected, "{script}");
        assert!(!ran.elsewhere.is_more);
    }
}

#[test]
fn of_temporary_files_the_folder_is_told() {
    let (mut side, folder) = watched();
    let at = folder.path();
    let script = "cd 'FOLDER'; t=$(mktemp ./t.XXXXXX); echo x > $t; mv $t final; echo x > u; rm u; rm -f none";
    let ran = side.sh(&script.replace("FOLDER", &at.display().to_string()));
    assert_eq!(changed(&ran, at), ["final"]);
    assert_eq!(ran.elsewhere.passing, [at.as_os_str()]);
    let ran = side.sh(&format!("rm -f '{}/none'", at.display()));
    assert_eq!(ran.elsewhere, Elsewhere::default());
}

#[test]
fn an_attempt_that_changes_nothing_is_not_told() {
    let (mut side, folder) = watched();
    let at = folder.path();
    let file = at.join("old");
    fs::write(&file, "x").unwrap();
    // What was written a moment ago counts as changed: its times would not show the next change.
    std::thread::sleep(Duration::from_millis(3200));
    let ran = side.sh(&format!("exec 3<> '{}'; cat <&3", file.display()));
    assert_eq!(text(&ran.stdout), "x");
    assert_eq!(changed(&ran, at), Vec::<String>::new());
    let ran = side.sh(&format!(
        "mkdir '{0}/none/sub'; echo x > '{0}/none/y'",
        at.display()
    ));
    assert_eq!(changed(&ran, at), Vec::<String>::new());
    let ran = side.sh(&format!("exec 3<> '{}'; echo y >&3", file.display()));
    assert_eq!(changed(&ran, at), ["old"]);
}

#[test]
fn a_file_that_is_to_be_kept_is_not_changed_and_all_else_is_left_alone() {
    let (mut side, folder) = watched();
    let at = folder.path();
    let kept = at.join("kept");
    fs::write(&kept, "as it was").unwrap();
    std::os::unix::fs::symlink(&kept, at.join("link")).unwrap();
    let before = fs::metadata(&kept).unwrap().modified().unwrap();
    side.kept = vec![kept.clone()];
    for script in [
        "echo x > kept",
        "echo x >> kept",
        "echo x > link",
        "rm -f kept",
        "echo x > new && mv new kept",
        "chmod 600 kept",
        "touch kept",
        "sort -o kept kept",
        "sed -i s/as/AS/ kept",
    ] {
        let ran = side.sh(&format!("cd '{}'; {script}", at.display()));
        assert_ne!(ran.ending, Ending::Exit(0), "{script}");
        assert_eq!(
            ran.elsewhere.kept,
            [kept.clone().into_os_string()],
            "{script}"
        );
        assert_eq!(fs::read_to_string(&kept).unwrap(), "as it was", "{script}");
        assert_eq!(
            fs::metadata(&kept).unwrap().modified().unwrap(),
            before,
            "{script}"
        );
    }
    // To read it, or to open it for more than is done with it, changes nothing; a file next to it is another one.
    for script in ["cat kept", "exec 3<> kept", "echo x > other"] {
        let ran = side.sh(&format!("cd '{}'; {script}", at.display()));
        assert_eq!(
            ran.ending,
            Ending::Exit(0),
            "{script}: {}",
            text(&ran.stderr)
        );
        assert!(
            ran.elsewhere.kept.is_empty(),
            "{script}: {:?}",
            ran.elsewhere
        );
    }
}

#[test]
fn a_run_that_is_not_watched_is_left_alone() {
    let (mut side, folder) = watched();
    side.is_watched = false;
    let ran = side.sh(&format!(
        "echo x > '{}/x'; grep Seccomp: /proc/self/status",
        folder.path().display()
    ));
    assert_eq!(text(&ran.stdout), "Seccomp:\t0\n");
    assert_eq!(ran.elsewhere, Elsewhere::default());
}

#[test]
fn only_so_many_files_are_named_and_that_there_are_more_makes_it_incomparable() {
    let (mut side, folder) = watched();
    let script = format!(
        "for n in $(seq 400); do : > '{}'/$n; done",
        folder.path().display()
    );
    let (ran, changes) = side.sh_with(&script, &[]);
    let names = changed(&ran, folder.path());
    assert_eq!(names.len(), 32);
    assert_eq!(names[..2], ["1", "2"]);
    assert!(ran.elsewhere.is_more);
    let outcome = answer(&ran, changes, &Outputs::default(), &side.workdir.in_use());
    let understudy_model::Outcome::Answered(answer) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(answer.unread.len(), 1);
    let field = format!("outside:{}/1", folder.path().display());
    assert_eq!(answer.field(&field).count(), 1);
}

#[test]
fn many_files_many_processes_and_threads_end() {
    let (mut side, folder) = watched();
    let at = folder.path().display().to_string();
    let (ran, changes) = side.sh_with(
        "i=0; while [ $i -lt 10000 ]; do : > $i; i=$((i+1)); done",
        &[],
    );
    assert_eq!(ran.ending, Ending::Exit(0));
    assert_eq!(changes.written.len(), 10_000);
    assert_eq!(changed(&ran, folder.path()), Vec::<String>::new());
    let script =
        format!("for n in 1 2 3 4; do (for m in 1 2 3; do : > '{at}'/$n-$m; done) & done; wait");
    let ran = side.sh(&script);
    let mut names = changed(&ran, folder.path());
    names.sort();
    assert_eq!((names.len(), names[0].as_str()), (12, "1-1"));
    // Threads: sort uses them, and its temporary files are its own.
    let script = format!("seq 200000 | sort -S 1M --parallel=4 -o '{at}/sorted'");
    assert_eq!(changed(&side.sh(&script), folder.path()), ["sorted"]);
}

#[test]
fn the_time_is_over_while_calls_are_reported() {
    let (mut side, folder) = watched();
    side.timeout = Duration::from_millis(300);
    let started = Instant::now();
    let script = format!("while :; do : > '{}/x'; done", folder.path().display());
    let ran = side.sh(&script);
    assert_eq!(ran.ending, Ending::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(changed(&ran, folder.path()), ["x"]);
}

#[test]
fn a_static_program_is_watched() {
    let (mut side, folder) = watched();
    let source = folder.path().join("s.c");
    let program = folder.path().join("static");
    fs::write(
        &source,
        "#include <stdio.h>\nint main(int n, char **a) { return !fopen(a[1], \"w\"); }\n",
    )
    .unwrap();
    let compiler = Command::new("cc")
        .arg("-static")
        .arg("-o")
        .args([&program, &source])
        .status();
    if !compiler.is_ok_and(|status| status.success()) {
        eprintln!("no C compiler with a static C library: not tested");
        return;
    }
    let file = folder.path().join("x");
    let ran = side.run(&[program.to_str().unwrap(), file.to_str().unwrap()]);
    assert_eq!(ran.ending, Ending::Exit(0));
    assert_eq!(changed(&ran, folder.path()), ["x"]);
}

#[test]
fn a_name_that_is_not_text_arrives() {
    let (mut side, folder) = watched();
    let ran = side.sh(&format!(
        "cd '{}'; : > \"$(printf 'a\\377')\"",
        folder.path().display()
    ));
    assert_eq!(ran.elsewhere.paths.len(), 1);
    assert!(ran.elsewhere.paths[0].as_bytes().ends_with(b"/a\xff"));
}

#[test]
fn where_calls_cannot_be_reported_the_run_goes_on_and_it_is_said() {
    let (mut side, folder) = watched();
    // A launcher below a watched run gets no listener of its own: the kernel allows one.
    let file = folder.path().join("x");
    let script = format!(
        "UNDERSTUDY_WATCHED=1 '{}' '{}' \"$PWD\" 1 sh -c \"echo x > '{}'\"",
        example("run_command").display(),
        example("command_launcher").display(),
        file.display()
    );
    let ran = side.sh(&script);
    assert_eq!(ran.ending, Ending::Exit(0), "{}", text(&ran.stderr));
    assert!(file.exists());
    let said = text(&ran.stderr);
    assert!(said.starts_with("this system refuses it"), "{said}");
    // The outer one sees it.
    assert_eq!(changed(&ran, folder.path()), ["x"]);
}

#[test]
fn where_the_run_sees_other_files_by_a_name_it_counts_as_changed() {
    let (mut side, folder) = watched();
    let at = folder.path().display().to_string();
    // The file is in a file system of the run's own, so it is not there for the launcher.
    let script = format!("unshare -m sh -c 'mount -t tmpfs none {at} && echo x > {at}/x'");
    let ran = side.sh(&script);
    if ran.ending != Ending::Exit(0) {
        eprintln!("no mounts without root: not tested");
        return;
    }
    assert!(!folder.path().join("x").exists());
    // `mount` writes files of its own.
    let names = changed(&ran, folder.path());
    assert!(names.contains(&"x".to_owned()), "{names:?}");
}

#[test]
fn threads_of_one_program_are_watched() {
    let (mut side, folder) = watched();
    let script = "import sys, threading\n\
        def write(n):\n    for m in range(20): open(f'{sys.argv[1]}/{n}', 'a').write('x')\n\
        all = [threading.Thread(target=write, args=(n,)) for n in range(8)]\n\
        [t.start() for t in all]; [t.join() for t in all]";
    let ran = side.run(&["python3", "-c", script, folder.path().to_str().unwrap()]);
    assert_eq!(ran.ending, Ending::Exit(0), "{}", text(&ran.stderr));
    let mut names = changed(&ran, folder.path());
    names.sort();
    assert_eq!(names.concat(), "01234567");
}

#[test]
fn calls_without_a_function_in_the_c_library_are_seen() {
    let (mut side, folder) = watched();
    let file = folder.path().join("x");
    // openat2, whose flags are in memory: for reading, then to write.
    let script = "import ctypes, sys, os\n\
        call, path = ctypes.CDLL(None).syscall, sys.argv[1].encode()\n\
        def openat2(flags):\n    how = (ctypes.c_uint64 * 3)(flags, 0o600 if flags else 0, 0)\n    \
            return call(437, -100, ctypes.c_char_p(path), ctypes.byref(how), 24)\n\
        for flags in map(int, sys.argv[2:]): openat2(flags)\n\
        if len(sys.argv) == 2: call(425, 1, None)";
    let path = file.to_str().unwrap();
    let ran = side.run(&["python3", "-c", script, path, "0"]);
    assert_eq!(changed(&ran, folder.path()), Vec::<String>::new());
    let ran = side.run(&["python3", "-c", script, path, "0", "65"]);
    assert_eq!(changed(&ran, folder.path()), ["x"], "{}", text(&ran.stderr));
    // What goes through a ring is not seen, and that is said.
    let ran = side.run(&["python3", "-c", script, path]);
    assert_eq!(ran.elsewhere.unseen, ["it uses io_uring"]);
}
