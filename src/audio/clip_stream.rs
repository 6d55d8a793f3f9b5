//! Samples that were decoded elsewhere, given out in blocks as a file's are.

use super::Clip;
use super::error::AudioError;
use super::mix::Mixer;
use super::stream::{BLOCK_FRAMES, Stream};

/// A clip and how many of its samples are given out.
pub(super) struct ClipStream {
    clip: Clip,
    given: usize,
}

impl ClipStream {
    pub(super) fn new(clip: Clip) -> Self {
        Self { clip, given: 0 }
    }
}

impl Stream for ClipStream {
    fn sample_rate(&self) -> u32 {
        self.clip.sample_rate
    }

    fn frames(&self) -> Option<u64> {
        Some(self.clip.samples.len() as u64)
    }

    /// In samples, as the recording's length is.
    fn position(&self) -> u64 {
        self.given as u64
    }

    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError> {
        let rest = &self.clip.samples[self.given..];
        let block = &rest[..rest.len().min(BLOCK_FRAMES)];
        mixer.push(block, 1);
        self.given += block.len();
        Ok(!block.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}
