use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Cases, LinesError> {
    let is_file = |path: &Path| match path.ends_with("there") {
        true => Ok(()),
        false => Err("it does not exist".to_owned()),
    };
    Cases::parse(text, Path::new("folder"), &is_file)
}

fn one(line: &str) -> Case {
    parse(line).unwrap().all.remove(0)
}

fn wrong(text: &str) -> Vec<(usize, String)> {
    parse(text).unwrap_err().errors
}

#[test]
fn reads_every_key() {
    let case = one(
        r#"{"args":["sort","-k","2"],"stdin":"b\na\n","files":{"a.txt":"text","in/./b":{"file":"there"}},
        "env":{"LANG":"de"},"operation":"sort","weight":2,"size":1e5,"timeout":"1.5s"}"#
            .replace('\n', " ")
            .as_str(),
    );
    assert_eq!(case.args, ["sort", "-k", "2"]);
    assert_eq!(case.stdin, Some(Input::Text(b"b\na\n".to_vec())));
    let files = BTreeMap::from([
        ("a.txt".into(), Input::Text(b"text".to_vec())),
        ("in/b".into(), Input::File("folder/there".into())),
    ]);
    assert_eq!(case.files, files);
    assert_eq!(case.env["LANG"], "de");
    assert_eq!(case.operation.as_deref(), Some("sort"));
    assert_eq!(case.weight, 2.0);
    assert_eq!(case.size, Some(1e5));
    assert_eq!(case.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(one("{}"), Case::default());
    let from_file = one(r#"{"stdin_file":"there"}"#);
    assert_eq!(from_file.stdin, Some(Input::File("folder/there".into())));
}

#[test]
fn everything_that_is_wrong_is_reported_with_its_line() {
    let errors = wrong(
        "{\"args\":[]}\n\nnot json\n{\"arg\":[],\"weight\":-1,\"timeout\":3}\n[]\n{\"args\":[1,\"a\"]}\n",
    );
    let lines: Vec<usize> = errors.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4, 4, 4, 5, 6], "{errors:?}");
    assert!(
        errors[0]
            .1
            .starts_with("is not JSON: expected ident (column ")
    );
    assert_eq!(
        errors[1].1,
        "has the unknown key \"arg\"\nhint: did you mean \"args\"?"
    );
    assert!(errors[2].1.starts_with("\"weight\" is not a number"));
    assert!(errors[3].1.starts_with("\"timeout\" is not a time such as"));
    assert_eq!(
        errors[5].1,
        "\"args\": argument 1 is not a text\nhint: write \"1\""
    );
}

#[test]
fn no_file_of_a_case_leads_out_of_the_working_directory() {
    let first = |text: &str| wrong(text).remove(0).1;
    let file = |name: &str| first(&serde_json::json!({"files": {name: ""}}).to_string());
    assert!(file("/etc/passwd").contains("\"/etc/passwd\" is absolute\nhint: "));
    assert!(file("a/../../b").contains("leads out of the working directory"));
    assert!(file("..").contains("leads out of"));
    assert!(file("").contains("is not the name of a file"));
    assert!(file(".").contains("is not the name of a file"));
    assert!(file("a/").contains("is a directory"));
    assert!(file("a\0b").contains("contains a NUL"));
    assert!(first(r#"{"files":{"a":"","./a":""}}"#).contains("twice"));
    assert!(first(r#"{"files":{"a":"","a/b":""}}"#).contains("a file and a directory"));
}

#[test]
fn the_wrong_type_of_a_value_is_named() {
    let first = |text: &str| wrong(text).remove(0).1;
    for (text, words) in [
        ("", "has no case\nhint: "),
        (r#"{"weight":0}"#, "gives every case the weight 0"),
        (r#"{"args":"a b"}"#, "\"args\" is not a list"),
        (r#"{"args":["a\u0000"]}"#, "argument 1 contains a NUL"),
        (r#"{"stdin":1}"#, "\"stdin\" is not a text"),
        (r#"{"stdin":"","stdin_file":"there"}"#, "has both"),
        (
            r#"{"stdin_file":"gone"}"#,
            "\"stdin_file\" \"gone\" cannot be used: it does not exist",
        ),
        (r#"{"stdin_file":""}"#, "is not the name of a file"),
        (r#"{"files":[]}"#, "\"files\" is not an object"),
        (r#"{"files":{"a":1}}"#, "is neither a text nor"),
        (
            r#"{"files":{"a":{"file":"there","x":1}}}"#,
            "is neither a text nor",
        ),
        (
            r#"{"files":{"a":{"file":"gone"}}}"#,
            "\"a\": \"gone\" cannot be used",
        ),
        (r#"{"env":{"HOME":"/"}}"#, "\"HOME\" is set by Understudy"),
        (r#"{"env":{"A=B":""}}"#, "is not the name of a variable"),
        (r#"{"env":{"A":1}}"#, "\"A\" is not a text"),
        (r#"{"operation":" "}"#, "\"operation\" is not a name"),
        (
            r#"{"size":0}"#,
            "\"size\" is not a number from 0.000001 to 1e18",
        ),
        (r#"{"size":-1}"#, "\"size\" is not a number"),
        (r#"{"size":"9"}"#, "\"size\" is not a number"),
        (r#"{"timeout":"0s"}"#, "\"timeout\" is not a time"),
        (r#"{"timeout":"9999h"}"#, "up to 10080m"),
    ] {
        let found = first(text);
        assert!(found.contains(words), "{text}: {found}");
    }
}

#[test]
fn each_file_of_a_pattern_is_a_case() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.json", "a.json", "-c.json", "d.txt"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    fs::create_dir(folder.path().join("e.json")).unwrap();
    let pattern = folder.path().join("*.json");
    let cases = file_cases(pattern.to_str().unwrap()).unwrap().all;
    let names: Vec<&str> = cases
        .iter()
        .flat_map(|case| case.input.as_deref())
        .collect();
    assert_eq!(names, ["./-c.json", "a.json", "b.json"]);
    let command: Vec<String> = ["jq", ".", "--in={in}"].map(str::to_owned).into();
    assert_eq!(
        command_line(&command, &cases[1]).unwrap(),
        ["jq", ".", "--in=a.json"]
    );
    let without = command_line(&command[..2], &cases[1]).unwrap_err();
    assert!(without.contains("does not name its input file\nhint: "));
    let none = command_line(&command, &Case::default()).unwrap_err();
    assert!(none.contains("the cases have none\nhint: "));
    let nothing = file_cases("/none/*.json").unwrap_err().concat();
    assert_eq!(nothing, "`/none/*.json` matches no file");
    let invalid = file_cases("a[").unwrap_err().concat();
    assert!(invalid.contains("is not a valid pattern"), "{invalid}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_whose_name_is_not_text_is_not_left_out() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("d")).unwrap();
    fs::write(folder.path().join("d/ok.txt"), "x").unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"d/\xff.txt");
    fs::write(folder.path().join(odd), "y").unwrap();
    for pattern in ["d/*.txt", "*/*.txt", "**/*.txt"] {
        let pattern = folder.path().join(pattern).display().to_string();
        let error = file_cases(&pattern).unwrap_err().concat();
        assert!(error.contains("whose name is not UTF-8 text"), "{error}");
    }
    let other = folder.path().join("d/*k.txt").display().to_string();
    assert_eq!(file_cases(&other).unwrap().all.len(), 1);
}

#[test]
fn a_shell_gets_what_a_case_adds_as_words() {
    let case = Case {
        args: vec!["a b".to_owned(), "$HOME".to_owned()],
        ..Case::default()
    };
    let words = script_line("printf '%s|'", &case).unwrap();
    assert_eq!(
        words,
        ["sh", "-c", "printf '%s|' \"$@\"", "sh", "a b", "$HOME"]
    );
    assert_eq!(
        script_line("ls", &Case::default()).unwrap(),
        ["sh", "-c", "ls"]
    );
    assert!(
        script_line("cat {in}", &case)
            .unwrap_err()
            .contains("\nhint: ")
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_accepted_stays_in_the_working_directory(name in "[a./\\\\]{0,12}") {
        if let Ok(path) = inside(&name) {
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
        }
    }
}
