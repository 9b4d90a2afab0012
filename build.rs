//! Fetches GOV.UK Frontend and makes the style sheets and scripts that the binary serves.
//!
//! Nothing of GOV.UK Frontend is kept in this repository: its version and hash are, in
//! `src/web/assets/package-lock.json`. What is fetched and made stays in cargo's own `OUT_DIR`, and is
//! fetched again only when that lock changes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

const SOURCE: &str = "src/web/assets";

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={SOURCE}");
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error={}", why.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: run this through cargo")?);
    let source = Path::new(SOURCE);
    let npm = out.join("npm");
    fetch(source, &npm).map_err(|e| format!("can't prepare {}: {e}", npm.display()))??;
    run(
        "node",
        [source.join("build.mjs").as_os_str(), npm.as_os_str(), out.join("assets").as_os_str()],
        Path::new("."),
        "making the style sheets failed: node said",
    )
}

/// Installs the locked packages in `npm`, unless the same lock was installed there before.
fn fetch(source: &Path, npm: &Path) -> io::Result<Result<(), String>> {
    let lock = fs::read(source.join("package-lock.json"))?;
    let done = npm.join("installed-lock.json");
    if fs::read(&done).is_ok_and(|installed| installed == lock) {
        return Ok(Ok(()));
    }
    if npm.exists() {
        fs::remove_dir_all(npm)?;
    }
    fs::create_dir_all(npm)?;
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(source.join(file), npm.join(file))?;
    }
    let installed = run(
        "npm",
        ["ci", "--ignore-scripts"].map(OsStr::new),
        npm,
        "`npm ci` could not fetch GOV.UK Frontend and Sass: the first build needs the npm registry, or a \
         mirror set with `npm config set registry`",
    );
    if installed.is_ok() {
        fs::write(done, lock)?;
    }
    Ok(installed)
}

fn run<'a>(
    program: &str,
    arguments: impl IntoIterator<Item = &'a OsStr>,
    folder: &Path,
    failed: &str,
) -> Result<(), String> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{failed}: {}{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        )),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(format!(
            "`{program}` is missing: install Node.js 20.19 or newer with npm (on Debian: \
             `apt-get install nodejs npm`), then build again"
        )),
        Err(e) => Err(format!("can't run `{program}`: {e}")),
    }
}
