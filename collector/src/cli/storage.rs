//! `setup`, `backup` and `restore`.

use std::io::Write;
use std::path::Path;

use crate::cli::{Args, Failure, start_log};
use crate::startup::storage;

/// Prepares the store.
pub(super) fn setup(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load_with_store()?;
    start_log();
    let (done, conflicts) = actix_web::rt::System::new().block_on(storage::set_up(&config))?;
    for line in done {
        writeln!(out, "{line}").map_err(Failure::io("stdout"))?;
    }
    if conflicts.is_empty() {
        Ok(())
    } else {
        Err(Failure::Refused(conflicts.join("\ncollector: ")))
    }
}

/// Copies the embedded store.
pub(super) fn backup(args: &Args, to: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load_with_store()?;
    storage::back_up(&config, to)?;
    writeln!(
        out,
        "{} copied to {}",
        config.store.embedded_file.display(),
        to.display()
    )
    .map_err(Failure::io("stdout"))
}

/// Puts a copy in the place of the embedded store.
pub(super) fn restore(args: &Args, from: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load_with_store()?;
    storage::restore(&config, from)?;
    writeln!(
        out,
        "{} is now {}",
        config.store.embedded_file.display(),
        from.display()
    )
    .map_err(Failure::io("stdout"))
}
