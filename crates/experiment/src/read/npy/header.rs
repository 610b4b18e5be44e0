//! The header of a NumPy array: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.

use std::io::Read;

use crate::read::ReadFault;
use crate::read::error::Located;

/// Longest header that is read, in bytes; NumPy's own limit for untrusted files is 10000.
const MAX_HEADER: usize = 1 << 16;
/// Most axes of an array.
const MAX_AXES: usize = 64;

/// What the bytes of an element mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
}

impl Kind {
    fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "b1" => Self::Bool,
            "i1" => Self::I8,
            "i2" => Self::I16,
            "i4" => Self::I32,
            "i8" => Self::I64,
            "u1" => Self::U8,
            "u2" => Self::U16,
            "u4" => Self::U32,
            "u8" => Self::U64,
            "f4" => Self::F32,
            "f8" => Self::F64,
            _ => return None,
        })
    }

    /// Bytes per element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The value of one element; integers beyond 2⁵³ are rounded to the nearest number.
    pub(crate) fn decode(self, bytes: &[u8], big_endian: bool) -> f64 {
        let mut padded = [0_u8; 8];
        for (place, byte) in padded.iter_mut().zip(bytes) {
            *place = *byte;
        }
        let size = self.size();
        if big_endian {
            padded[..size].reverse();
        }
        let bits = u64::from_le_bytes(padded);
        // Truncating casts keep exactly the bytes of the element; the padding above them is zero.
        match self {
            Self::Bool => f64::from(u8::from(bits != 0)),
            Self::I8 => f64::from(bits as u8 as i8),
            Self::I16 => f64::from(bits as u16 as i16),
            Self::I32 => f64::from(bits as u32 as i32),
            Self::I64 => bits as i64 as f64,
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => bits as f64,
            Self::F32 => f64::from(f32::from_bits(bits as u32)),
            Self::F64 => f64::from_bits(bits),
        }
    }
}

/// The header, and where the data start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) big_endian: bool,
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    pub(crate) data_start: u64,
}

fn malformed(reason: &str) -> ReadFault {
    ReadFault::Malformed {
        format: "npy",
        reason: reason.to_owned(),
    }
}

impl Header {
    /// Number of elements, if it can be counted.
    pub(crate) fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1_usize, |count, axis| count.checked_mul(*axis))
    }

    /// Number of bytes of data, if it can be counted.
    pub(crate) fn data_bytes(&self) -> Option<u64> {
        let bytes = self.count()?.checked_mul(self.kind.size())?;
        u64::try_from(bytes).ok()
    }

    /// Reads magic string, version and header.
    pub(crate) fn read<R: Read>(file: &mut R) -> Result<Self, Located> {
        let mut prefix = [0_u8; 8];
        read_or(file, &mut prefix, "it is shorter than any header")?;
        if &prefix[..6] != b"\x93NUMPY" {
            return Err(malformed("it does not start with \\x93NUMPY").into());
        }
        let (length, length_bytes) = match prefix[6] {
            1 => {
                let mut bytes = [0_u8; 2];
                read_or(file, &mut bytes, "it ends within the header")?;
                (usize::from(u16::from_le_bytes(bytes)), 2)
            }
            2 | 3 => {
                let mut bytes = [0_u8; 4];
                read_or(file, &mut bytes, "it ends within the header")?;
                (usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX), 4)
            }
            version => {
                let what = format!("version {version} of the npy format");
                return Err(ReadFault::Unsupported { what }.into());
            }
        };
        if length > MAX_HEADER {
            return Err(ReadFault::TooLarge {
                what: format!("a header of {length} bytes"),
                limit: format!("{MAX_HEADER} bytes"),
            }
            .into());
        }
        let mut text = vec![0_u8; length];
        read_or(file, &mut text, "it ends within the header")?;
        let text = std::str::from_utf8(&text).map_err(|_| malformed("the header is not text"))?;
        Ok(Self::parse(text, (8 + length_bytes + length) as u64)?)
    }

    /// Reads the dictionary.
    fn parse(text: &str, data_start: u64) -> Result<Self, ReadFault> {
        let mut literal = Literal { rest: text };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        literal.expect('{')?;
        while !literal.accept('}') {
            let key = literal.string()?;
            literal.expect(':')?;
            match key {
                "descr" if descr.is_none() => descr = Some(literal.element_type()?),
                "fortran_order" if fortran.is_none() => fortran = Some(literal.boolean()?),
                "shape" if shape.is_none() => shape = Some(literal.shape()?),
                _ => return Err(malformed("the header has an unknown or repeated key")),
            }
            if !literal.accept(',') {
                literal.expect('}')?;
                break;
            }
        }
        let (Some((kind, big_endian)), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
            return Err(malformed("the header lacks descr, fortran_order or shape"));
        };
        if !literal.rest.trim().is_empty() {
            return Err(malformed("the header goes on after its closing brace"));
        }
        Ok(Self {
            kind,
            big_endian,
            fortran,
            shape,
            data_start,
        })
    }
}

/// Fills a buffer; an early end of the file becomes the given reason.
fn read_or<R: Read>(file: &mut R, buffer: &mut [u8], reason: &str) -> Result<(), Located> {
    file.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => malformed(reason).into(),
        _ => error.into(),
    })
}

/// The few Python literals that a header consists of.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn accept(&mut self, wanted: char) -> bool {
        let after = self.rest.trim_start().strip_prefix(wanted);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), ReadFault> {
        match self.accept(wanted) {
            true => Ok(()),
            false => Err(malformed(&format!("the header lacks a `{wanted}`"))),
        }
    }

    fn string(&mut self) -> Result<&'a str, ReadFault> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let inner = quote.and_then(|quote| rest[1..].split_once(quote));
        let (string, after) = inner.ok_or_else(|| malformed("the header lacks a quoted string"))?;
        self.rest = after;
        Ok(string)
    }

    /// The longest stretch of letters and digits.
    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        self.rest = &rest[end..];
        &rest[..end]
    }

    fn boolean(&mut self) -> Result<bool, ReadFault> {
        match self.word() {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(malformed("fortran_order is neither True nor False")),
        }
    }

    /// `'<f8'` and the like: byte order and element type.
    fn element_type(&mut self) -> Result<(Kind, bool), ReadFault> {
        if self.rest.trim_start().starts_with('[') {
            let what = "a structured element type".to_owned();
            return Err(ReadFault::Unsupported { what });
        }
        let descr = self.string()?;
        let unsupported = || ReadFault::Unsupported {
            what: format!("the element type {:?}", descr.chars().take(40).collect::<String>()),
        };
        let big_endian = match descr.chars().next() {
            Some('<' | '|' | '=') => false,
            Some('>') => true,
            _ => return Err(unsupported()),
        };
        match Kind::from_code(&descr[1..]) {
            Some(kind) => Ok((kind, big_endian)),
            None => Err(unsupported()),
        }
    }

    /// `()`, `(3,)` or `(3, 4)`.
    fn shape(&mut self) -> Result<Vec<usize>, ReadFault> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.accept(')') {
            let axis = self.word().trim_end_matches('L');
            shape.push(
                axis.parse()
                    .map_err(|_| malformed("the shape is not a tuple of sizes"))?,
            );
            if shape.len() > MAX_AXES {
                return Err(malformed("the shape has too many axes"));
            }
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}
