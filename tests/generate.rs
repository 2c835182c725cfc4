//! `chatroom generate`: what it prints for other programs, read by those programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use common::chatroom;
use common::program::tool;
use tempfile::TempDir;

/// Returns what `chatroom generate WHAT` prints.
fn generated(what: &str) -> String {
    let output = chatroom().args(["generate", what]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, []);
    String::from_utf8(output.stdout).unwrap()
}

/// Writes what is generated to a file of this name.
fn generated_file(what: &str, name: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, generated(what)).unwrap();
    (directory, path)
}

/// Runs a program that must have nothing to say, and returns its standard output.
#[track_caller]
fn silent(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{errors}{output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the long flags of a command, as its help has them.
fn flags_of(command: &str) -> Vec<String> {
    let output = chatroom().args([command, "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let flags = help.lines().filter_map(|line| {
        let (_, flag) = line.trim_start().split_once("--")?;
        let starts = line.trim_start().starts_with('-');
        let end = flag.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        starts.then(|| flag[..end.unwrap_or(flag.len())].to_owned())
    });
    flags.collect()
}

#[test]
fn the_manual_has_every_section_and_every_flag() {
    let manual = generated("man");
    for section in [
        "NAME",
        "SYNOPSIS",
        "SIGNALS",
        "\"EXIT STATUS\"",
        "FILES",
        "ENVIRONMENT",
        "EXAMPLES",
        "PROTOCOL",
    ] {
        let heading = section.trim_matches('"');
        let is_there = manual
            .lines()
            .any(|line| line == format!(".SH {section}") || line == format!(".SH {heading}"));
        assert!(is_there, "{section}");
    }
    for flag in ["serve", "join", "trace"]
        .iter()
        .flat_map(|command| flags_of(command))
    {
        let flag = format!("\\-\\-{}", flag.replace('-', "\\-"));
        assert!(manual.contains(&flag), "{flag}");
    }
}

#[test]
fn mandoc_and_man_have_nothing_to_say_about_the_manual() {
    let (_directory, path) = generated_file("man", "chatroom.1");
    if let Some(mut mandoc) = tool("mandoc", "mandoc") {
        mandoc.args(["-Tlint", "-Wall"]).arg(&path);
        assert_eq!(silent(&mut mandoc), "");
    }
    if let Some(mut man) = tool("man", "man-db") {
        man.args(["--warnings=w", "-l"])
            .arg(&path)
            .env("MANWIDTH", "80")
            .env("LC_ALL", "C.UTF-8");
        let shown = silent(&mut man);
        assert!(shown.contains("PROTOCOL"), "{shown}");
    }
}

#[test]
fn the_completions_are_scripts_with_every_flag() {
    for shell in ["bash", "zsh", "fish"] {
        let (_directory, path) = generated_file(shell, "chatroom");
        let script = fs::read_to_string(&path).unwrap();
        for flag in flags_of("serve") {
            assert!(script.contains(&flag), "{shell}: {flag}");
        }
        if let Some(mut shell) = tool(shell, shell) {
            silent(shell.arg("-n").arg(&path));
        }
    }
}

#[test]
fn bash_completes_a_flag() {
    let (_directory, path) = generated_file("bash", "chatroom");
    let Some(mut bash) = tool("bash", "bash") else {
        return;
    };
    let script = "source \"$0\"; COMP_WORDS=(chatroom serve --his); COMP_CWORD=2; \
                  _chatroom chatroom --his serve; echo \"${COMPREPLY[@]}\"";
    assert_eq!(silent(bash.args(["-c", script]).arg(&path)), "--history\n");
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    let (directory, service) = generated_file("service", "chatroom.service");
    let socket = directory.path().join("chatroom.socket");
    fs::write(&socket, generated("socket")).unwrap();
    let Some(mut verify) = tool("systemd-analyze", "systemd") else {
        return;
    };
    // Whether the manual is installed is another matter.
    verify
        .args(["verify", "--man=no"])
        .args([&service, &socket]);
    assert_eq!(silent(&mut verify), "");
}

#[test]
fn the_service_is_hardly_exposed() {
    let (_directory, service) = generated_file("service", "chatroom.service");
    let Some(mut security) = tool("systemd-analyze", "systemd") else {
        return;
    };
    security
        .args(["security", "--no-pager", "--offline=true"])
        .arg(&service);
    let output = security.output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let (_, exposure) = report
        .split_once("Overall exposure level for chatroom.service: ")
        .unwrap_or_else(|| panic!("{report}"));
    println!("exposure {exposure}");
    let exposure: f64 = exposure.split(' ').next().unwrap().parse().unwrap();
    assert!(exposure < 2.0, "{report}");
}
