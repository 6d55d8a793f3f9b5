//! ADPCM in blocks, as in WAV files: each block begins with the decoder's state, followed by 4-bit differences.
//!
//! Not decoded by Symphonia, whose decoder does not bound the step of Microsoft's ADPCM: a damaged block overflows it.
//! Source: IMA Digital Audio Focus and Technical Working Groups, Recommended Practices 3.0 (1992),
//! and Microsoft, Multimedia Standards Update 3.0 (1994).

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audio) enum Adpcm {
    Ima,
    /// With the file's pairs of predictor coefficients.
    Microsoft(Vec<(i16, i16)>),
}

/// Microsoft's standard pairs, with which every file's table begins.
pub(in crate::audio) const MICROSOFT_PAIRS: [(i16, i16); 7] =
    [(256, 0), (512, -256), (0, 0), (192, 64), (240, 0), (460, -208), (392, -232)];
const MICROSOFT_STEPS: [i32; 16] = [230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230];

const IMA_INDEX_CHANGES: [i32; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];
#[rustfmt::skip]
const IMA_STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107,
    118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
    1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894,
    6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
    32767,
];

impl Adpcm {
    /// Whole frames in the first `bytes` of a block.
    pub(super) fn frames_in(&self, bytes: usize, channels: usize) -> usize {
        let (head, first) = match self {
            Self::Ima => (4 * channels, 1),
            Self::Microsoft(_) => (7 * channels, 2),
        };
        let Some(rest) = bytes.checked_sub(head) else { return 0 };
        match self {
            Self::Ima => first + rest / (4 * channels) * 8,
            Self::Microsoft(_) => first + 2 * rest / channels,
        }
    }

    /// Bytes of a block that are enough for `frames`.
    pub(super) fn bytes_of(&self, frames: usize, channels: usize) -> usize {
        match self {
            Self::Ima => 4 * channels * (1 + frames.div_ceil(8)),
            Self::Microsoft(_) => channels * (7 + frames.div_ceil(2)),
        }
    }

    /// Appends the frames of one block, channels interleaved, at a full scale of 1.
    pub(super) fn decode(&self, block: &[u8], channels: usize, interleaved: &mut Vec<f32>) {
        let frames = self.frames_in(block.len(), channels);
        if frames == 0 {
            return;
        }
        let start = interleaved.len();
        interleaved.resize(start + frames * channels, 0.0);
        match self {
            Self::Ima => ima(block, channels, &mut interleaved[start..]),
            Self::Microsoft(pairs) => microsoft(block, channels, pairs, &mut interleaved[start..]),
        }
    }
}

fn scaled(sample: i32) -> f32 {
    sample as f32 / 32_768.0
}

fn word(bytes: &[u8], index: usize) -> i32 {
    i32::from(i16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]]))
}

struct Ima {
    sample: i32,
    index: i32,
}

impl Ima {
    fn next(&mut self, nibble: u8) -> f32 {
        let step = IMA_STEPS[self.index as usize];
        let part = |bit: u8, shift: u8| if nibble & bit == 0 { 0 } else { step >> shift };
        let difference = (step >> 3) + part(4, 0) + part(2, 1) + part(1, 2);
        let signed = if nibble & 8 == 0 { difference } else { -difference };
        self.sample = (self.sample + signed).clamp(-32_768, 32_767);
        self.index = (self.index + IMA_INDEX_CHANGES[usize::from(nibble & 7)]).clamp(0, 88);
        scaled(self.sample)
    }
}

/// Each channel in turn has four bytes, which are eight samples, low nibble first.
fn ima(block: &[u8], channels: usize, out: &mut [f32]) {
    let (heads, groups) = block.split_at(4 * channels);
    // The index is clamped: a damaged block may have any byte there.
    let state = |head: &[u8]| Ima { sample: word(head, 0), index: i32::from(head[2]).min(88) };
    let mut states: Vec<Ima> = heads.chunks_exact(4).map(state).collect();
    let (first, rest) = out.split_at_mut(channels);
    for (out, state) in first.iter_mut().zip(&states) {
        *out = scaled(state.sample);
    }
    for (out, group) in rest.chunks_exact_mut(8 * channels).zip(groups.chunks_exact(4 * channels)) {
        for (channel, (bytes, state)) in group.chunks_exact(4).zip(&mut states).enumerate() {
            let nibbles = bytes.iter().flat_map(|byte| [byte & 15, byte >> 4]);
            for (frame, nibble) in nibbles.enumerate() {
                out[frame * channels + channel] = state.next(nibble);
            }
        }
    }
}

struct Microsoft {
    pair: (i16, i16),
    step: i32,
    last: i32,
    before: i32,
}

impl Microsoft {
    fn next(&mut self, nibble: u8) -> f32 {
        let signed = i64::from(nibble) - if nibble & 8 == 0 { 0 } else { 16 };
        let predicted = i64::from(self.last) * i64::from(self.pair.0) + i64::from(self.before) * i64::from(self.pair.1);
        let sample = (predicted / 256 + signed * i64::from(self.step)).clamp(-32_768, 32_767) as i32;
        (self.before, self.last) = (self.last, sample);
        // No recording needs a step beyond full scale; the bound keeps damaged blocks from overflowing.
        self.step = (MICROSOFT_STEPS[usize::from(nibble)] * self.step / 256).clamp(16, 1 << 16);
        scaled(sample)
    }
}

/// The channels take turns with each nibble, high nibble first.
fn microsoft(block: &[u8], channels: usize, pairs: &[(i16, i16)], out: &mut [f32]) {
    let (predictors, rest) = block.split_at(channels);
    // All channels' steps come first, then all last samples, then all samples before those.
    let (words, nibbles) = rest.split_at(6 * channels);
    let state = |(channel, &predictor): (usize, &u8)| Microsoft {
        pair: pairs.get(usize::from(predictor)).copied().unwrap_or(MICROSOFT_PAIRS[0]),
        step: word(words, channel),
        last: word(words, channels + channel),
        before: word(words, 2 * channels + channel),
    };
    let mut states: Vec<Microsoft> = predictors.iter().enumerate().map(state).collect();
    let firsts = states.iter().map(|state| state.before).chain(states.iter().map(|state| state.last));
    for (out, sample) in out.iter_mut().zip(firsts) {
        *out = scaled(sample);
    }
    let nibbles = nibbles.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (index, (out, nibble)) in out[2 * channels..].iter_mut().zip(nibbles).enumerate() {
        *out = states[index % channels].next(nibble);
    }
}
