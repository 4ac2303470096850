//! How a route works at the moment, and what that means for a call (`mode` of the route).

use cordon_core::{Refusal, RefusalCode, resource::RouteMode};
use cordon_policy::{Quarantined, RouteEntry};

use crate::{operation::Asked, quarantine};

/// Whether a route takes a request now: nothing of it is out of use, nor a tool that the request offers, and it is in a mode
/// that takes it.
///
/// # Errors
/// When it does not.
pub(crate) fn opens(out: &Quarantined, route: &RouteEntry, request: &Asked) -> Result<(), Refusal> {
    quarantine::route(out, route)?;
    quarantine::tools(out, request)?;
    admits(route, request)
}

/// Whether a route takes a request in its mode.
///
/// # Errors
/// When it is off, or is in safe mode and the request offers tools.
pub(crate) fn admits(route: &RouteEntry, request: &Asked) -> Result<(), Refusal> {
    match route.mode {
        RouteMode::Normal | RouteMode::Degraded => Ok(()),
        RouteMode::Safe if request.offers_tools() => {
            Err(Refusal::new(RefusalCode::ToolsRefused, "the route is in safe mode").param("tools"))
        }
        RouteMode::Safe => Ok(()),
        RouteMode::Off => is_on(route),
    }
}

/// Whether a route is on.
///
/// # Errors
/// When its mode is `off`.
pub(crate) fn is_on(route: &RouteEntry) -> Result<(), Refusal> {
    match route.mode {
        RouteMode::Off => Err(Refusal::new(RefusalCode::RouteOff, "the route is off")
            .said(route.off_message.clone())
            .retry_after(OFF_RETRY_AFTER)),
        RouteMode::Normal | RouteMode::Degraded | RouteMode::Safe => Ok(()),
    }
}

/// When a caller of a route that is off may ask again, in seconds: nobody knows, and often makes no sense.
const OFF_RETRY_AFTER: u32 = 60;
