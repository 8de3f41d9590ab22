//! Shards as programs write them, and as nobody should.

use super::{InputFile, Shard, compressed, open_file, split};
use crate::testing::{add_member, shard, sign_header};
use std::{
    fs::{self, File},
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

fn read(bytes: &[u8]) -> io::Result<Shard> {
    Shard::read(Cursor::new(bytes), bytes.len() as u64)
}

fn names(shard: &Shard) -> Vec<&str> {
    shard.names().collect()
}

fn error(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

fn text(file: io::Result<InputFile>) -> io::Result<String> {
    let mut text = String::new();
    file?.read_to_string(&mut text)?;
    Ok(text)
}

/// The header of the first member, with one change.
fn changed(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = shard([("a.txt", &b"one"[..]), ("b.txt", b"two")]);
    change(&mut bytes);
    sign_header(&mut bytes);
    bytes
}

#[test]
fn members_are_read_where_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "deep/".repeat(30), "n".repeat(120));
    let path = folder.path().join("val-0003.tar");
    let members = [("./n01/a.txt", &b"one"[..]), ("b.txt", b""), (&long, &[b'x'; 1500])];
    fs::write(&path, shard(members)).unwrap();
    let long = long.replace("//", "/");
    assert_eq!(names(&Shard::open(&path).unwrap()), ["n01/a.txt", "b.txt", &long]);
    assert_eq!(text(open_file(&path.join("n01/a.txt"))).unwrap(), "one");
    assert_eq!(text(open_file(&path.join("b.txt"))).unwrap(), "");
    assert_eq!(text(open_file(&path.join(&long))).unwrap(), "x".repeat(1500));
    assert_eq!(crate::read_whole(&path.join("n01/./a.txt")).unwrap(), b"one");
    assert_eq!(split(&path.join("n01/a.txt")), Some((path.as_path(), "n01/a.txt".to_owned())));
    assert_eq!(split(&path), None);
    // The shard itself is a file like any other.
    assert_eq!(crate::read_whole(&path).unwrap(), fs::read(&path).unwrap());

    let mut file = open_file(&path.join("n01/a.txt")).unwrap();
    assert_eq!(file.length().unwrap(), 3);
    assert_eq!(file.seek(SeekFrom::End(-2)).unwrap(), 1);
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), file.stream_position().unwrap()), ("ne", 3));
    assert!(file.seek(SeekFrom::Current(-4)).is_err());
    assert_eq!(file.seek(SeekFrom::Start(9)).unwrap(), 9);
    assert_eq!(file.read(&mut [0; 4]).unwrap(), 0);
}

#[test]
fn only_what_is_in_the_shard_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "secret").unwrap();
    let path = folder.path().join("a.tar");
    let outside = folder.path().join("secret").display().to_string();
    let mut bytes = Vec::new();
    for name in ["../secret", &outside, "x/../../secret", "./", "ok.txt"] {
        add_member(&mut bytes, b'0', name, b"inside");
    }
    add_member(&mut bytes, b'2', "link.txt", b"");
    add_member(&mut bytes, b'1', "hard.txt", b"");
    add_member(&mut bytes, b'3', "device", b"");
    add_member(&mut bytes, b'5', "folder/", b"");
    add_member(&mut bytes, b'S', "sparse", b"");
    fs::write(&path, bytes).unwrap();
    let index = Shard::open(&path).unwrap();
    assert_eq!(names(&index), ["ok.txt"]);
    assert_eq!(index.passed_over_count(), 7);
    let reasons: Vec<&str> = index.passed_over().map(|(_, why)| why).collect();
    assert_eq!(reasons[0], "its name leads out of the shard");
    assert_eq!(reasons[1], "its name is absolute");
    let error = |name: &str| open_file(&path.join(name)).unwrap_err().to_string();
    assert_eq!(
        error("link.txt"),
        "expected a member of a shard, got the member \"link.txt\" that can't be used: it is a link, which is not followed"
    );
    assert_eq!(
        error("sparse"),
        "expected a member of a shard, got the member \"sparse\" that can't be used: it is a sparse file, which is not read"
    );
    assert_eq!(
        error("../secret"),
        "expected a member of a shard, got the member \"../secret\" that can't be used: its name leads out of the shard"
    );
    assert_eq!(
        error("no.txt"),
        "expected a member of a shard, got no member \"no.txt\"; `tar tf` lists the members of the shard"
    );
}

#[test]
fn a_name_that_comes_twice_means_the_last_member() {
    let index = read(&shard([("b", &b"1"[..]), ("a", b"2"), ("./b", b"333"), ("c", b"")])).unwrap();
    assert_eq!(names(&index), ["a", "b", "c"]);
    let place = index.place("b").unwrap();
    assert_eq!(place.end - place.start, 3);
}

#[test]
fn a_shard_that_is_damaged_says_where() {
    let whole = shard([("a.txt", &b"one"[..]), ("b.txt", &[b'x'; 600])]);
    assert_eq!(names(&read(&[]).unwrap()), Vec::<&str>::new());
    assert_eq!(names(&read(&[0; 1024]).unwrap()), Vec::<&str>::new());
    // The padding behind the last member may be missing.
    assert_eq!(names(&read(&whole[..1536 + 600]).unwrap()), ["a.txt", "b.txt"]);
    insta::assert_snapshot!(error(&whole[..1536 + 599]), @r#"the member "b.txt" declares 600 bytes at byte 1536, but the file ends at byte 2135; it is cut off or damaged, so copy it again"#);
    insta::assert_snapshot!(error(&whole[..1100]), @"expected a header of 512 bytes at byte 1024, got 76 bytes; the file is cut off, or no .tar file");
    insta::assert_snapshot!(error(&[b"\x1f\x8b".as_slice(), &[7; 600]].concat()), @"expected a .tar file, got a packed archive; unpack it first");
    insta::assert_snapshot!(error(&[7; 600]), @"expected a header of a member at byte 0, got other bytes; the file is damaged, or no .tar file");
    let declared = changed(|header| header[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"));
    insta::assert_snapshot!(error(&declared), @r#"the member "a.txt" declares 9223372036854775807 bytes at byte 512, but the file ends at byte 3072; it is cut off or damaged, so copy it again"#);
    let larger =
        changed(|header| header[124..136].copy_from_slice(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert!(error(&larger).contains("declares 18446744073709551615 bytes"));
    let negative = changed(|header| header[124..136].fill(0xff));
    assert!(error(&negative).starts_with("expected a header of a member at byte 0"));
    let octal = changed(|header| header[124..136].copy_from_slice(b"77777777777\0"));
    assert!(error(&octal).contains("declares 8589934591 bytes"));

    let mut long = Vec::new();
    add_member(&mut long, b'L', "././@LongLink", &vec![b'n'; (1 << 20) + 1]);
    insta::assert_snapshot!(error(&long), @"expected a name or lines of at most 1048576 bytes about a member, got 1048577 bytes");
    let pax = |lines: &[u8]| {
        let mut bytes = Vec::new();
        add_member(&mut bytes, b'x', "pax", lines);
        add_member(&mut bytes, b'0', "a", b"1");
        bytes
    };
    for wrong in [&b"8 path=b\n"[..], b"99 path=b\n", b"12 path=b\n", b"x path=b\n", b"0 path=b\n", b"12 size=-1\n\n"] {
        assert!(error(&pax(wrong)).starts_with("expected lines of a pax header at byte 512"), "{wrong:?}");
    }
    assert_eq!(names(&read(&pax(b"11 path=b\xc3\n")).unwrap()), Vec::<&str>::new());
    assert_eq!(names(&read(&pax(b"9 path=b\n")).unwrap()), ["b"]);
    assert!(error(&pax(b"28 size=9223372036854775807\n")).contains("declares 9223372036854775807 bytes"));
    assert_eq!(read(&pax(b"22 GNU.sparse.major=1\n")).unwrap().passed_over_count(), 1);
}

#[test]
fn every_cut_and_every_changed_byte_is_read_without_a_panic() {
    let mut bytes = Vec::new();
    add_member(&mut bytes, b'x', "pax", b"15 path=long/b\n15 comment=xyz\n");
    add_member(&mut bytes, b'0', "a", b"1");
    add_member(&mut bytes, b'L', "././@LongLink", b"name");
    add_member(&mut bytes, b'S', "s", b"");
    for end in 0..bytes.len() {
        drop(read(&bytes[..end]));
    }
    for at in 0..bytes.len() {
        for value in [0, 1, b'/', b'9', 0x7f, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            let start = at / 512 * 512;
            if start % 1024 == 0 {
                sign_header(&mut bytes[start..start + 512]);
            }
            if let Ok(shard) = read(&bytes) {
                let inside = |name: &str| shard.place(name).unwrap().end <= bytes.len() as u64;
                assert!(shard.names().all(inside));
            }
        }
    }
}

#[test]
fn a_shard_that_changes_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let write = |members: &[(&str, &[u8])], seconds: u64| {
        fs::write(&path, shard(members.iter().copied())).unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    write(&[("a", b"one"), ("b", b"two")], 100);
    assert_eq!(text(open_file(&path.join("b"))).unwrap(), "two");
    write(&[("b", b"new"), ("a", b"one")], 50);
    assert_eq!(text(open_file(&path.join("b"))).unwrap(), "new");
    // A fresh file may change without a new time.
    write(&[("b", b"1"), ("a", b"2")], 0);
    assert_eq!(text(open_file(&path.join("a"))).unwrap(), "2");
    write(&[("a", b"3"), ("b", b"4")], 0);
    assert_eq!(text(open_file(&path.join("a"))).unwrap(), "3");

    let open = open_file(&path.join("a"));
    write(&[("b", b"5"), ("a", b"6")], 20);
    let error = text(open).unwrap_err().to_string();
    assert_eq!(error, "the shard changed while a member was read; run it again when nobody writes the shard");
    let open = open_file(&path.join("a"));
    File::options().write(true).open(&path).unwrap().set_len(512).unwrap();
    assert!(text(open).is_err());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a"), "a file in a folder").unwrap();
    assert_eq!(text(open_file(&path.join("a"))).unwrap(), "a file in a folder");
}

#[test]
fn compressed_shards_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar.gz");
    fs::write(&path, b"\x1f\x8b").unwrap();
    let hint = "members of a compressed shard are not read; take only the compression away with `gunzip a.tar.gz`, and use the .tar file";
    assert_eq!(compressed(&path).as_deref(), Some(hint));
    assert_eq!(open_file(&path.join("x/1.jpg")).unwrap_err().to_string(), hint);
    assert_eq!(compressed(&folder.path().join("none.tar.gz/x")), None);
}

/// What fuzzing found worth keeping (see the folder `fuzz`): nothing of it may panic.
#[test]
fn the_corpus_is_read_without_a_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/shard");
    let read: Vec<bool> =
        fs::read_dir(corpus).unwrap().map(|entry| read(&fs::read(entry.unwrap().path()).unwrap()).is_ok()).collect();
    assert!(read.contains(&true) && read.contains(&false));
}

/// Members as GNU tar writes them in all of its forms.
#[test]
fn all_forms_of_gnu_tar_are_read() {
    let version = Command::new("tar").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("GNU tar")) {
        println!("skipped: GNU tar is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}/{}.txt", "folder".repeat(15), "name".repeat(15));
    let longer = format!("{}/{}.txt", "folder".repeat(30), "name".repeat(30));
    let write = |name: &str, text: &str| {
        let path = folder.path().join("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (form, has) in [
        ("v7", &["a.txt"][..]),
        ("ustar", &["a.txt", &long]),
        ("oldgnu", &["a.txt", &long, &longer]),
        ("gnu", &["a.txt", &long, &longer, "ü .txt"]),
        ("posix", &["a.txt", &long, &longer, "ü .txt"]),
    ] {
        let _ = fs::remove_dir_all(folder.path().join("in"));
        has.iter().for_each(|name| write(name, name));
        let path = folder.path().join(format!("{form}.tar"));
        let mut tar = Command::new("tar");
        let made =
            tar.arg("-cf").arg(&path).arg(format!("--format={form}")).arg("-C").arg(folder.path().join("in")).arg(".");
        assert!(made.status().unwrap().success(), "{form}");
        let shard = Shard::open(&path).unwrap();
        assert_eq!((shard.len(), shard.passed_over_count()), (has.len(), 0), "{form}");
        for name in has {
            assert_eq!(text(open_file(&path.join(name))).unwrap(), *name, "{form}");
        }
        sparse(folder.path(), form, &path);
    }
}

/// Sparse files and links are passed over, and the member behind them is found.
fn sparse(folder: &Path, form: &str, path: &Path) {
    let hole = File::create(folder.join("in/hole")).unwrap();
    hole.set_len(1 << 22).unwrap();
    for at in (0..40u64).map(|at| at << 16) {
        (&hole).seek(SeekFrom::Start(at)).unwrap();
        io::Write::write_all(&mut &hole, b"x").unwrap();
    }
    fs::hard_link(folder.join("in/a.txt"), folder.join("in/b.txt")).unwrap();
    fs::write(folder.join("in/z.txt"), "the last").unwrap();
    let mut tar = Command::new("tar");
    let has_sparse = !matches!(form, "v7" | "ustar");
    tar.arg(if has_sparse { "-cSf" } else { "-cf" })
        .arg(path)
        .arg(format!("--format={form}"))
        .arg("-C")
        .arg(folder.join("in"));
    assert!(tar.args(["a.txt", "b.txt", "hole", "z.txt"]).status().unwrap().success(), "{form}");
    let shard = Shard::open(path).unwrap();
    let passed_over: Vec<&str> = shard.passed_over().map(|(name, _)| name.rsplit('/').next().unwrap()).collect();
    assert_eq!(passed_over, if has_sparse { vec!["b.txt", "hole"] } else { vec!["b.txt"] }, "{form}");
    assert_eq!(text(open_file(&path.join("z.txt"))).unwrap(), "the last", "{form}");
}
