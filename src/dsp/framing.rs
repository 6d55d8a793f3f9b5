//! Cuts samples, which come in pieces of any size, into overlapping frames.

use super::{FrontEnd, Padding};

/// Samples that are buffered at a time: bounds the memory of a long push.
const BLOCK: usize = 1 << 15;

/// Cuts a stream of samples into frames, each a whole slice, without copying a sample more than a few times.
pub(super) struct Framing {
    length: usize,
    hop: usize,
    /// Samples of padding at either end.
    pad: usize,
    padding: Padding,
    /// The padding in front and the samples, without those that no later frame and no padding needs.
    buffer: Vec<f32>,
    /// Where in `buffer` the next frame begins; beyond its end if the hop is longer than a frame.
    next: usize,
    /// Whether the padding in front was added: mirrored padding needs half a frame of samples first.
    begun: bool,
}

impl Framing {
    pub(super) fn new(front_end: &FrontEnd) -> Self {
        let mut framing = Self {
            length: front_end.n_fft,
            hop: front_end.hop_length,
            pad: if front_end.centred { front_end.n_fft / 2 } else { 0 },
            padding: front_end.padding,
            buffer: Vec::new(),
            next: 0,
            begun: false,
        };
        framing.reset();
        framing
    }

    /// Adds samples, and calls `each` with every frame that is now complete.
    pub(super) fn push(&mut self, samples: &[f32], mut each: impl FnMut(&[f32])) {
        for block in samples.chunks(BLOCK) {
            self.buffer.extend_from_slice(block);
            if !self.begun && self.buffer.len() > self.pad {
                self.begin();
            }
            if self.begun {
                self.cut(&mut each);
            }
        }
    }

    /// Calls `each` with the frames that reach beyond the end, and resets.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&[f32])) {
        let known = if self.begun { self.buffer.len().min(self.pad + 1) } else { self.buffer.len() };
        let last = &self.buffer[self.buffer.len() - known..];
        let behind: Vec<f32> = (0..self.pad).map(|index| self.beyond(last, (known + index) as isize)).collect();
        if !self.begun {
            self.begin();
        }
        self.buffer.extend(behind);
        self.cut(&mut each);
        self.reset();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }

    fn reset(&mut self) {
        self.buffer.clear();
        self.next = 0;
        self.begun = false;
        if self.pad == 0 || self.padding == Padding::Constant {
            self.begin();
        }
    }

    /// Puts the padding in front.
    fn begin(&mut self) {
        let front: Vec<f32> = (1..=self.pad).rev().map(|index| self.beyond(&self.buffer, -(index as isize))).collect();
        self.buffer.splice(0..0, front);
        self.begun = true;
    }

    /// The padding's value at a position before or after these samples.
    fn beyond(&self, samples: &[f32], position: isize) -> f32 {
        match (self.padding, samples) {
            (Padding::Constant, _) | (Padding::Reflect, []) => 0.0,
            (Padding::Reflect, [only]) => *only,
            (Padding::Reflect, _) => {
                let period = 2 * (samples.len() - 1);
                let folded = position.rem_euclid(period as isize) as usize;
                samples[folded.min(period - folded)]
            }
        }
    }

    fn cut(&mut self, each: &mut impl FnMut(&[f32])) {
        while let Some(frame) = self.buffer.get(self.next..self.next + self.length) {
            each(frame);
            self.next += self.hop;
        }
        // Moved only once as much is done as is left: so each sample moves once on average, however small the pushes.
        let kept = self.pad + 1; // what the padding behind mirrors
        let done = self.next.min(self.buffer.len().saturating_sub(kept));
        if done >= self.buffer.len() - done {
            self.buffer.drain(..done);
            self.next -= done;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(samples: &[f32], piece: usize, front_end: &FrontEnd) -> Vec<Vec<f32>> {
        let (mut framing, mut frames) = (Framing::new(front_end), Vec::new());
        samples.chunks(piece).for_each(|piece| framing.push(piece, |frame| frames.push(frame.to_vec())));
        framing.finish(|frame| frames.push(frame.to_vec()));
        frames
    }

    fn front_end(padding: Padding, centred: bool, n_fft: usize, hop_length: usize) -> FrontEnd {
        FrontEnd { n_fft, hop_length, padding, centred, ..FrontEnd::GTZAN_LOGMEL }
    }

    #[test]
    fn frames_are_those_of_the_padded_recording() {
        let zeros = front_end(Padding::Constant, true, 4, 3);
        assert_eq!(frames(&[1.0, 2.0, 3.0], 2, &zeros), [[0.0, 0.0, 1.0, 2.0], [2.0, 3.0, 0.0, 0.0]]);
        let mirrored = front_end(Padding::Reflect, true, 4, 3);
        assert_eq!(frames(&[1.0, 2.0, 3.0], 2, &mirrored), [[3.0, 2.0, 1.0, 2.0], [2.0, 3.0, 2.0, 1.0]]);
        let inside = front_end(Padding::Reflect, false, 4, 3);
        assert!(frames(&[1.0, 2.0, 3.0], 2, &inside).is_empty());
        assert_eq!(frames(&[1.0, 2.0, 3.0, 4.0, 5.0], 2, &inside), [[1.0, 2.0, 3.0, 4.0]]);
    }

    /// `numpy.pad([1, 2, 3], 4, mode="reflect")` is 1 2 3 2, 1 2 3, 2 1 2 3.
    #[test]
    fn a_recording_shorter_than_the_padding_is_mirrored_to_and_fro() {
        let mirrored = front_end(Padding::Reflect, true, 8, 8);
        assert_eq!(frames(&[1.0, 2.0, 3.0], 1, &mirrored), [[1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]);
        assert_eq!(frames(&[7.0], 1, &mirrored), [[7.0; 8]]);
        assert_eq!(frames(&[], 1, &mirrored), [[0.0; 8]]);
    }

    #[test]
    fn pieces_of_any_size_give_the_same_frames() {
        let samples: Vec<f32> = (1..=199).map(|value| value as f32).collect();
        for padding in [Padding::Constant, Padding::Reflect] {
            for (centred, n_fft, hop) in
                [(true, 16, 5), (true, 16, 40), (false, 16, 16), (false, 7, 30), (true, 500, 1)]
            {
                let front_end = front_end(padding, centred, n_fft, hop);
                for length in [0, 1, 2, 8, 9, 17, 199] {
                    let whole = frames(&samples[..length], 1000, &front_end);
                    for piece in [1, 3, 16] {
                        assert_eq!(frames(&samples[..length], piece, &front_end), whole);
                    }
                    let padded = length + if centred { 2 * (n_fft / 2) } else { 0 };
                    assert_eq!(whole.len(), padded.checked_sub(n_fft).map_or(0, |rest| 1 + rest / hop));
                }
            }
        }
    }
}
