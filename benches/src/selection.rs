//! A choice of rows.

use crate::Error;

/// What every program with a long table is asked: which of its rows are measured.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// Only what has all of these words in its name, such as 1080p,tcp,PAIR; an error shows a whole name.
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    cells: Vec<String>,
}

impl Selection {
    /// Those of all that are asked for.
    ///
    /// # Errors
    /// If there are none.
    pub fn of<T>(&self, all: Vec<T>, name: impl Fn(&T) -> String) -> Result<Vec<T>, Error> {
        let example = all.first().map(&name).unwrap_or_default();
        let (asked_for, _): (Vec<T>, Vec<T>) = all.into_iter().partition(|one| {
            let name = name(one);
            self.cells.iter().all(|word| name.contains(word))
        });
        if asked_for.is_empty() {
            return Err(format!("nothing has all of {:?} in its name, such as {example}", self.cells).into());
        }
        Ok(asked_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_every_word_is_left() {
        let of = |words: &[&str]| {
            let cells = words.iter().map(ToString::to_string).collect();
            Selection { cells }.of(vec!["1080p, tcp", "1080p, ipc", "4K, tcp"], ToString::to_string)
        };
        assert_eq!(of(&[]).unwrap().len(), 3);
        assert_eq!(of(&["tcp", "1080p"]).unwrap(), ["1080p, tcp"]);
        let nothing = of(&["udp"]).unwrap_err().to_string();
        assert!(nothing.contains("udp") && nothing.ends_with("such as 1080p, tcp"), "{nothing}");
    }
}
