//! Entries that are whole, damaged, too many; and claims.

use super::*;
use serde_json::json;
use splatgraph_sdk::{DType, FieldInfo, Local, Output, Record, Resident, Result, Tensor};
use std::{sync::atomic::AtomicUsize, thread, time::Instant};

const KEY: Key = [7; 32];
const LIMIT: u64 = 1 << 20;

fn store(limit: u64) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), limit).unwrap();
    (folder, store)
}

fn path_of(store: &Store, key: &Key) -> PathBuf {
    store.class_folder("acme.Blur").join(hex(key))
}

fn write(store: &Store, key: &Key, outputs: &[Value]) {
    store.write("acme.Blur", key, outputs, json!({"about": "it"}), Vec::new());
}

fn read(store: &Store, key: &Key) -> Option<Vec<Value>> {
    store.read("acme.Blur", key).map(|entry| entry.outputs)
}

fn record() -> Value {
    let header = json!({"canvas": [256, 0.1, -1.5e-300, 27.782_053_688_123_456], "name": "fs", "none": null});
    let tensor = |data: Vec<f32>| Tensor::from_vec([1, data.len()], data).unwrap();
    let fields = vec![
        ("z".to_owned(), tensor(vec![f32::NAN, -0.0, f32::INFINITY])),
        ("a".to_owned(), Tensor::from_vec([3], vec![1i64, -2, i64::MIN]).unwrap()),
        ("empty".to_owned(), tensor(Vec::new())),
        ("bytes".to_owned(), Tensor::from_bytes([2], DType::Bool, &[0, 1]).unwrap()),
    ];
    Record { type_name: "THING".to_owned(), header: header.as_object().unwrap().clone(), fields }.into_value()
}

/// Everything about a value, with the bits of its numbers.
fn bits(value: &Value) -> String {
    match value.as_list() {
        Some(items) => format!("{:?}", items.iter().map(bits).collect::<Vec<_>>()),
        None if value.kind() == splatgraph_sdk::Kind::Object => {
            let record = Record::from_value(value).unwrap();
            let fields = record.fields.iter().map(|(name, t)| (name.clone(), t.dtype(), t.shape(), t.bytes()));
            format!("{} {:?} {:?}", record.type_name, record.header, fields.collect::<Vec<_>>())
        }
        None => format!("{:?} {:?} {:?}", value.kind(), value.as_float().map(f64::to_bits), value),
    }
}

#[test]
fn values_come_back_bit_by_bit() {
    let (_folder, store) = store(LIMIT);
    let numbers = [f64::NAN, -0.0, 0.1, f64::NEG_INFINITY, 1.0, 27.782_053_688_123_456, f64::MIN_POSITIVE];
    let deep = (0..20).fold(Value::int(1), |inner, _| Value::list([inner]));
    let json = json!({"a": [1, 2.5, 0.1, 5e-324, "s", "f0", null], "b": {"c": u64::MAX, "d": i64::MIN}, "": true});
    let mut outputs = vec![Value::none(), Value::bool(true), Value::int(i64::MIN), Value::uint(u64::MAX)];
    outputs.extend(["", "s", "f3ff0", "two\nlines", "ä\u{0}"].map(Value::text));
    outputs.extend(numbers.map(Value::float));
    outputs.extend([Value::json(&json), Value::json(&json!(0.1)), deep, record(), Value::list([record(), record()])]);
    write(&store, &KEY, &outputs);
    let again = read(&store, &KEY).expect("an entry");
    assert_eq!(again.iter().map(bits).collect::<Vec<_>>(), outputs.iter().map(bits).collect::<Vec<_>>());
    assert_eq!(store.abouts("acme.Blur"), [json!({"about": "it"})]);
}

struct Model;

impl Resident for Model {
    const TYPE: &'static str = "MODEL";

    fn fields(&self) -> Vec<FieldInfo> {
        vec![FieldInfo { name: "weight".into(), dtype: DType::F32, shape: vec![1] }]
    }

    fn download(&self, _: &str) -> Result<Tensor> {
        Tensor::from_vec([1], vec![1.0f32])
    }
}

#[test]
fn what_only_a_pack_understands_is_not_stored() {
    let (_folder, store) = store(LIMIT);
    let too_deep = (0..100).fold(Value::int(1), |inner, _| Value::list([inner]));
    for value in [Local::new(Model).into_value().unwrap(), too_deep] {
        write(&store, &KEY, &[Value::int(1), value]);
        assert!(read(&store, &KEY).is_none());
        assert!(!path_of(&store, &KEY).exists());
    }
    assert_eq!(store.warning(), None);
    // From then on nobody waits for such a result.
    assert!(store.claim("acme.Blur", &KEY, &|| false).unwrap().is_none());
}

#[test]
fn a_damaged_entry_is_absent_and_goes_away() {
    let (_folder, store) = store(LIMIT);
    write(&store, &KEY, &[record(), Value::text("a")]);
    let path = path_of(&store, &KEY);
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], how: &str| {
        fs::write(&path, bytes).unwrap();
        assert!(read(&store, &KEY).is_none(), "{how}");
        assert!(!path.exists(), "{how}");
    };
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        refused(&damaged, &format!("byte {at} is damaged"));
        refused(&whole[..at], &format!("cut at {at}"));
    }
    refused(&[&whole[..], b"x"].concat(), "longer");
    fs::write(&path, &whole).unwrap();
    assert!(read(&store, &KEY).is_some());
}

#[test]
fn what_was_not_used_for_the_longest_time_is_removed() {
    let text = |letters: usize| [Value::text("x".repeat(letters))];
    let (folder, store) = store(10_000);
    let old = SystemTime::now() - Duration::from_secs(3600);
    for number in 0..8 {
        write(&store, &[number; 32], &text(800));
        let file = File::options().write(true).open(path_of(&store, &[number; 32])).unwrap();
        file.set_modified(old + Duration::from_secs(number.into())).unwrap();
    }
    assert!(read(&store, &[0; 32]).is_some(), "and it is used now");
    // Another process has no count yet.
    let store = Store::open(folder.path(), 10_000).unwrap();
    for number in 8..13 {
        write(&store, &[number; 32], &text(800));
    }
    let kept: Vec<u8> = (0..13).filter(|number| path_of(&store, &[*number; 32]).exists()).collect();
    assert!(kept.contains(&0) && !kept.contains(&1) && kept.contains(&12), "{kept:?}");
    let bytes: u64 = kept.iter().map(|number| path_of(&store, &[*number; 32]).metadata().unwrap().len()).sum();
    assert!((5_000..=10_000).contains(&bytes), "{bytes}");
    write(&store, &[99; 32], &text(10_000));
    assert!(read(&store, &[99; 32]).is_none(), "larger than the store");
    assert_eq!(store.warning(), None);
}

#[test]
fn one_at_a_time_has_a_claim() {
    let (folder, _) = store(LIMIT);
    let computed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (computed, folder) = (&computed, folder.path());
            scope.spawn(move || {
                // As if in a process of its own.
                let store = Store::open(folder, LIMIT).unwrap();
                for number in 0..20 {
                    let key = [(number + thread) % 20; 32];
                    let _claim = store.claim("acme.Blur", &key, &|| false).unwrap().expect("a claim");
                    if read(&store, &key).is_none() {
                        computed.fetch_add(1, Ordering::SeqCst);
                        write(&store, &key, &[Value::int(number.into())]);
                    }
                }
            });
        }
    });
    assert_eq!(computed.into_inner(), 20);
    let left = fs::read_dir(folder.path().join(FOLDER).join("acme.Blur")).unwrap();
    assert_eq!(left.count(), 20, "claims should leave no files");
}

#[test]
fn a_wait_for_a_claim_can_be_stopped() {
    let (_folder, store) = store(LIMIT);
    let claim = store.claim("acme.Blur", &KEY, &|| false).unwrap();
    let start = Instant::now();
    assert!(store.claim("acme.Blur", &KEY, &|| start.elapsed() > Duration::from_millis(30)).is_err());
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(claim);
    assert!(store.claim("acme.Blur", &KEY, &|| true).unwrap().is_some());
}

#[test]
fn claims_of_other_results_do_not_wait() {
    let (_folder, store) = store(LIMIT);
    let _one = store.claim("acme.Blur", &KEY, &|| true).unwrap().expect("a claim");
    assert!(store.claim("acme.Blur", &[8; 32], &|| true).unwrap().is_some());
}

#[test]
fn claims_of_dead_processes_hold_nobody_up_and_go_away() {
    let (_folder, store) = store(LIMIT);
    fs::create_dir_all(store.class_folder("acme.Blur")).unwrap();
    let left_over = store.class_folder("acme.Blur").join(format!("{}.lock", hex(&KEY)));
    fs::write(&left_over, "").unwrap();
    assert!(store.claim("acme.Blur", &KEY, &|| true).unwrap().is_some());
    fs::write(&left_over, "").unwrap();
    write(&store, &[1; 32], &[Value::int(1)]);
    assert!(!left_over.exists());
}

#[test]
fn a_store_that_can_not_be_written_warns_once_and_still_reads() {
    let (folder, store) = store(LIMIT);
    write(&store, &KEY, &[Value::int(1)]);
    // A file in the place of a folder is a mistake that root can't overcome either.
    fs::write(folder.path().join(FOLDER).join("acme.Other"), "").unwrap();
    for _ in 0..2 {
        store.write("acme.Other", &KEY, &[Value::int(1)], Json::Null, Vec::new());
        assert!(store.claim("acme.Other", &KEY, &|| true).unwrap().is_none());
    }
    let warning = store.warning().expect("a warning");
    assert!(warning.starts_with("the store of results cannot be written: "), "{warning}");
    assert_eq!(store.warning(), None);
    assert_eq!(read(&store, &KEY).map(|outputs| outputs.len()), Some(1));
    let error = Store::open(&folder.path().join(FOLDER).join("acme.Other"), LIMIT).unwrap_err();
    assert!(error.starts_with("expected a folder, got a file; name another folder\n"), "{error}");
}

#[test]
fn a_class_of_any_name_has_a_folder_of_its_own() {
    let (_folder, store) = store(LIMIT);
    for class in ["", ".", "..", "a/b", "ä", &"x".repeat(300)] {
        assert_eq!(store.class_folder(class).parent(), Some(&*store.folder), "{class}");
        assert_eq!(store.class_folder(class).file_name().unwrap().len(), 64);
    }
}
