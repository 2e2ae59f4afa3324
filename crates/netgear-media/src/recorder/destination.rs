//! Where a recording is to be: tried out at once, so that what cannot be written is said at once, and made with the
//! first frame.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{RecordError, file_error};

/// A file that is there is opened, and holds what it held. One that is not there is not made yet.
#[derive(Debug)]
pub(super) struct Destination {
    path: PathBuf,
    /// `None` until it is made.
    file: Option<File>,
    is_made_here: bool,
}

impl Destination {
    /// # Errors
    /// [`RecordError::Io`] for what cannot be written.
    pub(super) fn new(path: &Path) -> Result<Self, RecordError> {
        // A link that leads nowhere is there too.
        let is_there = path.symlink_metadata().is_ok();
        let file = if is_there { Some(open(path)?) } else { None };
        if !is_there {
            try_out(folder_of(path), path)?;
        }
        Ok(Self { path: path.to_owned(), file, is_made_here: false })
    }

    /// The file to write to. It is given once.
    pub(super) fn open(&mut self) -> Result<File, RecordError> {
        if let Some(file) = self.file.take() {
            return Ok(file);
        }
        make_folder(folder_of(&self.path))?;
        self.is_made_here = !self.path.exists();
        open(&self.path)
    }

    /// Takes away a file that was made for a first frame which then could not be written.
    pub(super) fn remove_if_empty(&self) {
        if self.is_made_here && self.path.metadata().is_ok_and(|file| file.is_file() && file.len() == 0) {
            // What is wrong was said when the frame was written.
            let _ = fs::remove_file(&self.path);
        }
    }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Makes a folder, and those that it is to be in.
pub(super) fn make_folder(folder: &Path) -> Result<(), RecordError> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(file_error(folder))
}

/// Makes a file that is not there, and its folders, and takes all of that away again.
pub(super) fn try_out(folder: &Path, file: &Path) -> Result<(), RecordError> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    let tried = make_folder(folder).and_then(|()| {
        let made = File::create_new(file).map(drop).and_then(|()| fs::remove_file(file));
        made.map_err(file_error(file))
    });
    for folder in missing {
        // Somebody else may have put something in it meanwhile, and may keep it.
        let _ = fs::remove_dir(folder);
    }
    tried
}

/// Opens a file to write to, and leaves what it holds.
fn open(path: &Path) -> Result<File, RecordError> {
    File::options().write(true).create(true).truncate(false).open(path).map_err(file_error(path))
}
