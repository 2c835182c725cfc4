//! From bytes to lines to commands. Pure: no sockets, no clock, no log.
