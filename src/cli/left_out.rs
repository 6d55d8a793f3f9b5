//! Recordings that cannot be read: hours of hearing must not be lost for one of them.

use super::CliError;
use super::output::warn;

/// Recordings that are left out of a set, which are named and counted; or none, if the command is to be strict.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    strict: bool,
    read: usize,
    left_out: usize,
}

impl LeftOut {
    pub(super) fn new(strict: bool) -> Self {
        Self { strict, ..Self::default() }
    }

    /// What was read of a recording; `None` if it cannot be read, which is said.
    ///
    /// # Errors
    ///
    /// The recording's own, if the command is strict.
    pub(super) fn take<T>(&mut self, recording: Result<T, CliError>) -> Result<Option<T>, CliError> {
        match recording {
            Ok(read) => {
                self.read += 1;
                Ok(Some(read))
            }
            Err(error) if self.strict => Err(error),
            Err(error) => {
                self.left_out += 1;
                warn(&format!("left out: {error}"));
                Ok(None)
            }
        }
    }

    /// How many recordings were left out so far.
    pub(super) fn count(&self) -> usize {
        self.left_out
    }

    /// Their number as a figure of a card; none if there is none to tell.
    pub(super) fn figure(&self) -> Option<(String, f64)> {
        (self.left_out > 0).then(|| ("left_out".to_owned(), self.left_out as f64))
    }

    /// Says how many recordings were left out, if any were.
    ///
    /// # Errors
    ///
    /// If none is left.
    pub(super) fn report(&self) -> Result<(), CliError> {
        let all = self.read + self.left_out;
        match (self.left_out, self.read) {
            (0, _) => {}
            (_, 0) => return Err(CliError::Usage(format!("not one of the {all} recordings could be read"))),
            (left_out, _) => {
                warn(&format!(
                    "{left_out} of {all} recordings could not be read and are left out; --strict refuses them"
                ));
            }
        }
        Ok(())
    }
}
