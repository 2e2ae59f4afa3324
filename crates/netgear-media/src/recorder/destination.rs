//! Where a recording is to be: tried out at once, so that what cannot be written is said at once, and made with the
//! first frame.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{RecordError, file_error};

/// A file that is there holds what it held until the first frame comes. One that is not there is not made before.
#[derive(Debug)]
pub(super) struct Destination {
    path: PathBuf,
    /// A pipe or a device, which is opened once. A file is opened by its name again: what was moved away from there
    /// meanwhile is not to be written over.
    pipe: Option<File>,
    /// The file that was made here: where the path leads, if that is a link.
    made: Option<PathBuf>,
}

impl Destination {
    /// # Errors
    /// [`RecordError::Io`] for what cannot be written.
    pub(super) fn new(path: &Path) -> Result<Self, RecordError> {
        let mut destination = Self { path: path.to_owned(), pipe: None, made: None };
        if path.symlink_metadata().is_err() {
            try_out(folder_of(path), path)?;
            return Ok(destination);
        }
        match File::options().write(true).open(path) {
            Ok(file) => {
                let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
                destination.pipe = (!is_file).then_some(file);
            }
            // A link that leads nowhere. The folder it leads to is not made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                try_out(Path::new(""), &end_of_links(path))?;
            }
            Err(error) => return Err(file_error(path)(error)),
        }
        Ok(destination)
    }

    /// The file to write to. It is given once.
    pub(super) fn open(&mut self) -> Result<File, RecordError> {
        if let Some(pipe) = self.pipe.take() {
            return Ok(pipe);
        }
        make_folder(folder_of(&self.path))?;
        self.made = (!self.path.exists()).then(|| end_of_links(&self.path));
        open(&self.path)
    }

    /// Takes away a file that was made for a first frame which then could not be written.
    pub(super) fn remove_if_empty(&self) {
        if let Some(made) = &self.made
            && made.metadata().is_ok_and(|file| file.is_file() && file.len() == 0)
        {
            // What is wrong was said when the frame was written.
            let _ = fs::remove_file(made);
        }
    }
}

/// Where a link leads, and what it leads to if that is one too, be something there or not.
fn end_of_links(path: &Path) -> PathBuf {
    /// More than any system follows.
    const MOST_LINKS: usize = 64;
    let mut end = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&end) else { break };
        end = folder_of(&end).join(next);
    }
    end
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_is_moved_away_before_the_first_frame_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let [path, kept] = ["film.avi", "kept.avi"].map(|name| folder.path().join(name));
        fs::write(&path, "theirs").unwrap();
        let mut destination = Destination::new(&path).unwrap();
        fs::rename(&path, &kept).unwrap();
        let mut file = destination.open().unwrap();
        file.set_len(0).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!((fs::read(&kept).unwrap(), fs::read(&path).unwrap()), (b"theirs".into(), b"new".into()));
    }

    #[test]
    fn a_file_that_is_there_holds_what_it_held_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.avi");
        fs::write(&path, "").unwrap();
        let mut destination = Destination::new(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        drop(destination.open().unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        // It was there, so it stays, empty or not.
        fs::write(&path, "").unwrap();
        destination.remove_if_empty();
        assert!(path.exists());
    }

    #[test]
    #[cfg(unix)]
    fn where_a_link_leads_is_made_with_the_first_frame() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let [path, between, end] = ["a.avi", "b.avi", "c.avi"].map(|name| folder.path().join(name));
        symlink(&between, &path).unwrap();
        symlink("c.avi", &between).unwrap();
        let mut destination = Destination::new(&path).unwrap();
        assert!(!end.exists());
        drop(destination.open().unwrap());
        assert!(end.exists());
        destination.remove_if_empty();
        assert!(!end.exists() && path.is_symlink() && between.is_symlink());

        let [path, nowhere, round] = ["d.avi", "no/folder.avi", "e.avi"].map(|name| folder.path().join(name));
        symlink(&nowhere, &path).unwrap();
        symlink(&round, &round).unwrap();
        for path in [path, round] {
            assert!(matches!(Destination::new(&path), Err(RecordError::Io { .. })), "{path:?}");
        }
        assert!(!folder.path().join("no").exists());
    }

    /// Its reader would see the end of it if it were opened twice.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_device_is_opened_once() {
        let destination = Destination::new(Path::new("/dev/null")).unwrap();
        assert!(destination.pipe.is_some());
    }
}
