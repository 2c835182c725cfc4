//! What a person keeps in a file: how they like the client.

use std::path::PathBuf;
use std::{env, fs, io};

use toml_edit::{Array, Document, DocumentMut, Item, Value};

use super::address::Address;
use super::options::{ColorWhen, Options};
use crate::failure::Failure;

/// The names of the settings, each with what it may be, as it is told.
pub(super) const SETTINGS: [(&str, &str); 6] = [
    ("name", "a name"),
    ("server", "an address such as example.org:5050"),
    ("timestamps", YES_OR_NO),
    ("bell", YES_OR_NO),
    ("colour", "auto, always or never"),
    ("notify", YES_OR_NO),
];

/// The setting that `/ignore` keeps, a list of names.
const IGNORE: &str = "ignore";

const YES_OR_NO: &str = "yes or no";

/// How alike two words must be for one to be a mistyped other (Jaro, of 1).
const ALIKE: f64 = 0.7;

/// What the settings say; nothing of what they don't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) name: Option<String>,
    pub(super) server: Option<String>,
    pub(super) timestamps: Option<bool>,
    pub(super) bell: Option<bool>,
    pub(super) colour: Option<ColorWhen>,
    pub(super) notify: Option<bool>,
    pub(super) ignore: Vec<String>,
}

impl Settings {
    /// Sets one to what a person typed.
    ///
    /// # Errors
    /// Says what is wrong with it, and what would be right.
    fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
        self.take(key, &text.into())
    }

    /// Returns what a setting is, as a person would type it; `None` while it is not set.
    pub(super) fn shown(&self, key: &str) -> Option<String> {
        let yes_or_no =
            |set: Option<bool>| set.map(|set| if set { "yes" } else { "no" }.to_owned());
        match key {
            "name" => self.name.clone(),
            "server" => self.server.clone(),
            "timestamps" => yes_or_no(self.timestamps),
            "bell" => yes_or_no(self.bell),
            "colour" => self.colour.map(|when| when.as_str().to_owned()),
            "notify" => yes_or_no(self.notify),
            _ => None,
        }
    }

    /// Fills in what `options` leave open.
    fn complete(&self, options: &mut Options) {
        options.name = options.name.take().or_else(|| self.name.clone());
        options.server = options.server.take().or_else(|| self.server.clone());
        options.timestamps = options.timestamps.or(self.timestamps);
        options.bell = options.bell.or(self.bell);
        options.color = options.color.or(self.colour);
        options.notify = options.notify.or(self.notify);
    }

    fn take(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let text = || {
            value
                .as_str()
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned)
        };
        let taken = match key {
            "name" => text().map(|text| self.name = Some(text)),
            "server" => text()
                .filter(|text| Address::parse(text).is_ok())
                .map(|text| self.server = Some(text)),
            "timestamps" => yes_or_no(value).map(|set| self.timestamps = Some(set)),
            "bell" => yes_or_no(value).map(|set| self.bell = Some(set)),
            "colour" => value
                .as_str()
                .and_then(ColorWhen::named)
                .map(|when| self.colour = Some(when)),
            "notify" => yes_or_no(value).map(|set| self.notify = Some(set)),
            IGNORE => value
                .as_array()
                .and_then(names)
                .map(|names| self.ignore = names),
            _ => return Err(unknown(key)),
        };
        let known = SETTINGS.iter().find(|(name, _)| *name == key);
        let wanted = known.map_or("a list of names", |(_, wanted)| wanted);
        taken.ok_or_else(|| format!("`{key}` has to be {wanted}"))
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let line = |at: Option<std::ops::Range<usize>>| {
            let before = at.map_or("", |at| text.get(..at.start).unwrap_or(text));
            1 + before.matches('\n').count()
        };
        let document = Document::parse(text)
            .map_err(|error| (line(error.span()), error.message().replace('\n', ", ")))?;
        let mut settings = Self::default();
        for (name, item) in document.iter() {
            let key = document.key(name);
            let at = line(key.and_then(toml_edit::Key::span));
            let taken = match item.as_value() {
                Some(value) => settings.take(name, value),
                None => Err(unknown(name)),
            };
            taken.map_err(|wrong| (at, wrong))?;
        }
        Ok(settings)
    }
}

/// The settings as they are now, and where they are kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    settings: Settings,
    /// None for a person without a home.
    file: Option<SettingsFile>,
}

impl Kept {
    /// Reads the settings, and fills in what `options` leave open.
    ///
    /// # Errors
    /// Fails as wrong usage when the file can't be read, or is wrong.
    pub(super) fn read(options: &mut Options) -> Result<Self, Failure> {
        let file = SettingsFile::find();
        let read = file.as_ref().map(SettingsFile::read).transpose();
        let mut settings = read.map_err(Failure::usage)?.unwrap_or_default();
        settings.complete(options);
        settings = Settings {
            name: options.name.clone(),
            server: options.server.clone(),
            timestamps: options.timestamps,
            bell: options.bell,
            colour: options.color,
            notify: options.notify,
            ignore: settings.ignore,
        };
        Ok(Self { settings, file })
    }

    /// Returns the settings.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the path of the file, for people.
    pub(super) fn place(&self) -> String {
        let path = self
            .file
            .as_ref()
            .map(|file| file.path.display().to_string());
        path.unwrap_or_else(|| "nowhere: there is no HOME".to_owned())
    }

    /// Sets one to what a person typed, and keeps it.
    ///
    /// # Errors
    /// Says what is wrong with it; or why it only holds for now.
    pub(super) fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
        self.settings.set(key, text)?;
        self.keep(key)
    }

    /// Keeps the names ignored.
    ///
    /// # Errors
    /// Says why they are ignored only for now.
    pub(super) fn ignore(&mut self, names: &[String]) -> Result<(), String> {
        self.settings.ignore = names.to_vec();
        self.keep(IGNORE)
    }

    fn keep(&self, key: &str) -> Result<(), String> {
        let file = self.file.as_ref().ok_or("there is no HOME");
        let kept = file
            .map_err(str::to_owned)
            .and_then(|file| file.keep(&self.settings, key));
        kept.map_err(|error| format!("that holds for now, but is not kept: {error}"))
    }
}

/// Where the settings are kept.
#[derive(Debug, Clone)]
struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    /// Returns `chatroom/join.toml` where the person's settings are; `None` if they have no home.
    fn find() -> Option<Self> {
        let set = |name| {
            Some(PathBuf::from(
                env::var_os(name).filter(|value| !value.is_empty())?,
            ))
        };
        let config = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
        Some(Self {
            path: config.join("chatroom/join.toml"),
        })
    }

    /// Reads the settings; there are none where there is no file.
    ///
    /// # Errors
    /// Says in which line of which file what is wrong.
    fn read(&self) -> Result<Settings, String> {
        Settings::parse(&self.text()?)
            .map_err(|(line, wrong)| format!("{}:{line}: {wrong}", self.path.display()))
    }

    /// Keeps what a setting is; whatever else is in the file stays as it is.
    ///
    /// # Errors
    /// Says what keeps it from being kept.
    fn keep(&self, settings: &Settings, key: &str) -> Result<(), String> {
        let text = self.text()?;
        let mut document: DocumentMut = text.parse().map_err(|_| {
            let path = self.path.display();
            format!("{path} is not TOML any more")
        })?;
        let mut value: Value = match key {
            IGNORE => settings.ignore.iter().collect::<Array>().into(),
            "timestamps" | "bell" | "notify" => {
                (settings.shown(key).as_deref() == Some("yes")).into()
            }
            _ => settings.shown(key).unwrap_or_default().into(),
        };
        match document.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                // What people wrote beside it stays.
                value.decor_mut().clone_from(old.decor());
                *old = value;
            }
            None => drop(document.insert(key, Item::Value(value))),
        }
        self.write(&document.to_string())
            .map_err(|error| self.told(&error))
    }

    fn text(&self) -> Result<String, String> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(|error| self.told(&error)),
        }
    }

    /// Writes a new file and puts it in the place of the old one, so that there is always one.
    fn write(&self, text: &str) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let new = self.path.with_extension("toml.new");
        fs::write(&new, text)?;
        fs::rename(new, &self.path)
    }

    fn told(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }
}

fn yes_or_no(value: &Value) -> Option<bool> {
    let text = value.as_str().map(str::to_lowercase);
    match text.as_deref() {
        None => value.as_bool(),
        Some("yes" | "on" | "true") => Some(true),
        Some("no" | "off" | "false") => Some(false),
        Some(_) => None,
    }
}

fn names(array: &Array) -> Option<Vec<String>> {
    array
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}

fn unknown(key: &str) -> String {
    let known = SETTINGS.iter().map(|(name, _)| *name).chain([IGNORE]);
    let near = known
        .map(|name| (strsim::jaro(name, &key.to_lowercase()), name))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let hint = near.map_or_else(
        || "there are name, server, timestamps, bell, colour and notify".to_owned(),
        |(_, name)| format!("did you mean `{name}`?"),
    );
    format!("there is no setting `{}`; {hint}", key.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_what_is_wrong_is_told_with_its_line() {
        let text = "# mine\nname = \"zed\"\nbell = true\ncolour = \"never\"\nignore = [\"bob\"]\n";
        let settings = Settings::parse(text).unwrap();
        let expected = Settings {
            name: Some("zed".to_owned()),
            bell: Some(true),
            colour: Some(ColorWhen::Never),
            ignore: vec!["bob".to_owned()],
            ..Settings::default()
        };
        assert_eq!(settings, expected);
        for (text, line, wrong) in [
            (
                "\nbel = true",
                2,
                "there is no setting `bel`; did you mean `bell`?",
            ),
            (
                "color = \"auto\"",
                1,
                "there is no setting `color`; did you mean `colour`?",
            ),
            ("[name]\nx = 1", 1, "there is no setting `name`"),
            (
                "name = \"x\"\nbell = \"loud\"",
                2,
                "`bell` has to be yes or no",
            ),
            (
                "colour = \"red\"",
                1,
                "`colour` has to be auto, always or never",
            ),
            ("ignore = [1]", 1, "`ignore` has to be a list of names"),
            ("a = 1\nb = ", 2, ""),
        ] {
            let (at, told) = Settings::parse(text).unwrap_err();
            assert!(at == line && told.contains(wrong), "{text:?}: {at}: {told}");
        }
    }

    #[test]
    fn keeping_one_leaves_the_others_and_what_people_wrote_beside_them() {
        let directory = tempfile::tempdir().unwrap();
        let file = SettingsFile {
            path: directory.path().join("chatroom/join.toml"),
        };
        assert_eq!(file.read().unwrap(), Settings::default());
        let mut settings = Settings::default();
        settings.set("bell", "on").unwrap();
        file.keep(&settings, "bell").unwrap();
        let text = fs::read_to_string(&file.path).unwrap();
        fs::write(&file.path, format!("# loud\n{text}name = 'zed' # me\n")).unwrap();
        settings.set("bell", "no").unwrap();
        settings.ignore = vec!["bob".to_owned()];
        file.keep(&settings, "bell").unwrap();
        file.keep(&settings, IGNORE).unwrap();
        let text = fs::read_to_string(&file.path).unwrap();
        assert_eq!(
            text,
            "# loud\nbell = false\nname = 'zed' # me\nignore = [\"bob\"]\n"
        );
        assert!(settings.set("bell", "loud").is_err());
        assert_eq!(settings.shown("bell").as_deref(), Some("no"));
    }
}
