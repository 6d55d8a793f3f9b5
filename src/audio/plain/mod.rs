//! Formats that store their samples, or hardly compress them: a container says where they are and how they are coded
//! ([`riff`], [`au`], [`aiff`]), and [`pcm`] reads them.

mod adpcm;
pub(super) mod aiff;
pub(super) mod au;
mod chunks;
mod g711;
mod pcm;
pub(super) mod riff;
mod wave;
