//! The manual page: the commands and options as the command line has them, and what else an operator
//! has to know.

use std::collections::HashSet;
use std::io;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Cli;

/// When the manual was last looked through.
const DATE: &str = "2026-11-25";

/// Longest line of the source, in bytes.
const LINE_MAX: usize = 78;

/// What the command line doesn't know of itself.
const SECTIONS: &str = include_str!("texts/manual.roff");

/// Returns the manual page `chatroom(1)`, in roff.
///
/// # Errors
/// None in practice: it is written to memory.
pub(super) fn manual() -> io::Result<String> {
    let mut program = Cli::command();
    program.build();
    let man = Man::new(program.clone())
        .title("CHATROOM")
        .date(DATE)
        .manual("User Commands");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    for command in program
        .get_subcommands()
        .filter(|c| !c.is_hide_set() && c.get_name() != "help")
    {
        let name = command.get_name();
        let heading = format!("chatroom {name}");
        let command = command
            .clone()
            .mut_args(|option| option.help_heading(heading.clone()));
        let man = Man::new(command);
        man.render_options_section(&mut page)?;
    }
    page.extend_from_slice(SECTIONS.as_bytes());
    Ok(tidy(&String::from_utf8_lossy(&page)))
}

/// Returns the page as `mandoc -Tlint` wants it: what is said for each part is said once, nothing
/// breaks a line beside a space, and source lines are short.
fn tidy(page: &str) -> String {
    let mut tidy = String::new();
    let mut preamble = HashSet::new();
    for line in page.lines() {
        let is_said = line.starts_with(".ie ") || line.starts_with(".el ");
        match line {
            ".br" => {}
            _ if is_said && !preamble.insert(line) => {}
            "" => tidy.push_str(".sp\n"),
            _ if line.starts_with('.') => {
                tidy.push_str(line);
                tidy.push('\n');
            }
            _ => wrap(line, &mut tidy),
        }
    }
    tidy
}

/// Breaks a line of text between words; a word at which roff would see a request keeps its place.
fn wrap(line: &str, tidy: &mut String) {
    let mut length = 0;
    for word in line.trim_end().split(' ') {
        if length > 0 {
            let breaks = length + word.len() > LINE_MAX && !word.starts_with(['.', '\'']);
            tidy.push(if breaks { '\n' } else { ' ' });
            length = if breaks { 0 } else { length + 1 };
        }
        tidy.push_str(word);
        length += word.len();
    }
    tidy.push('\n');
}
