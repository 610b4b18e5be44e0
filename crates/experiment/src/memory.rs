//! How much memory there is, so that absurd sizes are refused before anything is allocated.

/// Assumed where the system does not say: one tebibyte.
const FALLBACK: u128 = 1 << 40;

/// Physical memory in bytes.
pub(crate) fn physical() -> u128 {
    std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| parse(&text))
        .unwrap_or(FALLBACK)
}

/// `MemTotal:  16384 kB`.
fn parse(text: &str) -> Option<u128> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u128>().ok()?.checked_mul(1024)
}

/// Bytes in words.
pub(crate) fn in_words(bytes: u128) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64; // rounded for display only
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{value} bytes")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_systems_table() {
        assert_eq!(parse("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16384 * 1024));
        assert_eq!(parse("nothing"), None);
        assert!(physical() > 1 << 26);
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(in_words(512), "512 bytes");
        assert_eq!(in_words(8_000_000_000_000), "7.3 TiB");
    }
}
