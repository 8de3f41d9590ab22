//! What the worker does wrong in a call.

use crate::fake::Fake;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use serde_json::{Value as Json, json};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::Duration;

impl Fake {
    /// Does what an input of the call says.
    pub(crate) fn act(&mut self, deed: &str, call: u64) {
        let number = json!(call);
        let outputs = |fake: &mut Self, outputs: Json| fake.done(&number, outputs);
        match deed {
            "" => outputs(self, json!([{"int": 7}])),
            // Calls
            "done twice" => (0..2).for_each(|_| outputs(self, json!([{"int": 7}]))),
            "done with a call to come" => self.done(&json!(call + 100), json!([{"int": 7}])),
            "log of a call to come" => {
                self.send(&json!({"log": {"call": call + 100, "level": "info", "text": "words"}}));
            }
            "negative call" => self.done(&json!(-1), json!([{"int": 7}])),
            "devices" => self.send(&json!({"devices": {"call": call, "devices": []}})),
            "hello again" => self.send(&json!({"hello": {"protocol": 1, "manifest": ""}})),
            "message of the host" => self.send(&json!({"cancel": {"call": call}})),
            "unknown message" => self.send(&json!({"dance": {"call": call}})),
            "unknown level" => self.send(&json!({"log": {"call": call, "level": "loud", "text": "words"}})),
            "negative progress" => {
                self.send(&json!({"progress": {"call": call, "done": -1, "total": 3, "note": ""}}));
            }
            "more progress than there is" => {
                self.send(
                    &json!({"progress": {"call": call, "done": u64::MAX, "total": 0, "note": "x".repeat(1 << 20)}}),
                );
                outputs(self, json!([{"int": 7}]));
            }
            "progress without end" => {
                let progress = json!({"progress": {"call": call, "done": 1, "total": 3, "note": "words"}});
                (0..300_000).for_each(|_| self.send(&progress));
                outputs(self, json!([{"int": 7}]));
            }
            "unknown error" => {
                self.send(&json!({"failed": {"call": call, "error": {"code": "odd", "message": "words"}}}))
            }
            "error without words" => self.send(&json!({"failed": {"call": call, "error": {"code": "failed"}}})),
            "long error" => {
                let error = json!({"code": "failed", "message": "e".repeat(20 << 20), "detail": "d".repeat(20 << 20)});
                self.send(&json!({"failed": {"call": call, "error": error}}));
            }
            "half a frame" => {
                self.bytes(b"\x10\0\0\0{\"don");
                std::process::exit(0);
            }
            "closed" => {
                let _ = self.socket.shutdown(std::net::Shutdown::Both);
                std::thread::sleep(Duration::from_secs(600));
            }
            "huge length" => self.bytes(&[0xff; 8]),
            "garbage" => self.bytes(b"\x05\0\0\0hello"),
            // Values
            "no outputs" => outputs(self, json!([])),
            "many outputs" => outputs(self, json!([{"int": 1}, {"int": 2}])),
            "another type" => outputs(self, json!([{"text": "words"}])),
            "outputs that are none" => outputs(self, json!({"int": 1})),
            "unknown value" => outputs(self, json!([{"complex": 1}])),
            "int beyond 64 bits" => {
                self.text(&format!("{{\"done\":{{\"call\":{call},\"outputs\":[{{\"int\":{}}}]}}}}", "9".repeat(40)))
            }
            "int with a point" => outputs(self, json!([{"int": 1.5}])),
            "negative float" => outputs(self, json!([{"float": -1}])),
            "no JSON" => outputs(self, json!([{"json": "{"}])),
            "lone surrogate" => {
                self.text(&format!("{{\"done\":{{\"call\":{call},\"outputs\":[{{\"text\":\"\\ud800\"}}]}}}}"))
            }
            "lists in lists" => {
                let lists = (0..100).fold(json!({"int": 1}), |inner, _| json!({"list": [inner]}));
                outputs(self, json!([lists]));
            }
            "held" => outputs(self, json!([{"held": 3}])),
            "foreign" => outputs(self, json!([{"foreign": "MODEL"}])),
            "object without sense" => {
                outputs(self, json!([{"object": {"id": 1, "type": "HELD", "about": "nonsense"}}]))
            }
            // Records
            "unknown buffer" => outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(4711), json!(0))])),
            "no buffer" => outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(null), json!(0))])),
            "offset past the end" => self.picture(json!([1, 1, 1, 3]), json!(4096), call),
            "offset past everything" => self.picture(json!([1, 1, 1, 3]), json!(u64::MAX - 63), call),
            "odd offset" => self.picture(json!([1, 1, 1, 3]), json!(4), call),
            "negative offset" => self.picture(json!([1, 1, 1, 3]), json!(-64), call),
            "large shape" => self.picture(json!([1, 4096, 4096, 3]), json!(0), call),
            "shape past everything" => self.picture(json!([1, 1u64 << 40, 1u64 << 40, 3]), json!(0), call),
            "negative shape" => self.picture(json!([1, -1, 1, 3]), json!(0), call),
            "shape of a number" => self.picture(json!(3), json!(0), call),
            "empty and large" => self.picture(json!([0, u64::MAX, u64::MAX, 3]), json!(0), call),
            "1000 dimensions" => self.picture(json!(vec![1; 1000]), json!(0), call),
            "unknown type" => {
                self.buffer_and(Kind::Sealed, 4096, tensor("f31", json!([1, 1, 1, 3]), json!(1), json!(0)), call)
            }
            "picture of whole numbers" => {
                self.buffer_and(Kind::Sealed, 4096, tensor("i64", json!([1, 1, 1, 3]), json!(1), json!(0)), call)
            }
            "header of a number" => {
                let mut record = tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0));
                record["record"]["header"] = json!("3");
                self.buffer_and(Kind::Sealed, 4096, record, call);
            }
            "field twice" => {
                let mut record = tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0));
                let field = record["record"]["fields"][0].clone();
                record["record"]["fields"].as_array_mut().expect("a list").push(field);
                self.buffer_and(Kind::Sealed, 4096, record, call);
            }
            // Shared memory
            "a picture" => self.picture(json!([1, 1, 1, 3]), json!(0), call),
            "buffer without a file" => self.send(&json!({"buffers": [{"id": 1, "size": 4096}]})),
            "file without a buffer" => self.send_file(&json!({"buffers": []}), &memory(Kind::Sealed, 4096)),
            "smaller file" => {
                self.send_file(&json!({"buffers": [{"id": 1, "size": 1u64 << 40}]}), &memory(Kind::Sealed, 4096))
            }
            "negative size" => {
                self.send_file(&json!({"buffers": [{"id": 1, "size": -1}]}), &memory(Kind::Sealed, 4096))
            }
            "empty file" => {
                self.buffer_and(Kind::Sealed, 0, tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0)), call)
            }
            "no file" => {
                let (read, _write) = std::io::pipe().expect("a pipe");
                self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &OwnedFd::from(read));
            }
            "device" => {
                let zero = File::open("/dev/zero").expect("a device");
                self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &zero.into());
            }
            "folder" => {
                let folder = File::open("/").expect("a folder");
                self.send_file(&json!({"buffers": [{"id": 1, "size": 1}]}), &folder.into());
            }
            "file that shrinks" => {
                let file = memory(Kind::Open, 4096);
                self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &file);
                let _ = ftruncate(&file, 0);
                outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0))]));
            }
            "file that shrinks later" => {
                let file = memory(Kind::Open, 4096);
                self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &file);
                outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0))]));
                std::thread::sleep(Duration::from_millis(20));
                let _ = ftruncate(&file, 0);
            }
            "sealed file that shrinks" => {
                let file = memory(Kind::Sealed, 4096);
                self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &file);
                assert!(ftruncate(&file, 0).is_err(), "a seal");
                outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0))]));
            }
            "file that vanishes" => {
                let path = std::env::temp_dir().join(format!("splatgraph-fake-{}", std::process::id()));
                let mut file =
                    File::options().read(true).write(true).create(true).truncate(true).open(&path).expect("a file");
                file.write_all(&[0; 4096]).expect("space");
                std::fs::remove_file(&path).expect("a file");
                self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &file.into());
                outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0))]));
            }
            "the same buffer twice" => {
                for _ in 0..2 {
                    self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &memory(Kind::Sealed, 4096));
                }
                outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0))]));
            }
            "release of nothing" => self.send(&json!({"release": [4711]})),
            "release twice" => {
                self.send(&json!({"release": [1, 1]}));
            }
            "forgets what is read" => {
                self.send_file(&json!({"buffers": [{"id": 1, "size": 4096}]}), &memory(Kind::Sealed, 4096));
                outputs(self, json!([tensor("f32", json!([1, 1, 1, 3]), json!(1), json!(0))]));
                self.send(&json!({"forget": [1, 4711]}));
            }
            "buffers without end" => {
                let file = memory(Kind::Sealed, 4096);
                for id in 1..100_000 {
                    self.send_file(&json!({"buffers": [{"id": id, "size": 4096}]}), &file);
                }
                outputs(self, json!([{"int": 7}]));
            }
            other => panic!("an unknown deed: {other}"),
        }
    }

    /// Ends the call with a picture in a new buffer.
    fn picture(&mut self, shape: Json, offset: Json, call: u64) {
        self.buffer_and(Kind::Sealed, 4096, tensor("f32", shape, json!(1), offset), call);
    }

    fn buffer_and(&mut self, kind: Kind, size: u64, output: Json, call: u64) {
        self.send_file(&json!({"buffers": [{"id": 1, "size": size}]}), &memory(kind, size));
        self.done(&json!(call), json!([output]));
    }
}

enum Kind {
    Sealed,
    Open,
}

/// A file in memory.
fn memory(kind: Kind, size: u64) -> OwnedFd {
    let file = memfd_create("fake", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a file");
    ftruncate(&file, size).expect("a size");
    if matches!(kind, Kind::Sealed) {
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW).expect("seals");
    }
    file
}

/// A record of the type IMAGE.
pub(crate) fn tensor(dtype: &str, shape: Json, buffer: Json, offset: Json) -> Json {
    let field = json!({"name": "image", "dtype": dtype, "shape": shape, "buffer": buffer, "offset": offset});
    json!({"record": {"type": "IMAGE", "header": "{}", "fields": [field]}})
}
