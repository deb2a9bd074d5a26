//! What of a job can be measured at all.

use std::time::Duration;

use ippm::{Family, Params};

use super::{Due, Job, KIND, MAX_DSCP, ParamsError, Unmeasured};
use crate::packet::{MAX_PAYLOAD, MIN_PAYLOAD};
use crate::round::Flow;
use crate::round::schedule::{Rhythm, Seed};

/// Which socket a packet leaves through: family and don't-fragment.
pub(super) type Way = (Family, bool);

/// How the packets of one result look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) way: Way,
    pub(super) dscp: u8,
    pub(super) payload: usize,
}

/// A result that can be measured.
#[derive(Debug)]
pub(super) struct Accepted {
    /// Its index in the job.
    pub(super) due: usize,
    pub(super) flow: Flow,
    pub(super) shape: Shape,
}

/// A verdict for each due result that cannot be measured, and the others with their flow and shape.
pub(super) fn sort(job: &Job) -> (Vec<Option<Unmeasured>>, Vec<Accepted>) {
    let mut verdicts: Vec<Option<Unmeasured>> = job.tests.iter().map(|_| None).collect();
    let mut sound = Vec::new();
    for (index, due) in job.tests.iter().enumerate() {
        match shape(job, due) {
            Ok((flow, shape)) => sound.push(Accepted {
                due: index,
                flow,
                shape,
            }),
            Err(verdict) => verdicts[index] = Some(verdict),
        }
    }
    let flows: Vec<Flow> = sound.iter().map(|accepted| accepted.flow.clone()).collect();
    let mut admitted = Vec::with_capacity(sound.len());
    for (entry, verdict) in sound.into_iter().zip(job.limits.admit(&flows)) {
        match verdict {
            Ok(()) => admitted.push(entry),
            Err(refusal) => verdicts[entry.due] = Some(Unmeasured::Refused(refusal)),
        }
    }
    (verdicts, admitted)
}

fn shape(job: &Job, due: &Due) -> Result<(Flow, Shape), Unmeasured> {
    if due.kind != KIND {
        return Err(Unmeasured::UnsupportedKind(due.kind.clone()));
    }
    if Family::of(due.address) != due.family {
        let (address, family) = (due.address, due.family);
        return Err(Unmeasured::Params(ParamsError::Family { address, family }));
    }
    let params = due.params;
    let count = params.count.unwrap_or(1);
    if count == 0 || u32::try_from(count).is_err() {
        return Err(Unmeasured::Params(ParamsError::Count { found: count }));
    }
    let found = params.payload_bytes.unwrap_or(Params::DEFAULT_PAYLOAD_BYTES);
    let payload = usize::try_from(found)
        .ok()
        .filter(|bytes| (MIN_PAYLOAD..=MAX_PAYLOAD).contains(bytes))
        .ok_or(Unmeasured::Params(ParamsError::Payload { found }))?;
    let found = params.dscp.unwrap_or(0);
    let dscp = u8::try_from(found)
        .ok()
        .filter(|&dscp| u64::from(dscp) <= MAX_DSCP)
        .ok_or(Unmeasured::Params(ParamsError::Dscp { found }))?;
    let flow = Flow {
        destination: due.address,
        count,
        spread: params.spread.unwrap_or(Duration::from_secs(count)),
        timeout: params.timeout.unwrap_or(Params::DEFAULT_TIMEOUT),
        rhythm: job.source.as_ref().map_or(Rhythm::Regular, |source| {
            Rhythm::Random(Seed::new(
                source,
                &due.test,
                &due.target,
                due.family,
                job.round_start,
            ))
        }),
    };
    let way = (due.family, params.dont_fragment.unwrap_or(false));
    Ok((flow, Shape { way, dscp, payload }))
}
