//! Formats that store samples uncompressed, or as G.711 or ADPCM: a container tells where the samples are and how they
//! are coded ([`riff`], [`au`], [`aiff`]), and [`pcm`] reads them.

mod adpcm;
pub(super) mod aiff;
pub(super) mod au;
mod chunks;
mod g711;
mod pcm;
pub(super) mod riff;
mod wave;
