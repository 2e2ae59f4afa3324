use alloc::{format, string::ToString};

use bytes::Bytes;

use super::{DecodeError, EncodeError, array, header::Header, writer::Writer};
use crate::{Frame, Limits, Mode, Multipart, NdArray, Part, Value, budget::Budget};

/// The name of this end in the two messages in which VidGear's receiver gives one. VidGear makes eight random letters
/// and digits for each receiver and only ever logs them; these are always the same, so that a log shows what sent
/// them.
pub const CLIENT_ID: &str = "RUSTGEAR";

/// What stands before and behind the name in the acknowledgement of a frame.
const ACKNOWLEDGEMENT: (&str, &str) = ("Data received on client: ", " !");

/// What VidGear writes for [`Message::Terminate`]. Ctrl-C at a server that has sent the first part of a frame makes
/// this the second.
const TERMINATE: &[u8] = b"\x81\xa9terminate\xc3";

/// One message of the VidGear dialect. VidGear calls the sender of frames *server*, and the receiver *client*.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A frame, sender to receiver.
    Frame(FrameMessage),
    /// Nothing more will come, sender to receiver.
    Terminate,
    /// The answer to a frame in bidirectional mode, receiver to sender.
    ///
    /// An array comes as [`Value::Frame`] if it is a picture of one channel in two dimensions, or of 2 to 4 channels
    /// in three, and of elements that a frame can have, so that [`Value::to_array`] gives the very array that was
    /// sent; any other comes as [`Value::Array`].
    Return(Option<Value>),
    /// The answer to a frame in unidirectional mode, receiver to sender.
    Acknowledgement,
    /// The answer to [`Message::Terminate`], receiver to sender.
    Terminated,
}

/// A frame and what travels with it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameMessage {
    /// Whether the sender sends and expects data.
    pub mode: Mode,
    /// The picture. VidGear does not say what its channels mean: one is taken for gray, three for BGR, four for BGRA.
    pub frame: Frame,
    /// What the sending application said with it. VidGear has one way to write no data and the empty text: as a text,
    /// that is empty, and it is read as no data.
    pub data: Option<Value>,
}

/// Whether Python takes a value for false: nothing, `false`, 0, and a text, bytes, a list or a map without contents.
///
/// VidGear hands its user no such value: data for which this holds arrives as `None`, whichever end sends it. It is
/// sent as it is all the same, since the Python end may be another program that speaks the protocol.
///
/// ```
/// use netgear_proto::{Value, vidgear::is_falsy};
///
/// assert!(is_falsy(&Value::from(0)) && is_falsy(&Value::from("")));
/// assert!(!is_falsy(&Value::from("0")));
/// ```
pub fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Float(value) => *value == 0.0,
        Value::Str(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(values) => values.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        // VidGear asks only of what is not an array.
        Value::Frame(_) | Value::Array(_) => false,
    }
}

impl Message {
    /// Writes the message as multipart. Pixels are not copied.
    ///
    /// [`Value::Null`] as data is no data.
    ///
    /// # Errors
    /// [`EncodeError`] if VidGear could not read the message or would drop something of it, or a peer with these
    /// limits would refuse it.
    pub fn encode(self, limits: &Limits) -> Result<Multipart, EncodeError> {
        let mut budget = Budget::new(limits);
        let message = match self {
            Self::Frame(message) => message.encode(&mut budget)?,
            Self::Terminate => Bytes::from_static(TERMINATE).into(),
            Self::Return(data) => encode_return(data, &mut budget)?,
            Self::Acknowledgement => {
                let (before, behind) = ACKNOWLEDGEMENT;
                Bytes::from(format!("{before}{CLIENT_ID}{behind}")).into()
            }
            Self::Terminated => {
                let mut header = Writer::with_capacity(64);
                header.map_head(1)?;
                header.text("terminated")?;
                header.text(&format!("Client-`{CLIENT_ID}` successfully terminated!"))?;
                header.into_bytes().into()
            }
        };
        within(limits, message)
    }

    /// Reads a multipart message. Pixels are a slice of the part received, not a copy, unless they are big-endian.
    ///
    /// # Errors
    /// [`DecodeError`] if the message is not one of this dialect, or holds more than the limits allow.
    pub fn decode(message: Multipart, limits: &Limits) -> Result<Self, DecodeError> {
        let mut budget = Budget::new(limits);
        let mut parts = message.into_parts().into_iter().map(Part::into_bytes);
        let first = parts.next().ok_or(DecodeError::Empty)?;
        let mut second = || parts.next().ok_or(DecodeError::MissingPart);
        let message = match first.first() {
            None => return Err(DecodeError::Empty),
            // What the acknowledgement begins with.
            Some(b'D') => acknowledgement(&first)?,
            // What a map begins with.
            Some(0x80..=0x8f | 0xde | 0xdf) => match Header::decode(&first, &mut budget)? {
                Header::Frame { mode, data } => match second()? {
                    part if part == TERMINATE => Self::Terminate,
                    part => {
                        let frame = into_frame(read_array(&part, &mut budget)?)?;
                        Self::Frame(FrameMessage { mode, frame, data })
                    }
                },
                Header::Terminate => Self::Terminate,
                Header::Return(data) => Self::Return(data),
                Header::ReturnArray => Self::Return(Some(into_value(read_array(&second()?, &mut budget)?))),
                Header::Terminated => Self::Terminated,
            },
            Some(&found) => return Err(DecodeError::FirstByte { found }),
        };
        match parts.len() {
            0 => Ok(message),
            surplus => Err(DecodeError::SurplusParts { surplus }),
        }
    }
}

impl FrameMessage {
    fn encode(self, budget: &mut Budget) -> Result<Multipart, EncodeError> {
        let bidirectional = self.mode == Mode::Bidirectional;
        let mut header = Writer::with_capacity(64);
        header.map_head(3)?;
        header.text("terminate")?;
        header.bool(false);
        header.text("bi_mode")?;
        header.bool(bidirectional);
        header.text("data")?;
        match self.data {
            None | Some(Value::Null) => header.text("")?,
            Some(_) if !bidirectional => return Err(EncodeError::UnidirectionalData),
            Some(Value::Frame(_) | Value::Array(_)) => return Err(EncodeError::ArrayWithFrame),
            Some(data) => header.value(&data, budget)?,
        }
        let mut message = Multipart::from(header.into_bytes());
        message.push(array::encode(self.frame.into(), budget)?);
        Ok(message)
    }
}

fn encode_return(data: Option<Value>, budget: &mut Budget) -> Result<Multipart, EncodeError> {
    let data = data.unwrap_or(Value::Null);
    let mut header = Writer::with_capacity(64);
    header.map_head(2)?;
    header.text("return_type")?;
    header.text(type_name(&data))?;
    header.text("return_data")?;
    let array = match data {
        Value::Frame(frame) => NdArray::from(frame),
        Value::Array(array) => array,
        data => {
            match data {
                Value::Null => header.text("")?,
                data => header.value(&data, budget)?,
            }
            return Ok(header.into_bytes().into());
        }
    };
    budget.take_values(1)?;
    header.nil();
    let mut message = Multipart::from(header.into_bytes());
    message.push(array::encode(array, budget)?);
    Ok(message)
}

/// What Python's `type(data).__name__` is for data that arrives there as this.
const fn type_name(data: &Value) -> &'static str {
    match data {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Map(_) => "dict",
        Value::Frame(_) | Value::Array(_) => "ndarray",
    }
}

/// A link holds what it receives against these limits before it looks at it.
fn within(limits: &Limits, message: Multipart) -> Result<Multipart, EncodeError> {
    let limit = limits.part_bytes();
    if let Some(found) = message.parts().iter().map(Part::len).find(|&length| length > limit) {
        return Err(EncodeError::Part { found, limit });
    }
    let (found, limit) = (message.byte_len(), limits.content_bytes());
    if found > limit { Err(EncodeError::Message { found, limit }) } else { Ok(message) }
}

fn acknowledgement(text: &[u8]) -> Result<Message, DecodeError> {
    let (before, behind) = ACKNOWLEDGEMENT;
    let id = text.strip_prefix(before.as_bytes()).and_then(|text| text.strip_suffix(behind.as_bytes()));
    id.filter(|id| core::str::from_utf8(id).is_ok())
        .map(|_| Message::Acknowledgement)
        .ok_or(DecodeError::Text)
}

fn read_array(part: &Bytes, budget: &mut Budget) -> Result<NdArray, DecodeError> {
    array::decode(part, budget).map_err(DecodeError::Array)
}

fn into_frame(array: NdArray) -> Result<Frame, DecodeError> {
    array.into_frame().map_err(|array| DecodeError::NoPicture { array: array.to_string() })
}

fn into_value(array: NdArray) -> Value {
    // A frame of one channel is written in two dimensions; and more than four are hardly a picture.
    match array.shape() {
        [_, _] | [_, _, 2..=4] => array.into_frame().map_or_else(Value::Array, Value::Frame),
        _ => Value::Array(array),
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
