//! Measures: joins the state machine of a [round](crate::round) with the [sockets](crate::net).
//!
//! One thread, one `ppoll`, no allocation per packet beyond its bookkeeping. Only this module reads
//! clocks.
//!
//! # Layout
//!
//! * `admission`: what of a job can be measured at all
//! * `clock`: both clocks, read together
//! * `session`: the loop
//! * `signal`: SIGINT and SIGTERM as something to poll
//! * `sockets`: one for each family and don't-fragment setting
//! * [`fitness`]: what the probe says about itself; [`host`]: what its host does

mod admission;
mod clock;
pub mod fitness;
pub mod host;
mod session;
mod signal;
mod sockets;

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ippm::{Family, Params, ProbeName, Sample, TestName, UnixTime};

use self::fitness::Fitness;
use crate::net::OpenError;
use crate::net::binding::Binding;
use crate::round::CutShort;
use crate::round::pace::{Limits, Refusal};

/// Shortest time that a round of the plan listens after its last departure: a neighbor that does not
/// answer is given up by the kernel after about three seconds, and its ICMP error comes then.
pub const MIN_LINGER: Duration = Duration::from_secs(4);

/// Kind of test that this engine measures.
pub const KIND: &str = "icmp";

/// What to measure.
#[derive(Debug, Clone)]
pub struct Job {
    /// The probe that measures: its packets are due at random places of their cells. None for somebody who
    /// watches: then they are due at regular ones.
    pub source: Option<ProbeName>,
    /// The results that are due, in the order of the report.
    pub tests: Vec<Due>,
    /// The round's start by the wall clock: it labels the samples, and the schedule is drawn from it.
    pub round_start: UnixTime,
    /// The same moment by the monotonic clock, which every time of a packet counts from.
    pub started: Instant,
    /// When [`measure`] has to return; packets without time to come back before it are not sent.
    pub deadline: Option<Instant>,
    /// How long to listen after the last departure, if not max(waiting time, [`MIN_LINGER`]).
    pub linger: Option<Duration>,
    /// Whether to end as soon as every packet was answered: duplicates that come later are then not seen.
    pub until_answered: bool,
    /// Rates to keep to, below the hard limits of the program.
    pub limits: Limits,
    /// Interface, VRF and source addresses of the packets.
    pub binding: Binding,
}

/// One result to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The test.
    pub test: TestName,
    /// Its kind; anything but [`KIND`] is not measured.
    pub kind: String,
    /// Whom it measures.
    pub target: ProbeName,
    /// Over which family.
    pub family: Family,
    /// The address that the target's name resolved to.
    pub address: IpAddr,
    /// How its packets look and leave. What is absent: one packet, one a second, and the defaults of
    /// [`Params`].
    pub params: Params,
}

/// What came out of a [`Job`].
#[derive(Debug)]
pub struct Outcome {
    /// One for each test of the job, in its order.
    pub results: Vec<MeasuredResult>,
    /// How well the probe itself did.
    pub fitness: Fitness,
    /// Why fewer packets were sent than asked for.
    pub cut_short: Option<CutShort>,
    /// Whether SIGINT or SIGTERM came, be it only while the last replies were awaited.
    pub is_interrupted: bool,
    /// From the round's start to the end of the measurement.
    pub duration: Duration,
}

/// What came out of one [`Due`].
#[derive(Debug)]
pub struct MeasuredResult {
    /// Index in [`Job::tests`].
    pub due: usize,
    /// The packets, of which at least one left; or why there are none.
    pub sample: Result<Sample, Unmeasured>,
}

/// Why a result holds no measurement. None of them says anything about the path.
#[derive(Debug, thiserror::Error)]
pub enum Unmeasured {
    /// No socket of the family could be opened, for want of permission.
    #[error("cannot open an ICMP socket: grant CAP_NET_RAW or widen net.ipv4.ping_group_range")]
    Permission(#[source] io::Error),
    /// No socket of the family could be set up for another reason.
    #[error("cannot set up an ICMP socket")]
    Socket(#[source] io::Error),
    /// Our own kernel refused every packet.
    #[error("this host refused to send any packet")]
    UnreachableLocally(#[source] io::Error),
    /// This engine does not know the kind of test.
    #[error("unsupported kind of test {0:?}")]
    UnsupportedKind(String),
    /// The parameters cannot be met.
    #[error(transparent)]
    Params(ParamsError),
    /// It would exceed a limit of the program.
    #[error(transparent)]
    Refused(Refusal),
    /// The round ended before its first packet was due: nothing is to be reported.
    #[error("the round ended before anything was sent")]
    NotTried,
}

/// Parameters that cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The payload cannot hold our mark, or no datagram can hold the payload.
    #[error(
        "payload of {found} bytes, expected {} to {}",
        crate::packet::MIN_PAYLOAD,
        crate::packet::MAX_PAYLOAD
    )]
    Payload {
        /// What was asked for.
        found: u64,
    },
    /// A code point has six bits.
    #[error("DSCP {found}, expected 0 to {MAX_DSCP}")]
    Dscp {
        /// What was asked for.
        found: u64,
    },
    /// Sequence numbers have 32 bits, and none at all is no measurement.
    #[error("{found} packets, expected 1 to {}", u32::MAX)]
    Count {
        /// What was asked for.
        found: u64,
    },
    /// The address is not of the family asked for.
    #[error("address {address} is not of family {family}")]
    Family {
        /// The address.
        address: IpAddr,
        /// The family.
        family: Family,
    },
}

/// Largest code point (RFC 2474 §3).
pub const MAX_DSCP: u64 = 63;

/// Where a measurement stands, for people who watch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Packets that left.
    pub sent: u64,
    /// Packets that came back, in time or late.
    pub answered: u64,
    /// Since the round's start.
    pub elapsed: Duration,
    /// When the round will be over, since its start, if nothing interrupts it.
    pub expected: Duration,
}

/// Measures everything in `job`, and tells `observer` about once every 200 ms how it goes.
///
/// Returns when the last packet left and the linger time is over, at the deadline, or, on SIGINT or
/// SIGTERM, after the waiting time of what is under way; a second signal ends it at once. Both
/// signals are blocked in this thread meanwhile.
///
/// It never fails as a whole: what could not be measured says so in its own result.
pub fn measure(job: &Job, observer: &mut dyn FnMut(Progress)) -> Outcome {
    session::run(job, observer)
}

impl From<&OpenError> for Unmeasured {
    fn from(error: &OpenError) -> Self {
        match error {
            OpenError::Permission(source) => Self::Permission(copy(source)),
            OpenError::Setup(source) => Self::Socket(copy(source)),
        }
    }
}

/// An error of the operating system for each of the results that it hits.
fn copy(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}
