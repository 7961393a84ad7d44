//! Content codings for bodies, and a decompression bomb.

use std::io::{self, Write};

use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compress, Compression, Crc, FlushCompress};

/// Compresses data for `content-encoding: gzip`.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    in_memory(encoder.write_all(data).and_then(|()| encoder.finish()))
}

/// Compresses data for `content-encoding: deflate` as the standard defines it: with zlib's wrapper.
pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    in_memory(encoder.write_all(data).and_then(|()| encoder.finish()))
}

/// Compresses data for `content-encoding: deflate` as some servers misread it: without the wrapper. Many
/// decoders refuse it.
pub fn raw_deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    in_memory(encoder.write_all(data).and_then(|()| encoder.finish()))
}

/// Compresses `size` zero bytes with gzip, to about a thousandth. The result is valid: its size is the only
/// fault.
///
/// The work and the memory it takes are those of the result, not those of the zero bytes.
pub fn gzip_bomb(size: u64) -> Vec<u8> {
    const BLOCK: usize = 1 << 20;
    let zeros = vec![0; BLOCK];
    let (blocks, rest) = (size / BLOCK as u64, (size % BLOCK as u64) as usize);

    // A full flush ends the block at a byte and lets nothing refer back across it: so it can be repeated.
    let mut block = Vec::with_capacity(BLOCK / 64);
    let mut compress = Compress::new(Compression::best(), false);
    let compressed = compress.compress_vec(&zeros, &mut block, FlushCompress::Full);
    in_memory(compressed.map(drop).map_err(io::Error::other));
    let mut block_crc = Crc::new();
    block_crc.update(&zeros);

    // The header of the format: DEFLATE, no flags, no time, unknown system.
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut crc = Crc::new();
    for _ in 0..blocks {
        member.extend_from_slice(&block);
        crc.combine(&block_crc);
    }
    member.extend_from_slice(&raw_deflate(&zeros[..rest]));
    crc.update(&zeros[..rest]);
    member.extend_from_slice(&crc.sum().to_le_bytes());
    // The format has the size modulo 2^32.
    member.extend_from_slice(&(size as u32).to_le_bytes());
    member
}

/// Takes the outcome of writing to memory, which has no errors: an encoder passes on those of its writer, and
/// a `Vec` has none.
fn in_memory<T: Default>(result: io::Result<T>) -> T {
    result.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

    use super::*;

    fn unpacked(mut decoder: impl Read) -> Vec<u8> {
        let mut data = Vec::new();
        decoder.read_to_end(&mut data).expect("valid data");
        data
    }

    #[test]
    fn codings_decode_to_their_input() {
        for size in [0, 1, 100, 200_000] {
            let data: Vec<u8> = (0..size).map(|at| (at * 31 % 251) as u8).collect();
            assert!(unpacked(GzDecoder::new(&*gzip(&data))) == data, "gzip of {size}");
            assert!(unpacked(ZlibDecoder::new(&*deflate(&data))) == data, "zlib of {size}");
            assert!(unpacked(DeflateDecoder::new(&*raw_deflate(&data))) == data, "deflate of {size}");
        }
    }

    #[test]
    fn bomb_is_a_thousandth_of_its_content() {
        for size in [0, 1, 260, (1 << 20) - 1, 1 << 20, 10_000_019] {
            let bomb = gzip_bomb(size);
            let data = unpacked(GzDecoder::new(&*bomb));
            assert_eq!(data.len() as u64, size);
            assert!(data.iter().all(|&byte| byte == 0), "{size}");
            assert!((bomb.len() as u64) < 120 + size / 900, "{size}: {} bytes", bomb.len());
        }
    }
}
