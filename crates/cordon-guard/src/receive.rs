//! The body of a call, within the limits of its caller: a route's are known only once the body is.

use bytes::Bytes;
use cordon_core::Refusal;
use cordon_policy::Limits;
use http_body::Body;

use crate::{
    admit::{body_bound, limited},
    body::{self, BodyLimits},
    call::{Call, Known},
    pipeline::Inner,
    quarantine,
    record::CallRecord,
};

impl Inner {
    /// Lets a known caller in under its own limits, which it gives, and takes the call's body.
    ///
    /// # Errors
    /// When the caller is quarantined, a limit refuses, or the body is not taken; of a body that is not taken whole `cut_off` is
    /// told: what comes after it on the connection could be anything.
    pub(crate) async fn receive<B>(
        &self,
        call: &Call<Known>,
        body: B,
        record: &mut CallRecord,
        cut_off: impl FnOnce(),
    ) -> Result<(Bytes, Limits), Refusal>
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        quarantine::caller(call.snapshot.quarantined(), call.stage.identity())?;
        let limits = call.snapshot.caller_limits(&limited(call.stage.identity()));
        self.limits.admit(&limits, &mut record.counting, call.time).await?;
        let max_bytes = body_bound(&limits, self.options.max_body_bytes);
        let bounds = BodyLimits { max_bytes, total: self.options.body_timeout, ..BodyLimits::default() };
        let received = body::collect(call.stage.headers(), std::pin::pin!(body), &bounds).await;
        let bytes = received.map_err(|error| {
            cut_off();
            Refusal::new(error.code(), error.to_string())
        })?;
        record.end.timings.receive = record.micros();
        record.marks.received = Some(record.end.timings.receive);
        record.describe(|opened| opened.request_bytes = bytes.len() as u64);
        Ok((bytes, limits))
    }
}
