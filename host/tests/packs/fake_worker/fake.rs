//! The messages that the worker sends, and what it answers to the first one.

use crate::deeds::tensor;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::{Value as Json, json};
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

pub(crate) struct Fake {
    pub(crate) socket: UnixStream,
}

impl Fake {
    pub(crate) fn serve(mut self, start: &str) {
        let hello = self.read();
        assert_eq!(hello["hello"]["protocol"], 1, "{hello}");
        let say = |manifest: String| json!({"hello": {"protocol": 1, "manifest": manifest}});
        match start {
            "" => self.send(&say(manifest().to_string())),
            "older" => self.send(&json!({"hello": {"protocol": 0, "manifest": ""}})),
            "newer" => self.send(&json!({"hello": {"protocol": 2, "manifest": "", "more": [1]}})),
            "text version" => self.send(&json!({"hello": {"protocol": "1", "manifest": ""}})),
            "no manifest" => self.send(&json!({"hello": {"protocol": 1}})),
            "manifest of nonsense" => self.send(&say("nonsense".to_owned())),
            "manifest of another kind" => self.send(&say("[1, 2]".to_owned())),
            "long manifest" => self.send(&say(format!("{{\"id\": \"{}\"}}", "x".repeat(20 << 20)))),
            "other nodes" => self.send(&say(manifest().to_string().replace("\"Go\"", "\"Gone\""))),
            "twice the same node" => self.send(&say(manifest().to_string().replace("\"Draw\"", "\"Go\""))),
            "refused" => self.send(&json!({"refused": {"reason": "the moon is full"}})),
            "refused at length" => self.send(&json!({"refused": {"reason": "e".repeat(1 << 20)}})),
            "another message" => self.send(&json!({"done": {"call": 1, "outputs": []}})),
            "buffers" => self.send(&json!({"buffers": []})),
            "garbage" => self.bytes(b"\x10\0\0\0 this is no JSON"),
            "web" => self.bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            "no UTF-8" => self.bytes(b"\x04\0\0\0\"\xff\xfe\""),
            "deep" => self.text(&"[".repeat(100_000)),
            "half a length" => self.bytes(b"\x10\0"),
            "half a frame" => self.bytes(b"\x10\0\0\0{\"hello"),
            "huge length" => self.bytes(b"\xff\xff\xff\xff{}"),
            "empty frame" => self.bytes(b"\0\0\0\0"),
            "nothing" => {}
            "exit" => std::process::exit(7),
            "abort" => std::process::abort(),
            "prints" => {
                println!("words before the end");
                std::process::exit(1);
            }
            other => panic!("an unknown start: {other}"),
        }
        if start.starts_with("half") || start == "nothing" {
            return;
        }
        loop {
            let message = self.read();
            let Some((kind, about)) = message.as_object().and_then(|message| message.iter().next()) else { continue };
            match kind.as_str() {
                "run" => {
                    let deed = about["inputs"][0]["text"].as_str().unwrap_or_default().to_owned();
                    self.act(&deed, about["call"].as_u64().expect("a number"));
                }
                "field" => match about["field"].as_str() {
                    Some("other") => self.done(&about["call"], json!([{"int": 3}])),
                    Some("none") => self.done(&about["call"], json!([])),
                    _ => self.done(&about["call"], json!([tensor("f32", json!([1]), json!(4711), json!(0))])),
                },
                "devices" => self.done(&about["call"], json!([])),
                "web_file" => self.done(&about["call"], json!([{"int": 3}])),
                _ => {}
            }
        }
    }

    pub(crate) fn done(&mut self, call: &Json, outputs: Json) {
        self.send(&json!({"done": {"call": call, "outputs": outputs}}));
    }

    pub(crate) fn send(&mut self, message: &Json) {
        self.text(&message.to_string());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(&[&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if self.socket.write_all(bytes).is_err() {
            std::process::exit(1);
        }
    }

    pub(crate) fn send_file(&mut self, message: &Json, file: &OwnedFd) {
        let text = message.to_string();
        let frame = [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        assert!(beside.push(SendAncillaryMessage::ScmRights(&files)), "space for a file");
        if sendmsg(&self.socket, &[IoSlice::new(&frame)], &mut beside, SendFlags::NOSIGNAL).is_err() {
            std::process::exit(1);
        }
    }

    pub(crate) fn read(&mut self) -> Json {
        let mut length = [0; 4];
        if self.socket.read_exact(&mut length).is_err() {
            std::process::exit(0);
        }
        let mut text = vec![0; u32::from_le_bytes(length) as usize];
        self.socket.read_exact(&mut text).expect("a whole message");
        serde_json::from_slice(&text).expect("JSON")
    }
}

/// The nodes: `Go` and `Draw` do what they are told, and differ in their outputs.
fn manifest() -> Json {
    let deed = json!({"name": "deed", "type": "STRING", "default": ""});
    let image = json!({"name": "image", "type": "IMAGE", "optional": true});
    let node = |name: &str, output: &str| {
        let outputs = json!([{"name": "value", "type": output}]);
        json!({"name": name, "help": "Does what it is told.", "inputs": [deed, image], "outputs": outputs})
    };
    json!({"id": "fake", "version": "1.0.0", "nodes": [node("Go", "INT"), node("Draw", "IMAGE"), node("Hold", "HELD")]})
}
