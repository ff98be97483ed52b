//! The rule against herds: where a ten-minute mean is at least 100 requests a second, no second of it exceeds one and
//! a half times that mean.

/// The stretch that came nearest to breaking it.
#[derive(Debug, Default)]
pub(crate) struct Herd {
    pub(crate) stretches: usize,
    /// Stretches that are busy enough to be judged.
    pub(crate) busy: usize,
    pub(crate) most: u32,
    /// The second that has it, of the day.
    pub(crate) at: usize,
    pub(crate) mean: f64,
    pub(crate) ratio: f64,
}

/// Judges every ten minutes, wherever they begin: one stretch for each minute.
pub(crate) fn judge(seconds: &[u32]) -> Herd {
    let mut herd = Herd::default();
    let stretches = seconds.windows(600).step_by(60);
    for (minute, stretch) in stretches.enumerate() {
        herd.stretches += 1;
        let mean = f64::from(stretch.iter().sum::<u32>()) / 600.0;
        if mean < 100.0 {
            continue;
        }
        herd.busy += 1;
        let (second, most) =
            stretch.iter().copied().enumerate().max_by_key(|(_, most)| *most).unwrap_or_default();
        let ratio = f64::from(most) / mean;
        if ratio > herd.ratio {
            herd = Herd { most, at: minute * 60 + second, mean, ratio, ..herd };
        }
    }
    herd
}
