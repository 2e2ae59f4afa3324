//! Two sessions that go together, two applications that use them in any order, a link that delivers, delays, cuts and
//! loses, and programs that are killed and start again, with or without their resume token.
//!
//! Neither session finds that the other breaks a rule. Data comes exactly once and in order, frames in order and none
//! twice, each as it was sent; and once all is quiet, everything has been delivered or reported. In the dialect of
//! VidGear, which numbers nothing, what is lost with a connection is reported, and may have come all the same.

mod end;
mod ledger;

use std::{collections::VecDeque, time::Duration};

use netgear_proto::{
    Dialect, Limits, Mode, Multipart, Pattern, Role, Timestamp, native,
    session::{Ending, Event, FramePolicy, Output, SessionError},
};

use self::{
    end::{End, Setup},
    ledger::Ledger,
};
use super::{ENCODINGS, input::Input, trace};

const ROLES: [Role; 2] = [Role::Sender, Role::Receiver];

/// So many messages fit on the link in each direction.
const LINK_ROOM: usize = 4;

/// More outputs than these never come at once.
const MOST_OUTPUTS: usize = 600;

/// More waiting than this is a hang, once nothing fails any more: idle exchanges and the acknowledgements take a
/// round each.
const MOST_ROUNDS: usize = 3000;

/// What a run came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Summary {
    /// Items of data that applications were given.
    pub(crate) data: u64,
    /// Frames that applications were given.
    pub(crate) frames: u64,
    /// Connections that were made.
    pub(crate) connections: u64,
    /// Times that a program was killed.
    pub(crate) kills: u64,
    /// Frames that applications were given encoded.
    pub(crate) encoded: u64,
}

pub(crate) fn run(input: &[u8]) -> Summary {
    let mut input = Input::new(input);
    let mut world = World::new(setup(&mut input));
    while let Some(operation) = input.next() {
        world.take(operation, &mut input);
        world.check_sums();
    }
    world.calm_down();
    world.check_end();
    let ledger = &world.ledger;
    let (data, frames, encoded) = (ledger.data_given(), ledger.frames_given(), ledger.encoded_given());
    Summary { data, frames, encoded, ..world.summary }
}

fn setup(input: &mut Input<'_>) -> Setup {
    let kinds = input.byte();
    let bit = |at: u8| kinds >> at & 1 == 1;
    let windows = input.byte();
    let limits = if bit(5) {
        // So small that rooms in bytes are what stops an end.
        Limits::DEFAULT.with_frame_bytes(300).with_data_bytes(1024)
    } else {
        Limits::DEFAULT
    };
    Setup {
        pattern: if bit(0) { Pattern::ReqRep } else { Pattern::Pair },
        mode: if kinds & 6 == 6 { Mode::Unidirectional } else { Mode::Bidirectional },
        policy: match kinds >> 3 & 3 {
            0 => FramePolicy::Latest,
            1 => FramePolicy::DropNewest,
            _ => FramePolicy::Block,
        },
        windows: [windows & 3, windows >> 2 & 3].map(|window| u16::from(window) + 1),
        limits,
        ahead: if bit(6) { 1 << 40 } else { 0 },
        dialect: match windows >> 4 & 3 {
            0 => None,
            1 => Some(Dialect::VidGear),
            _ => Some(Dialect::Native),
        },
        reconnect: windows >> 6 & 3 > 0,
        decodes: ENCODINGS[usize::from(kinds >> 7 << 1 | windows >> 7)],
    }
}

/// What one end sees of the connection.
#[derive(Debug, Default)]
struct Side {
    state: State,
    /// What comes to this end, in order; `None` is the connection's end.
    coming: VecDeque<Option<Multipart>>,
    /// Nothing more can be put on the way to this end.
    is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// The end does not know of the connection yet.
    #[default]
    Unknown,
    Open,
    Closed,
}

impl Side {
    fn put(&mut self, carried: Option<Multipart>) {
        if !self.is_cut {
            self.is_cut = carried.is_none();
            self.coming.push_back(carried);
        }
    }

    /// All but the first few are lost, and the end finds the connection closed.
    fn cut(&mut self, keep: usize) {
        self.is_cut = false;
        self.coming.truncate(keep);
        self.coming.retain(Option::is_some);
        self.put(None);
    }
}

struct World {
    setup: Setup,
    now: Timestamp,
    ends: [End; 2],
    connection: Option<[Side; 2]>,
    ledger: Ledger,
    runs: u64,
    /// Ends whose peer was killed while they lived.
    bereft: [bool; 2],
    /// Ends whose connection ended for what is nobody's fault: no room for another peer, or a peer that was slow.
    excused: [bool; 2],
    summary: Summary,
}

impl World {
    fn new(setup: Setup) -> Self {
        trace(|| format!("{setup:?}"));
        Self {
            now: Timestamp::from_micros(1_000_000),
            ends: [End::start(Role::Sender, &setup, 1, None), End::start(Role::Receiver, &setup, 2, None)],
            connection: None,
            ledger: Ledger::new(setup.is_vidgear()),
            runs: 2,
            bereft: [false; 2],
            excused: [false; 2],
            summary: Summary::default(),
            setup,
        }
    }

    fn take(&mut self, operation: u8, input: &mut Input<'_>) {
        // The high bit says which end does it.
        let at = usize::from(operation >> 7);
        trace(|| format!("{} operation {} at {}", self.now, operation & 0x7F, ROLES[at]));
        match operation & 0x7F {
            0..24 => self.ends[0].send(input.byte(), self.now, &mut self.ledger),
            24..40 => drop(self.ends[1].recv(self.now, &mut self.ledger)),
            40..50 => self.ends[1].reply(input.byte(), &mut self.ledger),
            50..56 => drop(self.ends[at].recv_data(&mut self.ledger)),
            56..68 => self.pump(at),
            68..84 => drop(self.deliver(at)),
            84..92 => self.open(at),
            92..104 => self.settle(),
            104..114 => self.wait(Duration::from_millis(u64::from(input.byte()) * 8)),
            114..118 => self.cut(input.byte()),
            118..122 => self.kill(at, input.byte()),
            122 => self.close(at),
            _ => {
                // A link that all is well with.
                (0..2).for_each(|at| self.open(at));
                self.settle();
            }
        }
        self.report();
        // Most often the link takes at once what there is to say.
        if operation & 3 > 0 {
            (0..2).for_each(|at| self.pump(at));
        }
    }

    /// What cannot be delivered is known: of a VidGear session also before its end, and then only so many are kept.
    fn report(&mut self) {
        self.ends.iter_mut().for_each(|end| end.report(&mut self.ledger));
    }

    /// An end gets a connection, if there can be one.
    fn open(&mut self, at: usize) {
        if self.connection.is_none() {
            if self.ends.iter().any(|end| end.session.ending().is_some()) {
                return;
            }
            self.connection = Some(Default::default());
            self.summary.connections += 1;
        }
        if let Some(sides) = &mut self.connection
            && sides[at].state == State::Unknown
        {
            sides[at].state = State::Open;
            self.ends[at].session.handle_connected(self.ends[at].clock(self.now));
            self.pump(at);
        }
    }

    /// One end hears what is due next on its side. Gives whether there was something.
    fn deliver(&mut self, at: usize) -> bool {
        let Some(sides) = &mut self.connection else { return false };
        if sides[at].state == State::Closed {
            return false;
        }
        let Some(carried) = sides[at].coming.pop_front() else { return false };
        match carried {
            Some(message) => {
                self.open(at);
                let clock = self.ends[at].clock(self.now);
                match self.ends[at].session.handle_message(clock, message) {
                    // Both keep the rules, so that the only thing to go wrong is that there is no room for another
                    // peer.
                    Ok(()) => {}
                    Err(SessionError::Clogged) => self.excused[at] = true,
                    Err(error) => panic!("{}: {error}", ROLES[at]),
                }
                self.pump(at);
                // It may have something to say that had no room on the link.
                self.pump(1 - at);
            }
            None => {
                self.close_side(at);
                self.pump(at);
            }
        }
        true
    }

    /// Delivers all that is on its way.
    fn settle(&mut self) {
        (0..2).for_each(|at| self.pump(at));
        while self.deliver(0) | self.deliver(1) {}
    }

    /// Gives the link what an end has to say, as long as it takes it.
    fn pump(&mut self, at: usize) {
        for _ in 0..MOST_OUTPUTS {
            if self.connection.as_ref().is_some_and(|sides| sides[1 - at].coming.len() >= LINK_ROOM) {
                return;
            }
            let clock = self.ends[at].clock(self.now);
            let session = &mut self.ends[at].session;
            let has_output = session.has_output();
            let output = session.poll_output(clock);
            assert_eq!(output.is_some(), has_output, "{output:?}");
            trace(|| {
                let said = match &output {
                    Some(Output::Transmit(message)) => {
                        format!("{:?}", native::Message::decode(message.clone(), &self.setup.limits))
                    }
                    other => format!("{other:?}"),
                };
                format!("{} {}: {said}", self.now, ROLES[at])
            });
            match output {
                None => return,
                Some(Output::Transmit(message)) => {
                    let sides = self.connection.as_mut().expect("it speaks where there is a connection");
                    assert_eq!(sides[at].state, State::Open, "it speaks on a connection that it has");
                    sides[1 - at].put(Some(message));
                }
                Some(Output::Event(event)) => self.note(at, event),
                Some(other) => panic!("{other:?}"),
            }
        }
        panic!("outputs without end");
    }

    fn note(&mut self, at: usize, event: Event) {
        assert!(event != Event::Over(Ending::Failed) || self.excused[at], "{}", ROLES[at]);
        if matches!(event, Event::Disconnected | Event::Over(_)) {
            self.close_side(at);
        }
    }

    /// The connection is gone for this end, and soon for the other.
    fn close_side(&mut self, at: usize) {
        let Some(sides) = &mut self.connection else { return };
        if sides[at].state == State::Closed {
            return;
        }
        sides[at].state = State::Closed;
        sides[1 - at].put(None);
        let disconnected = self.ends[at].session.handle_disconnected();
        assert!(disconnected.is_ok() || self.setup.is_vidgear(), "{disconnected:?}");
        self.reap();
    }

    /// There can be another connection once both know that this one is gone.
    fn reap(&mut self) {
        let is_over = |sides: &[Side; 2]| sides.iter().all(|side| side.state == State::Closed);
        self.connection.take_if(|sides| is_over(sides));
    }

    /// The connection breaks; either end gets some of what was on its way.
    fn cut(&mut self, keep: u8) {
        let Some(sides) = &mut self.connection else { return };
        for (side, keep) in sides.iter_mut().zip([keep & 7, keep >> 3 & 7]) {
            if side.state != State::Closed {
                side.cut(keep.into());
            }
        }
    }

    /// A program is killed, and started again with or without what it wrote down.
    fn kill(&mut self, at: usize, choices: u8) {
        if let Some(sides) = &mut self.connection {
            sides[at].state = State::Closed;
            if sides[1 - at].state != State::Closed {
                sides[1 - at].cut((choices >> 1 & 7).into());
            }
        }
        self.runs += 1;
        self.summary.kills += 1;
        let former = if choices & 1 == 1 { Some(&self.ends[at]) } else { None };
        // Another program may decode something else.
        let decodes = ENCODINGS[usize::from(choices >> 4 & 3)];
        self.ends[at] = End::start(ROLES[at], &Setup { decodes, ..self.setup }, self.runs, former);
        (self.bereft[at], self.bereft[1 - at]) = (false, true);
        self.reap();
    }

    fn close(&mut self, at: usize) {
        self.ends[at].closing = true;
        let clock = self.ends[at].clock(self.now);
        self.ends[at].session.close(clock);
        self.pump(at);
    }

    /// Time passes, with every timeout at its moment. What is on its way stays there.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, due)) = self.next_timeout().filter(|(_, due)| *due <= end) {
            self.now = self.now.max(due);
            let clock = self.ends[at].clock(self.now);
            let session = &mut self.ends[at].session;
            match session.handle_timeout(clock) {
                Ok(()) => {}
                Err(SessionError::GreetingTimeout) => self.excused[at] = true,
                Err(error) => panic!("{}: {error}", ROLES[at]),
            }
            self.pump(at);
            let next = self.ends[at].session.next_timeout();
            let link_is_full =
                self.connection.as_ref().is_some_and(|sides| sides[1 - at].coming.len() >= LINK_ROOM);
            assert!(
                link_is_full || next.is_none_or(|due| due > clock),
                "{}: a timeout without end",
                ROLES[at]
            );
            if link_is_full {
                break;
            }
        }
        self.now = end;
    }

    /// Whose timeout is next, and when.
    fn next_timeout(&self) -> Option<(usize, Timestamp)> {
        let timeouts = (0..2).filter_map(|at| {
            let due = self.ends[at].session.next_timeout()?;
            Some((at, self.ends[at].true_time(due)))
        });
        timeouts.min_by_key(|(_, due)| *due)
    }

    /// Nothing fails any more, and both applications take what comes until nothing does.
    fn calm_down(&mut self) {
        for _ in 0..MOST_ROUNDS {
            (0..2).for_each(|at| self.open(at));
            self.settle();
            for end in &mut self.ends {
                while end.recv_data(&mut self.ledger) {}
                end.recv(self.now, &mut self.ledger);
            }
            self.settle();
            self.report();
            self.check_sums();
            // That an application is done with what it took may let the peer say more.
            if self.ends.iter().any(|end| end.session.has_data() || end.session.has_frame()) {
                continue;
            }
            if self.is_quiet() {
                return;
            }
            let next = self.next_timeout().map_or(self.now, |(_, due)| due.max(self.now));
            self.wait(next.since(self.now));
        }
        panic!("it hangs: {:?}", self.ends.each_ref().map(|end| end.session.stats()));
    }

    /// Nothing is on its way, or will ever be.
    fn is_quiet(&self) -> bool {
        let is_over = |end: &End| end.session.ending().is_some();
        if self.ends.iter().any(is_over) {
            // Whoever closes ends, and so does its peer unless the goodbye was lost: that one waits for another peer.
            return self.connection.is_none() && self.ends.iter().all(|end| is_over(end) || !end.closing);
        }
        self.ends.iter().all(|end| {
            let stats = end.session.stats();
            !end.closing && stats.frames_in_flight + stats.frames_waiting + stats.data_waiting == 0
        })
    }

    /// What holds at any moment.
    fn check_sums(&self) {
        let [sender, receiver] = self.ends.each_ref().map(|end| end.session.stats());
        let undecided = (sender.frames_in_flight + sender.frames_waiting) as u64;
        let sum = sender.frames_delivered + sender.frames_dropped.total() + undecided;
        assert_eq!(sender.frames_offered, sum, "{sender:?}");
        assert_eq!(sender.frames_offered, self.ledger.frames_offered(self.ends[0].run));
        for stats in [sender, receiver] {
            assert!(stats.data_waiting <= 256 && stats.data_to_take <= 128, "{stats:?}");
            assert!(stats.frames_waiting <= 8 && stats.data_received >= stats.data_taken, "{stats:?}");
        }
        if let Some(clock) = sender.clock {
            let wrong_by = clock.micros.abs_diff(self.setup.ahead.cast_signed());
            assert!(wrong_by <= clock.uncertainty_micros + 1, "{clock:?}");
        }
    }

    /// What holds when nothing is on its way any more.
    fn check_end(&self) {
        let over = self.ends.each_ref().map(|end| end.session.ending().is_some());
        let both_live = !over[0] && !over[1];
        for (at, role) in ROLES.into_iter().enumerate() {
            let run = self.ends[at].run;
            // What the peer had received and not taken when it was killed, it had when this end left; and with
            // VidGear, which sends nothing again, for good.
            let is_with_the_dead = self.bereft[at] && (over[at] || self.setup.is_vidgear());
            // A VidGear session of one connection ends with what it said last.
            let is_noted = self.setup.reconnect || !self.setup.is_vidgear();
            if is_noted && !is_with_the_dead && (over[at] || !over[1 - at]) {
                self.ledger.check_all_accounted_for(role, run);
            }
            if both_live && !self.setup.is_vidgear() {
                self.ledger.check_all_given(role, run);
            }
        }
        let stats = self.ends[0].session.stats();
        if both_live {
            assert_eq!(stats.frames_in_flight + stats.frames_waiting, 0, "{stats:?}");
            if !self.bereft[0] && !self.setup.is_vidgear() {
                let given = self.ledger.frames_given_to(self.ends[0].run, self.ends[1].run);
                assert_eq!(given, stats.frames_delivered, "{stats:?}");
            }
        }
        if self.setup.policy == FramePolicy::Block && !self.setup.is_vidgear() {
            assert_eq!(stats.frames_dropped.connection, 0, "it is sent again");
            if both_live && !self.bereft[0] {
                assert_eq!(stats.frames_dropped.total(), 0, "{stats:?}");
            }
        }
    }
}
