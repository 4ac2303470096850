//! What a signal sees in a call.

use cordon_core::{
    Action, Name,
    containment::Subject,
    resource::{Direction, Each, Latency, Measured, Signal, VerdictRate, Watched},
};

use crate::{
    ended::{End, Ended, Found, Try},
    window::Sample,
};

/// What a call means to a signal; nothing where it says nothing. `tried` is the model that it is asked about, where the trigger
/// watches models.
pub(crate) fn sample(signal: &Signal, ended: &Ended, tried: Option<&Try>) -> Option<Sample> {
    let says = match (ended.end, signal) {
        (End::Contained, _) => false,
        // Who leaves before the last word of an answer takes what was found in it along: it counts. What was not found yet says nothing.
        (End::Unknown, Signal::VerdictRate(rate)) => is_found(rate, ended),
        (End::Unknown, _) => false,
        // A throttle that a trigger has set would keep itself up.
        (End::Limited(_), Signal::RefusalRate(rate)) => !rate.codes.is_empty(),
        (End::Limited(_), _) => false,
        _ => true,
    };
    if !says {
        return None;
    }
    let both = |bad| Sample { bad, unclear: bad };
    match signal {
        Signal::ErrorRate(_) => match tried {
            Some(tried) => Some(both(tried.failed)),
            // Where every target was passed over none was tried, and the call has failed all the same.
            None => {
                let failed = ended.end == End::Failed;
                (failed || !ended.tries.is_empty()).then(|| both(failed))
            }
        },
        Signal::RefusalRate(rate) => Some(both(match ended.end {
            End::Limited(code) => rate.codes.contains(&code),
            End::Refused(code) => {
                rate.codes.is_empty() || code.is_some_and(|code| rate.codes.contains(&code))
            }
            _ => false,
        })),
        Signal::VerdictRate(rate) => {
            let found = !ended.request.is_empty() || !ended.answer.is_empty();
            (found || !ended.tries.is_empty()).then(|| both(is_found(rate, ended)))
        }
        Signal::Breaker(_) | Signal::Budget(_) => None,
        Signal::Latency(latency) => {
            let answered = matches!(ended.end, End::Answered | End::Failed) && !ended.tries.is_empty();
            answered.then(|| slow(latency, ended, tried))
        }
    }
}

fn is_found(rate: &VerdictRate, ended: &Ended) -> bool {
    let counts = |found: &Found| {
        found.iter().any(|(category, action)| {
            *action >= rate.action.max(Action::Flag)
                && rate.category.as_ref().is_none_or(|wanted| wanted.covers(category))
        })
    };
    match rate.direction {
        Some(Direction::Request) => counts(&ended.request),
        Some(Direction::Answer) => counts(&ended.answer),
        None => counts(&ended.request) || counts(&ended.answer),
    }
}

fn slow(latency: &Latency, ended: &Ended, tried: Option<&Try>) -> Sample {
    let (total, first_byte) =
        tried.map_or((ended.total, ended.first_byte), |tried| (tried.total, tried.first_byte));
    let took = match latency.of {
        Measured::Total => total,
        // What never began to answer took all of its time.
        Measured::FirstByte => first_byte.unwrap_or(total),
    };
    let above = |millis: u64| took > millis.saturating_mul(1000);
    let bad = above(latency.above.as_millis());
    Sample { bad, unclear: bad || above(latency.clear().as_millis()) }
}

/// Whether a trigger watches a call, but for the models that it went to.
pub(crate) fn watches(on: &Watched, ended: &Ended) -> bool {
    let is = |wanted: &Option<Name>, known: Option<&Name>| wanted.is_none() || wanted.as_ref() == known;
    is(&on.route, ended.route.as_ref())
        && is(&on.system, ended.system.as_ref())
        && is(&on.principal, Some(&ended.principal))
}

/// Whether a trigger watches calls by the models that they went to.
pub(crate) fn by_model(on: &Watched, each: Option<Each>) -> bool {
    on.model.is_some() || on.service.is_some() || matches!(each, Some(Each::Model | Each::Service))
}

/// The models of a call that a trigger watches: all that were tried where failures are counted or times, else the last one.
pub(crate) fn tried<'a>(
    on: &'a Watched,
    signal: &Signal,
    ended: &'a Ended,
) -> impl Iterator<Item = &'a Try> + use<'a> {
    let skipped = match signal {
        Signal::ErrorRate(_) | Signal::Latency(_) => 0,
        _ => ended.tries.len().saturating_sub(1),
    };
    ended.tries.iter().skip(skipped).filter(|tried| {
        on.model.as_ref().is_none_or(|model| *model == tried.model)
            && on.service.as_ref().is_none_or(|service| *service == tried.service)
    })
}

/// Which of those that are watched one by one a call is of; nothing where it is of none.
pub(crate) fn subject(each: Each, ended: &Ended, tried: Option<&Try>) -> Option<Subject> {
    Some(match each {
        Each::Key => Subject::Key(ended.key),
        Each::Model => Subject::Model(tried?.model.clone()),
        Each::Principal => Subject::Principal(ended.principal.clone()),
        Each::Route => Subject::Route(ended.route.clone()?),
        Each::Service => Subject::Service(tried?.service.clone()),
        Each::System => Subject::System(ended.system.clone()?),
    })
}
