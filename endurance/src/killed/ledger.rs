//! What a process did, on disk: what its next run goes on from, and what the verdict is made of.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
};

use netgear_proto::{Value, session::ResumeToken};
use serde::{Deserialize, Serialize};

use crate::{Result, picture::Name};

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// A process began.
    Began { run: u64 },
    /// Its session took an item of data, to be delivered.
    Accepted(Name),
    /// Its session gave it this, and what it would go on from.
    Taken { frame: Option<Name>, items: Vec<Name>, token: Option<ResumeToken> },
    /// Its session gave back what it could not deliver.
    Undelivered(Vec<Name>),
    /// Its session gave it something that it must not.
    Broken(String),
}

/// The name of an item of data.
pub(super) fn name_of(value: &Value) -> Result<Name> {
    match value.as_list() {
        Some([run, number]) => match (run.as_u64(), number.as_u64()) {
            (Some(run), Some(number)) => Ok(Name { run, number }),
            _ => Err(format!("data was altered: {value}").into()),
        },
        _ => Err(format!("data was altered: {value}").into()),
    }
}

/// An item of data with that name.
pub(super) fn item(name: Name) -> Value {
    Value::List(vec![name.run.into(), name.number.into()])
}

/// The ledger of a program over all its runs, open for writing.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    token: Option<ResumeToken>,
}

impl Ledger {
    /// Goes on behind the last whole record.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let text = fs::read(path)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            file.set_len(whole as u64)?;
            file.flush()?;
        }
        let last =
            text[..whole].rsplit(|byte| *byte == b'\n').find_map(|line| match serde_json::from_slice(line) {
                Ok(Record::Taken { token, .. }) => token,
                _ => None,
            });
        Ok(Self { file, token: last })
    }

    /// What was recorded last of what the program had taken.
    pub(super) fn token(&self) -> Option<ResumeToken> {
        self.token
    }

    /// Appends a record: once this returns it is the system's, and stays although the process is killed.
    pub(super) fn record(&mut self, record: &Record) -> Result {
        let line = serde_json::to_string(record)? + "\n";
        // One call, so that a record is whole or the last.
        let written = self.file.write(line.as_bytes())?;
        if written == line.len() { Ok(()) } else { Err("the disk is full".into()) }
    }
}

/// All whole records.
pub(super) fn read(path: &Path) -> Result<Vec<Record>> {
    let text = fs::read_to_string(path)?;
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}").into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use netgear_proto::native::SessionId;

    use super::*;

    #[test]
    fn an_incomplete_record_counts_for_nothing_and_the_next_run_goes_on_behind_the_last_whole_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        let token = |data_taken| Some(ResumeToken { peer: SessionId::from_bytes([7; 16]), data_taken });
        let taken = |number| Record::Taken {
            frame: None,
            items: vec![Name { run: 1, number }],
            token: token(number + 1),
        };
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.token(), None);
        ledger.record(&taken(0)).unwrap();
        ledger.record(&Record::Accepted(Name { run: 1, number: 9 })).unwrap();
        let cut = serde_json::to_string(&taken(1)).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&cut.as_bytes()[..30]).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.token(), token(1));
        ledger.record(&taken(1)).unwrap();
        assert_eq!(Ledger::open(&path).unwrap().token(), token(2));
        assert_eq!(read(&path).unwrap(), [taken(0), Record::Accepted(Name { run: 1, number: 9 }), taken(1)]);
    }
}
