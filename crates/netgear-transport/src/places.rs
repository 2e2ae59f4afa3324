use std::collections::VecDeque;

use tokio::sync::oneshot;

/// A bounded number of places, where whoever has been there longest makes room for the next.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    oldest_first: VecDeque<oneshot::Sender<()>>,
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub(crate) struct Place(oneshot::Receiver<()>);

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, oldest_first: VecDeque::new() }
    }

    pub(crate) fn take(&mut self) -> Place {
        self.oldest_first.retain(|place| !place.is_closed());
        if self.oldest_first.len() >= self.most {
            self.oldest_first.pop_front();
        }
        let (place, taken) = oneshot::channel();
        self.oldest_first.push_back(place);
        Place(taken)
    }
}

impl Place {
    /// Waits until it has to make room for another.
    pub(crate) async fn lost(&mut self) {
        let _ = (&mut self.0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_lost(place: &mut Place) -> bool {
        place.0.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn the_oldest_makes_room_and_whoever_has_gone_takes_none() {
        let mut places = Places::new(2);
        let (mut first, second) = (places.take(), places.take());
        assert!(!is_lost(&mut first));
        drop(second);
        let mut third = places.take();
        assert!(!is_lost(&mut first), "there was room");
        let mut fourth = places.take();
        assert!(is_lost(&mut first));
        assert!(!is_lost(&mut third) && !is_lost(&mut fourth));
    }
}
