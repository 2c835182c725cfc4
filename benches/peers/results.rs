//! What was measured, in a file that people and programs can read: one line of comment for each of
//! machine, date and command, then tab-separated columns.

use std::fmt::{self, Write};

use crate::support::tally::median;

/// How the file is made.
const COMMAND: &str = "cargo bench --bench peers -- --save";

const COLUMNS: &str = "load\tprogram\tdeliveries_per_s\tcpu_ns_per_delivery\tp50_us\tp99_us\t\
                       bytes_per_connection";

/// What one load on one program came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Deliveries a second.
    pub(crate) rate: f64,
    /// The server's processor time for a delivery, in nanoseconds.
    pub(crate) cpu_ns: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Memory of the server for a connection.
    pub(crate) bytes: f64,
}

impl Figures {
    fn columns(&self) -> [f64; 5] {
        [self.rate, self.cpu_ns, self.p50_us, self.p99_us, self.bytes]
    }

    fn from_columns([rate, cpu_ns, p50_us, p99_us, bytes]: [f64; 5]) -> Self {
        Self {
            rate,
            cpu_ns,
            p50_us,
            p99_us,
            bytes,
        }
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) machine: String,
    pub(crate) date: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    load: String,
    program: String,
    rounds: Vec<Figures>,
}

impl Results {
    pub(crate) fn new(machine: String, date: String) -> Self {
        Self {
            machine,
            date,
            rows: Vec::new(),
        }
    }

    /// Reads what [`Self::to_string`] wrote.
    pub(crate) fn parse(text: &str) -> Self {
        let mut results = Self::default();
        for line in text.lines().filter(|line| *line != COLUMNS) {
            if let Some(machine) = line.strip_prefix("# machine: ") {
                machine.clone_into(&mut results.machine);
            } else if let Some(date) = line.strip_prefix("# date: ") {
                date.clone_into(&mut results.date);
            } else if !line.starts_with('#') {
                let fields: Vec<&str> = line.split('\t').collect();
                let [load, program, figures @ ..] = &fields[..] else {
                    panic!("not a row of results: {line}");
                };
                let columns = figures.iter().map(|figure| figure.parse().unwrap());
                let columns: Vec<f64> = columns.collect();
                let figures = Figures::from_columns(columns.try_into().expect("five figures"));
                results.add(load, program, figures);
            }
        }
        results
    }

    /// Adds one round.
    pub(crate) fn add(&mut self, load: &str, program: &str, figures: Figures) {
        let known = |row: &&mut Row| row.load == load && row.program == program;
        match self.rows.iter_mut().find(known) {
            Some(row) => row.rounds.push(figures),
            None => self.rows.push(Row {
                load: load.to_owned(),
                program: program.to_owned(),
                rounds: vec![figures],
            }),
        }
    }

    /// Returns the loads, in the order they were measured.
    pub(crate) fn loads(&self) -> Vec<&str> {
        let mut loads: Vec<&str> = self.rows.iter().map(|row| &*row.load).collect();
        loads.dedup();
        loads
    }

    /// Returns the programs that bore a load, and the medians of what they came to.
    pub(crate) fn of(&self, load: &str) -> Vec<(&str, Figures)> {
        let rows = self.rows.iter().filter(|row| row.load == load);
        rows.map(|row| (&*row.program, row.median())).collect()
    }

    /// Returns a table for people: each figure with its ratio to the room's.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{}, {}, medians\n", self.machine, self.date);
        for load in self.loads() {
            let programs = self.of(load);
            let room = programs
                .first()
                .map_or([0.0; 5], |(_, room)| room.columns());
            writeln!(
                table,
                "\n{load:26}{:>20}{:>20}{:>18}{:>18}{:>18}",
                "deliveries/s", "CPU ns/delivery", "p50 us", "p99 us", "bytes/connection"
            )
            .unwrap();
            for (program, figures) in programs {
                write!(table, "  {program:24}").unwrap();
                for ((figure, room), width) in
                    figures.columns().iter().zip(room).zip([20, 20, 18, 18, 18])
                {
                    let cell = format!("{figure:.0} ({:.2})", figure / room);
                    write!(table, "{cell:>width$}").unwrap();
                }
                table.push('\n');
            }
        }
        table
    }
}

impl Row {
    fn median(&self) -> Figures {
        Figures::from_columns(std::array::from_fn(|column| {
            median(self.rounds.iter().map(|round| round.columns()[column]))
        }))
    }
}

/// The file.
impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# machine: {}", self.machine)?;
        writeln!(f, "# date: {}", self.date)?;
        writeln!(f, "# command: {COMMAND}")?;
        writeln!(f, "{COLUMNS}")?;
        for row in &self.rows {
            write!(f, "{}\t{}", row.load, row.program)?;
            for figure in row.median().columns() {
                write!(f, "\t{figure:.0}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
