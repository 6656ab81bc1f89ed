//! Protobuf's wire format (<https://protobuf.dev/programming-guides/encoding>), as far as ONNX needs it.

/// Bytes of a length that is written before what it counts. Readers take a number of any length up to ten bytes, so the
/// lengths of nested messages are filled in at their end and nothing is copied.
const LENGTH_BYTES: usize = 5;

/// A message in the making.
#[derive(Debug, Default)]
pub struct Protobuf(Vec<u8>);

impl Protobuf {
    /// The message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Adds a whole number.
    pub fn number(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field) << 3);
        self.varint(value);
    }

    /// Adds a fraction.
    pub fn fraction(&mut self, field: u32, value: f32) {
        self.varint(u64::from(field) << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    /// Adds a text.
    pub fn text(&mut self, field: u32, text: &str) {
        self.message(field, |this| this.0.extend(text.as_bytes()));
    }

    /// Adds numbers as their bytes.
    pub fn floats(&mut self, field: u32, values: &[f32]) {
        self.message(field, |this| this.0.extend(values.iter().flat_map(|value| value.to_le_bytes())));
    }

    /// Adds a message that `write` fills.
    pub fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.varint(u64::from(field) << 3 | 2);
        let length = self.0.len();
        self.0.extend([0; LENGTH_BYTES]);
        write(self);
        self.fill(length);
    }

    /// Fills in the length of what was written since its place.
    fn fill(&mut self, place: usize) {
        let length = self.0.len() - place - LENGTH_BYTES;
        for (index, byte) in self.0.iter_mut().skip(place).take(LENGTH_BYTES).enumerate() {
            let more = if index + 1 < LENGTH_BYTES { 0x80 } else { 0 };
            *byte = (length >> (7 * index)) as u8 & 0x7f | more;
        }
    }

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

    #[test]
    fn fields_are_those_of_the_encoding_guide() {
        let mut message = Protobuf::default();
        message.number(1, 150);
        message.text(2, "testing");
        message.message(3, |inner| inner.number(1, 150));
        message.fraction(5, 1.0);
        // The guide's own examples, with lengths of five bytes; the fraction's type is 5, `I32`.
        let length = |count: u8| [count | 0x80, 0x80, 0x80, 0x80, 0];
        let mut expected = vec![0x08, 0x96, 0x01, 0x12];
        expected.extend(length(7));
        expected.extend(b"testing");
        expected.push(0x1a);
        expected.extend(length(3));
        expected.extend([0x08, 0x96, 0x01, 0x2d, 0, 0, 0x80, 0x3f]);
        assert_eq!(message.into_bytes(), expected);
    }

    #[test]
    fn long_messages_have_their_length() {
        let mut message = Protobuf::default();
        message.floats(1, &vec![0.0; 100_000]);
        // 400,000 is 0b11000_0110101_0000000: seven bits a byte, the lowest first.
        assert_eq!(message.into_bytes()[1..6], [0x80, 0x80 | 0b0110101, 0x80 | 0b11000, 0x80, 0]);
    }
}
