//! Which shards go into which job array.

/// Longest list of indices on a command line, in bytes: the system allows 128 KiB for one argument.
const LONGEST_LIST: usize = 60_000;

/// A job array: the shards `offset + index`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Array {
    /// What is added to an index.
    pub(super) offset: u64,
    /// Its indices as Slurm reads them, `1-3,7`.
    pub(super) indices: String,
    /// Its shards in the same form.
    pub(super) shards: String,
}

/// Divides shards (ascending, from 1) into arrays whose indices are between 1 and `longest`.
///
/// Block b has the shards b·longest + 1, …, (b + 1)·longest, whichever of them are missing: an index means the same shard
/// in every submission.
pub(super) fn split(shards: &[u64], longest: u64) -> Vec<Array> {
    let mut arrays: Vec<Array> = Vec::new();
    for block in shards.chunk_by(|a, b| (a - 1) / longest == (b - 1) / longest) {
        let offset = (block[0] - 1) / longest * longest;
        let mut array = Array {
            offset,
            indices: String::new(),
            shards: String::new(),
        };
        for run in block.chunk_by(|a, b| a + 1 == *b) {
            if array.shards.len() > LONGEST_LIST {
                let (indices, shards) = (std::mem::take(&mut array.indices), std::mem::take(&mut array.shards));
                arrays.push(Array {
                    offset,
                    indices,
                    shards,
                });
            }
            let (first, last) = (run[0], run[run.len() - 1]);
            append(&mut array.indices, first - offset, last - offset);
            append(&mut array.shards, first, last);
        }
        arrays.push(array);
    }
    arrays
}

fn append(list: &mut String, first: u64, last: u64) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(&first.to_string());
    if last > first {
        list.push('-');
        list.push_str(&last.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shards an array stands for, by reading its list.
    fn shards(array: &Array) -> Vec<u64> {
        let run = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            first.parse::<u64>().unwrap()..=last.parse().unwrap()
        };
        let indices = array.indices.split(',').flat_map(run);
        indices.map(|index| index + array.offset).collect()
    }

    #[test]
    fn every_shard_is_in_one_array_and_no_index_is_too_large() {
        for longest in [1, 2, 3, 7, 1000] {
            for step in [1, 2, 3, 11] {
                let wanted: Vec<u64> = (1..=40).filter(|shard| shard % step == 0 || *shard == 1).collect();
                let arrays = split(&wanted, longest);
                assert_eq!(arrays.iter().flat_map(shards).collect::<Vec<_>>(), wanted);
                for array in &arrays {
                    assert!(
                        shards(array)
                            .iter()
                            .all(|shard| (1..=longest).contains(&(shard - array.offset)))
                    );
                    assert_eq!(array.offset % longest, 0);
                }
            }
        }
        let whole = split(&[1, 2, 3, 4], 1000);
        assert_eq!((whole.len(), whole[0].indices.as_str()), (1, "1-4"));
        let parts: Vec<_> = split(&[2, 3, 5, 6, 7], 3)
            .into_iter()
            .map(|a| (a.offset, a.indices, a.shards))
            .collect();
        let expected = [(0, "2-3", "2-3"), (3, "2-3", "5-6"), (6, "1", "7")];
        let owned = expected.map(|(offset, indices, shards)| (offset, indices.to_owned(), shards.to_owned()));
        assert_eq!(parts, owned);
        assert!(split(&[], 10).is_empty());
    }

    #[test]
    fn a_list_fits_a_command_line() {
        let wanted: Vec<u64> = (1..=200_000).step_by(2).collect();
        let arrays = split(&wanted, 1_000_000);
        assert!(arrays.len() > 1);
        assert!(arrays.iter().all(|array| array.indices.len() < 100_000));
        assert_eq!(arrays.iter().flat_map(shards).collect::<Vec<_>>(), wanted);
    }
}
