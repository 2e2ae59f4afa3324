use alloc::{
    collections::VecDeque,
    string::{String, ToString},
    vec::Vec,
};
use core::{mem, time::Duration};

use bytes::{Buf, BufMut, Bytes, BytesMut, buf::Limit};

use super::{
    ConnectionConfig, SendError, Transmit, Violation, ZmtpError,
    command::{self, Command},
    envelope::Envelope,
    framing::{FrameHeader, LONGEST_HEADER, LONGEST_SHORT},
    greeting,
    properties::Properties,
};
use crate::{BufferPool, Limits, Multipart, Part, Timestamp};

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is done; [`Connection::peer`] says with whom.
    Established,
    /// A whole message, without its envelope.
    Message(Multipart),
}

/// What the peer said of itself in the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    minor_version: u8,
    socket_type: String,
    properties: Properties,
}

impl Peer {
    /// The ZMTP version that is spoken with it: 3, and 0 or 1.
    pub const fn version(&self) -> (u8, u8) {
        (3, self.minor_version)
    }

    /// Its socket type, as it named it.
    pub fn socket_type(&self) -> &str {
        &self.socket_type
    }

    /// A property of its READY; names are compared without case.
    pub fn property(&self, name: &str) -> Option<&Bytes> {
        self.properties.get(name)
    }
}

/// One connection to one peer. The [module](super) has the overview.
#[derive(Debug)]
pub struct Connection {
    config: ConnectionConfig,
    receiving: Receiving,
    /// Bytes that came and are not a long body: a greeting, headers, short bodies. Never more than [`STAGED`].
    staging: BytesMut,
    /// Where short bodies stand, in blocks of [`SHORT_BLOCK`]: one that nobody holds any more is used again.
    short: BytesMut,
    /// How many bytes of the peer stand before the staged ones, and before the long body that is being received.
    position: u64,
    /// Where the frame begins that is being received.
    frame_position: u64,
    /// Where the message begins that is being received.
    message_position: u64,
    /// Whether it has a long body.
    has_long: bool,
    /// How many bytes to ask for at the beginning of a message: as many as stood before the first long body of the
    /// last one.
    lead: usize,
    /// The bytes accounted for, staged or in a body, to find out how many more have come.
    received: usize,
    parts: Vec<Part>,
    /// The bytes of `parts` together, with the part that is being received.
    message_bytes: usize,
    envelope: Envelope,
    peer: Option<Peer>,
    minor_version: u8,
    // As many as come between two calls of poll_event. What fits in one receive_buffer completes one message and the
    // few empty ones that have room where a header is due; handle_input takes as much as the caller gives it.
    events: VecDeque<Event>,
    transmit: Transmit,
    /// The context of the PING answered last, while its PONG waits for its place between two messages.
    pong_due: Option<Bytes>,
    handshake_deadline: Timestamp,
    /// When the peer last gave a sign of life: sent a byte, or took some that had been waiting.
    last_heard: Timestamp,
    last_ping: Timestamp,
    /// How many bytes had been taken when they were last found waiting.
    taken_while_waiting: Option<u64>,
    failure: Option<ZmtpError>,
}

#[derive(Debug)]
enum Receiving {
    Greeting,
    Header,
    Short { header: FrameHeader, length: usize },
    Long { header: FrameHeader, length: usize, body: BytesMut },
}

/// The most that is ever staged: a short body with its header of two bytes, and the header behind it.
const STAGED: usize = 2 + LONGEST_SHORT + LONGEST_HEADER;

/// Room for some short bodies. An application that holds one of them holds the block.
const SHORT_BLOCK: usize = 1024;

/// A list for more parts than a frame and its data have is not kept.
const SPARE_PARTS: usize = 8;

/// The shortest time between two PINGs.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Getters.
impl Connection {
    /// Who the peer is, once it has said so; [`Connection::is_established`] tells whether it fits.
    pub const fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Whether the handshake is done and the connection has not failed.
    pub const fn is_established(&self) -> bool {
        self.peer.is_some() && self.failure.is_none()
    }

    /// Whether [`Connection::send`] would take a message: the handshake is done and, on REQ and REP, it is this end's
    /// turn.
    pub fn can_send(&self) -> bool {
        self.is_established() && self.envelope.can_send()
    }

    /// Whether a message has begun to come and is not whole yet.
    pub const fn is_receiving(&self) -> bool {
        self.is_amid_message() || !self.parts.is_empty()
    }

    /// When [`Connection::handle_timeout`] wants to be called, if nothing else happens first.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.failure.is_some() {
            return None;
        }
        let Some(peer) = &self.peer else { return Some(self.handshake_deadline) };
        // ZMTP 3.0 has no PING: a peer that has nothing to say is silent, and alive.
        let heartbeat = self.config.heartbeat().filter(|_| peer.minor_version > 0)?;
        // With an interval of zero, there would be no moment at which nothing is due.
        let interval = heartbeat.interval.max(SHORTEST_INTERVAL);
        // A peer that sends a long message hears nothing meanwhile from one that only listens, and may not even see
        // its bytes taken, which wait in the systems' buffers. It is given a sign of life while they last.
        let quiet_since =
            if self.is_amid_message() { self.last_ping } else { self.last_heard.max(self.last_ping) };
        let ping = quiet_since + interval;
        Some(ping.min(self.last_heard + heartbeat.timeout))
    }
}

/// In.
impl Connection {
    /// A connection whose greeting already waits in [`Connection::transmit`].
    pub fn new(config: ConnectionConfig, now: Timestamp) -> Self {
        let mut transmit = Transmit::default();
        transmit.gather(&greeting::NULL_3_1);
        Self {
            receiving: Receiving::Greeting,
            staging: BytesMut::with_capacity(STAGED),
            short: BytesMut::new(),
            position: 0,
            frame_position: 0,
            message_position: 0,
            has_long: false,
            lead: STAGED,
            received: 0,
            parts: Vec::new(),
            message_bytes: 0,
            envelope: Envelope::new(config.socket_type(), config.correlate(), config.relaxed()),
            peer: None,
            minor_version: 1,
            events: VecDeque::new(),
            transmit,
            pong_due: None,
            handshake_deadline: now + config.handshake_timeout(),
            last_heard: now,
            last_ping: now,
            taken_while_waiting: None,
            failure: None,
            config,
        }
    }

    /// Where the bytes that come next belong. Read into it from the socket, then call
    /// [`Connection::handle_received`].
    ///
    /// While the body of a long part is due this is that part's own memory; otherwise it is room for a few bytes of
    /// headers and short parts. After an error it has no room.
    pub fn receive_buffer(&mut self) -> Limit<&mut BytesMut> {
        let wanted = self.wanted();
        match &mut self.receiving {
            Receiving::Long { body, .. } => body.limit(wanted),
            _ => {
                self.staging.reserve(wanted);
                (&mut self.staging).limit(wanted)
            }
        }
    }

    /// Bytes have come into [`Connection::receive_buffer`]. Long bodies take their memory from `pool`.
    ///
    /// # Errors
    /// [`ZmtpError`] if the peer broke a rule, does not fit, or refused. The connection has failed then.
    pub fn handle_received(&mut self, now: Timestamp, pool: &mut BufferPool) -> Result<(), ZmtpError> {
        self.check_failure()?;
        if self.buffered() > self.received {
            self.last_heard = now;
        }
        let advanced = loop {
            match self.advance(pool) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(self.fail(error)),
            }
        };
        self.received = self.buffered();
        advanced
    }

    /// Bytes have come from somewhere: copies them to where they belong. A socket is better read straight into
    /// [`Connection::receive_buffer`].
    ///
    /// All of the messages in them wait for [`Connection::poll_event`] then, and an empty one is 2 bytes of input and
    /// up to 400 in memory: give it no more at once than you would hold two hundredfold.
    ///
    /// # Errors
    /// As [`Connection::handle_received`].
    pub fn handle_input(
        &mut self,
        now: Timestamp,
        mut input: &[u8],
        pool: &mut BufferPool,
    ) -> Result<(), ZmtpError> {
        self.check_failure()?;
        while !input.is_empty() {
            let mut buffer = self.receive_buffer();
            let room = buffer.remaining_mut().min(input.len());
            let (now_due, rest) = input.split_at(room);
            buffer.put_slice(now_due);
            self.handle_received(now, pool)?;
            input = rest;
        }
        Ok(())
    }

    /// The peer has closed its end of the stream.
    ///
    /// # Errors
    /// [`ZmtpError::Truncated`] unless that was between two messages: what had come of one is never handed out.
    pub fn handle_eof(&mut self) -> Result<(), ZmtpError> {
        self.check_failure()?;
        let between_messages = matches!(self.receiving, Receiving::Header)
            && self.peer.is_some()
            && self.staging.is_empty()
            && self.parts.is_empty();
        if between_messages {
            return Ok(());
        }
        let position = self.position + self.buffered() as u64;
        Err(self.fail(ZmtpError::Truncated { position }))
    }

    /// The time that [`Connection::next_timeout`] named has come.
    ///
    /// # Errors
    /// [`ZmtpError::HandshakeTimeout`] or [`ZmtpError::PeerSilent`]. The connection has failed then.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Result<(), ZmtpError> {
        self.check_failure()?;
        if self.next_timeout().is_none_or(|due| now < due) {
            return Ok(());
        }
        let Some(heartbeat) = self.config.heartbeat().filter(|_| self.peer.is_some()) else {
            return Err(self.fail(ZmtpError::HandshakeTimeout));
        };
        self.note_progress(now);
        let silence = now.since(self.last_heard);
        if silence >= heartbeat.timeout {
            return Err(self.fail(ZmtpError::PeerSilent { silence }));
        }
        self.last_ping = now;
        // Behind bytes that the peer does not take, a PING would only wait, and the next one behind it.
        if !self.transmit.has_remaining() {
            self.transmit.gather_command([command::PING]);
        }
        Ok(())
    }

    /// Allows more or less from now on: of whoever connects to an open port, say, no more than a first message of a
    /// few bytes, until that shows who it is.
    ///
    /// # Errors
    /// [`ZmtpError`] if what has begun to come is over the new limits. The connection is of no more use then.
    pub fn set_limits(&mut self, limits: Limits) -> Result<(), ZmtpError> {
        self.check_failure()?;
        self.config.set_limits(limits);
        let limit = limits.message_bytes();
        if self.message_bytes > limit.saturating_add(self.envelope.most_bytes()) {
            let error = self.violated(Violation::MessageTooLong { limit });
            return Err(self.fail(error));
        }
        Ok(())
    }

    /// Takes a message for sending, which [`Connection::transmit`] then holds. Its envelope is added here.
    ///
    /// Nothing here bounds what waits to be transmitted; a caller that wants it bounded waits until
    /// [`Connection::transmit`] is empty.
    ///
    /// # Errors
    /// [`SendError`] if the message cannot be sent now, or not at all.
    pub fn send(&mut self, message: Multipart) -> Result<(), SendError> {
        if self.failure.is_some() {
            return Err(SendError::Failed);
        }
        if self.peer.is_none() {
            return Err(SendError::NotEstablished);
        }
        let limits = *self.config.limits();
        let (parts, bytes) = (message.len(), message.byte_len());
        if parts == 0 {
            return Err(SendError::Empty);
        }
        if parts > limits.parts() {
            return Err(SendError::TooManyParts { parts, limit: limits.parts() });
        }
        let longest = message.parts().iter().map(Part::len).max().unwrap_or(0);
        if longest > limits.part_bytes() {
            return Err(SendError::TooLong { bytes: longest, limit: limits.part_bytes() });
        }
        if bytes > limits.message_bytes() {
            return Err(SendError::TooLong { bytes, limit: limits.message_bytes() });
        }
        if !self.envelope.can_send() {
            return Err(SendError::OutOfTurn);
        }
        self.push_pong();
        self.envelope.wrap(&mut self.transmit);
        let last = parts - 1;
        let mut parts = message.into_parts();
        for (at, part) in parts.drain(..).enumerate() {
            self.transmit.push_part(part, at < last);
        }
        if self.parts.capacity() == 0 && parts.capacity() <= SPARE_PARTS {
            // For the next message that comes.
            self.parts = parts;
        }
        Ok(())
    }
}

/// Out.
impl Connection {
    /// What has happened; `None` once there is nothing more.
    ///
    /// On a REP, a request that was not taken from here is gone once another one comes; and this end's turn begins
    /// when the request is taken.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Message(_) = event {
            self.envelope.handed_out();
        }
        Some(event)
    }

    /// The bytes that wait to be written to the peer.
    pub fn transmit(&mut self) -> &mut Transmit {
        if !self.transmit.has_remaining() {
            self.push_pong();
        }
        &mut self.transmit
    }
}

/// Receiving.
impl Connection {
    /// How many bytes to ask for. Those of a long body belong in its own memory, for which its header has to be read
    /// first: so no more is asked for than stood before the long body of the message before, or the nine bytes of
    /// such a header.
    fn wanted(&self) -> usize {
        if self.failure.is_some() {
            return 0;
        }
        match &self.receiving {
            Receiving::Greeting => greeting::LEN - self.staging.len(),
            Receiving::Header => self.expected_lead().max(LONGEST_HEADER) - self.staging.len(),
            Receiving::Short { length, .. } => {
                self.expected_lead().max(length + LONGEST_HEADER) - self.staging.len()
            }
            Receiving::Long { length, body, .. } => length - body.len(),
        }
    }

    /// How many more bytes of this message, with those staged, stand before its first long body if it is like the one
    /// before.
    fn expected_lead(&self) -> usize {
        if self.has_long {
            return 0;
        }
        let consumed = usize::try_from(self.position - self.message_position).unwrap_or(usize::MAX);
        self.lead.saturating_sub(consumed)
    }

    const fn is_amid_message(&self) -> bool {
        matches!(self.receiving, Receiving::Long { .. })
    }

    fn buffered(&self) -> usize {
        match &self.receiving {
            Receiving::Long { body, .. } => body.len(),
            _ => self.staging.len(),
        }
    }

    /// Takes one step; false when that needs more bytes.
    fn advance(&mut self, pool: &mut BufferPool) -> Result<bool, ZmtpError> {
        match &mut self.receiving {
            Receiving::Greeting => {
                let Some(minor_version) = greeting::check(&self.staging)? else { return Ok(false) };
                self.minor_version = minor_version.min(1);
                self.consume(greeting::LEN);
                self.receiving = Receiving::Header;
                let ready = command::ready(self.config.properties());
                self.transmit.gather_command([&ready]);
            }
            Receiving::Header => {
                self.frame_position = self.position;
                let header =
                    FrameHeader::read(&self.staging).map_err(|violation| self.violated(violation))?;
                let Some(header) = header else { return Ok(false) };
                let length = self.check_length(&header).map_err(|violation| self.violated(violation))?;
                self.consume(header.header_len);
                self.receiving = if header.header_len == LONGEST_HEADER {
                    self.note_lead(&header);
                    let mut body = pool.take(length);
                    // Few, and mostly none.
                    let came_along = self.staging.len().min(length);
                    body.extend_from_slice(&self.staging[..came_along]);
                    self.staging.advance(came_along);
                    Receiving::Long { header, length, body }
                } else {
                    Receiving::Short { header, length }
                };
            }
            &mut Receiving::Short { header, length } => {
                let Some(body) = self.staging.get(..length) else { return Ok(false) };
                // At the beginning of a message, nothing of the one before is held any more, and its block may be
                // used again.
                let room = if self.parts.is_empty() { STAGED } else { length };
                let body = short_body(&mut self.short, body, room);
                self.consume(length);
                self.receiving = Receiving::Header;
                self.handle_frame(header, body)?;
            }
            Receiving::Long { header, length, body } => {
                if body.len() < *length {
                    return Ok(false);
                }
                let (header, body) = (*header, pool.freeze(mem::take(body)));
                self.position += body.len() as u64;
                self.receiving = Receiving::Header;
                self.handle_frame(header, body)?;
            }
        }
        Ok(true)
    }

    /// The header of a long body has been read.
    fn note_lead(&mut self, header: &FrameHeader) {
        if !header.command && !mem::replace(&mut self.has_long, true) {
            let lead = usize::try_from(self.position - self.message_position).unwrap_or(usize::MAX);
            self.lead = if lead <= STAGED { lead } else { LONGEST_HEADER };
        }
    }

    fn consume(&mut self, bytes: usize) {
        self.staging.advance(bytes);
        self.position += bytes as u64;
    }

    /// Holds a frame's length against the limits, before anything is allocated for it.
    fn check_length(&mut self, header: &FrameHeader) -> Result<usize, Violation> {
        let limits = self.config.limits();
        if header.command {
            let limit = limits.metadata_bytes();
            return fits(header.length, limit)
                .ok_or(Violation::CommandTooLong { length: header.length, limit });
        }
        if self.peer.is_none() {
            return Err(Violation::ReadyExpected);
        }
        let most_parts = limits.parts().saturating_add(self.envelope.most_parts());
        if self.parts.len() == most_parts {
            return Err(Violation::TooManyParts { limit: most_parts });
        }
        let limit = limits.part_bytes();
        let length =
            fits(header.length, limit).ok_or(Violation::PartTooLong { length: header.length, limit })?;
        let limit = limits.message_bytes();
        let most_bytes = limit.saturating_add(self.envelope.most_bytes());
        self.message_bytes = self
            .message_bytes
            .checked_add(length)
            .filter(|&bytes| bytes <= most_bytes)
            .ok_or(Violation::MessageTooLong { limit })?;
        Ok(length)
    }

    fn handle_frame(&mut self, header: FrameHeader, body: Bytes) -> Result<(), ZmtpError> {
        if !header.more {
            self.message_position = self.position;
            if !header.command && !mem::take(&mut self.has_long) {
                self.lead = STAGED;
            }
        }
        if header.command {
            let command = Command::read(&body).map_err(|violation| self.violated(violation))?;
            return self.handle_command(command);
        }
        self.parts.push(body.into());
        if !header.more {
            self.message_bytes = 0;
            let parts = mem::take(&mut self.parts);
            let body = self.envelope.unwrap(parts).map_err(|violation| self.violated(violation))?;
            let Some(body) = body else { return Ok(()) };
            if self.envelope.supersedes() {
                self.events.retain(|event| !matches!(event, Event::Message(_)));
            }
            self.events.push_back(Event::Message(body));
        }
        Ok(())
    }

    fn handle_command(&mut self, command: Command<'_>) -> Result<(), ZmtpError> {
        match command {
            Command::Error { reason } => Err(ZmtpError::Refused { reason }),
            Command::Ready(properties) if self.peer.is_none() => self.handle_ready(properties),
            _ if self.peer.is_none() => Err(self.violated(Violation::ReadyExpected)),
            Command::Ping { context } => {
                // Only the newest is owed: a peer that asks and asks and never reads must not make this end hold
                // answers.
                self.pong_due = Some(Bytes::copy_from_slice(context));
                Ok(())
            }
            Command::Ready(_) | Command::Pong | Command::Unknown => Ok(()),
        }
    }

    fn handle_ready(&mut self, properties: Properties) -> Result<(), ZmtpError> {
        let Some(theirs) = properties.get("Socket-Type") else {
            self.transmit.gather_command([&command::error("READY has no Socket-Type")]);
            return Err(self.violated(Violation::SocketTypeMissing));
        };
        let socket_type = command::printable(theirs).chars().take(32).collect::<String>();
        let ours = self.config.socket_type();
        let mismatch = (!ours.accepts(&socket_type))
            .then(|| ZmtpError::SocketType { ours, theirs: socket_type.clone() });
        self.peer = Some(Peer { minor_version: self.minor_version, socket_type, properties });
        if let Some(error) = mismatch {
            self.transmit.gather_command([&command::error(&error.to_string())]);
            return Err(error);
        }
        self.events.push_back(Event::Established);
        Ok(())
    }

    fn violated(&self, violation: Violation) -> ZmtpError {
        ZmtpError::Violation { position: self.frame_position, violation }
    }

    /// Any error is final. What was half received is let go, and what was owed.
    fn fail(&mut self, error: ZmtpError) -> ZmtpError {
        self.failure = Some(error.clone());
        self.receiving = Receiving::Header;
        self.parts = Vec::new();
        self.pong_due = None;
        error
    }

    fn check_failure(&self) -> Result<(), ZmtpError> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

/// Transmitting.
impl Connection {
    /// A peer that takes a long message over a slow network has nothing to say meanwhile. What it takes proves it
    /// alive, but only while more is waiting: the system takes a few bytes for a dead peer too.
    fn note_progress(&mut self, now: Timestamp) {
        let taken = self.transmit.taken();
        if self.taken_while_waiting.is_some_and(|before| before < taken) {
            self.last_heard = now;
        }
        self.taken_while_waiting = self.transmit.has_remaining().then_some(taken);
    }

    /// Puts the PONG that is owed between two messages.
    fn push_pong(&mut self) {
        if let Some(context) = self.pong_due.take() {
            self.transmit.gather_command([command::PONG, &context]);
        }
    }
}

/// A short body where it stays, in a block with so much room, the body's length or more. That of an envelope is
/// mostly empty, and holds no block while its request is worked at.
fn short_body(block: &mut BytesMut, body: &[u8], room: usize) -> Bytes {
    if body.is_empty() {
        return Bytes::new();
    }
    if block.capacity() < room {
        block.reserve(SHORT_BLOCK);
    }
    block.extend_from_slice(body);
    block.split().freeze()
}

fn fits(length: u64, limit: usize) -> Option<usize> {
    usize::try_from(length).ok().filter(|&length| length <= limit)
}
