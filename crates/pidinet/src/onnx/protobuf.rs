//! Protocol buffers, as far as writing ONNX needs them: messages of integers, floats, texts and messages.
//!
//! A message is a sequence of fields, each a key and a value; the key gives the field's number and how the
//! value is written (<https://protobuf.dev/programming-guides/encoding/>).

/// How a value is written.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Bytes = 2,
}

/// A message under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds an integer.
    pub(super) fn int(mut self, field: u32, value: i64) -> Self {
        self.key(field, Wire::Varint);
        self.varint(value as u64); // negative ones have ten bytes
        self
    }

    /// Adds integers, each a field of its own.
    pub(super) fn ints(self, field: u32, values: impl IntoIterator<Item = i64>) -> Self {
        values.into_iter().fold(self, |message, value| message.int(field, value))
    }

    /// Adds bytes.
    pub(super) fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, Wire::Bytes);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// Adds a text.
    pub(super) fn text(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// Adds texts, each a field of its own.
    pub(super) fn texts<'a>(self, field: u32, values: impl IntoIterator<Item = &'a str>) -> Self {
        values.into_iter().fold(self, |message, value| message.text(field, value))
    }

    /// Adds a message.
    pub(super) fn message(self, field: u32, value: Self) -> Self {
        self.bytes(field, &value.0)
    }

    /// Adds messages, each a field of its own.
    pub(super) fn messages(self, field: u32, values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(self, |message, value| message.message(field, value))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field) << 3 | wire as u64);
    }

    /// Seven bits a byte, the lowest first; the eighth says whether more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's documentation, and a negative number.
    #[test]
    fn values_are_written_as_documented() {
        assert_eq!(Message::new().int(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::new().text(2, "testing").into_bytes(), *b"\x12\x07testing");
        let inner = Message::new().int(1, 150);
        assert_eq!(Message::new().message(3, inner).into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let minus_two = [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Message::new().int(1, -2).into_bytes(), minus_two);
        assert_eq!(Message::new().int(16, 1).into_bytes(), [0x80, 0x01, 0x01]);
    }
}
