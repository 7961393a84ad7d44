//! Content codings: honest ones, and bombs. Packed here, so that a test server needs no compressor.
//!
//! What is honest is stored, not made smaller: every decoder reads it, and its length on the wire is known.

/// CRC-32 as gzip wants it, bits reflected.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// The longest stored block.
const BLOCK: usize = 0xFFFF;

/// The longest match that DEFLATE knows.
const MATCH: u64 = 258;

/// `content-encoding: gzip`.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    gzip_member(stored(data), !step(data), data.len() as u64)
}

/// `content-encoding: deflate` as the standard means it: with zlib's wrapper.
pub fn deflate(data: &[u8]) -> Vec<u8> {
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in data {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut packed = vec![0x78, 0x01];
    packed.append(&mut stored(data));
    packed.extend_from_slice(&(b << 16 | a).to_be_bytes());
    packed
}

/// `content-encoding: deflate` as some servers mean it: without the wrapper. Many decoders refuse it.
pub fn raw_deflate(data: &[u8]) -> Vec<u8> {
    stored(data)
}

/// So many zero bytes as gzip, about a thousand times smaller on the wire. Sound in all: only its size is a
/// fault.
pub fn gzip_bomb(size: u64) -> Vec<u8> {
    gzip_member(zeros(size), !multiply(power(size), u32::MAX), size)
}

fn gzip_member(mut deflated: Vec<u8>, crc: u32, size: u64) -> Vec<u8> {
    // DEFLATE, no name, no time, unknown system.
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    packed.append(&mut deflated);
    packed.extend_from_slice(&crc.to_le_bytes());
    // Modulo 2^32, as the format has it.
    packed.extend_from_slice(&(size as u32).to_le_bytes());
    packed
}

fn stored(data: &[u8]) -> Vec<u8> {
    let mut deflated = Vec::with_capacity(data.len() + data.len() / BLOCK * 5 + 5);
    let mut rest = data;
    loop {
        let (block, after) = rest.split_at(rest.len().min(BLOCK));
        deflated.push(u8::from(after.is_empty()));
        deflated.extend_from_slice(&(block.len() as u16).to_le_bytes());
        deflated.extend_from_slice(&(!(block.len() as u16)).to_le_bytes());
        deflated.extend_from_slice(block);
        rest = after;
        if rest.is_empty() {
            return deflated;
        }
    }
}

/// One block with a code of its own, in which 258 zero bytes cost two zero bits.
fn zeros(size: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with a code of its own: 286 literals and lengths (less 257), 1 distance (less 1), 18
    // lengths of code lengths (less 4).
    bits.put(1, 1);
    bits.put(2, 2);
    bits.put(29, 5);
    bits.put(0, 5);
    bits.put(14, 4);
    // In the order of the format: 16, 17, 18, 0, 8, … Here "18" (a run of zeros) is `0`, "1" is `10`, "2" is
    // `11`.
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        let length = match symbol {
            18 => 1,
            1 | 2 => 2,
            _ => 0,
        };
        bits.put(length, 3);
    }
    let (one, two) = (0b01, 0b11);
    let skip = |bits: &mut Bits, count: u32| {
        bits.put(0, 1);
        bits.put(count - 11, 7);
    };
    bits.put(two, 2); // the literal 0: `10`
    skip(&mut bits, 138);
    skip(&mut bits, 117);
    bits.put(two, 2); // the end, 256: `11`
    skip(&mut bits, 28);
    bits.put(one, 2); // a match of 258 bytes, 285: `0`
    bits.put(one, 2); // one byte back: `0`

    if let Some(after_first) = size.checked_sub(1) {
        let literal = 0b01;
        bits.put(literal, 2);
        bits.put_zeros(after_first / MATCH * 2);
        for _ in 0..after_first % MATCH {
            bits.put(literal, 2);
        }
    }
    bits.put(0b11, 2);
    bits.bytes
}

/// Bits in bytes, lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are still free.
    free: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (8 - self.free);
            }
            self.free -= 1;
        }
    }

    fn put_zeros(&mut self, count: u64) {
        let first = count.min(u64::from(self.free));
        self.free -= first as u32;
        let rest = count - first;
        self.bytes.resize(self.bytes.len() + (rest / 8) as usize, 0);
        self.put(0, (rest % 8) as u32);
    }
}

/// The CRC's register after these bytes.
fn step(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |register, &byte| {
        (0..8).fold(register ^ u32::from(byte), |register, _| shift(register))
    })
}

fn shift(register: u32) -> u32 {
    register >> 1 ^ if register & 1 == 1 { POLYNOMIAL } else { 0 }
}

/// What so many zero bytes multiply the register by: x^8 to the power of their number.
fn power(mut bytes: u64) -> u32 {
    let (mut result, mut square) = (1 << 31, 1 << 23);
    while bytes > 0 {
        if bytes & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        bytes >>= 1;
    }
    result
}

/// The product of two polynomials modulo the CRC's, bits reflected.
fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for at in (0..32).rev() {
        if a >> at & 1 == 1 {
            product ^= b;
        }
        b = shift(b);
    }
    product
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn unpacked(mut decoder: impl Read) -> Vec<u8> {
        let mut data = Vec::new();
        decoder.read_to_end(&mut data).expect("sound data");
        data
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        for size in [0, 1, 100, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let data: Vec<u8> = (0..size).map(|at| (at * 31 % 251) as u8).collect();
            assert!(unpacked(flate2::read::GzDecoder::new(&*gzip(&data))) == data, "gzip of {size}");
            assert!(unpacked(flate2::read::ZlibDecoder::new(&*deflate(&data))) == data, "zlib of {size}");
            assert!(unpacked(flate2::read::DeflateDecoder::new(&*raw_deflate(&data))) == data, "{size}");
        }
    }

    #[test]
    fn a_bomb_is_small_outside_and_as_large_as_said_inside() {
        for size in [0, 1, 2, 258, 259, 260, 1_000, 10_000_019] {
            let bomb = gzip_bomb(size);
            let data = unpacked(flate2::read::GzDecoder::new(&*bomb));
            assert_eq!(data.len() as u64, size);
            assert!(data.iter().all(|&byte| byte == 0), "{size}");
            assert!((bomb.len() as u64) < 120 + size / 1_000, "{size}: {} bytes", bomb.len());
        }
    }
}
