//! A reader of bytes that never reaches outside them.

use crate::error::{Error, Result};

/// What is left of some bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next `count` bytes.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// As [`Bytes::take`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| cut_off())
    }

    /// The next byte.
    ///
    /// # Errors
    /// As [`Bytes::take`].
    pub fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    /// The next four bytes as a length.
    ///
    /// # Errors
    /// As [`Bytes::take`].
    pub fn u32(&mut self) -> Result<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| cut_off())
    }

    /// Bytes whose count is in one byte before them.
    ///
    /// # Errors
    /// As [`Bytes::take`].
    pub fn short_text(&mut self) -> Result<&'a [u8]> {
        let length = usize::from(self.byte()?);
        self.take(length)
    }

    /// Bytes whose count is in four bytes before them.
    ///
    /// # Errors
    /// As [`Bytes::take`].
    pub fn long_text(&mut self) -> Result<&'a [u8]> {
        let length = self.u32()?;
        self.take(length)
    }

    /// The text up to the next line feed, which is left out.
    ///
    /// # Errors
    /// As [`Bytes::take`]; also where it is no UTF-8.
    pub fn line(&mut self) -> Result<&'a str> {
        let length = self.0.iter().position(|byte| *byte == b'\n').ok_or_else(cut_off)?;
        let line = std::str::from_utf8(self.take(length)?).map_err(|_| cut_off())?;
        self.take(1)?;
        Ok(line)
    }
}

fn cut_off() -> Error {
    Error::WeightsFormat { reason: "a PyTorch file is cut off or no such file".into() }
}
