//! The configuration file of `chatroom serve`: TOML, with the flags' names as keys.
//!
//! What it says takes the place of the defaults, so flags and variables win over it, and there is
//! one place where a value is read and checked: the command line.

use std::any::TypeId;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use toml_edit::{Document, Item, Value};

/// How alike a key and a flag are at least, so that one may be meant by the other (Jaro).
const ALIKE: f64 = 0.8;

/// One setting of a file.
#[derive(Debug)]
pub(super) struct Setting {
    /// The flag.
    id: String,
    /// What it is set to, as one would write it behind the flag.
    value: String,
    /// Where, for people: `FILE:LINE`.
    place: String,
}

/// Reads the settings of `serve` from a file.
///
/// # Errors
/// Says what is wrong in which line, all of it.
pub(super) fn read(path: &Path, serve: &Command) -> Result<Vec<Setting>, String> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
    let document = Document::parse(text.as_str()).map_err(|error| {
        let line = line_of(error.span().map_or(0, |span| span.start));
        format!("{name}:{line}: {}", error.message())
    })?;
    let mut settings = Vec::new();
    let mut errors = Vec::new();
    for (key, item) in document.iter() {
        let key_at = document.key(key).and_then(toml_edit::Key::span);
        let place = format!("{name}:{}", line_of(key_at.map_or(0, |span| span.start)));
        match setting(key, item, serve) {
            Ok((id, value)) => settings.push(Setting { id, value, place }),
            Err(error) => errors.push(format!("{place}: {error}")),
        }
    }
    if errors.is_empty() {
        Ok(settings)
    } else {
        Err(errors.join("\n"))
    }
}

/// Puts settings in the place of the defaults.
pub(super) fn apply(settings: &[Setting], serve: Command) -> Command {
    serve.mut_args(|flag| {
        let set = settings
            .iter()
            .find(|setting| flag.get_id() == setting.id.as_str());
        match set {
            Some(setting) => flag.default_value(setting.value.clone()),
            None => flag,
        }
    })
}

/// Returns which flags a file may set.
fn settable(serve: &Command) -> impl Iterator<Item = &Arg> {
    let of_a_call = ["help", "config", "check"];
    let flags = serve.get_arguments();
    flags.filter(move |flag| !of_a_call.contains(&flag.get_id().as_str()))
}

fn name_of(flag: &Arg) -> &str {
    flag.get_long().unwrap_or_default()
}

/// Returns which flag is set to what.
fn setting(key: &str, item: &Item, serve: &Command) -> Result<(String, String), String> {
    let flag = settable(serve)
        .find(|flag| name_of(flag) == key)
        .ok_or_else(|| unknown(key, serve))?;
    let value = item.as_value().and_then(|value| text_of(value, flag));
    let value = value.ok_or_else(|| format!("`{key}` takes {}", what_it_takes(flag)))?;
    check(flag, &value)?;
    Ok((flag.get_id().to_string(), value))
}

/// Returns a value as it is written behind its flag, if it has the right type for one.
fn text_of(value: &Value, flag: &Arg) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Boolean(yes) if is_switch(flag) => Some(yes.value().to_string()),
        Value::Array(values) => {
            let delimiter = flag.get_value_delimiter()?;
            let texts: Option<Vec<_>> = values.iter().map(|value| text_of(value, flag)).collect();
            Some(texts?.join(&delimiter.to_string()))
        }
        _ => None,
    }
}

/// Returns whether a flag is on or off.
fn is_switch(flag: &Arg) -> bool {
    flag.get_value_parser().type_id() == TypeId::of::<bool>()
}

fn what_it_takes(flag: &Arg) -> String {
    if is_switch(flag) {
        return "true or false".to_owned();
    }
    let names = flag.get_value_names().unwrap_or_default();
    let name = names.first().map_or("a value", |name| name.as_str());
    if flag.get_value_delimiter().is_some() {
        format!("{name}, or a list of them in [ ]")
    } else {
        name.to_owned()
    }
}

/// Lets the command line read a value.
fn check(flag: &Arg, value: &str) -> Result<(), String> {
    let flag = flag.clone().env(None::<&str>);
    let argument = format!("--{}={value}", name_of(&flag));
    let read = Command::new("config")
        .arg(flag)
        .try_get_matches_from(["config", &argument]);
    read.map(drop).map_err(|error| {
        let told = error.to_string();
        let first = told.lines().next().unwrap_or_default();
        first.trim_start_matches("error: ").to_owned()
    })
}

fn unknown(key: &str, serve: &Command) -> String {
    let near = settable(serve)
        .map(|flag| {
            (
                strsim::jaro(name_of(flag), &key.to_lowercase().replace('_', "-")),
                name_of(flag),
            )
        })
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let hint = near.map_or_else(
        || "`chatroom serve --help` lists the flags, whose names the keys are".to_owned(),
        |(_, name)| format!("did you mean `{name}`?"),
    );
    format!("there is no setting `{}`; {hint}", key.escape_debug())
}

/// Returns a configuration file in which everything is left as it is by default, with what each
/// setting means.
pub(super) fn template(serve: &Command) -> String {
    let mut text = String::from(
        "# What `chatroom serve --config FILE` reads. What stands here in comments is the default.\n\
         # Flags and variables win over it; `chatroom serve --check` shows what is in force.\n",
    );
    for flag in settable(serve) {
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults = flag.get_default_values().iter();
        let defaults: Vec<_> = defaults
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        let example = if defaults.is_empty() {
            let names = flag.get_value_names().unwrap_or_default();
            let name = names.first().map_or("...", |name| name.as_str());
            // Nothing is the default: an example would be a choice.
            format!("{name:?}")
        } else {
            written(&defaults)
        };
        // Writing to a string can't fail.
        write!(
            text,
            "\n# {}\n#{} = {example}\n",
            help.replace('\n', "\n# "),
            name_of(flag)
        )
        .ok();
    }
    text
}

/// Returns values as TOML has them.
fn written(values: &[String]) -> String {
    let one = |text: &String| {
        if text.parse::<i64>().is_ok() {
            text.clone()
        } else {
            Value::from(text).to_string()
        }
    };
    match values {
        [value] => one(value),
        values => format!(
            "[{}]",
            values.iter().map(one).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Returns what is in force, as a configuration file, and in a comment where each value comes from.
pub(super) fn in_force(serve: &Command, matches: &ArgMatches, settings: &[Setting]) -> String {
    let mut text = String::new();
    for flag in settable(serve) {
        let id = flag.get_id().as_str();
        let name = name_of(flag);
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => format!("--{name}"),
            Some(ValueSource::EnvVariable) => {
                let variable = flag.get_env().unwrap_or_default();
                variable.to_string_lossy().into_owned()
            }
            _ => match settings.iter().find(|setting| setting.id == id) {
                Some(setting) => setting.place.clone(),
                None => "default".to_owned(),
            },
        };
        let raw = matches.get_raw(id).into_iter().flatten();
        let values: Vec<_> = raw
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        let switch = is_switch(flag).then(|| matches.get_one::<bool>(id));
        let written = match switch {
            Some(on) => on.copied().unwrap_or_default().to_string(),
            None => written(&values),
        };
        // Writing to a string can't fail.
        if values.is_empty() {
            writeln!(text, "# {name} is not set").ok();
        } else {
            writeln!(text, "{name} = {written}  # {from}").ok();
        }
    }
    text
}
