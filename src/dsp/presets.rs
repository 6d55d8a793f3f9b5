//! Front ends by name. If a source leaves something open, the documentation names our choice.

use super::{Columns, FrontEnd, MelNorm, MelScale, Padding, Scaling, Spectrum};

impl FrontEnd {
    /// The front end of the GTZAN features that the shipped networks were trained on: 128 bands, a column every 77.5 ms.
    pub const GTZAN_LOGMEL: Self = Self {
        name: "gtzan-logmel",
        sample_rate: 22_050,
        n_fft: 2048,
        hop_length: 512,
        centred: true,
        padding: Padding::Constant,
        spectrum: Spectrum::Power,
        mel_bands: 128,
        f_min: 0.0,
        f_max: 11_025.0,
        mel_scale: MelScale::Slaney,
        mel_norm: MelNorm::Slaney,
        // Clips of about 1293 frames over 387.5 columns.
        columns: Columns::Spread { frames_per_column: 3.337 },
        segment_seconds: 30.0,
        scaling: Scaling::UnitRange,
        top_db: 80.0,
        frames: None,
    };

    /// The front end of Yang and Zhang 2019, section 4.2: frames of 1024 overlapping by half, 256 bands, every frame,
    /// 128 of them an input. The paper names no logarithm and no scale; ours are those of
    /// [`GTZAN_LOGMEL`](Self::GTZAN_LOGMEL), decibels below the maximum of 30 s, brought to 0..1.
    pub const NET1: Self = Self {
        name: "net1",
        n_fft: 1024,
        mel_bands: 256,
        columns: Columns::Every,
        frames: Some(128),
        ..Self::GTZAN_LOGMEL
    };

    /// The front end of Flores Ruiz de Eguino's "Deep Music Genre" (CS231n, 2017), figure 3: windows of 2048, hop
    /// 1024, 128 bands, decibels below the maximum, less the mean and divided by the deviation. 30 s are 646 frames.
    ///
    /// Our choices where it is silent: mean and deviation are those of the clip, not of a dataset, so that a network's
    /// input depends on nothing but the song; mirrored ends and 80 dB, the defaults of the librosa of that year.
    pub const DEEP_MUSIC_GENRE: Self = Self {
        name: "deep-music-genre",
        hop_length: 1024,
        padding: Padding::Reflect,
        columns: Columns::Every,
        scaling: Scaling::Standardised,
        frames: Some(646),
        ..Self::GTZAN_LOGMEL
    };

    /// The front end of the seven networks on FMA-small (2020): 128 bands, 640 frames, decibels.
    ///
    /// The document names a hop of 512, with which 640 frames would be 14.9 s of its clips of 30 s; ours is 1024, with
    /// which they are the first 29.7 s, and which the spectrograms that it cites were made with. Our choices
    /// where it is silent: windows of 2048, mirrored ends and 80 dB (defaults of the librosa of that year), and 0..1
    /// for decibels.
    pub const FMA: Self = Self {
        name: "fma",
        hop_length: 1024,
        padding: Padding::Reflect,
        columns: Columns::Every,
        frames: Some(640),
        ..Self::GTZAN_LOGMEL
    };

    /// The front end of GenreWiz: the first 640 frames of 128 bands. The document says no more; everything else
    /// is that of [`FMA`](Self::FMA), whose source cites the same article.
    pub const PARALLEL_CNN_RNN: Self = Self { name: "parallel-cnn-rnn", ..Self::FMA };

    /// The front end of networks that take a spectrogram as an image (GTZAN transfer learning, 2024), for
    /// [`picture`](super::picture): 128 bands, a frame every 23 ms, decibels below the maximum in 80 dB. The document only
    /// says that the images of a published set were resized; these are grey instead of coloured and have no margins.
    pub const IMAGE: Self = Self { name: "image", columns: Columns::Every, ..Self::GTZAN_LOGMEL };

    /// The front end of MusiCNN (Pons and Serra, 2019): 16 kHz, 96 bands to 8000 Hz, patches of 187 frames (3 s).
    pub const MUSICNN: Self = Self {
        name: "musicnn",
        sample_rate: 16_000,
        // 32 ms, with a hop of 16 ms.
        n_fft: 512,
        hop_length: 256,
        padding: Padding::Reflect,
        mel_bands: 96,
        f_max: 8000.0,
        columns: Columns::Every,
        scaling: Scaling::LogCompressed,
        frames: Some(187),
        ..Self::GTZAN_LOGMEL
    };

    /// All front ends.
    pub const ALL: [&'static Self; 7] = [
        &Self::GTZAN_LOGMEL,
        &Self::NET1,
        &Self::DEEP_MUSIC_GENRE,
        &Self::FMA,
        &Self::PARALLEL_CNN_RNN,
        &Self::IMAGE,
        &Self::MUSICNN,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for front_end in FrontEnd::ALL {
            assert_eq!(FrontEnd::by_name(front_end.name), Some(front_end));
        }
        assert_eq!(FrontEnd::by_name("nothing"), None);
    }

    #[test]
    fn fixed_inputs_fit_into_thirty_seconds() {
        for front_end in FrontEnd::ALL {
            let columns = 1 + (30.0 / front_end.seconds_per_column()) as usize;
            assert!(front_end.frames.is_none_or(|frames| frames <= columns), "{}", front_end.name);
        }
        assert_eq!(1 + (30.0 / FrontEnd::DEEP_MUSIC_GENRE.hop_seconds()) as usize, 646);
        assert!((640.0 * FrontEnd::FMA.hop_seconds() - 29.7).abs() < 0.05);
    }
}
