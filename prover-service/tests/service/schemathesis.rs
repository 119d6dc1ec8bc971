//! Installs Schemathesis and openapi-spec-validator once, from
//! `tests/schemathesis/requirements.txt` into `${XDG_CACHE_HOME:-~/.cache}/bauta/schemathesis`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

const REQUIREMENTS: &str = include_str!("../../../tests/schemathesis/requirements.txt");

/// Returns the path of the program. Needs `python3` with `venv`, and the network for the first
/// installation.
pub fn install() -> PathBuf {
    let folder = bauta_dev_servers::cache().unwrap().join("schemathesis");
    let (program, installed) = (folder.join("bin/schemathesis"), folder.join("installed.txt"));
    // Tests of several processes use the installation. One of them installs, and the others wait.
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    // This file is written last, so an interrupted installation is repeated.
    if fs::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS) {
        return program;
    }
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/schemathesis/requirements.txt");
    // The Python of Debian has precedence over others.
    let python = ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(|python| Command::new(python).arg("--version").output().is_ok());
    let python = python.expect("python3 is installed");
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder));
    run(Command::new(folder.join("bin/pip"))
        .args([
            "install",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(&requirements));
    fs::write(installed, REQUIREMENTS).unwrap();
    program
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} (on Debian: apt-get install python3-venv):\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
