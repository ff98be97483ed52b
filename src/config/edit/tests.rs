//! Texts in; texts out, or why not.

use super::*;

const LONG: &str = "# About us all.\n\n[server]\nlisten = \"127.0.0.1:1\" # here\n\n# The first.\n[[source]]\nurl = \"https://a.example/\"\n\
     groups = [\n  \"x\", # why\n]\n# of a\n\n## more\n\n# The second,\n# told twice.\n[[source]] # b\nid = \"b\"\nurl = \"https://b.example/\"\n\
     [source.page]\nitem = \"li\"\n\n[[source]]\nurl = \"https://c.example/\"\n[source.keep]\ntitle = [\"[[source]]\"]\n\n# The end.\n";

#[test]
fn a_source_goes_and_all_else_stays() {
    let first =
        "# The first.\n[[source]]\nurl = \"https://a.example/\"\ngroups = [\n  \"x\", # why\n]\n# of a\n\n";
    let second = "# The second,\n# told twice.\n[[source]] # b\nid = \"b\"\nurl = \"https://b.example/\"\n\
         [source.page]\nitem = \"li\"\n\n";
    let third = "[[source]]\nurl = \"https://c.example/\"\n[source.keep]\ntitle = [\"[[source]]\"]\n\n";
    for (id, gone) in [("a-example", first), ("b", second), ("c-example", third)] {
        assert!(LONG.contains(gone), "{gone}");
        let after = cut::without(LONG, id).unwrap();
        assert_eq!(after, LONG.replace(gone, ""), "{id}");
        let crlf = cut::without(&LONG.replace('\n', "\r\n"), id).unwrap();
        assert_eq!(crlf, after.replace('\n', "\r\n"), "{id}");
    }
    assert_eq!(cut::without(LONG, "b-example"), None, "its id is another");
}

#[test]
fn a_table_that_stands_apart_goes_too() {
    let text = "[[source]]\nurl = \"https://a.example/\"\n[server]\nlisten = \"127.0.0.1:1\"\n[source.page]\nitem = \"li\"\n";
    assert_eq!(cut::without(text, "a-example").unwrap(), "[server]\nlisten = \"127.0.0.1:1\"\n");
}

#[test]
fn what_has_no_head_of_its_own_is_left_to_people() {
    assert_eq!(cut::without("source = [{ url = \"https://a.example/\" }]\n", "a-example"), None);
    assert_eq!(cut::without("[[source]]\nurl = \"https://a.example/\"\nbroken", "a-example"), None);
}

#[test]
fn sources_come_to_the_end_in_the_file_s_own_line_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("riverine.toml");
    let mut draft = Draft::new(Url::parse("https://a.example/\"x\"").unwrap());
    draft.name = Some("A \"quoted\" \\ name".to_owned());
    draft.groups = vec!["one".to_owned(), "two/three".to_owned()];
    draft.page = Some(PageSelectors { item: Some("li".to_owned()), ..PageSelectors::default() });
    std::fs::write(&path, "# mine\r\n[server]\r\nlisten = \"127.0.0.1:1\" # last").unwrap();
    append(&path, &[draft.clone()]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# mine\r\n[server]\r\nlisten = \"127.0.0.1:1\" # last\r\n\r\n[[source]]\r\n"),
        "{text}"
    );
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    let config = crate::config::load(&path).unwrap();
    assert_eq!(config.sources[0].name, draft.name);
    assert_eq!(config.sources[0].groups, draft.groups);
    assert_eq!(config.sources[0].page.item.as_deref(), Some("li"));
    // And out again.
    assert_eq!(remove(&path, &SourceId::new(draft.id())).unwrap(), path);
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "# mine\r\n[server]\r\nlisten = \"127.0.0.1:1\" # last\r\n"
    );
}

#[test]
fn what_would_not_load_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("riverine.toml");
    for before in ["source = []\n", "[[source]]\nurl = \"https://a.example/\"\n"] {
        std::fs::write(&path, before).unwrap();
        let error = append(&path, &[Draft::new(Url::parse("http://a.example/").unwrap())]).unwrap_err();
        assert!(matches!(error, EditError::Invalid(_)), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    }
    let text = "[[source]]\nurl = \"https://a.example/\"\n[[source]]\nurl = \"https://b.example/\"\n[[feed]]\nid = \"f\"\nsources = [\"a-example\"]\n";
    std::fs::write(&path, text).unwrap();
    let error = remove(&path, &SourceId::new("a-example")).unwrap_err();
    assert!(error.to_string().contains("a-example"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (real, path) = (dir.path().join("real.toml"), dir.path().join("riverine.toml"));
    std::fs::write(&real, "").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &path).unwrap();
    append(&path, &[Draft::new(Url::parse("https://a.example/").unwrap())]).unwrap();
    assert!(path.is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(
        std::fs::read_to_string(&real).unwrap().starts_with("[[source]]\nurl = \"https://a.example/\"\n")
    );
}

#[test]
fn what_may_not_be_written_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("riverine.toml"), dir.path().join("other.toml"));
    let text = "[[source]]\nurl = \"https://a.example/\"\n";
    let check = |words: &str| {
        let draft = Draft::new(Url::parse("https://b.example/").unwrap());
        let errors = [
            append(&path, std::slice::from_ref(&draft)).unwrap_err(),
            may_append(&path, &draft).unwrap_err(),
            remove(&path, &SourceId::new("a-example")).unwrap_err(),
        ];
        for error in errors.map(|error| error.to_string()) {
            assert!(error.contains(words) && error.contains("nothing was changed"), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    };
    std::fs::write(&path, text).unwrap();
    let writable = std::fs::metadata(&path).unwrap().permissions();
    let mut permissions = writable.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    check("it is read-only");
    std::fs::set_permissions(&path, writable).unwrap();
    std::fs::hard_link(&path, &other).unwrap();
    check("hard link");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else is left behind");
    std::fs::remove_file(&other).unwrap();
    remove(&path, &SourceId::new("a-example")).unwrap();
}

#[test]
fn a_source_of_an_included_file_goes_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("riverine.toml");
    std::fs::create_dir(dir.path().join("d")).unwrap();
    let other = dir.path().join("d/one.toml");
    std::fs::write(&path, "include = [\"d/*.toml\"]\n[[source]]\nurl = \"https://a.example/\"\n").unwrap();
    std::fs::write(&other, "[[source]]\nurl = \"https://b.example/\"\n").unwrap();
    assert_eq!(remove(&path, &SourceId::new("b-example")).unwrap(), other);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "");
}
