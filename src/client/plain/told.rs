//! What is shown of what the server tells.

use std::io;

use super::super::event::Event;
use super::super::session::Told;
use super::{Filter, Stop};
use crate::failure::Failure;

impl Filter {
    /// Makes ready to be shown what there is to tell.
    pub(super) fn tell(&mut self) {
        while let Some(told) = self.session.take_told() {
            let (me, shown) = (self.session.name(), &mut self.shown);
            match told {
                Told::Line { line, .. } => {
                    self.printer.print(&line, me, shown);
                    self.log.hear(&line);
                }
                Told::Event { event, time_ms, .. } => {
                    self.printer.print_event(&event, me, time_ms, shown);
                    self.log.event(&event, time_ms);
                }
                Told::Own { line, time_ms } => self.log.own(&line, me, time_ms),
                Told::Key { name, key } => {
                    for line in self.store.iter().flat_map(|store| store.keep(&name, key)) {
                        let told = Event::Notice(line);
                        self.printer.print_event(&told, me, None, shown);
                    }
                }
                Told::Unkept(name) => {
                    if let Some(trouble) = self.store.as_ref().and_then(|store| store.forget(&name))
                    {
                        let told = Event::Notice(trouble);
                        self.printer.print_event(&told, me, None, shown);
                    }
                }
                Told::Refused { why, .. } if self.is_person => {
                    let why = Event::Notice(why);
                    self.printer.print_event(&why, me, None, shown);
                }
                Told::Refused { line, why } => self.refusals.tell(line.as_ref(), &why),
                Told::Members { .. }
                | Told::Came(_)
                | Told::Name(_)
                | Told::Back(_)
                | Told::Word(_) => {}
            }
        }
    }

    /// Shows what arrived in one write.
    pub(super) fn show(&mut self) -> Result<(), Stop> {
        let result = self.output.write(&self.shown);
        self.shown.clear();
        match result {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Stop::Done),
            Err(error) => {
                let message = format!("can't write to the standard output: {error}");
                Err(Failure::new(message).into())
            }
        }
    }
}
