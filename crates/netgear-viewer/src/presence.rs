#[cfg(feature = "window")]
use std::time::{Duration, Instant};

/// How it stands with the sender whose frames are shown, for a viewer to say.
///
/// A viewer that is told nothing takes the sender to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Presence {
    /// It is there.
    #[default]
    There,
    /// It is gone without a goodbye, and waited for.
    Lost,
    /// It has said goodbye, and another one is waited for.
    Left,
}

impl Presence {
    /// What is the matter, in words.
    pub(crate) const fn absence(self) -> Option<&'static str> {
        match self {
            Self::There => None,
            Self::Lost => Some("sender lost, waiting for it"),
            Self::Left => Some("the sender has left, waiting for the next"),
        }
    }
}

/// How old the picture may be before that is said.
#[cfg(feature = "window")]
const STILL: Duration = Duration::from_secs(3);

/// What is the matter with the stream whose newest frame came then, in words, and when that may change by itself.
#[cfg(feature = "window")]
pub(crate) fn matter(
    presence: Presence,
    came_at: Option<Instant>,
    now: Instant,
) -> (Option<String>, Option<Instant>) {
    if let Some(absence) = presence.absence() {
        return (Some(absence.to_owned()), None);
    }
    let Some(came_at) = came_at else { return (None, None) };
    let age = now.saturating_duration_since(came_at);
    if age < STILL {
        return (None, Some(came_at + STILL));
    }
    let seconds = age.as_secs();
    (Some(format!("no new frame for {seconds} s")), Some(came_at + Duration::from_secs(seconds + 1)))
}

#[cfg(all(test, feature = "window"))]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_stands_still_says_for_how_long_and_a_lost_sender_is_named() {
        let came_at = Instant::now();
        let after = |seconds: f64| came_at + Duration::from_secs_f64(seconds);
        let of = |presence, seconds| matter(presence, Some(came_at), after(seconds));
        assert_eq!(of(Presence::There, 2.9), (None, Some(after(3.0))));
        assert_eq!(of(Presence::There, 3.0), (Some("no new frame for 3 s".to_owned()), Some(after(4.0))));
        assert_eq!(of(Presence::There, 75.5), (Some("no new frame for 75 s".to_owned()), Some(after(76.0))));
        assert_eq!(of(Presence::Lost, 0.1), (Some("sender lost, waiting for it".to_owned()), None));
        assert!(of(Presence::Left, 60.0).0.unwrap().contains("has left"));
        assert_eq!(matter(Presence::There, None, after(60.0)), (None, None));
    }
}
