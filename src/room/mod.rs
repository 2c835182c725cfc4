//! The room: who is in it, what each hears, under which rules. Pure: no sockets, no clock, no log.
