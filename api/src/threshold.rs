//! Hides small counts in analytics, so that they don't single out members.

/// Hides counts below `k`. The counts are parts of a total that is shown if it is at least `k`.
///
/// If the hidden counts add up to a number from 1 to `k` - 1, a reader could subtract the shown
/// ones from the total. Then the smallest shown count is hidden as well.
pub fn hide_small(counts: &[u64], k: u64) -> Vec<Option<u64>> {
    let is_small = |count: &u64| *count < k;
    let mut shown: Vec<Option<u64>> = counts
        .iter()
        .map(|count| Some(*count).filter(|count| !is_small(count)))
        .collect();
    let hidden: u64 = counts.iter().filter(|count| is_small(count)).sum();
    if (1..k).contains(&hidden)
        && let Some(smallest) = shown.iter_mut().filter(|count| count.is_some()).min()
    {
        *smallest = None;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_below_k_is_hidden_and_zero_looks_like_any_small_count() {
        assert_eq!(hide_small(&[0, 9, 10, 11], 10), [None, None, None, Some(11)]);
        assert_eq!(hide_small(&[0, 12], 10), [None, Some(12)]);
        assert_eq!(hide_small(&[0, 0], 10), [None, None]);
        assert!(hide_small(&[], 10).is_empty());
    }

    #[test]
    fn a_total_does_not_show_a_hidden_count() {
        for counts in [&[3, 20, 15][..], &[1, 1, 30], &[9, 10], &[5, 4, 100, 100]] {
            let shown = hide_small(counts, 10);
            let total: u64 = counts.iter().sum();
            let rest = total - shown.iter().flatten().sum::<u64>();
            assert!(rest >= 10, "{counts:?} {shown:?}");
        }
        // The hidden counts are enough together.
        assert_eq!(hide_small(&[6, 6, 20], 10), [None, None, Some(20)]);
    }
}
