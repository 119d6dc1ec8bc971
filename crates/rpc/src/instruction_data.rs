//! Decodes the data of instructions. A node chooses the text, and the time to decode base58 grows
//! with the square of its length.

/// The largest number of characters of one instruction's data: the 10,240 bytes that a program can
/// give to another one.
const MAX_CHARACTERS: usize = 14_000;

/// Decodes the data of an instruction.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    if text.len() > MAX_CHARACTERS {
        let length = text.len();
        return Err(format!(
            "the data of an instruction has {length} characters: the limit is {MAX_CHARACTERS}"
        ));
    }
    bs58::decode(text).into_vec().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_data_of_a_program_is_decoded_and_longer_text_is_refused() {
        let longest = vec![0xff; 10_240];
        assert_eq!(decode(&bs58::encode(&longest).into_string()).unwrap(), longest);
        let error = decode(&"2".repeat(MAX_CHARACTERS + 1)).unwrap_err();
        assert!(error.contains("14001 characters"), "{error}");
        assert!(decode("0").is_err());
    }
}
