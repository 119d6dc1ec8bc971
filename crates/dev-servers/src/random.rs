use std::{fs::File, io::Read};

use crate::Error;

/// Returns `BYTES` random bytes in hexadecimal, for a server's password or key.
pub fn random_hex<const BYTES: usize>() -> Result<String, Error> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(Error::system("read random bytes"))?;
    Ok(bytes.map(|byte| format!("{byte:02x}")).concat())
}
