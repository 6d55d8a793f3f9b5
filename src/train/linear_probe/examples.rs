//! The training data of a linear head: the backbones' features of a song's windows, and of altered copies of the song.

use burn::tensor::ExecutionError;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::audio_augmentation::{AudioAugmentation, augment};
use crate::audio::{AudioError, Clip};
use crate::dsp::Segment;
use crate::model::Backbones;
use crate::model::windows::{InputSpec, WindowSpan, Windowing};

/// Windows that go through the backbones at once: more take more memory and are hardly faster.
const WINDOWS_AT_ONCE: usize = 16;

/// Why a song has no features.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbedError {
    #[error(transparent)]
    Audio(#[from] AudioError),
    #[error(transparent)]
    Device(#[from] ExecutionError),
    /// A head cannot be solved on them, nor would it predict anything.
    #[error("a backbone gives NaN or infinity for this recording; fetch its weights again")]
    NotFinite,
}

/// The features of all windows of a song's segments: `[windows][features]`.
pub(crate) async fn embed(
    backbones: &Backbones,
    windowing: &Windowing,
    segments: &[Segment],
) -> Result<Vec<Vec<f32>>, EmbedError> {
    embed_spans(backbones, windowing, segments, &windowing.spans(segments)).await
}

/// The features of a song's altered copies, one window each: `[copies][features]`. Copies that are too short for a window
/// are left out. `song` numbers the songs, each of which has a random stream of its own.
pub(crate) async fn embed_augmented(
    backbones: &Backbones,
    input_spec: &InputSpec,
    clip: &Clip,
    settings: &AudioAugmentation,
    song: usize,
) -> Result<Vec<Vec<f32>>, EmbedError> {
    let windowing = &input_spec.windowing;
    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
    rng.set_stream(song as u64);
    let mut rows = Vec::with_capacity(settings.count);
    for _ in 0..settings.count {
        let Some(segment) = augment(clip, input_spec.front_end, settings, &mut rng)? else { continue };
        if segment.columns < input_spec.min_frames {
            continue;
        }
        let span = WindowSpan { segment: 0, start: 0, columns: segment.columns.min(windowing.frames) };
        rows.extend(embed_spans(backbones, windowing, &[windowing.prepare(segment)], &[span]).await?);
    }
    Ok(rows)
}

async fn embed_spans(
    backbones: &Backbones,
    windowing: &Windowing,
    segments: &[Segment],
    spans: &[WindowSpan],
) -> Result<Vec<Vec<f32>>, EmbedError> {
    let mut rows = Vec::with_capacity(spans.len());
    // Only windows of one length fit in one batch.
    for spans in spans.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        rows.extend(backbones.embed_windows(windowing, segments, spans).await?.rows);
    }
    if rows.iter().flatten().all(|value| value.is_finite()) { Ok(rows) } else { Err(EmbedError::NotFinite) }
}
