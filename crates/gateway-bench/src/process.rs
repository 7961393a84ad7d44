//! The figures that the kernel has of a process: its processor time and its memory. Linux alone.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Processor time of a process, user and kernel together, in the kernel's ticks of 10 ms.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    // The name in parentheses may have spaces; behind it come fields 3 and on.
    let rest = stat.rsplit_once(')').context("a stat line")?.1;
    let field = |number: usize| -> Result<u64> {
        Ok(rest.split_whitespace().nth(number - 3).context("a field")?.parse()?)
    };
    Ok(Duration::from_millis((field(14)? + field(15)?) * 10))
}

/// Resident memory of a process in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
