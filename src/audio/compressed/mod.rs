//! Formats that need a decoder: [`flac`], decoded by claxon, and those whose container is split here into packets that
//! Symphonia decodes, in [`packet_decoder`] ([`adts`], [`mp3`], [`mp4`]).

pub(super) mod adts;
mod codec;
pub(super) mod flac;
mod flac_bytes;
mod flac_header;
pub(super) mod mp3;
pub(super) mod mp4;
mod mp4_entry;
mod mp4_table;
mod packet_decoder;
mod tracked_input;
mod warnings;
