//! A clip that is already decoded, streamed in blocks as a file is.

use super::Clip;
use super::error::AudioError;
use super::mix::Mixer;
use super::stream::{BLOCK_FRAMES, Stream};

pub(super) struct ClipStream {
    clip: Clip,
    /// Samples that were already streamed.
    streamed: usize,
}

impl ClipStream {
    pub(super) fn new(clip: Clip) -> Self {
        Self { clip, streamed: 0 }
    }
}

impl Stream for ClipStream {
    fn sample_rate(&self) -> u32 {
        self.clip.sample_rate
    }

    fn frames(&self) -> Option<u64> {
        Some(self.clip.samples.len() as u64)
    }

    /// In samples, not bytes: the recording's length is given in samples too.
    fn position(&self) -> u64 {
        self.streamed as u64
    }

    fn next(&mut self, mixer: &mut Mixer) -> Result<bool, AudioError> {
        let rest = &self.clip.samples[self.streamed..];
        let block = &rest[..rest.len().min(BLOCK_FRAMES)];
        mixer.push(block, 1);
        self.streamed += block.len();
        Ok(!block.is_empty())
    }

    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}
