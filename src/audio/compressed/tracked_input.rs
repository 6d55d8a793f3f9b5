//! A file that a library reads on its own, and what goes on in it.

use std::cell::{Cell, RefCell};
use std::io::{Read, Seek, SeekFrom};
use std::rc::Rc;

use crate::audio::error::{AudioError, unreadable};
use crate::audio::source::Input;

/// Shared between the reader and whoever wants to know.
#[derive(Debug, Default)]
pub(in crate::audio) struct InputStatus {
    position: Cell<u64>,
    failure: RefCell<Option<AudioError>>,
}

impl InputStatus {
    /// How far the file is read, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.position.get()
    }

    /// Set where the source failed, and not what is in it.
    pub(super) fn failure(&self) -> Option<AudioError> {
        self.failure.borrow().clone()
    }
}

/// An input under status.
pub(in crate::audio) struct TrackedInput {
    pub input: Input,
    status: Rc<InputStatus>,
}

impl TrackedInput {
    pub(super) fn new(input: Input) -> (Self, Rc<InputStatus>) {
        let status = Rc::<InputStatus>::default();
        (Self { input, status: Rc::clone(&status) }, status)
    }

    fn noted<T>(&self, result: std::io::Result<T>) -> std::io::Result<T> {
        self.status.position.set(self.input.position());
        result.inspect_err(|error| *self.status.failure.borrow_mut() = Some(unreadable(error)))
    }
}

impl Read for TrackedInput {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let result = self.input.read(bytes);
        self.noted(result)
    }
}

impl Seek for TrackedInput {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let result = self.input.seek(to);
        self.noted(result)
    }
}
