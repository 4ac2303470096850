//! What a server does with more than it can: calls that come at a rate, whether or not earlier ones are answered (an open loop),
//! and connections on which nothing is asked.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::load::{Ask, Target, connect, request};
use crate::request::Messages;

/// What became of the calls of one target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// From when a call was due to the end of its answer, sorted, in nanoseconds: also of those that had to wait for a caller.
    pub(crate) answered: Vec<u64>,
    /// The same of those that were refused with 503.
    pub(crate) shed: Vec<u64>,
}

impl Answers {
    pub(crate) fn offered(&self) -> usize {
        self.answered.len() + self.shed.len()
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.shed.extend(other.shed);
    }

    pub(crate) fn sort(&mut self) {
        self.answered.sort_unstable();
        self.shed.sort_unstable();
    }
}

/// Offers `rate` calls a second for a time, over so many connections at most, to these targets in turn. Gives what became of the
/// calls of each turn.
pub(crate) fn offer<const TURNS: usize>(
    targets: [&Target; TURNS],
    rate: f64,
    time: Duration,
    callers: usize,
) -> Result<[Answers; TURNS]> {
    let turns = targets.map(|target| (target, request(target, Ask::Object)));
    let next = AtomicU64::new(0);
    let start = Instant::now();
    let mut answers = [const { Answers { answered: Vec::new(), shed: Vec::new() } }; TURNS];
    std::thread::scope(|scope| -> Result<()> {
        let callers: Vec<_> =
            (0..callers).map(|_| scope.spawn(|| caller(&turns, &next, start, rate, time))).collect();
        for caller in callers {
            let Ok(parts) = caller.join() else { bail!("a caller's thread ended early") };
            for (all, part) in answers.iter_mut().zip(parts?) {
                all.join(part);
            }
        }
        Ok(())
    })?;
    answers.iter_mut().for_each(Answers::sort);
    Ok(answers)
}

fn caller<const TURNS: usize>(
    turns: &[(&Target, Vec<u8>); TURNS],
    next: &AtomicU64,
    start: Instant,
    rate: f64,
    time: Duration,
) -> Result<[Answers; TURNS]> {
    let mut answers = [const { Answers { answered: Vec::new(), shed: Vec::new() } }; TURNS];
    let [(first, _), ..] = turns.as_slice() else { return Ok(answers) };
    let stream = connect(&first.address)?;
    let mut messages = Messages::new(&stream);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = Duration::from_secs_f64(number as f64 / rate);
        if due >= time {
            return Ok(answers);
        }
        std::thread::sleep((start + due).saturating_duration_since(Instant::now()));
        let turn = usize::try_from(number % TURNS as u64).unwrap_or_default();
        let Some(((target, request), answers)) = turns.iter().zip(&mut answers).nth(turn) else { continue };
        (&stream).write_all(request).context("sending")?;
        let Some(answer) = messages.next()? else { bail!("`{}` closed a connection", target.name) };
        let took = u64::try_from((start.elapsed() - due).as_nanos()).unwrap_or(u64::MAX);
        match answer.status() {
            Some(200) => answers.answered.push(took),
            Some(503) => answers.shed.push(took),
            _ => bail!("`{}` answers: {} {}", target.name, answer.head, String::from_utf8_lossy(answer.body)),
        }
    }
}

/// Connections that have each had one answer and now wait.
pub(crate) fn idle(target: &Target, connections: usize) -> Result<Vec<TcpStream>> {
    let request = request(target, Ask::Object);
    (0..connections)
        .map(|_| {
            let stream = connect(&target.address)?;
            (&stream).write_all(&request).context("sending")?;
            let status = Messages::new(&stream).next()?.and_then(|answer| answer.status());
            if status != Some(200) {
                bail!("`{}` answers {status:?}", target.name);
            }
            Ok(stream)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_counted_by_turn() {
        let address = crate::mock::serve("127.0.0.1:0", std::sync::Arc::default()).unwrap();
        let target =
            Target { name: "mock".into(), address, key: "k".into(), model: "m".into(), process: None };
        let answers = offer([&target; 5], 500.0, Duration::from_millis(200), 16).unwrap();
        assert_eq!(answers.each_ref().map(Answers::offered), [20; 5]);
        assert!(answers.iter().all(|answers| answers.shed.is_empty() && answers.answered.is_sorted()));
        assert_eq!(idle(&target, 3).unwrap().len(), 3);
    }
}
