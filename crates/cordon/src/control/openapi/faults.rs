//! The kinds of problem that endpoints answer with, as the document tells them. `type` is `urn:cordon:problem:` and the
//! word.

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::control) struct Fault {
    /// The HTTP status.
    pub(in crate::control) status: u16,
    /// The word that never changes.
    pub(in crate::control) word: &'static str,
    /// When it happens.
    pub(in crate::control) when: &'static str,
}

macro_rules! faults {
    ($($name:ident = $status:literal, $word:literal, $when:literal;)*) => {
        $(pub(in crate::control) const $name: Fault = Fault { status: $status, word: $word, when: $when };)*
    };
}
faults! {
    CURSOR = 422, "cursor", "the cursor is of another list, of other parameters or of another log; help: begin again without one";
    MALFORMED = 400, "malformed", "a parameter, an id in the path or the body cannot be read";
    UNAUTHENTICATED = 401, "unauthenticated", "nobody is signed in, or the token or password is wrong or has ended";
    CSRF = 403, "csrf", "a session's cookie without the header `Cordon-Csrf`, or with another session's";
    DISABLED = 403, "disabled", "the person may not sign in";
    FORBIDDEN = 403, "forbidden", "the role does not include it";
    NO_PERSON = 403, "no_person", "it needs a person with a password here";
    OTHER_ORIGIN = 403, "other_origin", "the request comes from a page of another site";
    PERSON_NEEDED = 403, "person_needed", "content is read by people with a name, not by the administrator's token";
    SESSION_NEEDED = 403, "session_needed", "it needs a session, not a token";
    NOT_FOUND = 404, "not_found", "it does not exist";
    NOT_KEPT = 404, "not_kept", "nothing was kept of this call";
    ANSWERED = 409, "answered", "it was done under this key, and the answer is not kept";
    ALTERED = 409, "altered", "what is kept is not what was recorded";
    CROWDED = 409, "crowded", "others changed it at the same time, again and again; another try makes sense";
    FORGOTTEN = 409, "forgotten", "the person was forgotten";
    IN_USE = 409, "in_use", "others still need it";
    LOCKED = 409, "locked", "the key that opens it is not there";
    ONESELF = 409, "oneself", "nobody changes their own rights";
    PENDING = 409, "pending", "it is not there yet; another try makes sense";
    REFUSED = 409, "refused", "the state does not allow it now";
    TAKEN = 409, "taken", "somebody has it already";
    TOO_MANY = 409, "too_many", "there are too many already";
    UNDERWAY = 409, "underway", "the same request under this key is still being answered; another try makes sense";
    GONE = 410, "gone", "it was erased, or has expired";
    TOO_LARGE = 413, "too_large", "the body is larger than the server reads";
    MEDIA_TYPE = 415, "media_type", "the body is not sent as `application/json`";
    IDEMPOTENCY_KEY = 422, "idempotency_key", "another request was sent under this key";
    INVALID = 422, "invalid", "what was sent cannot be applied; `problems` lists everything that is wrong";
    PASSWORD = 422, "password", "the password is too short, too long or easily guessed";
    SLOW_DOWN = 429, "slow_down", "too many attempts; `retry_after` says when another one makes sense";
}
