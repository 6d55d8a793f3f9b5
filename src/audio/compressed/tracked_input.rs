//! An input that a library owns, while its position and errors stay known: libraries wrap the errors of a source.

use std::cell::{Cell, RefCell};
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use crate::audio::error::{AudioError, unreadable};
use crate::audio::source::Input;

/// Shared between the input and the demuxer.
#[derive(Debug, Default)]
pub(in crate::audio) struct InputStatus {
    position: Cell<u64>,
    failure: RefCell<Option<AudioError>>,
}

impl InputStatus {
    /// Bytes of the file that are read.
    pub(super) fn position(&self) -> u64 {
        self.position.get()
    }

    /// The source's error, as distinct from damage in the file.
    pub(super) fn failure(&self) -> Option<AudioError> {
        self.failure.borrow().clone()
    }
}

pub(in crate::audio) struct TrackedInput {
    pub input: Input,
    status: Rc<InputStatus>,
}

impl TrackedInput {
    pub(super) fn new(input: Input) -> (Self, Rc<InputStatus>) {
        let status = Rc::<InputStatus>::default();
        (Self { input, status: Rc::clone(&status) }, status)
    }

    fn record<T>(&self, result: std::io::Result<T>) -> std::io::Result<T> {
        self.status.position.set(self.input.position());
        result.inspect_err(|error| *self.status.failure.borrow_mut() = Some(unreadable(error)))
    }
}

impl Read for TrackedInput {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let result = self.input.read(bytes);
        self.record(result)
    }
}

impl Seek for TrackedInput {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let result = self.input.seek(to);
        self.record(result)
    }
}
