use netgear_proto::session::Delivery;

use super::ledger::name_of;
use crate::picture::{self, Name};

/// The frames that one receiving process was given.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    last: Option<Name>,
    new_run: Option<u64>,
}

impl Arrivals {
    /// The name of a frame that is whole, newer than all before it, and comes with no frame's data but its own.
    pub(super) fn check(&mut self, delivery: &Delivery) -> Result<Name, String> {
        let name = picture::read(&delivery.frame).ok_or("a partial frame")?;
        match self.last {
            Some(last) if last == name => return Err(format!("a frame came twice: {name:?}")),
            Some(last) if last > name => {
                return Err(format!("a frame came too late: {name:?} behind {last:?}"));
            }
            _ => {}
        }
        if self.last.is_none_or(|last| last.run < name.run) {
            self.new_run = Some(name.run);
        }
        self.last = Some(name);
        if delivery.sequence != name.number {
            return Err(format!("{name:?} came as frame {}", delivery.sequence));
        }
        match delivery.data.as_ref().map(name_of) {
            Some(Ok(data)) if data != name => Err(format!("{name:?} came with the data of {data:?}")),
            Some(Err(error)) => Err(error.to_string()),
            _ => Ok(name),
        }
    }

    /// The run of the sender whose first frame was just checked.
    pub(super) fn take_new_run(&mut self) -> Option<u64> {
        self.new_run.take()
    }
}
