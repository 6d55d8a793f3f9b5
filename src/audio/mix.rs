//! Mixes channels to mono, also those that cancel, and counts samples that are not plausible.

/// Samples are clamped to this many times full scale, so that no power spectrum overflows. Files whose floats are on the
/// scale of 24-bit integers still fit.
const MAX_AMPLITUDE: f32 = 8_388_608.0;
/// A file whose samples exceed this many times full scale (12 dB) is on another scale or damaged. Lossy codecs and float
/// mixes stay below.
const IMPLAUSIBLE_AMPLITUDE: f32 = 4.0;

/// Channels cancel if their mean keeps less than this share of the power that the mean of unrelated channels keeps. In
/// stereo, that is a correlation below −0.9: one channel is the other, inverted.
const CANCELLED: f64 = 0.1;
/// Channels that cancelled are averaged again from this share on; in stereo, from a correlation of −0.5 on.
const RESTORED: f64 = 0.5;
/// Power is remembered for about this many frames (6 s at 44.1 kHz): neither a soft passage nor a block decides.
const REMEMBERED_FRAMES: f64 = 262_144.0;
/// Fewer frames decide nothing: the first of a recording are often noise, or a decoder's.
const LEAST_FRAMES: usize = 2_048;

/// Mixes the channels of each frame to mono, and counts the samples that had to be replaced.
///
/// The mix is the mean, as in librosa, to the bit. If channels cancel, their mean is silence or a faint rest while a listener
/// hears music on any two loudspeakers: then the mix is the loudest channel.
#[derive(Debug, Default)]
pub struct Mixer {
    /// The mix of what was pushed since it was last taken out.
    pub mono: Vec<f32>,
    power: Power,
    /// The channel that is used alone while the channels cancel.
    alone: Option<usize>,
    not_finite: u64,
    /// Largest magnitude of the finite samples, before they are clamped.
    loudest: f32,
}

/// Sums of squares over the past, of which older ones count less.
#[derive(Debug, Default)]
struct Power {
    /// Frames so far.
    frames: usize,
    mean: f64,
    channels: Vec<f64>,
}

impl Power {
    /// Makes room for the power of this many frames.
    fn forget(&mut self, frames: usize) {
        self.frames = self.frames.saturating_add(frames);
        let kept = 1.0 / (1.0 + frames as f64 / REMEMBERED_FRAMES);
        self.mean *= kept;
        self.channels.iter_mut().for_each(|power| *power *= kept);
    }

    /// The power of the mean over that of the mean of unrelated channels of the same power; `None` of silence, and of too few
    /// frames to tell.
    fn kept(&self) -> Option<f64> {
        let count = self.channels.len() as f64;
        let unrelated = self.channels.iter().sum::<f64>() / (count * count);
        (unrelated > 0.0 && self.frames >= LEAST_FRAMES).then(|| self.mean / unrelated)
    }

    fn loudest_channel(&self) -> usize {
        let channels = self.channels.iter().enumerate();
        channels.fold((0, 0.0), |best, (channel, &power)| if power > best.1 { (channel, power) } else { best }).0
    }
}

impl Mixer {
    /// Appends to [`mono`](Self::mono) the mix of every frame's channels, of which there is at least one. Samples of a frame that
    /// is not whole are left out.
    pub fn push(&mut self, interleaved: &[f32], channels: usize) {
        let start = self.mono.len();
        self.mono.reserve(interleaved.len() / channels);
        for frame in interleaved.chunks_exact(channels) {
            let sum: f32 = frame.iter().map(|&sample| self.sanitize(sample)).sum();
            // The mean: the level must not depend on the number of channels.
            self.mono.push(sum / channels as f32);
        }
        if channels > 1 {
            self.update_power(interleaved, channels, start);
            if let Some(alone) = self.alone {
                for (index, frame) in interleaved.chunks_exact(channels).enumerate() {
                    self.mono[start + index] = clamped(frame[alone]);
                }
            }
        }
    }

    /// Adds the power of frames and of their mean, which begins at `start`, and decides whether the channels cancel.
    fn update_power(&mut self, interleaved: &[f32], channels: usize, start: usize) {
        if self.power.channels.len() != channels {
            // Another stream.
            (self.power, self.alone) = (Power { channels: vec![0.0; channels], ..Power::default() }, None);
        }
        self.power.forget(interleaved.len() / channels);
        let square = |sample: f32| f64::from(sample) * f64::from(sample);
        self.power.mean += self.mono[start..].iter().map(|&sample| square(sample)).sum::<f64>();
        for frame in interleaved.chunks_exact(channels) {
            for (power, &sample) in self.power.channels.iter_mut().zip(frame) {
                *power += square(clamped(sample));
            }
        }
        let limit = if self.alone.is_some() { RESTORED } else { CANCELLED };
        let cancel = self.power.kept().is_some_and(|kept| kept < limit);
        self.alone = cancel.then(|| self.alone.unwrap_or_else(|| self.power.loudest_channel()));
    }

    fn sanitize(&mut self, sample: f32) -> f32 {
        if sample.is_finite() {
            self.loudest = self.loudest.max(sample.abs());
        } else {
            self.not_finite += 1;
        }
        clamped(sample)
    }

    /// Sentences for the user about all samples so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        let not_finite = match self.not_finite {
            0 => None,
            1 => Some("1 sample is not a finite number; it is replaced by silence.".to_owned()),
            count => Some(format!("{count} samples are not finite numbers; they are replaced by silence.")),
        };
        let loudest = (self.loudest > IMPLAUSIBLE_AMPLITUDE).then(|| {
            let times = self.loudest;
            let times = if times < 1e6 { format!("{times:.1}") } else { format!("{times:.1e}") };
            format!("The loudest sample is {times} times full scale; the file may be damaged or on another scale.")
        });
        not_finite.into_iter().chain(loudest).collect()
    }
}

/// A sample that no sum overflows with. Those that are not finite are silence: one NaN would spread to every value of the
/// spectrum and of the network.
fn clamped(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-MAX_AMPLITUDE, MAX_AMPLITUDE) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_finite_floats_become_silence_and_huge_ones_are_clamped() {
        let mut mixer = Mixer::default();
        mixer.push(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -1.5], 1);
        assert_eq!(mixer.mono, [0.0, 0.0, 0.0, MAX_AMPLITUDE, -MAX_AMPLITUDE, -1.5]);
    }

    /// A block of stereo: two sines of their own pitch, and the share of the first in the right channel.
    fn stereo(share: f32, own: f32) -> Vec<f32> {
        let frame = |index: usize| {
            let (first, second) = ((index as f32 * 0.05).sin(), (index as f32 * 0.083).sin());
            [0.5 * first, 0.5 * share * first + own * second]
        };
        (0..16_384).flat_map(frame).collect()
    }

    fn mean(stereo: &[f32]) -> Vec<f32> {
        stereo.chunks_exact(2).map(|frame| (frame[0] + frame[1]) / 2.0).collect()
    }

    fn left(stereo: &[f32]) -> Vec<f32> {
        stereo.iter().step_by(2).copied().collect()
    }

    fn mixed(mixer: &mut Mixer, interleaved: &[f32]) -> Vec<f32> {
        mixer.mono.clear();
        mixer.push(interleaved, 2);
        mixer.mono.clone()
    }

    #[test]
    fn channels_that_cancel_give_the_loudest_one() {
        for share in [-1.0, -0.99, -0.9, -0.7] {
            let block = stereo(share, 0.0);
            assert_eq!(mixed(&mut Mixer::default(), &block), left(&block), "{share}");
        }
        // Six channels, of which two cancel: their mean is silence too.
        let surround: Vec<f32> =
            left(&stereo(0.0, 0.0)).into_iter().flat_map(|x| [0.0, x, -x, 0.0, 0.0, 0.0]).collect();
        let mut mixer = Mixer::default();
        mixer.push(&surround, 6);
        assert_eq!(mixer.mono, left(&stereo(0.0, 0.0)));
    }

    #[test]
    fn other_channels_give_their_mean_to_the_bit() {
        for (share, own) in [(1.0, 0.0), (0.0, 0.0), (0.0, 0.5), (-0.5, 0.0), (-0.3, 0.5), (-1.0, 0.5), (0.2, 0.1)] {
            let block = stereo(share, own);
            assert_eq!(mixed(&mut Mixer::default(), &block), mean(&block), "{share} and {own}");
        }
    }

    /// A soft passage that cancels, in a recording that does not, is no reason to switch; nor does a block in one that does.
    #[test]
    fn the_mix_does_not_switch_from_block_to_block() {
        let (usual, opposite) = (stereo(0.8, 0.2), stereo(-1.0, 0.0));
        let soft = |block: &[f32]| block.iter().map(|sample| 0.01 * sample).collect::<Vec<f32>>();
        let mut mixer = Mixer::default();
        for _ in 0..5 {
            assert_eq!(mixed(&mut mixer, &usual), mean(&usual));
            assert_eq!(mixed(&mut mixer, &soft(&opposite)), mean(&soft(&opposite)));
        }
        let mut mixer = Mixer::default();
        for _ in 0..5 {
            assert_eq!(mixed(&mut mixer, &opposite), left(&opposite));
            assert_eq!(mixed(&mut mixer, &soft(&usual)), left(&soft(&usual)));
        }
    }

    /// Two recordings in one file: each is mixed as it must be, after some seconds.
    #[test]
    fn the_mix_follows_a_recording_that_changes() {
        let (usual, opposite) = (stereo(0.8, 0.2), stereo(-1.0, 0.0));
        let mut mixer = Mixer::default();
        for (block, expected) in [(&usual, mean(&usual)), (&opposite, left(&opposite)), (&usual, mean(&usual))] {
            for _ in 0..120 {
                mixed(&mut mixer, block);
            }
            assert_eq!(mixed(&mut mixer, block), expected);
        }
    }

    #[test]
    fn a_usual_recording_gives_no_warnings() {
        let mut mixer = Mixer::default();
        mixer.push(&[-1.0, 1.0, 0.5, 0.0], 2);
        assert_eq!((mixer.mono.as_slice(), mixer.warnings().len()), (&[0.0, 0.25][..], 0));
    }
}
