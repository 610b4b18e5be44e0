//! "Did you mean": the known name nearest to a misspelt one.

/// The known name nearest to `found`, if it is near enough to be what was meant.
///
/// Near enough: at most one edit for every three characters (at least one edit), or equal up to case and underscores.
#[must_use]
pub fn suggest<'a, I>(found: &str, known: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    if found.len() > 64 {
        return None;
    }
    let wanted = fold(found);
    let allowed = 1.max(wanted.len() / 3);
    known
        .into_iter()
        .map(|name| (edit_distance(&wanted, &fold(name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Lower case without underscores, so that `basis_pursuit` finds `BasisPursuit`.
fn fold(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Fewest insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_name_and_only_a_near_one() {
        let known = ["measurements", "dimension", "ensemble", "signal", "noise"];
        assert_eq!(suggest("mesurements", known), Some("measurements"));
        assert_eq!(suggest("Dimensoin", known), Some("dimension"));
        assert_eq!(suggest("temperature", known), None);
        assert_eq!(
            suggest("basis_pursuit", ["Truth", "BasisPursuit"]),
            Some("BasisPursuit")
        );
    }

    #[test]
    fn distance_counts_edits() {
        let distance = |a: &str, b: &str| edit_distance(&fold(a), &fold(b));
        assert_eq!(distance("depth", "depth"), 0);
        assert_eq!(distance("dpeth", "depth"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
