//! A picture for each frame, numbered from 0.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use netgear_proto::Frame;

use super::destination::{make_folder, try_out};
use super::{RecordError, file_error, jpeg::Jpeg};
use crate::still::{Picture, PngSpeed};

#[derive(Debug)]
pub(super) struct Pictures {
    folder: PathBuf,
    name: Name,
    coding: Coding,
    next: u64,
    bytes: u64,
}

#[derive(Debug)]
pub(super) enum Coding {
    /// The picture is put together here.
    Png(Vec<u8>),
    Jpeg(Jpeg),
}

/// A name with a number in it: `frame_%06d.png`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    before: String,
    digits: usize,
    after: String,
}

impl Name {
    /// The names in a folder for which no other pattern is given.
    pub(super) fn in_folder() -> Self {
        Self { before: "frame_".to_owned(), digits: 6, after: ".png".to_owned() }
    }

    /// A name with one `%d` or `%06d`; `None` for any other.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once('%')?;
        let (digits, after) = rest.split_once('d')?;
        let is_padded = digits.is_empty() || digits.starts_with('0');
        let digits = if digits.is_empty() { 1 } else { digits.parse().ok()? };
        let is_one = is_padded && (1..=18).contains(&digits) && !before.contains('%') && !after.contains('%');
        is_one.then(|| Self { before: before.to_owned(), digits, after: after.to_owned() })
    }

    fn of(&self, number: u64) -> String {
        format!("{}{number:0width$}{}", self.before, self.after, width = self.digits)
    }

    /// Whether a file of this name is such a picture, of any number, or was to become one. Some file systems make no
    /// difference between large letters and small ones.
    fn fits(&self, name: &str) -> bool {
        let starts =
            name.get(..self.before.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.before));
        let Some(rest) = name.get(self.before.len()..).filter(|_| starts) else { return false };
        let after = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let ends = [&self.after, &format!("{}{UNFINISHED}", self.after)];
        after.len() < rest.len() && ends.iter().any(|end| after.eq_ignore_ascii_case(end))
    }

    /// The first file of the folder that is such a picture. A folder that is not there has none.
    fn first_in(&self, folder: &Path) -> Result<Option<PathBuf>, RecordError> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries.map_err(file_error(folder))?,
        };
        let mut first = None;
        for entry in entries {
            let name = entry.map_err(file_error(folder))?.file_name();
            let is_before = |first: &Option<_>| first.as_ref().is_none_or(|first| name < *first);
            if name.to_str().is_some_and(|name| self.fits(name)) && is_before(&first) {
                first = Some(name);
            }
        }
        Ok(first.map(|name| folder.join(name)))
    }
}

impl Pictures {
    /// The folder is made with the first picture, if it is not there.
    pub(super) fn new(folder: PathBuf, name: Name, coding: Coding) -> Result<Self, RecordError> {
        if let Some(path) = name.first_in(&folder)? {
            return Err(RecordError::FolderInUse { path });
        }
        try_out(&folder, &unfinished(&folder.join(name.of(0))))?;
        Ok(Self { folder, name, coding, next: 0, bytes: 0 })
    }

    pub(super) fn write(&mut self, frame: &Frame) -> Result<(), RecordError> {
        let bytes = match &mut self.coding {
            Coding::Png(bytes) => {
                let picture = Picture::new(frame)?;
                bytes.clear();
                picture.write_png(&mut *bytes, PngSpeed::Fast)?;
                bytes.as_slice()
            }
            Coding::Jpeg(jpeg) => jpeg.encode(frame)?,
        };
        if self.next == 0 {
            make_folder(&self.folder)?;
        }
        let path = self.folder.join(self.name.of(self.next));
        write_whole(&path, bytes).map_err(|source| match source.kind() {
            // Another program has put one there since the folder was looked at.
            io::ErrorKind::AlreadyExists => RecordError::FolderInUse { path: path.clone() },
            _ => file_error(&path)(source),
        })?;
        self.next += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// All pictures together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What a name ends in until its picture is whole.
const UNFINISHED: &str = ".part";

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    name.into()
}

/// The file gets its name once it is whole: a program that is killed leaves no half picture among the others. No file
/// that is there is written to.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let unfinished = unfinished(path);
    let mut file = File::create_new(&unfinished)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // The error that led here says more than this could.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_number() {
        let name = Name::parse("a-%04d.jpg").unwrap();
        assert_eq!((name.of(7), name.of(123_456)), ("a-0007.jpg".to_owned(), "a-123456.jpg".to_owned()));
        assert_eq!(Name::parse("%d.png").unwrap().of(3), "3.png");
        for text in ["a.jpg", "%s.jpg", "%4d.jpg", "%04d-%d.jpg", "%099d.jpg", "100%.png", "%-1d.png"] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_picture_of_any_number_is_one_of_the_pattern() {
        let name = Name::parse("a-%04d.jpg").unwrap();
        for text in ["a-0000.jpg", "a-7.jpg", "a-123456.jpg", "A-0001.JPG", "a-0003.jpg.part"] {
            assert!(name.fits(text), "{text}");
        }
        for text in
            ["a-.jpg", "a-x1.jpg", "b-0000.jpg", "a-0000.jpeg", "a-0000.jpg.old", "a", "\u{e4}-0000.jpg"]
        {
            assert!(!name.fits(text), "{text}");
        }
    }
}
