//! Ends that die or are interrupted at a random moment: before they are connected, between frames, within one.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use netgear_proto::{Mode, Pattern, Role};
use serde_json::{Value, json};

use super::{
    super::{
        content::{DataKind, FrameKind},
        meeting::{Carrier, Place, job, role_name},
        peers::{Peer, Peers},
        script::Script,
    },
    program::Program,
};
use crate::{Result, parallel::in_parallel};

/// The latest moment, from the start of both ends. A first frame takes about a tenth of it.
const LATEST: Duration = Duration::from_millis(700);

/// By when our end must have said that the other is gone.
const DEADLINE: Duration = Duration::from_secs(6);

/// VidGear's own, in seconds: as long as it waits for a message before it raises an error. Its default is 15.
const VIDGEAR_TIMEOUT: u64 = 2;

/// How long VidGear's end is given after that to end by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long our program may take, on a busy machine, until it is there to hear Ctrl-C. The system ends it before
/// that.
const STARTING: Duration = Duration::from_millis(200);

/// How long our end waits for a peer.
const WAIT: &str = "3";

/// Runs at once. More would keep one another waiting, since each has a stream without end.
const THREADS: usize = 8;

/// What happens at the random moment, and what is done then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Blow {
    /// SIGKILL to VidGear's end. Ours has to report it.
    TheirDeath,
    /// The same, and ours was told to stay: it has to serve the next.
    TheirDeathAndNext,
    /// SIGKILL to our end. VidGear's is left alone.
    OurDeath,
    /// The same, and a new one of ours comes at once.
    OurDeathAndNext,
    /// Ctrl-C at VidGear's end.
    TheirInterrupt,
    /// Ctrl-C at ours.
    OurInterrupt,
}

impl Blow {
    const ALL: [Self; 6] = [
        Self::TheirDeath,
        Self::TheirDeathAndNext,
        Self::OurDeath,
        Self::OurDeathAndNext,
        Self::TheirInterrupt,
        Self::OurInterrupt,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::TheirDeath => "kill -9 of VidGear's end",
            Self::TheirDeathAndNext => {
                "kill -9 of VidGear's end; ours was told to stay, and another of VidGear's comes"
            }
            Self::OurDeath => "kill -9 of our end",
            Self::OurDeathAndNext => "kill -9 of our end; another of ours comes at once",
            Self::TheirInterrupt => "Ctrl-C at VidGear's end",
            Self::OurInterrupt => "Ctrl-C at our end",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    blow: Blow,
    ours: Role,
    pattern: Pattern,
    moment: Duration,
    frame: FrameKind,
}

/// How a case went: in words that are the same for cases that went alike.
#[derive(Debug, Clone)]
struct Fate {
    ours: String,
    theirs: String,
    /// From the blow until our end had ended, or the exchange with the next one had.
    took: Duration,
}

/// Strikes every combination so often, and gives the failures.
pub(super) fn run(peers: &Peers, netgear: &Path, deaths: u32, random: &mut fastrand::Rng) -> Vec<String> {
    let mut cases = Vec::new();
    for blow in Blow::ALL {
        for ours in [Role::Sender, Role::Receiver] {
            for pattern in [Pattern::Pair, Pattern::ReqRep] {
                // The deaths are in two kinds each.
                for _ in 0..deaths.div_ceil(2) {
                    let moment = LATEST.mul_f64(random.f64());
                    let frame = if random.bool() { FrameKind::SMALL } else { FrameKind::ALL[1] };
                    cases.push(Case { blow, ours, pattern, moment, frame });
                }
            }
        }
    }
    let results =
        in_parallel(THREADS, &cases, |case| case.run(peers, netgear).map_err(|error| error.to_string()));
    let mut failures = Vec::new();
    for blow in Blow::ALL {
        println!("\n{}, at a random moment of the first {} ms", blow.title(), LATEST.as_millis());
        println!("{:<9} {:<8} {:>5} {:>7}  what became of both ends", "ours", "pattern", "times", "seconds");
        for ours in [Role::Sender, Role::Receiver] {
            for pattern in [Pattern::Pair, Pattern::ReqRep] {
                let title = format!("{:<9} {:<8}", role_name(ours), pattern.to_string());
                let mut fates: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
                let of_this = |case: &Case| (case.blow, case.ours, case.pattern) == (blow, ours, pattern);
                for (case, result) in cases.iter().zip(&results).filter(|(case, _)| of_this(case)) {
                    let words = match result {
                        Ok(fate) => fate.to_string(),
                        Err(error) => {
                            failures.push(format!("{}: {case}: {error}", blow.title()));
                            format!("FAILED: {error}")
                        }
                    };
                    fates.entry(words).or_default().extend(result.as_ref().map(|fate| fate.took));
                }
                for (words, times) in fates {
                    let longest = times.iter().max().map_or(f64::NAN, Duration::as_secs_f64);
                    println!("{title} {:>5} {longest:>7.2}  {words}", times.len().max(1));
                }
            }
        }
    }
    failures
}

impl Case {
    fn run(self, peers: &Peers, netgear: &Path) -> Result<Fate> {
        let place = Place::free(Carrier::Tcp)?;
        match self.blow {
            Blow::TheirDeath => self.their_death(peers, netgear, &place),
            Blow::TheirDeathAndNext => self.their_death_and_next(peers, netgear, &place),
            Blow::OurDeath => self.our_death(peers, netgear, &place),
            Blow::OurDeathAndNext => self.our_death_and_next(peers, netgear, &place),
            Blow::TheirInterrupt => self.their_interrupt(peers, netgear, &place),
            Blow::OurInterrupt => self.our_interrupt(peers, netgear, &place),
        }
    }

    fn their_death(self, peers: &Peers, netgear: &Path, place: &Place) -> Result<Fate> {
        let (ours, theirs) = self.start(peers, netgear, place, &["--wait", WAIT])?;
        thread::sleep(self.moment);
        let struck = Instant::now();
        theirs.kill()?;
        let exit = ours.exit(DEADLINE)?;
        let took = struck.elapsed();
        if exit.code != Some(1) || !exit.last_words().contains("error") {
            return Err(format!("our end did not report it: {exit:?}").into());
        }
        // Where it was is another for each case.
        let words = exit.last_words().replace(&place.endpoint(), "…");
        Ok(Fate { ours: format!("exit code 1: {words}"), theirs: "dead".to_owned(), took })
    }

    fn their_death_and_next(self, peers: &Peers, netgear: &Path, place: &Place) -> Result<Fate> {
        let (mut ours, theirs) = self.start(peers, netgear, place, &["--stay"])?;
        thread::sleep(self.moment);
        theirs.kill()?;
        theirs.end(PATIENCE)?;
        let struck = Instant::now();
        // VidGear's receiver never leaves by itself, so ours has to.
        let mut next = self.peer(peers, place, &json!({ "frames": 10 }))?;
        let story = match self.ours {
            Role::Receiver => next.end(DEADLINE)?,
            Role::Sender => {
                let served = next.first_frame(DEADLINE);
                ours.interrupt()?;
                let story = next.end(DEADLINE)?;
                if !served {
                    return Err(format!("our end did not serve the next: {story}").into());
                }
                story
            }
        };
        let took = struck.elapsed();
        if story.exit != Some(0) {
            return Err(format!("our end did not serve the next: {story}").into());
        }
        if self.ours == Role::Receiver {
            if !ours.runs()? {
                return Err("our end did not stay after the next".into());
            }
            ours.interrupt()?;
        }
        let exit = ours.exit(DEADLINE)?;
        match exit.code {
            Some(0) => {
                Ok(Fate { ours: "served the next".to_owned(), theirs: format!("the next: {story}"), took })
            }
            _ => Err(format!("our end did not end well after the next: {exit:?}").into()),
        }
    }

    fn our_death(self, peers: &Peers, netgear: &Path, place: &Place) -> Result<Fate> {
        let (ours, theirs) = self.start(peers, netgear, place, &[])?;
        thread::sleep(self.moment);
        let struck = Instant::now();
        ours.kill()?;
        let story = theirs.end(Duration::from_secs(VIDGEAR_TIMEOUT) + PATIENCE)?;
        // As docs/migrating-from-vidgear.md has it.
        let times_out = story.raised.as_ref().is_some_and(|raised| raised.starts_with("TimeoutError"));
        let is_as_told = match (self.ours, self.pattern) {
            (Role::Sender, _) if times_out => story.exit.is_some(),
            // It had an answer to give, and waits for somebody to take it.
            (Role::Sender, Pattern::Pair) => {
                story.first_frame && story.raised.is_none() && story.exit.is_none()
            }
            (Role::Sender, Pattern::ReqRep) => false,
            // Its close() waits for a client.
            (Role::Receiver, _) => times_out && story.exit.is_none() && story.closing,
        };
        if !is_as_told {
            return Err(format!("VidGear's end does not do what the migration guide says: {story}").into());
        }
        Ok(Fate { ours: "dead".to_owned(), theirs: story.to_string(), took: struck.elapsed() })
    }

    fn our_death_and_next(self, peers: &Peers, netgear: &Path, place: &Place) -> Result<Fate> {
        let (ours, mut theirs) = self.start(peers, netgear, place, &[])?;
        thread::sleep(self.moment);
        let had_a_frame = theirs.first_frame(Duration::ZERO);
        let struck = Instant::now();
        ours.kill()?;
        let exit = self.program(netgear, place, &["--wait", WAIT, "--frames", "10"])?.exit(DEADLINE)?;
        let took = struck.elapsed();
        let story = theirs.end(Duration::from_secs(VIDGEAR_TIMEOUT) + PATIENCE)?;
        let words = exit.last_words().replace(&place.endpoint(), "…");
        let ours = match exit.code {
            Some(0) => "the next: exit code 0".to_owned(),
            // That answer came behind the first frame and was taken for its own, so that each answer was one frame
            // late. All frames have arrived, and VidGear has ended well.
            Some(1)
                if self.ours == Role::Sender
                    && self.pattern == Pattern::Pair
                    && words.contains("the answer to a termination")
                    && story.exit == Some(0) =>
            {
                format!("the next, its answers one frame late: exit code 1: {words}")
            }
            // The client is still bound, and goes on. A receiver may find a server that waits for an answer lost with
            // the old one.
            _ if self.ours == Role::Sender && had_a_frame => {
                return Err(format!(
                    "VidGear's receiver did not go on with our next sender: {exit:?}; {story}"
                )
                .into());
            }
            Some(1) if !words.is_empty() => format!("the next: exit code 1: {words}"),
            _ => return Err(format!("our next end did not say what happened: {exit:?}").into()),
        };
        Ok(Fate { ours, theirs: story.to_string(), took })
    }

    fn their_interrupt(self, peers: &Peers, netgear: &Path, place: &Place) -> Result<Fate> {
        let (ours, mut theirs) = self.start(peers, netgear, place, &["--wait", WAIT])?;
        thread::sleep(self.moment);
        let struck = Instant::now();
        theirs.interrupt()?;
        let exit = ours.exit(DEADLINE);
        let took = struck.elapsed();
        if exit.is_err() && !theirs.noticed() {
            // Where it comes very early, something there swallows it, and the stream goes on.
            let theirs = "took no notice".to_owned();
            return Ok(Fate { ours: "still served it".to_owned(), theirs, took });
        }
        let exit = exit?;
        let story = theirs.end(PATIENCE)?;
        let words = exit.last_words().replace(&place.endpoint(), "…");
        match exit.code {
            Some(0) => Ok(Fate { ours: "exit code 0".to_owned(), theirs: story.to_string(), took }),
            Some(1) if words.contains("error") => {
                Ok(Fate { ours: format!("exit code 1: {words}"), theirs: story.to_string(), took })
            }
            _ => Err(format!("our end did not report it: {exit:?}").into()),
        }
    }

    fn our_interrupt(self, peers: &Peers, netgear: &Path, place: &Place) -> Result<Fate> {
        let (ours, theirs) = self.start(peers, netgear, place, &[])?;
        thread::sleep(self.moment);
        // What a shell starts behind `&` ignores Ctrl-C, and so does our end then until it listens.
        let until = Instant::now() + DEADLINE;
        while ours.ignores_interrupts() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        let struck = Instant::now();
        ours.interrupt()?;
        let exit = ours.exit(DEADLINE)?;
        let took = struck.elapsed();
        let story = theirs.end(Duration::from_secs(VIDGEAR_TIMEOUT) + PATIENCE)?;
        if exit.code.is_none() && self.moment < STARTING {
            return Ok(Fate { ours: "ended while it started".to_owned(), theirs: story.to_string(), took });
        }
        if exit.code != Some(0) {
            return Err(format!("our end did not end well: {exit:?}; VidGear's: {story}").into());
        }
        // A sender that leaves has a word for it. If it had come so far: one that was not connected yet had nobody to
        // tell.
        if self.ours == Role::Sender && story.first_frame && story.exit != Some(0) {
            return Err(format!("our sender left VidGear's receiver without a word: {story}").into());
        }
        Ok(Fate { ours: "exit code 0".to_owned(), theirs: story.to_string(), took })
    }

    /// Both ends, with a stream without end.
    fn start<'a>(
        self,
        peers: &'a Peers,
        netgear: &Path,
        place: &Place,
        arguments: &[&str],
    ) -> Result<(Program, Peer<'a>)> {
        let theirs = self.peer(peers, place, &json!({ "frames": Value::Null }))?;
        Ok((self.program(netgear, place, arguments)?, theirs))
    }

    /// Our end, with data both ways.
    fn program(self, netgear: &Path, place: &Place, arguments: &[&str]) -> Result<Program> {
        let data = match self.ours {
            Role::Sender => ["--data", "a frame"],
            Role::Receiver => ["--reply", "seen"],
        };
        Program::start(netgear, self.ours, self.pattern, place, &[&data, arguments].concat())
    }

    /// VidGear's end. What it receives is the test pattern, which it knows nothing of.
    fn peer<'a>(self, peers: &'a Peers, place: &Place, settings: &Value) -> Result<Peer<'a>> {
        let theirs = match self.ours {
            Role::Sender => Role::Receiver,
            Role::Receiver => Role::Sender,
        };
        let script = Script {
            mode: Mode::Bidirectional,
            frame: self.frame,
            frames: 0,
            data: DataKind::Text,
            returned: DataKind::Text,
        };
        let mut job = job(theirs, self.pattern, place, script);
        job["check"] = json!(false);
        job["timeout"] = json!(VIDGEAR_TIMEOUT);
        // As a camera has one.
        job["pause"] = json!(0.005);
        for (name, setting) in settings.as_object().into_iter().flatten() {
            job[name] = setting.clone();
        }
        peers.run(job)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ours, pattern, moment, frame, .. } = self;
        write!(f, "{}, {pattern}, {}, after {} ms", role_name(*ours), frame.name, moment.as_millis())
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ours: {}; VidGear's: {}", self.ours, self.theirs)
    }
}
