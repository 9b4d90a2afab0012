//! What the operating system says of this process, read from `/proc` when it is asked for. Elsewhere than on Linux
//! nothing is said.

use std::fmt::Write as _;
use std::fs;

use super::catalogue::{
    Kind, Metric, PROCESS_CPU, PROCESS_FDS, PROCESS_MAX_FDS, PROCESS_RESIDENT, PROCESS_THREADS,
    PROCESS_VIRTUAL,
};

/// In how many parts Linux counts a second of time on the processor, whatever the machine (`USER_HZ`, proc(5)).
const TICKS: f64 = 100.0;

/// The metrics in Prometheus' text form. What cannot be read is left out.
pub(super) fn render() -> String {
    let mut text = String::new();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let fds = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    let said = [
        (PROCESS_CPU, cpu_seconds(&stat)),
        (PROCESS_RESIDENT, bytes(&status, "VmRSS:")),
        (PROCESS_VIRTUAL, bytes(&status, "VmSize:")),
        // The folder itself is open while it is read.
        (PROCESS_FDS, fds.and_then(|open| u32::try_from(open.saturating_sub(1)).ok()).map(f64::from)),
        (PROCESS_MAX_FDS, number_after(&limits, "Max open files")),
        (PROCESS_THREADS, number_after(&status, "Threads:")),
    ];
    for (metric, value) in said {
        if let Some(value) = value {
            line(&mut text, &metric, value);
        }
    }
    text
}

fn line(text: &mut String, metric: &Metric, value: f64) {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    let Metric { name, help, .. } = metric;
    // A text never refuses to be written to.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
}

/// User and system time: the 14th and 15th field (proc(5)). The second, the program's name, may hold anything, and
/// ends with the last bracket.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / TICKS)
}

/// A line of `/proc/self/status`, which is in kibibytes.
fn bytes(status: &str, key: &str) -> Option<f64> {
    number_after(status, key).map(|kib| kib * 1024.0)
}

/// The first number behind a key that a line begins with.
fn number_after(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_says_is_read() {
        let stat =
            "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 9 0 4711 1 2 3 4 5 6 7 8 9 10 11 12";
        assert_eq!(cpu_seconds(stat), Some(4.0));
        assert_eq!(cpu_seconds("7 (a) S"), None);
        let status = "Name:\tvouchsafe\nVmSize:\t  2048 kB\nVmRSS:\t    12 kB\nThreads:\t9\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(12288.0));
        assert_eq!(number_after(status, "Threads:"), Some(9.0));
        assert_eq!(number_after(status, "VmSwap:"), None);
        assert_eq!(number_after("Max open files   1024   524288   files", "Max open files"), Some(1024.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_all_of_it() {
        let text = render();
        for metric in super::super::catalogue::PROCESS {
            assert!(text.contains(&format!("\n{} ", metric.name)), "{}: {text}", metric.name);
        }
        assert!(!text.contains("process_resident_memory_bytes 0\n"));
    }
}
