//! Numbers of a trace, read from the front of a slice. All are little-endian.

/// Why something cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is not all there: more of the file may bring it.
    Short,
    /// It does not match the format, and more of the file does not change that.
    Wrong,
}

/// What is left of a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Trouble> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Trouble::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Trouble::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Trouble> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Trouble> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Trouble> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Trouble> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length, stored as four bytes.
    pub(super) fn length(&mut self) -> Result<usize, Trouble> {
        usize::try_from(self.u32()?).map_err(|_| Trouble::Wrong)
    }

    /// A number of variable length: seven bits a byte, the least significant first, the eighth bit says
    /// that another byte follows; at most ten bytes.
    pub(super) fn variable(&mut self) -> Result<u64, Trouble> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Trouble::Wrong)
    }

    /// The same of a number of 32 bits.
    pub(super) fn variable_u32(&mut self) -> Result<u32, Trouble> {
        u32::try_from(self.variable()?).map_err(|_| Trouble::Wrong)
    }
}
