//! A program that runs: bytes in, bytes out, and whichever comes first of its end, the clock, and
//! too much output.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use libc::c_int;

use super::inside::Purpose;
use super::launch::{self, Child, Running};
use super::message::{LENGTH, Message};
use super::plan::Plan;
use crate::ending::{End, Ending};
use crate::error::{Error, Result};
use crate::layer::Layers;
use crate::program::Program;

/// A running program. Dropping it ends it with all of its processes.
#[derive(Debug)]
pub struct Session {
    child: Child,
    output: Stream,
    error: Stream,
    report: Stream,
    started: Instant,
    wall: Duration,
    cpu_seconds: u64,
    /// Why it was ended from here, if it was.
    stopped: Option<End>,
}

/// What came through one pipe so far.
#[derive(Debug)]
struct Stream {
    bytes: Vec<u8>,
    /// All that ever came, received or not.
    total: usize,
    most: usize,
    open: bool,
}

impl Stream {
    fn new(most: usize) -> Stream {
        Stream {
            bytes: Vec::new(),
            total: 0,
            most,
            open: true,
        }
    }

    /// Takes what is there; says whether the limit was passed.
    fn fill(&mut self, file: RawFd) -> bool {
        let mut block = [0u8; 1 << 14];
        // SAFETY: room for as many bytes as said.
        let got = unsafe { libc::read(file, block.as_mut_ptr().cast(), block.len()) };
        match usize::try_from(got) {
            Ok(0) => self.open = false,
            Ok(got) => {
                self.total += got;
                if self.total > self.most {
                    return true;
                }
                self.bytes
                    .extend_from_slice(block.get(..got).unwrap_or_default());
            }
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.open = false,
        }
        false
    }
}

impl Session {
    pub(super) fn start(layers: Layers, program: &Program) -> Result<Session> {
        let plan = Plan::new(layers, program)?;
        let started = Instant::now();
        let child = match launch::launch(&plan, Purpose::Program)? {
            Running::Child(child) => child,
            Running::Refused(missing) => return Err(Error::Missing { missing }),
        };
        let input = child.input.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        // SAFETY: numbers only; a full pipe must not hold up the clock.
        unsafe { libc::fcntl(input, libc::F_SETFL, libc::O_NONBLOCK) };
        let collected = program.collect.as_ref().map_or(0, |(_, most)| *most);
        let limits = &program.limits;
        Ok(Session {
            child,
            output: Stream::new(limits.output_bytes),
            error: Stream::new(limits.output_bytes),
            report: Stream::new(LENGTH * 2 + collected),
            started,
            wall: limits.wall,
            cpu_seconds: limits.cpu_seconds,
            stopped: None,
        })
    }

    /// Gives bytes to its standard input. False when it will read no more, or was ended meanwhile.
    pub fn send(&mut self, mut bytes: &[u8]) -> Result<bool> {
        while !bytes.is_empty() {
            let Some(input) = self.child.input.as_ref().map(AsRawFd::as_raw_fd) else {
                return Ok(false);
            };
            match write(input, bytes) {
                Ok(wrote) => bytes = bytes.get(wrote..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.turn(true)? {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Waits until what it wrote to its standard output begins with something whole: `enough` says
    /// how many bytes that is. Nothing when it ends, or is ended, before.
    pub fn receive(&mut self, enough: &dyn Fn(&[u8]) -> Option<usize>) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(length) = enough(&self.output.bytes) {
                let length = length.min(self.output.bytes.len());
                let rest = self.output.bytes.split_off(length);
                return Ok(Some(std::mem::replace(&mut self.output.bytes, rest)));
            }
            if !self.output.open || !self.turn(false)? {
                return Ok(None);
            }
        }
    }

    /// Closes its input and waits for its end.
    pub fn finish(mut self) -> Result<Ending> {
        self.child.input = None;
        while (self.output.open || self.error.open || self.report.open) && self.turn(false)? {}
        self.ending()
    }

    /// Ends it now.
    pub fn stop(mut self) -> Result<Ending> {
        self.end(End::Killed(libc::SIGKILL));
        self.ending()
    }

    /// Waits for one thing to happen. False when the program was ended from here.
    fn turn(&mut self, to_write: bool) -> Result<bool> {
        if self.stopped.is_some() {
            return Ok(false);
        }
        let left = self.wall.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            self.end(End::WallTime);
            return Ok(false);
        }
        let asked = |file: RawFd, wanted: bool, events| libc::pollfd {
            fd: if wanted { file } else { -1 },
            events,
            revents: 0,
        };
        let input = self.child.input.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let files: [(&OwnedFd, &mut Stream); 3] = [
            (&self.child.output, &mut self.output),
            (&self.child.error, &mut self.error),
            (&self.child.report, &mut self.report),
        ];
        let mut polled = [asked(input, to_write, libc::POLLOUT); 4];
        for (place, (file, stream)) in polled.iter_mut().skip(1).zip(&files) {
            *place = asked(file.as_raw_fd(), stream.open, libc::POLLIN);
        }
        let wait = c_int::try_from(left.as_millis() + 1).unwrap_or(c_int::MAX);
        // SAFETY: as many entries as said.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), 4, wait) };
        if ready < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::Interrupted => Ok(true),
                _ => Err(Error::system("waiting for the program", error)),
            };
        }
        let mut too_much = false;
        for (place, (file, stream)) in polled.iter().skip(1).zip(files) {
            if place.revents != 0 {
                too_much |= stream.fill(file.as_raw_fd());
            }
        }
        if too_much {
            self.end(End::Output);
        }
        Ok(!too_much)
    }

    fn end(&mut self, why: End) {
        self.child.kill();
        self.stopped.get_or_insert(why);
    }

    fn ending(mut self) -> Result<Ending> {
        self.child.kill();
        let wall = self.started.elapsed();
        let reported = Message::from_bytes(&self.report.bytes);
        let mut ending = Ending {
            end: End::Killed(libc::SIGKILL),
            stdout: std::mem::take(&mut self.output.bytes),
            stderr: std::mem::take(&mut self.error.bytes),
            cpu: Duration::ZERO,
            wall,
            peak_bytes: 0,
            collected: None,
        };
        match reported {
            Some(Message::Ended {
                status,
                cpu_microseconds,
                peak_bytes,
                collected,
            }) => {
                ending.cpu = Duration::from_micros(cpu_microseconds);
                ending.peak_bytes = peak_bytes;
                ending.end = self.end_of(status, ending.cpu);
                let left = self.report.bytes.get(LENGTH..).unwrap_or_default();
                ending.collected = collected
                    .filter(|length| *length == left.len() as u64)
                    .map(|_| left.to_vec());
            }
            Some(Message::Failed { layer, step, errno }) => {
                let source = io::Error::from_raw_os_error(errno);
                return Err(match layer {
                    Some(layer) => Error::Missing {
                        missing: vec![(layer, format!("{}: {source}", step.words()))],
                    },
                    None => Error::system(step.words(), source),
                });
            }
            Some(Message::Found(_)) | None => {}
        }
        if let Some(end) = self.stopped {
            ending.end = end;
        }
        Ok(ending)
    }

    fn end_of(&self, status: c_int, cpu: Duration) -> End {
        if libc::WIFEXITED(status) {
            return End::Exited(libc::WEXITSTATUS(status));
        }
        let used_up = cpu >= Duration::from_secs(self.cpu_seconds);
        match libc::WTERMSIG(status) {
            libc::SIGSYS => End::Forbidden,
            libc::SIGXCPU => End::CpuTime,
            libc::SIGKILL if used_up => End::CpuTime,
            signal => End::Killed(signal),
        }
    }
}

fn write(file: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: as many bytes as the slice has.
    let wrote = unsafe { libc::write(file, bytes.as_ptr().cast(), bytes.len()) };
    usize::try_from(wrote).map_err(|_| io::Error::last_os_error())
}
