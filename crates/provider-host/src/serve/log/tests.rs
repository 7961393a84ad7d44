use std::sync::Mutex;
use std::sync::mpsc::Sender;

use super::*;

/// A place to write to that is stuck until it is let go.
struct Stuck {
    gate: Receiver<()>,
    text: Arc<Mutex<Vec<u8>>>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An error means that the gate is open for good.
        let _ = self.gate.recv();
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stuck(max_waiting: usize) -> (LogWriter, LogThread, Sender<()>, Arc<Mutex<Vec<u8>>>) {
    let (open, gate) = std::sync::mpsc::channel();
    let text = Arc::new(Mutex::default());
    let (writer, thread) = start(Stuck { gate, text: text.clone() }, max_waiting).unwrap();
    (writer, thread, open, text)
}

#[test]
fn slow_reader_drops_lines_and_holds_up_nobody() {
    let (writer, thread, open, text) = stuck(4);
    let begun = Instant::now();
    for number in 0..100 {
        (&writer).write_all(format!("line {number}\n").as_bytes()).unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    drop(open);
    drop(thread);
    let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
    let written = text.lines().filter(|line| line.starts_with("line ")).count();
    assert!((4..=5).contains(&written), "those that waited, and the one that was stuck: {text}");
    assert!(text.contains(&format!("{} lines were dropped", 100 - written)), "{text}");
}

#[test]
fn end_writes_what_is_left() {
    let (writer, thread, open, text) = stuck(1000);
    for number in 0..500 {
        (&writer).write_all(format!("{number}\n").as_bytes()).unwrap();
    }
    drop(open);
    drop(thread);
    let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 500);
}

#[test]
fn end_does_not_wait_for_a_reader_that_is_stuck() {
    let (writer, thread, _open, _) = stuck(1);
    for _ in 0..3 {
        (&writer).write_all(b"line\n").unwrap();
    }
    let begun = Instant::now();
    drop(thread);
    assert!(begun.elapsed() < PATIENCE * 2);
}
