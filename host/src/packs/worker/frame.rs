//! Frames: a length and a text on a socket, with files beside them.

use rustix::cmsg_space;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, send, sendmsg,
};
use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Read, Result};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// The most bytes of a text.
pub(super) const LONGEST: usize = 64 << 20;
/// The most files beside a text.
pub(super) const MOST_FILES: usize = 64;

/// The other end that is gone is an error, and no signal.
#[cfg(target_os = "linux")]
const SEND: SendFlags = SendFlags::NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const SEND: SendFlags = SendFlags::empty();

/// Other processes that this one starts do not get the files.
#[cfg(target_os = "linux")]
const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const RECEIVE: RecvFlags = RecvFlags::empty();

/// Writes a frame.
///
/// # Errors
/// The text is too long, or the other end is gone or does not read.
pub(super) fn write(socket: &UnixStream, text: &[u8], files: &[BorrowedFd<'_>]) -> Result<()> {
    if text.len() > LONGEST {
        let message =
            format!("expected a message of at most {LONGEST} bytes, got {}; pass large data as tensors", text.len());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let length = (text.len() as u32).to_le_bytes();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_FILES))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(Error::new(ErrorKind::InvalidInput, "too many files"));
    }
    let parts = [IoSlice::new(&length), IoSlice::new(text)];
    let mut sent = retry_on_intr(|| sendmsg(socket, &parts, &mut beside, SEND))?;
    while sent < length.len() + text.len() {
        let rest = if sent < length.len() { &length[sent..] } else { &text[sent - length.len()..] };
        sent += retry_on_intr(|| send(socket, rest, SEND))?;
    }
    Ok(())
}

/// Reads a frame. `None` if the other end closed the socket between two frames.
///
/// # Errors
/// The other end closed the socket inside a frame, or announces a text that is too long.
pub(super) fn read(socket: &UnixStream) -> Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut length = [0; 4];
    let mut files = Vec::new();
    let mut filled = 0;
    while filled < length.len() {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_FILES))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let into = &mut [IoSliceMut::new(&mut length[filled..])];
        let got = match recvmsg(socket, into, &mut beside, RECEIVE) {
            Err(Errno::INTR) => continue,
            // The other end ended with unread messages.
            Err(Errno::CONNRESET) => return Ok(None),
            got => got?,
        };
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                files.extend(received);
            }
        }
        if got.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Error::new(
                ErrorKind::InvalidData,
                format!("expected at most {MOST_FILES} files, got more, or this process may open no more files"),
            ));
        }
        match got.bytes {
            0 if filled == 0 => return Ok(None),
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            bytes => filled += bytes,
        }
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        let message = format!("expected a message of at most {LONGEST} bytes, got {length}");
        return Err(Error::new(ErrorKind::InvalidData, message));
    }
    let mut text = Vec::new();
    socket.take(length as u64).read_to_end(&mut text)?;
    if text.len() < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((text, files)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    fn answer(bytes: &[u8]) -> String {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(bytes).unwrap();
        drop(ours);
        match read(&theirs) {
            Ok(None) => "the end".to_owned(),
            Ok(Some((text, files))) => format!("{:?} and {} files", String::from_utf8_lossy(&text), files.len()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn frames_carry_a_text_and_files() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        let long = vec![b'x'; 1 << 20];
        let writer = std::thread::spawn(move || {
            write(&ours, b"one", &[]).unwrap();
            write(&ours, &long, &[file.as_fd(), file.as_fd()]).unwrap();
            write(&ours, b"", &[]).unwrap();
        });
        let mut got = Vec::new();
        while let Some((text, files)) = read(&theirs).unwrap() {
            got.push((text.len(), files.len()));
        }
        writer.join().unwrap();
        assert_eq!(got, [(3, 0), (1 << 20, 2), (0, 0)]);
    }

    #[test]
    fn half_frames_and_lengths_without_sense_are_errors() {
        assert_eq!(answer(b""), "the end");
        assert_eq!(answer(b"\x03\0\0\0abc"), "\"abc\" and 0 files");
        assert_eq!(answer(b"\x03\0"), "unexpected end of file");
        assert_eq!(answer(b"\x03\0\0\0ab"), "unexpected end of file");
        assert_eq!(answer(b"\xff\xff\xff\xffab"), "expected a message of at most 67108864 bytes, got 4294967295");
    }
}
