//! The shared inside of every binary coded string: a prefix, then unsigned LEB128 integers in standard base64
//! (RFC 4648 §4) without padding.
//!
//! One value has exactly one text. Whatever the encoder would not have written is refused, so that a text which
//! was stored, read and stored again is the same bytes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use thiserror::Error;

/// Bytes that the largest `u64` takes: ten groups of seven bits.
const MAX_BYTES: usize = 10;

/// The seven payload bits of a byte of a varint.
const PAYLOAD: u8 = 0x7f;

/// The bit that says that another byte follows.
const CONTINUES: u8 = 0x80;

/// Why a text is not a prefix with varints behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VarintError {
    /// The text does not begin with the prefix of its kind.
    #[error("does not begin with {expected:?}")]
    Prefix {
        /// What the text should begin with.
        expected: &'static str,
    },
    /// The rest is not canonical base64: a foreign character, padding, or bits set beyond the last byte.
    #[error("is not standard base64 without padding")]
    Base64,
    /// The bytes end inside an integer, or before one that has to be there.
    #[error("ends where an integer is expected")]
    Cut,
    /// An integer is written in more bytes than it needs.
    #[error("holds an integer that is not written in its shortest form")]
    NotMinimal,
    /// An integer does not fit 64 bits.
    #[error("holds an integer above {}", u64::MAX)]
    TooLarge,
    /// Integers follow after the last one that belongs here.
    #[error("goes on after its last integer")]
    Trailing,
}

/// The text of a [`Writer`] that gave `bytes`.
pub(crate) fn text(prefix: &str, bytes: &[u8]) -> String {
    let mut text = prefix.to_owned();
    STANDARD_NO_PAD.encode_string(bytes, &mut text);
    text
}

/// Collects integers and writes them as text.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A writer without integers.
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends `value`, seven bits a byte, the lowest first.
    pub(crate) fn push(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.bytes.push(low & PAYLOAD);
                return;
            }
            self.bytes.push(low | CONTINUES);
        }
    }

    /// The text: `prefix`, then everything that was pushed.
    pub(crate) fn finish(self, prefix: &str) -> String {
        text(prefix, &self.bytes)
    }

    /// Everything that was pushed, for a store that keeps bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes the integers of a text one by one.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: Cow<'a, [u8]>,
    position: usize,
}

impl<'a> Reader<'a> {
    /// Opens what [`Writer::into_bytes`] gave.
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self {
            bytes: Cow::Borrowed(bytes),
            position: 0,
        }
    }

    /// Opens `text`, which has to begin with `prefix`.
    pub(crate) fn new(prefix: &'static str, text: &str) -> Result<Self, VarintError> {
        let coded = text
            .strip_prefix(prefix)
            .ok_or(VarintError::Prefix { expected: prefix })?;
        let bytes = STANDARD_NO_PAD.decode(coded).map_err(|_| VarintError::Base64)?;
        Ok(Self {
            bytes: Cow::Owned(bytes),
            position: 0,
        })
    }

    /// The next integer, which has to be there.
    ///
    /// A month of slices is some billion integers of up to eight bytes: those take the way without a branch for
    /// each byte.
    pub(crate) fn next(&mut self) -> Result<u64, VarintError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        match rest
            .first_chunk()
            .and_then(|word| short(u64::from_le_bytes(*word)))
        {
            Some((value, length)) => {
                self.position += length;
                Ok(value)
            }
            None => self.next_long(),
        }
    }

    /// The next two integers, which have to be there: a value and how often it comes.
    #[inline]
    pub(crate) fn next_two(&mut self) -> Result<(u64, u64), VarintError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some((value, second, length)) = rest.first_chunk().copied().and_then(short_two) else {
            return Ok((self.next()?, self.next()?));
        };
        self.position += length;
        Ok((value, u64::from(second)))
    }

    /// Takes values that come once, as many as follow each other in integers of the same length, at most `most`; stops
    /// before one that equals the value before it.
    ///
    /// Where one ends is then known before it is read: a processor reads several at a time.
    pub(crate) fn take_singles(&mut self, most: usize, values: &mut Vec<u64>) {
        let bytes = self.bytes.get(self.position..).unwrap_or_default();
        let Some(layout) = bytes.first_chunk().and_then(|bytes| Single::of(*bytes)) else {
            return;
        };
        let mut last = values.last().copied();
        let mut at = 0;
        for _ in 0..most {
            let word = bytes.get(at..at + 8).and_then(<[u8]>::first_chunk);
            let Some(value) = word
                .and_then(|word| layout.value(*word))
                .filter(|value| last != Some(*value))
            else {
                break;
            };
            values.push(value);
            last = Some(value);
            at += layout.length;
        }
        self.position += at;
    }

    /// All bytes, those that were read too.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_owned()
    }

    /// Bytes that were not read yet.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// [`Reader::next`] for integers of any length, and near the end of the bytes.
    fn next_long(&mut self) -> Result<u64, VarintError> {
        let mut value = 0_u64;
        for group in 0..MAX_BYTES {
            let byte = *self.bytes.get(self.position).ok_or(VarintError::Cut)?;
            self.position += 1;
            let bits = u64::from(byte & PAYLOAD);
            let shifted = bits << (7 * group);
            if shifted >> (7 * group) != bits {
                return Err(VarintError::TooLarge);
            }
            value |= shifted;
            if byte & CONTINUES == 0 {
                return if bits == 0 && group > 0 {
                    Err(VarintError::NotMinimal)
                } else {
                    Ok(value)
                };
            }
        }
        Err(VarintError::TooLarge)
    }

    /// Accepts the text only if every integer was taken.
    pub(crate) fn finish(self) -> Result<(), VarintError> {
        if self.left() == 0 {
            Ok(())
        } else {
            Err(VarintError::Trailing)
        }
    }
}

/// How a value that comes once lies in eight bytes.
#[derive(Debug, Clone, Copy)]
struct Single {
    /// Bytes of the value, and the one behind it.
    length: usize,
    /// The bits of these bytes that are no part of the value, and how they have to be.
    fixed: (u64, u64),
    /// The bits of the value.
    own: u64,
    /// Those of its last byte, of which one has to be set if it is not the only one.
    last: u64,
}

impl Single {
    /// As the first value in `bytes` lies; `None` if it does not come once.
    fn of(bytes: [u8; 8]) -> Option<Self> {
        let (_, times, length) = short_two(bytes)?;
        if times != 1 {
            return None;
        }
        let value = length - 1;
        let mask = |bytes: usize, of: u8| {
            u64::from_le_bytes(std::array::from_fn(|at| if at < bytes { of } else { 0 }))
        };
        let behind = 8 * value;
        Some(Self {
            length,
            fixed: (
                mask(value, CONTINUES) | 0xff << behind,
                mask(value - 1, CONTINUES) | 1 << behind,
            ),
            own: mask(value, PAYLOAD),
            last: if value > 1 {
                mask(value, PAYLOAD) & !mask(value - 1, PAYLOAD)
            } else {
                0
            },
        })
    }

    #[inline]
    fn value(self, bytes: [u8; 8]) -> Option<u64> {
        let word = u64::from_le_bytes(bytes);
        let (fixed, expected) = self.fixed;
        let is_shortest = self.last == 0 || word & self.last != 0;
        (word & fixed == expected && is_shortest).then(|| joined(word & self.own))
    }
}

/// The integer that ends within the eight bytes of `word`, the first of which is the lowest, and its length; `None` if
/// none does, or if it is not written in its shortest form.
#[inline]
fn short(word: u64) -> Option<(u64, usize)> {
    const EACH: u64 = u64::from_le_bytes([CONTINUES; 8]);
    let ends = !word & EACH;
    if ends == 0 {
        return None;
    }
    // Seven bits are below the one that says that nothing follows.
    let before_last = ends.trailing_zeros() - 7;
    let own = word & (u64::MAX >> (56 - before_last));
    if own >> before_last == 0 && before_last > 0 {
        return None;
    }
    Some((joined(own & !EACH), before_last as usize / 8 + 1))
}

/// Groups of 7 bits, each at the bottom of a byte, moved together: pairs of them, pairs of pairs, halves.
#[inline]
const fn joined(groups: u64) -> u64 {
    let pairs = (groups & 0x007f_007f_007f_007f) | ((groups & 0x7f00_7f00_7f00_7f00) >> 1);
    let fours = (pairs & 0x0000_3fff_0000_3fff) | ((pairs & 0x3fff_0000_3fff_0000) >> 2);
    (fours & 0x0fff_ffff) | ((fours & 0x0fff_ffff_0000_0000) >> 4)
}

/// The integer that [`short`] finds and one of a single byte behind it, and the length of both.
#[inline]
fn short_two(bytes: [u8; 8]) -> Option<(u64, u8, usize)> {
    let (value, length) = short(u64::from_le_bytes(bytes))?;
    let second = bytes.get(length).filter(|byte| **byte & CONTINUES == 0)?;
    Some((value, *second, length + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFIX: &str = "t1:";

    fn encode(values: &[u64]) -> String {
        let mut writer = Writer::new();
        for value in values {
            writer.push(*value);
        }
        writer.finish(PREFIX)
    }

    fn decode(text: &str) -> Result<Vec<u64>, VarintError> {
        let mut reader = Reader::new(PREFIX, text)?;
        let mut values = Vec::new();
        while reader.left() > 0 {
            values.push(reader.next()?);
        }
        Ok(values)
    }

    #[test]
    fn the_largest_integer_takes_ten_bytes_and_comes_back() {
        let text = encode(&[u64::MAX]);
        assert_eq!(text, "t1:////////////AQ");
        assert_eq!(decode(&text), Ok(vec![u64::MAX]));
    }

    #[test]
    fn one_more_bit_than_sixty_four_is_too_large() {
        let text = format!(
            "{PREFIX}{}",
            STANDARD_NO_PAD.encode([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2])
        );
        assert_eq!(decode(&text), Err(VarintError::TooLarge));
    }

    #[test]
    fn a_reader_with_integers_left_does_not_finish() {
        let mut reader = Reader::new(PREFIX, &encode(&[1, 2])).unwrap();
        assert_eq!(reader.next(), Ok(1));
        assert_eq!(reader.finish(), Err(VarintError::Trailing));
    }

    #[test]
    fn integers_of_every_length_come_back_from_every_place() {
        let of_length = |bytes: u32| {
            [
                1_u64.unbounded_shl(7 * (bytes - 1)),
                1_u64.unbounded_shl(7 * bytes).wrapping_sub(1),
            ]
        };
        for [least, most] in (1..=10).map(of_length) {
            for after in 0..10 {
                let mut values = vec![least, most];
                values.resize(2 + after, 1);
                assert_eq!(decode(&encode(&values)), Ok(values));
            }
        }
    }

    #[test]
    fn a_longer_form_is_refused_wherever_it_is() {
        for length in 2..=9 {
            for after in [0, 8] {
                let mut bytes = vec![CONTINUES; length - 1];
                bytes.resize(length + after, 0);
                let text = format!("{PREFIX}{}", STANDARD_NO_PAD.encode(bytes));
                assert_eq!(decode(&text), Err(VarintError::NotMinimal));
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(values: Vec<u64>) {
            prop_assert_eq!(decode(&encode(&values)), Ok(values));
        }

        #[test]
        fn integers_of_any_length_are_read(values: Vec<(u64, u32)>) {
            let values: Vec<u64> = values.iter().map(|(value, bits)| value >> (bits % 64)).collect();
            prop_assert_eq!(decode(&encode(&values)), Ok(values));
        }

        #[test]
        fn two_integers_are_read_as_one_by_one(values: Vec<(u64, u32, u8)>, bytes in prop::collection::vec(0..4_u8, 0..30)) {
            let pairs = values.iter().map(|(value, bits, times)| [value >> (bits % 64), u64::from(*times)]);
            let mut writer = Writer::new();
            pairs.flatten().for_each(|value| writer.push(value));
            let written = writer.into_bytes();
            // And what nobody wrote: most of these bytes are 0, or say that another one follows.
            let foreign: Vec<u8> = bytes.iter().map(|byte| [0, 1, 0x80, 0xff][usize::from(*byte)]).collect();
            for bytes in [written, foreign] {
                let (mut one, mut two) = (Reader::of_bytes(&bytes), Reader::of_bytes(&bytes));
                loop {
                    let expected = one.next().and_then(|first| Ok((first, one.next()?)));
                    prop_assert_eq!(two.next_two(), expected);
                    if expected.is_err() {
                        break;
                    }
                }
            }
        }

        #[test]
        fn singles_are_read_as_one_by_one(
            lengths in prop::collection::vec((0..4_u32, 1..6_usize), 0..8), seed: u64, times in prop::collection::vec(1..3_u64, 30),
            damage in prop::option::of((0..60_usize, any::<u8>())),
        ) {
            // Values of as many bits, some of them after each other; now and then one that comes twice.
            let bits = lengths.iter().flat_map(|(bytes, number)| std::iter::repeat_n(7 * bytes + 3, *number));
            let mut writer = Writer::new();
            for ((at, bits), times) in (1..).zip(bits).zip(times.iter().cycle()) {
                let value = seed.wrapping_mul(at | 1).rotate_left(17) >> (64 - bits);
                writer.push(value);
                writer.push(if times % 2 == 0 && at % 5 == 0 { 2 } else { 1 });
            }
            let mut bytes = writer.into_bytes();
            if let Some((at, to)) = damage && let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            let (mut one, mut many) = (Reader::of_bytes(&bytes), Reader::of_bytes(&bytes));
            loop {
                let mut taken = Vec::new();
                many.take_singles(7, &mut taken);
                prop_assert!(taken.len() <= 7);
                prop_assert!(taken.windows(2).all(|pair| pair[0] != pair[1]));
                for value in taken {
                    prop_assert_eq!(one.next_two(), Ok((value, 1)));
                }
                let expected = one.next_two();
                prop_assert_eq!(many.next_two(), expected);
                if expected.is_err() {
                    break;
                }
            }
        }

        #[test]
        fn only_the_text_of_the_encoder_is_read(bytes: Vec<u8>) {
            let text = format!("{PREFIX}{}", STANDARD_NO_PAD.encode(bytes));
            if let Ok(values) = decode(&text) {
                prop_assert_eq!(encode(&values), text);
            }
        }
    }
}
