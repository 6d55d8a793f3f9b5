//! Formats that need a decoder: [`flac`], whose frames Symphonia decodes, and those whose container is split here into
//! packets, which Symphonia or nanomp3 decode, in [`packet_decoder`] ([`adts`], [`mp3`], [`mp4`]).

pub(super) mod adts;
mod codec;
pub(super) mod flac;
mod flac_bytes;
mod flac_frame;
mod flac_header;
pub(super) mod mp3;
pub(super) mod mp3_frame;
pub(super) mod mp4;
mod mp4_boxes;
mod mp4_entry;
mod mp4_fragment;
mod mp4_table;
mod packet_decoder;
mod warnings;
