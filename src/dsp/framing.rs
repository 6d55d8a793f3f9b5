//! Samples in pieces of any size, cut into overlapping frames.

use super::FrontEnd;

/// Samples taken in at a time: what bounds the memory of a long push.
const BLOCK: usize = 1 << 15;

/// Cuts a stream of samples into frames, each a whole slice, without copying a sample more than twice.
pub(super) struct Framing {
    length: usize,
    hop: usize,
    pad: usize,
    /// The padding in front and the samples, less what no later frame needs.
    buffer: Vec<f32>,
    /// Where in `buffer` the next frame begins; beyond its end where the hop is longer than a frame.
    next: usize,
}

impl Framing {
    pub fn new(front_end: &FrontEnd) -> Self {
        let mut framing = Self {
            length: front_end.n_fft,
            hop: front_end.hop_length,
            pad: front_end.n_fft / 2,
            buffer: Vec::new(),
            next: 0,
        };
        framing.reset();
        framing
    }

    /// Takes samples in and gives every frame that is now whole.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(&[f32])) {
        for block in samples.chunks(BLOCK) {
            self.buffer.extend_from_slice(block);
            self.cut(&mut each);
        }
    }

    /// Gives the frames that reach beyond the end, and begins anew.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        self.buffer.resize(self.buffer.len() + self.pad, 0.0);
        self.cut(&mut each);
        self.reset();
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    fn reset(&mut self) {
        self.buffer.clear();
        self.buffer.resize(self.pad, 0.0);
        self.next = 0;
    }

    fn cut(&mut self, each: &mut impl FnMut(&[f32])) {
        while let Some(frame) = self.buffer.get(self.next..self.next + self.length) {
            each(frame);
            self.next += self.hop;
        }
        // Only once as much is done as is left: every sample is moved once on average, however small the pushes.
        let done = self.next.min(self.buffer.len());
        if done >= self.buffer.len() - done {
            self.buffer.drain(..done);
            self.next -= done;
        }
    }
}
